"""How the service is doing: summaries that a job has worked out, for supervisors and administrators; method notes."""

from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from rest_framework.request import Request

from accounts.http import SignedInRequest
from accounts.models import User

from .. import actions, methods
from .. import service_figures as drawn
from ..models import ServiceSummary
from ..selectors import service as selectors
from ..service_periods import ALL
from . import FigureView

# A row needs its room: how many rows a frame of this height has at most.
HEIGHTS = {6: "", 12: "tall", drawn.MOST_ROWS: "taller"}


def asked_of(request: SignedInRequest | Request) -> tuple[selectors.Choices, ServiceSummary | None]:
    """?period= and ?modality= of those there are, and their summary. Raises Http404 for others."""
    user = cast(User, request.user)
    asked = {"period": request.GET.get("period", ALL), "modality": request.GET.get("modality", "")}
    chosen = selectors.choices(user, **asked)
    if chosen is None:
        raise Http404
    return chosen, selectors.summary_of(user, **asked)


@require_GET
def service(request: SignedInRequest) -> HttpResponse:
    chosen, summary = asked_of(request)
    charts = selectors.charts_of(request.user, summary, chosen) if summary else []
    context: dict[str, Any] = {
        "chosen": chosen,
        "query": urlencode({"period": chosen.period, "modality": chosen.modality}),
        "summary": summary,
        "charts": [{"shown": chart, "note": methods.NOTES[chart.key], "height": height_of(chart)} for chart in charts],
        "has_any": any(chart.table for chart in charts),
        "state": selectors.run_state(request.user),
    }
    return render(request, "dashboards/service.html", context)


def height_of(chart: Any) -> str:
    if chart.key in {"alliance", "retention"}:
        return "tall"
    if chart.key in {"completeness", "ruptures", "returns", "content", "lag"}:
        return "short"
    rows = len(chart.table.rows) if chart.key == "therapists" and chart.table else 0
    return next((height for most, height in HEIGHTS.items() if rows <= most), HEIGHTS[drawn.MOST_ROWS])


@require_GET
def service_progress(request: SignedInRequest) -> HttpResponse:
    """The part of the page that renews itself while the summaries are being worked out; then the whole page does."""
    state = selectors.run_state(request.user)
    response = render(request, "dashboards/_service_run.html", {"state": state})
    response["X-Record"] = str(request.user.organisation_id)
    if not state.is_under_way:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def service_work_out(request: SignedInRequest) -> HttpResponse:
    actions.work_out_now(by=request.user)
    messages.success(request, "It is being worked out. You can leave this page; it goes on without you.")
    return redirect("dashboards:service")


@require_GET
def method_notes(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboards/methods.html", {"groups": methods.GROUPS})


class ServiceFigure(FigureView):
    """?period= and ?modality= as on the page. What the page does not show is not found."""

    def get(self, request: Request, chart: str) -> HttpResponseBase:
        chosen, summary = asked_of(request)
        if summary is None:
            raise Http404
        figure = selectors.figure_of(cast(User, request.user), summary, chosen, chart)
        if figure is None:
            raise Http404
        return self.answer(request, figure)
