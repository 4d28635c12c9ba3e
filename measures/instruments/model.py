"""What an instrument is: its editions, their items and scales, and what is published about their scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

TOTAL = "total"
ENGLISH = "en"
COMPONENTS = ("goal", "task", "bond")
RATERS = ("client", "therapist", "observer")
CONSTRUCTS = ("alliance", "outcome", "satisfaction")
SCORINGS = ("sum", "mean", "mean_times_10")
METRICS = ("mean", "score")
# Name of each rule for missing items, in words. `measures.scoring` carries the rules out.
MISSING_RULES: Mapping[str, str] = MappingProxyType(
    {
        "complete": "Scored only when every item of the scale is answered.",
        "tenth": "Pro-rated when at most a tenth of the scale's items are missing, rounded down: "
        "3 of 36, 1 of 12, none of 4.",
        "rounded_mean": "Each missing item counts as the mean of the other items of its sub-scale, rounded to a whole "
        "number, halves up; the total needs an answer in every sub-scale.",
        "answered": "The mean of the items answered: an item without an answer is one that is not in use.",
    }
)


class UnknownInstrument(LookupError):
    """There is no such instrument, or it has no edition for this rater."""


class InstrumentError(ValueError):
    """An instrument's file is malformed; the message names the file and the field."""


@dataclass(frozen=True)
class Item:
    """One question. `low` and `high` are the words at the ends of the answer line."""

    number: int
    scale: str | None
    text: str | None
    low: str | None
    high: str | None


@dataclass(frozen=True)
class Band:
    """A named stretch of the total: from `low`, included, up to where the next band begins."""

    low: float
    label: str
    source: str


@dataclass(frozen=True)
class Published:
    """A number that somebody published about the total, in the metric of the published score."""

    value: float
    source: str


@dataclass(frozen=True)
class Edition:
    """One instrument as one kind of rater fills it in.

    `scales` leaves out the total, which is formed over all items unless `has_total` is false: then the scales are
    single questions, and one number over them would mean nothing. Each item is in one scale; the scales named in
    `combined` are formed over others again. `opposite` names the scales whose direction is not `higher_is_better`.

    `sd` and `reliability` are per scale (including "total") and hold only what `psychometrics_source` supports;
    `psychometrics_metric` says whether the SD is that of the item mean ("mean") or of the published score ("score").
    `missing_source` says whose the rule for missing items is. An item of `may_not_apply` can be left out of a rating
    without being missing. An answer to a risk item above `risk_above`, as given, is one to act on at once.
    `cutoff` is where the clinical range of the total begins, seen from the other side.
    """

    instrument: str
    rater: str
    version: str
    items: tuple[Item, ...]
    minimum: float
    maximum: float
    step: float
    reversed: frozenset[int]
    scales: Mapping[str, tuple[int, ...]]
    scoring: str
    missing: str
    higher_is_better: bool
    sd: Mapping[str, float]
    reliability: Mapping[str, float]
    psychometrics_source: str | None
    psychometrics_metric: str
    missing_source: str | None = None
    has_total: bool = True
    combined: frozenset[str] = frozenset()
    opposite: frozenset[str] = frozenset()
    may_not_apply: frozenset[int] = frozenset()
    risk_items: tuple[int, ...] = ()
    risk_above: float = 0
    bands: tuple[Band, ...] = ()
    cutoff: Published | None = None
    reliable_change: Published | None = None
    loinc_panel: str | None = None
    loinc_total: str | None = None
    # The items in languages other than English, by the language's code.
    translations: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
    # Of the words in `items`: their language, what stands above and beneath the questions, and which of the service's
    # own wordings they are; empty where they ship.
    language: str = ENGLISH
    introduction: str = ""
    notice: str = ""
    wording: str = ""

    @property
    def key(self) -> str:
        return f"{self.instrument}/{self.rater}/{self.version}"

    @property
    def number_of_items(self) -> int:
        return len(self.items)

    @property
    def has_wording(self) -> bool:
        return all(item.text is not None for item in self.items)

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages in which every item has words, English first."""
        return (ENGLISH, *self.translations) if self.has_wording else tuple(self.translations)

    def in_language(self, language: str) -> "Edition":
        """The edition with its items in this language, or in the first there is when it is not among them."""
        if language in self.translations:
            return replace(self, items=self.translations[language], language=language)
        return self

    @property
    def scored_scales(self) -> tuple[str, ...]:
        """Every scale that has a score, in order, the total last."""
        return (*self.scales, TOTAL) if self.has_total else tuple(self.scales)

    def item(self, number: int) -> Item:
        """The item of this number, counted from 1; raises LookupError when there is none."""
        if not 1 <= number <= len(self.items):
            raise LookupError(f"{self.key} has no item {number}")
        return self.items[number - 1]

    def numbers(self, scale: str) -> tuple[int, ...]:
        """The items a scale is formed from; raises LookupError for an unknown scale."""
        if scale == TOTAL and self.has_total:
            return tuple(range(1, len(self.items) + 1))
        if scale not in self.scales:
            raise LookupError(f"{self.key} has no scale {scale!r}")
        return self.scales[scale]

    def score_range(self, scale: str) -> tuple[float, float]:
        """Lowest and highest published score of a scale."""
        factor = self.score_per_mean(len(self.numbers(scale)))
        return self.minimum * factor, self.maximum * factor

    def sd_of_score(self, scale: str) -> float | None:
        """The scale's SD in the metric of its published score, or None where no SD is known."""
        known = self.sd.get(scale)
        if known is None or self.psychometrics_metric == "score":
            return known
        return known * self.score_per_mean(len(self.numbers(scale)))

    def score_per_mean(self, count: int) -> int:
        """What an item mean over `count` items is multiplied with to give the published score."""
        return {"sum": count, "mean": 1, "mean_times_10": 10}[self.scoring]

    def risk_in(self, answers: Mapping[int, float | None]) -> tuple[int, ...]:
        """The risk items whose answer, as given, is one to act on at once."""
        given = {number: answers.get(number) for number in self.risk_items}
        return tuple(number for number, answer in given.items() if answer is not None and answer > self.risk_above)

    def is_higher_better(self, scale: str) -> bool:
        return self.higher_is_better is not (scale in self.opposite)

    def band(self, total: float) -> Band | None:
        """The band a total falls into; None where none are published."""
        return next((band for band in reversed(self.bands) if total >= band.low), None)


@dataclass(frozen=True)
class Instrument:
    """A published questionnaire. One that is off by default waits until an administrator has recorded a licence."""

    code: str
    name: str
    construct: str
    licence: str
    editions: Mapping[str, Edition]
    is_on_by_default: bool = True

    @property
    def has_components(self) -> bool:
        """Whether clients rate goal, task and bond with it, each with a score of its own."""
        edition = self.editions.get("client")
        return edition is not None and set(COMPONENTS) <= set(edition.scales)

    @property
    def has_clients_total(self) -> bool:
        edition = self.editions.get("client")
        return edition is not None and edition.has_total

    @property
    def range_of_total(self) -> tuple[float, float]:
        """Lowest and highest published total of the clients' edition."""
        return self.editions["client"].score_range(TOTAL)
