"""Invented people and plausible courses, made through the application's own actions. One seed, one set of data."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Organisation, User
from clients import actions as clients
from clients.models import Episode
from clients.selectors import episodes_of
from jobs.organisation import acting_in
from measures import actions as measures
from measures.actions.risk import acknowledge_risk
from measures.selectors import ENDING
from sessions_app import actions as sessions
from sessions_app.models import TherapySession

SLUG = "demo"
PASSWORD = "alliance-demo-1"  # noqa: S105 — printed for everybody, and only where ALLIANCE_DEMO=1
SEED = 2026
ACCOUNTS = {
    "therapist@demo.example": ("Ada Okafor", "therapist"),
    "therapist2@demo.example": ("Tom Abara", "therapist"),
    "therapist3@demo.example": ("Ines Duarte", "therapist"),
    "therapist4@demo.example": ("Mina Halvorsen", "therapist"),
    "supervisor@demo.example": ("Ruth Lindqvist", "supervisor"),
    "admin@demo.example": ("Sam Pereira", "administrator"),
}
SHOWN_ACCOUNTS = ("therapist@demo.example", "therapist2@demo.example", "supervisor@demo.example", "admin@demo.example")
SUPERVISED = ("therapist@demo.example", "therapist2@demo.example", "therapist3@demo.example")
TITLES = ("Clinical psychologist", "Counsellor", "Psychotherapist", "Key worker")
MODALITIES = ("cbt", "person-centred", "psychodynamic", "support")
NAMES = (
    "Rowan Aster", "Maja Quill", "Idris Fenn", "Noor Calder", "Eli Marsh", "Suki Brandt", "Theo Larch", "Wren Okoro",
    "Pia Holt", "Juno Reyes", "Cato Lind", "Amara Voss", "Finn Asher", "Leto Brook", "Zadie Thorn", "Milo Sande",
    "Orla Finch", "Kai Renner", "Nadia Blythe", "Bram Eider", "Ivo Castell", "Lena Hawke", "Odin Parr", "Tess Amari",
    "Yara Moss", "Hugo Vale", "Ines Rook", "Felix Dorn", "Mara Skye", "Jonas Pell", "Asta Weir", "Remy Clove",
    "Dara Flint", "Luca Stroud", "Vera Moon", "Emil Rask", "Thea Lowe", "Anouk Reed", "Silas Birch", "Nell Garrow",
)  # fmt: skip
COURSES = (
    ["rising"] * 9 + ["steady"] * 8 + ["ceiling"] * 5 + ["repaired"] * 6 + ["erosion"] * 5 + ["drop"] * 4 + ["gaps"] * 3
)
COMMENTS = {
    "repaired": "Last week felt rushed. I went home with the feeling that I had said the wrong thing.",
    "drop": "I am not sure that the exercise is for me.",
    "rising": "It helped that we looked at the week first.",
    "erosion": "Fine.",
}
NOTES = (
    "Started with the week. Kept to one task and agreed when.",
    "Looked back at the first weeks together; the aim still fits.",
    "Long silence after the exercise; came back to it near the end.",
    "Talked through what made the evening easier this time.",
    "",
    "",
)
# How it ended by either account, and how content the client is looking back.
ENDINGS = {
    "client": ("Two meetings were called off, then a message came that it was enough for now.", "mutual", 4,
               "I did not know how to say that it was not working any more."),
    "planned": ("We had agreed on the last session in good time, and looked back together.", "planned", 9, ""),
}  # fmt: skip
Levels = dict[str, float]


@dataclass(frozen=True)
class Plan:
    """One client's course: what each meeting was and how the three components and life went there."""

    course: str
    meetings: list[tuple[date, str, Levels | None]]
    ended_on: date | None


def load(*, seed: int = SEED, today: date | None = None) -> Organisation | None:
    """Create the demo organisation with everybody in it; None when it is there already."""
    from accounts.selectors import organisation_with_slug

    if organisation_with_slug(SLUG):
        return None
    rng = random.Random(seed)
    today = today or timezone.localdate()
    with transaction.atomic():
        organisation = accounts.create_organisation(name="Harbour Street Therapy Service", slug=SLUG, is_demo=True)
        with acting_in(organisation.pk):
            people = make_people(organisation)
            therapists = [person for person in people.values() if person.is_therapist]
            courses = list(COURSES)
            rng.shuffle(courses)
            last_sessions = [
                make_client(rng, therapists[number % 4], number, course, name, today)
                for number, (course, name) in enumerate(zip(courses, NAMES, strict=True))
            ]
            make_risk_answers(rng, [session for session in last_sessions if session.episode.is_open])
            make_changes(people, today)
    return organisation


def make_changes(people: dict[str, User], today: date) -> None:
    """Ines is away and Tom stands in; Mina, who reduces her hours, has handed a client over to Ada."""
    ada, tom, ines, mina = (people[email] for email in ACCOUNTS if people[email].is_therapist)
    day = ines.organisation.today
    accounts.start_cover(therapist=ines, cover=tom, starts_on=day, ends_on=day + timedelta(days=12), by=ines)
    episode = episodes_of(mina)[0]
    measures.hand_over(episode=episode, to=ada, on=today, practitioner_title=TITLES[0], by=mina)


def make_people(organisation: Organisation) -> dict[str, User]:
    people = {}
    for email, (name, role) in ACCOUNTS.items():
        people[email] = accounts.create_person(
            organisation=organisation, email=email, name=name, password=PASSWORD, by=None, **{f"is_{role}": True}
        )
    for email in SUPERVISED:
        accounts.start_supervision(supervisor=people["supervisor@demo.example"], therapist=people[email], by=None)
    return people


def make_client(
    rng: random.Random, therapist: User, number: int, course: str, name: str, today: date
) -> TherapySession:
    """Returns the last session that was logged."""
    plan = plan_course(rng, course, today, is_recent=number % 5 == 0)
    code = f"{name.split()[-1][0]}-{rng.randrange(100, 999)}{number:02d}"
    client = clients.create_client(code=code, name="" if number % 3 == 2 else name.split()[0], by=therapist)
    episode = clients.start_episode(
        client=client,
        modality=MODALITIES[number % 4],
        practitioner_title=TITLES[number % 4],
        started_on=plan.meetings[0][0],
        by=therapist,
    )
    for index, (day, attendance, levels) in enumerate(plan.meetings, start=1):
        is_last = index == len(plan.meetings)
        last = log_meeting(rng, episode, index, day, attendance, plan.course)
        if levels is not None:
            rate_meeting(rng, last, levels, plan, index, own=not (is_last and course == "rising" and number % 2))
    if plan.ended_on and last:
        end(episode, last, plan.ended_on, "client" if course == "erosion" else "planned")
    return last


def make_risk_answers(rng: random.Random, sessions: list[TherapySession]) -> None:
    """Of two therapists two clients each have filled in a PHQ-9: one answer waits, one has been seen to."""
    by_therapist: dict[User, list[TherapySession]] = {}
    for session in sessions:
        by_therapist.setdefault(session.episode.therapist, []).append(session)
    for therapist, of_therapist in list(by_therapist.items())[:2]:
        waiting, seen_to = of_therapist[:2]
        for session, answer in ((waiting, 2), (seen_to, 1)):
            answers: dict[int, float] = {1: 2, 2: 2, 3: 3, 4: 2, 5: 1, 6: 2, 7: 1, 8: 0, 9: answer}
            record(session, "phq-9", "client", answers, by=None, submitted_at=moment(session.held_on, rng))
        acknowledge_risk(
            answer=seen_to.ratings.get(instrument="phq-9").risk_answer,
            done="Rang the same afternoon. Passing thoughts, no plan; knows whom to call. We talk again on Friday.",
            by=therapist,
        )


def end(episode: Episode, last: TherapySession, day: date, ending: str) -> None:
    words, view, content, comment = ENDINGS[ending]
    clients.end_episode(episode=episode, ended_on=day, ending=ending, words=words, by=episode.therapist)
    at = timezone.make_aware(datetime.combine(day, time(18)))
    record(last, ENDING, "client", {1: content}, by=None, ending_view=view, comment=comment, submitted_at=at)


def plan_course(rng: random.Random, course: str, today: date, *, is_recent: bool) -> Plan:
    count = {"erosion": rng.randint(9, 14), "gaps": rng.randint(14, 18)}.get(course, rng.randint(12, 20))
    has_ended = (course == "erosion" and rng.random() < 0.6) or (course in {"rising", "steady"} and rng.random() < 0.3)
    if is_recent and course in {"rising", "steady"}:
        count, has_ended = rng.randint(2, 8), False
    weeks_ago = rng.randint(2, 20) if has_ended else 0
    last_day = today - timedelta(days=7 * weeks_ago + rng.randint(0, 6))
    if course == "gaps":
        last_day -= timedelta(days=16)
    first_day = last_day - timedelta(days=7 * (count - 1))
    levels = list(levels_of(rng, course, count))
    meetings: list[tuple[date, str, Levels | None]] = []
    for index in range(count):
        attendance = attendance_of(rng, course, index, count)
        took_place = attendance in {"attended", "late"}
        is_rated = took_place and (index == count - 1 or rng.random() < (0.75 if course == "gaps" else 0.95))
        day = first_day + timedelta(days=7 * index)
        meetings.append((day, attendance, levels[index] if is_rated else None))
    return Plan(course, meetings, last_day if has_ended else None)


def attendance_of(rng: random.Random, course: str, index: int, count: int) -> str:
    if index in {0, count - 1} or rng.random() > (0.2 if course in {"gaps", "erosion"} else 0.07):
        return "late" if rng.random() < 0.05 else "attended"
    return rng.choice(["cancelled-early", "cancelled-late", "did-not-attend", "cancelled-by-service"])


def levels_of(rng: random.Random, course: str, count: int) -> Iterator[Levels]:
    """Where the three components stand at each meeting, 0 to 10, and how life is going."""
    start = {"goal": rng.uniform(5.8, 7.2), "task": rng.uniform(5.6, 7.0), "bond": rng.uniform(6.4, 7.8)}
    life = rng.uniform(2.5, 4.5)
    hurt = rng.choice(["bond", "bond", "task"])
    dip = rng.randint(7, max(7, count - 5))
    for index in range(count):
        grown = {"rising": 0.14, "repaired": 0.09, "drop": 0.05}.get(course, 0.0) * index
        levels = {scale: level + grown for scale, level in start.items()}
        if course == "ceiling":
            levels = dict.fromkeys(levels, 9.8 if index else 9.0)
        if course == "erosion":
            levels = {s: v - (0.34 if s == hurt else 0.17) * max(0, index - 2) + 0.6 for s, v in levels.items()}
        if course == "repaired" and index in {dip, dip + 1}:
            levels = {s: v - (3.6 if s == hurt else 1.4) * (1 if index == dip else 0.6) for s, v in levels.items()}
        if course == "repaired" and index > dip + 1:
            levels = {s: v + 0.5 for s, v in levels.items()}
        if course == "drop" and index == count - 1:
            levels = {s: v - (4.6 if s == hurt else 1.2) for s, v in levels.items()}
        noise = 0.12 if course == "ceiling" else 0.35
        life += 0.22 if course in {"rising", "repaired", "ceiling"} else -0.05 if course == "erosion" else 0.06
        yield {s: v + rng.gauss(0, noise) for s, v in levels.items()} | {"life": life + rng.gauss(0, 0.5)}


def log_meeting(
    rng: random.Random, episode: Episode, number: int, day: date, attendance: str, course: str
) -> TherapySession:
    return sessions.log_session(
        episode=episode,
        number=number,
        held_on=day,
        attendance=attendance,
        format=rng.choice(["in-person", "in-person", "in-person", "video"]),
        note=rng.choice(NOTES),
        by=episode.therapist,
    )


def rate_meeting(
    rng: random.Random, session: TherapySession, levels: Levels, plan: Plan, index: int, *, own: bool
) -> None:
    at = {"submitted_at": moment(session.held_on, rng)}
    scales = ("goal", "goal", "task", "task", "bond", "bond")
    client = {n: step(levels[scale] + rng.gauss(0, 0.3)) for n, scale in enumerate(scales, start=1)}
    therapist = {n: step(levels[s] - 0.6 + rng.gauss(0, 0.5)) for n, s in enumerate(("goal", "task", "bond"), start=1)}
    by = session.episode.therapist
    if own:
        record(session, "session-check-in", "therapist", therapist, by=by, **at)
    comment = COMMENTS.get(plan.course, "") if index == len(plan.meetings) else ""
    record(
        session,
        "session-check-in",
        "client",
        client,
        by=None,
        comment=comment,
        do_not_raise=plan.course == "drop" and bool(comment),
        **at,
    )
    life = {n: step(levels["life"] + rng.gauss(0, 0.6)) for n in range(1, 5)}
    record(session, "outcome-check-in", "client", life, by=None, **at)


def record(session: TherapySession, instrument: str, rater: str, answers: dict[int, float], **more: Any) -> None:
    measures.record_rating(session=session, instrument=instrument, rater=rater, answers=answers, **more)


def moment(day: date, rng: random.Random) -> datetime:
    """Some time in the afternoon of a session's day, and never later than now."""
    at = timezone.make_aware(datetime.combine(day, time(rng.randint(10, 17), rng.randint(0, 59))))
    return min(at, timezone.now())


def step(level: float) -> float:
    return float(min(10, max(0, round(level))))


def accounts_in_words() -> str:
    lines = [f"  {email:<28}{ACCOUNTS[email][0]}, {ACCOUNTS[email][1]}" for email in SHOWN_ACCOUNTS]
    return "\n".join(["Sign in as", *lines, f"Password for each: {PASSWORD}"])


def is_allowed() -> bool:
    return bool(settings.DEMO)
