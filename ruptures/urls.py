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
]
