from django.urls import path

from . import views
from .views import handover, risk

app_name = "measures"
urlpatterns = [
    path("sessions/<uuid:session_id>/link/", views.request_create, name="request-create"),
    path("sessions/<uuid:session_id>/show-rating/", views.rating_show, name="rating-show"),
    path("links/<uuid:request_id>/withdraw/", views.request_revoke, name="request-revoke"),
    path("episodes/<uuid:episode_id>/baseline/", views.baseline, name="baseline"),
    path("risk/", risk.risk_now, name="risk-now"),
    path("risk/<uuid:answer_id>/", risk.risk_answer, name="risk-answer"),
    path("episodes/<uuid:episode_id>/risk/", risk.risk_of_episode, name="risk-of-episode"),
    path("sessions/<uuid:session_id>/hand-over/", handover.hand_over, name="hand-over"),
    path("hand-back/", handover.hand_back, name="hand-back"),
    path("r/<str:token>", views.link, name="link"),
    path("rate/<uuid:request_id>/", views.rate, name="rate"),
    path("rate/<uuid:request_id>/thanks/", views.thanks, name="thanks"),
]
