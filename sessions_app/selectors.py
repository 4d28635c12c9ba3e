import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from accounts.models import User
from clients import states, wording
from clients.models import Agreement, Episode, Goal, Task
from clients.selectors import history_of, tasks_of
from clients.targets import Progress

from .models import TOOK_PLACE, CoreConditions, FirstChallenge, GoalProgress, Outcome, TaskOutcome, TherapySession


def sessions(user: User) -> QuerySet[TherapySession]:
    return TherapySession.objects.visible_to(user).select_related("episode__client", "episode__therapist")


def with_last_session(episodes: QuerySet[Episode]) -> QuerySet[Episode]:
    """Episodes with the day their client was last seen, `last_seen`, and the last number taken, `last_number`."""
    return episodes.annotate(
        last_seen=Max("sessions__held_on", filter=Q(sessions__attendance__in=TOOK_PLACE)),
        last_number=Max("sessions__number"),
    )


def sessions_of(episode: Episode) -> list[TherapySession]:
    """The episode's sessions in order, each with the first challenge where it was in that session."""
    return list(episode.sessions.select_related("first_challenge"))


# --- What is agreed now ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class GoalNow:
    """A goal with what sessions said of it last: 0 to 10 as both see it, and the number on its measure."""

    goal: Goal
    progress: int | None
    session: int | None
    measured: float | None

    @property
    def towards(self) -> Progress:
        return self.goal.towards(self.measured)


@dataclass(frozen=True)
class TaskNow:
    """A task with what was told of it last."""

    task: Task
    outcome: str
    session_id: uuid.UUID | None
    got_in_the_way: str

    @property
    def is_possible_strain(self) -> bool:
        """It was not done, and nothing has been agreed of it since."""
        return self.task.status == states.NOT_DONE and self.outcome == Outcome.NOT_DONE


@dataclass(frozen=True)
class PossibleStrain:
    """A task that was not done: worth asking about, and no more than that."""

    task: Task
    session: TherapySession
    got_in_the_way: str
    component: str = "task"

    @property
    def sentence(self) -> str:
        return wording.strain_in_words(self.task.text, str(self.session))

    @property
    def question(self) -> str:
        return wording.strain_question(is_reason_known=bool(self.got_in_the_way))


@dataclass(frozen=True)
class Agreements:
    """What stands in an episode now: goals that are not dropped, and tasks that are open."""

    goals: list[GoalNow]
    tasks: list[TaskNow]


def agreements(episode: Episode) -> Agreements:
    """In two queries, however long the episode is."""
    return Agreements(goals_now(episode), tasks_now(episode))


def goals_now(episode: Episode) -> list[GoalNow]:
    told = GoalProgress.objects.filter(goal=OuterRef("pk")).order_by("-session__number")
    found = Goal.objects.filter(episode=episode).exclude(status=states.DROPPED)
    found = found.annotate(
        rated=Subquery(
            told.filter(progress__isnull=False).values(
                told=JSONObject(progress="progress", session="session__number"),
            )[:1]
        ),
        measured=Subquery(told.filter(measured__isnull=False).values("measured")[:1]),
    )
    return [
        GoalNow(goal, (goal.rated or {}).get("progress"), (goal.rated or {}).get("session"), goal.measured)
        for goal in found
    ]


def tasks_now(episode: Episode) -> list[TaskNow]:
    told = TaskOutcome.objects.exclude(outcome=Outcome.NOT_ASKED).filter(task=OuterRef("pk"))
    latest = told.order_by("-session__number").values(
        told=JSONObject(outcome="outcome", session="session_id", got_in_the_way="got_in_the_way")
    )[:1]
    found = tasks_of(episode).filter(status__in=states.OPEN, is_waiting=False).annotate(told=Subquery(latest))
    return [
        TaskNow(
            task,
            outcome=(task.told or {}).get("outcome", ""),
            session_id=uuid.UUID(task.told["session"]) if task.told else None,
            got_in_the_way=(task.told or {}).get("got_in_the_way", ""),
        )
        for task in found
    ]


def possible_strains(episode: Episode) -> list[PossibleStrain]:
    """Tasks that were not done and of which nothing else has been agreed since, the latest session first."""
    return strains_among(tasks_now(episode), sessions_of(episode))


def strains_among(tasks: Iterable[TaskNow], sessions: Iterable[TherapySession]) -> list[PossibleStrain]:
    by_id = {session.pk: session for session in sessions}
    found = [
        PossibleStrain(now.task, by_id[now.session_id], now.got_in_the_way)
        for now in tasks
        if now.is_possible_strain and now.session_id in by_id
    ]
    return sorted(found, key=lambda strain: -strain.session.number)


def progress_of(episode: Episode) -> dict[uuid.UUID, list[GoalProgress]]:
    """By goal everything that sessions said of it, in their order."""
    by_goal = defaultdict(list)
    rows = GoalProgress.objects.filter(session__episode=episode).select_related("session", "scale")
    for row in rows.order_by("session__number"):
        by_goal[row.goal_id].append(row)
    return by_goal


def outcomes_of(episode: Episode) -> dict[uuid.UUID, list[TaskOutcome]]:
    """By task what was told of it in each session, in their order."""
    by_task = defaultdict(list)
    rows = TaskOutcome.objects.filter(session__episode=episode).select_related("session")
    for row in rows.order_by("session__number"):
        by_task[row.task_id].append(row)
    return by_task


# --- The agreement log ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class LogPart:
    """One session with what was agreed and told in it, or the days between two sessions."""

    heading: str
    days: str
    session: TherapySession | None
    said: list[Agreement]
    outcomes: list[TaskOutcome]
    progress: list[GoalProgress]


def agreement_log(episode: Episode) -> list[LogPart]:
    """Everything agreed in an episode by session, in order; parts in which nothing was are left out."""
    sessions = sorted(sessions_of(episode), key=lambda session: (session.held_on, session.number))
    said = defaultdict(list)
    for agreement in history_of(episode):
        said[place_of(agreement.happened_on, sessions)].append(agreement)
    outcomes = defaultdict(list)
    for outcome in TaskOutcome.objects.filter(session__episode=episode).select_related("task"):
        outcomes[outcome.session_id].append(outcome)
    progress = defaultdict(list)
    for row in GoalProgress.objects.filter(session__episode=episode).select_related("goal", "scale"):
        progress[row.session_id].append(row)
    parts = []
    for place in range(2 * len(sessions) + 1):
        session = sessions[place // 2] if place % 2 else None
        told = (outcomes[session.pk], progress[session.pk]) if session else ([], [])
        if said[place] or any(told):
            parts.append(LogPart(heading_of(place, sessions), days_of(said[place]), session, said[place], *told))
    return parts


def place_of(day: date, sessions: Sequence[TherapySession]) -> int:
    """Odd for a session's own day, even for the days before it:  0 |1| 2 |3| 4 …"""
    on_the_day = [2 * index + 1 for index, session in enumerate(sessions) if session.held_on == day]
    return on_the_day[0] if on_the_day else 2 * sum(session.held_on < day for session in sessions)


def heading_of(place: int, sessions: Sequence[TherapySession]) -> str:
    before, after = sessions[: place // 2][-1:], sessions[place // 2 :][:1]
    if place % 2:
        return str(after[0])
    if before and after:
        return f"between {before[0]} and {after[0]}"
    return f"after {before[0]}" if before else f"before {after[0]}" if after else "no session yet"


def days_of(said: Sequence[Agreement]) -> str:
    days = sorted({agreement.happened_on for agreement in said})
    return " and ".join(f"{day:%-d %B %Y}" for day in dict.fromkeys((days[0], days[-1]))) if days else ""


# --- The engagement phase and the core conditions -------------------------------------------------------


def first_challenge_of(episode: Episode) -> FirstChallenge | None:
    return FirstChallenge.objects.filter(episode=episode).select_related("session").first()


def conditions_of(session: TherapySession) -> list[CoreConditions]:
    """Who rated the core conditions of a session: its therapist first."""
    rows = CoreConditions.objects.filter(session=session).select_related("rated_by")
    return list(rows.order_by("-rater", "rated_by__name"))


def therapists_conditions(episode: Episode) -> dict[int, CoreConditions]:
    """By session number the therapist's own ratings."""
    rows = CoreConditions.objects.filter(session__episode=episode, rater="therapist").select_related("session")
    return {row.session.number: row for row in rows}
