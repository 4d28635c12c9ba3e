"""What a therapist says of a signal: a rupture, or none and why; and the state of a service's trends."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.http import SignedInRequest
from measures.catalogue import known as known_instruments
from measures.statistics.rates import RATES
from measures.statistics.service_prior import MINIMUM_CLIENTS

from . import actions, selectors
from .detection import PRESETS
from .models import Signal


@require_POST
def signal_confirm(request: SignedInRequest, signal_id: uuid.UUID) -> HttpResponse:
    signal = visible_signal(request, signal_id)
    return answer(request, signal, lambda: actions.confirm_signal(signal=signal, by=request.user))


@require_POST
def signal_dismiss(request: SignedInRequest, signal_id: uuid.UUID) -> HttpResponse:
    signal = visible_signal(request, signal_id)
    reason = request.POST.get("reason", "")
    return answer(request, signal, lambda: actions.dismiss_signal(signal=signal, reason=reason, by=request.user))


def visible_signal(request: SignedInRequest, signal_id: uuid.UUID) -> Signal:
    signal = selectors.signal_of(request.user, signal_id)
    if signal is None:
        raise Http404
    return signal


def answer(request: SignedInRequest, signal: Signal, work: Callable[[], None]) -> HttpResponse:
    try:
        work()
        messages.success(request, "Your answer is saved.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(reverse("dashboards:episode", args=[signal.session.episode_id]) + f"#signal-{signal.pk}")


@require_GET
def trends(request: SignedInRequest) -> HttpResponse:
    return render(request, "ruptures/trends.html", trends_context(request))


@require_GET
def trends_progress(request: SignedInRequest) -> HttpResponse:
    """The part of the page that renews itself while trends are being computed."""
    response = render(request, "ruptures/_trends_body.html", trends_context(request))
    response["X-Record"] = str(request.user.organisation_id)
    return response


def trends_context(request: SignedInRequest) -> dict[str, object]:
    priors = selectors.priors_now(request.user)
    known = known_instruments(prior.instrument for prior in priors)
    return {
        "state": selectors.trend_state(request.user),
        "priors": [(known[prior.instrument].name, prior) for prior in priors],
        "needed": MINIMUM_CLIENTS,
        "rate": RATES[request.user.organisation.signal_rate],
        "preset": PRESETS.get(request.user.organisation.signal_preset),
    }


@require_POST
def recompute(request: SignedInRequest) -> HttpResponse:
    actions.recompute_all(by=request.user)
    messages.success(request, "All trends are being computed again. You can leave this page; it goes on without you.")
    return redirect("ruptures:trends")


@require_POST
def try_again(request: SignedInRequest) -> HttpResponse:
    count = actions.try_set_aside_again(by=request.user)
    words = "1 episode is" if count == 1 else f"{count} episodes are"
    messages.success(request, f"{words} being tried again.")
    return redirect("ruptures:trends")
