"""A service as large as asked for, written by COPY: invented therapists, clients, sessions and ratings, from a seed.

Every planned meeting is rated by the client and by the therapist with the session check-in. Courses differ in level,
spread and length; one in four has a dip of two sessions. The superuser's connection writes, as COPY is refused where
row-level security holds.
"""

import io
import json
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from math import log
from typing import Any

import psycopg2
from django.db import models

from accounts.models import User
from clients.models import Client, Episode
from measures import instruments
from measures.models import EpisodeSeries, Rating, Score
from measures.scoring import score
from sessions_app.models import TherapySession

BUFFERED = 8_000_000  # characters
CODE = "session-check-in"
ANSWERS_OF = {
    "client": {"goal": (1, 2), "task": (3, 4), "bond": (5, 6)},
    "therapist": {"goal": (1,), "task": (2,), "bond": (3,)},
}


class Table:
    """Rows of one model on their way into its table. Fields that are not given take the model's default."""

    def __init__(self, cursor: Any, model: type[models.Model], *given: str) -> None:
        self.cursor, self.buffer = cursor, io.StringIO()
        fields = model._meta.concrete_fields
        defaults = {
            one.attname: one.get_default()
            for one in fields
            if one.attname not in given and one.db_default is models.NOT_PROVIDED and not one.primary_key
        }
        self.rest = "".join(f"\t{text_of(value)}" for value in defaults.values())
        columns = ", ".join((*given, *defaults))
        self.statement = f"COPY {model._meta.db_table} ({columns}) FROM STDIN"

    def add(self, *values: Any) -> None:
        self.buffer.write("\t".join(map(text_of, values)) + self.rest + "\n")

    def flush(self, *, at: int = 0) -> None:
        if self.buffer.tell() > at:
            self.buffer.seek(0)
            self.cursor.copy_expert(self.statement, self.buffer)
            self.buffer = io.StringIO()


def text_of(value: object) -> str:
    if value is None:
        return r"\N"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


@contextmanager
def writing(superuser_url: str, *tables: tuple[type[models.Model], tuple[str, ...]]) -> Iterator[list[Table]]:
    """One transaction; tables are written in their order, whenever one of them is full."""
    connection = psycopg2.connect(superuser_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            made = [Table(cursor, model, *given) for model, given in tables]
            yield made
            for table in made:
                table.flush()
    finally:
        connection.close()


def fill(
    superuser_url: str,
    organisation_id: uuid.UUID,
    therapists: list[User],
    *,
    clients: int,
    sessions: int,
    today: date,
    seed: int = 1979,
) -> None:
    """Write `clients` episodes with `sessions` meetings in all, shared out among the therapists in turn."""
    rng = random.Random(seed)
    lengths = shared_out(clients, sessions, rng)
    editions = {rater: instruments.edition(CODE, rater) for rater in ANSWERS_OF}
    own = ("id", "organisation_id")
    with writing(
        superuser_url,
        (Client, (*own, "code", "created_by_id")),
        (Episode, (*own, "client_id", "therapist_id", "modality", "practitioner_title", "started_on", "created_by_id")),
        (TherapySession, (*own, "episode_id", "number", "held_on", "created_by_id")),
        (Rating, (*own, "session_id", "instrument", "rater", "edition_version", "answers", "submitted_by_id")),
        (Score, (*own, "rating_id", "scale", "value", "mean")),
        (EpisodeSeries, (*own, "episode_id")),
    ) as tables:
        clients_, episodes, meetings, ratings, scores, series = tables
        for number, length in enumerate(lengths):
            therapist = therapists[number % len(therapists)].pk
            client, episode = new_id(rng), new_id(rng)
            started = today - timedelta(days=7 * length + rng.randint(0, 60))
            modality = rng.choice(["cbt", "psychodynamic", "person-centred", "systemic"])
            clients_.add(client, organisation_id, f"N-{number:05d}", therapist)
            episodes.add(episode, organisation_id, client, therapist, modality, "Counsellor", started, therapist)
            series.add(new_id(rng), organisation_id, episode)
            course = Course(rng, length)
            for session in range(1, length + 1):
                meeting = new_id(rng)
                held_on = started + timedelta(days=7 * (session - 1))
                meetings.add(meeting, organisation_id, episode, session, held_on, therapist)
                for rater, edition in editions.items():
                    answers = course.answers(session, rater)
                    rating = new_id(rng)
                    by = None if rater == "client" else therapist
                    kept = {str(item): answer for item, answer in answers.items()}
                    ratings.add(rating, organisation_id, meeting, CODE, rater, edition.version, kept, by)
                    for found in score(edition, answers).scores.values():
                        scores.add(new_id(rng), organisation_id, rating, found.scale, found.value, found.mean)
            for table in tables:
                table.flush(at=BUFFERED if table is not scores else 4 * BUFFERED)


class Course:
    """What one client and the therapist answer: a level, an early rise, a spread, and perhaps a dip of two sessions."""

    def __init__(self, rng: random.Random, length: int) -> None:
        self.rng = rng
        self.level, self.spread = rng.gauss(7.6, 1.2), max(0.2, rng.gauss(0.7, 0.25))
        self.dip = rng.randint(5, length) if length > 6 and rng.random() < 0.25 else 0
        self.fell = rng.choice(("goal", "task", "bond"))

    def answers(self, session: int, rater: str) -> dict[int, float]:
        base = self.level + 0.15 * log(session) - (0.6 if rater == "therapist" else 0)
        found: dict[int, float] = {}
        for scale, items in ANSWERS_OF[rater].items():
            lower = 3 * self.spread if scale == self.fell and session in (self.dip, self.dip + 1) and self.dip else 0
            for item in items:
                found[item] = float(min(10, max(0, round(self.rng.gauss(base - lower, self.spread)))))
        return found


def shared_out(clients: int, sessions: int, rng: random.Random) -> list[int]:
    """Meetings by client: at least one, between half and one and a half times the mean, `sessions` in all."""
    mean = sessions / clients
    lengths = [max(1, round(rng.uniform(0.5, 1.5) * mean)) for _ in range(clients)]
    while difference := sessions - sum(lengths):
        at = rng.randrange(clients)
        if lengths[at] > 1 or difference > 0:
            lengths[at] += 1 if difference > 0 else -1
    return lengths


def new_id(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)
