"""Reads that join or shape: series of scores, what a link opens, what a session page shows."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.access import writes_for
from accounts.models import User
from accounts.selectors import has_reader
from clients.models import Episode
from jobs import actions as jobs
from jobs.models import Route
from jobs.organisation import set_organisation
from sessions_app.models import TOOK_PLACE, LogDraft, Phase, TherapySession
from sessions_app.selectors import Met, drafts_of, last_that_took_place, meetings

from . import catalogue, instruments, quality, schedule, tokens, wordings
from .battery import Pair
from .comments import Comment, comment_for, comments_to_raise
from .instruments.explanation import how_scored, scale_name
from .models import EpisodeSeries, Invitation, OwnMeasure, Rater, Rating, RatingRequest, Score, Trend, is_unsealed
from .risk import clients_with_risk
from .schedule import ENDING as ENDING
from .statistics.summary import Point

SeriesKey = tuple[str, str, str]


def series_of(episode_id: uuid.UUID, numbers: list[int] | None = None) -> dict[SeriesKey, list[Point]]:
    """Item means per (instrument, rater, scale), one point per session number; None where there is no score.

    Ratings that wait for the therapist's own are left out. `numbers` are the episode's, where the caller has them.
    """
    if numbers is None:
        planned = TherapySession.objects.filter(episode_id=episode_id).exclude(phase=Phase.FOLLOW_UP)
        numbers = with_gaps(planned.values_list("number", flat=True))
    scores = (
        Score.objects.filter(rating__session__episode_id=episode_id, rating__superseded_at=None)
        .filter(is_unsealed("rating__"))
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
        .annotate(asked_at=Now())
        .first()
    )
    return found if found and has_reader(found.session.episode.therapist) else None


def any_request(token: str, request_id: uuid.UUID) -> RatingRequest | None:
    """The request of this token, whatever became of it: a repeated submit must find the one it repeats."""
    set_organisation(jobs.organisation_of(kind=Route.Kind.LINK, value=token))
    return (
        RatingRequest.objects.filter(pk=request_id, token_hash=tokens.hash_of(token))
        .select_related("organisation", "session__episode__therapist")
        .annotate(asked_at=Now())
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
    rated: set[Pair]

    def by(self, rater: str, instrument: str) -> Rating | None:
        return next((r for r in self.shown if r.rater == rater and r.instrument == instrument), None)


def session_ratings(session: TherapySession) -> SessionRatings:
    current = Rating.objects.current().filter(session=session)
    found = (
        current.order_by("instrument", "rater")
        .select_related("wording", "entered_by", "follow_up", "submitted_by")
        .prefetch_related("scores")
    )
    marked = list(found.annotate(is_sealed=Exists(current.sealed().filter(pk=OuterRef("pk")))))
    for rating in marked:
        rating.session = session
    shown = [rating for rating in marked if not rating.is_sealed]  # type: ignore[attr-defined]
    pairs = {(rating.instrument, rating.rater) for rating in marked}
    return SessionRatings(shown, len(shown) < len(pairs), pairs)


def current_rating(session: TherapySession, instrument: str, rater: str) -> Rating | None:
    return (
        Rating.objects.current()
        .filter(session=session, instrument=instrument, rater=rater)
        .prefetch_related("scores")
        .first()
    )


def rating_to_see(user: User, rating_id: uuid.UUID) -> Rating | None:
    """A rating with its scores, session and client, as the session page shows it: in force, and not waiting unseen."""
    found = Rating.objects.visible_to(user).current().filter(pk=rating_id)
    return found.unsealed().select_related("session__episode__client").prefetch_related("scores").first()


def instruments_for(session: TherapySession) -> list[instruments.Instrument]:
    """Questionnaires the client can be asked to fill in about this session; about the ending only after one."""
    found = instruments_for_clients()
    return found if schedule.looks_back(session) else [one for one in found if one.code != ENDING]


def instruments_for_clients() -> list[instruments.Instrument]:
    """Questionnaires a client can be asked to fill in: on, and in words."""
    on = catalogue.those_on(instruments.instruments())
    in_words = wordings.codes_in_words(set(on))
    return [found for code, found in on.items() if code in in_words]


def own_measures() -> list[OwnMeasure]:
    """What the organisation measures with and we do not ship, by name."""
    return list(OwnMeasure.objects.order_by("name"))


def open_requests(session: TherapySession) -> QuerySet[RatingRequest]:
    return still_open(RatingRequest.objects.filter(session=session))


def still_open(requests: QuerySet[RatingRequest]) -> QuerySet[RatingRequest]:
    return requests.filter(revoked_at=None, redeemed_at=None, expires_at__gt=Now()).order_by("created_at")


def open_requests_with_mails(session: TherapySession) -> QuerySet[RatingRequest]:
    """Open links with their e-mails, and with all that decides whether there may be one."""
    joined = open_requests(session).select_related("session__episode__client", "session__episode__therapist")
    return joined.prefetch_related("invitations")


def invitation_with(stop_token: str) -> Invitation | None:
    """The e-mail whose link ends such e-mails, entering its organisation; however long ago it was sent."""
    set_organisation(jobs.organisation_of(kind=Route.Kind.LINK, value=stop_token))
    return (
        Invitation.objects.filter(stop_hash=tokens.hash_of(stop_token))
        .select_related("organisation", "request__session__episode__client")
        .first()
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


def usual_instrument() -> instruments.Instrument:
    """Whose components a row has while nothing has been rated."""
    return next(instrument for instrument in instruments.instruments().values() if instrument.has_components)


def alliance_of(
    episode_ids: Collection[uuid.UUID],
) -> dict[uuid.UUID, tuple[instruments.Instrument, dict[str, Trend]]]:
    """Clients' trends of the alliance by episode and scale, in one query.

    Of one instrument, whichever others were used: numbers of different ranges do not stand in one row.
    """
    shipped = instruments.instruments()
    alliance = [code for code, instrument in shipped.items() if instrument.has_components]
    trends: dict[uuid.UUID, dict[str, dict[str, Trend]]] = defaultdict(lambda: defaultdict(dict))
    for trend in Trend.objects.filter(episode__in=episode_ids, rater=Rater.CLIENT, instrument__in=alliance):
        trends[trend.episode_id][trend.instrument][trend.scale] = trend
    found = {}
    for episode_id in episode_ids:
        by_code = trends[episode_id]
        most_rated = max(
            by_code, key=lambda code: max(trend.n for trend in by_code[code].values()), default=usual_instrument().code
        )
        found[episode_id] = (shipped[most_rated], by_code[most_rated])
    return found


def waiting_ratings(episode_ids: Collection[uuid.UUID]) -> Counter[uuid.UUID]:
    """By episode how many of the client's ratings wait for the therapist's own, in one query."""
    sealed = Rating.objects.current().sealed().filter(session__episode__in=episode_ids)
    return Counter(sealed.values_list("session__episode_id", flat=True))


def with_latest_change(episodes: Sequence[Episode]) -> list[EpisodeRow]:
    """Clients' trends of the alliance beside each episode, in four queries however many there are."""
    ids = [episode.pk for episode in episodes]
    alliance, waiting = alliance_of(ids), waiting_ratings(ids)
    stale = EpisodeSeries.objects.filter(episode__in=ids, computed_version__lt=F("input_version"))
    updating = set(stale.values_list("episode_id", flat=True))
    with_risk = clients_with_risk({episode.client_id for episode in episodes})
    return [
        EpisodeRow(
            episode,
            alliance[episode.pk][1],
            alliance[episode.pk][0],
            episode.pk in updating,
            waiting[episode.pk],
            (episode.client_id, episode.now_with_id) in with_risk,
        )
        for episode in episodes
    ]


@dataclass(frozen=True)
class ShownScore:
    """A score, and how it came about."""

    score: Score
    how: list[str]

    @property
    def name(self) -> str:
        return scale_name(self.score.scale)


@dataclass(frozen=True)
class ShownRating:
    """A rating as a page shows it: each item with its answer, each scale with its score or the reason for none.

    `comment` is what the reader is told of what was written with it, `notes` say how a client filled it in, as far as
    it is known.
    """

    rating: Rating
    comment: Comment | None
    name: str
    items: list[tuple[instruments.Item, float | None]]
    scores: list[ShownScore]
    low: float
    high: float
    speaks_of_harm: bool
    notes: list[str]


def courses_until(session: TherapySession) -> dict[SeriesKey, list[float]]:
    """What may be seen of the episode's item means up to a session."""
    series = series_of(session.episode_id, list(range(session.number + 1)))
    return {key: [point.value for point in points if point.value is not None] for key, points in series.items()}


def described(
    ratings: list[Rating], *, reader: User, courses: Mapping[SeriesKey, Sequence[float]] | None = None
) -> list[ShownRating]:
    """With the courses until their session, ratings are also held against the earlier ones."""
    known = catalogue.known(rating.instrument for rating in ratings)
    return [shown_rating(rating, known[rating.instrument], reader, courses or {}) for rating in ratings]


def shown_rating(
    rating: Rating, instrument: instruments.Instrument, reader: User, courses: Mapping[SeriesKey, Sequence[float]]
) -> ShownRating:
    """Of an edition that is no longer the one in use only the scores are told, and not how they came about."""
    edition = wordings.edition_of(rating, instrument.editions[rating.rater])
    answers = {int(number): answer for number, answer in rating.answers.items()}
    order = edition.scored_scales
    is_its_edition = edition.version == rating.edition_version
    scores = [
        ShownScore(
            score, how_scored(edition, score.scale, answers, is_prorated=score.is_prorated) if is_its_edition else []
        )
        for score in sorted(rating.scores.all(), key=lambda score: order.index(score.scale))
    ]
    return ShownRating(
        rating=rating,
        comment=comment_for(reader, rating),
        name=instrument.name,
        items=[(item, answers.get(item.number)) for item in edition.items] if answers else [],
        scores=scores,
        low=edition.minimum,
        high=edition.maximum,
        speaks_of_harm=bool(edition.risk_in(answers)),
        notes=notes_on(rating, edition, answers, courses),
    )


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


def session_for_ending(episode: Episode) -> TherapySession | None:
    """The session to which the client's view of the ending belongs: the last that took place.

    None when there is none, the client has given that view, or the service does not ask for it.
    """
    session = last_that_took_place(episode)
    if session is None or not asks_for_ending():
        return None
    told = Rating.objects.current().filter(session=session, instrument=ENDING)
    return None if told.exists() else session


def asks_for_ending() -> bool:
    """Whether the questions for clients about an ending are among what the service rates with."""
    return ENDING in {instrument.code for instrument in instruments_for_clients()}


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


RECENT = timedelta(days=7)


@dataclass(frozen=True)
class Today:
    """What needs a therapist: ratings that wait for their own, what recent sessions owe, ratings received, comments
    nobody has talked about yet, links open, meetings that would be due, people not seen for longer than usual or new,
    logs begun and not saved."""

    to_rate: list[TherapySession]
    owing: list[schedule.Owing]
    received: list[Rating]
    to_discuss: list[Comment]
    waiting: list[RatingRequest]
    due: list[Met]
    not_seen: list[Met]
    taken_over: list[Episode]
    drafts: list[LogDraft]
    # Of the ratings received those with a comment that may be raised.
    with_comment: set[uuid.UUID]

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, field.name) for field in fields(self))


def today(user: User) -> Today:
    """Short lists, at most twenty rows in each, the most urgent first, in a number of queries that does not grow.

    Of the therapist's own clients, and of those they cover today. A rating that waits for the therapist's own waits in
    an ended episode too, and so does what the ending asks for.
    """
    day, whose = timezone.localdate(), writes_for(user)
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
        .unsealed()
        .filter(Q(session__episode__ended_on=None) | Q(instrument=ENDING), session__episode__therapist__in=whose)
        .filter(rater=Rater.CLIENT, entered_at=None, submitted_at__gte=Now() - RECENT)
        .select_related(*of_session, "follow_up")
        .order_by("-submitted_at")
    )
    waiting = (
        still_open(RatingRequest.objects.filter(session__in=of_own))
        .select_related(*of_session)
        .prefetch_related("invitations")
        .order_by("expires_at")
    )
    open_now = Episode.objects.open().filter(therapist__in=whose).select_related("client", "therapist")
    met = meetings(list(open_now.select_related("continues__therapist")), today=day)
    taken_over = [one.episode for one in met if one.episode.continues_id and one.rhythm.last is None]
    by_session: dict[uuid.UUID, Rating] = {}
    for rating in received[:40]:
        first = by_session.setdefault(rating.session_id, rating)
        if rating.has_comment and not first.has_comment:
            by_session[rating.session_id] = rating
    latest_first = list(by_session.values())[:20]
    to_discuss = comments_to_raise(user, [one.episode for one in met], undiscussed=True)
    waits = list(to_rate[:20])
    open_links: dict[uuid.UUID, RatingRequest] = {}
    for link in waiting:
        open_links.setdefault(link.session_id, link)
    recent = ever_own.filter(held_on__gte=day - RECENT, attendance__in=TOOK_PLACE)
    return Today(
        to_rate=waits,
        owing=schedule.owing(
            list(recent.select_related("episode__client", "episode__therapist").order_by("-held_on", "-number")[:100]),
            asked=set(open_links),
            to_rate={session.pk for session in waits},
        )[:20],
        received=latest_first,
        to_discuss=to_discuss[:20],
        waiting=list(open_links.values())[:20],
        due=sorted((one for one in met if one.rhythm.is_due(day)), key=lambda one: one.rhythm.next_on or day)[:20],
        not_seen=sorted((one for one in met if one.rhythm.is_missed(day)), key=lambda one: one.rhythm.last_seen)[:20],
        taken_over=sorted(taken_over, key=lambda episode: episode.started_on)[:20],
        drafts=drafts_of(user, open_now),
        with_comment={
            rating.pk for rating in latest_first if (comment := comment_for(user, rating)) and not comment.is_held_back
        },
    )


# --- For programs ---------------------------------------------------------------------------------------


def ratings(user: User) -> QuerySet[Rating]:
    """Ratings in force with their scores; a client's that waits for the therapist's own is not among them."""
    return own_ratings(user).filter(superseded_at=None)


def own_ratings(user: User) -> QuerySet[Rating]:
    """As `ratings`, with those that another took the place of."""
    found = Rating.objects.visible_to(user).unsealed()
    return found.select_related("session__episode").prefetch_related("scores")


def to_be_seen_since(ratings: QuerySet[Rating], moment: datetime) -> QuerySet[Rating]:
    """Those that changed since, and those that waited until the therapist rated, or chose not to, since then."""
    own = Rating.objects.filter(session=OuterRef("session"), rater=Rater.THERAPIST, updated_at__gte=moment)
    seen_since = Q(waits_for_therapist=True) & (Q(session__waived_at__gte=moment) | Exists(own))
    return ratings.filter(Q(updated_at__gte=moment) | seen_since)


def rating_requests(user: User) -> QuerySet[RatingRequest]:
    found = RatingRequest.objects.filter(session__in=TherapySession.objects.visible_to(user))
    return found.select_related("session__episode")


def trends(user: User) -> QuerySet[Trend]:
    return Trend.objects.filter(episode__in=Episode.objects.visible_to(user)).select_related("episode__series")
