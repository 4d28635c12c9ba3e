"""Supervision as its pages show it. What is not yours to see is not among it, and clients are known by their code."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.access import supervised_by
from accounts.models import Supervision, User
from clients.models import Episode
from clients.selectors import by_code, episodes
from dashboards.selectors.caseload import CaseloadRow, placed_in, rows_of, shown_row
from measures.models import Rater, RiskAnswer, Trend
from ruptures.aftermath import Unsaid
from ruptures.selectors import open_in_many
from sessions_app.models import TherapySession

from .. import states
from ..agenda import Entry, in_order, waiting_in_words
from ..models import AgendaItem, Meeting, NextStep
from ..since import Since, since

# Of what is over as many as a page can hold.
SHOWN = 20
# Of what waits for a meeting, in the list of people.
FIRST = 3


# --- Who, and with whom ---------------------------------------------------------------------------------


def supervisees(user: User) -> QuerySet[User]:
    return supervised_by(user).order_by("name")


def supervisors_now(therapist: User) -> QuerySet[User]:
    current = Supervision.objects.current().filter(therapist=therapist).values("supervisor")
    return User.objects.filter(pk__in=current, is_active=True, is_supervisor=True).order_by("name")


def person_in_supervision(user: User, person_id: uuid.UUID) -> User | None:
    """This person themself, or somebody whom they supervise now."""
    return User.objects.filter(Q(pk=user.pk, is_therapist=True) | Q(pk__in=supervised_by(user)), pk=person_id).first()


def episode_in_supervision(user: User, episode_id: uuid.UUID) -> Episode | None:
    """An episode of their own, or of a therapist whom they supervise now; who covers or took over has others.

    With `has_risk`: an answer about harm waits to be acknowledged.
    """
    theirs = Q(therapist=user) | Q(therapist__in=supervised_by(user))
    at_risk = RiskAnswer.objects.open().filter(rating__session__episode=OuterRef("pk"))
    found = episodes(user).filter(theirs, pk=episode_id).annotate(has_risk=Exists(at_risk))
    episode = found.select_related("series").first()
    return by_code(episode) if episode else None


# --- Meetings -------------------------------------------------------------------------------------------


def meetings(user: User) -> QuerySet[Meeting]:
    return Meeting.objects.visible_to(user).select_related("supervisor", "therapist")


def meeting_of(user: User, meeting_id: uuid.UUID) -> Any:
    """A meeting with `is_current`: whether the one still supervises the other. None where it is not this person's."""
    current = Supervision.objects.current().filter(supervisor=OuterRef("supervisor"), therapist=OuterRef("therapist"))
    return meetings(user).filter(pk=meeting_id).annotate(is_current=Exists(current)).first()


@dataclass(frozen=True)
class Pair:
    """Two people in supervision: their next meeting, where one is planned, and what waits for it."""

    supervisor: User
    therapist: User
    next_meeting: Meeting | None
    agenda: list[Entry["OnAgenda"]]
    open_steps: int

    @property
    def waiting(self) -> str:
        return waiting_in_words(len(self.agenda), sum(entry.is_brought for entry in self.agenda))

    @property
    def more(self) -> int:
        """How many there are beside the first, which the list shows."""
        return max(0, len(self.agenda) - FIRST)


@dataclass(frozen=True)
class Overview:
    """Whom a supervisor supervises, and the meetings with those whom they do not supervise any more."""

    pairs: list[Pair]
    former: list[Meeting]


def overview_of(user: User) -> Overview:
    """In the order of names; a fixed number of queries."""
    people = list(supervisees(user))
    ids = {person.pk for person in people}
    held = list(meetings(user).filter(supervisor=user).exclude(state=states.CALLED_OFF))
    # The latest comes first, so that of several to come the next one stays.
    coming = {meeting.therapist_id: meeting for meeting in held if meeting.is_open}
    agendas = agendas_of(user, items=items_between(user, user, people), therapists=people)
    own = NextStep.objects.visible_to(user).filter(status=states.OPEN, meeting__supervisor=user)
    steps = Counter(own.values_list("meeting__therapist_id", flat=True))
    pairs = [
        Pair(user, person, coming.get(person.pk), agendas.get(person.pk, []), steps[person.pk]) for person in people
    ]
    return Overview(pairs, [meeting for meeting in held if meeting.therapist_id not in ids][:SHOWN])


# --- The agenda -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnAgenda:
    """What hangs on an entry: the episode, what the caseload says of it, and what somebody put on the agenda."""

    episode: Episode
    row: CaseloadRow | None
    item: AgendaItem | None


def reasons_of(found: Sequence[Episode], reader: User) -> dict[uuid.UUID, CaseloadRow]:
    """Why each of these open episodes is worth talking about, as the caseload says it. The only place that asks it."""
    ids = [episode.pk for episode in found]
    of = reader.organisation.engagement_sessions
    return {row.episode.pk: row for row in rows_of(placed_in(Episode.objects.filter(pk__in=ids), of=of), of=of)}


def agendas_of(
    reader: User, *, items: Sequence[AgendaItem], therapists: Sequence[User], meeting: Meeting | None = None
) -> dict[uuid.UUID, list[Entry[OnAgenda]]]:
    """By therapist what waits to be talked about with a supervisor, in the order of need; `items` are those of the two.

    What was talked about in `meeting` is left out.
    """
    waiting: dict[uuid.UUID, AgendaItem] = {}
    talked: dict[uuid.UUID, date] = {}
    done = set()
    for item in items:
        if item.meeting is None:
            waiting[item.episode_id] = item
        elif meeting is not None and item.meeting_id == meeting.pk:
            done.add(item.episode_id)
        else:
            talked[item.episode_id] = max(item.meeting.held_on, talked.get(item.episode_id, date.min))
    found = list(
        episodes(reader).filter(Q(ended_on=None) | Q(pk__in=waiting), therapist__in=therapists).exclude(pk__in=done)
    )
    rows = reasons_of([episode for episode in found if episode.is_open], reader)
    today = reader.organisation.today
    by_therapist: dict[uuid.UUID, list[Entry[OnAgenda]]] = defaultdict(list)
    for episode in map(by_code, found):
        row, waits, last = rows.get(episode.pk), waiting.get(episode.pk), talked.get(episode.pk)
        by_therapist[episode.therapist_id].append(
            Entry(
                code=episode.client.code,
                subject=OnAgenda(episode, row, waits),
                reasons=row.reasons if row else (),
                is_brought=waits is not None,
                why=waits.why if waits else "",
                talked_days_ago=(today - last).days if last and last <= today else None,
            )
        )
    return {therapist: in_order(entries) for therapist, entries in by_therapist.items()}


def told_of(episode: Episode, reader: User) -> str:
    """The reasons of an episode as they are now, a line each, to be kept with what was talked about."""
    if not episode.is_open:
        return ""
    return "\n".join(reason.words for reason in reasons_of([episode], reader)[episode.pk].reasons)


def items_between(reader: User, supervisor: User, therapists: Sequence[User]) -> list[AgendaItem]:
    """What waits for a meeting of these, and what was talked about in one before."""
    found = AgendaItem.objects.visible_to(reader).filter(supervisor=supervisor, therapist__in=therapists)
    return list(found.filter(taken_off_at=None).select_related("meeting", "created_by", "episode__client"))


def talked_in(meeting: Meeting, items: Iterable[AgendaItem]) -> list[AgendaItem]:
    """Of these what was talked about in a meeting, in that order."""
    return sorted((item for item in items if item.meeting_id == meeting.pk), key=lambda item: str(item.discussed_at))


def items_of(meeting: Meeting) -> list[AgendaItem]:
    return talked_in(meeting, meeting.items.select_related("episode__client"))


def waiting_items(user: User, therapist: User) -> list[AgendaItem]:
    """What this person, one of the two, sees waiting for a meeting with the therapist."""
    found = AgendaItem.objects.visible_to(user).waiting().filter(therapist=therapist)
    return list(found.select_related("episode__client", "supervisor", "created_by"))


def item_of(user: User, item_id: uuid.UUID) -> AgendaItem | None:
    of = ("supervisor", "therapist", "episode__client", "meeting")
    return AgendaItem.objects.visible_to(user).select_related(*of).filter(pk=item_id).first()


# --- Next steps, and what came of them ------------------------------------------------------------------


@dataclass(frozen=True)
class StepTold:
    """A next step, and what the rating of its component did after the meeting."""

    step: NextStep
    found: Since | Unsaid

    @property
    def words(self) -> str:
        return self.found.reason if isinstance(self.found, Unsaid) else self.found.words


def steps(user: User) -> QuerySet[Any]:
    """With `later`, the numbers of the sessions that its client had after the day of the meeting."""
    of = ("meeting__supervisor", "meeting__therapist", "episode__client", "owner")
    after = TherapySession.objects.filter(episode=OuterRef("episode"), held_on__gt=OuterRef("meeting__held_on"))
    found = NextStep.objects.visible_to(user).select_related(*of)
    return found.annotate(later=ArraySubquery(after.values("number")))


def step_of(user: User, step_id: uuid.UUID) -> Any:
    """A step with `later`; None where there is no such step for this person."""
    return steps(user).filter(pk=step_id).first()


def steps_told(found: Sequence[Any]) -> list[StepTold]:
    """With what the ratings say, in one query however many there are; of steps with `later`.

    By the instrument with which the client rated the component most often.
    """
    ids = {step.episode_id for step in found if step.component}
    trends: dict[tuple[uuid.UUID, str], Trend] = {}
    of_clients = Trend.objects.filter(episode__in=ids, rater=Rater.CLIENT, scale__in={step.component for step in found})
    for trend in of_clients.order_by("n"):
        trends[trend.episode_id, trend.scale] = trend
    return [StepTold(step, told_since(step, trends)) for step in found]


def told_since(step: Any, trends: dict[tuple[uuid.UUID, str], Trend]) -> Since | Unsaid:
    if step.episode_id is None:
        return since([], later=(), scale="")
    trend = trends.get((step.episode_id, step.component))
    scored = [(session, value) for session, value in trend.points if value is not None] if trend else []
    lows = {session: low for session, low, _high in trend.expected} if trend else {}
    return since(scored, later=step.later, scale=step.component or "bond", lows=lows)


def component_in_question(episode: Episode, reader: User) -> str:
    """Of an open rupture the component it touches, else the one that the caseload's sentence is about."""
    touched = [rupture.component for rupture in open_in_many([episode]) if rupture.component]
    if touched:
        return touched[-1]
    return shown_row(reasons_of([episode], reader)[episode.pk]).scale
