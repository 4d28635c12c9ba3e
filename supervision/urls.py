from django.urls import path

from . import views

app_name = "supervision"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("people/<uuid:person_id>/", views.therapist, name="therapist"),
    path("people/<uuid:person_id>/meetings/new/", views.meeting_create, name="meeting-create"),
    path("people/<uuid:person_id>/targets/new/", views.target_create, name="target-create"),
    path("meetings/<uuid:meeting_id>/", views.meeting, name="meeting"),
    path("meetings/<uuid:meeting_id>/day/", views.meeting_edit, name="meeting-edit"),
    path("meetings/<uuid:meeting_id>/move/<slug:to>/", views.meeting_move, name="meeting-move"),
    path("meetings/<uuid:meeting_id>/notes/", views.meeting_notes, name="meeting-notes"),
    path("meetings/<uuid:meeting_id>/discussed/<uuid:episode_id>/", views.discuss, name="discuss"),
    path("meetings/<uuid:meeting_id>/steps/new/", views.step_create, name="step-create"),
    path("steps/<uuid:step_id>/", views.step_edit, name="step-edit"),
    path("items/<uuid:item_id>/", views.item, name="item"),
    path("targets/<uuid:target_id>/", views.target_edit, name="target-edit"),
    path("episodes/<uuid:episode_id>/bring/", views.bring, name="bring"),
    path("episodes/<uuid:episode_id>/pack/", views.pack, name="pack"),
]
