import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import check_own
from accounts.audit import record_event
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import write_once
from clients.actions import StaleVersion
from clients.models import Episode
from clients.selectors import episodes
from measures import actions as measures
from measures import instruments
from measures import selectors as ratings
from measures.forms import RatingForm
from measures.views import link_of, qr_of
from ruptures.selectors import new_signals

from . import actions, selectors
from .forms import MOST_TYPED, EditForm, LogForm, differences, initial_of, typed_of
from .models import LogDraft, TherapySession

OWN_INSTRUMENT = "session-check-in"


@require_GET
def today(request: SignedInRequest) -> HttpResponse:
    return render(
        request, "sessions_app/today.html", {"today": ratings.today(request.user), "signals": new_signals(request.user)}
    )


@require_http_methods(["GET", "POST"])
def session_log(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = own_open_episode(request, episode_id)
    draft = selectors.draft_of(request.user, episode)
    forms = log_forms(request, episode, draft)
    if request.method != "POST":
        return log_page(request, episode, forms, draft=draft, kept=request.session.pop("kept", ""))
    form, own = forms

    def write() -> str:
        values = form.values
        wants_link, _ = values.pop("wants_link"), values.pop("draft_version")
        session = actions.log_session(episode=episode, **values, by=request.user)
        save_own_rating(session, own, request)
        if wants_link and session.took_place:
            measures.request_rating(session=session, instrument=OWN_INSTRUMENT, by=request.user)
        actions.discard_draft(episode=episode, by=request.user)
        return reverse("sessions_app:session", args=[session.pk])

    # Both are asked: a mistake in one must not hide a mistake in the other.
    if all([form.is_valid(), own.is_valid()]):
        if draft and draft.version != form.cleaned_data["draft_version"] and draft.content != typed_of(request.POST):
            return log_conflict(request, episode, draft)
        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            request.session["kept"] = f"log-{episode.pk}"
            messages.success(request, f"Session {form.cleaned_data['number']} is saved.")
            return redirect(location)
    return log_page(request, episode, forms)


def own_open_episode(request: SignedInRequest, episode_id: uuid.UUID) -> Episode:
    episode = get_object_or_404(episodes(request.user), pk=episode_id)
    check_own(request.user, episode.therapist_id)
    if not episode.is_open:
        raise PermissionDenied("This episode has ended.")
    return episode


def log_forms(
    request: SignedInRequest, episode: Episode, draft: LogDraft | None, data: QueryDict | None = None
) -> tuple[LogForm, RatingForm]:
    """The log and the own rating: as posted, as the draft has them, or new."""
    sent = data or request.POST or None
    edition = instruments.edition(OWN_INSTRUMENT, "therapist")
    form = LogForm(sent, initial={"number": actions.next_number(episode)})
    own = RatingForm(sent, edition=edition)
    if draft is not None:
        form.initial.update(initial_of(draft.content, form), draft_version=draft.version)
        own.initial.update(initial_of(draft.content, own))
    return form, own


def log_page(
    request: SignedInRequest, episode: Episode, forms: tuple[LogForm, RatingForm], **more: Any
) -> HttpResponse:
    form, own = forms
    cancel_url = reverse("dashboards:episode", args=[episode.pk])
    context = {"form": form, "own": own, "episode": episode, "cancel_url": cancel_url, **more}
    return form_page(request, "sessions_app/session_log.html", context)


def log_conflict(request: SignedInRequest, episode: Episode, draft: LogDraft) -> HttpResponse:
    """What was typed here is still in the form; beside it what another tab or device kept. Saving again means this."""
    again = request.POST.copy()
    again["draft_version"] = str(draft.version)
    forms = log_forms(request, episode, None, data=again)
    rows = differences(forms, typed_of(request.POST), draft.content)
    response = log_page(request, episode, forms, other=draft, differences=rows)
    response.status_code = 409
    return response


@require_POST
def log_draft(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """Keep what is typed. 409 with both versions when another tab or device went on meanwhile."""
    episode = own_open_episode(request, episode_id)
    typed = typed_of(request.POST)
    if sum(len(value) for values in typed.values() for value in values) > MOST_TYPED:
        return HttpResponse("Too long to keep as a draft.", status=413, content_type="text/plain")
    version = request.POST.get("draft_version", "")
    try:
        draft = actions.save_draft(
            episode=episode, content=typed, version=int(version) if version.isdecimal() else 0, by=request.user
        )
    except StaleVersion as conflict:
        there = conflict.current
        rows = differences(log_forms(request, episode, None), typed, there.content if there else {})
        context = {"other": there, "differences": rows if there else [], "episode": episode}
        response = render(request, "sessions_app/_draft_conflict.html", context, status=409)
        response["X-Draft-Version"] = str(there.version if there else 0)
        return response
    return HttpResponse(status=204, headers={"X-Draft-Version": str(draft.version)})


@require_POST
def log_discard(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = own_open_episode(request, episode_id)
    actions.discard_draft(episode=episode, by=request.user)
    request.session["kept"] = f"log-{episode.pk}"
    messages.success(request, "The draft is thrown away.")
    return redirect("sessions_app:session-log", episode.pk)


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
    is_own = session.episode.therapist_id == request.user.pk
    record_viewed(session, request)
    shown = ratings.session_ratings(session)
    context = {
        "session": session,
        "episode": session.episode,
        "is_own": is_own,
        "ratings": ratings.described(shown.shown),
        "is_sealed": shown.is_sealed,
        "links": links(request, session) if is_own else [],
        "choices": ratings.instruments_to_ask(session) if is_own and session.took_place else [],
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
    check_own(request.user, session.episode.therapist_id)
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
    context = {"form": form, "own": own, "session": session, "episode": session.episode, "cancel_url": cancel_url}
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
