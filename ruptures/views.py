"""What a therapist says of a signal; ruptures and what was tried about them; the state of a service's trends."""

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import check_own, may_write
from accounts.audit import record_event
from accounts.forms import SubmissionForm, carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import StaleVersion, write_once
from clients.models import Episode
from clients.selectors import episodes
from sessions_app.selectors import possible_strains

from . import actions, lifecycle, origins, selectors
from .actions import repair
from .aftermath import NO_COMPONENT, attempts_in_words
from .forms import AttemptEditForm, AttemptForm, DismissForm, RuptureEditForm, RuptureForm
from .models import RepairAttempt, Rupture, Signal
from .suggestions import opening


@require_POST
def signal_confirm(request: SignedInRequest, signal_id: uuid.UUID) -> HttpResponse:
    signal = visible_signal(request, signal_id)
    on_record = "It is on record as a rupture. Add what you saw, or what you tried about it."
    return answer(request, signal, lambda: actions.confirm_signal(signal=signal, by=request.user), on_record)


@require_POST
def signal_dismiss(request: SignedInRequest, signal_id: uuid.UUID) -> HttpResponse:
    signal = visible_signal(request, signal_id)
    reason = request.POST.get("reason", "")
    return answer(
        request,
        signal,
        lambda: actions.dismiss_signal(signal=signal, reason=reason, by=request.user),
        "Your answer is saved.",
    )


def visible_signal(request: SignedInRequest, signal_id: uuid.UUID) -> Signal:
    signal = selectors.signal_of(request.user, signal_id)
    if signal is None:
        raise Http404
    return signal


def answer(request: SignedInRequest, signal: Signal, work: Callable[[], None], done: str) -> HttpResponse:
    try:
        work()
        messages.success(request, done)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    if signal.rupture is not None and signal.rupture.is_open:
        return redirect("ruptures:rupture", signal.rupture_id)
    return redirect(reverse("dashboards:episode", args=[signal.session.episode_id]) + f"#signal-{signal.pk}")


# --- Ruptures -------------------------------------------------------------------------------------------

SAID = {
    lifecycle.CONFIRMED: "It is on record as a rupture.",
    lifecycle.IN_REPAIR: "It is open again.",
    lifecycle.RESOLVED: "It is on record as resolved.",
    lifecycle.DISMISSED: "Your answer is saved.",
}


def visible_rupture(request: SignedInRequest, rupture_id: uuid.UUID) -> Rupture:
    rupture = selectors.rupture_of(request.user, rupture_id)
    if rupture is None:
        raise Http404
    return rupture


def own_rupture(request: SignedInRequest, rupture_id: uuid.UUID) -> Rupture:
    rupture = visible_rupture(request, rupture_id)
    check_own(request.user, rupture.session.episode.responsible_id)
    return rupture


def record_viewed(request: SignedInRequest, rupture: Rupture) -> None:
    if request.method == "GET":
        record_event("rupture.viewed", rupture, by=request.user, **origins.about(rupture))


def page_of(rupture: Rupture) -> str:
    return reverse("ruptures:rupture", args=[rupture.pk])


@require_GET
def rupture(request: SignedInRequest, rupture_id: uuid.UUID) -> HttpResponse:
    rupture = visible_rupture(request, rupture_id)
    episode = rupture.session.episode
    record_viewed(request, rupture)
    followed = selectors.followed(rupture)
    attempts = list(rupture.attempts.all())
    said = attempts_in_words(followed, [attempt.session.number for attempt in attempts])
    context = {
        "rupture": rupture,
        "episode": episode,
        "may_write": may_write(request.user, episode.responsible_id),
        "followed": followed,
        "no_component": NO_COMPONENT,
        "attempts": [(attempt, said[attempt.session.number]) for attempt in attempts],
        "opening": opening(rupture.component),
        "form": SubmissionForm(),
        "kept": request.session.pop("kept", ""),
    }
    return render(request, "ruptures/rupture.html", context)


@require_http_methods(["GET", "POST"])
def rupture_create(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = get_object_or_404(episodes(request.user), pk=episode_id)
    check_own(request.user, episode.responsible_id)
    task = request.GET.get("task", "")
    initial = {"session": request.GET.get("session")} | strain_of(episode, task)
    form = RuptureForm(request.POST or None, sessions=episode.sessions.all(), initial=initial)

    def write() -> str:
        rupture = repair.note_rupture(by=request.user, **form.values)
        messages.success(request, "It is on record. Note here what is tried about it.")
        return page_of(rupture)

    return filled_in(request, form, write, episode, keep=f"rupture-{episode.pk}{task}", cancel=episode_page(episode))


def strain_of(episode: Episode, task_id: str) -> dict[str, Any]:
    """What a possible strain says already, where the page was opened from one."""
    for strain in possible_strains(episode) if task_id else []:
        if str(strain.task.pk) == task_id:
            way = f" In the way: {strain.got_in_the_way}" if strain.got_in_the_way else ""
            words = strain.sentence + way
            return {"session": strain.session.pk, "component": strain.component, "what_happened": words}
    return {}


@require_http_methods(["GET", "POST"])
def rupture_edit(request: SignedInRequest, rupture_id: uuid.UUID) -> HttpResponse:
    rupture = own_rupture(request, rupture_id)
    record_viewed(request, rupture)
    form = RuptureEditForm(request.POST or None, initial=RuptureEditForm.values_of(rupture))

    def write() -> str:
        repair.update_rupture(rupture=rupture, by=request.user, **form.values)
        messages.success(request, "Saved.")
        return page_of(rupture)

    def again(current: Rupture) -> forms.Form:
        return RuptureEditForm(initial=typed_in(form, current))

    return filled_in(
        request,
        form,
        write,
        rupture.session.episode,
        keep=f"edit-{rupture.pk}",
        cancel=page_of(rupture),
        again=again,
        rupture=rupture,
    )


@require_http_methods(["GET", "POST"])
def attempt_create(request: SignedInRequest, rupture_id: uuid.UUID) -> HttpResponse:
    rupture = own_rupture(request, rupture_id)
    record_viewed(request, rupture)
    form = AttemptForm(request.POST or None, sessions=selectors.sessions_for_attempts(rupture))

    def write() -> str:
        repair.add_attempt(rupture=rupture, by=request.user, **form.values)
        messages.success(request, "It is on record. What the next ratings say about it appears here.")
        return page_of(rupture)

    return filled_in(
        request,
        form,
        write,
        rupture.session.episode,
        keep=f"attempt-{rupture.pk}",
        cancel=page_of(rupture),
        rupture=rupture,
    )


@require_http_methods(["GET", "POST"])
def attempt_edit(request: SignedInRequest, attempt_id: uuid.UUID) -> HttpResponse:
    attempt = selectors.attempt_of(request.user, attempt_id)
    if attempt is None:
        raise Http404
    rupture = attempt.rupture
    check_own(request.user, rupture.session.episode.responsible_id)
    record_viewed(request, rupture)
    sessions = selectors.sessions_for_attempts(rupture)
    form = AttemptEditForm(request.POST or None, initial=AttemptEditForm.values_of(attempt), sessions=sessions)

    def write() -> str:
        repair.update_attempt(attempt=attempt, by=request.user, **form.values)
        messages.success(request, "Saved.")
        return page_of(rupture)

    def again(current: RepairAttempt) -> forms.Form:
        return AttemptEditForm(initial=typed_in(form, current), sessions=sessions)

    return filled_in(
        request,
        form,
        write,
        rupture.session.episode,
        keep=f"edit-{attempt.pk}",
        cancel=page_of(rupture),
        again=again,
        rupture=rupture,
        attempt=attempt,
    )


def typed_in(form: forms.Form, current: Rupture | RepairAttempt) -> dict[str, Any]:
    """What was typed, to be saved over what is saved now by whoever has seen both."""
    return {name: value for name, value in form.cleaned_data.items() if name != "submission"} | {
        "version": current.version
    }


def filled_in(
    request: SignedInRequest,
    form: forms.Form,
    write: Callable[[], str],
    episode: Episode,
    *,
    keep: str,
    cancel: str,
    again: Callable[[Any], forms.Form] | None = None,
    **shown: object,
) -> HttpResponse:
    """A form of a rupture or an attempt: shown, refused, saved, or beside what somebody else saved meanwhile."""
    context = {"form": form, "episode": episode, "keep": keep, "cancel_url": cancel, **shown}
    if request.method == "POST":
        try:
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        except StaleVersion as conflict:
            assert again is not None
            context |= {"form": again(conflict.current), "current": conflict.current}
            return render(request, "ruptures/conflict.html", context, status=409)
        if location:
            request.session["kept"] = keep
            return redirect(location)
    return form_page(request, "ruptures/form.html", context)


@require_http_methods(["GET", "POST"])
def rupture_change(request: SignedInRequest, rupture_id: uuid.UUID, to: str) -> HttpResponse:
    """Another state, after it was said in words what that means."""
    if to not in SAID:
        raise Http404
    rupture = own_rupture(request, rupture_id)
    record_viewed(request, rupture)
    form_of = DismissForm if to == lifecycle.DISMISSED else SubmissionForm
    form = form_of(request.POST if request.method == "POST" else None)
    if request.method == "POST":

        def write() -> str:
            repair.change_state(rupture=rupture, to=to, by=request.user, reason=form.cleaned_data.get("reason", ""))
            messages.success(request, SAID[to])
            return page_of(rupture)

        try:
            location = write_once(request.POST, write, by=request.user) if form.is_valid() else None
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            location = page_of(rupture)
        if location:
            return redirect(location)
    elif to not in rupture.ways:
        return redirect("ruptures:rupture", rupture.pk)
    context = {"form": form, "to": to, "rupture": rupture, "episode": rupture.session.episode}
    return form_page(request, "ruptures/change.html", context | {"followed": selectors.followed(rupture)})


def episode_page(episode: Episode) -> str:
    return reverse("dashboards:episode", args=[episode.pk])


# --- The trends of a service ----------------------------------------------------------------------------


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
    return {"state": selectors.trend_state(request.user)}


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
