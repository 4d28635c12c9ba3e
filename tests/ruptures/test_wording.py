import re

import pytest

from ruptures.wording import NAMES, Number, conversation, sentence

BOND = Number("client", "bond", 4.1, 5.9, 7.4, 8)


def test_sentence_names_the_component_the_range_and_how_often_it_is_wrong():
    assert sentence(BOND, [("client", "bond")], rate="default") == (
        "Bond 4.1; expected 5.9 to 7.4 from 8 earlier sessions and what is usual in your service. "
        "About 1 look in 120 is this low in a steady course."
    )


def test_sentence_says_when_the_service_has_no_usual_yet():
    starting = Number("client", "bond", 4.1, 5.9, 7.4, 8, is_starting=True)
    assert "8 earlier sessions and starting values, until your service has enough courses." in sentence(
        starting, [("client", "bond")], rate="stricter"
    )


def test_sentence_says_whose_rating_it_is_where_it_is_not_the_clients():
    own = Number("therapist", "goal", 3.0, 4.25, 6.0, 5)
    assert sentence(own, [("therapist", "goal")], rate="looser").startswith("Goal 3.0 as the therapist rates it;")


def test_sentence_names_the_group_that_fell_together():
    inside = Number("client", "bond", 6.0, 5.9, 7.4, 8)
    group = [("client", "bond"), ("client", "goal"), ("therapist", "bond"), ("therapist", "goal")]
    text = sentence(inside, group, rate="default")
    assert "Bond and goal by client and therapist: each a little lower than expected, and together" in text


def test_limit_that_would_look_like_the_score_is_given_more_precisely():
    close = Number("client", "bond", 5.9, 5.94, 7.4, 8)
    assert "Bond 5.9; expected 5.94 to 7.4" in sentence(close, [("client", "bond")], rate="default")


@pytest.mark.parametrize("scale", NAMES)
def test_conversation_opens_listens_and_leaves_patterns_for_later(scale):
    lines = conversation(scale)
    assert lines[0].startswith("For example: “") and "Listen first" in lines[1] and "later" in lines[-1]
    assert not re.search(r"resist|fail|complian|problem", " ".join(lines), re.I)
