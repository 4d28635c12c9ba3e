"""What is usual in the service, as rows with versions, and an episode's sessions judged with it."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import stdev

from django.db import transaction

from accounts.models import Organisation
from jobs import actions as jobs
from sessions_app.models import Phase

from . import catalogue
from .instruments import COMPONENTS, TOTAL, Edition, Instrument
from .models import Rating, Score, ServicePrior
from .statistics.joint import Correlations, JointLook, Key, judge_together
from .statistics.prior import Prior, starting_prior
from .statistics.rates import RATES, Rate
from .statistics.service_prior import MINIMUM_SCORES, Series, estimate_prior
from .statistics.summary import Point

RECOMPUTE = "ruptures.start_recompute"
# A new version makes every trend of the service be computed again, so it needs a reason: a hundredth of the range.
MOVED = 0.01
COMPARED = ("mean", "sd_between", "within_sd", "rise")
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
    return scale in judged_scales(instrument) and edition.is_higher_better(scale)


def prior_key(edition: Edition, scale: str) -> PriorKey:
    return edition.instrument, edition.rater, edition.version, scale


def judge(series: Mapping[SeriesKey, Sequence[Point]], organisation_id: uuid.UUID) -> list[Judgement]:
    """Judge the scales and raters of each alliance measure together, those of one range at a time."""
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
        looks = judge_together(
            numbers,
            {key: [of_session.get(number) for number in numbers] for key, of_session in values.items()},
            {key: prior.values for key, prior in priors.items()},
            Correlations(),
            value_range=(low, high),
            tail=rate.joint_tail,
        )
        judgements.append(Judgement(code, rate, priors, looks))
    return judgements


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
    new = 0
    for code, rater, version in sorted(rated):
        edition = known[code].editions.get(rater)
        if edition is None or edition.version != version:
            continue
        for scale in judged_scales(known[code]):
            if is_judged(known[code], edition, scale):
                new += estimate_scale(edition, scale, organisation_id)
    if new:
        jobs.request_job(task=RECOMPUTE, object_id=organisation_id, organisation_id=organisation_id)
    return new


def estimate_scale(edition: Edition, scale: str, organisation_id: uuid.UUID) -> bool:
    """Estimate one scale; True when it has a new version."""
    key = prior_key(edition, scale)
    current = priors_in_force({key: edition}, organisation_id)[key]
    courses = courses_of(edition, scale)
    sd = stdev([course.scores[0] for course in courses]) if len(courses) > 1 else None
    known = published(edition, scale) | ({"sd": sd} if sd else {})
    estimate = estimate_prior(courses, maximum=edition.maximum, **known)
    n = sum(len(course.scores) >= MINIMUM_SCORES for course in courses)
    if estimate is None:
        if current.is_starting:
            ServicePrior.objects.filter(pk=current.pk).update(n=n)
        return False
    if not current.is_starting and not has_moved(current.values, estimate, edition.maximum - edition.minimum):
        return False
    ServicePrior(
        organisation_id=organisation_id,
        version=current.version + 1,
        is_starting=False,
        n=n,
        **of_key(key),
        **asdict(estimate),
    ).save(force_insert=True)
    return True


def has_moved(before: Prior, now: Prior, span: float) -> bool:
    by_range = any(abs(getattr(now, name) - getattr(before, name)) > MOVED * span for name in COMPARED)
    return by_range or abs(now.within_sd_cv - before.within_sd_cv) > 10 * MOVED


def courses_of(edition: Edition, scale: str) -> list[Series]:
    """Each episode's scores on one scale in the order of sessions; those that wait unseen are left out."""
    sealed = Rating.objects.current().sealed().values("pk")
    scores = (
        Score.objects.filter(
            rating__instrument=edition.instrument,
            rating__rater=edition.rater,
            rating__edition_version=edition.version,
            rating__superseded_at=None,
            rating__session__number__gt=0,
            scale=scale,
            mean__isnull=False,
        )
        .exclude(rating__session__phase=Phase.FOLLOW_UP)
        .exclude(rating__in=sealed)
        .order_by("rating__session__episode_id", "rating__session__number")
        .values_list("rating__session__episode_id", "rating__session__number", "mean")
    )
    courses = []
    for _episode, rows in groupby(scores.iterator(chunk_size=5_000), key=lambda row: row[0]):
        pairs = [(number, mean) for _, number, mean in rows if mean is not None]
        courses.append(Series([number for number, _ in pairs], [mean for _, mean in pairs]))
    return courses
