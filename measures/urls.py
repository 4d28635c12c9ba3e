from django.urls import path

from . import views
from .views import battery, comments, handover, instruments, invitations, paper, risk

app_name = "measures"
urlpatterns = [
    path("sessions/<uuid:session_id>/link/", views.request_create, name="request-create"),
    path("sessions/<uuid:session_id>/show-rating/", views.rating_show, name="rating-show"),
    path("ratings/<uuid:rating_id>/comment/", comments.comment, name="comment"),
    path("links/<uuid:request_id>/withdraw/", views.request_revoke, name="request-revoke"),
    path("links/<uuid:request_id>/send/", invitations.invitation_send, name="invitation-send"),
    path("episodes/<uuid:episode_id>/baseline/", views.baseline, name="baseline"),
    path("risk/", risk.risk_now, name="risk-now"),
    path("risk/<uuid:answer_id>/", risk.risk_answer, name="risk-answer"),
    path("episodes/<uuid:episode_id>/risk/", risk.risk_of_episode, name="risk-of-episode"),
    path("sessions/<uuid:session_id>/hand-over/", handover.hand_over, name="hand-over"),
    path("hand-back/", handover.hand_back, name="hand-back"),
    path("r/<str:token>", views.link, name="link"),
    path("rate/<uuid:request_id>/", views.rate, name="rate"),
    path("rate/<uuid:request_id>/thanks/", views.thanks, name="thanks"),
    path("stop/<str:token>", invitations.stop, name="stop"),
    path("rate/<uuid:request_id>/next/", views.rate_next, name="rate-next"),
    path("sessions/<uuid:session_id>/paper/", paper.paper, name="paper"),
    path("episodes/<uuid:episode_id>/battery/", battery.episode_battery, name="episode-battery"),
    path("battery/own/<uuid:override_id>/reset/", battery.episode_battery_reset, name="episode-battery-reset"),
    path("battery/", battery.battery, name="battery"),
    path("battery/remove/", battery.battery_remove, name="battery-remove"),
    path("battery/earlier/", battery.battery_move, name="battery-move"),
    path("instruments/", instruments.instrument_list, name="instrument-list"),
    path("instruments/<slug:code>/", instruments.instrument, name="instrument"),
    path("instruments/<slug:code>/switch/", instruments.instrument_switch, name="instrument-switch"),
    path("instruments/<slug:code>/licence/", instruments.licence_record, name="licence-record"),
    path("instruments/<slug:code>/wording/", instruments.wording_create, name="wording-create"),
    path("wordings/<uuid:wording_id>/withdraw/", instruments.wording_end, name="wording-end"),
]
