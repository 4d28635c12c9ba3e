"""What the database says beside the ledger: every difference is a sentence. Nothing found is an empty list."""

import re
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from email import message_from_string
from typing import Any

from django.db import OperationalError, close_old_connections, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import AuditEvent
from dashboards.actions import keep_summaries, sweep_summaries
from dashboards.models import EpisodeSummary
from dashboards.selectors.summaries import stale_summaries
from jobs import actions as jobs
from jobs.models import Job
from jobs.organisation import acting_in
from measures import instruments, scoring
from measures.actions import sweep_trends
from measures.models import EpisodeSeries, Invitation, Rating, RatingRequest, Score, Trend
from ruptures.actions import judge_episode
from ruptures.models import Rupture
from sessions_app.models import ProcessNote, TherapySession
from tests.faults.load import Ledger, Log, Sent

OWN = "session-check-in"
SCALES = ("goal", "task", "bond")
# Of a trend or summary that is computed again, what may differ.
NOT_COMPARED = {"id", "updated_at", "computed_at"}


def connect_anew() -> None:
    """What was a connection before the database died is none now."""
    connection.close()
    close_old_connections()


# --- What was acknowledged, and halves -------------------------------------------------------------------------------


def differences(organisation_id: uuid.UUID, ledger: Ledger, episodes: Collection[uuid.UUID]) -> list[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        # One moment for all of it: what commits meanwhile is not half there.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with acting_in(organisation_id):
            return all_differences(ledger, episodes)


def all_differences(ledger: Ledger, episodes: Collection[uuid.UUID]) -> list[str]:
    sessions = list(TherapySession.objects.filter(episode__in=episodes))
    return [
        *of_logs(ledger.logs, sessions),
        *of_ratings(ledger.ratings, sessions),
        *of_notes(ledger, episodes),
        *of_scores(sessions),
    ]


def of_logs(logs: Sequence[Log], sessions: Sequence[TherapySession]) -> Iterable[str]:
    written = defaultdict(list)
    for session in sessions:
        written[session.note.split(" ")[0]].append(session)
    rows = Rows(sessions)
    for log in logs:
        found = written.pop(log.key, [])
        if len(found) > 1:
            yield f"log {log.key} is there {len(found)} times"
        elif log.is_kept and not found:
            yield f"log {log.key} was acknowledged and is lost"
        elif log.is_refused and found:
            yield f"log {log.key} was refused and is there"
        elif found:
            yield from halves(log, found[0], rows)
    for key, found in written.items():
        yield f"{len(found)} sessions that nobody logged, with {key!r}"


class Rows:
    """Everything that hangs on some sessions."""

    def __init__(self, sessions: Sequence[TherapySession]) -> None:
        keys = [session.pk for session in sessions]
        own = Rating.objects.current().filter(session__in=keys, rater="therapist", instrument=OWN)
        self.ratings = grouped(own, "session_id")
        self.requests = grouped(RatingRequest.objects.filter(session__in=keys, revoked_at=None), "session_id")
        self.ruptures = grouped(Rupture.objects.filter(session__in=keys).exclude(type=""), "session_id")
        self.events = Counter(
            AuditEvent.objects.filter(action="session.logged", object_id__in=keys).values_list("object_id", flat=True)
        )
        self.series = set(EpisodeSeries.objects.values_list("episode_id", flat=True))


def grouped(rows: Iterable[Any], name: str) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def halves(log: Log, session: TherapySession, rows: Rows) -> Iterable[str]:
    if session.note not in [log.note, *log.perhaps]:
        yield f"log {log.key}: its note is {session.note!r}, and {log.note!r} was acknowledged"
    expected = {str(number): float(answer) for number, answer in enumerate(log.answers, start=1)}
    if [rating.answers for rating in rows.ratings[session.pk]] != [expected]:
        yield f"log {log.key}: half a write, of its rating there are {len(rows.ratings[session.pk])}"
    if rows.events[session.pk] != 1:
        yield f"log {log.key}: half a write, {rows.events[session.pk]} events of it"
    if not rows.requests[session.pk]:
        yield f"log {log.key}: half a write, without its link"
    if len(rows.ruptures[session.pk]) != log.has_rupture:
        yield f"log {log.key}: half a write, {len(rows.ruptures[session.pk])} ruptures"
    if session.episode_id not in rows.series:
        yield f"log {log.key}: half a write, its trends were never asked for"


def of_ratings(sent: Sequence[Sent], sessions: Sequence[TherapySession]) -> Iterable[str]:
    keys = [session.pk for session in sessions]
    requests = {str(one.pk): one for one in RatingRequest.objects.filter(session__in=keys)}
    ratings = grouped(Rating.objects.current().filter(session__in=keys, rater="client"), "session_id")
    by_comment = Counter(rating.comment for found in ratings.values() for rating in found)
    for one in sent:
        if one.is_kept and by_comment[one.comment] != 1:
            yield f"rating {one.key} was acknowledged and is there {by_comment[one.comment]} times"
    by_key = {one.key: one for one in sent}
    for request in requests.values():
        found = [one for one in ratings[request.session_id] if one.instrument == request.instrument]
        if len(found) != (request.redeemed_at is not None):
            yield f"link {request.pk}: half a write, {len(found)} ratings, redeemed at {request.redeemed_at}"
        elif found:
            form = by_key.get(str(request.redeemed_key))
            expected = (
                {name.removeprefix("item-"): float(value) for name, value in form.answers.items()} if form else {}
            )
            given = {number: value for number, value in found[0].answers.items() if value is not None}
            if form is None or given != expected or found[0].comment != form.comment:
                yield f"link {request.pk}: its rating is not what was sent with {request.redeemed_key}"


def of_notes(ledger: Ledger, episodes: Collection[uuid.UUID]) -> Iterable[str]:
    there = Counter(note.text for note in ProcessNote.objects.filter(episode__in=episodes))
    for note in ledger.notes:
        times = there.pop(note.text, 0)
        if times > 1 or (note.is_kept and not times):
            yield f"process note {note.text!r} is there {times} times, acknowledged: {note.is_kept}"
    if there:
        yield f"{len(there)} process notes that nobody wrote"


def of_scores(sessions: Sequence[TherapySession]) -> Iterable[str]:
    ratings = list(Rating.objects.filter(session__in=sessions))
    scores = grouped(Score.objects.filter(rating__in=ratings), "rating_id")
    for rating in ratings:
        edition = instruments.edition(rating.instrument, rating.rater)
        checked = scoring.check_answers(edition, {int(number): value for number, value in rating.answers.items()})
        expected = {one.scale: one.value for one in scoring.score_checked(edition, checked).scores.values()}
        if {score.scale: score.value for score in scores[rating.pk]} != expected:
            yield f"rating {rating.pk}: half a write, {len(scores[rating.pk])} of {len(expected)} scores"


# --- Trends --------------------------------------------------------------------------------------------------------


def unfinished(organisation_id: uuid.UUID) -> dict[str, int]:
    """What is not done yet, or marked as older than what it is made from."""
    with acting_in(organisation_id):
        return {
            "jobs": Job.objects.filter(finished_at=None, failed_at=None).count(),
            "trends": EpisodeSeries.objects.filter(computed_version__lt=F("input_version")).count(),
            "summaries": len(stale_summaries(organisation_id)),
        }


def pass_time(organisation_id: uuid.UUID) -> None:
    """What a dead worker or broker held is missed after 75 seconds, what failed is tried again later, and each minute
    somebody looks for what was forgotten: all of it now.
    """
    long_ago = Now() - timedelta(seconds=80)
    with suppress(OperationalError), transaction.atomic():
        # What a worker does at this moment it holds; that one is not lost.
        held_by_nobody = Job.objects.under_way().select_for_update(skip_locked=True)
        lost = Job.objects.filter(pk__in=[job.pk for job in held_by_nobody])
        lost.update(handed_at=long_ago)
        lost.filter(started_at__isnull=False).update(started_at=long_ago)
    with suppress(OperationalError):
        jobs.put_back_lost_jobs()
        sweep_summaries(organisation_id=organisation_id)
        with acting_in(organisation_id):
            sweep_trends(organisation_id=organisation_id)
        Job.objects.waiting().update(available_at=Now())


def wrong_trends(organisation_id: uuid.UUID, episodes: Collection[uuid.UUID]) -> list[str]:
    """Against the answers as they were saved, and against everything computed again."""
    found = []
    for episode in episodes:
        with transaction.atomic():
            with acting_in(organisation_id):
                stale = EpisodeSeries.objects.filter(episode=episode, computed_version__lt=F("input_version"))
                if stale.exists():
                    found.append(f"the trends of episode {episode} are older than its ratings")
                found += points_that_differ(episode)
                before = computed(episode)
                judge_episode(episode_id=episode)
                keep_summaries(episode_ids=[episode])
                after = computed(episode)
            transaction.set_rollback(True)
        found += [f"episode {episode}: computed again, {difference}" for difference in unlike(before, after)]
    return found


def points_that_differ(episode: uuid.UUID) -> Iterable[str]:
    ratings = Rating.objects.current().filter(session__episode=episode, instrument=OWN, rater="therapist")
    answers = {rating.session.number: rating.answers for rating in ratings.select_related("session")}
    for item, scale in enumerate(SCALES, start=1):
        expected = [[number, answers[number][str(item)]] for number in sorted(answers)]
        trend = Trend.objects.filter(episode=episode, instrument=OWN, rater="therapist", scale=scale).first()
        points = trend.points if trend else []
        if points != expected:
            yield f"episode {episode}: the trend of {scale} has {len(points)} of {len(expected)} points right"


def computed(episode: uuid.UUID) -> list[dict[str, Any]]:
    """Of an episode without a session there is nothing to compute, nor is it asked for."""
    trends = Trend.objects.filter(episode=episode).order_by("instrument", "rater", "scale")
    rows = [*trends.values(), *EpisodeSummary.objects.filter(episode=episode, session_count__gt=0).values()]
    return [{name: value for name, value in row.items() if name not in NOT_COMPARED} for row in rows]


def unlike(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterable[str]:
    if len(before) != len(after):
        yield f"there are {len(after)} trends and summaries, not {len(before)}"
        return
    for row, again in zip(before, after, strict=True):
        for name, value in again.items():
            if row[name] != value:
                yield f"{name} is {value!r}, not {row[name]!r}"


# --- E-mails and jobs ----------------------------------------------------------------------------------------------


def wrong_mails(organisation_id: uuid.UUID, episodes: Collection[uuid.UUID], taken: Iterable[str]) -> list[str]:
    """None twice; one that is on record as sent arrived; none that is due waits without a job."""
    arrived: Counter[str] = Counter()
    for content in taken:
        text = message_from_string(content).get_payload(decode=True)
        arrived.update(set(re.findall(r"/r/([a-z2-7]{40})", text.decode() if isinstance(text, bytes) else "")))
    found = []
    with acting_in(organisation_id):
        mails = Invitation.objects.filter(kind="first", request__session__episode__in=episodes)
        for mail in mails.select_related("request"):
            times = arrived[mail.request.token or ""]
            if times > 1:
                found.append(f"e-mail {mail.pk} arrived {times} times")
            elif mail.state == Invitation.State.SENT and times != 1:
                found.append(f"e-mail {mail.pk} is on record as sent and did not arrive")
        overdue = mails.filter(state=Invitation.State.WAITING, due_at__lt=Now() - timedelta(seconds=1))
        asked = Job.objects.filter(finished_at=None, failed_at=None).values("object_id")
        found += [f"e-mail {mail.pk} waits for nothing" for mail in overdue.exclude(pk__in=asked)]
    return found


def failed_jobs() -> list[str]:
    return [f"job {job.task} was given up: {job.last_error}" for job in Job.objects.failed()]


def jobs_in_words() -> str:
    """The open ones, with the seconds since they were handed over and started."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT task, attempts, last_error, extract(epoch FROM now() - handed_at)::int,
                   extract(epoch FROM now() - started_at)::int, extract(epoch FROM available_at - now())::int
            FROM jobs_job WHERE finished_at IS NULL AND failed_at IS NULL ORDER BY requested_at LIMIT 20
            """
        )
        return "; ".join(
            f"{task}, attempts {attempts} {error}, handed {handed} s ago, started {started} s ago, due in {due} s"
            for task, attempts, error, handed, started, due in cursor.fetchall()
        )


def wait_until_right(organisation_id: uuid.UUID, *, seconds: float, time_passes: bool) -> float:
    """Until nothing is unfinished; returns the seconds, or raises what is still open."""
    began, passed = time.monotonic(), 2.0
    while True:
        left = unfinished(organisation_id)
        took = time.monotonic() - began
        if not any(left.values()):
            return took
        if took > seconds:
            raise AssertionError(f"after {seconds:.0f} s there are unfinished {left}: {jobs_in_words()}")
        if time_passes and took > passed:
            pass_time(organisation_id)
            passed = took + 6
        time.sleep(0.2)
