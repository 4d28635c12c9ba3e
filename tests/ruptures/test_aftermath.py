"""Each series is drawn above its test, the rupture's session between bars, _ a session without a rating."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ruptures.aftermath import (
    NOT_SEEN,
    NOTHING_BEFORE,
    Aftermath,
    Level,
    Return,
    Unsaid,
    aftermath,
    attempts_in_words,
    first_return,
    follow,
)


def scored(*values: float | None) -> list[tuple[int, float]]:
    return [(session, value) for session, value in enumerate(values, start=1) if value is not None]


def expecting(low: float | None) -> Level | None:
    return None if low is None else Level(low, is_expected=True)


def bond(*values: float | None, session: int, expected: float | None = None, rater: str = "client"):
    return follow(scored(*values), scale="bond", rater=rater, session=session, level=expecting(expected))


def after_rupture(*values: float | None, session: int = 3, expected: float | None = None):
    return aftermath(scored(*values), session=session, level=expecting(expected))


def said(*values: float | None, session: int, **more) -> tuple[str, str]:
    words = bond(*values, session=session, **more).words
    return words.headline, words.detail


# --- Whether it came back -------------------------------------------------------------------------------


def test_score_is_back_at_the_first_session_that_reaches_what_was_expected():
    # 7.6 7.9 |4.6| 6.1 8.4      6.6 or more expected
    found = after_rupture(7.6, 7.9, 4.6, 6.1, 8.4, expected=6.6)
    assert isinstance(found, Aftermath)
    assert (found.fell, found.level) == ((3, 4.6), Level(6.6, is_expected=True))
    assert found.back == Return(5, 8.4, after=2) and found.went_further


def test_return_is_counted_in_rated_sessions():
    # 7 8 |4| _ _ 5 _ 7
    found = after_rupture(7, 8, 4, None, None, 5, None, 7, expected=6.6)
    assert found.back == Return(8, 7, after=2)


def test_without_an_expectation_the_rating_before_is_the_level():
    # 7 8 |4| 7 8
    found = after_rupture(7, 8, 4, 7, 8)
    assert (found.level, found.back) == (Level(8, is_expected=False), Return(5, 8, after=2))


def test_after_a_preset_what_it_calls_back_is_the_level_and_the_rating_before_is_told():
    # 7 8 |4| 7.5       back from 7.4 on
    one = follow(scored(7, 8, 4, 7.5), scale="bond", rater="client", session=3, level=Level(7.4, is_expected=False))
    assert one.back == Return(4, 7.5, after=1)
    assert "It was 4.0 in session 3, after 8.0 in the rating before." in one.words.detail


def test_level_itself_is_back():
    # 7 8 |4| 6.6
    assert after_rupture(7, 8, 4, 6.6, expected=6.6).back == Return(4, 6.6, after=1)


def test_score_that_stays_down_is_not_back():
    # 7 8 |4| 5 6.5
    found = after_rupture(7, 8, 4, 5, 6.5, expected=6.6)
    assert (found.back, found.latest, found.went_further) == (None, (5, 6.5), False)


def test_further_means_that_the_latest_is_above_anything_before():
    # 9 8 |4| 8 9    and then    9.1
    assert not after_rupture(9, 8, 4, 8, 9, expected=6.6).went_further
    assert after_rupture(9, 8, 4, 8, 9, 9.1, expected=6.6).went_further


def test_score_that_came_back_and_fell_again_did_not_go_further():
    # 7 8 |4| 9 5
    found = after_rupture(7, 8, 4, 9, 5, expected=6.6)
    assert found.back == Return(4, 9, after=1) and not found.went_further


def test_rupture_of_a_session_that_was_not_rated_is_followed_from_the_next_rated_one():
    # 7 8 |_| 4 8
    found = after_rupture(7, 8, None, 4, 8)
    assert (found.fell, found.back) == ((4, 4), Return(5, 8, after=2))


# --- Where nothing can be said --------------------------------------------------------------------------


def test_first_session_has_nothing_to_come_back_to():
    # |4| 8
    assert after_rupture(4, 8, session=1) == Unsaid(NOTHING_BEFORE)


def test_nothing_rated_from_the_rupture_on():
    # 7 8 |_| _
    assert after_rupture(7, 8) == Unsaid(NOT_SEEN)


def test_rating_that_did_not_fall_cannot_come_back():
    # 7 8 |8| 9     and     7 8 |7| 9, where 6.6 was enough
    assert after_rupture(7, 8, 8, 9) == Unsaid("In this session it was 8.0, no lower than before.")
    assert after_rupture(7, 8, 7, 9, expected=6.6) == Unsaid(
        "In this session it was 7.0, no lower than the 6.6 expected then."
    )


def test_unrated_session_with_no_lower_rating_after_it_says_so():
    # 7 8 |_| 8
    assert after_rupture(7, 8, None, 8) == Unsaid("In session 4, the next one rated, it was 8.0, no lower than before.")


# --- In words -------------------------------------------------------------------------------------------


def test_words_of_a_return_name_the_fall_the_return_and_now():
    assert said(7.6, 7.9, 4.6, 6.1, 8.4, 8.6, session=3, expected=6.6) == (
        "The bond came back, and went further.",
        "It was 4.6 in session 3, where 6.6 or more was expected. It was back at 8.4 in session 5, 2 rated sessions "
        "later, and is 8.6 now, above anything before (7.9 at most).",
    )


def test_words_of_a_return_in_the_latest_session_do_not_repeat_it():
    assert said(7, 8, 4, 8, session=3) == (
        "The bond came back.",
        "It was 4.0 in session 3, after 8.0 in the rating before. "
        "It was back at 8.0 in session 4, 1 rated session later.",
    )


def test_words_of_what_is_not_back_name_where_it_is_now():
    assert said(7, 8, 4, 5, session=3, expected=6.6) == (
        "The bond has not come back.",
        "It was 4.0 in session 3, where 6.6 or more was expected. Now it is 5.0, in session 4.",
    )
    assert said(7, 8, 4, session=3)[1].endswith("It has not been rated since.")


def test_words_name_the_rater_who_is_not_the_client():
    assert said(7, 8, 4, 8, session=3, rater="therapist")[0] == "The bond, as the therapist rates it, came back."
    assert said(4, session=1, rater="therapist") == ("The bond, as the therapist rates it:", NOTHING_BEFORE)


def test_level_that_would_look_like_the_score_is_given_more_precisely():
    assert (
        "It was 6.6 in session 3, where 6.63 or more was expected." in said(7, 8, 6.6, 7, session=3, expected=6.63)[1]
    )


@pytest.mark.parametrize(
    ("values", "tone"), [((7, 8, 4), "attention"), ((7, 8, 4, 8), "settled"), ((7, 8, 8), "neutral")]
)
def test_tone_follows_what_is_said(values, tone):
    assert bond(*values, session=3).tone == tone


# --- What came after each attempt -----------------------------------------------------------------------


def after(*values: float | None, session: int, attempts: list[int], **more) -> dict[int, list[str]]:
    return attempts_in_words([bond(*values, session=session, **more)], attempts)


def test_return_is_told_of_the_attempt_that_it_came_after():
    # 7 8 |4| 5 6 8, tried in 4 and 5
    assert after(7, 8, 4, 5, 6, 8, session=3, attempts=[4, 5]) == {
        4: ["Not back before the next attempt: 5.0 in this session’s own rating."],
        5: ["Back in session 6, 1 rated session later: 8.0."],
    }


def test_rating_of_the_attempts_own_session_is_one_after_it():
    # 7 8 |4| 8, tried in 4
    assert after(7, 8, 4, 8, session=3, attempts=[4]) == {4: ["Back in this session’s own rating: 8.0."]}


def test_attempt_in_the_ruptures_own_session_waits_for_the_next_rating():
    # 7 8 |4|    and    7 8 |4| _ 8
    assert after(7, 8, 4, session=3, attempts=[3]) == {3: ["Not back yet: 4.0 in this session’s own rating."]}
    assert after(7, 8, 4, None, 8, session=3, attempts=[3]) == {3: ["Back in session 5, 1 rated session later: 8.0."]}


def test_attempt_after_the_return_says_that_it_was_back_before():
    # 7 8 |4| 8 8, tried in 5
    assert after(7, 8, 4, 8, 8, session=3, attempts=[5]) == {5: ["The rating was back before, in session 4."]}


def test_attempt_without_a_rating_says_so():
    # 7 8 |4| _, tried in 4
    assert after(7, 8, 4, session=3, attempts=[4]) == {4: ["Not rated since."]}
    # 7 8 |4| _ 5, tried in 4 and 5
    assert after(7, 8, 4, None, 5, session=3, attempts=[4, 5])[4] == ["Not rated before the next attempt."]


def test_two_attempts_in_one_session_are_told_once():
    # 7 8 |4| 8, tried twice in 4
    assert list(after(7, 8, 4, 8, session=3, attempts=[4, 4])) == [4]


def test_both_raters_are_named_where_both_can_be_followed():
    client, therapist = bond(7, 8, 4, 8, session=3), bond(7, 8, 4, 5, session=3, rater="therapist")
    assert attempts_in_words([client, therapist], [4])[4] == [
        "Client: Back in this session’s own rating: 8.0.",
        "Therapist: Not back yet: 5.0 in this session’s own rating.",
    ]
    nothing = bond(4, session=1, rater="therapist")
    assert attempts_in_words([client, nothing], [4])[4] == ["Back in this session’s own rating: 8.0."]


# --- Whatever the series --------------------------------------------------------------------------------

SERIES = st.lists(st.one_of(st.none(), st.integers(0, 20).map(lambda half: half / 2)), max_size=12)


@given(SERIES, st.integers(1, 13), st.one_of(st.none(), st.floats(0, 10)), st.lists(st.integers(1, 13), max_size=4))
def test_every_series_is_answered_and_a_return_is_one(values, session, expected, attempts):
    series = scored(*values)
    one = follow(series, scale="task", rater="client", session=session, level=expecting(expected))
    assert one.words.headline and one.words.detail.endswith(".") and "None" not in one.words.detail
    assert set(attempts_in_words([one], attempts)) == set(attempts)
    if one.back:
        assert one.back.session > session and one.back.value >= one.found.level.value
        assert one.back.after == sum(session < at <= one.back.session for at, _ in series)
        assert all(value < one.found.level.value for at, value in series if session < at < one.back.session)
        assert first_return(series, after=session, level=one.found.level.value) == one.back
