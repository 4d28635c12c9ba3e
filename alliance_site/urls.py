from allauth.account import views as allauth
from django.conf import settings
from django.urls import include, path

from accounts import views as accounts
from dashboards import views as dashboards
from jobs import views as jobs

handler400 = "alliance_site.errors.bad_request"
handler403 = "alliance_site.errors.permission_denied"
handler404 = "alliance_site.errors.not_found"
handler500 = "alliance_site.errors.server_error"

urlpatterns = [
    path("", accounts.home, name="home"),
    path("sign-in/", allauth.login, name="account_login"),
    path("sign-out/", allauth.logout, name="account_logout"),
    path("account/", accounts.account, name="account"),
    path("account/password/", allauth.password_change, name="account_change_password"),
    path("health/live", jobs.health, name="health"),
    path("health/ready", jobs.ready, name="ready"),
    path("", include("accounts.urls")),
    path("", include("clients.urls")),
    path("", include("sessions_app.urls")),
    path("", include("measures.urls")),
    path("", include("ruptures.urls")),
    path("", include("dashboards.urls")),
    path("supervision/", include("supervision.urls")),
    path("", include("reports.urls")),
    path("api/v1/", include("alliance_site.api")),
]
if settings.DEMO:
    urlpatterns += [
        path("gallery/", dashboards.gallery, name="gallery"),
        path("gallery/figure.json", dashboards.GalleryFigure.as_view(), name="gallery-figure"),
    ]
