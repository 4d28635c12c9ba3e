"""How scores are formed, in words. Everything said here is read from the edition; nothing is known besides."""

from collections.abc import Mapping, Sequence

from measures.scoring import ITEMS_MAY_BE_MISSING

from .model import MISSING_RULES, TOTAL, Edition

_SCORING = {"sum": "The sum", "mean": "The mean", "mean_times_10": "Ten times the mean"}


def scale_name(scale: str) -> str:
    return scale.replace("_", " ")


def listed(words: Sequence[object]) -> str:
    """1 / 1 and 2 / 1, 2 and 3"""
    *first, last = map(str, words)
    return f"{', '.join(first)} and {last}" if first else last


def items_in_words(edition: Edition, scale: str) -> str:
    numbers = edition.numbers(scale)
    if scale == TOTAL and len(numbers) > 1:
        return f"all {len(numbers)} items"
    found = f"item {numbers[0]}" if len(numbers) == 1 else f"items {listed(numbers)}"
    return f"{found}, those of several scales" if scale in edition.combined else found


def how_scored(
    edition: Edition, scale: str, answers: Mapping[int, float | None] | None = None, *, is_prorated: bool = False
) -> list[str]:
    """How the score of one scale comes about, a sentence each; with `answers`, also what that meant for this rating.

    `answers` without any are those of a rating that is known by its totals alone.
    """
    low, high = edition.score_range(scale)
    if not edition.items:
        return [f"A total between {low:g} and {high:g}, as it was given. The items are not known here."]
    direction = "higher" if edition.is_higher_better(scale) else "lower"
    said = [f"{formed(edition, scale)}: {low:g} to {high:g}, {direction} is better."]
    numbers = set(edition.numbers(scale))
    if turned := sorted(edition.reversed & numbers):
        are = "Item {} is" if len(turned) == 1 else "Items {} are"
        example = f"{edition.maximum:g} counts as {edition.minimum:g}, {edition.minimum:g} as {edition.maximum:g}"
        said.append(f"{are.format(listed(turned))} reversed first: {example}.")
    if len(numbers) > 1:
        said.append(missing_in_words(edition, len(numbers)))
    if edition.missing != "answered" and (optional := sorted(edition.may_not_apply & numbers)):
        said.append(f"Item {listed(optional)} may be left out where it does not apply.")
    if scale == TOTAL:
        said += total_in_words(edition)
    return [*said, *([] if answers is None else of_this_rating(sorted(numbers), answers, is_prorated))]


def formed(edition: Edition, scale: str) -> str:
    if edition.scoring != "mean_times_10" and len(edition.numbers(scale)) == 1:
        return f"The answer to {items_in_words(edition, scale)}"
    return f"{_SCORING[edition.scoring]} of {items_in_words(edition, scale)}"


def missing_in_words(edition: Edition, of: int) -> str:
    """The rule for items without an answer, what it comes to for so many items, and whose rule it is."""
    is_ours = edition.missing == "answered" or (edition.has_wording and not edition.wording)
    source = edition.missing_source or ("our rule" if is_ours else "no other rule is published that we know of")
    rule = MISSING_RULES[edition.missing].removesuffix(".")
    if edition.missing == "tenth":
        rule = f"{rule.partition(':')[0]}: here {ITEMS_MAY_BE_MISSING['tenth'](of) or 'none'} of {of}"
    return f"{rule} ({source})."


def of_this_rating(numbers: Sequence[int], answers: Mapping[int, float | None], is_prorated: bool) -> list[str]:
    if not answers:
        return ["In this rating the answers are not in the record: the score is the one that was given."]
    missing = [number for number in numbers if answers.get(number) is None]
    if not missing:
        return []
    were = "Item {} was" if len(missing) == 1 else "Items {} were"
    then = "; the score is estimated from the others" if is_prorated else ""
    return [f"{were.format(listed(missing))} not answered in this rating{then}."]


def cited(source: str) -> str:
    return source.removesuffix(".")


def total_in_words(edition: Edition) -> list[str]:
    """What is published about the total."""
    said = []
    if edition.bands:
        first, *rest = edition.bands
        bands = "; ".join([f"below {rest[0].low:g}: {first.label}", *(f"from {b.low:g}: {b.label}" for b in rest)])
        said.append(f"Bands: {bands} ({cited(first.source)}).")
    if edition.cutoff:
        side = "Below" if edition.higher_is_better else "From"
        said.append(f"{side} {edition.cutoff.value:g} lies the clinical range ({cited(edition.cutoff.source)}).")
    if edition.reliable_change:
        change = edition.reliable_change
        said.append(f"A change by {change.value:g} is published as reliable ({cited(change.source)}).")
    return said


def sources(edition: Edition) -> list[tuple[str, str]]:
    """Numbers that the edition has from somebody, each with whose they are."""
    said = []
    if edition.bands:
        said.append(("Bands", edition.bands[0].source))
    if edition.cutoff:
        said.append((f"Cut-off {edition.cutoff.value:g}", edition.cutoff.source))
    if edition.reliable_change:
        said.append((f"Reliable change {edition.reliable_change.value:g}", edition.reliable_change.source))
    if edition.psychometrics_source:
        of = [f"SD of the {scale_name(scale)} {value:g}" for scale, value in edition.sd.items()]
        of += [f"reliability of the {scale_name(scale)} {value:g}" for scale, value in edition.reliability.items()]
        said.append((", ".join(of), edition.psychometrics_source))
    if edition.loinc_panel or edition.loinc_total:
        codes = [("panel", edition.loinc_panel), ("total", edition.loinc_total)]
        said.append(("LOINC", ", ".join(f"{what} {code}" for what, code in codes if code)))
    return said
