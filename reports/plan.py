"""What some ratings of a file would do to the record, worked out without writing: the same for the check and the write.

file                      record                        plan
A-1, session 1, wai-36    nothing of A-1                client, episode, session and rating are new
A-1, session 2, wai-36    session 2, the same answers   unchanged
A-1, session 3, wai-36    session 3, other answers      the rating is new and supersedes the one there
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models.functions import Lower

from accounts.models import User
from clients.models import Client, Episode, Modality
from measures import catalogue, scoring
from measures.instruments import TOTAL, Edition, Instrument
from measures.models import Rating, Score
from measures.totals import score_of_total
from sessions_app.models import TherapySession

from .mapping import ImportedRating, Problem

TOLERANCE = 1e-6
SessionKey = tuple[str, int]


@dataclass(frozen=True)
class Terms:
    """What holds for a whole file: whose clients these are unless it says so, and the day its first session is on."""

    by: User
    therapist: User
    therapists: Mapping[str, User]
    own: Mapping[str, Instrument]
    start_date: date | None
    first_session: int
    origin: str
    client_column: str
    session_column: str
    today: date
    now: datetime

    def day_of(self, rating: ImportedRating) -> date | None:
        """The session's date; without one, weekly from the start date on. None where there is neither."""
        if rating.held_on is not None or self.start_date is None:
            return rating.held_on
        return self.start_date + timedelta(weeks=rating.session - self.first_session)

    def therapist_of(self, rating: ImportedRating) -> User:
        return self.therapists.get(rating.therapist or "", self.therapist)


@dataclass(frozen=True, slots=True)
class Meeting:
    """A session of the plan, new or in the record."""

    id: uuid.UUID
    episode: Episode
    number: int
    held_on: date
    is_new: bool
    is_date_assumed: bool
    phase: str
    label: str


@dataclass(frozen=True, slots=True)
class NewRating:
    """A rating to write; its scores are computed when they are asked for, which the check of a file does not do."""

    id: uuid.UUID
    meeting: Meeting
    source: ImportedRating
    edition: Edition
    replaces: uuid.UUID | None

    @property
    def scores(self) -> Mapping[str, scoring.ScaleScore]:
        return scores_of(self.source, self.edition)


@dataclass(frozen=True, slots=True)
class Current:
    """A rating that is in the record."""

    id: uuid.UUID
    answers: dict[str, float | None]
    scores: dict[str, float | None]


@dataclass
class Plan:
    """New rows, and what stands in the way. Files are large: only the few clients and episodes are model instances."""

    clients: list[Client] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)
    ratings: list[NewRating] = field(default_factory=list)
    unchanged: int = 0
    mismatches: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def superseding(self) -> list[NewRating]:
        return [rating for rating in self.ratings if rating.replaces]


def plan_of(ratings: Sequence[ImportedRating], terms: Terms) -> Plan:
    """The plan for ratings that hold all those of their clients in the file."""
    plan = Plan()
    episodes = episodes_for(ratings, terms, plan)
    meetings = meetings_for([rating for rating in ratings if rating.client in episodes], episodes, terms, plan)
    known = {**catalogue.known({rating.instrument for rating in ratings} - set(terms.own)), **terms.own}
    current = current_ratings([meeting.id for meeting in meetings.values() if not meeting.is_new])
    for rating in ratings:
        meeting = meetings.get((rating.client, rating.session))
        if meeting is None:
            continue
        edition = known[rating.instrument].editions[rating.rater]
        if rating.expected:
            plan.mismatches += mismatches_of(rating, scores_of(rating, edition))
        before = current.get((meeting.id, rating.instrument, rating.rater))
        if before is not None and says_the_same(before, rating, edition):
            plan.unchanged += 1
            continue
        plan.ratings.append(NewRating(uuid.uuid4(), meeting, rating, edition, before.id if before else None))
    return plan


def episodes_for(ratings: Sequence[ImportedRating], terms: Terms, plan: Plan) -> dict[str, Episode]:
    """The latest episode of each client, a new one where there is none; clients with a problem are left out."""
    first = first_ratings(ratings, terms, plan)
    there = {
        client.code.lower(): client
        for client in Client.objects.annotate(lower=Lower("code")).filter(lower__in={code.lower() for code in first})
    }
    # One that was handed over is nobody's to write in.
    ours = Episode.objects.filter(client__in=there.values(), later_therapists=[])
    latest = {episode.client_id: episode for episode in ours.order_by("started_on").select_related("client")}
    episodes: dict[str, Episode] = {}
    for code, (rating, first_day) in first.items():
        therapist = terms.therapist_of(rating)
        client = there.get(code.lower())
        episode = latest.get(client.pk) if client else None
        if episode is not None and episode.therapist_id != therapist.pk:
            plan.problems.append(
                Problem(
                    rating.row,
                    terms.client_column,
                    code,
                    f"is in the record already, as a client of another therapist than {therapist.name}. "
                    "Name that therapist, or put a prefix before the codes of this file.",
                )
            )
            continue
        if client is None:
            client = Client(
                organisation_id=terms.by.organisation_id, code=code, created_by=terms.by, created_at=terms.now
            )
            plan.clients.append(client)
        if episode is None:
            episode = Episode(
                organisation_id=terms.by.organisation_id,
                client=client,
                therapist=therapist,
                modality=Modality.OTHER,
                practitioner_title="Therapist",
                started_on=first_day,
                origin=terms.origin,
                created_by=terms.by,
                created_at=terms.now,
            )
            plan.episodes.append(episode)
        episodes[code] = episode
    return episodes


def first_ratings(
    ratings: Sequence[ImportedRating], terms: Terms, plan: Plan
) -> dict[str, tuple[ImportedRating, date]]:
    """The first row of each client with the first day of them all; clients whose rows do not agree are left out."""
    first: dict[str, tuple[ImportedRating, date]] = {}
    left_out: set[str] = set()
    for rating in ratings:
        problem = problem_of(rating, first.get(rating.client), terms)
        if problem is not None:
            plan.problems.append(problem)
            left_out.add(rating.client)
            continue
        day = terms.day_of(rating)
        assert day is not None
        row, earliest = first.get(rating.client, (rating, day))
        first[rating.client] = row, min(earliest, day)
    return {client: found for client, found in first.items() if client not in left_out}


def problem_of(rating: ImportedRating, earlier: tuple[ImportedRating, date] | None, terms: Terms) -> Problem | None:
    day = terms.day_of(rating)
    if day is None:
        return Problem(
            rating.row,
            terms.session_column,
            str(rating.session),
            "has no date. Write one, or say from which day on weekly dates are to be assumed.",
        )
    if day > terms.today:
        wrong = "Correct it." if rating.held_on else "Choose an earlier first day for the assumed dates."
        return Problem(
            rating.row, terms.session_column, f"{day:%Y-%m-%d}", f"session {rating.session} is in the future. {wrong}"
        )
    if rating.therapist and rating.therapist not in terms.therapists:
        return Problem(
            rating.row,
            terms.client_column,
            rating.therapist,
            "is not the address of an active therapist here. Add the person, or correct the address.",
        )
    if earlier is not None and earlier[0].therapist != rating.therapist:
        return Problem(
            rating.row,
            terms.client_column,
            rating.client,
            f"has another therapist than in row {earlier[0].row}. Give each client one therapist.",
        )
    return None


def meetings_for(
    ratings: Sequence[ImportedRating], episodes: Mapping[str, Episode], terms: Terms, plan: Plan
) -> dict[SessionKey, Meeting]:
    """The session of each rating. One that nobody rated is not made up: its number stays free and shows as a gap."""
    old = {episode.pk: code for code, episode in episodes.items() if not episode._state.adding}
    there = {
        (old[session.episode_id], session.number): session for session in TherapySession.objects.filter(episode__in=old)
    }
    found: dict[SessionKey, Meeting] = {}
    for rating in ratings:
        key = rating.client, rating.session
        if key in found:
            continue
        session, episode = there.get(key), episodes[rating.client]
        day = session.held_on if session else terms.day_of(rating)
        assert day is not None
        problem = contradiction(rating, session) if session else too_early(rating, day, episode)
        if problem:
            value = f"{day:%Y-%m-%d}" if session is None else str(rating.session)
            plan.problems.append(Problem(rating.row, terms.session_column, value, problem))
            continue
        found[key] = Meeting(
            id=session.pk if session else uuid.uuid4(),
            episode=episode,
            number=rating.session,
            held_on=day,
            is_new=session is None,
            is_date_assumed=rating.held_on is None,
            phase=rating.phase,
            label=rating.label or "",
        )
        if session is None:
            plan.meetings.append(found[key])
    return found


def too_early(rating: ImportedRating, day: date, episode: Episode) -> str:
    if day >= episode.started_on:
        return ""
    return (
        f"is before the episode of {rating.client} started, on {episode.started_on:%-d %B %Y}. "
        "Correct the date, or import these sessions under another code."
    )


def contradiction(rating: ImportedRating, session: TherapySession) -> str:
    if not session.took_place:
        return f"session {session.number} of {rating.client} did not take place according to the record."
    if rating.held_on is not None and rating.held_on != session.held_on and not session.is_date_assumed:
        return (
            f"session {session.number} of {rating.client} was on {session.held_on:%-d %B %Y} according to the record, "
            f"and on {rating.held_on:%-d %B %Y} in the file. Correct one of the two."
        )
    return ""


def scores_of(rating: ImportedRating, edition: Edition) -> Mapping[str, scoring.ScaleScore]:
    """Scores by the key from the answers, or as the totals of the file say; both in the published metric."""
    if rating.answers is not None:
        return scoring.score_checked(edition, rating.answers).scores
    return {scale: score_of_total(edition, scale, value) for scale, value in (rating.totals or {}).items()}


def mismatches_of(rating: ImportedRating, scores: Mapping[str, scoring.ScaleScore]) -> list[str]:
    """Computed scores that differ from the file's own columns."""
    found = []
    for scale, expected in rating.expected.items():
        value = scores[scale].value
        if value is None or abs(value - expected) > TOLERANCE:
            computed = "not scored" if value is None else f"{value:g}"
            name = scale if scale != TOTAL else "total"
            found.append(f"Row {rating.row}: {name} is {computed} by the key and {expected:g} in the file.")
    return found


def current_ratings(session_ids: list[uuid.UUID]) -> dict[tuple[uuid.UUID, str, str], Current]:
    """What is there of some sessions. Scores are read only of ratings that are known by their totals."""
    rows = Rating.objects.current().filter(session__in=session_ids)
    found = {
        (session_id, instrument, rater): Current(id, answers, {})
        for id, session_id, instrument, rater, answers in rows.values_list(
            "id", "session_id", "instrument", "rater", "answers"
        )
    }
    totals = {current.id: current.scores for current in found.values() if not current.answers}
    for rating_id, scale, value in Score.objects.filter(rating__in=totals).values_list("rating_id", "scale", "value"):
        totals[rating_id][scale] = value
    return found


def answers_of(rating: ImportedRating) -> dict[str, float | None]:
    return {} if rating.answers is None else {str(number): answer for number, answer in rating.answers.items()}


def says_the_same(before: Current, rating: ImportedRating, edition: Edition) -> bool:
    if rating.given is not None:
        return before.answers == answers_of(rating)
    return before.scores == {scale: score.value for scale, score in scores_of(rating, edition).items()}
