from django.urls import path

from . import views

app_name = "clients"
urlpatterns = [
    path("clients/", views.client_list, name="client-list"),
    path("clients/new/", views.client_create, name="client-create"),
    path("clients/<uuid:client_id>/", views.client_edit, name="client-edit"),
    path("clients/<uuid:client_id>/episode/", views.episode_create, name="episode-create"),
    path("episodes/<uuid:episode_id>/end/", views.episode_end, name="episode-end"),
    path("episodes/<uuid:episode_id>/hand-over/", views.episode_hand_over, name="episode-hand-over"),
    path("people/<uuid:person_id>/episodes/", views.person_episodes, name="person-episodes"),
]
