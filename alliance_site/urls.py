from allauth.account import views as allauth
from django.conf import settings
from django.urls import include, path

from accounts import views as accounts
from accounts import views_of_sign_in as sign_in
from dashboards import views as dashboards
from jobs import views as jobs

handler400 = "alliance_site.errors.bad_request"
handler403 = "alliance_site.errors.permission_denied"
handler404 = "alliance_site.errors.not_found"
handler500 = "alliance_site.errors.server_error"

urlpatterns = [
    path("", accounts.home, name="home"),
    path("sign-in/", allauth.login, name="account_login"),
    path("sign-in/second-step/", sign_in.second_step, name="mfa_authenticate"),
    path("sign-out/", allauth.logout, name="account_logout"),
    path("account/", accounts.account, name="account"),
    path("account/password/", allauth.password_change, name="account_change_password"),
    path("account/again/", sign_in.again_by_password, name="account_reauthenticate"),
    path("account/again/code/", sign_in.again_by_code, name="mfa_reauthenticate"),
    path("account/again/passkey/", sign_in.again_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("account/security/", sign_in.security, name="mfa_index"),
    path("account/security/app/", sign_in.set_up_app, name="mfa_activate_totp"),
    path("account/security/app/remove/", sign_in.remove_app, name="mfa_deactivate_totp"),
    path("account/security/codes/", sign_in.recovery_codes, name="mfa_view_recovery_codes"),
    path("account/security/codes/new/", sign_in.new_codes, name="mfa_generate_recovery_codes"),
    path("account/security/passkey/", sign_in.add_passkey, name="mfa_add_webauthn"),
    path("account/security/passkey/<int:pk>/remove/", sign_in.remove_passkey, name="mfa_remove_webauthn"),
    path("health/live", jobs.health, name="health"),
    path("health/ready", jobs.ready, name="ready"),
    path("metrics", jobs.metrics, name="metrics"),
    path("", include("accounts.urls")),
    path("", include("clients.urls")),
    path("", include("sessions_app.urls")),
    path("", include("measures.urls")),
    path("", include("ruptures.urls")),
    path("", include("dashboards.urls")),
    path("supervision/", include("supervision.urls")),
    path("", include("reports.urls")),
    path("administration/", include("administration.urls")),
    path("api/v1/", include("alliance_site.api")),
]
if settings.DEMO:
    urlpatterns += [
        path("gallery/", dashboards.gallery, name="gallery"),
        path("gallery/figure.json", dashboards.GalleryFigure.as_view(), name="gallery-figure"),
    ]
