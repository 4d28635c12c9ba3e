"""The shipped instruments, and what their reader refuses."""

import re
from pathlib import Path

import pytest

from measures.instruments import (
    CONSTRUCTS,
    MISSING_RULES,
    TOTAL,
    InstrumentError,
    UnknownInstrument,
    edition,
    instruments,
    parse_instrument,
)
from measures.scoring import ITEMS_MAY_BE_MISSING

EDITIONS = {e.key: e for i in instruments().values() for e in i.editions.values()}
DOC = Path(__file__).parents[2] / "docs" / "measures.md"
OURS = ("session-check-in", "outcome-check-in")

SMALL = """
code = "small"
name = "Small"
construct = "alliance"
licence = "ours"

[[edition]]
raters = ["client"]
version = "1"
number_of_items = 3
minimum = 1
maximum = 5
step = 1
reversed = [2]
scoring = "sum"
missing = "tenth"
higher_is_better = true

[edition.scales]
goal = [1]
bond = [2, 3]
"""


def test_the_shipped_editions_are_these():
    assert set(EDITIONS) == {
        "session-check-in/client/1",
        "session-check-in/therapist/1",
        "outcome-check-in/client/1",
        "wai-36/client/1",
        "wai-36/therapist/1",
        "wai-36/observer/1",
        "wai-sr/client/1",
    }


@pytest.mark.parametrize("key", EDITIONS)
def test_every_edition_is_coherent(key):
    shipped = EDITIONS[key]
    assert [item.number for item in shipped.items] == list(range(1, shipped.number_of_items + 1))
    assert edition(shipped.instrument, shipped.rater) is shipped
    for scale, numbers in shipped.scales.items():
        assert all(shipped.item(number).scale == scale for number in numbers)
    if shipped.scales:
        assert list(shipped.scales) == ["goal", "task", "bond"]
        assert sorted(n for numbers in shipped.scales.values() for n in numbers) == list(shipped.numbers(TOTAL))


@pytest.mark.parametrize("key", EDITIONS)
def test_only_our_own_wording_ships(key):
    shipped = EDITIONS[key]
    ours = shipped.instrument in OURS
    assert shipped.has_wording is ours
    for item in shipped.items:
        assert all((words is not None) is ours for words in (item.text, item.low, item.high))


@pytest.mark.parametrize("key", [key for key in EDITIONS if EDITIONS[key].instrument in OURS])
def test_our_wording_is_short_and_in_the_first_person(key):
    for item in EDITIONS[key].items:
        words = re.findall(r"[\w’']+", item.text)
        assert len(words) <= 16, item.text
        assert {"i", "my", "our", "we"} & {word.lower() for word in words}, item.text


def test_the_ranges_of_the_published_scores():
    wai = edition("wai-36", "client")
    assert (wai.score_range("bond"), wai.score_range(TOTAL)) == ((12, 84), (36, 252))
    short = edition("wai-sr", "client")
    assert (short.score_range("goal"), short.score_range(TOTAL)) == ((4, 20), (12, 60))
    ours = edition("session-check-in", "client")
    assert (ours.score_range("task"), ours.score_range(TOTAL)) == ((0, 10), (0, 10))


def test_an_sd_of_the_item_mean_is_carried_into_the_metric_of_the_score():
    short = edition("wai-sr", "client")
    assert short.sd_of_score(TOTAL) == 0.75 * 12
    assert short.sd_of_score("goal") is None


def test_numbers_about_people_come_with_their_source():
    for shipped in EDITIONS.values():
        assert bool(shipped.sd or shipped.reliability) is (shipped.psychometrics_source is not None)
    assert "not a norm" in edition("wai-sr", "client").psychometrics_source
    assert [key for key, shipped in EDITIONS.items() if shipped.sd] == ["wai-sr/client/1"]


def test_every_missing_data_rule_is_both_worded_and_carried_out():
    assert set(MISSING_RULES) == set(ITEMS_MAY_BE_MISSING)


def test_every_instrument_states_construct_and_licence():
    for instrument in instruments().values():
        assert instrument.construct in CONSTRUCTS
        assert len(instrument.licence) > 40


@pytest.mark.parametrize(("code", "rater"), [("wai-99", "client"), ("wai-sr", "therapist"), ("", "")])
def test_an_unknown_instrument_or_rater_is_a_lookup_error(code, rater):
    with pytest.raises(UnknownInstrument):
        edition(code, rater)
    assert issubclass(UnknownInstrument, LookupError)


def test_an_unknown_scale_or_item_is_a_lookup_error():
    wai = edition("wai-36", "client")
    with pytest.raises(LookupError, match="no scale"):
        wai.score_range("trust")
    for number in (0, 37, -1):
        with pytest.raises(LookupError, match="no item"):
            wai.item(number)


def test_a_small_instrument_reads():
    small = parse_instrument(SMALL, "small.toml").editions["client"]
    assert small.key == "small/client/1"
    assert small.scales == {"goal": (1,), "bond": (2, 3)}
    assert small.item(1).text is None


WORDED = '\n[[edition.wording]]\nitem = {}\ntext = "a"\nlow = "b"\nhigh = "c"\n'


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('code = "small"', 'code = "other"', "code"),
        ('name = "Small"', "", "name"),
        ('name = "Small"', "name = 3", "name"),
        ('name = "Small"', 'name = "Small"\ncolour = "red"', "colour"),
        ('construct = "alliance"', 'construct = "mood"', "construct"),
        ('raters = ["client"]', 'raters = ["parent"]', "edition[1].raters"),
        ('raters = ["client"]', "raters = []", "edition[1].raters"),
        ('raters = ["client"]', 'raters = ["client", "client"]', "edition[1].raters"),
        ("number_of_items = 3", "number_of_items = 0", "edition[1].number_of_items"),
        ("number_of_items = 3", "number_of_items = true", "edition[1].number_of_items"),
        ("minimum = 1", "minimum = 5", "edition[1].maximum"),
        ("maximum = 5", "maximum = inf", "edition[1].maximum"),
        ("step = 1", "step = 0", "edition[1].step"),
        ("step = 1", "step = 3", "edition[1].step"),
        ("reversed = [2]", "reversed = [4]", "edition[1].reversed"),
        ("reversed = [2]", "reversed = [2, 2]", "edition[1].reversed"),
        ("reversed = [2]", "reversed = 2", "edition[1].reversed"),
        ('scoring = "sum"', 'scoring = "median"', "edition[1].scoring"),
        ('missing = "tenth"', 'missing = "guess"', "edition[1].missing"),
        ("higher_is_better = true", 'higher_is_better = "yes"', "edition[1].higher_is_better"),
        ("goal = [1]", "goal = [1, 2]", "edition[1].scales.bond"),
        ("goal = [1]", "goal = [9]", "edition[1].scales.goal"),
        ("goal = [1]", "goal = []", "edition[1].scales.goal"),
        ("goal = [1]", "total = [1]", "edition[1].scales.total"),
        ("goal = [1]", '"Goal 1" = [1]', "edition[1].scales"),
        ("bond = [2, 3]\n", "bond = [2, 3]\n" + WORDED.format(1), "edition[1].wording"),
        ("bond = [2, 3]\n", "bond = [2, 3]\n" + WORDED.format(4), "edition[1].wording[1].item"),
        ("bond = [2, 3]\n", "bond = [2, 3]\n" + WORDED.format(1) * 2, "edition[1].wording[2].item"),
        ("bond = [2, 3]\n", "[edition.psychometrics]\nsd = { total = 1 }", "edition[1].psychometrics.source"),
        ("bond = [2, 3]\n", "[edition.psychometrics]\nsd = { x = 1 }", "edition[1].psychometrics.sd"),
        (
            "bond = [2, 3]\n",
            "[edition.psychometrics]\nreliability = { total = 1 }",
            "edition[1].psychometrics.reliability",
        ),
    ],
)
def test_a_malformed_file_is_refused_by_name_and_field(old, new, field):
    assert old in SMALL
    with pytest.raises(InstrumentError, match=re.escape(f"small.toml: {field}:")):
        parse_instrument(SMALL.replace(old, new, 1), "small.toml")


def test_text_that_is_not_toml_and_a_rater_given_twice_are_refused():
    with pytest.raises(InstrumentError, match=r"small\.toml: not valid TOML"):
        parse_instrument("code =", "small.toml")
    twice = SMALL + SMALL[SMALL.index("[[edition]]") :]
    with pytest.raises(InstrumentError, match=r"edition\[2\]\.raters"):
        parse_instrument(twice, "small.toml")
    with pytest.raises(InstrumentError, match="edition: at least one"):
        parse_instrument(SMALL[: SMALL.index("[[edition]]")], "small.toml")


def test_the_doc_prints_every_edition():
    def span(bounds):
        return f"{bounds[0]:g}–{bounds[1]:g}"

    text = DOC.read_text("utf-8")
    printed = [
        f"| `{e.key}` | {e.number_of_items}, {span((e.minimum, e.maximum))} | {e.scoring} "
        f"| {span(e.score_range('goal')) if e.scales else '–'} "
        f"| {span(e.score_range(TOTAL))} | {e.missing} |"
        for e in EDITIONS.values()
    ]
    assert sorted(line for line in text.splitlines() if line.startswith("| `")) == sorted(printed)
    for rule, words in MISSING_RULES.items():
        assert f"| {rule} | {words} |" in text
