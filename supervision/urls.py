from django.urls import path

from .views import agenda, meetings, pages, targets

app_name = "supervision"
urlpatterns = [
    path("", pages.overview, name="overview"),
    path("people/<uuid:person_id>/", pages.therapist, name="therapist"),
    path("people/<uuid:person_id>/meetings/new/", meetings.meeting_create, name="meeting-create"),
    path("people/<uuid:person_id>/targets/new/", targets.target_create, name="target-create"),
    path("meetings/<uuid:meeting_id>/", pages.meeting, name="meeting"),
    path("meetings/<uuid:meeting_id>/day/", meetings.meeting_edit, name="meeting-edit"),
    path("meetings/<uuid:meeting_id>/move/<slug:to>/", meetings.meeting_move, name="meeting-move"),
    path("meetings/<uuid:meeting_id>/notes/", meetings.meeting_notes, name="meeting-notes"),
    path("meetings/<uuid:meeting_id>/discussed/<uuid:episode_id>/", meetings.discuss, name="discuss"),
    path("meetings/<uuid:meeting_id>/steps/new/", meetings.step_create, name="step-create"),
    path("steps/<uuid:step_id>/", meetings.step_edit, name="step-edit"),
    path("items/<uuid:item_id>/", agenda.item, name="item"),
    path("targets/<uuid:target_id>/", targets.target_edit, name="target-edit"),
    path("episodes/<uuid:episode_id>/bring/", agenda.bring, name="bring"),
    path("episodes/<uuid:episode_id>/pack/", pages.pack, name="pack"),
    path("episodes/<uuid:episode_id>/pack.pdf", pages.pack_report, name="pack-report"),
]
