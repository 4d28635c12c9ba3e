from django.urls import path

from . import views

app_name = "sessions_app"
urlpatterns = [
    path("today/", views.today, name="today"),
    path("episodes/<uuid:episode_id>/log/", views.session_log, name="session-log"),
    path("episodes/<uuid:episode_id>/log/draft/", views.log_draft, name="log-draft"),
    path("episodes/<uuid:episode_id>/log/discard/", views.log_discard, name="log-discard"),
    path("sessions/<uuid:session_id>/", views.session, name="session"),
    path("sessions/<uuid:session_id>/edit/", views.session_edit, name="session-edit"),
]
