"""Logging a session in one go, with a draft of it on every device until it is saved."""

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import check_own
from accounts.forms import carry_out
from accounts.http import SignedInRequest
from accounts.idempotency import StaleVersion, was_sent, write_once
from accounts.mail import what_is_missing
from clients.models import Episode
from clients.selectors import episodes, open_tasks
from measures import actions as measures
from measures import schedule
from measures.forms import OwnRatings, parts_of
from ruptures.actions import add_attempt, note_rupture
from ruptures.forms import LoggedAttemptForm, LoggedRuptureForm
from ruptures.selectors import open_ruptures

from .. import actions, selectors
from ..actions import drafts
from ..forms import HomeworkForm, LogForm
from ..forms.drafts import MOST_TYPED, differences, initial_of, typed_of, version_of
from ..models import Format, LogDraft, TherapySession
from . import save_own_ratings


@dataclass(frozen=True)
class Log:
    """The forms of the page. Each is asked: a mistake in one must not hide a mistake in another."""

    meeting: LogForm
    own: OwnRatings
    homework: HomeworkForm
    rupture: LoggedRuptureForm
    attempt: LoggedAttemptForm
    # The session whose line for this time is shown.
    line: TherapySession | None

    @property
    def forms(self) -> list[forms.BaseForm]:
        return [self.meeting, *self.own.forms, self.homework, self.rupture, self.attempt]

    def is_valid(self) -> bool:
        valid = [form.is_valid() for form in self.forms]
        if not all(valid):
            return False
        if self.attempt.is_touched and self.attempt.is_about_now and not self.rupture.is_noted:
            self.attempt.add_error("rupture", "Say above what was noticed today, or choose what this was about.")
        return not self.attempt.errors

    @property
    def has_errors(self) -> bool:
        return any(form.errors for form in self.forms)


@require_http_methods(["GET", "POST"])
def session_log(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = own_open_episode(request, episode_id)
    draft = selectors.draft_of(request.user, episode)
    if request.method != "POST":
        kept = request.session.pop("kept", "")
        return log_page(request, episode, log_of(request, episode, draft=draft), draft=draft, kept=kept)
    log = log_of(request, episode, data=request.POST)
    if log.is_valid():
        is_behind = draft is not None and draft.version != log.meeting.cleaned_data["draft_version"]
        if draft is not None and is_behind and draft.content != typed_of(request.POST):
            return log_conflict(request, episode, draft)

        def write() -> str:
            return save(request, episode, log)

        location = carry_out(log.meeting, lambda: write_once(request.POST, write, by=request.user))
        if location:
            request.session["kept"] = f"log-{episode.pk}"
            messages.success(request, f"Session {log.meeting.cleaned_data['number']} is saved.")
            return redirect(location)
    return log_page(request, episode, log)


def save(request: SignedInRequest, episode: Episode, log: Log) -> str:
    """Write everything the log says; where to go next."""
    values, by = log.meeting.values, request.user
    values.pop("draft_version")
    wants_link, by_mail = values.pop("wants_link", False), values.pop("by_mail", False)
    session = actions.log_session(episode=episode, **values, by=by)
    save_own_ratings(session, log.own, request)
    for task, outcome, way in log.homework.outcomes:
        actions.record_outcome(task=task, session=session, outcome=outcome, got_in_the_way=way, by=by)
    noted = note_rupture(session=session, **log.rupture.values, by=by) if log.rupture.is_noted else None
    if log.attempt.is_touched:
        about = noted if log.attempt.is_about_now else log.attempt.ruptures[log.attempt.cleaned_data["rupture"]]
        assert about is not None
        add_attempt(rupture=about, session=session, **log.attempt.values, by=by)
    if wants_link and session.took_place:
        link = measures.request_due(session=session, by=by)
        if by_mail and link is not None:
            measures.invite(request=link, by=by)
    drafts.discard_draft(episode=episode, by=by)
    return reverse("sessions_app:session", args=[session.pk])


def own_open_episode(request: SignedInRequest, episode_id: uuid.UUID) -> Episode:
    episode = get_object_or_404(episodes(request.user), pk=episode_id)
    check_own(request.user, episode.responsible_id)
    if not episode.is_open:
        raise PermissionDenied("This episode has ended.")
    return episode


def log_of(
    request: SignedInRequest, episode: Episode, *, data: QueryDict | None = None, draft: LogDraft | None = None
) -> Log:
    """The forms as they were sent, as the draft has them, or new: with the format of the session before."""
    before = list(episode.sessions.order_by("-number"))
    last = before[0] if before else None
    number = last.number + 1 if last else 1
    owed = schedule.owed_next(episode, number)
    can_mail = episode.client.wants_invitations and not what_is_missing()
    initial: dict[str, Any] = {"number": number}
    if last and last.format != Format.NOT_RECORDED:
        initial["format"] = last.format
    log = Log(
        meeting=LogForm(
            data,
            initial=initial,
            asked=schedule.names_to_ask(owed),
            mail_to=episode.client.email if can_mail else "",
        ),
        own=OwnRatings(data, codes=[entry.instrument for entry in owed if entry.rater == "therapist"]),
        homework=HomeworkForm(data, tasks=[task for task in open_tasks(episode) if task.takes_outcomes]),
        rupture=LoggedRuptureForm(data, prefix="rupture"),
        attempt=LoggedAttemptForm(data, prefix="repair", ruptures=open_ruptures(episode)),
        line=selectors.line_for_next(before),
    )
    if draft is not None:
        # Lines of a rating are known by their number: they are those of what the page held then.
        drafted = [parts_of(value)[0] for value in draft.content.get("own", [])]
        of_others = log.own.forms if drafted and drafted != list(log.own.wording_ids) else []
        for form in log.forms:
            if form not in of_others:
                form.initial.update(initial_of(draft.content, form))
        log.meeting.initial["draft_version"] = draft.version
    return log


def log_page(request: SignedInRequest, episode: Episode, log: Log, **more: Any) -> HttpResponse:
    context = {
        "log": log,
        "form": log.meeting,
        "own": log.own,
        "episode": episode,
        "is_own": episode.therapist_id == request.user.pk,
        "number": log.meeting["number"].value(),
        "line": log.line,
        "cancel_url": reverse("dashboards:episode", args=[episode.pk]),
        **more,
    }
    return render(request, "sessions_app/session_log.html", context, status=422 if log.has_errors else 200)


def log_conflict(request: SignedInRequest, episode: Episode, draft: LogDraft) -> HttpResponse:
    """What was typed here is still in the form; beside it what another tab or device kept. Saving again means this."""
    again = request.POST.copy()
    again["draft_version"] = str(draft.version)
    log = log_of(request, episode, data=again)
    rows = differences(log.forms, typed_of(request.POST), draft.content)
    response = log_page(request, episode, log, other=draft, differences=rows)
    response.status_code = 409
    return response


@require_POST
def log_draft(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """Keep what is typed. 409 with both versions when another tab or device went on meanwhile.

    What comes late, after the log itself was saved, is kept no more.
    """
    episode = own_open_episode(request, episode_id)
    if was_sent(request.POST, by=request.user):
        return HttpResponse(status=204, headers={"X-Draft-Version": "0"})
    typed = typed_of(request.POST)
    if sum(len(value) for values in typed.values() for value in values) > MOST_TYPED:
        return HttpResponse("Too long to keep as a draft.", status=413, content_type="text/plain")
    try:
        draft = drafts.save_draft(episode=episode, content=typed, version=version_of(request.POST), by=request.user)
    except StaleVersion as conflict:
        there = conflict.current
        rows = differences(log_of(request, episode).forms, typed, there.content) if there else []
        context = {"other": there, "differences": rows, "episode": episode}
        response = render(request, "sessions_app/_draft_conflict.html", context, status=409)
        response["X-Draft-Version"] = str(there.version if there else 0)
        return response
    return HttpResponse(status=204, headers={"X-Draft-Version": str(draft.version)})


@require_POST
def log_discard(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = own_open_episode(request, episode_id)
    drafts.discard_draft(episode=episode, by=request.user)
    request.session["kept"] = f"log-{episode.pk}"
    messages.success(request, "The draft is thrown away.")
    return redirect("sessions_app:session-log", episode.pk)
