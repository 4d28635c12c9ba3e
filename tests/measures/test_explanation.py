"""How a score was formed, in words: read back, they give the score."""

import math
import random
import re

import pytest

from measures.instruments import TOTAL, edition, instruments
from measures.instruments.explanation import how_scored, sources
from measures.models import OwnMeasure
from measures.scoring import score
from tests.measures.test_keys import PAGE, parse_instrument

EDITIONS = {e.key: e for i in instruments().values() for e in i.editions.values()}
SCALES = [(key, scale) for key, shipped in EDITIONS.items() for scale in shipped.scored_scales]
FORMED = re.compile(
    r"(The sum|The mean|Ten times the mean|The answer)\b.*?: (\S+) to (\S+), (higher|lower) is better\."
)


def numbers_in(words: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", words)]


def read_back(sentences: list[str], shipped) -> dict[str, object]:
    """What somebody who has only the sentences knows of the key."""
    formed = FORMED.match(sentences[0])
    assert formed, sentences[0]
    items = sentences[0].partition(":")[0]
    everything = re.search(r"all (\d+) items", items)
    reverse = next((each for each in sentences if "reversed first" in each), "")
    return {
        "how": formed[1],
        "low": float(formed[2]),
        "high": float(formed[3]),
        "items": list(range(1, int(everything[1]) + 1)) if everything else numbers_in(items),
        "reversed": numbers_in(reverse.partition("reversed first")[0]),
        "is_higher_better": formed[4] == "higher",
    }


@pytest.mark.parametrize(("key", "scale"), SCALES)
def test_whoever_scores_by_the_words_gets_the_score(key, scale):
    shipped = EDITIONS[key]
    told = read_back(how_scored(shipped, scale), shipped)
    assert (told["low"], told["high"]) == shipped.score_range(scale)
    assert told["is_higher_better"] is shipped.is_higher_better(scale)
    rng = random.Random(key + scale)
    steps = round((shipped.maximum - shipped.minimum) / shipped.step)
    answers = [shipped.minimum + shipped.step * rng.randint(0, steps) for _ in shipped.items]
    keyed = [
        shipped.minimum + shipped.maximum - answers[item - 1] if item in told["reversed"] else answers[item - 1]
        for item in told["items"]
    ]
    value = math.fsum(keyed) * {"The sum": 1, "The mean": 1 / len(keyed), "Ten times the mean": 10 / len(keyed)}.get(
        told["how"], 1
    )
    rounded = [round(answer, 6) for answer in answers]
    assert score(shipped, rounded).scores[scale].value == pytest.approx(value)


@pytest.mark.parametrize(("key", "scale"), SCALES)
def test_the_words_say_whose_rule_for_missing_items_it_is(key, scale):
    shipped = EDITIONS[key]
    said = " ".join(how_scored(shipped, scale))
    if len(shipped.numbers(scale)) > 1:
        assert (shipped.missing_source or "") in said
        assert "(our rule)" in said or "no other rule is published" in said or shipped.missing_source


@pytest.mark.parametrize("key", EDITIONS)
def test_every_number_about_the_total_stands_there_with_its_source(key):
    shipped = EDITIONS[key]
    said = " ".join(how_scored(shipped, TOTAL)) if shipped.has_total else ""
    for number in (shipped.cutoff, shipped.reliable_change):
        assert number is None or (f"{number.value:g}" in said and number.source.removesuffix(".") in said)
    for band in shipped.bands:
        assert band.label in said and band.source.removesuffix(".") in said
    named = " ".join(source for _what, source in sources(shipped))
    assert (shipped.psychometrics_source or "") in named


def test_a_pro_rated_score_says_which_items_are_missing_and_how_many_may_be():
    wai = edition("wai-sr", "client")
    answers = {number: 4.0 for number in range(1, 13) if number != 7}
    said = how_scored(wai, TOTAL, answers, is_prorated=True)
    assert "here 1 of 12" in said[1]
    assert said[-1] == "Item 7 was not answered in this rating; the score is estimated from the others."
    assert "here none of 4" in how_scored(wai, "goal", answers)[1]


def test_a_score_without_answers_says_that_it_was_given():
    assert "the score is the one that was given" in how_scored(edition("phq-9", "client"), TOTAL, {})[-1]


def test_a_complete_rating_adds_nothing():
    phq = edition("phq-9", "client")
    assert how_scored(phq, TOTAL, dict.fromkeys(range(1, 10), 1.0)) == how_scored(phq, TOTAL)


def test_a_measure_known_by_its_total_says_only_that():
    own = OwnMeasure(code="mood", name="Mood", construct="outcome", low=0, high=63, higher_is_better=False, licence="x")
    (said,) = how_scored(own.as_instrument().editions["client"], TOTAL)
    assert said.startswith("A total between 0 and 63, as it was given.")


def test_items_that_may_not_apply_are_named():
    assert "Item 1 may be left out where it does not apply." in how_scored(edition("wsas", "client"), TOTAL)


def test_the_instrument_of_the_page_on_adding_one_explains_itself():
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    added = parse_instrument(re.sub(r"^   ", "", toml, flags=re.M), "calm-4.toml").editions["client"]
    assert how_scored(added, "body") == [
        "The sum of items 1 and 2: 0 to 6, lower is better.",
        "Item 2 is reversed first: 3 counts as 0, 0 as 3.",
        "Scored only when every item of the scale is answered (no other rule is published that we know of).",
    ]
    assert "from 6: restless (Author (2001), Journal 1:1–2)" in " ".join(how_scored(added, TOTAL))
