"""What stands between client and therapist now, and what sessions say of it."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject

from clients import states, wording
from clients.models import AttainmentScale, Episode, Goal, Task
from clients.selectors import tasks_of
from clients.targets import Progress, plain

from ..models import TOOK_PLACE, GoalProgress, Outcome, TaskOutcome, TherapySession
from .meetings import sessions_of


@dataclass(frozen=True)
class GoalNow:
    """A goal with what sessions said of it last: 0 to 10 as both see it, and the number on its measure."""

    goal: Goal
    progress: int | None
    session: int | None
    measured: float | None

    @property
    def label(self) -> str:
        return f"On the way, session {self.session}"

    @property
    def measured_in_words(self) -> str:
        return "" if self.measured is None else plain(self.measured)

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
    rows = GoalProgress.objects.filter(session__episode=episode).select_related("session", "scale", "goal")
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


# --- The page of goals and tasks ------------------------------------------------------------------------


@dataclass(frozen=True)
class GoalShown:
    """A goal with its five levels, if they are written, and everything that sessions said of it."""

    goal: Goal
    scale: AttainmentScale | None
    progress: list[GoalProgress]

    @property
    def latest(self) -> GoalProgress | None:
        return next((row for row in reversed(self.progress) if row.progress is not None), None)

    @property
    def measured(self) -> GoalProgress | None:
        return next((row for row in reversed(self.progress) if row.measured is not None), None)

    @property
    def towards(self) -> Progress:
        return self.goal.towards(self.measured.measured if self.measured else None)

    @property
    def judged(self) -> GoalProgress | None:
        """The latest session that was judged by the levels as they stand."""
        return next((row for row in reversed(self.progress) if row.scale and row.scale == self.scale), None)


@dataclass(frozen=True)
class TaskShown:
    """A task with what was told of it, and the harder tasks it was stepped down from, the nearest first."""

    task: Task
    outcomes: list[TaskOutcome]
    harder: list[Task]
    is_waiting: bool

    @property
    def latest(self) -> TaskOutcome | None:
        return self.outcomes[-1] if self.outcomes else None


@dataclass(frozen=True)
class AgreementState:
    """Everything on the page of goals and tasks; `has_sessions` where one took place that they can be told of."""

    goals: list[GoalShown]
    tasks: list[TaskShown]
    has_sessions: bool

    @property
    def open_goals(self) -> list[GoalShown]:
        return [shown for shown in self.goals if shown.goal.is_open]

    @property
    def closed_goals(self) -> list[GoalShown]:
        return [shown for shown in self.goals if not shown.goal.is_open]

    @property
    def open_tasks(self) -> list[TaskShown]:
        return [shown for shown in self.tasks if shown.task.is_open]

    @property
    def closed_tasks(self) -> list[TaskShown]:
        return [shown for shown in self.tasks if not shown.task.is_open]


def agreement_state(episode: Episode) -> AgreementState:
    """In a number of queries that does not grow with the episode."""
    progress, outcomes = progress_of(episode), outcomes_of(episode)
    tasks = {task.pk: task for task in tasks_of(episode).select_related("goal")}

    def harder_than(task: Task) -> list[Task]:
        above = tasks.get(task.step_down_of_id) if task.step_down_of_id else None
        return [above, *harder_than(above)] if above else []

    return AgreementState(
        goals=[
            GoalShown(goal, next(reversed(goal.scales.all()), None), progress[goal.pk])
            for goal in Goal.objects.filter(episode=episode).prefetch_related("scales")
        ],
        tasks=[TaskShown(task, outcomes[task.pk], harder_than(task), task.is_waiting) for task in tasks.values()],
        has_sessions=episode.sessions.filter(attendance__in=TOOK_PLACE).exists(),
    )
