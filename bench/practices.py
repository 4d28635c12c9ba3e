"""What one therapist's clients leave behind: the courses that a large service is made of, drawn from a seed.

A practice is 40 clients with 44 episodes, 1,250 therapy sessions and 5,000 scores. Its raw rows (sessions, ratings,
scores) are drawn here; trends, signals and ruptures are left to the product itself, see `bench.service_data`.
"""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

from bench.population import Course
from measures import instruments
from measures.scoring import Scoring, score

CLIENTS, OPEN, EPISODES = 40, 20, 44
SESSIONS, SCORES = 1_250, 5_000
CHALLENGED_IN = 6
CHECK_IN, OUTCOME, PHQ = "session-check-in", "outcome-check-in", "phq-9"
MODALITIES = ("cbt", "psychodynamic", "person-centred", "systemic", "integrative", "support", "other")
ENDINGS = ("planned",) * 10 + ("client",) * 5 + ("mutual",) * 4 + ("service",) * 2 + ("transferred",) * 3
ATTENDANCES = {
    "attended": 84,
    "late": 4,
    "cancelled-early": 4,
    "cancelled-late": 3,
    "cancelled-by-service": 2,
    "did-not-attend": 3,
}
FORMATS = {"in-person": 6, "video": 3, "phone": 1}
OBJECTIVES = {"safe-space": "judgemental", "partnership": "expert", "problem": "goals-apart"}
# How many sessions a course has, by its ending.
LENGTHS = {
    "": (4, 60),
    "planned": (16, 60),
    "client": (3, 16),
    "mutual": (10, 40),
    "service": (8, 30),
    "transferred": (8, 40),
}


@dataclass
class RatingPlan:
    instrument: str
    rater: str
    answers: dict[int, float]
    scoring: Scoring
    comment: str = ""


@dataclass
class MeetingPlan:
    number: int
    held_on: date
    attendance: str
    format: str
    is_waived: bool = False
    ratings: list[RatingPlan] = field(default_factory=list)

    @property
    def took_place(self) -> bool:
        return self.attendance in ("attended", "late")

    def by(self, rater: str, instrument: str = CHECK_IN) -> RatingPlan | None:
        return next((one for one in self.ratings if (one.rater, one.instrument) == (rater, instrument)), None)


@dataclass
class EpisodePlan:
    """`client` counts from 0; `ending` is empty for an open one. An `earlier` one is of a client who came back."""

    client: int
    modality: str
    ending: str
    is_earlier: bool
    meetings: list[MeetingPlan]
    levels: dict[str, int]
    has_challenge: bool
    course: Course

    @property
    def started_on(self) -> date:
        return self.meetings[0].held_on

    @property
    def ended_on(self) -> date | None:
        return self.meetings[-1].held_on + timedelta(days=3) if self.ending else None

    @property
    def scores(self) -> int:
        return sum(len(rating.scoring.scores) for meeting in self.meetings for rating in meeting.ratings)


def practice(seed: str, *, today: date) -> list[EpisodePlan]:
    """The episodes of one practice; the same for the same seed and day."""
    rng = random.Random(seed)
    kinds = [(client, "", False) for client in range(OPEN)]
    kinds += [(client, rng.choice(ENDINGS), False) for client in range(OPEN, CLIENTS)]
    kinds += [(client, rng.choice(ENDINGS), True) for client in range(EPISODES - CLIENTS)]
    lengths = fitted([rng.randint(*LENGTHS[ending]) for _, ending, _ in kinds], rng)
    plans: dict[int, EpisodePlan] = {}
    found = []
    for (client, ending, is_earlier), length in zip(kinds, lengths, strict=True):
        if is_earlier:
            last = plans[client].started_on - timedelta(days=rng.randint(60, 400))
        else:
            # One in eight open ones has not been seen for longer than usual.
            ago = (
                rng.randint(25, 1_000) if ending else rng.randint(28, 50) if rng.random() < 1 / 8 else rng.randint(1, 7)
            )
            last = today - timedelta(days=ago)
        plan = episode(client, ending, is_earlier, length, last, rng)
        plans.setdefault(client, plan)
        found.append(plan)
    for plan in found:
        rate(plan, rng)
    fit_scores(found, rng)
    settle_waiting(found, rng)
    return found


def days_since(ending: str, rng: random.Random) -> int:
    """Since the last session. One in eight open ones has not been seen for longer than usual."""
    if ending:
        return rng.randint(25, 1_000)
    return rng.randint(28, 50) if rng.random() < 1 / 8 else rng.randint(1, 7)


def fitted(lengths: list[int], rng: random.Random) -> list[int]:
    """The same lengths, a session more or fewer here and there, `SESSIONS` in all."""
    while difference := SESSIONS - sum(lengths):
        at = rng.randrange(len(lengths))
        if 4 <= lengths[at] + (1 if difference > 0 else -1) <= 90:
            lengths[at] += 1 if difference > 0 else -1
    return lengths


def episode(client: int, ending: str, is_earlier: bool, length: int, last: date, rng: random.Random) -> EpisodePlan:
    days = [last]
    while len(days) < length:
        days.append(days[-1] - timedelta(days=14 if rng.random() < 0.08 else 7))
    meetings = [
        MeetingPlan(
            number,
            day,
            "attended" if number == 1 else rng.choices(list(ATTENDANCES), ATTENDANCES.values())[0],
            rng.choices(list(FORMATS), FORMATS.values())[0],
        )
        for number, day in enumerate(reversed(days), start=1)
    ]
    reached = min(4, 1 + length // 3)
    levels = {objective: max(0, reached - rng.randint(0, 2)) for objective in OBJECTIVES}
    modality = rng.choices(MODALITIES, (8, 4, 4, 2, 3, 2, 1))[0]
    return EpisodePlan(
        client,
        modality,
        ending,
        is_earlier,
        meetings,
        levels,
        length >= CHALLENGED_IN and rng.random() < 0.6,
        Course(rng, length),
    )


# --- Ratings --------------------------------------------------------------------------------------------


def rate(plan: EpisodePlan, rng: random.Random) -> None:
    """Clients rate most sessions, therapists some; one client in fifteen has filled in the questionnaire on mood."""
    clients, therapists = rng.uniform(0.5, 0.9), rng.uniform(0.15, 0.5)
    if rng.random() < 1 / 15:
        mood = {item: float(rng.randint(0, 2)) for item in range(1, 9)} | {9: float(rng.random() < 0.5)}
        add(plan.meetings[0], PHQ, "client", mood)
    for meeting in plan.meetings:
        if meeting.took_place and rng.random() < clients:
            add(meeting, CHECK_IN, "client", plan.course.answers(meeting.number, "client"))
            if rng.random() < 0.04:
                meeting.ratings[-1].comment = "It helped to slow down today."
        if meeting.took_place and rng.random() < therapists:
            add(meeting, CHECK_IN, "therapist", plan.course.answers(meeting.number, "therapist"))
        if meeting.took_place and rng.random() < 0.3:
            add(meeting, OUTCOME, "client", outcome(plan, meeting, rng))


def outcome(plan: EpisodePlan, meeting: MeetingPlan, rng: random.Random) -> dict[int, float]:
    level = plan.course.level - 2.5 + 0.05 * meeting.number
    return {item: float(min(10, max(0, round(rng.gauss(level, 1.2))))) for item in range(1, 5)}


def add(meeting: MeetingPlan, instrument: str, rater: str, answers: dict[int, float]) -> None:
    edition = instruments.edition(instrument, rater)
    meeting.ratings.append(RatingPlan(instrument, rater, answers, score(edition, answers)))


def fit_scores(plans: list[EpisodePlan], rng: random.Random) -> None:
    """Take ratings away and add some until there are `SCORES` scores: first those of four, then those of one."""
    total = sum(plan.scores for plan in plans)
    places = [(plan, meeting) for plan in plans for meeting in plan.meetings if meeting.took_place]
    for rater, instrument, size in (("therapist", CHECK_IN, 4), ("client", OUTCOME, 1)):
        rng.shuffle(places)
        for plan, meeting in places:
            there = meeting.by(rater, instrument)
            if there and total - SCORES >= size:
                meeting.ratings.remove(there)
                total -= size
            elif not there and SCORES - total >= size:
                answers = plan.course.answers(meeting.number, rater) if size > 1 else outcome(plan, meeting, rng)
                add(meeting, instrument, rater, answers)
                total += size
    assert total == SCORES, total


def settle_waiting(plans: list[EpisodePlan], rng: random.Random) -> None:
    """A client's rating waits for the therapist's own: where there is none, most were looked at without one.

    Of one open episode in five the latest rating still waits.
    """
    for plan in plans:
        latest = next((one for one in reversed(plan.meetings) if one.by("client")), None)
        for meeting in plan.meetings:
            if meeting.by("client") and not meeting.by("therapist"):
                meeting.is_waived = bool(plan.ending) or meeting is not latest or rng.random() < 0.8
