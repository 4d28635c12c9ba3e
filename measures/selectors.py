"""Reads that join or shape: series of scores, what a link opens, what a session page shows."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from accounts.models import User
from clients.models import Episode
from jobs import actions as jobs
from jobs.models import Route
from jobs.organisation import set_organisation
from sessions_app.models import Phase, TherapySession
from sessions_app.selectors import with_last_session

from . import catalogue, instruments, quality, tokens
from .models import EpisodeSeries, OwnMeasure, Rater, Rating, RatingRequest, RiskAnswer, Score, Trend
from .statistics.summary import Point

SeriesKey = tuple[str, str, str]
# What a client is asked for by a link, until a service chooses its own.
ASKED_OF_CLIENTS = ("session-check-in", "outcome-check-in")


def series_of(episode_id: uuid.UUID, numbers: list[int] | None = None) -> dict[SeriesKey, list[Point]]:
    """Item means per (instrument, rater, scale), one point per session number; None where there is no score.

    Ratings that wait for the therapist's own are left out. `numbers` are the episode's, where the caller has them.
    """
    if numbers is None:
        planned = TherapySession.objects.filter(episode_id=episode_id).exclude(phase=Phase.FOLLOW_UP)
        numbers = with_gaps(planned.values_list("number", flat=True))
    sealed = Rating.objects.current().sealed().filter(session__episode_id=episode_id).values("pk")
    scores = (
        Score.objects.filter(rating__session__episode_id=episode_id, rating__superseded_at=None)
        .exclude(rating__in=sealed)
        .values_list("rating__instrument", "rating__rater", "scale", "rating__session__number", "mean")
    )
    found: dict[SeriesKey, dict[int, float | None]] = defaultdict(dict)
    for instrument, rater, scale, number, mean in scores:
        found[instrument, rater, scale][number] = mean
    return {
        key: [Point(session=number, value=values.get(number)) for number in numbers]
        for key, values in sorted(found.items())
    }


def with_gaps(numbers: Iterable[int]) -> list[int]:
    """Session numbers from the first to the last, those between that nobody recorded included."""
    known = sorted(numbers)
    return list(range(known[0], known[-1] + 1)) if known else []


def open_request(token: str) -> RatingRequest | None:
    """The request a link's token opens, entering its organisation; None for any link that can't be used."""
    set_organisation(jobs.organisation_of(kind=Route.Kind.LINK, value=token))
    return (
        RatingRequest.objects.filter(
            token_hash=tokens.hash_of(token),
            revoked_at=None,
            redeemed_at=None,
            expires_at__gt=Now(),
            session__episode__therapist__is_active=True,
        )
        .select_related("organisation", "session__episode__therapist")
        .first()
    )


def any_request(token: str, request_id: uuid.UUID) -> RatingRequest | None:
    """The request of this token, whatever became of it: a repeated submit must find the one it repeats."""
    set_organisation(jobs.organisation_of(kind=Route.Kind.LINK, value=token))
    return (
        RatingRequest.objects.filter(pk=request_id, token_hash=tokens.hash_of(token))
        .select_related("organisation", "session__episode__therapist")
        .first()
    )


def used_request(token: str, request_id: uuid.UUID) -> RatingRequest | None:
    """The request that this token was used for: thanks are shown to whoever sent it."""
    set_organisation(jobs.organisation_of(kind=Route.Kind.LINK, value=token))
    return (
        RatingRequest.objects.filter(pk=request_id, token_hash=tokens.hash_of(token), redeemed_at__isnull=False)
        .select_related("organisation", "session__episode__therapist")
        .first()
    )


@dataclass(frozen=True)
class SessionRatings:
    """What a session page shows of its ratings: those that may be seen, and whether one is waiting unseen."""

    shown: list[Rating]
    is_sealed: bool

    def by(self, rater: str, instrument: str) -> Rating | None:
        return next((r for r in self.shown if r.rater == rater and r.instrument == instrument), None)


def session_ratings(session: TherapySession) -> SessionRatings:
    current = Rating.objects.current().filter(session=session)
    sealed = set(current.sealed().values_list("pk", flat=True))
    ratings = list(current.order_by("instrument", "rater").prefetch_related("scores"))
    return SessionRatings([rating for rating in ratings if rating.pk not in sealed], bool(sealed))


def rating_to_see(user: User, rating_id: uuid.UUID) -> Rating | None:
    """A rating with its scores, session and client, as the session page shows it: in force, and not waiting unseen."""
    found = Rating.objects.visible_to(user).current().filter(pk=rating_id)
    return (
        found.exclude(pk__in=found.sealed().values("pk"))
        .select_related("session__episode__client")
        .prefetch_related("scores")
        .first()
    )


def instruments_for_clients() -> list[instruments.Instrument]:
    """Questionnaires a client can be asked to fill in, by name of their files."""
    return [found for code, found in instruments.instruments().items() if code in ASKED_OF_CLIENTS]


def own_measures() -> list[OwnMeasure]:
    """What the organisation measures with and we do not ship, by name."""
    return list(OwnMeasure.objects.order_by("name"))


def open_requests(session: TherapySession) -> list[RatingRequest]:
    return list(
        RatingRequest.objects.filter(session=session, revoked_at=None, redeemed_at=None, expires_at__gt=Now()).order_by(
            "created_at"
        )
    )


def request_of(user: User, request_id: uuid.UUID) -> RatingRequest | None:
    return (
        RatingRequest.objects.filter(session__in=TherapySession.objects.visible_to(user), pk=request_id)
        .select_related("session__episode")
        .first()
    )


@dataclass(frozen=True)
class EpisodeRow:
    """One episode in a list, with what its latest trends say of the three components."""

    episode: Episode
    scales: dict[str, Trend]
    instrument: instruments.Instrument
    is_updating: bool
    waiting_ratings: int
    has_risk: bool


def with_latest_change(episodes: Sequence[Episode]) -> list[EpisodeRow]:
    """Clients' trends of the alliance beside each episode, in four queries however many there are.

    Of one instrument, whichever others were used: numbers of different ranges do not stand in one row.
    """
    ids = [episode.pk for episode in episodes]
    shipped = instruments.instruments()
    alliance = [code for code, instrument in shipped.items() if instrument.has_components]
    trends: dict[uuid.UUID, dict[str, dict[str, Trend]]] = defaultdict(lambda: defaultdict(dict))
    for trend in Trend.objects.filter(episode_id__in=ids, rater=Rater.CLIENT, instrument__in=alliance):
        trends[trend.episode_id][trend.instrument][trend.scale] = trend
    updating = set(
        EpisodeSeries.objects.filter(episode_id__in=ids, computed_version__lt=F("input_version")).values_list(
            "episode_id", flat=True
        )
    )
    sealed = Counter(
        Rating.objects.current()
        .sealed()
        .filter(session__episode_id__in=ids)
        .values_list("session__episode_id", flat=True)
    )
    open_risk = RiskAnswer.objects.open().filter(rating__session__episode_id__in=ids)
    with_risk = set(open_risk.values_list("rating__session__episode_id", flat=True))
    rows = []
    for episode in episodes:
        by_code = trends[episode.pk]
        most_rated = max(by_code, key=lambda code: by_code[code]["total"].n, default=alliance[0])
        rows.append(
            EpisodeRow(
                episode,
                by_code[most_rated],
                shipped[most_rated],
                episode.pk in updating,
                sealed[episode.pk],
                episode.pk in with_risk,
            )
        )
    return rows


@dataclass(frozen=True)
class ShownRating:
    """A rating as a page shows it: each item with its answer, each scale with its score or the reason for none.

    `notes` say how a client filled it in, as far as it is known.
    """

    rating: Rating
    name: str
    items: list[tuple[instruments.Item, float | None]]
    scores: list[Score]
    low: float
    high: float
    speaks_of_harm: bool
    notes: list[str]


def courses_until(session: TherapySession) -> dict[SeriesKey, list[float]]:
    """What may be seen of the episode's item means up to a session."""
    series = series_of(session.episode_id, list(range(session.number + 1)))
    return {key: [point.value for point in points if point.value is not None] for key, points in series.items()}


def described(ratings: list[Rating], courses: Mapping[SeriesKey, Sequence[float]] | None = None) -> list[ShownRating]:
    """With the courses until their session, ratings are also held against the earlier ones."""
    shown = []
    known = catalogue.known(rating.instrument for rating in ratings)
    for rating in ratings:
        edition = known[rating.instrument].editions[rating.rater]
        order = edition.scored_scales
        answers = {int(number): answer for number, answer in rating.answers.items()}
        shown.append(
            ShownRating(
                rating,
                known[rating.instrument].name,
                [(item, answers.get(item.number)) for item in edition.items],
                sorted(rating.scores.all(), key=lambda score: order.index(score.scale)),
                edition.minimum,
                edition.maximum,
                bool(edition.risk_in(answers)),
                notes_on(rating, edition, answers, courses or {}),
            )
        )
    return shown


def notes_on(
    rating: Rating,
    edition: instruments.Edition,
    answers: Mapping[int, float | None],
    courses: Mapping[SeriesKey, Sequence[float]],
) -> list[str]:
    """What is known of how a client filled it in. How a colleague did is nobody's business."""
    if rating.rater != Rater.CLIENT:
        return []
    of_scales = {key[-1]: course for key, course in courses.items() if key[:-1] == (rating.instrument, rating.rater)}
    return quality.notes(edition, answers, seconds=rating.seconds_taken, courses=of_scales)


def instruments_to_ask(session: TherapySession) -> list[instruments.Instrument]:
    """Questionnaires the client can still be asked for: no rating yet, and no link open."""
    rated = set(
        Rating.objects.current().filter(session=session, rater=Rater.CLIENT).values_list("instrument", flat=True)
    )
    asked = {request.instrument for request in open_requests(session)}
    return [instrument for instrument in instruments_for_clients() if instrument.code not in rated | asked]


NOT_SEEN_FOR = timedelta(days=14)
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class Today:
    """What needs a therapist: ratings that wait for their own, ratings received, links open, people not seen."""

    to_rate: list[TherapySession]
    received: list[Rating]
    waiting: list[RatingRequest]
    not_seen: list[Episode]
    days: int = NOT_SEEN_FOR.days

    @property
    def is_empty(self) -> bool:
        return not (self.to_rate or self.received or self.waiting or self.not_seen)


def today(user: User) -> Today:
    """Four short lists, one query each; at most twenty rows in each, the most urgent first.

    A rating that waits for the therapist's own waits in an ended episode too.
    """
    ever_own = TherapySession.objects.filter(episode__therapist=user)
    of_own = ever_own.filter(episode__ended_on=None)
    sealed = Rating.objects.current().sealed().filter(session__in=ever_own)
    to_rate = ever_own.filter(pk__in=sealed.values("session_id")).select_related("episode__client").order_by("held_on")
    received = (
        Rating.objects.current()
        .filter(session__in=of_own, rater=Rater.CLIENT, submitted_at__gte=Now() - RECENT)
        .exclude(pk__in=sealed.values("pk"))
        .select_related("session__episode__client")
        .order_by("-submitted_at")
    )
    waiting = (
        RatingRequest.objects.filter(session__in=of_own, revoked_at=None, redeemed_at=None, expires_at__gt=Now())
        .select_related("session__episode__client")
        .order_by("expires_at")
    )
    not_seen = (
        with_last_session(Episode.objects.open().filter(therapist=user))
        .annotate(seen_or_started=Coalesce("last_seen", "started_on"))
        .filter(seen_or_started__lt=timezone.localdate() - NOT_SEEN_FOR)
        .select_related("client")
        .order_by("seen_or_started")
    )
    by_session = {rating.session_id: rating for rating in reversed(received[:40])}
    latest_first = list(reversed(by_session.values()))[:20]
    return Today(list(to_rate[:20]), latest_first, list(waiting[:20]), list(not_seen[:20]))
