"""What events are called: every one that the code writes says something and is of a kind."""

import ast
import re
from pathlib import Path

import pytest

from reports.trail_words import KINDS, OPENED, in_words, pattern

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "clients", "sessions_app", "measures", "ruptures", "dashboards", "supervision", "reports")
# Events whose names are put together while they are written.
COMPOSED = [
    "api.rating-read",
    "rupture.resolved",
    "goal.proposed",
    "task.agreed",
    "supervision.held",
    "timeline.viewed",
    "client-report.made",
    "agreement-form.viewed",
]


def written() -> set[str]:
    """The first argument of every call of record_event and record_events that is a text."""
    found = set()
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"record_event", "record_events"}:
                    first = node.args[0]
                    found |= {first.value} if isinstance(first, ast.Constant) else set()
    return found


def test_an_event_says_its_name_in_words():
    assert in_words("goal.progress-recorded") == "Goal: progress recorded"
    assert in_words("api.rating-read") == "API: rating read"
    assert in_words("ratings.import_undone") == "Ratings: import undone"


def test_every_event_that_the_code_writes_is_of_a_kind():
    names = written()
    assert len(names) > 80
    for name in [*sorted(names), *COMPOSED]:
        assert any(re.search(pattern(kind), name) for kind in KINDS), name


@pytest.mark.parametrize("name", ["episode.viewed", "api.session-read", "client-report.made", "export.downloaded"])
def test_whatever_was_read_or_taken_out_is_one_kind(name):
    assert re.search(pattern(OPENED), name)


@pytest.mark.parametrize("name", ["link.made", "token.made", "session.changed", "export.asked"])
def test_what_was_written_is_not_among_what_was_read(name):
    assert not re.search(pattern(OPENED), name)
