"""Reports as PDF, made while their reader waits. Whoever may see the page may have its report."""

import uuid
from datetime import datetime

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from accounts.audit import record_event
from accounts.http import SignedInRequest

from ..printed import client, service
from ..printed.document import Document
from ..printed.typeset import pdf_of
from . import record_view, visible_episode
from .service import asked_of


@require_GET
def client_report(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """?instrument= as on the episode page."""
    episode = visible_episode(request, episode_id)
    record_view(request, episode, "client-report.made")
    instrument = request.GET.get("instrument", "")
    at = timezone.localtime(timezone=request.user.organisation.zone)
    report = client.client_report(request.user, episode, instrument=instrument, at=at)
    return pdf_file(report, f"client-{episode.client.code}-{at:%Y-%m-%d}.pdf", at=at)


@require_GET
def service_report(request: SignedInRequest) -> HttpResponse:
    """?period= and ?modality= as on the service's page."""
    chosen, summary = asked_of(request)
    organisation = request.user.organisation
    record_event("service-report.made", organisation, organisation_id=organisation.pk, by=request.user)
    at = timezone.localtime(timezone=organisation.zone)
    report = service.service_report(request.user, chosen, summary, at=at)
    of = "-".join(filter(None, [chosen.period, chosen.modality]))
    return pdf_file(report, f"service-{of}-{at:%Y-%m-%d}.pdf", at=at)


def pdf_file(report: Document, name: str, *, at: datetime) -> HttpResponse:
    response = HttpResponse(pdf_of(report, at=at), content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
