"""`manage.py analyse_series` as a process: without a database, a queue, settings or a home."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COURSE = {"scores": [8, 8.5, 7.5, 8, 8, 5, 8], "range": [0, 10]}


def run(stdin, tmp_path):
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "analyse_series"],
        input=stdin,
        capture_output=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=60,
        check=False,
    )


def test_lines_are_answered_in_their_order_with_nothing_configured(tmp_path):
    lines = [{**COURSE, "scores": COURSE["scores"][:n]} for n in range(1, 8)]
    found = run("".join(json.dumps(line) + "\n" for line in lines).encode(), tmp_path)
    assert (found.returncode, found.stderr) == (0, b"")
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    assert [each["n"] for each in answers] == [1, 2, 3, 4, 5, 6, 7]
    assert answers[-1]["signals"][0]["session"] == 6
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_a_bad_line_stops_nothing_and_shows_in_the_exit_status(tmp_path, ending):
    good = json.dumps(COURSE).encode()
    found = run(good + b"\r\n\xff\n\n" + good + ending, tmp_path)
    assert found.returncode == 1
    assert [next(iter(json.loads(line))) for line in found.stdout.splitlines()] == ["n", "error", "error", "n"]
    assert b"2 lines could not be analysed" in found.stderr


def test_no_line_has_no_answer(tmp_path):
    found = run(b"", tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (0, b"", b"")
