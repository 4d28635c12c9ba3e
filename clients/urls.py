from django.urls import path

from .views import episodes

app_name = "clients"
urlpatterns = [
    path("clients/", episodes.client_list, name="client-list"),
    path("clients/new/", episodes.client_create, name="client-create"),
    path("clients/<uuid:client_id>/", episodes.client_edit, name="client-edit"),
    path("clients/<uuid:client_id>/episode/", episodes.episode_create, name="episode-create"),
    path("episodes/<uuid:episode_id>/end/", episodes.episode_end, name="episode-end"),
]
