"""What the demo service did in the years before: invented clients whose therapy has ended, written many at a time.

They are there for the pages about the service as a whole, which tell nothing of forty people. Their therapies are
shorter and simpler than the others': sessions, both people's check-ins, an ending, here and there a rupture.
"""

import random
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from clients.models import Client, Episode
from measures.instruments import COMPONENTS, edition
from measures.models import EpisodeSeries, Rating, Score, Trend
from measures.scoring import score
from measures.selectors import ENDING
from ruptures.models import RepairAttempt, Rupture
from sessions_app.models import TherapySession

from .actions import write_rows

SEED = 1979
CLIENTS = 260
WEEKS = 150
MODALITIES = ("cbt", "cbt", "person-centred", "psychodynamic", "support")
TITLES = ("Clinical psychologist", "Counsellor", "Psychotherapist", "Key worker")
ANSWERED = {
    ("session-check-in", "client"): ("goal", "goal", "task", "task", "bond", "bond"),
    ("session-check-in", "therapist"): ("goal", "task", "bond"),
    ("outcome-check-in", "client"): ("life",) * 4,
}
Rows = dict[type, list[Any]]


def load_past(therapists: Sequence[User], *, today: date, clients: int = CLIENTS) -> None:
    """Everything in a few statements: no action is called, and so no event is written and no trend is asked for."""
    rng = random.Random(SEED)  # nosec B311 # the same invented data each time
    kinds = (Client, Episode, EpisodeSeries, TherapySession, Rating, Score, Trend, Rupture, RepairAttempt)
    rows: Rows = {kind: [] for kind in kinds}
    for number in range(clients):
        make_course(rng, rows, therapists[number % len(therapists)], number, today)
    write_rows(rows)


def make_course(rng: random.Random, rows: Rows, therapist: User, number: int, today: date) -> None:
    """Who begins with a low alliance leaves alone more often, earlier, and better off less."""
    usual = 0.3 * (number % 4 - 1.5)
    level = {scale: rng.gauss(mean + usual, 1.1) for scale, mean in (("goal", 6.9), ("task", 6.7), ("bond", 7.4))}
    never_rates = rng.random() < 0.1
    alliance = sum(level.values()) / len(level)
    leaves = rng.random() < 0.52 - 0.1 * (alliance - 6)
    count = rng.randint(1, 9) if leaves else rng.choice((6, 8, 10, 12, 12, 14, 16, 20))
    start = today - timedelta(weeks=rng.randint(count + 8, WEEKS))
    ended_on = start + timedelta(weeks=count)
    owner = {"organisation": therapist.organisation}
    by = {**owner, "created_by": therapist}
    client = Client(code=f"P-{number + 1:03d}", **by)
    ending = "client" if leaves else rng.choice(("planned", "planned", "planned", "mutual", "service"))
    episode = Episode(
        client=client,
        therapist=therapist,
        modality=MODALITIES[rng.randrange(len(MODALITIES))],
        practitioner_title=TITLES[number % len(TITLES)],
        started_on=start,
        ended_on=ended_on,
        ending=ending,
        **by,
    )
    rows[Client].append(client)
    rows[Episode].append(episode)
    rows[EpisodeSeries].append(
        EpisodeSeries(episode=episode, input_version=1, computed_version=1, computed_at=timezone.now(), **owner)
    )
    dip = rng.randint(3, count - 2) if count > 6 and rng.random() < 0.4 else 0
    hurt = rng.choice(COMPONENTS)
    life = rng.gauss(3.6, 0.9)
    points: dict[str, list[list[float | None]]] = {scale: [] for scale in COMPONENTS}
    last: TherapySession | None = None
    for index in range(1, count + 1):
        took_place = index in {1, count, dip, dip + 1} or rng.random() > 0.1
        session = TherapySession(
            episode=episode,
            number=index,
            held_on=start + timedelta(weeks=index - 1),
            attendance="attended"
            if took_place
            else rng.choice(("cancelled-early", "cancelled-late", "did-not-attend")),
            **by,
        )
        rows[TherapySession].append(session)
        good = rng.gauss(0, 0.5)
        life += 0.05 * (alliance - 5) + 0.12 * good
        now = {
            scale: value + good + (-0.16 * index if leaves else 0.05 * index) - fall(index, dip, is_hurt=scale == hurt)
            for scale, value in level.items()
        }
        has_rated = took_place and not never_rates and (index in {dip, dip + 1} or rng.random() < 0.82)
        if has_rated:
            scores = rate(rng, rows, session, "session-check-in", "client", now)
            rate(rng, rows, session, "outcome-check-in", "client", {"life": life})
        if took_place and rng.random() < 0.88:
            lower = {scale: value - 0.5 for scale, value in now.items()}
            rate(rng, rows, session, "session-check-in", "therapist", lower)
        for scale in COMPONENTS:
            points[scale].append([index, scores[scale] if has_rated else None])
        if index == dip:
            rupture = note_rupture(rng, rows, session, hurt)
        if dip and index == dip + 1 and rng.random() < 0.75:
            tried = {"strategies": ["validate", "own-part"], "acknowledged_own_contribution": True, "resolved": 4}
            rows[RepairAttempt].append(RepairAttempt(rupture=rupture, session=session, **tried, **by))
        last = session
    if last is not None and rng.random() < (0.2 if leaves else 0.8):
        content = step(alliance + rng.gauss(0.6, 1.2))
        add_rating(rows, last, ENDING, "client", {1: content}, ending_view="client" if leaves else "planned")
    for scale, of_scale in points.items():
        keep_trend(rows, episode, scale, of_scale)


def fall(index: int, dip: int, *, is_hurt: bool) -> float:
    if not dip or index < dip:
        return 0.0
    depth = 3.2 if is_hurt else 1.2
    return depth * {0: 1.0, 1: 0.6, 2: 0.25}.get(index - dip, 0.0)


def note_rupture(rng: random.Random, rows: Rows, session: TherapySession, component: str) -> Rupture:
    therapist = session.episode.therapist
    at = moment(session)
    is_settled = rng.random() < 0.7
    rupture = Rupture(
        organisation=therapist.organisation,
        session=session,
        type="withdrawal",
        markers=["minimal-response"],
        component=component,
        intensity=3,
        noticed_by="therapist",
        state="resolved" if is_settled else "unresolved",
        confirmed_at=at,
        confirmed_by=therapist,
        closed_at=at,
        closed_by=therapist,
        created_by=therapist,
    )
    rows[Rupture].append(rupture)
    return rupture


def rate(
    rng: random.Random, rows: Rows, session: TherapySession, instrument: str, rater: str, levels: dict[str, float]
) -> dict[str, float | None]:
    """Returns the means by scale."""
    scales = ANSWERED[instrument, rater]
    answers = {item: step(levels[scale] + rng.gauss(0, 0.5)) for item, scale in enumerate(scales, start=1)}
    return add_rating(rows, session, instrument, rater, answers)


def add_rating(
    rows: Rows, session: TherapySession, instrument: str, rater: str, answers: dict[int, float], **more: Any
) -> dict[str, float | None]:
    therapist = session.episode.therapist
    by = therapist if rater == "therapist" else None
    used = edition(instrument, rater)
    rating = Rating(
        organisation=therapist.organisation,
        session=session,
        instrument=instrument,
        rater=rater,
        edition_version=used.version,
        answers={str(item): answer for item, answer in answers.items()},
        submitted_at=moment(session),
        submitted_by=by,
        **more,
    )
    rows[Rating].append(rating)
    found = score(used, answers).scores.values()
    rows[Score] += [
        Score(organisation=therapist.organisation, rating=rating, scale=one.scale, value=one.value, mean=one.mean)
        for one in found
    ]
    return {one.scale: one.mean for one in found}


def keep_trend(rows: Rows, episode: Episode, scale: str, points: list[list[float | None]]) -> None:
    """The series alone; what else a trend says is worked out when all are computed again."""
    scored = [(session, value) for session, value in points if value is not None]
    session, value = scored[-1] if scored else (None, None)
    rows[Trend].append(
        Trend(
            organisation=episode.organisation,
            episode=episode,
            instrument="session-check-in",
            rater="client",
            scale=scale,
            version=1,
            points=points,
            n=len(scored),
            latest=value,
            latest_session=session,
        )
    )


def moment(session: TherapySession) -> datetime:
    return timezone.make_aware(datetime.combine(session.held_on, time(16)))


def step(level: float) -> float:
    return float(min(10, max(0, round(level))))
