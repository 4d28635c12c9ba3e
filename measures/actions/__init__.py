import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.access import check_own
from accounts.audit import record_event
from accounts.idempotency import taken_means
from accounts.models import User
from accounts.selectors import has_reader
from clients.actions import hand_over_episode
from clients.models import Episode
from jobs import actions as jobs
from jobs.models import Job, Route
from sessions_app.actions import update_session
from sessions_app.models import TherapySession

from .. import catalogue, instruments, schedule, scoring, tokens, wordings
from ..models import EpisodeSeries, OwnMeasure, Rater, Rating, RatingRequest, Score, Trend, Wording
from ..priors import Judgement, judge, published
from ..selectors import open_requests, sealed_sessions, series_of
from ..statistics.joint import Key
from ..statistics.summary import TrendSummary, summarise
from .invitations import invite as invite
from .invitations import send_invitation as send_invitation
from .invitations import sweep_invitations as sweep_invitations
from .risk import note_risk

# Lives in `ruptures`, as trends that change raise and withdraw signals.
COMPUTE_TRENDS = "ruptures.judge_episode"
# Of trends that a sweep asks for; more than an organisation has episodes open.
SWEPT = 20_000
LINK_LASTS = timedelta(days=7)
# So long after its answers were sent, whoever sent them may go on to the next questionnaire of the session.
GOES_ON_FOR = timedelta(hours=2)


class LinkUnusable(Exception):
    """Used, expired, revoked, mistyped or somebody else's: the person is told the same for each."""


class OtherAnswers(Exception):
    """The link was used with this very form and other answers. Those are kept, these are not."""


def locked_session(session_id: uuid.UUID) -> TherapySession:
    """The session as it is now. Whoever else rates it, asks for its rating or changes it waits for this transaction."""
    sessions = TherapySession.objects.select_related("episode__therapist")
    return sessions.select_for_update(no_key=True, of=("self",)).get(pk=session_id)


@transaction.atomic
def change_session(*, session: TherapySession, version: int, by: User, **values: Any) -> TherapySession:
    """Change what was logged, with what follows for its links and trends.

    Raises what `update_session` raises, and ValidationError beside `attendance` when a session that has ratings
    would become one that did not take place.
    """
    number, took_place = session.number, session.took_place
    changed = update_session(session=session, version=version, by=by, **values)
    if took_place and not changed.took_place:
        # What a client rated before the session stands, whether or not they came.
        before = [entry.instrument for entry in schedule.battery_of(session.episode) if entry.is_before]
        if Rating.objects.current().filter(session=changed).exclude(instrument__in=before).exists():
            raise ValidationError(
                {"attendance": "This session has ratings, so it took place. Choose “Attended” or “Late”."}
            )
        for request in RatingRequest.objects.filter(session=changed, revoked_at=None, redeemed_at=None):
            revoke_request(request=request, by=by)
    if changed.number != number:
        make_trends_stale(changed.episode)
    return changed


@transaction.atomic
def submit_rating(
    *,
    session: TherapySession,
    instrument: str,
    rater: str,
    answers: Mapping[int, float | None],
    wording_id: uuid.UUID | None = None,
    by: User,
) -> Rating:
    """Save a therapist's (or observer's) rating of a session; one that is there already is superseded and kept.

    Raises scoring.AnswerProblem naming the items, or ValidationError when the session did not take place.
    """
    check_own(by, session.episode.responsible_id)
    wording = wordings.shown(wording_id, instrument=instrument, rater=rater)
    return record_rating(session=session, instrument=instrument, rater=rater, answers=answers, wording=wording, by=by)


def record_rating(
    *,
    session: TherapySession,
    instrument: str,
    rater: str,
    answers: Mapping[int, float | None],
    comment: str = "",
    do_not_raise: bool = False,
    seconds_taken: int | None = None,
    ending_view: str = "",
    submitted_at: datetime | None = None,
    wording: Wording | None = None,
    by: User | None,
) -> Rating:
    """Score and store a rating and make the episode's trends stale, in the caller's transaction.

    `submitted_at` is when it was filled in, where that was not now; `wording` the service's own words it was made with.
    """
    check_took_place(session)
    edition = instruments.edition(instrument, rater)
    checked = scoring.check_answers(edition, answers)
    rating = Rating(
        organisation_id=session.organisation_id,
        session=session,
        instrument=instrument,
        rater=rater,
        edition_version=edition.version,
        answers={str(number): answer for number, answer in checked.items()},
        comment=comment.strip(),
        do_not_raise=do_not_raise,
        seconds_taken=seconds_taken,
        ending_view=ending_view,
        submitted_by=by,
        wording=wording,
        waits_for_therapist=rater == Rater.CLIENT and is_kept_back(session, instrument),
        **({"submitted_at": submitted_at} if submitted_at else {}),
    )
    return store(rating, scoring.score_checked(edition, checked).scores.values())


def check_took_place(session: TherapySession) -> None:
    if not session.took_place:
        raise ValidationError("This meeting did not take place, so there is nothing to rate.")


def is_kept_back(session: TherapySession, instrument: str) -> bool:
    """A client's rating waits where the therapist is to rate the same session and has not yet."""
    if Rating.objects.current().filter(session=session, rater=Rater.THERAPIST).exists():
        return False
    return schedule.waits_for_therapist(session, instruments.instruments()[instrument])


def store(rating: Rating, scores: Iterable[scoring.ScaleScore]) -> Rating:
    """Save a rating with its scores in the place of the one that is there, which stays."""
    rating.check_values()
    same = {"session": rating.session, "instrument": rating.instrument, "rater": rating.rater}
    earlier = Rating.objects.current().filter(**same)
    earlier_id = earlier.values_list("pk", flat=True).first()
    if earlier_id:
        earlier.update(superseded_at=Now())
    rating.save(force_insert=True)
    if earlier_id:
        Rating.objects.filter(pk=earlier_id).update(superseded_by=rating)
    Score.objects.bulk_create(
        Score(
            organisation_id=rating.organisation_id,
            rating=rating,
            scale=score.scale,
            value=score.value,
            mean=score.mean,
            is_prorated=score.prorated,
            reason=score.reason or "",
        )
        for score in scores
    )
    episode = rating.session.episode
    record_event(
        "rating.corrected" if earlier_id else "rating.submitted",
        rating,
        organisation_id=rating.organisation_id,
        client_id=episode.client_id,
        by=rating.entered_by or rating.submitted_by,
        fields=[rating.instrument, rating.rater, *(["paper"] if rating.entered_by else [])],
    )
    note_risk(rating)
    make_trends_stale(episode)
    return rating


@transaction.atomic
def waive_own_rating(*, session: TherapySession, by: User) -> None:
    """Show the client's rating to a therapist who chooses not to give one of their own."""
    check_own(by, session.episode.responsible_id)
    unseal_session(session=session, by=by)


@transaction.atomic
def unseal_session(*, session: TherapySession, by: User) -> None:
    """As `waive_own_rating`, by somebody who has been asked for their right to before."""
    updated = TherapySession.objects.filter(pk=session.pk, waived_at=None).update(
        waived_at=timezone.now(), waived_by=by
    )
    if updated:
        record_event(
            "rating.waived",
            session,
            organisation_id=session.organisation_id,
            client_id=session.episode.client_id,
            by=by,
        )
        make_trends_stale(session.episode)


@transaction.atomic
def request_rating(*, session: TherapySession, instrument: str, by: User) -> RatingRequest:
    """Make a link for one rating by the client; an open one for the same questionnaire stops working.

    Of two made at the same moment the later one stays open. Raises ValidationError when the session did not take
    place or the client has rated it already.
    """
    check_own(by, session.episode.responsible_id)
    session = locked_session(session.pk)
    if not wordings.languages_of(instrument):
        raise ValidationError("Clients can only be asked in words, and this questionnaire's wording is not recorded.")
    check_took_place(session)
    if Rating.objects.current().filter(session=session, instrument=instrument, rater=Rater.CLIENT).exists():
        raise ValidationError("The client has already rated this session.")
    RatingRequest.objects.filter(session=session, instrument=instrument, revoked_at=None, redeemed_at=None).update(
        revoked_at=Now(), revoked_by=by
    )
    return new_request(session, instrument, made_for=by, event_by=by)


def new_request(session: TherapySession, instrument: str, *, made_for: User, event_by: User | None) -> RatingRequest:
    """A link with its route. `event_by` is None where a client goes on from one questionnaire to the next."""
    request = RatingRequest(
        organisation_id=session.organisation_id,
        session=session,
        instrument=instrument,
        nonce=tokens.new_nonce(),
        expires_at=Now() + LINK_LASTS,
        created_by=made_for,
    )
    token = tokens.token_of(request.pk, request.nonce)
    request.token_hash = tokens.hash_of(token)
    request.save(force_insert=True)
    request.refresh_from_db(fields=["expires_at"])
    jobs.set_route(kind=Route.Kind.LINK, value=token, organisation_id=request.organisation_id)
    record_event(
        "link.made",
        request,
        organisation_id=request.organisation_id,
        client_id=session.episode.client_id,
        by=event_by,
        fields=[instrument],
    )
    return request


@transaction.atomic
def request_due(*, session: TherapySession, by: User) -> RatingRequest | None:
    """A link that leads through what the client can be asked after this session; None where that is nothing."""
    first = next(iter(schedule.to_ask(session)), None)
    return request_rating(session=session, instrument=first.code, by=by) if first else None


@transaction.atomic
def go_on(*, request_id: uuid.UUID, token: str) -> RatingRequest:
    """The link to what a client is asked next, after the questionnaire that this token was just used for.

    Raises LinkUnusable when it was not, or longer ago than two hours, or when nothing is left to ask.
    """
    used = RatingRequest.objects.filter(
        pk=request_id, token_hash=tokens.hash_of(token), redeemed_at__gt=Now() - GOES_ON_FOR
    ).first()
    if used is None:
        raise LinkUnusable
    session = locked_session(used.session_id)
    following = schedule.asked_after(session, used.instrument) if has_reader(session.episode.therapist) else None
    if following is None:
        raise LinkUnusable
    waiting = RatingRequest.objects.filter(
        session=session, instrument=following.code, revoked_at=None, redeemed_at=None
    )
    there = waiting.filter(expires_at__gt=Now()).first()
    if there is not None:
        return there
    waiting.update(revoked_at=Now(), revoked_by=used.created_by)
    return new_request(session, following.code, made_for=used.created_by, event_by=None)


@transaction.atomic
def revoke_request(*, request: RatingRequest, by: User) -> None:
    """Make a link stop working. One that was used or withdrawn before stays as it is."""
    check_own(by, request.session.episode.responsible_id)
    close_request(request=request, by=by)


@transaction.atomic
def close_request(*, request: RatingRequest, by: User) -> None:
    """As `revoke_request`, by somebody who has been asked for their right to before."""
    updated = RatingRequest.objects.filter(pk=request.pk, revoked_at=None, redeemed_at=None).update(
        revoked_at=Now(), revoked_by=by
    )
    if updated:
        record_event(
            "link.revoked",
            request,
            organisation_id=request.organisation_id,
            client_id=request.session.episode.client_id,
            by=by,
        )


@transaction.atomic
def hand_over_device(*, session: TherapySession, by: User) -> list[RatingRequest]:
    """Links for all that the client can be asked of a session, open ones first, for the therapist's own device.

    Raises ValidationError where there is nothing to ask.
    """
    check_own(by, session.episode.responsible_id)
    session = locked_session(session.pk)
    requests = list(open_requests(session))
    asked = {request.instrument for request in requests}
    requests += [
        request_rating(session=session, instrument=instrument.code, by=by)
        for instrument in schedule.to_ask(session)
        if instrument.code not in asked
    ]
    if not requests:
        raise ValidationError("There is nothing left that the client could rate here.")
    record_event(
        "session.handed-over",
        session,
        organisation_id=session.organisation_id,
        client_id=session.episode.client_id,
        by=by,
        fields=[request.instrument for request in requests],
    )
    return requests


@transaction.atomic
def hand_over_episode_with_links(*, episode: Episode, to: User, on: date, practitioner_title: str, by: User) -> Episode:
    """Hand an episode over, with what follows for its links and ratings; returns the one that continues it.

    Links without an answer stop working. A client's rating that waits for the therapist's own waits no longer, as
    nobody rates there any more. Raises what `hand_over_episode` raises.
    """
    # Whoever answers a link holds its session: they come wholly before this, or find that the link is closed.
    list(TherapySession.objects.filter(episode=episode).order_by("pk").select_for_update(no_key=True))
    next_one = hand_over_episode(episode=episode, to=to, on=on, practitioner_title=practitioner_title, by=by)
    for request in RatingRequest.objects.filter(session__episode=episode, revoked_at=None, redeemed_at=None):
        close_request(request=request, by=by)
    for session in sealed_sessions([episode]):
        unseal_session(session=session, by=by)
    return next_one


@transaction.atomic
def redeem_request(
    *,
    request_id: uuid.UUID,
    token: str,
    key: uuid.UUID,
    answers: Mapping[int, float | None],
    comment: str = "",
    do_not_raise: bool = False,
    wording_id: uuid.UUID | None = None,
    seconds_taken: int | None = None,
    ending_view: str = "",
) -> None:
    """Save what a client answered, once. The same form sent again changes nothing and succeeds.

    Sent again with other answers it changes nothing either, and raises OtherAnswers.

    One conditional update decides which of many simultaneous submits is the one; the database's clock decides
    whether it is in time. Raises LinkUnusable, or scoring.AnswerProblem and ValidationError, which leave it unused.
    """
    mine = RatingRequest.objects.filter(pk=request_id, token_hash=tokens.hash_of(token))
    request = mine.first()
    if request is None:
        raise LinkUnusable
    session = locked_session(request.session_id)
    digest = digest_of(answers, comment, do_not_raise, ending_view)
    # Nobody would read what is sent to a therapist who has left.
    redeemed = has_reader(session.episode.therapist) and mine.filter(
        revoked_at=None, redeemed_at=None, expires_at__gt=Now()
    ).update(redeemed_at=Now(), redeemed_key=key, redeemed_digest=digest)
    if not redeemed:
        earlier = mine.filter(redeemed_key=key).values_list("redeemed_digest", flat=True).first()
        if earlier is None:
            raise LinkUnusable
        if earlier not in {digest, ""}:
            raise OtherAnswers
        return
    record_rating(
        session=session,
        instrument=request.instrument,
        rater=Rater.CLIENT,
        answers=answers,
        comment=comment,
        do_not_raise=do_not_raise,
        wording=wordings.shown(wording_id, instrument=request.instrument, rater=Rater.CLIENT),
        seconds_taken=seconds_taken,
        ending_view=ending_view,
        by=None,
    )


def digest_of(answers: Mapping[int, float | None], comment: str, do_not_raise: bool, ending_view: str) -> str:
    """Tells one sending from another. Made with the site's key: a few answers could be guessed from a bare hash."""
    content = json.dumps([sorted(answers.items()), comment.strip(), do_not_raise, *filter(None, [ending_view])])
    return salted_hmac("measures.redeemed-digest", content, algorithm="sha256").hexdigest()


def make_trends_stale(episode: Episode) -> None:
    """Count up the version of an episode's ratings and ask for its trends, in the caller's transaction."""
    make_all_stale([episode.pk], organisation_id=episode.organisation_id)


def make_all_stale(episode_ids: Collection[uuid.UUID], *, organisation_id: uuid.UUID, ask_later: bool = False) -> None:
    """As `make_trends_stale`, for many episodes at once.

    With `ask_later` the caller calls `sweep_trends` when all its work is done, which would otherwise wait behind
    thousands of trends.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO measures_episodeseries (id, organisation_id, episode_id, input_version, computed_version)
            SELECT gen_random_uuid(), %s, episode_id, 1, 0 FROM unnest(%s::uuid[]) AS episode_id ORDER BY episode_id
            ON CONFLICT (episode_id) DO UPDATE
            SET input_version = measures_episodeseries.input_version + 1, changed_at = now()
            """,
            [organisation_id, list(episode_ids)],
        )
    if not ask_later:
        jobs.request_jobs(task=COMPUTE_TRENDS, object_ids=episode_ids, organisation_id=organisation_id)


@transaction.atomic
def define_measure(*, measure: OwnMeasure, by: User) -> OwnMeasure:
    """Save what `catalogue.measure_as_defined` gave, unless it was there."""
    if measure._state.adding:
        with taken_means(ValidationError({"code": f"A measure {measure.code} was defined just now. Choose another."})):
            measure.save(force_insert=True)
        record_event("measure.defined", measure, organisation_id=by.organisation_id, by=by)
    return measure


@transaction.atomic
def set_baseline(*, session: TherapySession, by: User) -> None:
    """Let what is expected of the episode count from this session on; session 1 undoes it."""
    episode = session.episode
    check_own(by, episode.responsible_id)
    make_trends_stale(episode)
    EpisodeSeries.objects.filter(episode=episode).update(baseline_from=session.number)
    record_event(
        "episode.baseline-set",
        episode,
        organisation_id=episode.organisation_id,
        client_id=episode.client_id,
        by=by,
        fields=["baseline_from"],
    )


@transaction.atomic
def compute_trends(*, episode_id: uuid.UUID) -> list[Judgement]:
    """Recompute every trend of an episode from its scores and store of which version they are; returns the judgements.

    Doing it twice changes nothing. Two workers on one episode take turns; the version is read before the
    scores, so a rating that arrives meanwhile leaves the trends marked as older than it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(episode_id)])
    series = EpisodeSeries.objects.filter(episode_id=episode_id).first()
    if series is None:
        return []
    trends = []
    points_of = series_of(episode_id)
    judgements = judge(points_of, series.organisation_id, baseline_from=series.baseline_from)
    judged = {(found.instrument, *key): (found, key) for found in judgements for key in found.priors}
    known = catalogue.known(instrument for instrument, _, _ in points_of)
    for (instrument, rater, scale), points in points_of.items():
        edition = known[instrument].editions[rater]
        judgement, key = judged.get((instrument, rater, scale), (None, None))
        prior = judgement.priors[key] if judgement and key else None
        spread = published(edition, scale) if prior is None else {"sd": prior.sd, "reliability": prior.reliability}
        summary = summarise(
            points,
            value_range=(edition.minimum, edition.maximum),
            **spread,
            step=edition.step / (len(edition.numbers(scale)) or 1),
            baseline_from=series.baseline_from,
        )
        trends.append(
            Trend(
                organisation_id=series.organisation_id,
                episode_id=episode_id,
                instrument=instrument,
                rater=rater,
                scale=scale,
                version=series.input_version,
                points=[[point.session, point.value] for point in points],
                **fields_of(summary),
                **expected_of(judgement, key),
            )
        )
    Trend.objects.filter(episode_id=episode_id).delete()
    Trend.objects.bulk_create(trends)
    EpisodeSeries.objects.filter(pk=series.pk).update(computed_version=series.input_version, computed_at=Now())
    return judgements


def expected_of(judgement: Judgement | None, key: Key | None) -> dict[str, Any]:
    """What a trend keeps of a judgement, so that a page only reads."""
    if judgement is None or key is None:
        return {}
    return {
        "prior": judgement.priors[key],
        "rate": judgement.rate.name,
        "expected": judgement.expected(key),
    }


def fields_of(summary: TrendSummary) -> dict[str, Any]:
    return {
        "n": summary.n,
        "latest": summary.latest,
        "latest_session": summary.latest_session,
        "previous": summary.previous,
        "change": summary.change,
        "change_from_first": summary.change_from_first,
        "baseline": summary.baseline,
        "baseline_low": summary.baseline_low,
        "baseline_high": summary.baseline_high,
        "slope": summary.slope,
        "slope_low": summary.slope_low,
        "slope_high": summary.slope_high,
        "reliable_criterion": summary.reliable.criterion if summary.reliable else None,
        "is_reliable": summary.reliable.reliable if summary.reliable else None,
        "notes": list(summary.notes),
    }


@transaction.atomic
def sweep_trends(*, organisation_id: uuid.UUID) -> int:
    """Ask again for every trend that is older than its ratings: nothing is silently stale.

    What failed for good is not asked for again before a new rating: the failed job stands for it.
    """
    given_up = Job.objects.failed().filter(task=COMPUTE_TRENDS, object_id=OuterRef("episode_id"))
    stale = EpisodeSeries.objects.filter(
        ~Exists(given_up.filter(failed_at__gt=OuterRef("changed_at"))),
        computed_version__lt=F("input_version"),
        organisation_id=organisation_id,
    )
    episode_ids = list(stale.values_list("episode_id", flat=True)[:SWEPT])
    jobs.request_jobs(task=COMPUTE_TRENDS, object_ids=episode_ids, organisation_id=organisation_id)
    return len(episode_ids)
