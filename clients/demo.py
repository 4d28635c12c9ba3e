"""What invented people agree on, made through the application's own actions. Called by the demo of `dashboards`."""

from dataclasses import dataclass
from typing import Any

from sessions_app import actions as sessions
from sessions_app.models import TherapySession

from . import actions
from .models import Episode, Goal, Task

BOTH = ("client", "therapist")


@dataclass(frozen=True)
class Plan:
    """One person's goal, how it is measured, and a task for it with the easier one that it became."""

    goal: str
    metric: str
    baseline: float
    target: float
    is_target_relative: bool
    levels: tuple[str, str, str, str, str]
    task: str
    rationale: str
    easier: str


PLANS = (
    Plan(
        "Attend a small gathering without leaving early",
        "gatherings a month",
        0,
        2,
        False,
        ("stays at home", "goes and leaves at once", "two, to the end", "three, to the end", "invites people home"),
        "Go to the reading group on Thursday",
        "To find out what really happens when you stay.",
        "Ask a colleague one question at lunch",
    ),
    Plan(
        "Half as many panic attacks on the way to work",
        "panic attacks a week",
        8,
        -50,
        True,
        ("ten or more", "seven or eight", "four", "two", "none in a month"),
        "Take the bus through the tunnel, alone",
        "The fear is told to last; the ride shows how long it does.",
        "Ride one stop with a friend",
    ),
    Plan(
        "Be out of bed by eight on workdays",
        "mornings a week",
        1,
        4,
        False,
        ("none", "one", "four", "five", "weekends as well"),
        "Get up at the first alarm, every day",
        "A steady morning comes before more energy, not after it.",
        "Put the alarm at the other end of the room",
    ),
)
VAGUE = ("Feel better about myself", "Cope with the evenings", "More confidence at work")


def agree(episode: Episode, meetings: list[TherapySession], *, number: int, course: str) -> None:
    """What stands between the two after these meetings; `number` chooses among the plans."""
    held = [meeting for meeting in meetings if meeting.took_place]
    plan = PLANS[number % len(PLANS)]
    engage(episode, held, is_agreed=course not in {"erosion", "gaps"})
    goal = set_goal(episode, plan, held)
    if len(held) > 3:
        vague = VAGUE[number % len(VAGUE)]
        actions.create_goal(episode=episode, text=vague, on=held[3].held_on, agreed_by=["client"], by=episode.therapist)
        do_tasks(episode, goal, plan, held, course)
    for place, meeting in enumerate(held[-7:]):
        given = {"congruence": 6 + place % 3, "regard": 8 - (place == 2), "empathy": 6 + (place > 3)}
        sessions.rate_conditions(session=meeting, **given, by=episode.therapist)


def engage(episode: Episode, held: list[TherapySession], *, is_agreed: bool) -> None:
    by, first, last = episode.therapist, held[0], held[:5][-1]
    looks: list[tuple[str, int, list[str], str]] = [
        ("safe-space", 4, [], "Spoke of the year at home without being asked."),
        ("partnership", 3, ["expert"], "Corrects me when I have not understood."),
        (
            "problem",
            3 if is_agreed else 1,
            [] if is_agreed else ["goals-apart"],
            "The family wants this more than the client does.",
        ),
    ]
    for objective, level, barriers, evidence in looks[: max(1, min(3, len(held) - 1))]:
        actions.assess_objective(
            episode=episode,
            objective=objective,
            version=0,
            level=level,
            barriers=barriers,
            evidence="" if objective == "problem" and is_agreed else evidence,
            assessed_on=last.held_on,
            by=by,
        )
    actions.save_expectations(
        episode=episode,
        version=0,
        clients_role="Says when something does not fit, and tries things out in between.",
        therapists_role="Keeps the time, explains what a task is for, asks how it is going between us.",
        agreed_on=first.held_on,
        by=by,
    )
    actions.save_needs(
        episode=episode,
        version=0,
        needs="Somebody to think with who is not part of the family.",
        strengths="Two old friends, and a job that goes well.",
        assessed_on=first.held_on,
        by=by,
    )
    if len(held) > 6:
        sessions.mark_first_challenge(
            episode=episode, session=held[5], what="Asked what staying at home has cost so far.", version=0, by=by
        )


def set_goal(episode: Episode, plan: Plan, held: list[TherapySession]) -> Goal:
    by, day = episode.therapist, held[min(1, len(held) - 1)].held_on
    measure: dict[str, Any] = {"metric": plan.metric, "baseline": plan.baseline}
    aim = {"target": plan.target, "is_target_relative": plan.is_target_relative}
    goal = actions.create_goal(
        episode=episode, text=plan.goal, on=day, agreed_by=BOTH, importance=8, by=by, **measure, **aim
    )
    names = ("much_less", "less", "expected", "more", "much_more")
    levels = dict(zip(names, plan.levels, strict=True))
    actions.write_levels(goal=goal, written_on=day, by=by, **levels)
    end = plan.baseline * (1 + plan.target / 100) if plan.is_target_relative else plan.target
    told = held[2::3]
    for place, meeting in enumerate(told, start=1):
        part = 0.8 * place / len(told)
        values = {"progress": round(10 * part), "measured": round(plan.baseline + part * (end - plan.baseline), 1)}
        level = {"level": -1 if part < 0.5 else 0} if meeting.held_on > day else {}
        sessions.record_standing(goal=goal, session=meeting, by=by, **values, **level)
    return goal


def do_tasks(episode: Episode, goal: Goal, plan: Plan, held: list[TherapySession], course: str) -> None:
    by = episode.therapist
    terms: dict[str, Any] = {"goal": goal, "rationale": plan.rationale, "proposed_by": "therapist", "difficulty": 8}
    task = actions.propose_task(episode=episode, text=plan.task, on=held[2].held_on, agreed_by=BOTH, by=by, **terms)
    told(task, held[3], "not-done", "It felt too much, and there was nobody to go with.")
    easier = actions.step_down(
        task=task, text=plan.easier, proposed_by="both", difficulty=4, on=held[3].held_on, agreed_by=BOTH, by=by
    )
    for place, meeting in enumerate(held[4:-1]):
        told(easier, meeting, "partly" if place % 2 else "done")
    if len(held) > 4:
        told(easier, held[-1], "not-done" if course in {"drop", "erosion", "gaps"} else "partly")


def told(task: Task, meeting: TherapySession, outcome: str, got_in_the_way: str = "") -> None:
    by = meeting.episode.therapist
    sessions.record_outcome(task=task, session=meeting, outcome=outcome, got_in_the_way=got_in_the_way, by=by)
