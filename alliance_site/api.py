"""Every address of the API."""

from django.urls import path
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView

from accounts.api import ApiView
from clients import api as clients
from measures import api as measures
from reports import api as reports
from ruptures import api as ruptures
from sessions_app import api as sessions


class Description(ApiView, SpectacularAPIView):
    """The API described for programs: OpenAPI 3 as JSON."""

    pages = {"GET": "account"}
    renderer_classes = [OpenApiJsonRenderer]

    @extend_schema(exclude=True)
    def get(self, request, *args, **kwargs):  # type: ignore[no-untyped-def]
        self.query()
        return SpectacularAPIView.get(self, request, *args, **kwargs)


app_name = "api"
urlpatterns = [
    path("schema", Description.as_view(), name="schema"),
    path("clients", clients.ClientList.as_view(), name="client-list"),
    path("clients/<uuid:pk>", clients.ClientDetail.as_view(), name="client"),
    path("episodes", clients.EpisodeList.as_view(), name="episode-list"),
    path("episodes/<uuid:pk>", clients.EpisodeDetail.as_view(), name="episode"),
    path("episodes/<uuid:pk>/sessions", sessions.SessionLog.as_view(), name="session-log"),
    path("sessions", sessions.SessionList.as_view(), name="session-list"),
    path("sessions/<uuid:pk>", sessions.SessionDetail.as_view(), name="session"),
    path("sessions/<uuid:pk>/ratings", measures.SessionRatings.as_view(), name="session-ratings"),
    path("sessions/<uuid:pk>/rating-requests", measures.SessionRatingRequests.as_view(), name="session-requests"),
    path("ratings", measures.RatingList.as_view(), name="rating-list"),
    path("ratings/<uuid:pk>", measures.RatingDetail.as_view(), name="rating"),
    path("ratings/<uuid:pk>/fhir", reports.RatingAsFhir.as_view(), name="rating-fhir"),
    path("rating-requests", measures.RatingRequestList.as_view(), name="rating-request-list"),
    path("rating-requests/<uuid:pk>", measures.RatingRequestDetail.as_view(), name="rating-request"),
    path("trends", measures.TrendList.as_view(), name="trend-list"),
    path("trends/<uuid:pk>", measures.TrendDetail.as_view(), name="trend"),
    path("signals", ruptures.SignalList.as_view(), name="signal-list"),
    path("signals/<uuid:pk>", ruptures.SignalDetail.as_view(), name="signal"),
    path("signals/<uuid:pk>/answer", ruptures.SignalAnswer.as_view(), name="signal-answer"),
    path("ruptures", ruptures.RuptureList.as_view(), name="rupture-list"),
    path("ruptures/<uuid:pk>", ruptures.RuptureDetail.as_view(), name="rupture"),
    path("ruptures/<uuid:pk>/state", ruptures.RuptureState.as_view(), name="rupture-state"),
]
