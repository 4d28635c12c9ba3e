"""How columns become ratings: the two files that nobody here wrote, and every mistake by its place."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.instruments import edition, instruments
from measures.scoring import score
from reports.mapping import MappingError, interpret, load_mapping, mapping_of, shipped_mappings
from reports.reading import Table, Unreadable, read_table

DATA = Path(__file__).parents[1] / "data"
WAI = edition("wai-36", "client")
SHIPPED = shipped_mappings()

TOTALS = """
client = {{ column = "client" }}
session = {session}
{more}
[[rating]]
instrument = "{instrument}"
rater = "client"
{rating}
"""
BDI = """
[[measure]]
code = "bdi"
name = "BDI"
construct = "outcome"
low = 0
high = 63
higher_is_better = false
licence = "Totals only."
"""


def mapping(session='{ number = "session" }', instrument="bdi", rating='totals = { total = "bdi" }', more=""):
    text = TOTALS.format(session=session, more=more, instrument=instrument, rating=rating)
    return load_mapping(text + (BDI if instrument == "bdi" else ""))


def table(text):
    return read_table(text.encode())


def read(text, **stated):
    found = interpret(table(text), mapping(**stated))
    assert not found.more_problems
    return found


def problems(text, **stated):
    found = [str(problem) for problem in read(text, **stated).problems]
    assert found and all(problem.startswith("Row ") and problem.endswith((".", "?")) for problem in found)
    return found


def mismatches(interpretation, **columns):
    """Computed scores that differ from the file's own columns."""
    return [
        (rating.row, scale)
        for rating in interpretation.ratings
        for scale, expected in rating.expected.items()
        if score(WAI, rating.answers).scores[scale].value != expected
    ]


# The two files


def test_every_simulated_session_has_the_scores_of_the_right_key():
    found = interpret(read_table(DATA / "wai36_items_simulated.csv"), load_mapping(SHIPPED["wai36-simulated"]))
    assert (found.rows, len(found.ratings), found.clients, found.problems, found.gaps) == (277, 277, 150, (), ())
    assert all(set(rating.expected) == {"task", "bond", "goal", "total"} for rating in found.ratings)
    assert mismatches(found) == []
    assert found.unused == ("released_bond_wrongkey", "released_composite")
    first = found.ratings[0]
    assert (first.client, first.session, first.phase, first.held_on, first.row) == ("P-1", 1, "therapy", None, 2)
    assert (first.answers[1], first.answers[36], first.totals) == (5, 4, None)


def test_the_bond_that_the_publisher_released_does_not_match():
    text = SHIPPED["wai36-simulated"].replace('bond = "bond"', 'bond = "released_bond_wrongkey"')
    found = interpret(read_table(DATA / "wai36_items_simulated.csv"), load_mapping(text))
    with (DATA / "wai36_items_simulated.csv").open(encoding="utf-8", newline="") as file:
        different = sum(row["bond"] != row["released_bond_wrongkey"] for row in csv.DictReader(file))
    assert different > 100
    assert Counter(scale for _, scale in mismatches(found)) == {"bond": different}


def test_the_sudden_gains_file_keeps_its_clients_values_and_gaps():
    with (DATA / "suddengains_sgdata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = interpret(read_table(DATA / "suddengains_sgdata.csv"), load_mapping(SHIPPED["suddengains"]))
    assert (found.rows, found.clients, found.problems, found.unused) == (43, 43, (), ())
    values = {(rating.client, rating.instrument, rating.session): rating.totals["total"] for rating in found.ratings}
    order = [f"s{n}" for n in range(13)] + ["fu1", "fu2"]
    expected = {
        (f"SG-{row['id'].removesuffix('.0')}", code, number): float(row[f"{code}_{name}"])
        for row in rows
        for code in ("bdi", "rq")
        for number, name in enumerate(order)
        if row[f"{code}_{name}"]
    }
    assert values == expected and len(values) == len(found.ratings)
    assert Counter(rating.instrument for rating in found.ratings) == {"bdi": 563, "rq": 587}
    gaps = {(gap.client, gap.session) for gap in found.gaps}
    for row in rows:
        client = f"SG-{row['id'].removesuffix('.0')}"
        rated = [number for number, name in enumerate(order) if row[f"bdi_{name}"] or row[f"rq_{name}"]]
        assert {session for who, session in gaps if who == client} == set(range(rated[0], rated[-1])) - set(rated)
    assert len(gaps) > 20


def test_sessions_before_and_after_the_therapy_keep_their_place():
    found = interpret(read_table(DATA / "suddengains_sgdata.csv"), load_mapping(SHIPPED["suddengains"]))
    phases = {(rating.session, rating.phase, rating.label) for rating in found.ratings}
    assert (0, "before", "Baseline") in phases and (12, "therapy", None) in phases
    assert {(13, "follow-up", "Follow-up 1"), (14, "follow-up", "Follow-up 2")} <= phases
    assert [measure.code for measure in found.own_measures] == ["bdi", "rq"]
    assert all(not measure.higher_is_better and measure.sd is None for measure in found.own_measures)


# Clients


def test_whole_numbers_are_codes_without_decimals_only_when_all_are():
    assert [r.client for r in read("client,session,bdi\n1.0,1,3\n007,1,4\n").ratings] == ["1", "007"]
    assert [r.client for r in read("client,session,bdi\n1.0,1,3\nB,1,4\n").ratings] == ["1.0", "B"]
    assert "in row 2 already" in problems("client,session,bdi\n1.0,1,3\n1,1,4\n")[0]


def test_codes_that_cannot_be_kept_are_problems():
    found = problems(f"client,session,bdi\n{'x' * 31},1,3\nAb,1,3\naB,2,4\n ,1,3\n")
    assert "at most 30 characters, and this one 31" in found[0]
    assert "Row 4" in found[1] and "only in capital letters" in found[1]
    assert "Row 5" in found[2] and "client is missing" in found[2]


# Sessions and dates


@pytest.mark.parametrize(
    ("order", "text"),
    [
        ("ymd", "2024-03-05"),
        ("ymd", "2024/3/5"),
        ("ymd", "20240305"),
        ("ymd", "2024-03-05 14:30:00"),
        ("dmy", "5.3.2024"),
        ("dmy", "05/03/2024 09:15"),
        ("mdy", "3/5/2024"),
        ("excel-serial", "45356"),
        ("excel-serial", "45356.75"),
    ],
)
def test_a_date_is_read_in_the_order_that_was_stated(order, text):
    session = f'{{ number = "session", date = "day", order = "{order}" }}'
    assert read(f"client,session,day,bdi\nA,1,{text},3\n", session=session).ratings[0].held_on == date(2024, 3, 5)


@pytest.mark.parametrize(
    ("order", "text", "word"),
    [
        ("ymd", "5.3.2024", "year, month, day"),
        ("dmy", "2024-03-05", "day, month, year"),
        ("dmy", "5.3.24", "four digits"),
        ("dmy", "3.25.2024", "order of the date"),
        ("mdy", "25/3/2024", "order of the date"),
        ("dmy", "45356", "excel-serial"),
        ("excel-serial", "5.3.2024", "number of days"),
        ("ymd", "1066-10-14", "year from 1900"),
        ("ymd", "soon", "must be a date"),
    ],
)
def test_a_date_in_another_order_is_a_problem_and_never_guessed(order, text, word):
    session = f'{{ number = "session", date = "day", order = "{order}" }}'
    (problem,) = problems(f"client,session,day,bdi\nA,1,{text},3\n", session=session)
    assert word in problem and f"“{text}”" in problem and "“day”" in problem


def test_dates_of_a_workbook_are_read_under_any_order():
    cells = Table(("client", "session", "day", "bdi"), [(2, ("A", "1", "2024-03-05", "3"))], "xlsx", "", ())
    for order in ("ymd", "dmy", "mdy", "excel-serial"):
        found = interpret(cells, mapping(session=f'{{ number = "session", date = "day", order = "{order}" }}'))
        assert found.ratings[0].held_on == date(2024, 3, 5)


def test_sessions_without_numbers_are_counted_by_their_dates():
    found = read(
        "client,day,bdi\nA,9.1.2024,3\nA,2.1.2024,4\nB,5.5.2024,5\n", session='{ date = "day", order = "dmy" }'
    )
    assert [(r.client, r.session) for r in found.ratings] == [("A", 2), ("A", 1), ("B", 1)] and not found.gaps


def test_sessions_that_contradict_each_other_are_problems():
    session = '{ number = "session", date = "day", order = "ymd" }'
    rows = "client,session,day,bdi\nA,1,2024-01-02,3\nA,1,2024-01-03,4\nA,2,2024-01-09,5\nA,2,2024-01-09,6\n"
    found = problems(rows, session=session)
    assert "Row 3" in found[0] and "2024-01-02 in row 2. Give it one date" in found[0]
    assert "Row 5" in found[1] and "in row 4 already" in found[1]


@pytest.mark.parametrize("number", ["", "1.5", "-1", "x", "99999", "1e3"])
def test_session_numbers_that_are_none_are_problems(number):
    assert "“session”" in problems(f"client,session,bdi\nA,{number},3\n")[0]


def test_gaps_lie_between_the_first_and_the_last_rated_session():
    #            A: 2 . 4 . . 7          B: 0 1
    found = read("client,session,bdi\nA,2,3\nA,4.0,3\nA,7,3\nB,0,1\nB,1,1\nA,9,\n")
    assert [(gap.client, gap.session, gap.phase) for gap in found.gaps] == [
        ("A", 3, "therapy"), ("A", 5, "therapy"), ("A", 6, "therapy"),
    ]  # fmt: skip
    assert (found.rows, found.rows_without_rating) == (6, 1)
    assert found.ratings[3].phase == "before"


# Numbers


def test_missing_codes_words_and_decimal_commas():
    more = 'missing = ["NA", "-99"]\ndecimal_comma = true'
    rating = 'totals = { total = "bdi" }\nvalues = { none = 0, "very much" = 60 }'
    found = read("client;session;bdi\nA;1;2,5\nA;2;-99,0\nA;3;na\nA;4;Very much\nA;5; 7 \n", more=more, rating=rating)
    assert [(r.session, r.totals["total"]) for r in found.ratings] == [(1, 2.5), (4, 60), (5, 7)]
    assert found.rows_without_rating == 2


@pytest.mark.parametrize(
    ("cell", "more", "word"),
    [
        ("64", "", "between 0 and 63"),
        ('"1,5"', "", "decimal_comma = true"),
        ("1.5", "decimal_comma = true", "has a point"),
        ("much", "", "must be a number"),
        ("#DIV/0!", "", "error of the spreadsheet"),
        ("1e1", "", "must be a number"),
        ("٣", "", "must be a number"),
        ("nan", "", "must be a number"),
    ],
)
def test_totals_that_cannot_be_taken_are_problems(cell, more, word):
    (problem,) = problems(f"client,session,bdi\nA,1,{cell}\n", more=more)
    assert word in problem and problem.startswith("Row 2, column “bdi”, “")


def test_items_are_held_against_the_edition():
    columns = [f"q{n:02}" for n in range(1, 37)]
    header = ",".join(["client", "session", *columns])
    rating = 'items = "q{n:02}"'
    good = read(f"{header}\nA,1,{','.join(['4'] * 35)},\n", instrument="wai-36", rating=rating).ratings[0]
    assert good.given == (4.0,) * 35 + (None,) and good.answers[36] is None
    found = problems(f"{header}\nA,1,{','.join(['8', '1.5', *['4'] * 34])}\n", instrument="wai-36", rating=rating)
    assert "“q01”, “8”: must be between 1 and 7" in found[0] and "“q02”, “1.5”: must be a whole number" in found[1]
    listed = f"items = {columns!r}"
    assert read(f"{header}\nA,1,{','.join(['4'] * 36)}\n", instrument="wai-36", rating=listed).ratings[0].given


def test_totals_of_a_shipped_instrument_stand_in_for_items_or_are_compared_with_them():
    header = ",".join(["client", "session", "task", *(f"i{n}" for n in range(1, 37))])
    rows = f"{header}\nA,1,40,{','.join(['4'] * 36)}\nA,2,41,{',' * 35}\n"
    found = read(rows, instrument="wai-36", rating='items = "i{n}"\ntotals = { task = "task" }').ratings
    assert (found[0].totals, found[0].expected) == (None, {"task": 40})
    assert (found[1].given, found[1].totals, found[1].expected) == (None, {"task": 41}, {})
    (problem,) = problems("client,session,task\nA,1,90\n", instrument="wai-36", rating='totals = { task = "task" }')
    assert "between 12 and 84, the range of task of wai-36" in problem


def test_one_row_or_several_can_hold_more_than_one_rating():
    text = """
    client = { column = "client" }
    session = { number = "session" }
    [[rating]]
    instrument = "bdi"
    rater = "client"
    totals = { total = "score" }
    when = { column = "form", is = "BDI" }
    [[rating]]
    instrument = "wai-36"
    rater = "therapist"
    totals = { total = "score" }
    when = { column = "form", is = "WAI-T" }
    """
    file = table("client,session,form,score\nA,1,BDI,20\nA,1,WAI-T,200\nA,2,PHQ,3\n")
    found = interpret(file, load_mapping(text + BDI))
    assert [(r.instrument, r.rater, r.totals) for r in found.ratings] == [
        ("bdi", "client", {"total": 20}), ("wai-36", "therapist", {"total": 200}),
    ]  # fmt: skip
    assert "“PHQ”" in str(found.problems[0]) and len(found.problems) == 1


def test_scales_of_one_wide_row_become_one_rating():
    text = 'client = { column = "c" }\n' + "".join(
        f'[[series]]\ninstrument = "wai-36"\nrater = "client"\nscale = "{scale}"\n'
        f'columns = [{{ column = "{scale}1", session = 1 }}, {{ column = "{scale}2", session = 2 }}]\n'
        for scale in ("task", "bond")
    )
    found = interpret(table("c,task1,task2,bond1,bond2\nA,30,31,40,\n"), load_mapping(text)).ratings
    assert [(r.session, r.totals) for r in found] == [(1, {"task": 30, "bond": 40}), (2, {"task": 31})]


# Problems of a whole file


def test_columns_that_are_missing_are_named_with_a_suggestion():
    found = problems("Client,session,x\nA,1,3\n")
    assert "“client”" in found[0] and "Did you mean “Client”" in found[0]
    assert "“bdi”" in found[1] and "It has “Client”, “session”, “x”" in found[1]


def test_a_thousand_problems_are_kept_and_the_rest_counted():
    found = interpret(table("client,session,bdi\n" + "".join(f"A,{n},x\n" for n in range(1, 1501))), mapping())
    assert (len(found.problems), found.more_problems, found.ratings) == (1000, 500, ())
    assert [problem.row for problem in found.problems] == list(range(2, 1002))


def test_a_file_that_breaks_off_is_said_to_be_unreadable():
    with pytest.raises(Unreadable, match="Row 3"):
        interpret(table("client,session,bdi\nA,1,3\nA,2\n"), mapping())


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.text(max_size=6), st.sampled_from(["1", "2.0", "A", "2024-01-02"]))] * 4),
        max_size=8,
    )
)
def test_any_cells_end_in_ratings_or_problems(rows):
    cells = Table(("client", "session", "day", "bdi"), list(enumerate(rows, start=2)), "utf-8", ",", ())
    found = interpret(cells, mapping(session='{ number = "session", date = "day", order = "ymd" }'))
    assert found.rows == len(rows)
    assert all(str(problem) and problem.message for problem in found.problems)
    assert len(found.ratings) + found.rows_without_rating + len({p.row for p in found.problems}) == len(rows)
    assert len({(r.client, r.session) for r in found.ratings}) == len(found.ratings)


# Mappings


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_mappings_load(name):
    assert load_mapping(SHIPPED[name]).source


def test_a_mapping_names_every_column_it_reads_once():
    columns = load_mapping(SHIPPED["wai36-simulated"]).columns()
    assert len(columns) == len(set(columns)) == 2 + 36 + 4


@pytest.mark.parametrize(
    ("change", "key", "word"),
    [
        (("client = {", "clients = {"), "client", "is missing"),
        (("client = {", "clients = {"), "clients", "is not known here"),
        (('column = "pairing_id"', "column = 3"), "client.column", "must be text"),
        (('prefix = "P-"', f'prefix = "{"x" * 30}"'), "client.prefix", "leave room"),
        (("session = {", "missing = 3\nsession = {"), "missing", "list of texts"),
        (("session = {", "decimal_comma = 1\nsession = {"), "decimal_comma", "true or false"),
        (('number = "session_id"', 'date = "d"'), "session.order", "must be one of ymd, dmy, mdy, excel-serial"),
        (('number = "session_id"', 'number = "n", order = "ymd"'), "session.order", "belongs to a date"),
        (('session = { number = "session_id" }', ""), "session", "number, of its date, or both"),
        (('"wai-36"', '"wai-63"'), "rating[1].instrument", "there is no instrument 'wai-63'; use "),
        (('rater = "client"', 'rater = "friend"'), "rating[1].rater", "must be one of client"),
        (('items = "i{n}"', 'items = "i"'), "rating[1].items", "must have {n} once"),
        (('items = "i{n}"', 'items = "{n.__class__}"'), "rating[1].items", "must have {n} once"),
        (('items = "i{n}"', 'items = ["a", "b"]'), "rating[1].items", "must name 36 columns"),
        (('items = "i{n}"', ""), "rating[1].items", "say where the numbers are"),
        (('task = "task"', 'tasks = "task"'), "rating[1].expect", "has no scale 'tasks'"),
        (('items = "i{n}"', 'items = "i{n}"\nvalues = { never = "1" }'), "rating[1].values.never", "must be a number"),
        (('items = "i{n}"', 'items = "i{n}"\nwhen = { column = "a" }'), "rating[1].when.is", "is missing"),
    ],
)
def test_mistakes_in_a_mapping_are_named_by_their_key(change, key, word):
    assert change[0] in SHIPPED["wai36-simulated"]
    with pytest.raises(MappingError) as caught:
        load_mapping(SHIPPED["wai36-simulated"].replace(*change, 1))
    assert word in caught.value.mistakes[key] and f"{key}: " in str(caught.value)


@pytest.mark.parametrize(
    ("change", "key", "word"),
    [
        (("low = 0", "low = 63"), "measure[1].high", "greater than low"),
        (("low = 0", ""), "measure[1].low", "is missing"),
        (("low = 0", "low = inf"), "measure[1].low", "must be a number"),
        (('code = "bdi"', 'code = "wai-36"'), "measure[1].code", "is shipped"),
        (('code = "bdi"', 'code = "B D I"'), "measure[1].code", "lower-case"),
        (('code = "rq"', 'code = "bdi"'), "measure", "same code"),
        (('construct = "outcome"', 'construct = "x"'), "measure[1].construct", "one of alliance, outcome"),
        (("low = 0", "low = 0\nsd = 0"), "measure[1].sd", "greater than 0"),
        (("low = 0", "low = 0\nreliability = 1.5"), "measure[1].reliability", "between 0 and 1"),
        (('scale = "total"', 'scale = "sum"'), "series[1].scale", "has no scale 'sum'"),
        (('rater = "client"', 'rater = "therapist"'), "series[1].rater", "rated by the client"),
        (('"bdi_s1", session = 1', '"bdi_s1", session = 2'), "series[1].columns", "names a session twice"),
        (('"bdi_s1", session = 1', '"bdi_s2", session = 1'), "series[1].columns", "names a column twice"),
        (('"bdi_s1", session = 1', '"bdi_s1", session = "1"'), "series[1].columns[2].session", "whole number"),
        (('phase = "before"', 'phase = "therapy"'), "series[1].columns[1].phase", "before the therapy"),
        (('phase = "follow-up"', 'phase = "after"'), "series[1].columns[14].phase", "must be one of before"),
        (('label = "Follow-up 1"', 'label = "FU1"'), "series[2].columns", "another phase or label"),
        (('label = "Baseline"', f'label = "{"x" * 21}"'), "series[1].columns[1].label", "at most 20"),
        (("client = {", "session = { number = 'n' }\nclient = {"), "session", "leave this out"),
    ],
)
def test_mistakes_in_a_wide_mapping_are_named_by_their_key(change, key, word):
    assert change[0] in SHIPPED["suddengains"]
    with pytest.raises(MappingError) as caught:
        load_mapping(SHIPPED["suddengains"].replace(*change, 1))
    assert word in caught.value.mistakes[key]


def test_all_mistakes_are_named_at_once():
    with pytest.raises(MappingError) as caught:
        load_mapping("colour = 1\n[[rating]]\nrater = 'x'\n")
    assert {"colour", "client", "rating[1].rater", "rating[1].instrument", "rating[1].items"} <= set(
        caught.value.mistakes
    )


@pytest.mark.parametrize("text", ["", "a = ", "x" * 10, "rating = 3", "rating = [1]", "client = 1", "[[series]]"])
def test_texts_that_are_no_mapping_are_refused_in_words(text):
    with pytest.raises(MappingError) as caught:
        load_mapping(text)
    assert all(caught.value.mistakes.values())


KEYS = [
    "client", "column", "session", "number", "date", "order", "rating", "series", "measure", "instrument", "rater",
    "items", "totals", "values", "expect", "when", "is", "columns", "scale", "code", "low", "high", "missing", "phase",
    "label", "decimal_comma", "total",
]  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["client", "session", "rating", "series", "measure", "missing"]), anything))
def test_any_data_is_a_mapping_or_is_refused_in_words(data):
    try:
        mapping_of(data)
    except MappingError as error:
        assert error.mistakes and all(error.mistakes.values())


@pytest.mark.parametrize("code", instruments())
def test_every_shipped_instrument_can_be_mapped(code):
    for rater in instruments()[code].editions:
        data = {
            "client": {"column": "c"},
            "session": {"number": "s"},
            "rating": [{"instrument": code, "rater": rater, "items": "i{n}"}],
        }
        assert len(mapping_of(data).ratings[0].items) == edition(code, rater).number_of_items
