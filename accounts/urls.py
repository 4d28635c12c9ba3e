from django.urls import path

from . import views

app_name = "accounts"
urlpatterns = [
    path("people/", views.person_list, name="person-list"),
    path("people/new/", views.person_create, name="person-create"),
    path("people/<uuid:person_id>/", views.person_edit, name="person-edit"),
    path("people/<uuid:person_id>/password-link/", views.person_password_link, name="person-password-link"),
    path("people/supervision/", views.supervision_start, name="supervision-start"),
    path("people/supervision/<uuid:supervision_id>/end/", views.supervision_end, name="supervision-end"),
    path("people/cover/", views.person_cover_start, name="person-cover-start"),
    path("people/cover/<uuid:cover_id>/end/", views.person_cover_end, name="person-cover-end"),
    path("account/cover/", views.cover_start, name="cover-start"),
    path("account/cover/<uuid:cover_id>/end/", views.cover_end, name="cover-end"),
    path("account/tokens/", views.token_list, name="token-list"),
    path("account/tokens/<uuid:token_id>/revoke/", views.token_revoke, name="token-revoke"),
    path("service/", views.organisation_edit, name="organisation-edit"),
    path("welcome/<uuid:person_id>/<str:token>/", views.choose_password, name="choose-password"),
]
