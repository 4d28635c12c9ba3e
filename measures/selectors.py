"""Reads that join or shape: series of scores, what a link opens, what a session page shows."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from accounts.access import writes_for
from accounts.models import User
from accounts.selectors import has_reader
from clients.models import Episode
from jobs import actions as jobs
from jobs.models import Route
from jobs.organisation import set_organisation
from sessions_app.models import Phase, TherapySession
from sessions_app.selectors import last_that_took_place, with_last_session

from . import catalogue, instruments, tokens
from .models import EpisodeSeries, OwnMeasure, Rater, Rating, RatingRequest, Score, Trend
from .risk import clients_with_risk
from .statistics.summary import Point

SeriesKey = tuple[str, str, str]
# What a client is asked for by a link, until a service chooses its own.
ASKED_OF_CLIENTS = ("session-check-in", "outcome-check-in")
# What they are asked when the episode ends, with how they see the ending.
ENDING = "ending-satisfaction"


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
    found = (
        still_open(RatingRequest.objects.filter(token_hash=tokens.hash_of(token)))
        .select_related("organisation", "session__episode__therapist__organisation")
        .first()
    )
    return found if found and has_reader(found.session.episode.therapist) else None


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
        .select_related("organisation")
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
    ratings = list(current.order_by("instrument", "rater").select_related("submitted_by").prefetch_related("scores"))
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
    return list(still_open(RatingRequest.objects.filter(session=session)))


def open_requests_of(episode: Episode) -> list[RatingRequest]:
    return list(still_open(RatingRequest.objects.filter(session__episode=episode)))


def still_open(requests: QuerySet[RatingRequest]) -> QuerySet[RatingRequest]:
    return requests.filter(revoked_at=None, redeemed_at=None, expires_at__gt=Now()).order_by("created_at")


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
    with_risk = clients_with_risk({episode.client_id for episode in episodes})
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
                (episode.client_id, episode.now_with_id) in with_risk,
            )
        )
    return rows


@dataclass(frozen=True)
class ShownRating:
    """A rating as a page shows it: each item with its answer, each scale with its score or the reason for none."""

    rating: Rating
    name: str
    items: list[tuple[instruments.Item, float | None]]
    scores: list[Score]
    low: float
    high: float


def described(ratings: list[Rating]) -> list[ShownRating]:
    shown = []
    known = catalogue.known(rating.instrument for rating in ratings)
    for rating in ratings:
        edition = known[rating.instrument].editions[rating.rater]
        order = edition.scored_scales
        shown.append(
            ShownRating(
                rating,
                known[rating.instrument].name,
                [(item, rating.answers.get(str(item.number))) for item in edition.items],
                sorted(rating.scores.all(), key=lambda score: order.index(score.scale)),
                edition.minimum,
                edition.maximum,
            )
        )
    return shown


def session_for_ending(episode: Episode) -> TherapySession | None:
    """The session to which the client's view of the ending belongs: the last that took place.

    None when there is none, or the client has given that view.
    """
    session = last_that_took_place(episode)
    told = Rating.objects.current().filter(session=session, instrument=ENDING)
    return session if session is not None and not told.exists() else None


def instruments_for(session: TherapySession) -> list[instruments.Instrument]:
    """Questionnaires the client can be asked to fill in about this session, after an ending also about that."""
    found = instruments_for_clients()
    if not session.episode.is_open and last_that_took_place(session.episode) == session:
        found.append(instruments.instruments()[ENDING])
    return found


def instruments_to_ask(session: TherapySession) -> list[instruments.Instrument]:
    """Questionnaires the client can still be asked for: no rating yet, and no link open."""
    rated = set(
        Rating.objects.current().filter(session=session, rater=Rater.CLIENT).values_list("instrument", flat=True)
    )
    asked = {request.instrument for request in open_requests(session)}
    return [instrument for instrument in instruments_for(session) if instrument.code not in rated | asked]


def sealed_sessions(episodes: Iterable[Episode]) -> list[TherapySession]:
    """Sessions with a client's rating that waits for the therapist's own."""
    sealed = Rating.objects.current().sealed().filter(session__episode__in=episodes)
    return list(TherapySession.objects.filter(pk__in=sealed.values("session_id")).select_related("episode"))


@dataclass(frozen=True)
class LeftOpen:
    """What of these episodes is still under way: links without an answer, clients' ratings that wait unseen."""

    links: int
    sealed: int


def left_open(episodes: Iterable[Episode]) -> LeftOpen:
    waiting = still_open(RatingRequest.objects.filter(session__episode__in=episodes))
    return LeftOpen(waiting.count(), len(sealed_sessions(episodes)))


NOT_SEEN_FOR = timedelta(days=14)
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class Today:
    """What needs a therapist: ratings that wait for their own, ratings received, links open, people not seen or new."""

    to_rate: list[TherapySession]
    received: list[Rating]
    waiting: list[RatingRequest]
    not_seen: list[Episode]
    taken_over: list[Episode]
    days: int = NOT_SEEN_FOR.days

    @property
    def is_empty(self) -> bool:
        return not (self.to_rate or self.received or self.waiting or self.not_seen or self.taken_over)


def today(user: User) -> Today:
    """Short lists, one query each; at most twenty rows in each, the most urgent first.

    Of the therapist's own clients, and of those they cover today. A rating that waits for the therapist's own waits in
    an ended episode too.
    """
    whose = writes_for(user)
    ever_own = TherapySession.objects.filter(episode__therapist__in=whose)
    of_own = ever_own.filter(episode__ended_on=None)
    of_session = ("session__episode__client", "session__episode__therapist")
    sealed = Rating.objects.current().sealed().filter(session__in=ever_own)
    to_rate = (
        ever_own.filter(pk__in=sealed.values("session_id"))
        .select_related("episode__client", "episode__therapist")
        .order_by("held_on")
    )
    received = (
        Rating.objects.current()
        .filter(Q(session__in=of_own) | Q(session__in=ever_own, instrument=ENDING))
        .filter(rater=Rater.CLIENT, submitted_at__gte=Now() - RECENT)
        .exclude(pk__in=sealed.values("pk"))
        .select_related(*of_session)
        .order_by("-submitted_at")
    )
    waiting = still_open(RatingRequest.objects.filter(session__in=of_own)).select_related(*of_session)
    open_now = Episode.objects.open().filter(therapist__in=whose).select_related("client", "therapist")
    not_seen = (
        with_last_session(open_now)
        .annotate(seen_or_started=Coalesce("last_seen", "started_on"))
        .filter(seen_or_started__lt=timezone.localdate() - NOT_SEEN_FOR)
        .order_by("seen_or_started")
    )
    taken_over = open_now.filter(continues__isnull=False, sessions=None).select_related("continues__therapist")
    by_session = {rating.session_id: rating for rating in reversed(received[:40])}
    latest_first = list(reversed(by_session.values()))[:20]
    return Today(
        to_rate=list(to_rate[:20]),
        received=latest_first,
        waiting=list(waiting.order_by("expires_at")[:20]),
        not_seen=list(not_seen[:20]),
        taken_over=list(taken_over.order_by("started_on")[:20]),
    )
