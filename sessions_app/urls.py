from django.urls import path

from . import views

app_name = "sessions_app"
urlpatterns = [
    path("today/", views.today, name="today"),
    path("episodes/<uuid:episode_id>/log/", views.session_log, name="session-log"),
    path("sessions/<uuid:session_id>/", views.session, name="session"),
    path("sessions/<uuid:session_id>/edit/", views.session_edit, name="session-edit"),
    path("sessions/<uuid:session_id>/core-conditions/", views.core_conditions, name="core-conditions"),
]
