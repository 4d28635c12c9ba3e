import re

import pytest

from ruptures import vocabulary
from ruptures.suggestions import (
    AGREE,
    ALL_COMPONENTS,
    ALL_TYPES,
    FIRST,
    LATER,
    NEED,
    OWN_PART,
    READ,
    SOURCES,
    STEPS,
    SUGGESTIONS,
    opening,
    suggestions,
)
from ruptures.vocabulary import CONFRONTATION, MIXED, WITHDRAWAL

EVERY_PAIR = [(type, component) for type in ALL_TYPES for component in ALL_COMPONENTS]


@pytest.mark.parametrize(("type", "component"), EVERY_PAIR)
def test_every_rupture_is_told_to_validate_first_and_to_keep_patterns_for_last(type, component):
    found = suggestions(type, component)
    steps = [one.step for one in found]
    assert steps == sorted(steps)
    assert {FIRST, OWN_PART, AGREE, LATER} <= set(steps)
    assert "validate" in found[0].strategies and found[-1].strategies == ("link-others",)
    patterns = {one.step for one in found if {"link-between", "link-others"} & set(one.strategies)}
    assert patterns == {LATER}


@pytest.mark.parametrize("type", ALL_TYPES)
def test_component_changes_only_what_is_done_together(type):
    by_component = [suggestions(type, component) for component in ALL_COMPONENTS]
    others = {tuple(one for one in found if one.step != AGREE) for found in by_component}
    together = {tuple(one for one in found if one.step == AGREE) for found in by_component}
    assert len(others) == 1 and len(together) == len(ALL_COMPONENTS)


def test_task_and_goal_are_changed_where_they_are_what_it_touches():
    changes = {"task": "change-task", "goal": "change-goal"}
    for component in ALL_COMPONENTS:
        codes = {code for one in suggestions("", component) for code in one.strategies}
        assert codes & set(changes.values()) == ({changes[component]} if component in changes else set())


def test_withdrawal_is_drawn_out_and_anger_is_stayed_with_and_both_get_both():
    needs = {type: [one.text for one in suggestions(type) if one.step == NEED] for type in ALL_TYPES}
    assert needs[""] == [] and len(needs[WITHDRAWAL]) == len(needs[CONFRONTATION]) == 1
    assert needs[MIXED] == needs[WITHDRAWAL] + needs[CONFRONTATION]


def test_every_suggestion_is_reached_cites_a_source_and_is_made_of_strategies():
    assert {one for pair in EVERY_PAIR for one in suggestions(*pair)} == set(SUGGESTIONS)
    for one in SUGGESTIONS:
        assert one.cited == SOURCES[one.source].words and re.search(r"\d{4}|alliance\.org", one.cited)
        assert one.when == STEPS[one.step]
        assert set(one.strategies) <= set(vocabulary.codes(vocabulary.STRATEGIES))
    assert {one.step for one in SUGGESTIONS} == set(STEPS)


def test_order_rests_on_what_was_read():
    assert {SOURCES[one.source].certainty for one in SUGGESTIONS if one.step in (FIRST, OWN_PART, LATER)} == {READ}


def test_type_or_component_that_there_is_not_is_refused():
    for pair in (("lost", ""), ("", "total")):
        with pytest.raises(ValueError, match="there is no rupture"):
            suggestions(*pair)


@pytest.mark.parametrize("component", ALL_COMPONENTS)
def test_opening_is_a_sentence_to_say(component):
    assert opening(component)[0].isupper() and opening(component)[-1] in ".?"
