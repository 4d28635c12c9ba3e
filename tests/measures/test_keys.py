"""Every instrument against a worked example: published ones first, then one that only the right key gives."""

import csv
import json
import re
from pathlib import Path

import pytest

from measures.instruments import TOTAL, edition, parse_instrument
from measures.scoring import AnswerProblem, rescaled, reverse, score
from measures.statistics.cronbach import alpha

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
VECTORS = {vector["id"]: vector for vector in json.loads((DATA / "vectors.json").read_text("utf-8"))}
PAGE = (ROOT / "docs" / "adding-an-instrument.md").read_text("utf-8")


def values(scoring):
    return {scale: result.value for scale, result in scoring.scores.items()}


def only(shipped, answered, *, rest):
    """Answers with some items given and every other one at `rest`."""
    return [answered.get(number, rest) for number in range(1, shipped.number_of_items + 1)]


# Published and compiled examples


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("waisr_1", "wai-sr"),
        ("wais_1", "wai-s"),
        ("core10_full", "core-10"),
        ("core10_1missing", "core-10"),
        ("arm5_1", "arm-5"),
        ("srs_1", "srs"),
    ],
)
def test_a_worked_example_scores_as_printed(name, code):
    expected = VECTORS[name]["expected"]
    expected = expected if isinstance(expected, dict) else {"total": expected}
    found = values(score(edition(code, "client"), VECTORS[name]["input"]))
    compared = {scale: value for scale, value in expected.items() if scale in found}
    assert TOTAL in compared
    assert {scale: found[scale] for scale in compared} == pytest.approx(compared, abs=1e-6)


def test_wsas_worked_example():
    vector = VECTORS["wsas_2"]
    wsas = edition("wsas", "client")
    assert score(wsas, vector["input"]["items"]).scores[TOTAL].value == vector["expected"]["total"]
    assert wsas.score_range(TOTAL)[1] == vector["expected"]["max"]


def test_alpha_of_the_simulated_ratings_says_that_the_key_is_right():
    wai = edition("wai-36", "client")
    with (DATA / "wai36_items_simulated.csv").open(encoding="utf-8", newline="") as file:
        rows = [[float(row[f"i{number}"]) for number in range(1, 37)] for row in csv.DictReader(file)]
    keyed = [
        [reverse(wai, value) if number in wai.reversed else value for number, value in enumerate(row, start=1)]
        for row in rows
    ]
    assert alpha(keyed).alpha == pytest.approx(0.988, abs=0.001)


# One item moved from the bottom to the top moves the scores that it belongs to, and no other


KEYS = {
    "wai-36": ("sum", {"task": 2, "bond": 5, "goal": 6}, {"task": 7, "bond": 1, "goal": 3}),
    "wai-s": ("sum", {"task": 12, "bond": 9, "goal": 11}, {"goal": 10}),
    "wai-sr": ("sum", {"task": 1, "bond": 5, "goal": 8}, {}),
    "srs": ("sum", {"relationship": 1, "goals": 2, "approach": 3, "overall": 4}, {}),
    "ors": ("sum", {"individual": 1, "interpersonal": 2, "social": 3, "overall": 4}, {}),
    "oq-45": (
        "sum",
        {"symptom_distress": 45, "interpersonal": 26, "social_role": 14},
        {"symptom_distress": 31, "interpersonal": 43, "social_role": 21},
    ),
    "haq-2": ("sum", {"total": 1}, {"total": 19}),
    "phq-9": ("sum", {"total": 9}, {}),
    "gad-7": ("sum", {"total": 7}, {}),
    "wsas": ("sum", {"total": 5}, {}),
    "arm-5": ("mean", {"total": 1}, {"total": 3}),
    "outcome-check-in": ("mean", {"total": 4}, {}),
    "session-check-in": ("mean", {"goal": 2, "task": 3, "bond": 6}, {}),
    "strain-check": ("mean", {"tension": 1, "strength": 2, "talked_about": 3, "better_now": 4}, {}),
    "ending-satisfaction": ("mean", {"total": 1}, {}),
    "gbo": ("mean", {"total": 3}, {}),
    "core-10": ("mean_times_10", {"total": 6}, {"total": 2}),
    "core-om": (
        "mean_times_10",
        {"wellbeing": 14, "problems": 2, "functioning": 33, "risk": 34},
        {"wellbeing": 31, "functioning": 32},
    ),
}


@pytest.mark.parametrize("code", KEYS)
def test_an_item_moves_the_scales_it_belongs_to(code):
    shipped = edition(code, "client")
    scoring, direct, reverse_keyed = KEYS[code]
    assert shipped.scoring == scoring
    span = shipped.maximum - shipped.minimum
    low = values(score(shipped, only(shipped, {}, rest=shipped.minimum)))
    for items, sign in ((direct, 1), (reverse_keyed, -1)):
        for scale, number in items.items():
            moved = values(score(shipped, only(shipped, {number: shipped.maximum}, rest=shipped.minimum)))
            changed = {name: moved[name] - low[name] for name in moved if moved[name] != low[name]}
            belongs = [name for name in shipped.scored_scales if number in shipped.numbers(name)]
            assert scale in belongs
            expected = {
                name: sign * span * shipped.score_per_mean(len(shipped.numbers(name))) / len(shipped.numbers(name))
                for name in belongs
            }
            assert changed == pytest.approx(expected)


def test_wai_srt_means_and_sums():
    result = score(edition("wai-srt", "therapist"), [5, 1, 4, 5, 1, 4, 1, 4, 1, 5])
    assert values(result) == {"goal": 12, "task": 15, "bond": 4, "total": 31}
    assert result.scores["bond"].mean == 1


def test_forms_of_different_length_and_range_meet_only_in_rescaled_means():
    client, therapist, long = edition("wai-sr", "client"), edition("wai-srt", "therapist"), edition("wai-36", "client")
    tops = [
        (e, score(e, {n: e.minimum if n in e.reversed else e.maximum for n in range(1, e.number_of_items + 1)}))
        for e in (client, therapist, long)
    ]
    assert [result.scores[TOTAL].value for _, result in tops] == [60, 50, 252]
    assert [rescaled(e, result.scores[TOTAL].mean) for e, result in tops] == [1, 1, 1]


# CORE


def test_core_10_reverses_2_and_3():
    core = edition("core-10", "client")
    assert core.reversed == {2, 3}
    calm = [0, 4, 4, 0, 0, 0, 0, 0, 0, 0]
    assert score(core, calm).scores[TOTAL].value == 0
    assert score(core, [0, 4, 0, 4, 0, 0, 0, 0, 0, 0]).scores[TOTAL].value == 8


def test_core_om_reverses_32_and_not_30():
    core = edition("core-om", "client")
    calm = only(core, dict.fromkeys((3, 4, 7, 12, 19, 21, 31, 32), 4), rest=0)
    assert set(values(score(core, calm)).values()) == {0}
    assert {31, 32} <= core.reversed and 30 not in core.reversed


def test_core_om_non_risk_is_everything_but_risk():
    core = edition("core-om", "client")
    assert set(core.scales["non_risk"]) | set(core.scales["risk"]) == set(range(1, 35))
    result = score(core, only(core, dict.fromkeys(core.scales["risk"], 4), rest=2))
    assert (result.scores["risk"].value, result.scores["non_risk"].value) == (40, 20)
    assert result.scores[TOTAL].value == pytest.approx((6 * 4 + 28 * 2) / 34 * 10)


@pytest.mark.parametrize(
    ("gone", "prorated", "unscored"),
    [
        ([2], ["problems", "non_risk", "total"], []),
        ([2, 5], ["non_risk", "total"], ["problems"]),
        ([2, 1, 14], ["problems", "functioning", "total"], ["wellbeing", "non_risk"]),
        ([6], ["total"], ["risk"]),
        ([2, 1, 14, 6], ["problems", "functioning"], ["wellbeing", "risk", "non_risk", "total"]),
    ],
)
def test_core_om_bears_a_tenth_of_each_scale_missing(gone, prorated, unscored):
    core = edition("core-om", "client")
    scores = score(core, only(core, dict.fromkeys(gone), rest=2)).scores
    assert [scale for scale, result in scores.items() if result.prorated] == prorated
    assert [scale for scale, result in scores.items() if result.value is None] == unscored


def test_core_10_bears_one_missing_item_and_never_two():
    core = edition("core-10", "client")
    one = score(core, [2, 1, None, 3, 2, 0, 3, 2, 3, 1]).scores[TOTAL]
    two = score(core, [2, None, None, 3, 2, 0, 3, 2, 3, 1]).scores[TOTAL]
    assert one.prorated and one.value == pytest.approx(190 / 9)
    assert two.value is None
    assert two.reason == "2 of 10 items missing; at most a tenth may be missing (the CORE System Trust's rule)"


# OQ-45


def test_oq_45_fills_a_gap_with_the_rounded_mean_of_its_sub_scale():
    oq = edition("oq-45", "client")
    # interpersonal: 1, 20, 37 and 43 are reversed, so a 4 counts 0; 7 is missing and 16 to 19, 26, 30 count 1.
    answers = only(oq, {1: 4, 20: 4, 37: 4, 43: 4, 7: None}, rest=1)
    scores = score(oq, answers).scores
    # (4 x 0 + 6 x 1) / 10 = 0.6, rounded 1.
    assert scores["interpersonal"].value == 7
    assert [scale for scale, result in scores.items() if result.prorated] == ["interpersonal", "total"]
    assert scores[TOTAL].value == scores["symptom_distress"].value + 7 + scores["social_role"].value


def test_oq_45_rounds_halves_up_and_needs_an_answer_in_every_sub_scale():
    oq = edition("oq-45", "client")
    social = oq.scales["social_role"]
    halves = score(oq, only(oq, {**dict.fromkeys(social), 4: 0, 14: 1}, rest=0)).scores
    assert halves["social_role"].value == 1 + 7
    empty = score(oq, only(oq, dict.fromkeys(social), rest=0)).scores
    assert empty["social_role"].reason == "no item answered"
    assert empty["symptom_distress"].value is not None
    assert empty[TOTAL].value is None
    assert empty[TOTAL].reason.startswith("9 of 45 items missing; a sub-scale without any answer")


# Items that don't apply


def test_wsas_without_work_runs_to_32_and_has_no_band():
    wsas = edition("wsas", "client")
    result = score(wsas, [None, 8, 8, 8, 8], [1])
    assert (result.scores[TOTAL].value, result.scores[TOTAL].mean) == (32, 8)
    assert (result.answered, result.missing, result.band) == (4, (), None)
    assert not result.scores[TOTAL].prorated
    # Whatever stands beside it counts for nothing.
    assert score(wsas, [6, 8, 8, 8, 8], [1]) == result
    assert score(wsas, [8, 8, 8, 8, 8]).band.label == "moderately severe or worse"


def test_wsas_item_1_without_an_answer_is_missing_unless_it_does_not_apply():
    result = score(edition("wsas", "client"), [None, 1, 1, 1, 1])
    assert result.missing == (1,)
    assert result.scores[TOTAL].reason == "1 of 5 items missing; no published rule for missing items"
    assert score(edition("wsas", "client"), [None, None, 1, 1, 1], [1]).scores[TOTAL].value is None


@pytest.mark.parametrize("listed", [[2], ["x"], [True], "1", 1, {"1": 1}, [[1]]])
def test_what_always_applies_cannot_be_left_out(listed):
    with pytest.raises(AnswerProblem, match="not_applicable"):
        score(edition("wsas", "client"), [1] * 5, listed)


def test_goals_that_are_not_in_use_are_not_missing():
    gbo = edition("gbo", "client")
    for answers in ([7, 4], [7, 4, None], {1: 7, 3: 4}):
        result = score(gbo, answers)
        assert (result.scores[TOTAL].value, result.missing, result.answered) == (5.5, (), 2)
        assert not result.scores[TOTAL].prorated
    assert values(score(gbo, [7, 4, 9], [3])) == {"total": 5.5}
    for answers in ([], [None] * 3):
        assert score(gbo, answers).scores[TOTAL].reason == "no item answered"
    with pytest.raises(AnswerProblem, match="there is no item 4"):
        score(gbo, [1, 2, 3, 4])


def test_a_strain_check_without_strain_scores_its_one_answer():
    strain = edition("strain-check", "client")
    result = score(strain, [0, None, None, None], [2, 3, 4])
    assert values(result) == {"tension": 0, "strength": None, "talked_about": None, "better_now": None}
    assert result.scores["strength"].reason == "it does not apply"
    assert result.missing == ()
    assert score(strain, [6, 4, None, 9]).scores["talked_about"].reason == "no item answered"


# Risk and bands


@pytest.mark.parametrize(("code", "number"), [("phq-9", 9), ("core-10", 6), ("core-om", 34), ("oq-45", 8)])
def test_a_risk_answer_is_named_even_when_nothing_can_be_scored(code, number):
    result = score(edition(code, "client"), {number: 1, 1: 0})
    assert result.risk == (number,)
    assert result.scores[TOTAL].value is None
    assert score(edition(code, "client"), {number: 0}).risk == ()
    assert score(edition(code, "client"), {1: 3}).risk == ()


def test_a_band_is_that_of_the_total():
    phq = edition("phq-9", "client")
    for answers, label in (([0] * 9, "none/minimal"), ([1] * 8 + [2], "moderate"), ([3] * 9, "severe")):
        assert score(phq, answers).band.label == label
    assert score(phq, [3] * 8 + [None]).band is None
    assert score(edition("wai-sr", "client"), [1] * 12).band is None


# Adding one


def test_the_page_on_adding_an_instrument_adds_one():
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.S)
    text = re.sub(r"^   ", "", toml, flags=re.M)
    added = parse_instrument(text, "calm-4.toml")
    assert set(added.editions) == {"client", "therapist"}
    expected = json.loads(example)
    result = score(added.editions["client"], expected["answers"])
    assert values(result) == expected["scores"]
    assert (list(result.risk), result.band.label) == (expected["risk"], expected["band"])
