from django.urls import path

from . import views
from . import views_of_sign_in as sign_in

app_name = "accounts"
urlpatterns = [
    path("people/", views.person_list, name="person-list"),
    path("people/new/", views.person_create, name="person-create"),
    path("people/<uuid:person_id>/", views.person_edit, name="person-edit"),
    path("people/<uuid:person_id>/password-link/", views.person_password_link, name="person-password-link"),
    path("people/supervision-and-cover/", views.supervision_list, name="supervision-list"),
    path("people/<uuid:person_id>/second-step/remove/", sign_in.second_factor_remove, name="second-factor-remove"),
    path("people/supervision/", views.supervision_start, name="supervision-start"),
    path("people/supervision/<uuid:supervision_id>/end/", views.supervision_end, name="supervision-end"),
    path("people/cover/", views.person_cover_start, name="person-cover-start"),
    path("people/cover/<uuid:cover_id>/end/", views.person_cover_end, name="person-cover-end"),
    path("account/cover/", views.cover_start, name="cover-start"),
    path("account/cover/<uuid:cover_id>/end/", views.cover_end, name="cover-end"),
    path("account/tokens/", views.token_list, name="token-list"),
    path("account/tokens/<uuid:token_id>/revoke/", views.token_revoke, name="token-revoke"),
    path("account/sessions/", sign_in.session_list, name="session-list"),
    path("account/sessions/<int:row_id>/end/", sign_in.session_end, name="session-end"),
    path("account/sessions/end-others/", sign_in.session_end_others, name="session-end-others"),
    path("account/session/left/", sign_in.session_left, name="session-left"),
    path("account/session/stay/", sign_in.session_stay, name="session-stay"),
    path("service/", views.organisation_edit, name="organisation-edit"),
    path("welcome/<uuid:person_id>/<str:token>/", views.choose_password, name="choose-password"),
]
