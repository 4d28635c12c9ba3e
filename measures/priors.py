"""What is usual in the service, as rows with versions, and an episode's sessions judged with it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, groupby
from statistics import fmean, stdev

from django.db import transaction

from accounts.models import Organisation
from clients.models import Episode
from jobs import actions as jobs
from sessions_app.models import Phase

from . import catalogue
from .instruments import COMPONENTS, TOTAL, Edition, Instrument
from .models import Rating, RatingQuerySet, Score, ServicePrior
from .statistics.cronbach import alpha
from .statistics.joint import Correlations, JointLook, Key, judge_together
from .statistics.prior import starting_prior
from .statistics.rates import RATES, Rate
from .statistics.service_prior import MINIMUM_CLIENTS, MINIMUM_SCORES, Series, estimate_prior, within_correlation
from .statistics.summary import Point

RECOMPUTE = "ruptures.start_recompute"
# A new version makes every trend of the service be computed again, so it needs a reason: a hundredth of the range.
MOVED = 0.01
COMPARED = ("mean", "sd_between", "within_sd", "rise")
WITHOUT_UNIT = ("within_sd_cv", "correlation_scales", "correlation_raters", "reliability")
# The latest episodes are enough for an estimate, and keep its work within a minute however large the service grows.
LEARNT_FROM = 5_000
# The steps in which correlations are used: what is drawn from them is kept for the next episode.
CORRELATION_STEP = 0.05
PriorKey = tuple[str, str, str, str]
SeriesKey = tuple[str, str, str]


@dataclass(frozen=True)
class Judgement:
    """An instrument's sessions in an episode: every look, and with what rate and which priors it was taken."""

    instrument: str
    rate: Rate
    priors: Mapping[Key, ServicePrior]
    looks: tuple[JointLook, ...]

    def expected(self, key: Key) -> list[tuple[int, float, float]]:
        """Of one series: session, and the lower and upper end of what was expected."""
        return [
            (joint.session, joint.looks[key].low, joint.looks[key].high) for joint in self.looks if key in joint.looks
        ]


def judged_scales(instrument: Instrument) -> tuple[str, ...]:
    """The scales of an alliance measure that are judged: goal, task and bond where it has them, else its total."""
    if instrument.construct != "alliance":
        return ()
    return COMPONENTS if instrument.has_components else (TOTAL,)


def is_judged(instrument: Instrument, edition: Edition, scale: str) -> bool:
    is_formed = scale in edition.scored_scales
    return is_formed and scale in judged_scales(instrument) and edition.is_higher_better(scale)


def prior_key(edition: Edition, scale: str) -> PriorKey:
    return edition.instrument, edition.rater, edition.version, scale


def judge(
    series: Mapping[SeriesKey, Sequence[Point]], organisation_id: uuid.UUID, *, baseline_from: int = 1
) -> list[Judgement]:
    """Judge the scales and raters of each alliance measure together, those of one range at a time.

    From session `baseline_from` on a client is learnt anew, as if the episode began there.
    """
    known = catalogue.known(code for code, _, _ in series)
    groups: dict[tuple[str, float, float], dict[Key, Sequence[Point]]] = {}
    editions: dict[PriorKey, Edition] = {}
    for (code, rater, scale), points in series.items():
        edition = known[code].editions[rater]
        if is_judged(known[code], edition, scale):
            groups.setdefault((code, edition.minimum, edition.maximum), {})[rater, scale] = points
            editions[prior_key(edition, scale)] = edition
    if not groups:
        return []
    rate = RATES[Organisation.objects.values_list("signal_rate", flat=True).get(pk=organisation_id)]
    in_force = priors_in_force(editions, organisation_id)
    judgements = []
    for (code, low, high), points_of in groups.items():
        priors = {(rater, scale): in_force[prior_key(known[code].editions[rater], scale)] for rater, scale in points_of}
        numbers = sorted({point.session for points in points_of.values() for point in points if point.session > 0})
        values = {key: {point.session: point.value for point in points} for key, points in points_of.items()}
        looks: list[JointLook] = []
        for part in (
            [number for number in numbers if number < baseline_from],
            [number for number in numbers if number >= baseline_from],
        ):
            looks += judge_together(
                part,
                {key: [of_session.get(number) for number in part] for key, of_session in values.items()},
                {key: prior.values for key, prior in priors.items()},
                correlations_of(priors.values()),
                value_range=(low, high),
                tail=rate.joint_tail,
            )
        judgements.append(Judgement(code, rate, priors, tuple(looks)))
    return judgements


def correlations_of(priors: Iterable[ServicePrior]) -> Correlations:
    """The service's own where it has estimated them, else ours."""
    found = {}
    for name in ("scales", "raters"):
        known = [r for prior in priors if (r := getattr(prior, f"correlation_{name}")) is not None]
        if known:
            found[name] = round(round(fmean(known) / CORRELATION_STEP) * CORRELATION_STEP, 2)
    return Correlations(**found)


def priors_in_force(editions: Mapping[PriorKey, Edition], organisation_id: uuid.UUID) -> dict[PriorKey, ServicePrior]:
    """The latest prior of each of these scales; starting values become the first version where there is none."""
    found = latest_priors(key[0] for key in editions)
    missing = [key for key in editions if key not in found]
    if missing:
        starting = [
            ServicePrior(
                organisation_id=organisation_id,
                is_starting=True,
                n=0,
                **of_key(key),
                **starting_values(editions[key], key),
            )
            for key in missing
        ]
        ServicePrior.objects.bulk_create(starting, ignore_conflicts=True)
        found = latest_priors(key[0] for key in editions)
    return {key: found[key] for key in editions}


def latest_priors(codes: Iterable[str]) -> dict[PriorKey, ServicePrior]:
    rows = ServicePrior.objects.filter(instrument__in=set(codes)).order_by("version")
    return {(row.instrument, row.rater, row.edition_version, row.scale): row for row in rows}


def of_key(key: PriorKey) -> dict[str, str]:
    return dict(zip(("instrument", "rater", "edition_version", "scale"), key, strict=True))


def starting_values(edition: Edition, key: PriorKey) -> dict[str, float | None]:
    return asdict(starting_prior((edition.minimum, edition.maximum))) | published(edition, key[-1])


def published(edition: Edition, scale: str) -> dict[str, float | None]:
    """The SD and the reliability that came with the edition, where they are of item means."""
    if edition.psychometrics_metric != "mean":
        return {"sd": None, "reliability": edition.reliability.get(scale)}
    return {"sd": edition.sd.get(scale), "reliability": edition.reliability.get(scale)}


@transaction.atomic
def estimate_priors(*, organisation_id: uuid.UUID) -> int:
    """Estimate what is usual in the service; returns how many scales have a new version.

    A scale gets one when there are courses enough for the first time, and when an estimate has moved. Trends are then
    computed again.
    """
    rated = Rating.objects.current().values_list("instrument", "rater", "edition_version").distinct().order_by()
    known = catalogue.known(code for code, _, _ in rated)
    editions: dict[str, list[Edition]] = {}
    for code, rater, version in sorted(rated):
        edition = known[code].editions.get(rater)
        if edition is not None and edition.version == version:
            editions.setdefault(code, []).append(edition)
    new = sum(estimate_instrument(known[code], found, organisation_id) for code, found in editions.items())
    if new:
        jobs.request_job(task=RECOMPUTE, object_id=organisation_id, organisation_id=organisation_id)
    return new


def estimate_instrument(instrument: Instrument, editions: Sequence[Edition], organisation_id: uuid.UUID) -> int:
    """Estimate an instrument's scales as its raters rate them; returns how many have a new version."""
    of_raters = {edition.rater: edition for edition in editions}
    courses = {
        (edition.rater, scale): courses_of(edition, scale)
        for edition in editions
        for scale in judged_scales(instrument)
        if is_judged(instrument, edition, scale)
    }
    related = {
        (one, other): within_correlation(
            [(series, courses[other][episode]) for episode, series in courses[one].items() if episode in courses[other]]
        )
        for one, other in combinations(courses, 2)
        if one[0] == other[0] or one[1] == other[1]
    }
    new = 0
    for key, found in courses.items():
        own = {pair: r for pair, r in related.items() if key in pair and r is not None}
        correlations = {
            "correlation_scales": mean_or_none(r for (one, other), r in own.items() if one[0] == other[0]),
            "correlation_raters": mean_or_none(r for (one, other), r in own.items() if one[1] == other[1]),
        }
        new += estimate_scale(of_raters[key[0]], key[1], list(found.values()), correlations, organisation_id)
    return new


def estimate_scale(
    edition: Edition,
    scale: str,
    courses: Sequence[Series],
    correlations: Mapping[str, float | None],
    organisation_id: uuid.UUID,
) -> bool:
    """Store a new version of one scale's prior, if there is reason for one."""
    key = prior_key(edition, scale)
    current = priors_in_force({key: edition}, organisation_id)[key]
    known = published(edition, scale)
    sd = stdev([course.scores[0] for course in courses]) if len(courses) > 1 else None
    known = {"sd": sd or known["sd"], "reliability": reliability_of(edition, scale) or known["reliability"]}
    estimate = estimate_prior(courses, maximum=edition.maximum, **known)
    n = sum(len(course.scores) >= MINIMUM_SCORES for course in courses)
    if estimate is None:
        if current.is_starting:
            ServicePrior.objects.filter(pk=current.pk).update(n=n)
        return False
    new = ServicePrior(
        organisation_id=organisation_id,
        version=current.version + 1,
        is_starting=False,
        n=n,
        **of_key(key),
        **asdict(estimate),
        **correlations,
    )
    if not current.is_starting and not has_moved(current, new, edition.maximum - edition.minimum):
        return False
    new.save(force_insert=True)
    return True


def mean_or_none(values: Iterable[float]) -> float | None:
    found = list(values)
    return fmean(found) if found else None


def reliability_of(edition: Edition, scale: str) -> float | None:
    """Cronbach's alpha of each client's first complete rating; None for fewer than thirty, or where it is below 0."""
    numbers = edition.numbers(scale)
    first = (
        ratings_of(edition)
        .order_by("session__episode_id", "session__number")
        .distinct("session__episode_id")
        .values_list("answers", flat=True)
    )
    rows = [[turned(edition, number, answers.get(str(number))) for number in numbers] for answers in first]
    complete = [[value for value in row if value is not None] for row in rows if None not in row]
    found = alpha(complete).alpha if len(complete) >= MINIMUM_CLIENTS else None
    return found if found is not None and 0 <= found < 1 else None


def turned(edition: Edition, number: int, answer: float | None) -> float | None:
    return edition.minimum + edition.maximum - answer if answer is not None and number in edition.reversed else answer


def has_moved(before: ServicePrior, now: ServicePrior, span: float) -> bool:
    limits = dict.fromkeys(COMPARED, MOVED * span) | dict.fromkeys(WITHOUT_UNIT, 10 * MOVED)
    for name, limit in limits.items():
        old, new = getattr(before, name), getattr(now, name)
        if (old is None) != (new is None) or (old is not None and abs(new - old) > limit):
            return True
    return False


def ratings_of(edition: Edition) -> RatingQuerySet:
    """What is learnt from: current ratings of the therapy itself that may be seen, of the latest episodes."""
    latest = Episode.objects.order_by("-started_on", "pk").values("pk")[:LEARNT_FROM]
    return (
        Rating.objects.current()
        .filter(
            session__episode__in=latest,
            instrument=edition.instrument,
            rater=edition.rater,
            edition_version=edition.version,
            session__number__gt=0,
        )
        .exclude(session__phase=Phase.FOLLOW_UP)
        .exclude(pk__in=Rating.objects.current().sealed().values("pk"))
    )


def courses_of(edition: Edition, scale: str) -> dict[uuid.UUID, Series]:
    """By episode its scores on one scale in the order of sessions."""
    scores = (
        Score.objects.filter(rating__in=ratings_of(edition).values("pk"), scale=scale, mean__isnull=False)
        .order_by("rating__session__episode_id", "rating__session__number")
        .values_list("rating__session__episode_id", "rating__session__number", "mean")
    )
    courses: dict[uuid.UUID, Series] = {}
    for episode, rows in groupby(scores.iterator(chunk_size=5_000), key=lambda row: row[0]):
        pairs = [(number, mean) for _, number, mean in rows if mean is not None]
        courses[episode] = Series([number for number, _ in pairs], [mean for _, mean in pairs])
    return courses
