"""What the chart marks, each course drawn above its test: |2| the session that fell, ◆ where something was tried."""

import pytest

from dashboards.selectors.episode import episode_state
from dashboards.selectors.marks import marks_of
from ruptures.actions import repair
from tests import factories

USUAL = [7, 8, 7, 8, 7]


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def marks(episode) -> list[tuple[int, float, str, str]]:
    """Session, score, role and word of each mark, in the order of the sessions."""
    found = marks_of(episode_state(episode))
    return sorted((mark.session, mark.value, mark.role, mark.word) for mark in found)


def test_signal_that_became_a_rupture_is_marked_once_by_its_type(episode):
    # 7 8 7 8 7 |2| 7
    sessions = factories.make_course(episode, [*USUAL, 2, 7])
    assert marks(episode) == [(6, 2, "attention", "possible rupture"), (7, 7, "settled", "back")]
    factories.make_rupture(sessions[5])
    assert marks(episode) == [(6, 2, "attention", "withdrawal"), (7, 7, "settled", "back")]


def test_repair_is_marked_at_the_session_of_the_attempt(episode):
    # 7 8 7 8 7 |2| ◆3 4 7
    sessions = factories.make_course(episode, [*USUAL, 2, 3, 4, 7])
    factories.make_attempt(factories.make_rupture(sessions[5]), sessions[6])
    assert marks(episode) == [
        (6, 2, "attention", "withdrawal"),
        (7, 3, "attention", ""),
        (7, 3, "repair", "repair"),
        (9, 7, "settled", "back"),
    ]


def test_repair_and_return_in_one_session_have_one_mark(episode):
    # 7 8 7 8 7 |2| ◆7
    sessions = factories.make_course(episode, [*USUAL, 2, 7])
    factories.make_attempt(factories.make_rupture(sessions[5]), sessions[6])
    assert marks(episode) == [(6, 2, "attention", "withdrawal"), (7, 7, "repair", "repair, back")]


def test_rupture_that_no_rule_noticed_is_marked_where_the_client_rated_it(episode):
    # 7 |6| 7
    sessions = factories.make_course(episode, [7, 6, 7])
    factories.make_rupture(sessions[1], type="confrontation", markers=["control"])
    (fell, back) = sorted(marks_of(episode_state(episode)), key=lambda mark: mark.session)
    assert (fell.session, fell.value, fell.word) == (2, 6, "confrontation")
    assert fell.sentence == "Confrontation, noticed by the therapist: Pressed the therapist."
    assert (back.session, back.role, back.word) == (3, "settled", "back")


def test_rupture_of_a_session_that_was_not_rated_stands_at_the_foot_with_its_repair(episode):
    # 7 7 |_ ◆| 7
    sessions = factories.make_course(episode, [7, 7, None, 7])
    factories.make_attempt(factories.make_rupture(sessions[2], component=None), sessions[2])
    assert marks(episode) == [(3, 0, "attention", "withdrawal, repair")]


def test_suspected_rupture_is_a_possible_one_and_a_dismissed_one_is_not_marked(service, episode):
    # 7 |7|
    sessions = factories.make_course(episode, [7, 7])
    factories.check_strain(sessions[1], 5)
    factories.ruptures.judge_episode(episode_id=episode.pk)
    assert marks(episode) == [(2, 0, "attention", "possible rupture")]
    (one,) = episode_state(episode).open_ruptures
    repair.change_state(rupture=one.rupture, to="dismissed", reason="talked", by=service.ada)
    assert marks(episode) == []


def test_nothing_that_was_typed_reaches_the_chart(episode):
    sessions = factories.make_course(episode, [*USUAL, 2])
    rupture = factories.make_rupture(sessions[5], what_happened="<a href='x'>typed</a>")
    factories.make_attempt(rupture, sessions[5], note="<b>typed</b>")
    assert all("typed" not in mark.word + mark.sentence for mark in marks_of(episode_state(episode)))
