"""A service as large as asked for, from a seed: 200 therapists, 8,000 clients, 250,000 sessions, 1,000,000 scores.

A few practices (`bench.practices`) are written by COPY and then worked on by the product itself: what is usual is
estimated, every episode is judged by the job's own action, and signals are answered, ruptures noted, tried to be
mended and closed by the therapist's. Every further therapist gets a copy of one of them, again by COPY, with ids,
codes and days of its own: a trend depends on the ratings and not on whose they are.

COPY is refused where row-level security holds, so rows go by a temporary table of the owner and on from there: each
is held against every policy and constraint. The application's role may not make temporary tables.
"""

import io
import random
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

import psycopg2
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import F
from django.db.models.expressions import DatabaseDefault

from accounts import actions as accounts
from accounts.models import Organisation, User
from alliance_site.embedded import gather_statistics
from bench import practices
from bench.data import make_person
from bench.population import new_id, text_of
from bench.practices import EpisodePlan
from clients.actions import end_episode
from clients.models import Client, EngagementObjective, Episode
from dashboards.actions import keep_summaries
from dashboards.actions.episodes import EPISODES_IN_A_STEP
from dashboards.models import EpisodeSummary
from jobs.models import Job
from jobs.organisation import acting_in
from measures import instruments
from measures.actions.risk import acknowledge_risk, note_risk
from measures.models import EpisodeSeries, Rating, RiskAnswer, Score, Trend
from measures.priors import estimate_priors
from ruptures import actions as ruptures
from ruptures import lifecycle
from ruptures.actions.repair import change_state
from ruptures.models import RepairAttempt, Rupture, Signal
from sessions_app.models import TOOK_PLACE, FirstChallenge, TherapySession

# What is copied, in an order in which nothing points at what comes later; how each row leads to its client.
COPIED: tuple[tuple[type[models.Model], str], ...] = (
    (Client, "pk"),
    (Episode, "client_id"),
    (EngagementObjective, "episode__client_id"),
    (TherapySession, "episode__client_id"),
    (FirstChallenge, "episode__client_id"),
    (Rating, "session__episode__client_id"),
    (Score, "rating__session__episode__client_id"),
    (RiskAnswer, "rating__session__episode__client_id"),
    (EpisodeSeries, "episode__client_id"),
    (Trend, "episode__client_id"),
    (Rupture, "session__episode__client_id"),
    (Signal, "session__episode__client_id"),
    (RepairAttempt, "session__episode__client_id"),
)
COUNTED: dict[str, type[models.Model]] = {
    "clients": Client,
    "episodes": Episode,
    "therapy sessions": TherapySession,
    "ratings": Rating,
    "scores": Score,
    "trends": Trend,
    "summaries": EpisodeSummary,
    "signals": Signal,
    "ruptures": Rupture,
    "repair attempts": RepairAttempt,
    "risk answers": RiskAnswer,
}
PRACTICES = 10
SUPERVISED = 20
AT_ONCE = 10


@dataclass
class Service:
    organisation: Organisation
    therapists: list[User]
    supervisors: list[User]
    administrator: User
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def supervisor(self) -> User:
        """Of the first twenty therapists, or of all there are."""
        return self.supervisors[0]


def fill(name: str, *, therapists: int, today: date, owner_url: str, seed: int = 1979) -> Service:
    """A service of this many therapists; each has 40 clients, 20 episodes open, 1,250 sessions and 5,000 scores.

    One supervisor supervises twenty of them, or all there are; so do others for the rest.
    """
    organisation = accounts.create_organisation(name=name, slug=name, second_factor_for="nobody")
    with acting_in(organisation.pk):
        service = people(organisation, name, therapists)
    first, rest = service.therapists[:PRACTICES], service.therapists[PRACTICES:]
    plans = [practices.practice(f"{seed}-{number}", today=today) for number in range(len(first))]
    with writing(owner_url, organisation.pk) as cursor:
        for number, (therapist, plan) in enumerate(zip(first, plans, strict=True)):
            write_practice(cursor, therapist, plan, random.Random(f"{seed}-{name}-{number}"), number=number)
    gather_statistics(owner_url)
    for number, therapist in enumerate(first):
        with acting_in(organisation.pk):
            if number == 0:
                estimate_priors(organisation_id=organisation.pk)
            work_through(therapist, plans[number], random.Random(f"{seed}-{number}-answers"), number=number)
    with acting_in(organisation.pk):
        kept = [rows_of(therapist) for therapist in first]
        # What they ask for is done; copies are computed as the rows are that they were made from.
        Job.objects.waiting().filter(organisation_id=organisation.pk).delete()
    for start in range(0, len(rest), AT_ONCE):
        with writing(owner_url, organisation.pk) as cursor:
            for number, therapist in enumerate(rest[start : start + AT_ONCE], start=start + PRACTICES):
                source = number % PRACTICES
                copy_practice(cursor, kept[source], first[source], therapist, number=number)
    gather_statistics(owner_url)
    keep_all_summaries(organisation.pk)
    gather_statistics(owner_url)
    with acting_in(organisation.pk):
        service.counts = counts()
    return service


def keep_all_summaries(organisation_id: UUID) -> None:
    """Their days are those of each copy, so they are worked out and not copied."""
    with acting_in(organisation_id):
        episodes = list(Episode.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(episodes), EPISODES_IN_A_STEP):
        with acting_in(organisation_id):
            keep_summaries(episode_ids=episodes[start : start + EPISODES_IN_A_STEP])


def counts() -> dict[str, int]:
    """What SELECT count(*) finds of the organisation that is acted in."""
    with connection.cursor() as cursor:
        found = {}
        for name, model in COUNTED.items():
            cursor.execute(f"SELECT count(*) FROM {model._meta.db_table}")
            found[name] = cursor.fetchone()[0]
        return found


def people(organisation: Organisation, name: str, therapists: int) -> Service:
    def person(number: int, kind: str, **roles: bool) -> User:
        return make_person(organisation, f"{kind}{number}-{name}", **roles)

    found = [person(number, "therapist", is_therapist=True) for number in range(therapists)]
    supervisors = [person(number, "supervisor", is_supervisor=True) for number in range(-(-therapists // SUPERVISED))]
    for number, therapist in enumerate(found):
        accounts.start_supervision(supervisor=supervisors[number // SUPERVISED], therapist=therapist, by=None)
    return Service(organisation, found, supervisors, person(0, "administrator", is_administrator=True))


# --- Writing by COPY ------------------------------------------------------------------------------------


@contextmanager
def writing(owner_url: str, organisation_id: UUID) -> Iterator[Any]:
    """One transaction of the owner in one organisation."""
    owner = psycopg2.connect(owner_url)
    try:
        with owner, owner.cursor() as cursor:
            cursor.execute("SELECT set_config('app.organisation', %s, true)", [str(organisation_id)])
            yield cursor
    finally:
        owner.close()


def stage(cursor: Any, model: type[models.Model], columns: Sequence[str], rows: io.StringIO) -> None:
    table, named = model._meta.db_table, ", ".join(f'"{column}"' for column in columns)
    cursor.execute(f"CREATE TEMP TABLE staged (LIKE {table} INCLUDING DEFAULTS)")
    cursor.copy_expert(f"COPY staged ({named}) FROM STDIN", rows)
    cursor.execute(f"INSERT INTO {table} ({named}) SELECT {named} FROM staged")
    cursor.execute("DROP TABLE staged")


def write(cursor: Any, rows: Sequence[models.Model]) -> None:
    """Rows of one model. What its database fills in by itself is left to it."""
    if not rows:
        return
    given = [one for one in rows[0]._meta.concrete_fields if not is_left_to_database(getattr(rows[0], one.attname))]
    text = io.StringIO()
    for row in rows:
        text.write("\t".join(text_in(one, getattr(row, one.attname)) for one in given) + "\n")
    text.seek(0)
    stage(cursor, type(rows[0]), [one.column for one in given], text)


def text_in(field: Any, value: Any) -> str:
    return f"{{{','.join(map(str, value))}}}" if isinstance(field, ArrayField) else text_of(value)


def is_left_to_database(value: object) -> bool:
    return isinstance(value, DatabaseDefault)


def write_practice(
    cursor: Any, therapist: User, plans: Sequence[EpisodePlan], rng: random.Random, *, number: int
) -> None:
    """The raw rows of one practice. Episodes are open as yet, but for those of clients who came back."""
    rows: dict[type[models.Model], list[models.Model]] = {model: [] for model, _ in COPIED}
    clients: dict[int, Client] = {}
    for plan in plans:
        if plan.client not in clients:
            clients[plan.client] = client_of(plan, therapist, new_id(rng), number=number)
            rows[Client].append(clients[plan.client])
        for row in rows_of_episode(plan, clients[plan.client], therapist, rng):
            rows[type(row)].append(row)
    for of_model in rows.values():
        write(cursor, of_model)


def client_of(plan: EpisodePlan, therapist: User, client_id: UUID, *, number: int) -> Client:
    return Client(
        id=client_id,
        organisation_id=therapist.organisation_id,
        code=code_of(number, plan.client),
        created_at=noon(plan.started_on),
        created_by=therapist,
    )


def code_of(practice: int, client: int) -> str:
    return f"{practice:03d}-{client:02d}"


def rows_of_episode(plan: EpisodePlan, client: Client, by: User, rng: random.Random) -> Iterator[models.Model]:
    def own() -> dict[str, UUID]:
        return {"id": new_id(rng), "organisation_id": by.organisation_id}

    episode = Episode(
        **own(),
        client=client,
        therapist=by,
        modality=plan.modality,
        practitioner_title="Counsellor",
        started_on=plan.started_on,
        ended_on=plan.ended_on if plan.is_earlier else None,
        ending=plan.ending if plan.is_earlier else "",
        created_at=noon(plan.started_on),
        created_by=by,
    )
    yield episode
    last = plan.meetings[-1].held_on
    yield EpisodeSeries(**own(), episode=episode, changed_at=noon(last))
    for objective, level in plan.levels.items():
        barriers = [practices.OBJECTIVES[objective]] if level < 2 else []
        yield EngagementObjective(
            **own(),
            episode=episode,
            objective=objective,
            level=level,
            barriers=barriers,
            assessed_on=last,
            assessed_by=by,
        )
    for meeting in plan.meetings:
        at = noon(meeting.held_on)
        session = TherapySession(
            **own(),
            episode=episode,
            number=meeting.number,
            held_on=meeting.held_on,
            attendance=meeting.attendance,
            format=meeting.format,
            created_at=at,
            created_by=by,
            waived_at=at if meeting.is_waived else None,
            waived_by=by if meeting.is_waived else None,
        )
        yield session
        if plan.has_challenge and meeting.number == practices.CHALLENGED_IN:
            yield FirstChallenge(**own(), episode=episode, session=session, created_at=at, created_by=by)
        for given in meeting.ratings:
            is_clients = given.rater == "client"
            rating = Rating(
                **own(),
                session=session,
                instrument=given.instrument,
                rater=given.rater,
                edition_version=instruments.edition(given.instrument, given.rater).version,
                answers={str(item): answer for item, answer in given.answers.items()},
                comment=given.comment,
                submitted_at=at,
                submitted_by=None if is_clients else by,
                waits_for_therapist=given is meeting.by("client") and not meeting.by("therapist"),
            )
            yield rating
            for found in given.scoring.scores.values():
                yield Score(
                    **own(),
                    rating=rating,
                    scale=found.scale,
                    value=found.value,
                    mean=found.mean,
                    is_prorated=found.prorated,
                    reason=found.reason or "",
                )


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


# --- What the product makes of it -----------------------------------------------------------------------


def work_through(therapist: User, plans: Sequence[EpisodePlan], rng: random.Random, *, number: int) -> None:
    """Judge every episode of a practice, answer its signals, and end those that are to end: by the real actions."""
    for rating in Rating.objects.filter(instrument=practices.PHQ, session__episode__therapist=therapist).order_by("pk"):
        note_risk(rating)
    for episode in Episode.objects.filter(therapist=therapist).select_related("client").order_by("pk"):
        ruptures.judge_episode(episode_id=episode.pk)
        if episode.is_open:
            answer_episode(episode, rng, by=therapist)
    end_as_planned(therapist, plans, number)
    date_as_it_happened(therapist)


def answer_episode(episode: Episode, rng: random.Random, *, by: User) -> None:
    held = list(episode.sessions.filter(attendance__in=TOOK_PLACE).select_related("episode"))
    signals = Signal.objects.filter(session__episode=episode).select_related("session__episode")
    for signal in signals.order_by("session__number", "instrument", "rule"):
        answer = rng.random()
        signal.refresh_from_db()
        if answer < 0.45 and signal.can_be_confirmed:
            ruptures.confirm_signal(signal=signal, by=by)
        elif 0.45 <= answer < 0.7 and signal.can_be_dismissed:
            ruptures.dismiss_signal(signal=signal, reason=rng.choice(("talked", "outside", "usual")), by=by)
    if rng.random() < 0.15:
        marker = rng.choice((("withdrawal", "topic-shift"), ("confrontation", "complaint-task")))
        session = rng.choice(held)
        ruptures.note_rupture(
            *(),
            session=session,
            type=marker[0],
            markers=[marker[1]],
            component="task",
            intensity=rng.randint(1, 5),
            noticed_by="therapist",
            by=by,
        )
    standing = Rupture.objects.open().filter(session__episode=episode).select_related("session__episode")
    for rupture in standing.order_by("session__number", "noticed_by"):
        later = [session for session in held if session.number >= rupture.session.number][:3]
        for session in later[: rng.randint(0, 2)]:
            strategies = rng.sample(("clarify", "change-task", "invite", "validate", "own-part", "link-others"), 2)
            ruptures.add_attempt(
                rupture=rupture, session=session, strategies=strategies, resolved=rng.randint(1, 5), by=by
            )
        if rng.random() < 0.6:
            change_state(rupture=rupture, to=lifecycle.RESOLVED, by=by)


def end_as_planned(therapist: User, plans: Sequence[EpisodePlan], number: int) -> None:
    """End the episodes that have ended, with what follows for ruptures and risk answers."""
    codes = {code_of(number, plan.client): plan for plan in plans if plan.ending and not plan.is_earlier}
    for episode in Episode.objects.filter(therapist=therapist, client__code__in=codes).select_related("client"):
        plan = codes[episode.client.code]
        for rupture in Rupture.objects.open().filter(session__episode=episode).select_related("session__episode"):
            ruptures.close_at_ending(rupture=rupture, by=therapist)
        open_risk = RiskAnswer.objects.open().filter(rating__session__episode=episode)
        for answer in open_risk.select_related("rating__session__episode"):
            acknowledge_risk(answer=answer, done="Talked about it by telephone the same day.", by=therapist)
        assert plan.ended_on is not None
        end_episode(episode=episode, ended_on=plan.ended_on, ending=plan.ending, by=therapist)


def date_as_it_happened(therapist: User) -> None:
    """Every answer was given now; put it to the days after the session that it is about."""
    with connection.cursor() as cursor:
        for statement in DATED:
            cursor.execute(statement, [therapist.pk])


OF_THERAPIST = """
    FROM sessions_app_therapysession s JOIN clients_episode e ON e.id = s.episode_id
    WHERE s.id = t.session_id AND e.therapist_id = %s
"""
DATED = (
    f"""UPDATE ruptures_signal t SET raised_at = s.held_on + time '12:01',
        answered_at = CASE WHEN answered_at IS NOT NULL THEN s.held_on + time '18:00' END {OF_THERAPIST}""",
    f"""UPDATE ruptures_rupture t SET created_at = s.held_on + time '18:00',
        confirmed_at = CASE WHEN confirmed_at IS NOT NULL THEN s.held_on + time '18:00' END,
        closed_at = CASE WHEN closed_at IS NOT NULL
            THEN least(s.held_on + 30, coalesce(e.ended_on, current_date)) + time '18:00' END {OF_THERAPIST}""",
    f"UPDATE ruptures_repairattempt t SET created_at = s.held_on + time '18:00' {OF_THERAPIST}",
    """UPDATE measures_riskanswer t SET raised_at = s.held_on + time '12:00',
        acknowledged_at = CASE WHEN acknowledged_at IS NOT NULL THEN s.held_on + time '17:00' END
        FROM measures_rating r JOIN sessions_app_therapysession s ON s.id = r.session_id
            JOIN clients_episode e ON e.id = s.episode_id
        WHERE r.id = t.rating_id AND e.therapist_id = %s""",
    """UPDATE measures_episodeseries t SET computed_at = changed_at + interval '1 second'
        FROM clients_episode e WHERE e.id = t.episode_id AND e.therapist_id = %s""",
)


# --- Copies ---------------------------------------------------------------------------------------------

# By model the client of each row, and the row in the text of COPY.
Rows = dict[type[models.Model], list[tuple[str, list[str]]]]


def columns_of(model: type[models.Model]) -> list[str]:
    return [one.column for one in model._meta.concrete_fields]


def rows_of(therapist: User) -> Rows:
    """Everything of a practice, in the text of COPY."""
    found: Rows = {}
    clients = list(Episode.objects.filter(therapist=therapist).values_list("client_id", flat=True).distinct())
    with connection.cursor() as cursor:
        for model, path in COPIED:
            wanted = model._default_manager.annotate(whose=F(path)).filter(whose__in=clients).order_by("pk")
            names = [one.attname for one in model._meta.concrete_fields]
            query, parameters = wanted.values_list("whose", *names).query.sql_with_params()
            text = io.StringIO()
            cursor.copy_expert(f"COPY ({cursor.mogrify(query, parameters).decode()}) TO STDOUT", text)
            lines = (line.split("\t") for line in text.getvalue().splitlines())
            found[model] = [(whose, row) for whose, *row in lines]
    return found


def copy_practice(cursor: Any, kept: Rows, source: User, therapist: User, *, number: int) -> None:
    """Another therapist's practice like that of `source`, with ids, codes and days of its own."""
    ids = {str(source.pk): str(therapist.pk)}
    for model, rows in kept.items():
        at = columns_of(model).index("id")
        ids |= {row[at]: id_of_copy(row[at], number) for _, row in rows}
    code = columns_of(Client).index("code")
    days = {whose: days_earlier(row[code], number // PRACTICES) for whose, row in kept[Client]}
    for model, rows in kept.items():
        fields = model._meta.concrete_fields
        keys = [at for at, one in enumerate(fields) if isinstance(one, models.UUIDField | models.ForeignKey)]
        dates = [at for at, one in enumerate(fields) if isinstance(one, models.DateField)]
        text = io.StringIO()
        for whose, row in rows:
            copy = row.copy()
            for at in keys:
                copy[at] = ids.get(row[at], row[at])
            for at in dates:
                copy[at] = earlier(row[at], days[whose])
            if model is Client:
                copy[code] = f"{number:03d}{row[code][3:]}"
            text.write("\t".join(copy) + "\n")
        text.seek(0)
        stage(cursor, model, columns_of(model), text)


def id_of_copy(of: str, number: int) -> str:
    return blake2b(f"{of}/{number}".encode(), digest_size=16).hexdigest()


def days_earlier(code: str, copy: int) -> int:
    """Open episodes stay of this week; those that have ended are spread over eight years."""
    is_open = int(code[4:]) < practices.OPEN
    return copy % 3 if is_open else copy * 97 % 1_500


@cache
def earlier(text: str, days: int) -> str:
    """A day or a moment in the text of COPY, so many days before."""
    if not days or text == r"\N":
        return text
    return str(date.fromisoformat(text[:10]) - timedelta(days=days)) + text[10:]


# --- Whether it is as the product would have left it ------------------------------------------------------


def computed(episode_id: UUID) -> dict[str, Any]:
    """What the job keeps of an episode, without the ids and times that differ from one computation to the next."""
    trends = Trend.objects.filter(episode=episode_id).order_by("instrument", "rater", "scale")
    signals = Signal.objects.filter(session__episode=episode_id).order_by("session__number", "instrument", "rule")
    left_out = {"id", "organisation", "episode", "raised_at", "updated_at"}
    return {
        "trends": [values_of(trend, left_out) for trend in trends],
        "signals": [values_of(signal, left_out) for signal in signals],
        "ruptures": list(
            Rupture.objects.filter(session__episode=episode_id).order_by("pk").values_list("pk", "state", "component")
        ),
        "summary": values_of(EpisodeSummary.objects.get(episode=episode_id), {"computed_at"}),
    }


def values_of(row: models.Model, left_out: Collection[str]) -> dict[str, Any]:
    return {one.name: getattr(row, one.attname) for one in row._meta.concrete_fields if one.name not in left_out}


def check_sample(service: Service, *, size: int, seed: int = 1979) -> int:
    """Compute some episodes again by the job's own action and compare; returns how many. Raises AssertionError."""
    with acting_in(service.organisation.pk):
        episodes = list(Episode.objects.order_by("pk").values_list("pk", flat=True))
        for episode_id in random.Random(seed).sample(episodes, size):
            before = computed(episode_id)
            ruptures.judge_episode(episode_id=episode_id)
            keep_summaries(episode_ids=[episode_id])
            assert computed(episode_id) == before, f"episode {episode_id} is not as the job leaves it"
    return size
