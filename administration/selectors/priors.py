"""What is usual in the service: the numbers in force, what they rest on, and why there are none where none are."""

from dataclasses import dataclass

from accounts.models import User
from measures import catalogue
from measures.instruments import Instrument
from measures.instruments.explanation import listed, scale_name
from measures.models import ServicePrior
from measures.priors import is_judged, judged_scales
from measures.statistics.joint import Correlations
from measures.statistics.service_prior import MINIMUM_CLIENTS
from ruptures.selectors import priors_now

FEW = f"Fewer than {MINIMUM_CLIENTS} courses with five ratings or more."
ALIKE = (
    f"There are {MINIMUM_CLIENTS} courses with five ratings or more, but in too few of them do the ratings "
    "differ and stay below the highest answer."
)
OURS = Correlations()
# Why one value may be unknown although the others of its row are the service's own, and what is used then.
UNKNOWN = {
    "reliability": f"no reliability. Fewer than {MINIMUM_CLIENTS} clients answered every item of a first rating, and "
    "none is published. Nothing is then said of reliable change.",
    "correlation_scales": f"no correlation with other scales. In fewer than {MINIMUM_CLIENTS} courses two scales of "
    f"this rater vary. The mean of the scales that have one is used, else {OURS.scales:.2f}, ours.",
    "correlation_raters": f"no correlation with the other rater. Fewer than {MINIMUM_CLIENTS} courses were rated by "
    f"both and vary. The mean of the scales that have one is used, else {OURS.raters:.2f}, ours.",
}


@dataclass(frozen=True)
class Row:
    """A scale's values in force."""

    scale: str
    prior: ServicePrior

    @property
    def why(self) -> list[str]:
        """Why there are no values of the service's own, or none of some kind, and what is used instead."""
        if self.prior.is_starting:
            few = FEW if self.prior.n < MINIMUM_CLIENTS else ALIKE
            return [f"no values of your own. {few} Our starting values are used."]
        return [words for field, words in UNKNOWN.items() if getattr(self.prior, field) is None]


@dataclass(frozen=True)
class Group:
    """An instrument's scales by one rater, in means of the answers from `low` to `high`; None for an edition that is no
    more. `source` is where a published SD and reliability come from."""

    name: str
    rater: str
    rows: list[Row]
    low: float | None
    high: float | None
    source: str

    @property
    def notes(self) -> list[tuple[str, str]]:
        """What is to be said of some scales, each once: their names, and the words."""
        said: dict[str, list[str]] = {}
        for row in self.rows:
            for words in row.why:
                said.setdefault(words, []).append(row.scale)
        return [(listed(scales), words) for words, scales in said.items()]


@dataclass(frozen=True)
class Priors:
    """`without` are measures of the alliance that are on and of which nothing was judged so far."""

    groups: list[Group]
    without: list[str]


def priors(user: User) -> Priors:
    every = catalogue.every()
    on = catalogue.those_on(every)
    by_edition: dict[tuple[str, str, str], list[ServicePrior]] = {}
    for prior in priors_now(user):
        by_edition.setdefault((prior.instrument, prior.rater, prior.edition_version), []).append(prior)
    found = {code for code, _rater, _version in by_edition}
    return Priors(
        groups=[
            group(every[code], rater, version, rows)
            for (code, rater, version), rows in by_edition.items()
            if code in every
        ],
        without=[one.name for code, one in on.items() if is_expected_of(one) and code not in found],
    )


def is_expected_of(instrument: Instrument) -> bool:
    """Whether ratings with it are judged."""
    editions = instrument.editions.values()
    return any(is_judged(instrument, one, scale) for one in editions for scale in judged_scales(instrument))


def group(instrument: Instrument, rater: str, version: str, priors: list[ServicePrior]) -> Group:
    edition = instrument.editions.get(rater)
    if edition is not None and edition.version != version:
        edition = None
    order = judged_scales(instrument)
    in_order = sorted(priors, key=lambda prior: order.index(prior.scale) if prior.scale in order else len(order))
    return Group(
        name=instrument.name,
        rater=rater,
        rows=[Row(scale_name(prior.scale), prior) for prior in in_order],
        low=edition.minimum if edition else None,
        high=edition.maximum if edition else None,
        source=(edition.psychometrics_source or "") if edition else "",
    )
