from django.urls import path

from . import views

app_name = "ruptures"
urlpatterns = [
    path("trends/", views.trends, name="trends"),
    path("trends/progress/", views.trends_progress, name="trends-progress"),
    path("trends/recompute/", views.recompute, name="recompute"),
    path("trends/try-again/", views.try_again, name="try-again"),
    path("signals/<uuid:signal_id>/confirm/", views.signal_confirm, name="signal-confirm"),
    path("signals/<uuid:signal_id>/dismiss/", views.signal_dismiss, name="signal-dismiss"),
    path("episodes/<uuid:episode_id>/ruptures/new/", views.rupture_create, name="rupture-create"),
    path("ruptures/<uuid:rupture_id>/", views.rupture, name="rupture"),
    path("ruptures/<uuid:rupture_id>/edit/", views.rupture_edit, name="rupture-edit"),
    path("ruptures/<uuid:rupture_id>/change/<slug:to>/", views.rupture_change, name="rupture-change"),
    path("ruptures/<uuid:rupture_id>/attempts/new/", views.attempt_create, name="attempt-create"),
    path("attempts/<uuid:attempt_id>/edit/", views.attempt_edit, name="attempt-edit"),
]
