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

SHIPPED = instruments()
EDITIONS = {e.key: e for i in SHIPPED.values() for e in i.editions.values()}
WORDS = {"sum": "sum", "mean": "mean", "mean_times_10": "mean × 10"}
DOC = Path(__file__).parents[2] / "docs" / "measures.md"
OURS = ("session-check-in", "strain-check", "outcome-check-in", "ending-satisfaction")

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
    raters = {code: tuple(instrument.editions) for code, instrument in instruments().items()}
    assert raters == {
        "arm-5": ("client",),
        "core-10": ("client",),
        "core-om": ("client",),
        "ending-satisfaction": ("client",),
        "gad-7": ("client",),
        "gbo": ("client",),
        "haq-2": ("client", "therapist"),
        "oq-45": ("client",),
        "ors": ("client",),
        "outcome-check-in": ("client",),
        "phq-9": ("client",),
        "session-check-in": ("client", "therapist"),
        "srs": ("client",),
        "strain-check": ("client", "therapist"),
        "wai-36": ("client", "therapist", "observer"),
        "wai-s": ("client", "therapist"),
        "wai-sr": ("client",),
        "wai-srt": ("therapist",),
        "wsas": ("client",),
    }
    assert {shipped.version for shipped in EDITIONS.values()} == {"1"}


@pytest.mark.parametrize("key", EDITIONS)
def test_every_edition_is_coherent(key):
    shipped = EDITIONS[key]
    assert [item.number for item in shipped.items] == list(range(1, shipped.number_of_items + 1))
    assert edition(shipped.instrument, shipped.rater) is shipped
    own = {scale: numbers for scale, numbers in shipped.scales.items() if scale not in shipped.combined}
    for scale, numbers in own.items():
        assert all(shipped.item(number).scale == scale for number in numbers)
    if own:
        assert sorted(n for numbers in own.values() for n in numbers) == list(range(1, shipped.number_of_items + 1))
    if "bond" in own:
        assert list(own) == ["goal", "task", "bond"]


def test_scales_have_the_names_of_the_field():
    names = {code: list(next(iter(instrument.editions.values())).scored_scales) for code, instrument in SHIPPED.items()}
    alliance = ["goal", "task", "bond", "total"]
    assert {code: scales for code, scales in names.items() if scales != ["total"]} == {
        "core-om": ["wellbeing", "problems", "functioning", "risk", "non_risk", "total"],
        "oq-45": ["symptom_distress", "interpersonal", "social_role", "total"],
        "ors": ["individual", "interpersonal", "social", "overall", "total"],
        "session-check-in": alliance,
        "srs": ["relationship", "goals", "approach", "overall", "total"],
        "strain-check": ["tension", "strength", "talked_about", "better_now"],
        "wai-36": alliance,
        "wai-s": alliance,
        "wai-sr": alliance,
        "wai-srt": alliance,
    }


def test_what_needs_a_licence_for_electronic_use_is_off():
    assert [code for code, instrument in SHIPPED.items() if not instrument.is_on_by_default] == ["ors", "srs"]


def test_risk_items_are_those_that_ask_about_harm():
    flagged = {key: e.risk_items for key, e in EDITIONS.items() if e.risk_items}
    assert flagged == {
        "core-10/client/1": (6,),
        "core-om/client/1": edition("core-om", "client").scales["risk"],
        "oq-45/client/1": (8, 44),
        "phq-9/client/1": (9,),
    }
    assert all(EDITIONS[key].risk_above == 0 for key in flagged)


def test_no_alliance_measure_has_a_band_a_cut_off_a_published_change_or_a_loinc_code():
    for instrument in SHIPPED.values():
        for shipped in instrument.editions.values():
            if instrument.construct == "alliance":
                assert not shipped.bands
                assert (shipped.cutoff, shipped.reliable_change, shipped.loinc_total) == (None, None, None)


def test_every_band_and_published_number_names_its_source():
    published = [e for e in EDITIONS.values() if e.bands or e.cutoff or e.reliable_change]
    assert {e.instrument for e in published} == {"core-10", "core-om", "gad-7", "oq-45", "ors", "phq-9", "wsas"}
    for shipped in published:
        for number in (*shipped.bands, shipped.cutoff, shipped.reliable_change):
            assert number is None or re.search(r"\(\d{4}\)|IAPT", number.source), shipped.key


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("phq-9", {0: "none/minimal", 5: "mild", 10: "moderate", 15: "moderately severe", 20: "severe"}),
        ("gad-7", {0: "none/minimal", 5: "mild", 10: "moderate", 15: "severe"}),
        (
            "core-10",
            {0: "healthy", 6: "low level", 11: "mild", 15: "moderate", 20: "moderate to severe", 25: "severe"},
        ),
        ("core-om", {0: "below the clinical cut-off", 10: "at or above the clinical cut-off"}),
        ("wsas", {0: "subclinical", 10: "significant impairment", 21: "moderately severe or worse"}),
    ],
)
def test_a_band_begins_at_its_limit(code, limits):
    shipped = edition(code, "client")
    assert {band.low: band.label for band in shipped.bands} == limits
    for (_, before), (low, label) in zip(list(limits.items()), list(limits.items())[1:], strict=False):
        assert (shipped.band(low).label, shipped.band(low - 0.5).label) == (label, before)
    assert edition("wai-sr", "client").band(12) is None


def test_directions_of_single_scales():
    strain, phq = edition("strain-check", "client"), edition("phq-9", "client")
    assert [strain.is_higher_better(scale) for scale in strain.scored_scales] == [False, False, True, True]
    assert not phq.is_higher_better(TOTAL)
    lower_is_better = {e.instrument for e in EDITIONS.values() if not e.higher_is_better}
    assert lower_is_better == {"core-10", "core-om", "gad-7", "oq-45", "phq-9", "wsas"}


def test_a_strain_check_has_no_total():
    strain = edition("strain-check", "client")
    for ask in (strain.numbers, strain.score_range):
        with pytest.raises(LookupError, match="no scale 'total'"):
            ask(TOTAL)


def test_the_short_form_agrees_with_the_long_form_it_was_taken_from():
    """Every item of the WAI-S has in the 36-item form the same scale and the same direction."""
    long, short = edition("wai-36", "client"), edition("wai-s", "client")
    taken_from = (2, 4, 8, 12, 21, 22, 23, 24, 26, 27, 32, 35)
    for number, original in enumerate(taken_from, start=1):
        assert short.item(number).scale == long.item(original).scale
        assert (number in short.reversed) == (original in long.reversed)


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


# Letters that a translation has and English has not; and what no sentence to a client may hold.
OWN_LETTERS = {"de": re.compile("[äöüß]"), "ar": re.compile("[\u0621-\u064a]")}


@pytest.mark.parametrize("key", [key for key in EDITIONS if EDITIONS[key].instrument in OURS])
def test_our_wording_ships_in_german_and_arabic_too(key):
    shipped = EDITIONS[key]
    assert shipped.languages == ("en", "de", "ar")
    for language, letters in OWN_LETTERS.items():
        items = shipped.in_language(language).items
        assert [item.number for item in items] == [item.number for item in shipped.items]
        assert letters.search(" ".join(f"{item.text} {item.low} {item.high}" for item in items))
        english = {(item.text, item.low, item.high) for item in shipped.items}
        assert not english & {(item.text, item.low, item.high) for item in items}
        assert len({item.text for item in items}) == len(items)
        # The same ends in English are the same ends here.
        ends = {(item.low, item.high) for item in items}
        assert len(ends) == len({(item.low, item.high) for item in shipped.items})


def test_the_ranges_of_the_published_scores():
    wai = edition("wai-36", "client")
    assert (wai.score_range("bond"), wai.score_range(TOTAL)) == ((12, 84), (36, 252))
    short = edition("wai-sr", "client")
    assert (short.score_range("goal"), short.score_range(TOTAL)) == ((4, 20), (12, 60))
    ours = edition("session-check-in", "client")
    assert (ours.score_range("task"), ours.score_range(TOTAL)) == ((0, 10), (0, 10))
    core = edition("core-om", "client")
    assert {core.score_range(scale) for scale in core.scored_scales} == {(0, 40)}
    totals = {code: edition(code, "client").score_range(TOTAL) for code in ("srs", "haq-2", "arm-5", "oq-45", "wsas")}
    assert totals == {"srs": (0, 40), "haq-2": (19, 114), "arm-5": (1, 7), "oq-45": (0, 180), "wsas": (0, 40)}


def test_an_sd_of_the_item_mean_is_carried_into_the_metric_of_the_score():
    short = edition("wai-sr", "client")
    assert short.sd_of_score(TOTAL) == 0.75 * 12
    assert short.sd_of_score("goal") is None


def test_numbers_about_people_come_with_their_source():
    for shipped in EDITIONS.values():
        assert bool(shipped.sd or shipped.reliability) is (shipped.psychometrics_source is not None)
    assert "not a norm" in edition("wai-sr", "client").psychometrics_source
    assert [key for key, shipped in EDITIONS.items() if shipped.sd] == ["core-10/client/1", "wai-sr/client/1"]
    assert [key for key, shipped in EDITIONS.items() if shipped.reliability] == [
        *("core-10/client/1", "wai-s/therapist/1", "wai-sr/client/1")
    ]


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


def test_the_words_of_another_language_replace_all_of_the_items():
    words = [
        WORDED.format(number).replace('"a"', f'"{language}{number}"') + f'language = "{language}"\n'
        for language in ("en", "de")
        for number in (1, 2, 3)
    ]
    small = parse_instrument(SMALL + "".join(words), "small.toml").editions["client"]
    assert small.languages == ("en", "de")
    assert [item.text for item in small.items] == ["en1", "en2", "en3"]
    german = small.in_language("de")
    assert [item.text for item in german.items] == ["de1", "de2", "de3"]
    assert (german.key, german.item(2).scale) == (small.key, "bond")
    assert small.in_language("xx") is small


BOND = "bond = [2, 3]\n"
BANDS = '[edition.bands]\nsource = "x"\nlevels = [{{ from = {}, label = "a" }}, {{ from = {}, label = "b" }}]'
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
        (BOND, BOND + "".join(WORDED.format(n) + 'language = "de"\n' for n in (1, 2, 3)), "edition[1].wording"),
        (
            "bond = [2, 3]\n",
            "bond = [2, 3]\n[edition.psychometrics]\nsd = { total = 1 }",
            "edition[1].psychometrics.source",
        ),
        ("bond = [2, 3]\n", "bond = [2, 3]\n[edition.psychometrics]\nsd = { x = 1 }", "edition[1].psychometrics.sd"),
        (
            "bond = [2, 3]\n",
            "bond = [2, 3]\n[edition.psychometrics]\nreliability = { total = 1 }",
            "edition[1].psychometrics.reliability",
        ),
        ("goal = [1]\n", "", "edition[1].scales"),
        ('licence = "ours"', 'licence = "ours"\non_by_default = "no"', "on_by_default"),
        ('missing = "tenth"', 'missing = "answered"', "edition[1].missing"),
        ('missing = "tenth"', 'missing = "tenth"\nmissing_source = ""', "edition[1].missing_source"),
        ('missing = "tenth"', 'missing = "tenth"\nmay_not_apply = [4]', "edition[1].may_not_apply"),
        ('missing = "tenth"', 'missing = "tenth"\nopposite = ["trust"]', "edition[1].opposite"),
        ('missing = "tenth"', 'missing = "tenth"\nopposite = "goal"', "edition[1].opposite"),
        (BOND, BOND + '[edition.combined]\nboth = ["goal", "trust"]', "edition[1].combined.both"),
        (BOND, BOND + '[edition.combined]\nboth = ["goal", "goal"]', "edition[1].combined.both"),
        (BOND, BOND + '[edition.combined]\nboth = ["goal"]', "edition[1].combined.both"),
        (BOND, BOND + '[edition.combined]\ngoal = ["goal", "bond"]', "edition[1].combined.goal"),
        (BOND, BOND + "[edition.risk]\nitems = [2]\nabove = 0", "edition[1].risk.items"),
        (BOND, BOND + "[edition.risk]\nitems = [1]", "edition[1].risk.above"),
        (BOND, BOND + "[edition.cutoff]\nvalue = 10", "edition[1].cutoff.source"),
        (BOND, BOND + '[edition.cutoff]\nvalue = 3\nsource = "x"', "edition[1].cutoff.value"),
        (BOND, BOND + '[edition.reliable_change]\nvalue = 13\nsource = "x"', "edition[1].reliable_change.value"),
        (BOND, BOND + '[edition.loinc]\nscore = "1-8"', "edition[1].loinc.score"),
        (BOND, BOND + "[edition.bands]\nlevels = []", "edition[1].bands.source"),
        (BOND, BOND + BANDS.format(0, 9), "edition[1].bands.levels"),
        (BOND, BOND + BANDS.format(3, 3), "edition[1].bands.levels"),
        (BOND, BOND + BANDS.format(3, 16), "edition[1].bands.levels"),
        (BOND, BOND + '[edition.bands]\nsource = "x"\nlevels = 3', "edition[1].bands.levels"),
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


def test_instruments_without_a_total_or_without_scales_are_refused_what_needs_them():
    bare = SMALL[: SMALL.index("[edition.scales]")]
    with pytest.raises(InstrumentError, match=r"edition\[1\]\.has_total"):
        parse_instrument(bare + "has_total = false", "small.toml")
    with pytest.raises(InstrumentError, match=r"edition\[1\]\.missing: 'rounded_mean'"):
        parse_instrument(bare.replace("tenth", "rounded_mean"), "small.toml")
    without = SMALL.replace("[edition.scales]", "has_total = false\n[edition.scales]")
    assert parse_instrument(without, "small.toml").editions["client"].scored_scales == ("goal", "bond")
    with pytest.raises(InstrumentError, match=r"edition\[1\]\.cutoff: is about the total"):
        parse_instrument(without + '[edition.cutoff]\nvalue = 4\nsource = "x"', "small.toml")


def test_the_doc_prints_every_edition():
    def span(bounds):
        return f"{bounds[0]:g}–{bounds[1]:g}"

    def row(e):
        reverse = ", ".join(map(str, sorted(e.reversed))) or "–"
        ranges = "; ".join(f"{scale} {span(e.score_range(scale))}" for scale in e.scored_scales)
        direction = "higher is better" if e.higher_is_better else "lower is better"
        return (
            f"| `{e.key}` | {e.number_of_items}, {span((e.minimum, e.maximum))} | {reverse} | {WORDS[e.scoring]} "
            f"| {ranges} | {e.missing} | {direction} |"
        )

    text = DOC.read_text("utf-8")
    printed = [line for line in text.splitlines() if line.startswith("| `")]
    assert sorted(printed) == sorted(row(e) for e in EDITIONS.values())
    for rule, words in MISSING_RULES.items():
        assert f"| {rule} | {words} |" in text


@pytest.mark.parametrize("key", EDITIONS)
def test_the_doc_prints_every_key_and_number(key):
    shipped = EDITIONS[key]
    text = DOC.read_text("utf-8")
    start = text.index(f"### {SHIPPED[shipped.instrument].name} (`{shipped.instrument}`)\n")
    section = text[start : text.index("\n### ", start)]
    for scale in shipped.scales.keys() - shipped.combined:
        assert re.search(rf"{scale}\W+{', '.join(map(str, shipped.scales[scale]))}\b", section), scale
    for number in (shipped.cutoff, shipped.reliable_change):
        assert number is None or re.search(rf"\b{number.value:g}\b", section)
    for value in (*shipped.reliability.values(), *(band.low for band in shipped.bands)):
        printed = f"{value:g}" if value >= 1 or value == 0 else f"{value:.2f}".lstrip("0")
        assert re.search(rf"(?<!\d){re.escape(printed)}\b", section)
    for code in (shipped.loinc_panel, shipped.loinc_total):
        assert code is None or code in section
