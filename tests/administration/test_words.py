"""Every kind of background work has its words, and every threshold's figures are those of the documentation."""

import re
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.urls import reverse

from administration import effects
from administration.words import ERRORS, KINDS, PROGRAM, error_in_words, kind_of
from jobs.tasks import PERIODIC
from ruptures.detection import PRESETS

SIGNALS = (Path(__file__).parents[2] / "docs" / "signals.md").read_text("utf-8")


def tasks() -> set[str]:
    """Every job that the outbox can hand over; the clock's own task is none."""
    current_app.loader.import_default_modules()
    return {name for name in current_app.tasks if not name.startswith("celery.")} - {"jobs.start_period"}


def test_every_job_has_its_words_and_nothing_else_has():
    assert set(KINDS) == tasks()


def test_the_names_of_kinds_differ():
    assert len({kind.name for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.page], ids=lambda kind: kind.task)
def test_the_page_of_a_kind_exists(kind):
    assert reverse(kind.page)


def test_what_repeats_does_so_as_often_as_the_clock_asks():
    seconds = dict(entry["args"] for entry in settings.CELERY_BEAT_SCHEDULE.values())
    assert {task: seconds[name] for name, task in PERIODIC.items()} == {
        kind.task: kind.repeats for kind in KINDS.values() if kind.repeats
    }


def test_what_repeats_can_be_put_away_and_what_would_stay_half_done_cannot():
    assert all(kind.loses for kind in KINDS.values() if kind.repeats)
    half_done = (
        "ruptures.",
        "reports.write",
        "reports.undo",
        "reports.make",
        "measures.send",
        "dashboards.service_run",
    )
    assert not [task for task, kind in KINDS.items() if task.startswith(half_done) and kind.loses]


@pytest.mark.parametrize(("seconds", "words"), [(60, "every minute"), (120, "every 2 minutes"), (86_400, "every day")])
def test_a_rhythm_is_said_in_its_largest_unit(seconds, words):
    assert next(kind.rhythm for kind in KINDS.values() if kind.repeats == seconds) == words
    assert kind_of("ruptures.judge_episode").rhythm == ""


def test_a_kind_without_words_is_called_by_its_name_in_the_program():
    assert kind_of("clients.new_thing").name == "Other work (clients.new_thing)"
    assert not kind_of("clients.new_thing").loses


def test_an_error_is_said_in_words_and_one_without_them_is_a_fault_in_the_program():
    assert "memory" in error_in_words("lost")
    assert error_in_words("KeyError") == PROGRAM
    assert all(words.endswith((".", ".md.")) for words in ERRORS.values())


def test_the_effects_are_those_that_the_documentation_prints():
    for name, effect in effects.PRESETS.items():
        row = re.search(rf"^\| `{name}`[^|]*\|(.*)\|$", SIGNALS, re.M)
        assert row and [cell.strip() for cell in row[1].split("|")] == [
            effect.wrong_at_10,
            effect.wrong_at_20,
            effect.found,
        ]
    assert set(effects.PRESETS) == set(PRESETS)
    of_default = effects.DEFAULT_RATE
    assert (
        f"| {of_default.wrong_at_10} | {of_default.wrong_at_20} | {of_default.found} |"
        in SIGNALS.split("The shipped threshold", 1)[1]
    )
