"""Supervision: whom to talk about, what was agreed and what came of it, what is being learnt; a client on one page."""

import uuid
from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.audit import record_event, record_events
from accounts.http import SignedInRequest
from accounts.models import User
from clients.models import Episode
from dashboards.views.printed import pdf_file

from .. import printed, selectors
from ..agenda import waiting_in_words
from ..forms import NotesForm
from ..models import Meeting
from ..selectors import pack as packs
from ..selectors import targets as learning
from .parts import visible_episode, visible_meeting, visible_person


@require_GET
def overview(request: SignedInRequest) -> HttpResponse:
    """Whom a supervisor supervises and what waits; a therapist's own supervision."""
    if not request.user.is_supervisor:
        return therapist_page(request, request.user)
    found = selectors.overview_of(request.user)
    record_shown(request, [entry.subject.episode for pair in found.pairs for entry in pair.agenda])
    return render(request, "supervision/overview.html", {"pairs": found.pairs, "former": found.former})


@require_GET
def therapist(request: SignedInRequest, person_id: uuid.UUID) -> HttpResponse:
    return therapist_page(request, visible_person(request, person_id))


def therapist_page(request: SignedInRequest, person: User) -> HttpResponse:
    """Meetings, what waits for the next one, next steps and learning targets of one therapist."""
    is_own = person.pk == request.user.pk
    found = list(selectors.meetings(request.user).filter(therapist=person))
    steps = list(selectors.steps(request.user).filter(meeting__therapist=person))
    open_steps = [step for step in steps if step.is_open]
    settled = sorted((step for step in steps if not step.is_open), key=lambda step: step.due_on, reverse=True)
    told = {one.step.pk: one for one in selectors.steps_told([*open_steps, *settled[: selectors.SHOWN]])}
    targets = learning.targets_told(request.user, person)
    items = selectors.waiting_items(request.user, person)
    record_shown(request, [item.episode for item in items])
    context = {
        "person": person,
        "is_own": is_own,
        "supervisors": list(selectors.supervisors_now(person)),
        "coming": sorted((one for one in found if one.is_open), key=lambda one: one.held_on),
        "before": [one for one in found if not one.is_open][: selectors.SHOWN],
        "items": items,
        "open_steps": [told[step.pk] for step in open_steps],
        "settled_steps": [told[step.pk] for step in settled[: selectors.SHOWN]],
        "targets": targets,
        "open_targets": sum(one.target.is_open for one in targets),
        "may_write_steps": True,
        "kept": request.session.pop("kept", ""),
    }
    return render(request, "supervision/therapist.html", context)


@require_GET
def meeting(request: SignedInRequest, meeting_id: uuid.UUID) -> HttpResponse:
    return meeting_page(request, visible_meeting(request, meeting_id))


def meeting_page(request: SignedInRequest, meeting: Any) -> HttpResponse:
    """The agenda in the order of need, what was talked about, notes and next steps. Of what is over, what is left."""
    user = request.user
    is_own = user.pk == meeting.therapist_id
    is_current = is_own or (user.is_supervisor and meeting.is_current)
    holds = is_current and user.pk == meeting.supervisor_id
    items = selectors.items_between(user, meeting.supervisor, [meeting.therapist])
    agenda = []
    if meeting.is_open and is_current:
        by_therapist = selectors.agendas_of(user, items=items, therapists=[meeting.therapist], meeting=meeting)
        agenda = by_therapist.get(meeting.therapist_id, [])
    talked = selectors.talked_in(meeting, items)
    of_the_two = selectors.steps(user).filter(meeting__supervisor=meeting.supervisor_id)
    steps = [
        step
        for step in of_the_two.filter(meeting__therapist=meeting.therapist_id)
        if step.meeting_id == meeting.pk
        or (meeting.is_open and step.is_open and step.meeting.held_on <= meeting.held_on)
    ]
    told = selectors.steps_told(steps)
    on_the_page = [entry.subject.episode for entry in agenda] + [item.episode for item in talked]
    record_shown(request, on_the_page, meeting)
    context = {
        "meeting": meeting,
        "is_own": is_own,
        "is_current": is_current,
        "holds": holds,
        "agenda": agenda,
        "waiting": waiting_in_words(len(agenda), sum(entry.is_brought for entry in agenda)),
        "talked": talked,
        "notes": meeting.notes_for(user),
        "steps": [one for one in told if one.step.meeting_id == meeting.pk],
        "earlier_steps": [one for one in told if one.step.meeting_id != meeting.pk],
        "may_write_steps": is_current,
        "notes_form": NotesForm(initial=NotesForm.values_of(meeting), therapist=meeting.therapist),
        "new_key": uuid.uuid4,
        "kept": request.session.pop("kept", ""),
    }
    return render(request, "supervision/meeting.html", context)


@require_GET
def pack(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = visible_episode(request, episode_id)
    record_pack(request, episode, "supervision-pack.viewed")
    found = packs.pack_of(request.user, episode)
    today = request.user.organisation.today
    context = {"pack": found, "episode": episode, "state": found.state, "today": today}
    return render(request, "supervision/pack.html", context)


@require_GET
def pack_report(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """The pack as PDF, made while its reader waits."""
    episode = visible_episode(request, episode_id)
    record_pack(request, episode, "supervision-pack.made")
    found = packs.pack_of(request.user, episode)
    at = timezone.localtime(timezone=request.user.organisation.zone)
    report = printed.pack_report(request.user, episode, found, at=at)
    return pdf_file(report, f"supervision-{episode.client.code}-{at:%Y-%m-%d}.pdf", at=at)


def record_pack(request: SignedInRequest, episode: Episode, action: str) -> None:
    organisation, client = episode.organisation_id, episode.client_id
    record_event(action, episode, organisation_id=organisation, client_id=client, by=request.user)


def record_shown(request: SignedInRequest, found: list[Episode], *meetings: Meeting) -> None:
    """Which meeting was opened and whose reasons were shown, an event each, in one query."""
    subjects: list[tuple[Model, uuid.UUID | None]] = [(meeting, None) for meeting in meetings]
    subjects += [(episode, episode.client_id) for episode in found]
    if subjects:
        organisation = request.user.organisation_id
        record_events("supervision.viewed", subjects, organisation_id=organisation, by=request.user)
