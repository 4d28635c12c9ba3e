"""Supervision: whom to talk about, what was agreed and what came of it, what is being learnt; a client on one page."""

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.audit import record_event, record_events
from accounts.forms import SubmissionForm, carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import StaleVersion, sent_before, write_once
from accounts.models import User
from clients.models import Episode

from . import actions, selectors, states
from .agenda import waiting_in_words
from .forms import BringForm, DayForm, ItemForm, NotesForm, PlanForm, StepEditForm, StepForm, TargetEditForm, TargetForm
from .models import Meeting

# --- What a page is about, or 404 -----------------------------------------------------------------------


def visible_meeting(request: SignedInRequest, meeting_id: uuid.UUID) -> Any:
    meeting = selectors.meeting_of(request.user, meeting_id)
    if meeting is None:
        raise Http404
    return meeting


def held_meeting(request: SignedInRequest, meeting_id: uuid.UUID) -> Meeting:
    meeting: Meeting = visible_meeting(request, meeting_id)
    actions.check_holds(request.user, meeting)
    return meeting


def visible_person(request: SignedInRequest, person_id: uuid.UUID) -> User:
    person = selectors.person_in_supervision(request.user, person_id)
    if person is None:
        raise Http404
    return person


def visible_episode(request: SignedInRequest, episode_id: uuid.UUID) -> Episode:
    episode = selectors.episode_in_supervision(request.user, episode_id)
    if episode is None:
        raise Http404
    return episode


def page_of(meeting: Meeting) -> str:
    return reverse("supervision:meeting", args=[meeting.pk])


def page_of_person(person: User) -> str:
    return reverse("supervision:therapist", args=[person.pk])


# --- Reading --------------------------------------------------------------------------------------------


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
    targets = selectors.targets_told(request.user, person)
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
        "other": meeting.supervisor if is_own else meeting.therapist,
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
        "form": SubmissionForm(),
        "kept": request.session.pop("kept", ""),
    }
    return render(request, "supervision/meeting.html", context)


@require_GET
def pack(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = visible_episode(request, episode_id)
    record_event(
        "supervision-pack.viewed",
        episode,
        organisation_id=episode.organisation_id,
        client_id=episode.client_id,
        by=request.user,
    )
    found = selectors.pack_of(request.user, episode)
    today = request.user.organisation.today
    context = {"pack": found, "episode": episode, "state": found.state, "today": today}
    return render(request, "supervision/pack.html", context)


def record_shown(request: SignedInRequest, found: list[Episode], *meetings: Meeting) -> None:
    """Which meeting was opened and whose reasons were shown, an event each, in one query."""
    subjects: list[tuple[Model, uuid.UUID | None]] = [(meeting, None) for meeting in meetings]
    subjects += [(episode, episode.client_id) for episode in found]
    if subjects:
        organisation = request.user.organisation_id
        record_events("supervision.viewed", subjects, organisation_id=organisation, by=request.user)


# --- Forms: shown, refused, saved, or beside what somebody else saved meanwhile --------------------------


def filled_in(
    request: SignedInRequest,
    form: forms.Form,
    write: Callable[[], str],
    *,
    cancel: str,
    title: str,
    keep: str,
    save: str = "Save",
    again: Callable[[Any], forms.Form] | None = None,
    **shown: object,
) -> HttpResponse:
    context = {"form": form, "title": title, "save": save, "cancel_url": cancel, "keep": keep, **shown}
    if request.method == "POST":
        try:
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        except StaleVersion as conflict:
            assert again is not None
            saved = again(conflict.current)
            typed = {name: value for name, value in form.cleaned_data.items() if name != "submission"}
            fresh = again(conflict.current)
            fresh.initial = {**fresh.initial, **as_initial(typed), "version": conflict.current.version}
            context |= {"form": fresh, "saved": told(saved)}
            return render(request, "supervision/conflict.html", context, status=409)
        if location:
            request.session["kept"] = keep
            return redirect(location)
    return form_page(request, "supervision/form.html", context)


def as_initial(typed: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value.pk) if isinstance(value, User) else value for name, value in typed.items()}


def told(form: forms.Form) -> list[tuple[str, str]]:
    """What a form holds, a line a field, for somebody who compares."""
    lines = []
    for field in form.visible_fields():
        value = field.initial
        choices = dict(getattr(field.field, "choices", []))
        words = "yes" if value is True else "no" if value is False else choices.get(value, value)
        lines.append((str(field.label), str(words)))
    return lines


# --- Meetings -------------------------------------------------------------------------------------------


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


def done(request: SignedInRequest, write: Callable[[], str], back: str) -> HttpResponse:
    """A button: carried out once, or what is in the way."""
    location = sent_before(request.POST, by=request.user)
    if location is None:
        try:
            location = write_once(request.POST, write, by=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            location = back
    return redirect(location)


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


# --- The agenda -----------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def bring(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """A client for the next meeting: by the therapist with one of their supervisors, or by a supervisor."""
    episode = visible_episode(request, episode_id)
    user, is_own = request.user, episode.therapist_id == request.user.pk
    found = list(selectors.supervisors_now(episode.therapist)) if is_own else [user]
    if not found:
        raise PermissionDenied(
            "Nobody supervises you at present, so there is no agenda. Your administrator records it."
        )
    waits = {item.supervisor_id: item for item in selectors.waiting_items(user, episode.therapist)
             if item.episode_id == episode.pk}  # fmt: skip
    if request.method == "GET" and all(one.pk in waits for one in found):
        return redirect("supervision:item", waits[found[0].pk].pk)
    several = selectors.supervisors_now(episode.therapist) if len(found) > 1 else None
    form = BringForm(request.POST or None, supervisors=several)

    def write() -> str:
        values = {"supervisor": found[0]} | form.values
        actions.put_on_agenda(episode=episode, by=user, **values)
        messages.success(request, f"{episode.client.code} is on the agenda of the next meeting.")
        return page_of_person(episode.therapist) + "#agenda"

    return filled_in(
        request,
        form,
        write,
        cancel=page_of_person(episode.therapist),
        title=f"{'Bring' if is_own else 'Put'} {episode.client.code} {'to supervision' if is_own else 'on the agenda'}",
        keep=f"bring-{episode.pk}",
        save="Put it on the agenda",
    )


@require_http_methods(["GET", "POST"])
def item(request: SignedInRequest, item_id: uuid.UUID) -> HttpResponse:
    """The line of what waits changed, or taken off the agenda."""
    item = selectors.item_of(request.user, item_id)
    if item is None:
        raise Http404
    actions.check_one_of_the_two(request.user, item.supervisor, item.therapist)
    back = page_of_person(item.therapist) + "#agenda"
    if not item.waits and request.method == "GET":
        return redirect(back)
    if request.POST.get("do") == "off":

        def off() -> str:
            actions.take_off_agenda(item=item, by=request.user)
            messages.success(request, f"{item.episode.client.code} is off the agenda.")
            return back

        return done(request, off, back)
    form = ItemForm(request.POST or None, initial=ItemForm.values_of(item))

    def write() -> str:
        actions.change_item(item=item, by=request.user, **form.values)
        messages.success(request, "The line is changed.")
        return back

    return filled_in(
        request,
        form,
        write,
        cancel=back,
        title=f"{item.episode.client.code} on the agenda",
        keep=f"item-{item.pk}",
        again=lambda current: ItemForm(initial=ItemForm.values_of(current)),
        can_take_off=True,
    )


# --- Next steps -----------------------------------------------------------------------------------------


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


# --- Learning targets -----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def target_create(request: SignedInRequest, person_id: uuid.UUID) -> HttpResponse:
    person = visible_person(request, person_id)
    form = TargetForm(request.POST or None, today=request.user.organisation.today)

    def write() -> str:
        actions.set_target(therapist=person, by=request.user, **form.values)
        messages.success(request, "The learning target is set. Practice is counted from the record.")
        return page_of_person(person) + "#targets"

    whose = "you" if person.pk == request.user.pk else person.name
    return filled_in(
        request,
        form,
        write,
        cancel=page_of_person(person),
        title=f"A learning target for {whose}",
        keep=f"target-{person.pk}",
        save="Set it",
        intro="Set it together. Practice is counted from what is noted anyway; nobody has to write anything twice.",
    )


@require_http_methods(["GET", "POST"])
def target_edit(request: SignedInRequest, target_id: uuid.UUID) -> HttpResponse:
    target = selectors.target_of(request.user, target_id)
    if target is None:
        raise Http404
    form = TargetEditForm(request.POST or None, initial=TargetEditForm.values_of(target))
    back = page_of_person(target.therapist) + "#targets"

    def write() -> str:
        actions.change_target(target=target, by=request.user, **form.values)
        messages.success(request, "The learning target is changed.")
        return back

    return filled_in(
        request,
        form,
        write,
        cancel=back,
        title=", ".join(target.code_words),
        keep=f"target-{target.pk}",
        again=lambda current: TargetEditForm(initial=TargetEditForm.values_of(current)),
    )
