from django.urls import path

from . import views

app_name = "ruptures"
urlpatterns = [
    path("signals/<uuid:signal_id>/confirm/", views.signal_confirm, name="signal-confirm"),
    path("signals/<uuid:signal_id>/dismiss/", views.signal_dismiss, name="signal-dismiss"),
]
