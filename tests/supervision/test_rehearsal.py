from itertools import product

import pytest

from ruptures.suggestions import ALL_COMPONENTS, ALL_TYPES
from supervision.rehearsal import NONE, SETTLED, STAGES, TRIED, UNTOUCHED, rehearsal

EVERY = list(product(ALL_TYPES, ALL_COMPONENTS, STAGES))


@pytest.mark.parametrize(("type", "component", "stage"), EVERY)
def test_there_are_always_three_different_questions_and_a_source(type, component, stage):
    found = rehearsal(type=type, component=component, stage=stage)
    assert len(set(found.questions)) == 3
    assert "Eubanks, Burckell & Goldfried 2018" in found.method and "Our wording" in found.method


@pytest.mark.parametrize(("type", "component", "stage"), EVERY)
def test_links_to_elsewhere_are_kept_for_when_it_has_settled(type, component, stage):
    words = " ".join(rehearsal(type=type, component=component, stage=stage).questions)
    assert ("elsewhere" in words) == (stage == SETTLED)


def test_own_part_comes_after_noticing_and_before_the_component():
    first, second, third = rehearsal(type="withdrawal", component="task", stage=UNTOUCHED).questions
    assert "moves away" in first and "What did you do" in second and "the task" in third


def test_what_was_tried_is_not_asked_as_if_it_had_not_been():
    assert "Something was tried" in rehearsal(type="confrontation", component="bond", stage=TRIED).questions[0]


def test_without_a_rupture_nobody_is_asked_about_one():
    assert "rupture" not in " ".join(rehearsal(component="goal", stage=NONE).questions)


@pytest.mark.parametrize("wrong", [{"type": "silence"}, {"component": "total"}, {"stage": "later"}])
def test_what_there_is_not_is_refused(wrong):
    with pytest.raises(ValueError):
        rehearsal(**wrong)
