"""A meeting planned, held and finished; who was talked about in it, and the next steps."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import SignedInRequest

from .. import actions, selectors, states
from ..forms import DayForm, NotesForm, PlanForm, StepEditForm, StepForm
from .parts import done, filled_in, held_meeting, page_of, page_of_person, visible_episode, visible_person


@require_http_methods(["GET", "POST"])
def meeting_create(request: SignedInRequest, person_id: uuid.UUID) -> HttpResponse:
    person = visible_person(request, person_id)
    actions.check_supervises(request.user, person)
    form = PlanForm(request.POST or None)

    def write() -> str:
        meeting = actions.plan_meeting(therapist=person, by=request.user, **form.values)
        messages.success(request, "The meeting is planned. Its agenda fills itself until then.")
        return page_of(meeting)

    return filled_in(
        request,
        form,
        write,
        cancel=page_of_person(person),
        title=f"Plan a meeting with {person.name}",
        save="Plan it",
        keep=f"meeting-{person.pk}",
    )


@require_http_methods(["GET", "POST"])
def meeting_edit(request: SignedInRequest, meeting_id: uuid.UUID) -> HttpResponse:
    meeting = held_meeting(request, meeting_id)
    form = DayForm(request.POST or None, initial=DayForm.values_of(meeting))

    def write() -> str:
        actions.change_day(meeting=meeting, by=request.user, **form.values)
        messages.success(request, "The day is changed.")
        return page_of(meeting)

    return filled_in(
        request,
        form,
        write,
        cancel=page_of(meeting),
        title=f"Another day for the meeting with {meeting.therapist.name}",
        keep=f"day-{meeting.pk}",
        again=lambda current: DayForm(initial=DayForm.values_of(current)),
    )


MOVED = {
    states.UNDER_WAY: "The meeting is under way. Mark whom you talk about, and note next steps.",
    states.FINISHED: "The meeting is finished. Open it again if something is missing.",
    states.CALLED_OFF: "The meeting is called off. What waits, waits for the next one.",
    states.PLANNED: "The meeting is planned.",
}


@require_POST
def meeting_move(request: SignedInRequest, meeting_id: uuid.UUID, to: str) -> HttpResponse:
    meeting = held_meeting(request, meeting_id)
    if to not in states.MEETINGS:
        raise Http404

    def write() -> str:
        actions.move_meeting(meeting=meeting, to=to, by=request.user)
        messages.success(request, MOVED[to])
        return page_of(meeting)

    return done(request, write, page_of(meeting))


@require_http_methods(["GET", "POST"])
def meeting_notes(request: SignedInRequest, meeting_id: uuid.UUID) -> HttpResponse:
    meeting = held_meeting(request, meeting_id)
    if request.method == "GET" and not meeting.is_open:
        return redirect("supervision:meeting", meeting.pk)
    whose = {"therapist": meeting.therapist}
    form = NotesForm(request.POST or None, initial=NotesForm.values_of(meeting), **whose)

    def write() -> str:
        actions.write_notes(meeting=meeting, by=request.user, **form.values)
        messages.success(request, "The notes are saved.")
        return page_of(meeting)

    return filled_in(
        request,
        form,
        write,
        cancel=page_of(meeting),
        title=f"Notes of the meeting with {meeting.therapist.name}",
        keep=f"notes-{meeting.pk}",
        save="Save notes",
        again=lambda current: NotesForm(initial=NotesForm.values_of(current), **whose),
    )


@require_POST
def discuss(request: SignedInRequest, meeting_id: uuid.UUID, episode_id: uuid.UUID) -> HttpResponse:
    """Talked about in this meeting; with do=not, not after all."""
    meeting = held_meeting(request, meeting_id)
    episode = visible_episode(request, episode_id)

    def write() -> str:
        if request.POST.get("do") == "not":
            actions.take_back_discussed(meeting=meeting, episode=episode, by=request.user)
            messages.success(request, f"{episode.client.code} is on the agenda again.")
        else:
            told = selectors.told_of(episode, request.user)
            actions.discuss(meeting=meeting, episode=episode, told=told, by=request.user)
            messages.success(request, f"{episode.client.code} was talked about. What is the next step?")
        return page_of(meeting) + "#talked"

    return done(request, write, page_of(meeting))


@require_http_methods(["GET", "POST"])
def step_create(request: SignedInRequest, meeting_id: uuid.UUID) -> HttpResponse:
    meeting = held_meeting(request, meeting_id)
    if request.method == "GET" and not meeting.is_under_way:
        return redirect("supervision:meeting", meeting.pk)
    clients = [item.episode for item in selectors.items_of(meeting)]
    form = StepForm(
        request.POST or None,
        meeting=meeting,
        clients=clients,
        today=request.user.organisation.today,
        initial={"episode": request.GET.get("episode", "")},
    )

    def write() -> str:
        values = form.values
        episode = values["episode"]
        component = selectors.component_in_question(episode, request.user) if episode else ""
        actions.agree_step(meeting=meeting, component=component, by=request.user, **values)
        messages.success(request, "The next step is on record.")
        return page_of(meeting) + "#steps"

    return filled_in(
        request,
        form,
        write,
        cancel=page_of(meeting),
        title="A next step",
        keep=f"step-{meeting.pk}",
        save="Agree on it",
    )


@require_http_methods(["GET", "POST"])
def step_edit(request: SignedInRequest, step_id: uuid.UUID) -> HttpResponse:
    """How a step stands, and what came of it in words; beside it what the ratings say."""
    step = selectors.step_of(request.user, step_id)
    if step is None:
        raise Http404
    actions.check_one_of_the_two(request.user, step.meeting.supervisor, step.meeting.therapist)
    terms: dict[str, Any] = {"meeting": step.meeting, "today": request.user.organisation.today}
    form = StepEditForm(request.POST or None, initial=StepEditForm.values_of(step), **terms)
    back = page_of(step.meeting) + "#steps"

    def write() -> str:
        actions.change_step(step=step, by=request.user, **form.values)
        messages.success(request, "The next step is changed.")
        return back

    return filled_in(
        request,
        form,
        write,
        cancel=back,
        title="What came of it",
        keep=f"step-{step.pk}",
        again=lambda current: StepEditForm(initial=StepEditForm.values_of(current), **terms),
        followed=selectors.steps_told([step])[0],
    )
