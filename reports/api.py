import uuid

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import ApiView
from accounts.api.schema import REFUSALS, refusals
from accounts.audit import record_event
from measures import catalogue
from measures import selectors as measures

from . import selectors
from .fhir import bundle_of

MEDIA_TYPE = "application/fhir+json"


class FhirRenderer(JSONRenderer):
    media_type = MEDIA_TYPE
    format = "fhir"


class RatingAsFhir(ApiView):
    """A rating as a FHIR R4B Bundle, as it is downloaded beside the rating; docs/fhir.md says what stands where."""

    pages = {"GET": "reports:rating-fhir"}
    renderer_classes = [FhirRenderer, JSONRenderer]

    @extend_schema(responses={(200, MEDIA_TYPE): OpenApiTypes.OBJECT, **refusals(REFUSALS)})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        self.query()
        rating = measures.rating_to_see(self.user, pk)
        if rating is None:
            raise Http404
        bundle = bundle_of(selectors.completed_rating(rating), catalogue.known([rating.instrument])[rating.instrument])
        record_event(
            "rating.exported",
            rating,
            organisation_id=rating.organisation_id,
            client_id=rating.session.episode.client_id,
            by=self.user,
            fields=["fhir"],
        )
        return Response(bundle, content_type=MEDIA_TYPE)
