"""Meetings, agendas, next steps and learning targets: planned, put on, talked about, agreed, and what came of them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.access import supervised_by
from accounts.audit import changed_fields, record_event
from accounts.idempotency import StaleVersion, taken_means
from accounts.models import Supervision, User
from clients.models import Episode
from ruptures import vocabulary

from . import states
from .models import AgendaItem, LearningTarget, Meeting, NextStep
from .practice import VOCABULARY

Row = TypeVar("Row", Meeting, AgendaItem, NextStep, LearningTarget)
ALREADY_PLANNED = "There is a meeting of the two of you on this day already. Choose another day."
ALREADY_WAITS = "This client is on the agenda already. Open the agenda, and change what stands there."


class ChangedMeanwhile(ValidationError):
    """The row is no longer in the state from which this was meant."""

    def __init__(self) -> None:
        super().__init__("This stands differently meanwhile. Look at how it stands now.")


def check_supervises(user: User, therapist: User) -> None:
    """Whether this person supervises the therapist today. Raises PermissionDenied: 403."""
    if not supervised_by(user).filter(pk=therapist.pk).exists():
        raise PermissionDenied("Only who supervises this therapist now can change it.")


def check_one_of_the_two(user: User, supervisor: User, therapist: User) -> None:
    """The therapist, or their supervisor as long as they are. Raises PermissionDenied: 403."""
    if user.pk != therapist.pk:
        if user.pk != supervisor.pk:
            raise PermissionDenied("Only the two people of this supervision can change it.")
        check_supervises(user, therapist)


def of_people(row: Row) -> dict[str, Any]:
    """For an event about no client."""
    return {"organisation_id": row.organisation_id}


def of_client(row: AgendaItem | NextStep) -> dict[str, Any]:
    client_id = row.episode.client_id if row.episode is not None else None
    return {"organisation_id": row.organisation_id, "client_id": client_id}


def save_changed(row: Row, version: int, values: dict[str, Any]) -> list[str]:
    """Write what differs; the names of it. Raises StaleVersion when somebody saved the row after `version`."""
    names = changed_fields(row, values)
    for name in names:
        setattr(row, name, values[name])
    row.check_values()
    model = type(row)
    saved = model.objects.filter(pk=row.pk, version=version).update(
        version=F("version") + 1, **{name: values[name] for name in names}
    )
    if not saved:
        raise StaleVersion(model.objects.get(pk=row.pk))
    return names


# --- Meetings -------------------------------------------------------------------------------------------


@transaction.atomic
def plan_meeting(*, therapist: User, held_on: date, by: User) -> Meeting:
    """A meeting of this supervisor with a therapist; on a day that is past, one that was held.

    Raises ValidationError where there is one on that day.
    """
    check_supervises(by, therapist)
    meeting = Meeting(
        organisation_id=by.organisation_id, supervisor=by, therapist=therapist, held_on=held_on, created_by=by
    )
    meeting.check_values()
    with taken_means(ValidationError({"held_on": ALREADY_PLANNED})):
        meeting.save(force_insert=True)
    record_event("supervision.planned", meeting, by=by, **of_people(meeting))
    return meeting


@transaction.atomic
def change_day(*, meeting: Meeting, held_on: date, version: int, by: User) -> None:
    """Raises StaleVersion, ChangedMeanwhile for a meeting that is over, ValidationError for a day that is taken."""
    check_holds(by, meeting)
    if not meeting.is_open:
        raise ChangedMeanwhile
    with taken_means(ValidationError({"held_on": ALREADY_PLANNED})):
        names = save_changed(meeting, version, {"held_on": held_on})
    record_event("supervision.changed", meeting, by=by, fields=names, **of_people(meeting))


@transaction.atomic
def move_meeting(*, meeting: Meeting, to: str, by: User) -> None:
    """Start it, finish it, call it off, and each of these back again. Raises ChangedMeanwhile."""
    check_holds(by, meeting)
    if not states.may(meeting.state, to):
        raise ChangedMeanwhile
    moved = {"state": to, "moved_at": timezone.now(), "moved_by": by}
    with taken_means(ValidationError(ALREADY_PLANNED)):
        if not Meeting.objects.filter(pk=meeting.pk, state=meeting.state).update(**moved):
            raise ChangedMeanwhile
    for name, value in moved.items():
        setattr(meeting, name, value)
    record_event(f"supervision.{to}", meeting, by=by, **of_people(meeting))


@transaction.atomic
def write_notes(*, meeting: Meeting, notes: str, notes_shared: bool, version: int, by: User) -> None:
    """Raises StaleVersion, or ChangedMeanwhile for a meeting that is over."""
    check_holds(by, meeting)
    if not meeting.is_open:
        raise ChangedMeanwhile
    names = save_changed(meeting, version, {"notes": notes.strip(), "notes_shared": notes_shared})
    record_event("supervision.noted", meeting, by=by, fields=names, **of_people(meeting))


def check_holds(user: User, meeting: Meeting) -> None:
    """Its supervisor, as long as they supervise the therapist. Raises PermissionDenied: 403."""
    if user.pk != meeting.supervisor_id:
        raise PermissionDenied("Only who holds this meeting can change it.")
    check_supervises(user, meeting.therapist)


# --- The agenda -----------------------------------------------------------------------------------------


@transaction.atomic
def put_on_agenda(*, episode: Episode, supervisor: User, why: str, by: User) -> AgendaItem:
    """The therapist brings an episode of theirs, or the supervisor wants to talk about it.

    Raises ValidationError where it waits already, PermissionDenied for anybody else's.
    """
    check_one_of_the_two(by, supervisor, episode.therapist)
    if not Supervision.objects.current().filter(supervisor=supervisor, therapist=episode.therapist).exists():
        raise PermissionDenied("This supervisor does not supervise the therapist of this episode.")
    item = AgendaItem(
        organisation_id=episode.organisation_id,
        supervisor=supervisor,
        therapist=episode.therapist,
        episode=episode,
        why=why.strip(),
        created_by=by,
    )
    item.check_values()
    with taken_means(ValidationError(ALREADY_WAITS)):
        item.save(force_insert=True)
    record_event("agenda.put-on", item, by=by, **of_client(item))
    return item


@transaction.atomic
def change_item(*, item: AgendaItem, why: str, version: int, by: User) -> None:
    """Raises StaleVersion, or ChangedMeanwhile for what does not wait any more."""
    check_one_of_the_two(by, item.supervisor, item.therapist)
    if not item.waits:
        raise ChangedMeanwhile
    names = save_changed(item, version, {"why": why.strip()})
    record_event("agenda.changed", item, by=by, fields=names, **of_client(item))


@transaction.atomic
def take_off_agenda(*, item: AgendaItem, by: User) -> None:
    """Raises ChangedMeanwhile for what does not wait any more."""
    check_one_of_the_two(by, item.supervisor, item.therapist)
    taken_off = {"taken_off_at": timezone.now(), "taken_off_by": by}
    if not AgendaItem.objects.waiting().filter(pk=item.pk).update(**taken_off):
        raise ChangedMeanwhile
    record_event("agenda.taken-off", item, by=by, **of_client(item))


@transaction.atomic
def discuss(*, meeting: Meeting, episode: Episode, told: str, by: User) -> AgendaItem:
    """Say that an episode was talked about in this meeting, for the reasons in `told`; doing it twice changes nothing.

    Raises ChangedMeanwhile for a meeting that is not under way.
    """
    check_in_meeting(by, meeting, episode)
    item = AgendaItem.objects.filter(meeting=meeting, episode=episode).first()
    if item is not None:
        return item
    item = AgendaItem.objects.waiting().filter(supervisor=meeting.supervisor, episode=episode).first()
    if item is None:
        item = AgendaItem(
            organisation_id=episode.organisation_id,
            supervisor=meeting.supervisor,
            therapist=meeting.therapist,
            episode=episode,
            is_brought=False,
            created_by=by,
        )
    item.meeting, item.told = meeting, told
    item.discussed_at, item.discussed_by = timezone.now(), by
    item.check_values()
    with taken_means(ChangedMeanwhile()):
        item.save()
    record_event("agenda.discussed", item, by=by, **of_client(item))
    return item


@transaction.atomic
def take_back_discussed(*, meeting: Meeting, episode: Episode, by: User) -> None:
    """It was not talked about after all: what somebody brought waits again, what was proposed is proposed again."""
    check_in_meeting(by, meeting, episode)
    item = AgendaItem.objects.filter(meeting=meeting, episode=episode).first()
    if item is None:
        raise ChangedMeanwhile
    item.meeting = item.discussed_at = item.discussed_by = None
    item.told = ""
    waits = AgendaItem.objects.waiting().filter(supervisor=item.supervisor, episode=episode)
    if not item.is_brought or waits.exists():
        item.taken_off_at, item.taken_off_by = timezone.now(), by
    item.save()
    record_event("agenda.not-discussed", item, by=by, **of_client(item))


def check_in_meeting(user: User, meeting: Meeting, episode: Episode | None) -> None:
    check_holds(user, meeting)
    if episode is not None and episode.therapist_id != meeting.therapist_id:
        raise PermissionDenied("This is no client of the therapist of this meeting.")
    if not meeting.is_under_way:
        raise ChangedMeanwhile


# --- Next steps -----------------------------------------------------------------------------------------


@transaction.atomic
def agree_step(
    *, meeting: Meeting, text: str, owner: User, due_on: date, episode: Episode | None, component: str, by: User
) -> NextStep:
    """What one of the two will do. Raises ChangedMeanwhile for a meeting that is not under way."""
    check_in_meeting(by, meeting, episode)
    check_owner(meeting, owner)
    step = NextStep(
        organisation_id=meeting.organisation_id,
        meeting=meeting,
        episode=episode,
        component=component if episode is not None else "",
        text=text.strip(),
        owner=owner,
        due_on=due_on,
        created_by=by,
    )
    step.check_values()
    step.save(force_insert=True)
    record_event("next-step.agreed", step, by=by, **of_client(step))
    return step


@transaction.atomic
def change_step(*, step: NextStep, version: int, by: User, **values: Any) -> None:
    """What is said of a step, and what came of it. Raises StaleVersion, or ValidationError naming the field."""
    meeting = step.meeting
    check_one_of_the_two(by, meeting.supervisor, meeting.therapist)
    check_owner(meeting, values.get("owner", step.owner))
    status = values.get("status", step.status)
    if status != step.status:
        is_open = status == states.OPEN
        values |= {"settled_at": None if is_open else timezone.now(), "settled_by": None if is_open else by}
    names = save_changed(step, version, values)
    record_event("next-step.changed", step, by=by, fields=names, **of_client(step))


def check_owner(meeting: Meeting, owner: User) -> None:
    if owner.pk not in (meeting.supervisor_id, meeting.therapist_id):
        raise ValidationError({"owner": "Choose one of the two people of this meeting."})


# --- Learning targets -----------------------------------------------------------------------------------


@transaction.atomic
def set_target(
    *, therapist: User, kind: str, codes: Sequence[str], words: str = "", set_on: date, by: User
) -> LearningTarget:
    """What is to be learnt, from the vocabulary. Raises ValidationError naming the field."""
    check_learns_with(by, therapist)
    try:
        chosen = vocabulary.in_order(VOCABULARY[kind], codes)
    except (KeyError, ValueError):
        raise ValidationError({"codes": "Choose from the list."}) from None
    if not chosen:
        raise ValidationError({"codes": "Choose at least one."})
    if set_on > by.organisation.today:
        raise ValidationError({"set_on": "Choose today or an earlier day."})
    target = LearningTarget(
        organisation_id=therapist.organisation_id,
        therapist=therapist,
        kind=kind,
        codes=chosen,
        words=words.strip(),
        set_on=set_on,
        created_by=by,
    )
    target.check_values()
    target.save(force_insert=True)
    record_event("learning-target.set", target, by=by, **of_people(target))
    return target


@transaction.atomic
def change_target(*, target: LearningTarget, words: str, is_ended: bool, version: int, by: User) -> None:
    """Its words, and whether it is still one. Raises StaleVersion."""
    check_learns_with(by, target.therapist)
    values: dict[str, Any] = {"words": words.strip()}
    if is_ended == target.is_open:
        values |= {"ended_at": timezone.now() if is_ended else None, "ended_by": by if is_ended else None}
    names = save_changed(target, version, values)
    record_event("learning-target.changed", target, by=by, fields=names, **of_people(target))


def check_learns_with(user: User, therapist: User) -> None:
    if user.pk != therapist.pk:
        check_supervises(user, therapist)
