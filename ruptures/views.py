"""What a therapist says of a signal: a rupture, or none and why."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.http import SignedInRequest

from . import actions, selectors
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
