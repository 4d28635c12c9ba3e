from django.urls import path

from . import views
from .views import log, process_notes

app_name = "sessions_app"
urlpatterns = [
    path("today/", views.today, name="today"),
    path("episodes/<uuid:episode_id>/log/", log.session_log, name="session-log"),
    path("episodes/<uuid:episode_id>/log/draft/", log.log_draft, name="log-draft"),
    path("episodes/<uuid:episode_id>/log/discard/", log.log_discard, name="log-discard"),
    path("sessions/<uuid:session_id>/", views.session, name="session"),
    path("sessions/<uuid:session_id>/edit/", views.session_edit, name="session-edit"),
    path("sessions/<uuid:session_id>/core-conditions/", views.core_conditions, name="core-conditions"),
    path("episodes/<uuid:episode_id>/process-notes/", process_notes.process_notes, name="process-notes"),
    path(
        "episodes/<uuid:episode_id>/process-notes/new/", process_notes.process_note_create, name="process-note-create"
    ),
    path("process-notes/<uuid:note_id>/", process_notes.process_note_edit, name="process-note-edit"),
    path("process-notes/<uuid:note_id>/delete/", process_notes.process_note_delete, name="process-note-delete"),
]
