"""Ratings from a file into the record: everything or nothing, and the same file twice adds nothing."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.audit import record_event
from accounts.models import User
from clients.models import Client, Episode, Modality
from measures import catalogue, scoring
from measures.actions import make_trends_stale
from measures.instruments import Edition, instruments
from measures.models import OwnMeasure, Rating, Score
from sessions_app.models import Attendance, Format, Phase, TherapySession

from .mapping import ImportedRating, Interpretation, OwnMeasureSpec
from .models import ImportBatch

TOLERANCE = 1e-6
CHUNK = 2_000
Key = tuple[str, int]


class ImportRefused(Exception):
    """Nothing was written: the file has problems, each named by row, column and value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = list(problems)


@dataclass
class ImportReport:
    """What a file came to. `mismatches` are computed scores that differ from the file's own columns."""

    rows: int = 0
    clients: int = 0
    sessions: int = 0
    written: int = 0
    superseded: int = 0
    unchanged: int = 0
    mismatches: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scored:
    """One rating of the file with its scores by the key."""

    source: ImportedRating
    edition: Edition
    answers: dict[str, float | None]
    scores: dict[str, scoring.ScaleScore]


@transaction.atomic
def import_ratings(
    *,
    interpretation: Interpretation,
    therapist: User,
    start_date: date | None,
    file_name: str,
    file_hash: str,
    mapping_text: str,
    dry_run: bool = False,
    by: User,
) -> ImportReport:
    """Write every rating of a file, with the clients, episodes and sessions that it needs.

    A rating that is there already and says the same is left alone; one that says otherwise is superseded and kept.
    Sessions without a date get weekly ones from `start_date`, marked as assumed. Raises ImportRefused, having
    written nothing; a dry run writes nothing either and reports what would be.
    """
    if interpretation.problems:
        raise ImportRefused([str(problem) for problem in interpretation.problems])
    if not therapist.is_therapist:
        raise ValidationError(f"{therapist.name} does not have the role of therapist.")
    report = ImportReport(rows=interpretation.rows)
    with transaction.atomic():
        define_measures(interpretation.own_measures, by=by)
        scored = score_all(interpretation.ratings, report)
        check_dates(interpretation.ratings, start_date)
        episodes = find_or_start_episodes(interpretation.ratings, therapist, start_date, report, by=by)
        sessions = find_or_log_sessions(interpretation.ratings, episodes, start_date, report, by=by)
        changed = write_ratings(scored, sessions, report, by=by)
        for client in sorted(changed):
            make_trends_stale(episodes[client])
        if dry_run:
            transaction.set_rollback(True)
        elif report.written or report.superseded:
            batch = ImportBatch(
                organisation_id=by.organisation_id,
                file_name=file_name[:200],
                file_hash=file_hash,
                mapping=mapping_text,
                report=counts_of(report),
                created_by=by,
            )
            batch.save(force_insert=True)
            record_event("import.written", batch, organisation_id=by.organisation_id, by=by)
            for client in sorted(changed):
                episode = episodes[client]
                record_event(
                    "ratings.imported",
                    episode,
                    organisation_id=by.organisation_id,
                    client_id=episode.client_id,
                    by=by,
                )
    return report


def counts_of(report: ImportReport) -> dict[str, int]:
    return {
        "rows": report.rows,
        "clients": report.clients,
        "sessions": report.sessions,
        "written": report.written,
        "superseded": report.superseded,
        "unchanged": report.unchanged,
        "mismatches": len(report.mismatches),
    }


def define_measures(specs: Iterable[OwnMeasureSpec], *, by: User) -> None:
    """Add the measures a mapping defines. Raises ValidationError when one is defined otherwise already."""
    for spec in specs:
        if spec.code in instruments():
            raise ValidationError(f"{spec.code} is the code of an instrument that is shipped. Choose another.")
        values = {
            "name": spec.name,
            "construct": spec.construct,
            "low": spec.low,
            "high": spec.high,
            "higher_is_better": spec.higher_is_better,
            "sd": spec.sd,
            "reliability": spec.reliability,
            "licence": spec.licence,
        }
        there = OwnMeasure.objects.filter(code=spec.code).first()
        if there is None:
            measure = OwnMeasure(organisation_id=by.organisation_id, code=spec.code, created_by=by, **values)
            measure.check_values()
            measure.save(force_insert=True)
            record_event("measure.defined", measure, organisation_id=by.organisation_id, by=by)
        elif any(getattr(there, name) != value for name, value in values.items()):
            raise ValidationError(f"The measure {spec.code} is defined otherwise already. Give this one another code.")


def score_all(ratings: Sequence[ImportedRating], report: ImportReport) -> list[Scored]:
    """Score by the key, and compare with the columns the file brings for that purpose."""
    known = catalogue.known(rating.instrument for rating in ratings)
    scored = []
    for rating in ratings:
        edition = known[rating.instrument].editions[rating.rater]
        if rating.answers is not None:
            result = scoring.score(edition, rating.answers)
            scores = dict(result.scores)
            answers = {str(number): answer for number, answer in rating.answers.items()}
        else:
            scores = {scale: of_total(scale, total, edition) for scale, total in (rating.totals or {}).items()}
            answers = {}
        scored.append(Scored(rating, edition, answers, scores))
        for scale, expected in rating.expected.items():
            found = scores[scale].value
            if found is None or abs(found - expected) > TOLERANCE:
                report.mismatches.append(f"row {rating.row}: {scale} is {found}, the file says {expected:g}")
    return scored


def of_total(scale: str, total: float, edition: Edition) -> scoring.ScaleScore:
    """A score known by its total alone; the mean is the total spread over the scale's items."""
    items = len(edition.numbers(scale)) if edition.items else 1
    mean = total / items if edition.scoring == "sum" else total
    return scoring.ScaleScore(scale, total, mean, items, items, False, None)


def check_dates(ratings: Sequence[ImportedRating], start_date: date | None) -> None:
    undated = next((rating for rating in ratings if rating.held_on is None), None)
    if undated is not None and start_date is None:
        raise ValidationError("The file has no dates. Say from which day weekly ones are to be assumed: --start-date.")
    today = timezone.localdate()
    for rating in ratings:
        if day_of(rating, start_date) > today:
            raise ValidationError(
                f"Row {rating.row}: session {rating.session} would be on {day_of(rating, start_date):%-d %B %Y}, "
                "which is in the future. Choose an earlier start date."
            )


def day_of(rating: ImportedRating, start_date: date | None) -> date:
    if rating.held_on is not None:
        return rating.held_on
    assert start_date is not None
    return start_date + timedelta(weeks=rating.session)


def find_or_start_episodes(
    ratings: Sequence[ImportedRating], therapist: User, start_date: date | None, report: ImportReport, *, by: User
) -> dict[str, Episode]:
    """The episode of each client in the file, the latest one where the client is known."""
    first_day: dict[str, date] = {}
    for rating in ratings:
        day = day_of(rating, start_date)
        first_day[rating.client] = min(day, first_day.get(rating.client, day))
    there = {client.code: client for client in Client.objects.filter(code__in=first_day)}
    episodes = {
        episode.client.code: episode
        for episode in Episode.objects.filter(client__in=there.values()).select_related("client").order_by("started_on")
    }
    others = sorted(code for code, episode in episodes.items() if episode.therapist_id != therapist.pk)
    if others:
        raise ValidationError(f"{others[0]} is a client of somebody else. Use other codes, or name that therapist.")
    new_clients = [
        Client(organisation_id=by.organisation_id, code=code, created_by=by) for code in first_day if code not in there
    ]
    Client.objects.bulk_create(new_clients, batch_size=CHUNK)
    there |= {client.code: client for client in new_clients}
    new_episodes = [
        Episode(
            organisation_id=by.organisation_id,
            client=there[code],
            therapist=therapist,
            modality=Modality.OTHER,
            practitioner_title="Therapist",
            started_on=day,
            created_by=by,
        )
        for code, day in first_day.items()
        if code not in episodes
    ]
    Episode.objects.bulk_create(new_episodes, batch_size=CHUNK)
    report.clients = len(new_clients)
    return episodes | {episode.client.code: episode for episode in new_episodes}


def find_or_log_sessions(
    ratings: Sequence[ImportedRating],
    episodes: Mapping[str, Episode],
    start_date: date | None,
    report: ImportReport,
    *,
    by: User,
) -> dict[Key, TherapySession]:
    """The session of each rating. A session nobody rated is not made up: its number stays free, and shows as a gap."""
    code_of = {episode.pk: code for code, episode in episodes.items()}
    there = {
        (code_of[session.episode_id], session.number): session
        for session in TherapySession.objects.filter(episode__in=episodes.values())
    }
    new: dict[Key, TherapySession] = {}
    now = timezone.now()
    for rating in ratings:
        key = rating.client, rating.session
        if key in there or key in new:
            continue
        new[key] = TherapySession(
            organisation_id=by.organisation_id,
            episode=episodes[rating.client],
            number=rating.session,
            held_on=day_of(rating, start_date),
            is_date_assumed=rating.held_on is None,
            attendance=Attendance.ATTENDED,
            format=Format.NOT_RECORDED,
            phase=Phase(rating.phase),
            label=rating.label or "",
            created_by=by,
            # Nobody will rate these from the therapist's chair any more: nothing to keep independent.
            waived_at=now,
            waived_by=by,
        )
    TherapySession.objects.bulk_create(new.values(), batch_size=CHUNK)
    report.sessions = len(new)
    return there | new


def write_ratings(
    scored: Sequence[Scored], sessions: Mapping[Key, TherapySession], report: ImportReport, *, by: User
) -> set[str]:
    """Insert what is new, supersede what differs; returns the clients whose ratings changed."""
    current = current_ratings(sessions.values())
    new: list[tuple[Rating, Scored]] = []
    earlier: list[tuple[Rating, Rating]] = []
    for one in scored:
        session = sessions[one.source.client, one.source.session]
        before = current.get((session.pk, one.source.instrument, one.source.rater))
        if before is not None and says_the_same(before, one):
            report.unchanged += 1
            continue
        rating = Rating(
            organisation_id=by.organisation_id,
            session=session,
            instrument=one.source.instrument,
            rater=one.source.rater,
            edition_version=one.edition.version,
            answers=one.answers,
            submitted_at=timezone.make_aware(datetime.combine(session.held_on, time(12))),
            submitted_by=by,
        )
        new.append((rating, one))
        if before is not None:
            earlier.append((before, rating))
    Rating.objects.filter(pk__in=[before.pk for before, _ in earlier]).update(superseded_at=Now())
    Rating.objects.bulk_create((rating for rating, _ in new), batch_size=CHUNK)
    for before, rating in earlier:
        Rating.objects.filter(pk=before.pk).update(superseded_by=rating)
    Score.objects.bulk_create(scores_of(new), batch_size=CHUNK)
    report.superseded = len(earlier)
    report.written = len(new) - len(earlier)
    return {one.source.client for _, one in new}


def current_ratings(sessions: Iterable[TherapySession]) -> dict[tuple[uuid.UUID, str, str], Rating]:
    ratings = Rating.objects.current().filter(session__in=[session.pk for session in sessions])
    return {
        (rating.session_id, rating.instrument, rating.rater): rating for rating in ratings.prefetch_related("scores")
    }


def says_the_same(before: Rating, one: Scored) -> bool:
    if one.answers:
        return before.answers == one.answers
    return {score.scale: score.value for score in before.scores.all()} == {
        scale: score.value for scale, score in one.scores.items()
    }


def scores_of(new: Iterable[tuple[Rating, Scored]]) -> Iterator[Score]:
    for rating, one in new:
        for score in one.scores.values():
            yield Score(
                organisation_id=rating.organisation_id,
                rating=rating,
                scale=score.scale,
                value=score.value,
                mean=score.mean,
                is_prorated=score.prorated,
                reason=score.reason or "",
            )
