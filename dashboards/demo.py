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
from clients.demo import agree
from clients.models import Episode
from clients.selectors import episodes_of
from jobs.organisation import acting_in
from measures import actions as measures
from measures.actions import clients as of_one_client
from measures.actions import service
from measures.actions.comments import deliver_comments, follow_up_comment
from measures.actions.risk import acknowledge_risk
from measures.battery import Entry, Rhythm
from measures.selectors import ENDING, session_ratings
from ruptures import lifecycle
from ruptures.actions import repair
from sessions_app import actions as sessions
from sessions_app.actions.process_notes import write_process_note
from sessions_app.models import TherapySession

from .actions import start_service_run
from .demo_past import load_past

SLUG = "demo"
PASSWORD = "alliance-demo-1"  # noqa: S105 — printed, where ALLIANCE_DEMO=1  # nosec B105
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
PROCESS_NOTES = (
    ("I was relieved when the hour was over, and I wonder whose relief that was.", False),
    ("I explain more with this client than with anybody else. Whom do I want to convince? For supervision.", True),
)
ANSWER = "I said that I had noticed it, too, and asked what should be different. We agreed to begin with the week."
PAPER = "phq-9"
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


def load(*, seed: int = SEED, today: date | None = None, has_past: bool = False) -> Organisation | None:
    """Create the demo organisation with everybody in it; None when it is there already.

    `has_past` adds clients of the years before, whose therapy has ended, and asks for the service's summaries.
    """
    from accounts.selectors import organisation_with_slug

    if organisation_with_slug(SLUG):
        return None
    rng = random.Random(seed)  # nosec B311 # the same invented data each time
    today = today or timezone.localdate()
    with transaction.atomic():
        organisation = accounts.create_organisation(
            name="Harbour Street Therapy Service", slug=SLUG, is_demo=True, second_factor_for="nobody"
        )
        with acting_in(organisation.pk):
            people = make_people(organisation)
            therapists = [person for person in people.values() if person.is_therapist]
            choose_battery(people["admin@demo.example"])
            courses = list(COURSES)
            rng.shuffle(courses)
            last_sessions = [
                make_client(rng, therapists[number % 4], number, course, name, today)
                for number, (course, name) in enumerate(zip(courses, NAMES, strict=True))
            ]
            make_risk_answers(rng, [session for session in last_sessions if session.episode.is_open])
            mail_a_link([session.episode for session in last_sessions], therapists[0], today)
            make_changes(people, today)
            if has_past:
                load_past(therapists, today=today)
                start_service_run(organisation_id=organisation.pk)
    return organisation


def make_changes(people: dict[str, User], today: date) -> None:
    """Ines is away and Tom stands in; Mina, who reduces her hours, has handed a client over to Ada."""
    ada, tom, ines, mina = (people[email] for email in ACCOUNTS if people[email].is_therapist)
    day = ines.organisation.today
    accounts.start_cover(therapist=ines, cover=tom, starts_on=day, ends_on=day + timedelta(days=12), by=ines)
    episode = episodes_of(mina)[0]
    measures.hand_over_episode_with_links(episode=episode, to=ada, on=today, practitioner_title=TITLES[0], by=mina)


def make_people(organisation: Organisation) -> dict[str, User]:
    people = {}
    for email, (name, role) in ACCOUNTS.items():
        people[email] = accounts.create_person(
            organisation=organisation, email=email, name=name, password=PASSWORD, by=None, **{f"is_{role}": True}
        )
    for email in SUPERVISED:
        accounts.start_supervision(supervisor=people["supervisor@demo.example"], therapist=people[email], by=None)
    return people


def choose_battery(administrator: User) -> None:
    """The usual check-ins, and what the service has on paper besides."""
    for entry in (
        Entry(PAPER, "client", Rhythm.NTH, 4),
        Entry("ending-satisfaction", "client", Rhythm.ENDING),
    ):
        service.add_entry(entry=entry, by=administrator)


def make_client(
    rng: random.Random, therapist: User, number: int, course: str, name: str, today: date
) -> TherapySession:
    """Returns the last session that was logged."""
    plan = plan_course(rng, course, today, is_recent=number % 5 == 0)
    code = f"{name.split()[-1][0]}-{rng.randrange(100, 999)}{number:02d}"
    client = clients.create_client(code=code, name="" if number % 3 == 2 else name.split()[0], by=therapist)
    if number % 3 == 0:
        address = f"{name.split()[0].lower()}@post.example"
        clients.update_client(
            client=client, version=client.version, email=address, mail_agreed_on=plan.meetings[0][0], by=therapist
        )
    episode = clients.start_episode(
        client=client,
        modality=MODALITIES[number % 4],
        practitioner_title=TITLES[number % 4],
        started_on=plan.meetings[0][0],
        by=therapist,
    )
    meetings, held = [], []
    for index, (day, attendance, levels) in enumerate(plan.meetings, start=1):
        is_last = index == len(plan.meetings)
        session = log_meeting(rng, episode, index, day, attendance, plan.course)
        meetings.append(session)
        if levels is not None:
            rate_meeting(rng, session, levels, plan, index, own=not (is_last and course == "rising" and number % 2))
            held.append((session, levels))
            if number % 8 == 1 and index % 4 == 1 and not is_last:
                enter_paper(session, levels)
    if number == 0:
        for text, shared in PROCESS_NOTES:
            write_process_note(
                episode=episode, session=meetings[-1], text=text, shared_with_supervisor=shared, by=therapist
            )
    if course == "repaired" and number % 3:
        talk_about_comment(meetings[-1])
    if course == "repaired":
        note_repairs(held, is_settled=number // 4 % 2 == 0)
    if course == "drop" and number % 2 == 0:
        tense, at = held[-1][0], moment(held[-1][0].held_on, random.Random(number))  # nosec B311 # invented
        record(tense, "strain-check", "client", {1: 7, 2: 6, 3: 2, 4: 3}, submitted_at=at, by=None)
    if number % 3 == 0:
        agree(episode, meetings, number=number // 3, course=course)
    if number == 1:
        every_other = Entry("gad-7", "client", Rhythm.NTH, 2)
        of_one_client.set_override(episode=episode, entry=every_other, by=therapist)
    if plan.ended_on:
        end(episode, meetings[-1], plan.ended_on, "client" if course == "erosion" else "planned")
    return meetings[-1]


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
        # Whoever is content with everything is quick; some of the others have little time now and then.
        seconds_taken=5 if plan.course == "ceiling" else 4 + (index * 17) % 60,
        **at,
    )
    life = {n: step(levels["life"] + rng.gauss(0, 0.6)) for n in range(1, 5)}
    record(session, "outcome-check-in", "client", life, by=None, **at)


def note_repairs(held: list[tuple[TherapySession, Levels]], *, is_settled: bool) -> None:
    """The rupture where the course is lowest, and what was tried about it in the next sessions."""
    depth = [min((level, scale) for scale, level in levels.items() if scale != "life") for _, levels in held]
    at = depth.index(min(depth))
    session, by = held[at][0], held[at][0].episode.therapist
    rupture = repair.note_rupture(
        session=session,
        type="withdrawal" if is_settled else "mixed",
        markers=["minimal-response", "appeasing"] if is_settled else ["topic-shift", "complaint-task"],
        component=depth[at][1],
        intensity=4 if is_settled else 3,
        noticed_by="therapist",
        what_happened="Went along with everything after I had moved on too fast, and left without a word.",
        by=by,
    )
    repair.add_attempt(
        rupture=rupture,
        session=held[at + 1][0],
        strategies=["validate", "own-part", "invite"],
        client_response="opened" if is_settled else "guarded",
        resolved=3 if is_settled else 2,
        note="Said that I had been hurrying. A long pause; then it came.",
        by=by,
    )
    if is_settled:
        repair.add_attempt(
            rupture=rupture, session=held[at + 2][0], strategies=["change-task", "disclose"], resolved=5, by=by
        )
        repair.change_state(rupture=rupture, to=lifecycle.RESOLVED, by=by)


def enter_paper(session: TherapySession, levels: Levels) -> None:
    """A total that stood on a sheet of paper: the better life goes, the lower."""
    of_one_client.enter_from_paper(
        session=session,
        instrument=PAPER,
        rater="client",
        filled_in_on=session.held_on,
        answers={},
        totals={"total": max(0, min(27, round(27 - 2.7 * levels["life"])))},
        by=session.episode.therapist,
    )


def record(session: TherapySession, instrument: str, rater: str, answers: dict[int, float], **more: Any) -> None:
    measures.record_rating(session=session, instrument=instrument, rater=rater, answers=answers, **more)


def moment(day: date, rng: random.Random) -> datetime:
    """Some time in the afternoon of a session's day, and never later than now."""
    at = timezone.make_aware(datetime.combine(day, time(rng.randint(10, 17), rng.randint(0, 59))))
    return min(at, timezone.now())


def talk_about_comment(session: TherapySession) -> None:
    by = session.episode.therapist
    ratings = [rating for rating in session_ratings(session).shown if rating.has_comment]
    deliver_comments(ratings=ratings, by=by)
    for rating in ratings:
        follow_up_comment(
            rating=rating, version=1, raised_by="therapist", discussed_on=session.held_on, answer=ANSWER, by=by
        )


def step(level: float) -> float:
    return float(min(10, max(0, round(level))))


def mail_a_link(episodes: list[Episode], therapist: User, today: date) -> None:
    """One meeting of today, whose link goes out by e-mail as soon as a worker runs."""
    mine = [episode for episode in episodes if episode.is_open and episode.therapist == therapist]
    agreed = [episode for episode in mine if episode.client.wants_invitations]
    episode = max(agreed, key=lambda episode: episode.client.code)
    session = sessions.log_session(
        episode=episode,
        number=sessions.next_number(episode),
        held_on=today,
        attendance="attended",
        format="in-person",
        by=therapist,
    )
    link = measures.request_rating(session=session, instrument="session-check-in", by=therapist)
    measures.invite(request=link, by=therapist)


def accounts_in_words() -> str:
    lines = [f"  {email:<28}{ACCOUNTS[email][0]}, {ACCOUNTS[email][1]}" for email in SHOWN_ACCOUNTS]
    return "\n".join(["Sign in as", *lines, f"Password for each: {PASSWORD}"])


def is_allowed() -> bool:
    return bool(settings.DEMO)
