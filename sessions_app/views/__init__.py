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
from accounts.mail import what_is_missing
from clients.actions import StaleVersion
from measures import actions as measures
from measures import catalogue, mail, schedule
from measures import selectors as ratings
from measures.actions.comments import deliver_comments
from measures.forms import OwnRatings, own_choices
from measures.models import Rating, RatingRequest
from measures.risk import of_the_past
from measures.views import link_of, qr_of
from measures.views.risk import SESSION, TODAY, notices_now, notices_of_episode
from measures.views.risk import record_viewed as record_risk_viewed
from ruptures.selectors import new_signals, open_repairs, ruptures_in

from .. import actions, selectors
from ..actions.process_notes import may_write_about
from ..forms import ConditionsForm, EditForm
from ..models import TherapySession


@require_GET
def today(request: SignedInRequest) -> HttpResponse:
    risk = notices_now(request, back=TODAY)
    record_risk_viewed(request, risk.open)
    context = {
        "risk": risk,
        "today": ratings.today(request.user),
        "signals": new_signals(request.user),
        "ruptures": open_repairs(request.user),
        "covers": accounts.covers_around(request.user),
    }
    return render(request, "sessions_app/today.html", context)


def save_own_ratings(session: TherapySession, own: OwnRatings, request: SignedInRequest) -> None:
    """An untouched rating is none; one that says what the saved one says writes nothing."""
    if own.left_out:
        messages.warning(request, "Something that was on the page is not rated here any more; it was left out.")
    for form in own.forms:
        same = form.saved and {str(number): answer for number, answer in form.answers.items()} == form.saved
        if form.is_answered and not same:
            code = form.edition.instrument
            measures.submit_rating(
                session=session,
                instrument=code,
                rater="therapist",
                answers=form.answers,
                wording_id=own.wording_ids[code],
                by=request.user,
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
    writes = may_write(request.user, session.episode.responsible_id)
    record_viewed(session, request)
    shown = ratings.session_ratings(session)
    requests = list(ratings.open_requests_with_mails(session))
    asked = {open_request.instrument for open_request in requests}
    asking = schedule.asking(session, rated=shown.rated, asked=asked)
    risk = notices_of_episode(request, session.episode, back=SESSION)
    if is_own and writes:
        unread = [rating for rating in shown.shown if rating.has_comment and not hasattr(rating, "follow_up")]
        deliver_comments(ratings=unread, by=request.user)
    context = {
        "risk": risk,
        "risk_settled": [notice for notice in risk.settled if notice.answer.rating.session_id == session.pk],
        "risk_of_the_past": of_the_past(shown.shown),
        "session": session,
        "episode": session.episode,
        "is_own": is_own,
        "may_write": writes,
        "ratings": ratings.described(shown.shown, reader=request.user, courses=ratings.courses_until(session)),
        "is_sealed": shown.is_sealed,
        "ruptures": ruptures_in(session),
        "wanted": asking.lines,
        "others": asking.others,
        "process_notes": selectors.count_notes_about(request.user, session),
        "writes_process_notes": may_write_about(request.user, session.episode),
        "mail_missing": what_is_missing(),
        "kept": request.session.pop("kept", ""),
        **conditions_context(request, session),
    }
    if writes and session.took_place:
        context["links"] = links(request, requests, asking.lines)
        open_now = [link["name"] for link in context["links"]]
        context["can_hand_over"] = list(dict.fromkeys([*open_now, *asking.names_for_client]))
    return render(request, "sessions_app/session.html", context)


def conditions_context(request: SignedInRequest, session: TherapySession) -> dict[str, Any]:
    """Everybody's ratings of the core conditions, and one's own as a form."""
    given = selectors.conditions_of(session)
    mine = next((row for row in given if row.rated_by_id == request.user.pk), None)
    names = ("congruence", "regard", "empathy")
    return {
        "conditions": given,
        "may_rate_conditions": actions.conditions_rater(request.user, session.episode) is not None,
        "conditions_form": ConditionsForm(initial={name: getattr(mine, name) for name in names} if mine else {}),
    }


@require_http_methods(["GET", "POST"])
def core_conditions(request: SignedInRequest, session_id: uuid.UUID) -> HttpResponse:
    """One's own rating of the core conditions, by itself; on the session's page it is folded."""
    session = get_object_or_404(selectors.sessions(request.user), pk=session_id)
    context = conditions_context(request, session)
    if not context["may_rate_conditions"]:
        raise PermissionDenied("Only the therapist of a session and their supervisor can rate it.")
    form = context["conditions_form"]
    if request.method == "POST":
        form = ConditionsForm(request.POST)

        def write() -> str:
            actions.rate_conditions(session=session, **form.values, by=request.user)
            return reverse("sessions_app:session", args=[session.pk]) + "#conditions"

        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            messages.success(request, "The core conditions are saved.")
            return redirect(location)
    else:
        record_viewed(session, request)
    context |= {
        "form": form,
        "session": session,
        "episode": session.episode,
        "is_own": may_write(request.user, session.episode.responsible_id),
    }
    return form_page(request, "sessions_app/core_conditions.html", context)


def links(request: HttpRequest, requests: list[RatingRequest], wanted: list[schedule.Wanted]) -> list[dict[str, Any]]:
    """The open links with what each leads on to, and with their e-mails."""
    shown = []
    for open_request in requests:
        link = link_of(request, open_request)
        if link:
            code = open_request.instrument
            is_before = any(line.entry.is_before for line in wanted if line.entry.instrument == code)
            then = [line.name for line in wanted if line.can_follow(code, is_before=is_before)]
            known = {"mails": open_request.mails, "why_not": mail.why_not(open_request)}
            name = catalogue.known([code])[code].name
            shown.append(
                {"request": open_request, "link": link, "qr": qr_of(link), "name": name, "then": then, **known}
            )
    return shown


@require_http_methods(["GET", "POST"])
def session_edit(request: SignedInRequest, session_id: uuid.UUID) -> HttpResponse:
    session = get_object_or_404(selectors.sessions(request.user), pk=session_id)
    check_own(request.user, session.episode.responsible_id)
    if request.method != "POST":
        record_viewed(session, request)
    fields = ("number", "held_on", "attendance", "format", "note", "next_time", "version")
    form = EditForm(request.POST or None, initial={name: getattr(session, name) for name in fields})
    saved = own_ratings(session)
    codes = [entry.instrument for entry in schedule.owed_by(session) if entry.rater == "therapist"]
    own = OwnRatings(request.POST or None, codes=list(dict.fromkeys([*codes, *saved])), saved=saved)
    is_sent = request.method == "POST" and all([form.is_valid(), own.is_valid()])
    # On a page that is out of date nobody emptied a rating: it was not there yet.
    if is_sent and form.cleaned_data["version"] == session.version:
        for one in own.forms:
            if one.is_emptied:
                one.add_error(None, "A saved rating can be corrected, but not emptied. Give at least one answer.")
    if is_sent and own.is_valid():

        def write() -> str:
            changed = measures.change_session(session=session, by=request.user, **form.values)
            save_own_ratings(changed, own, request)
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


def own_ratings(session: TherapySession) -> dict[str, Rating]:
    """The therapist's own ratings of a session by instrument, those that are off left out."""
    on = own_choices()
    shown = ratings.session_ratings(session).shown
    return {rating.instrument: rating for rating in shown if rating.rater == "therapist" and rating.instrument in on}


def conflict_page(
    request: SignedInRequest, form: EditForm, own: OwnRatings, current: TherapySession, session: TherapySession
) -> HttpResponse:
    """Both texts side by side. Nothing is overwritten: saving again says which one the person means."""
    typed = {**form.data.dict(), "version": current.version}  # type: ignore[attr-defined]
    again = EditForm(initial={name: typed.get(name, "") for name in form.fields if name != "submission"})
    saved = own_ratings(current)
    codes = [one.edition.instrument for one in own.forms]
    if saved and not any(one.is_answered for one in own.forms):
        own = OwnRatings(codes=codes, saved=saved)  # untouched where it was opened: that takes nothing back
    cancel_url = reverse("sessions_app:session", args=[session.pk])
    context = {
        "form": again,
        "own": own,
        "current": current,
        "saved": ratings.described(list(saved.values()), reader=request.user),
        "episode": session.episode,
        "cancel_url": cancel_url,
    }
    return render(request, "sessions_app/session_conflict.html", context, status=409)
