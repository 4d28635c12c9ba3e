import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts import selectors as accounts
from accounts.access import check_own, may_write
from accounts.audit import record_event
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import write_once
from clients.actions import StaleVersion
from clients.selectors import episodes
from measures import actions as measures
from measures import instruments
from measures import selectors as ratings
from measures.forms import RatingForm
from measures.risk import of_the_past
from measures.views import link_of, qr_of
from measures.views.risk import SESSION, TODAY, notices_now, notices_of_episode
from measures.views.risk import record_viewed as record_risk_viewed
from ruptures.selectors import new_signals

from . import actions, selectors
from .forms import EditForm, LogForm
from .models import TherapySession

OWN_INSTRUMENT = "session-check-in"


@require_GET
def today(request: SignedInRequest) -> HttpResponse:
    risk = notices_now(request, back=TODAY)
    record_risk_viewed(request, risk.open)
    context = {
        "risk": risk,
        "today": ratings.today(request.user),
        "signals": new_signals(request.user),
        "covers": accounts.covers_around(request.user),
    }
    return render(request, "sessions_app/today.html", context)


@require_http_methods(["GET", "POST"])
def session_log(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = get_object_or_404(episodes(request.user), pk=episode_id)
    check_own(request.user, episode.responsible_id)
    if not episode.is_open:
        raise PermissionDenied("This episode has ended.")
    form = LogForm(request.POST or None, initial={"number": actions.next_number(episode)})
    own = RatingForm(request.POST or None, edition=instruments.edition(OWN_INSTRUMENT, "therapist"))
    if request.method == "POST":

        def write() -> str:
            values = form.values
            wants_link = values.pop("wants_link")
            session = actions.log_session(episode=episode, **values, by=request.user)
            save_own_rating(session, own, request)
            if wants_link and session.took_place:
                measures.request_rating(session=session, instrument=OWN_INSTRUMENT, by=request.user)
            return reverse("sessions_app:session", args=[session.pk])

        # Both are asked: a mistake in one must not hide a mistake in the other.
        if all([form.is_valid(), own.is_valid()]):
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
            if location:
                request.session["kept"] = f"log-{episode.pk}"
                messages.success(request, f"Session {form.cleaned_data['number']} is saved.")
                return redirect(location)
    cancel_url = reverse("dashboards:episode", args=[episode.pk])
    context = {
        "form": form,
        "own": own,
        "episode": episode,
        "is_own": episode.therapist_id == request.user.pk,
        "cancel_url": cancel_url,
    }
    return form_page(request, "sessions_app/session_log.html", context)


def save_own_rating(session: TherapySession, own: RatingForm, request: SignedInRequest) -> None:
    """An untouched rating is none; one that says what the saved one says writes nothing."""
    same = own.saved and {str(number): answer for number, answer in own.answers.items()} == own.saved
    if own.is_answered and not same:
        measures.submit_rating(
            session=session, instrument=OWN_INSTRUMENT, rater="therapist", answers=own.answers, by=request.user
        )


def record_viewed(session: TherapySession, request: SignedInRequest) -> None:
    record_event(
        "session.viewed",
        session,
        organisation_id=session.organisation_id,
        client_id=session.episode.client_id,
        by=request.user,
    )


@require_GET
def session(request: SignedInRequest, session_id: uuid.UUID) -> HttpResponse:
    session = get_object_or_404(selectors.sessions(request.user), pk=session_id)
    writes = may_write(request.user, session.episode.responsible_id)
    record_viewed(session, request)
    shown = ratings.session_ratings(session)
    risk = notices_of_episode(request, session.episode, back=SESSION)
    context = {
        "risk": risk,
        "risk_settled": [notice for notice in risk.settled if notice.answer.rating.session_id == session.pk],
        "risk_of_the_past": of_the_past(shown.shown),
        "session": session,
        "episode": session.episode,
        "is_own": session.episode.therapist_id == request.user.pk,
        "may_write": writes,
        "ratings": ratings.described(shown.shown),
        "is_sealed": shown.is_sealed,
        "links": links(request, session) if writes else [],
        "choices": ratings.instruments_to_ask(session) if writes and session.took_place else [],
        "kept": request.session.pop("kept", ""),
    }
    return render(request, "sessions_app/session.html", context)


def links(request: HttpRequest, session: TherapySession) -> list[dict[str, Any]]:
    shown = []
    for open_request in ratings.open_requests(session):
        link = link_of(request, open_request)
        if link:
            name = instruments.instruments()[open_request.instrument].name
            shown.append({"request": open_request, "link": link, "qr": qr_of(link), "name": name})
    return shown


@require_http_methods(["GET", "POST"])
def session_edit(request: SignedInRequest, session_id: uuid.UUID) -> HttpResponse:
    session = get_object_or_404(selectors.sessions(request.user), pk=session_id)
    check_own(request.user, session.episode.responsible_id)
    if request.method != "POST":
        record_viewed(session, request)
    fields = ("number", "held_on", "attendance", "format", "note", "version")
    form = EditForm(request.POST or None, initial={name: getattr(session, name) for name in fields})
    saved = ratings.session_ratings(session).by("therapist", OWN_INSTRUMENT)
    own = RatingForm(request.POST or None, edition=instruments.edition(OWN_INSTRUMENT, "therapist"), rating=saved)
    is_sent = request.method == "POST" and all([form.is_valid(), own.is_valid()])
    # On a page that is out of date nobody emptied a rating: it was not there yet.
    if is_sent and own.is_emptied and form.cleaned_data["version"] == session.version:
        own.add_error(None, "A saved rating can be corrected, but not emptied. Give at least one answer.")
    if is_sent and own.is_valid():

        def write() -> str:
            changed = measures.change_session(session=session, by=request.user, **form.values)
            save_own_rating(changed, own, request)
            return reverse("sessions_app:session", args=[session.pk])

        try:
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        except StaleVersion as conflict:
            return conflict_page(request, form, own, conflict.current, session)
        if location:
            request.session["kept"] = f"edit-{session.pk}"
            messages.success(request, "Saved.")
            return redirect(location)
    cancel_url = reverse("sessions_app:session", args=[session.pk])
    context = {
        "form": form,
        "own": own,
        "session": session,
        "episode": session.episode,
        "is_own": session.episode.therapist_id == request.user.pk,
        "cancel_url": cancel_url,
    }
    return form_page(request, "sessions_app/session_edit.html", context)


def conflict_page(
    request: HttpRequest, form: EditForm, own: RatingForm, current: TherapySession, session: TherapySession
) -> HttpResponse:
    """Both texts side by side. Nothing is overwritten: saving again says which one the person means."""
    typed = {**form.data.dict(), "version": current.version}  # type: ignore[attr-defined]
    again = EditForm(initial={name: typed.get(name, "") for name in form.fields if name != "submission"})
    saved = ratings.session_ratings(current).by("therapist", OWN_INSTRUMENT)
    if saved and not own.is_answered:
        own = RatingForm(edition=own.edition, rating=saved)  # untouched where it was opened: that takes nothing back
    cancel_url = reverse("sessions_app:session", args=[session.pk])
    context = {
        "form": again,
        "own": own,
        "current": current,
        "saved": ratings.described([saved])[0] if saved else None,
        "episode": session.episode,
        "cancel_url": cancel_url,
    }
    return render(request, "sessions_app/session_conflict.html", context, status=409)
