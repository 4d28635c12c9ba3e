"""Statistics against published values, at their edges, and under change of scale. Series are drawn above their test."""

import csv
import json
import math
import re
from dataclasses import asdict, fields
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from measures.instruments import TOTAL, edition
from measures.scoring import reverse
from measures.statistics.control_chart import individuals
from measures.statistics.cronbach import alpha
from measures.statistics.cut_offs import cut_offs
from measures.statistics.ewma import averages, ewma
from measures.statistics.goal_attainment import attainment_t
from measures.statistics.mann_kendall import exact_p, mann_kendall, normal_p, s_variance
from measures.statistics.minimum_n import MINIMUM_N, SERVICE_N
from measures.statistics.reliable_change import criterion, reliable_change
from measures.statistics.summary import Point, TrendSummary, summarise
from measures.statistics.theil_sen import theil_sen

DATA = Path(__file__).parents[1] / "data"
DOC = Path(__file__).parents[2] / "docs" / "measures.md"
VECTORS = {vector["id"]: vector for vector in json.loads((DATA / "vectors.json").read_text("utf-8"))}
steady = settings(deadline=None)  # a busy machine is not a failing test

# Reliable change


@pytest.mark.parametrize("name", [name for name in VECTORS if name.startswith("rci_")])
def test_the_criterion_equals_the_worked_examples(name):
    given_, vector = VECTORS[name]["input"], VECTORS[name]
    assert criterion(given_["sd"], given_["r"]) == pytest.approx(vector["expected"], abs=max(vector["tol"], 1e-12))


def test_a_change_of_exactly_the_criterion_is_not_reliable():
    limit = criterion(1, 0.5)
    assert not reliable_change(0, limit, 1, 0.5).reliable
    assert not reliable_change(0, -limit, 1, 0.5).reliable
    assert reliable_change(0, math.nextafter(-limit, -math.inf), 1, 0.5).reliable


@pytest.mark.parametrize(
    ("sd", "reliability"),
    [(0, 0.9), (-1, 0.9), (math.nan, 0.9), (math.inf, 0.9), (1, 1), (1, -0.1), (1, math.nan)],
)
def test_an_impossible_sd_or_reliability_is_refused(sd, reliability):
    with pytest.raises(ValueError, match="must be"):
        criterion(sd, reliability)


def test_a_score_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        reliable_change(math.nan, 3, 1, 0.5)


# Theil-Sen


def test_theil_sen_equals_the_worked_example():
    # 62 64 63 66 |58 60| 65 67 68 70
    series, expected = VECTORS["trend_1"]["input"], VECTORS["trend_1"]["expected"]
    slope = theil_sen(range(1, 11), series)
    assert (slope.slope, slope.low, slope.high, slope.n) == pytest.approx(
        (expected["theilsen_slope"], expected["lo95"], expected["hi95"], 10)
    )


def test_theil_sen_uses_the_distance_between_sessions():
    # two a session, sessions 3 and 4 missed: 1 2 . . 5 6 7
    assert theil_sen([1, 2, 5, 6, 7], [2, 4, 10, 12, 14]).slope == 2


@steady
@given(st.lists(st.integers(0, 40).map(lambda q: q / 4), min_size=5, max_size=30), st.data())
def test_theil_sen_agrees_with_scipy(values, data):
    sessions = sorted(data.draw(st.sets(st.integers(1, 60), min_size=len(values), max_size=len(values))))
    found, expected = theil_sen(sessions, values), stats.theilslopes(values, sessions)
    assert (found.slope, found.low, found.high) == pytest.approx(
        (expected.slope, expected.low_slope, expected.high_slope)
    )


def test_theil_sen_of_a_constant_series_is_level():
    assert asdict(theil_sen(range(6), [4] * 6)) == {"slope": 0, "low": 0, "high": 0, "n": 6}


def test_theil_sen_says_nothing_below_five():
    assert theil_sen(range(4), [1, 2, 3, 4]) is None
    assert theil_sen([], []) is None


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 3, 4, 5], [1, 2, 3, 4], "same length"),
        ([1] * 5, [1, 2, 3, 4, 5], "every x"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4, math.nan], "finite"),
    ],
)
def test_theil_sen_refuses_what_it_cannot_use(x, y, message):
    with pytest.raises(ValueError, match=message):
        theil_sen(x, y)


# Mann-Kendall


def test_mann_kendall_equals_the_worked_example():
    expected = VECTORS["trend_1"]["expected"]
    result = mann_kendall(VECTORS["trend_1"]["input"])
    assert (result.s, result.variance, result.method) == (expected["mk_S"], expected["mk_varS"], "exact")
    assert result.tau == pytest.approx(expected["kendall_tau_mk"])
    assert result.p == pytest.approx(expected["mk_p_exact"], abs=1e-9)
    assert normal_p(result.s, result.variance) == pytest.approx(expected["mk_p_normal_approximation"], abs=1e-9)


def test_mann_kendall_of_five_falling_values_is_exact():
    # 70 68 66 61 60
    expected = VECTORS["mk_exact5"]["expected"]
    result = mann_kendall(VECTORS["mk_exact5"]["input"])
    assert result.s == expected["S"]
    assert result.p == pytest.approx(expected["p_exact"])
    assert normal_p(result.s, result.variance) == pytest.approx(expected["p_normal"])


def test_four_values_cannot_show_a_trend():
    # The figures in the table of minimum n: the most extreme series of four and of five.
    assert exact_p(6, 4) == pytest.approx(2 / 24)
    assert exact_p(10, 5) == pytest.approx(2 / 120)
    assert mann_kendall([1, 2, 3, 4]) is None


def orders_of(series):
    """S of every order of the values."""
    return [sum((b > a) - (b < a) for t, b in enumerate(order) for a in order[:t]) for order in permutations(series)]


@pytest.mark.parametrize("series", [[1, 2, 3, 4, 5], [3, 1, 4, 2, 6, 5], [9, 1, 8, 2, 7, 3, 6]])
def test_exact_p_counts_every_order(series):
    result, orders = mann_kendall(series), orders_of(series)
    assert result.method == "exact"
    assert result.p == pytest.approx(sum(abs(s) >= abs(result.s) for s in orders) / len(orders))


@pytest.mark.parametrize(
    "series",
    [[1, 2, 2, 3, 3], [5, 5, 5, 5, 5], [3, 1, 3, 2, 1, 3], [7, 7, 6, 6, 5, 5], [1, 2, 3, 4, 5, 5, 9]],
)
def test_ties_are_in_the_variance_and_take_the_approximation(series):
    result, orders = mann_kendall(series), orders_of(series)
    assert result.variance == pytest.approx(sum(s * s for s in orders) / len(orders))
    assert (result.method, result.p) == ("normal", normal_p(result.s, result.variance))


@steady
@given(st.lists(st.integers(-999, 999), min_size=5, max_size=10, unique=True))
def test_exact_p_agrees_with_scipys_exact_kendall_test(series):
    p = stats.kendalltau(range(len(series)), series, method="exact").pvalue
    assert mann_kendall(series).p == pytest.approx(p)


def test_above_ten_values_the_approximation_is_named():
    result = mann_kendall(list(range(11)))
    assert (result.method, result.s) == ("normal", 55)
    assert result.p == pytest.approx(2 * stats.norm.sf(54 / math.sqrt(165)))
    assert mann_kendall([4] * 11).p == 1
    assert s_variance(11, (11,)) == 0


# Control chart


@pytest.mark.parametrize("name", [name for name in VECTORS if name.startswith("imr_")])
def test_individuals_charts_equal_the_published_ones(name):
    vector, expected = VECTORS[name], VECTORS[name]["expected"]
    chart = individuals(vector["input"], baseline_n=len(vector["input"]))
    found = (chart.centre, chart.sigma, chart.upper, chart.lower)
    assert found == pytest.approx([expected[key] for key in ("mean", "sigma", "ucl", "lcl")], abs=vector["tol"])
    first_is_one = [index + 1 for index in chart.signals]
    assert first_is_one == expected.get("violations", expected.get("below_lcl", []))


def test_a_frozen_baseline_shows_what_later_limits_hide():
    # 36 37 36 37 36 | 35 |28| 36 |30| 37: limits from all ten include the falls and find nothing.
    series = [36, 37, 36, 37, 36, 35, 28, 36, 30, 37]
    assert individuals(series).signals == (6, 8)
    assert individuals(series, baseline_n=10).signals == ()


def test_the_band_comes_at_five_and_signals_at_ten():
    series = [5, 6, 5, 6, 5, 0, 5, 6, 5, 6]
    assert individuals(series[:4]) is None
    assert individuals(series[:5]).signals is None
    assert individuals(series[:9]).signals is None
    assert individuals(series).signals == (5,)
    assert individuals(series[:5]).lower == individuals(series).lower


def test_a_baseline_without_spread_judges_nothing():
    # at the ceiling: 10 10 10 10 10 10 10 10 10 |9|
    chart = individuals([10] * 9 + [9])
    assert (chart.centre, chart.sigma, chart.signals) == (10, 0, None)


def test_a_chart_refuses_a_short_baseline_and_values_that_are_not_finite():
    with pytest.raises(ValueError, match="at least 5"):
        individuals([1] * 10, baseline_n=4)
    with pytest.raises(ValueError, match="finite"):
        individuals([1, 2, 3, 4, math.inf])


# Exponentially weighted moving average


def test_the_averages_equal_the_worked_example():
    vector, expected = VECTORS["ewma_qcc"]["input"], VECTORS["ewma_qcc"]["expected"]
    found = averages(vector["x"], centre=vector["center"], sd=vector["sd"], weight=vector["lambda"], reach=vector["k"])
    assert found.averages == pytest.approx(expected["z"])
    assert found.sds == pytest.approx(expected["sigma_i"])
    assert (found.below, found.above) == ((), ())


def test_slow_erosion_shows_in_the_averages_and_not_in_the_chart():
    # 36 38 36 38 36 | 36 35 35 34 |34 33 33|
    series = [36, 38, 36, 38, 36, 36, 35, 35, 34, 34, 33, 33]
    assert individuals(series).signals == ()
    assert ewma(series).below == (10, 11)


def test_the_averages_come_at_ten_and_need_spread():
    assert ewma([5, 6, 5, 6, 5, 6, 5, 6, 5]) is None
    assert ewma([5] * 10) is None
    assert ewma([5] * 10, within_sd=1).below == ()


@pytest.mark.parametrize(
    ("values", "sd", "weight"), [([math.nan], 1, 0.3), ([1], -1, 0.3), ([1], 1, 0), ([1], 1, 1.1), ([1], math.nan, 0.3)]
)
def test_the_averages_refuse_what_they_cannot_use(values, sd, weight):
    with pytest.raises(ValueError, match="must be"):
        averages(values, centre=0, sd=sd, weight=weight)


# Cut-offs


def test_the_cut_offs_lie_between_the_groups_from_either_side():
    falling = cut_offs(clinical_mean=20, clinical_sd=4, functional_mean=8, functional_sd=2)
    assert (falling.a, falling.b, falling.c) == (12, 12, 12)
    rising = cut_offs(clinical_mean=40, clinical_sd=7.5, functional_mean=60, functional_sd=7.5)
    assert (rising.a, rising.b, rising.c) == (55, 45, 50)


def test_b_takes_the_functional_sd():
    assert cut_offs(clinical_mean=20, clinical_sd=5, functional_mean=8, functional_sd=1).b == 10


@pytest.mark.parametrize("changed", [{"clinical_sd": 0}, {"functional_sd": math.nan}, {"functional_mean": 20}])
def test_groups_that_give_no_cut_off_are_refused(changed):
    groups = {"clinical_mean": 20, "clinical_sd": 5, "functional_mean": 8, "functional_sd": 1} | changed
    with pytest.raises(ValueError, match="must"):
        cut_offs(**groups)


# Goal attainment


def test_goal_attainment_of_what_was_expected_is_fifty():
    assert attainment_t([0, 0, 0]) == 50
    assert attainment_t([]) is None


def test_goal_attainment_equals_the_formula_by_hand():
    assert attainment_t([1]) == 60
    # 50 + 10 · 3 / √(.7 · 3 + .3 · 9)
    assert attainment_t([1, 1, 1]) == pytest.approx(50 + 30 / math.sqrt(4.8))
    # 50 + 10 · (2·2 − 1) / √(.7 · 5 + .3 · 9)
    assert attainment_t([2, -1], [2, 1]) == pytest.approx(50 + 30 / math.sqrt(6.2))


@pytest.mark.parametrize(
    ("levels", "weights"), [([3], None), ([0.5], None), ([1], [0]), ([1], [1, 2]), ([1], [math.nan])]
)
def test_goal_attainment_refuses_other_levels_and_weights(levels, weights):
    with pytest.raises(ValueError, match=r"level|weight"):
        attainment_t(levels, weights)


# Cronbach's alpha


@pytest.fixture(scope="module")
def simulated():
    """Answers of clients simulated by a language model, not of people; see tests/data/README.md."""
    with (DATA / "wai36_items_simulated.csv").open(encoding="utf-8", newline="") as file:
        return [[float(row[f"i{number}"]) for number in range(1, 37)] for row in csv.DictReader(file)]


@pytest.mark.parametrize("scale", ["total", "task", "bond", "goal"])
def test_alpha_of_the_simulated_file_equals_the_worked_example(simulated, scale):
    wai = edition("wai-36", "client")
    keyed = [
        [reverse(wai, row[n - 1]) if n in wai.reversed else row[n - 1] for n in wai.numbers(scale)] for row in simulated
    ]
    result = alpha(keyed)
    assert result.alpha == pytest.approx(VECTORS["alpha_wai36"]["expected"][scale], abs=1e-6)
    assert (result.ratings, result.items) == (277, len(wai.numbers(scale)))


def test_alpha_without_reversal_is_visibly_lower(simulated):
    expected = VECTORS["alpha_wai36_unreversed"]["expected"]["total"]
    assert alpha(simulated).alpha == pytest.approx(expected, abs=1e-6)


def test_alpha_gives_a_reason_where_it_is_not_defined():
    for matrix in ([], [[1, 2]], [[1], [2]], [[]]):
        assert alpha(matrix).alpha is None
        assert "at least two" in alpha(matrix).reason
    assert alpha([[1, 2], [2, 1]]).reason == "every rating has the same sum"
    with pytest.raises(ValueError, match="same items"):
        alpha([[1, 2], [1]])


# Summary of a series


def of(*values):
    return [Point(session, value) for session, value in enumerate(values, start=1)]


def summary(points, *, value_range=(0, 10), sd=None, reliability=None):
    return summarise(points, value_range=value_range, sd=sd, reliability=reliability)


def test_a_series_is_summarised():
    # 6 7 . 6 7 6 4, session 3 missed
    found = summary(of(6, 7, None, 6, 7, 6, 4), sd=1, reliability=0.75)
    assert (found.n, found.latest, found.latest_session, found.previous) == (6, 4, 7, 6)
    assert (found.change, found.change_from_first) == (-2, -2)
    assert found.baseline == 6.4
    assert found.baseline_low == pytest.approx(6.4 - 3 / 1.128)
    assert found.baseline_high == pytest.approx(6.4 + 3 / 1.128)
    assert found.slope == theil_sen([1, 2, 4, 5, 6, 7], [6, 7, 6, 7, 6, 4]).slope
    assert found.reliable.reliable and found.reliable.change == -2
    assert found.notes == ()


def test_the_band_stays_within_the_range():
    found = summary(of(9, 10, 9, 10, 9))
    assert found.baseline_low > 0
    assert found.baseline_high == 10


def test_each_length_says_what_it_can_and_why_not_more():
    def known(*values):
        found = summary(of(*values), sd=1, reliability=0.5)
        return {f.name for f in fields(found) if getattr(found, f.name) is not None} - {"n", "notes"}

    one = {"latest", "latest_session"}
    two = one | {"previous", "change", "change_from_first"}
    five = two | {"reliable", "baseline", "baseline_low", "baseline_high", "slope", "slope_low", "slope_high"}
    assert known() == set()
    assert known(5) == one
    assert known(5, 6) == two
    assert known(5, 6, 5) == known(5, 6, 5, 6) == two | {"reliable"}
    assert known(5, 6, 5, 6, 5) == five
    assert summary([]).notes == ("Nothing has been scored yet.",)
    assert summary(of(5)).notes == (
        "A change needs 2 scored sessions; there is 1.",
        "Reliable change needs 3 scored sessions; there is 1.",
        "A baseline needs 5 scored sessions; there is 1.",
        "A slope needs 5 scored sessions; there is 1.",
    )


def test_what_is_not_recorded_and_a_flat_baseline_are_said():
    found = summary(of(5, 5, 5, 5, 5))
    assert (found.baseline, found.baseline_low, found.baseline_high, found.reliable) == (5, None, None, None)
    assert found.notes == (
        "Reliable change needs the SD and the reliability of this scale; they are not recorded.",
        "The first five scores are equal, so they give no band.",
    )


def test_a_summary_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="two points"):
        summary([Point(1, 5), Point(1, 6)])
    for value in (11, -1, math.nan):
        with pytest.raises(ValueError, match="must be"):
            summary(of(value))


quarters = st.one_of(st.none(), st.integers(0, 40).map(lambda q: q / 4))
series = st.lists(quarters, max_size=14)
MOVES = {"latest", "previous", "baseline", "baseline_low", "baseline_high"}


@steady
@given(series, st.integers(-20, 20))
def test_adding_a_constant_moves_levels_and_leaves_changes(values, constant):
    before = summary(of(*values), sd=2, reliability=0.8)
    moved = [None if value is None else value + constant for value in values]
    after = summary(of(*moved), value_range=(constant, 10 + constant), sd=2, reliability=0.8)
    for field in fields(TrendSummary):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name in MOVES and old is not None:
            assert new == pytest.approx(old + constant)
        elif isinstance(old, float):
            assert new == pytest.approx(old)
        else:
            assert new == old


@steady
@given(series, st.integers(0, 4))
def test_unscored_sessions_at_the_end_change_nothing(values, extra):
    assert summary(of(*values, *[None] * extra)) == summary(of(*values))


@steady
@given(st.permutations(of(6, None, 7, 5, 8, 6, 9)))
def test_the_order_of_points_does_not_matter(points):
    assert summary(points) == summary(of(6, None, 7, 5, 8, 6, 9))


@steady
@given(series, st.booleans())
def test_every_none_has_a_note_and_the_band_holds_the_baseline(values, known):
    found = summary(of(*values), sd=2 if known else None, reliability=0.8 if known else None)
    assert any(getattr(found, field.name) is None for field in fields(found)) == bool(found.notes)
    if found.baseline_low is not None:
        assert 0 <= found.baseline_low <= found.baseline <= found.baseline_high <= 10
    if found.slope is not None:
        assert found.slope_low <= found.slope <= found.slope_high


# The documentation


@pytest.mark.parametrize(("heading", "table"), [("Minimum n", MINIMUM_N), ("Minimum n of a service", SERVICE_N)])
def test_the_doc_prints_the_minimum_n_table(heading, table):
    printed = [f"| {m.method} | {m.n} | {m.source} |" for m in table.values()]
    section = DOC.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if re.match(r"\| [^|]+\| \d+ \|", line)] == printed


def test_the_doc_states_the_starting_value_of_the_wai_sr():
    short = edition("wai-sr", "client")
    text = DOC.read_text("utf-8")
    limit = criterion(short.sd[TOTAL], short.reliability[TOTAL])
    of_sum = criterion(short.sd_of_score(TOTAL), short.reliability[TOTAL])
    assert f"{limit:.2f} on the item mean" in text
    assert f"{of_sum:.1f} on the sum" in text


def test_every_test_the_doc_names_exists():
    named = set(re.findall(r"`(test_\w+)`", DOC.read_text("utf-8")))
    written = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert named and {name for name in named if f"def {name}(" not in written} == set()


def test_equal_ratings_give_limits_one_step_wide_and_a_fall_from_them_shows():
    # 7 7 7 7 7 7 7 7 7 |2|
    chart = individuals([7] * 9 + [2], step=0.5)
    assert chart.lower == pytest.approx(7 - 3 * 0.5 / 1.128)
    assert chart.signals == (9,)


def test_step_does_not_narrow_limits_that_are_wider():
    assert individuals([7, 8, 7, 8, 7], step=0.5) == individuals([7, 8, 7, 8, 7])
