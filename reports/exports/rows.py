"""The rows of some episodes, for each file of an export, in a number of queries that does not grow with them."""

import hmac
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.crypto import salted_hmac

from accounts.access import rows_of as rows_of_therapists
from accounts.cells import harmless
from clients.models import Episode, Goal
from measures import catalogue
from measures.instruments import Edition
from measures.models import Rating, Score
from ruptures.models import RepairAttempt, Rupture, Signal
from sessions_app.models import TherapySession

from ..models import Export
from .tables import (
    ANSWERS,
    ATTEMPTS,
    EPISODES,
    GOALS,
    NOT_ANSWERED,
    RUPTURES,
    SCORES,
    SESSIONS,
    SEVERAL,
    SIGNALS,
    TABLES,
)

Row = tuple[Any, ...]
# Hexadecimal digits of a pseudonym: 80 bits, so that two of millions are never the same.
DIGITS = 20


def episodes_of(export: Export) -> QuerySet[Episode]:
    """The episodes of an export, in the order in which it takes them."""
    found = Episode.objects.filter(organisation_id=export.organisation_id)
    if export.scope == Export.Scope.OWN:
        found = found.filter(rows_of_therapists(export.therapists, "therapist"))
    if export.until:
        found = found.filter(started_on__lte=export.until)
    if export.since:
        found = found.filter(Q(ended_on=None) | Q(ended_on__gte=export.since))
    return found.order_by("pk")


def pseudonyms(organisation_id: uuid.UUID) -> Callable[[str, uuid.UUID | None], str]:
    """Names rows by a keyed hash: the same in every export of an organisation, and nothing to anybody without the
    site's key. The letter says what it is, and keeps a spreadsheet from reading a number."""
    key = salted_hmac("reports.pseudonym", str(organisation_id), algorithm="sha256").digest()

    def name(letter: str, of: uuid.UUID | None) -> str:
        return "" if of is None else letter + hmac.digest(key, letter.encode() + of.bytes, "sha256").hex()[:DIGITS]

    return name


@dataclass
class Reader:
    """Reads what an export holds of some episodes. Days are those of the organisation's time zone."""

    export: Export
    zone: ZoneInfo

    def __post_init__(self) -> None:
        self.name = pseudonyms(self.export.organisation_id)
        self.columns = {
            table.name: table.columns_of(
                is_identifying=self.export.is_identifying, is_own=self.export.scope == Export.Scope.OWN
            )
            for table in TABLES
        }

    def rows(self, episodes: Sequence[Episode]) -> dict[str, list[Row]]:
        """By the name of the file, each row in the order of its columns in this export."""
        of_episode = {e.pk: (self.name("C", e.client_id), self.name("E", e.pk)) for e in episodes}
        sessions = self.sessions(of_episode)
        of_session = {pk: (*of_episode[episode], number, held) for pk, episode, number, held, *_ in sessions}
        ratings = self.ratings(of_episode, of_session)
        found: dict[str, Iterable[Row]] = {
            EPISODES.name: map(self.episode, episodes),
            SESSIONS.name: ((*of_session[pk], *rest) for pk, _episode, _number, _held, *rest in sessions),
            SCORES.name: self.scores(of_episode, ratings),
            ANSWERS.name: self.answers(ratings),
            RUPTURES.name: self.ruptures(of_episode, of_session),
            ATTEMPTS.name: self.attempts(of_episode, of_session),
            SIGNALS.name: self.signals(of_episode, of_session),
            GOALS.name: self.goals(of_episode),
        }
        return {name: list(self.allowed(name, rows)) for name, rows in found.items()}

    def allowed(self, name: str, rows: Iterable[Row]) -> Iterable[Row]:
        table = next(table for table in TABLES if table.name == name)
        if len(self.columns[name]) == len(table.columns):
            return rows
        return map(itemgetter(*self.columns[name]), rows)

    def day(self, moment: datetime | None) -> date | None:
        return None if moment is None else moment.astimezone(self.zone).date()

    def episode(self, episode: Episode) -> Row:
        return (
            self.name("C", episode.client_id),
            harmless(episode.client.code),
            harmless(episode.client.name),
            self.name("E", episode.pk),
            self.name("T", episode.therapist_id),
            episode.modality,
            episode.started_on,
            episode.ended_on,
            episode.ending,
            self.name("E", episode.continues_id),
        )

    def sessions(self, episodes: Iterable[uuid.UUID]) -> list[Row]:
        """Id, episode, number and day, and what else stands in the file of sessions."""
        found = TherapySession.objects.filter(episode__in=list(episodes))
        if self.export.since:
            found = found.filter(held_on__gte=self.export.since)
        if self.export.until:
            found = found.filter(held_on__lte=self.export.until)
        rows = found.order_by("episode", "number").values_list(
            "pk", "episode", "number", "held_on", "is_date_assumed", "phase", "attendance", "format"
        )
        return [(*row[:4], int(row[4]), *row[5:]) for row in rows]

    # What hangs on sessions is found by their episodes: to name every session to the database takes longer than to
    # pass over those of other days.

    def ratings(
        self, of_episode: Iterable[uuid.UUID], of_session: Mapping[uuid.UUID, Row]
    ) -> dict[uuid.UUID, tuple[Row, Mapping[str, Any]]]:
        """What stands before each score, and the answers; only ratings in force, and none that waits unseen."""
        found = Rating.objects.current().filter(session__episode__in=list(of_episode))
        rows = (
            found.exclude(pk__in=found.sealed().values("pk"))
            .order_by("session__episode", "session__number", "instrument", "rater")
            .values_list("pk", "session", "instrument", "edition_version", "rater", "submitted_at", "answers")
        )
        return {
            pk: (
                (*of_session[session], self.name("R", pk), as_text(instrument), edition, rater, self.day(submitted)),
                answers,
            )
            for pk, session, instrument, edition, rater, submitted, answers in rows
            if session in of_session
        }

    def scores(self, of_episode: Iterable[uuid.UUID], ratings: Mapping[uuid.UUID, tuple[Row, Any]]) -> Iterator[Row]:
        by_rating: dict[str, list[Row]] = {str(pk): [] for pk in ratings}
        found = Score.objects.filter(rating__session__episode__in=list(of_episode), rating__superseded_at=None)
        rows = found.order_by("scale").values_list(
            Cast("rating", TextField()), "scale", "value", "mean", "is_prorated", "reason"
        )
        for rating, scale, value, mean, prorated, reason in rows.iterator(chunk_size=5_000):
            if rating in by_rating:
                row = (as_text(scale), number(value), number(mean), int(prorated), as_text(reason))
                by_rating[rating].append(row)
        for (before, _answers), rows_of_it in zip(ratings.values(), by_rating.values(), strict=True):
            for row in rows_of_it:
                yield before + row

    def answers(self, ratings: Mapping[uuid.UUID, tuple[Row, Mapping[str, Any]]]) -> Iterator[Row]:
        known = catalogue.known({before[5] for before, answers in ratings.values() if answers})
        for before, answers in ratings.values():
            if not answers:
                continue
            instrument, version, rater = before[5:8]
            edition = known[instrument].editions.get(rater) if instrument in known else None
            for item in items_of(edition, version, answers):
                answer = answers.get(str(item))
                yield (*before, item, number(answer), NOT_ANSWERED if answer is None else "")

    def ruptures(self, of_episode: Iterable[uuid.UUID], of_session: Mapping[uuid.UUID, Row]) -> Iterator[Row]:
        found = Rupture.objects.filter(session__episode__in=list(of_episode)).select_related("session")
        for rupture in found.order_by("session__episode", "session__number", "created_at").defer("what_happened"):
            if rupture.session_id not in of_session:
                continue
            yield (
                *of_session[rupture.session_id],
                self.name("U", rupture.pk),
                rupture.type,
                SEVERAL.join(rupture.markers),
                rupture.component,
                rupture.intensity,
                rupture.noticed_by,
                rupture.state,
                rupture.reason,
                self.day(rupture.confirmed_at),
                self.day(rupture.closed_at),
            )

    def attempts(self, of_episode: Iterable[uuid.UUID], of_session: Mapping[uuid.UUID, Row]) -> Iterator[Row]:
        found = RepairAttempt.objects.filter(session__episode__in=list(of_episode)).defer("note")
        for attempt in found.order_by("session__episode", "session__number", "created_at"):
            if attempt.session_id not in of_session:
                continue
            yield (
                *of_session[attempt.session_id],
                self.name("U", attempt.rupture_id),
                SEVERAL.join(attempt.strategies),
                int(attempt.acknowledged_own_contribution),
                int(attempt.talked_about_relationship),
                attempt.client_response,
                attempt.resolved,
            )

    def signals(self, of_episode: Iterable[uuid.UUID], of_session: Mapping[uuid.UUID, Row]) -> Iterator[Row]:
        found = Signal.objects.filter(session__episode__in=list(of_episode)).defer("numbers", "group")
        for signal in found.order_by("session__episode", "session__number", "raised_at"):
            if signal.session_id not in of_session:
                continue
            yield (
                *of_session[signal.session_id],
                as_text(signal.instrument),
                as_text(signal.rule),
                signal.rate,
                signal.rater,
                as_text(signal.scale),
                signal.state,
                signal.reason,
                self.day(signal.raised_at),
                self.day(signal.answered_at),
                self.name("U", signal.rupture_id),
            )

    def goals(self, of_episode: Mapping[uuid.UUID, Row]) -> Iterator[Row]:
        for goal in Goal.objects.filter(episode__in=list(of_episode)).order_by("episode", "created_at"):
            yield (
                *of_episode[goal.episode_id],
                self.name("G", goal.pk),
                harmless(goal.text),
                harmless(goal.metric),
                number(goal.baseline),
                number(goal.target),
                int(goal.is_target_relative),
                goal.importance,
                goal.status,
                goal.ended_on,
                goal.client_agreed_on,
                goal.therapist_agreed_on,
            )


@lru_cache(maxsize=1_000)
def as_text(word: str) -> str:
    """As `harmless`, for the few words that stand in thousands of rows."""
    return harmless(word)


def number(value: float | None) -> float | int | None:
    """28 and not 28.0, which some programs read as text."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def items_of(edition: Edition | None, version: str, answers: Mapping[str, Any]) -> list[int]:
    """Every item that was asked; of an edition that is not shipped any more, those that are known."""
    if edition is not None and edition.version == version and edition.items:
        return [item.number for item in edition.items]
    return sorted(int(item) for item in answers)
