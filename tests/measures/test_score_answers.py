"""`manage.py score_answers`: a line out for a line in, and nothing that anybody writes makes it stop."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import example, given, settings
from hypothesis import strategies as st

from measures.instruments import instruments
from measures.management.commands.score_answers import scored_line

ROOT = Path(__file__).parents[2]
CODES = [
    *("wai-36", "wai-s", "wai-sr", "wai-srt", "srs", "ors", "haq-2", "arm-5", "phq-9", "gad-7", "core-10", "core-om"),
    *("oq-45", "wsas", "gbo", "session-check-in", "strain-check", "outcome-check-in"),
]
SR = b'{"instrument": "wai-sr", "edition": "client", "answers": [5, 4, 5, 3, 4, 4, 5, 3, 5, 4, 4, 4]}'


def run(lines: bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command as it starts where nothing is set up: no settings, no database, no .env."""
    bare = {"PATH": os.environ["PATH"], **environment}
    command = [sys.executable, str(ROOT / "manage.py"), "score_answers"]
    return subprocess.run(command, input=lines, capture_output=True, env=bare, cwd=ROOT.parent, check=False)


def strictly(text: str) -> object:
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def scored(rating: object) -> dict:
    return scored_line(json.dumps(rating).encode())


def test_it_runs_without_settings_database_and_queue():
    done = run(SR + b"\n" + SR)
    assert (done.returncode, done.stderr) == (0, b"")
    first, second = map(strictly, done.stdout.decode("ascii").splitlines())
    assert first == second
    assert first == {
        "instrument": "wai-sr",
        "edition": "client",
        "scores": {"goal": 14, "task": 17, "bond": 19, "total": 50},
        "means": {"goal": 3.5, "task": 4.25, "bond": 4.75, "total": 4.1666666667},
        "answered": 12,
        "missing": [],
        "prorated": [],
        "unscored": {},
        "risk": [],
        "band": None,
    }


def test_it_asks_no_server_that_is_named():
    done = run(SR, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing", REDIS_URL="redis://127.0.0.1:1/0")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_bad_line_is_answered_in_its_place_and_the_rest_are_scored():
    done = run(b"\n".join([SR, b"no json", SR, b"", SR]) + b"\n")
    outcomes = [strictly(line) for line in done.stdout.decode("ascii").splitlines()]
    assert ["error" in outcome for outcome in outcomes] == [False, True, False, True, False]
    assert done.returncode == 1
    assert done.stderr == b"CommandError: 2 of 5 lines could not be scored.\n"


def test_no_line_gives_no_line():
    done = run(b"")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_it_is_a_command_among_the_others(monkeypatch):
    for lines, bad in ((SR, False), (b"{}", True)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
        out = io.StringIO()
        if bad:
            with pytest.raises(CommandError, match="1 of 1 lines"):
                call_command("score_answers", stdout=out)
        else:
            call_command("score_answers", stdout=out)
        assert ("error" in strictly(out.getvalue())) is bad


def test_the_example_of_the_doc_is_what_is_printed():
    text = (ROOT / "docs" / "measures.md").read_text("utf-8")
    given_line, printed = re.findall(r"^```\n({.*})\n```$", text, re.M)
    assert json.dumps(scored_line(given_line.encode())) == printed


def test_every_code_scores_complete_answers():
    assert set(CODES) < set(instruments())
    for code in CODES:
        for rater, edition in instruments()[code].editions.items():
            outcome = scored({"instrument": code, "edition": rater, "answers": [edition.maximum] * len(edition.items)})
            assert (outcome["instrument"], outcome["edition"]) == (code, rater)
            assert set(outcome["scores"]) == set(outcome["means"]) == set(edition.scored_scales)
            assert None not in outcome["scores"].values()
            assert outcome["unscored"] == {}


def test_the_edition_may_be_left_out():
    for code, rater in (("wai-36", "client"), ("wai-srt", "therapist")):
        answers = [1] * len(instruments()[code].editions[rater].items)
        for rating in ({}, {"edition": None}):
            assert scored({"instrument": code, "answers": answers, **rating})["edition"] == rater


def test_answers_by_number_null_and_unknown_keys():
    rating = {"instrument": "phq-9", "answers": {str(n): 1 for n in range(1, 9)}, "who": {"any": [1]}, "note": None}
    outcome = scored(rating)
    assert (outcome["answered"], outcome["missing"]) == (8, [9])
    assert outcome["scores"] == {"total": None}
    assert outcome["unscored"] == {"total": "1 of 9 items missing; no published rule for missing items"}
    assert outcome["band"] is None


def test_wsas_without_work():
    outcome = scored({"instrument": "wsas", "answers": [None, 1, 2, 3, 4], "not_applicable": [1]})
    assert (outcome["scores"], outcome["means"], outcome["missing"]) == ({"total": 10}, {"total": 2.5}, [])


def test_visual_analogues_come_in_tenths_and_leave_clean():
    outcome = scored({"instrument": "srs", "answers": [9.2, 8.7, 9.4, 9.1]})
    assert outcome["scores"]["total"] == 36.4
    outcome = scored({"instrument": "srs", "answers": [0.1, 0.2, 0.1, 0.2]})
    assert (outcome["scores"]["total"], outcome["means"]["total"]) == (0.6, 0.15)
    assert "steps of 0.1" in scored({"instrument": "ors", "answers": [9.25, 1, 1, 1]})["error"]


def test_risk_and_band_are_printed():
    outcome = scored({"instrument": "phq-9", "answers": [1, 1, 1, 1, 1, 1, 1, 1, 2]})
    assert outcome["risk"] == [9]
    assert outcome["band"] == {
        "label": "moderate",
        "source": "Kroenke, Spitzer & Williams (2001), J Gen Intern Med 16:606–613",
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "empty"),
        (b"  \t\r\n", "empty"),
        (b"[1, 2]", "must be an object"),
        (b"null", "must be an object"),
        (b'"wai-sr"', "must be an object"),
        (b"{}", "answers: is missing"),
        (b'{"answers": []}', "instrument: must be one of"),
        (b'{"instrument": ["wai-sr"], "answers": []}', "instrument: must be one of"),
        (b'{"instrument": "wai", "answers": []}', "instrument: must be one of"),
        (b'{"instrument": "wai-sr", "edition": "therapist", "answers": []}', "edition: must be one of client"),
        (b'{"instrument": "wai-sr", "edition": {}, "answers": []}', "edition: must be one of client"),
        (b'{"instrument": "wai-sr", "answers": [1]}', "answers: must be 12"),
        (b'{"instrument": "wai-sr", "answers": null}', "answers: must be a list"),
        (b'{"instrument": "wai-sr", "answers": "555555555555"}', "answers: must be a list"),
        (b'{"instrument": "wai-sr", "answers": {"0": 1}}', "is not an item number"),
        (b'{"instrument": "wai-sr", "answers": {"13": 1}}', "item 13: there is no item 13"),
        (b'{"instrument": "wai-sr", "answers": {"1": 6}}', "item 1: must be between 1 and 5"),
        (b'{"instrument": "wai-sr", "answers": {"1": 1.5}}', "item 1: must be a whole number"),
        (b'{"instrument": "wai-sr", "answers": {"1": true}}', "item 1: must be a number"),
        (b'{"instrument": "wai-sr", "answers": {"1": 1e999}}', "item 1: must be a number"),
        (b'{"instrument": "wai-sr", "answers": {"1": 1}, "not_applicable": [1]}', "not_applicable: "),
        (b'{"instrument": "wai-sr", "answers": {"1": NaN}}', "NaN is not a number"),
        (b'{"instrument": "wai-sr", "answers": {"1": -Infinity}}', "-Infinity is not a number"),
        (b'{"instrument": "wai-sr", "answers": {"1": 1, "1": 2}}', "twice"),
        (b'{"instrument": "wai-sr", "answers": {"1": ' + b"9" * 5000 + b"}}", "is not JSON"),
        (b'{"instrument": "wai-sr", "answers": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"instrument": "wai-sr", "answers": {"\xff": 1}}', "is not UTF-8"),
        (b'{"instrument": "wai-sr", "answers": {"\xed\xa0\x80": 1}}', "is not UTF-8"),
        (b'{"instrument": "wai-sr", "answers": {"\\ud800": 1}}', "is not an item number"),
        (b'{"instrument": "wai-sr", "answers": [1', "is not JSON"),
        (SR + SR, "is not JSON"),
        (b"\x00", "is not JSON"),
    ],
)
def test_a_line_that_cannot_be_scored_says_why(line, words):
    outcome = scored_line(line)
    assert set(outcome) == {"error"}
    assert words in outcome["error"]
    assert len(outcome["error"]) < 600
    printed = json.dumps(outcome)
    assert strictly(printed) == outcome
    printed.encode("ascii")


def test_a_mark_at_the_beginning_of_a_file_is_not_part_of_its_first_line():
    assert "error" not in scored_line(b"\xef\xbb\xbf" + SR + b"\r\n")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=13) | st.dictionaries(st.text("0123456789x", max_size=3), inner),
    max_leaves=30,
)
ratings = st.fixed_dictionaries(
    {"instrument": st.sampled_from(CODES), "answers": json_values | st.lists(st.integers(0, 7) | st.none())},
    optional={"edition": st.sampled_from(["client", "therapist", "observer"]), "not_applicable": json_values},
)


@settings(deadline=None)
@given(st.binary(max_size=80) | (json_values | ratings).map(lambda value: json.dumps(value).encode()))
@example(b"1" * 100)
def test_whatever_stands_in_a_line_gives_one_line_of_strict_json(line):
    outcome = scored_line(line)
    printed = json.dumps(outcome)
    assert "\n" not in printed
    strictly(printed)
    if "error" not in outcome:
        assert outcome["scores"].keys() == outcome["means"].keys()
        empty = {scale for scale, value in outcome["scores"].items() if value is None}
        assert empty == set(outcome["unscored"])
