"""What brings a rupture on record by itself, and what joins it there."""

import pytest
from django.core.exceptions import ValidationError

from accounts.actions import update_organisation
from accounts.models import AuditEvent
from clients.actions import end_episode
from measures.actions import waive_own_rating
from ruptures import actions
from ruptures.actions import repair
from ruptures.models import Rupture, Signal
from ruptures.selectors import followed, open_repairs, rupture_of
from tests import factories


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def signal(episode):
    return factories.make_signal(episode)


def judge(episode) -> None:
    actions.judge_episode(episode_id=episode.pk)


# --- From a signal --------------------------------------------------------------------------------------


def test_confirmed_signal_makes_a_rupture_with_its_evidence(service, signal):
    actions.confirm_signal(signal=signal, by=service.ada)
    rupture = Rupture.objects.get()
    assert (rupture.session, rupture.component, rupture.noticed_by) == (signal.session, "bond", "score")
    assert (rupture.state, rupture.confirmed_by, rupture.type) == ("confirmed", service.ada, "")
    assert [one.lowest.observed for one in rupture.signals.all()] == [2.0]


def test_signal_of_a_total_names_no_component(service, signal):
    """An instrument without goal, task and bond; only the stored scale matters here."""
    Signal.objects.update(scale="total", numbers=[signal.numbers[0] | {"scale": "total"}])
    actions.confirm_signal(signal=Signal.objects.get(), by=service.ada)
    assert Rupture.objects.get().component == ""


def test_same_evidence_never_makes_two(service, episode, signal):
    actions.confirm_signal(signal=signal, by=service.ada)
    with pytest.raises(actions.AnsweredMeanwhile):
        actions.confirm_signal(signal=signal, by=service.ada)
    judge(episode)
    assert Rupture.objects.count() == 1


def test_dismissed_signal_makes_none_and_brings_the_same_one_back_when_it_was_one_after_all(service, signal):
    actions.dismiss_signal(signal=signal, reason="talked", by=service.ada)
    assert not Rupture.objects.exists()
    actions.confirm_signal(signal=signal, by=service.ada)
    rupture = Rupture.objects.get()
    repair.change_state(rupture=rupture, to="dismissed", reason="outside", by=service.ada)
    signal.refresh_from_db()
    assert (signal.state, signal.reason) == ("dismissed", "outside")
    actions.confirm_signal(signal=signal, by=service.ada)
    assert list(Rupture.objects.values_list("pk", "state")) == [(rupture.pk, "confirmed")]


def test_signal_that_has_become_a_rupture_is_dismissed_on_the_ruptures_page(service, signal):
    actions.confirm_signal(signal=signal, by=service.ada)
    assert not signal.can_be_dismissed
    with pytest.raises(ValidationError, match="on the rupture’s own page"):
        actions.dismiss_signal(signal=signal, reason="talked", by=service.ada)
    assert list(Signal.objects.values_list("state", flat=True)) == ["confirmed"]


def test_rupture_that_stands_takes_a_confirmed_signal_as_evidence(service, episode):
    """The therapist noted the session before its rating was judged."""
    factories.make_course(episode, [8, 7, 8, 8, 7, 8])
    session = factories.make_session(episode)
    rupture = factories.make_rupture(session, component="task")
    factories.rate_as_therapist(session, bond=2)
    factories.rate_as_client(session, bond=2)
    judge(episode)
    signal = Signal.objects.get()
    assert (signal.state, signal.answered_by, signal.rupture) == ("confirmed", service.ada, rupture)
    assert list(Rupture.objects.values_list("component", flat=True)) == ["task"]
    before = list(Signal.objects.values())
    judge(episode)
    assert list(Signal.objects.values()) == before


def test_rupture_noted_after_its_signal_answers_it(service, signal):
    rupture = factories.make_rupture(signal.session, component=None)
    signal.refresh_from_db()
    assert (signal.state, signal.rupture) == ("confirmed", rupture)
    rupture.refresh_from_db()
    assert (rupture.component, rupture.version) == ("bond", 2)


def test_dismissed_rupture_does_not_answer_a_signal_that_comes_later(service, episode):
    factories.make_course(episode, [8, 7, 8, 8, 7, 8])
    session = factories.make_session(episode)
    rupture = factories.make_rupture(session)
    repair.change_state(rupture=rupture, to="dismissed", reason="talked", by=service.ada)
    factories.rate_as_therapist(session, bond=2)
    factories.rate_as_client(session, bond=2)
    judge(episode)
    assert Signal.objects.get().state == "new"


def test_rupture_of_a_presets_signal_is_followed_to_what_the_preset_calls_back(service, episode):
    # 8 7 8 8 7 8 |2| 8
    organisation = service.organisation
    update_organisation(
        organisation=organisation, version=organisation.version, signal_preset="gumz-strict", by=service.sam
    )
    factories.make_course(episode, [8, 7, 8, 8, 7, 8, 2, 8])
    actions.confirm_signal(signal=Signal.objects.get(), by=service.ada)
    client, therapist = followed(rupture_of(service.ada, Rupture.objects.get().pk))
    assert (client.rater, client.back.session, therapist.rater) == ("client", 8, "therapist")
    assert not client.found.level.is_expected and client.found.level.value < 8
    assert "after 8.0 in the rating before" in client.words.detail


# --- From the client's strain check ---------------------------------------------------------------------


def strained(episode, tension: int = 6, **more):
    """A session that both rated, with a strain check."""
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    factories.check_strain(session, tension, **more)
    judge(episode)
    return session


def test_tension_makes_a_suspected_rupture_noticed_by_the_client(service, episode):
    session = strained(episode, 6, strength=4, talked=1, better=2)
    rupture = Rupture.objects.get()
    assert (rupture.session, rupture.state, rupture.noticed_by) == (session, "suspected", "client")
    assert rupture.strain == {"tension": 6, "strength": 4, "talked_about": 1, "better_now": 2}
    assert (rupture.created_by, rupture.confirmed_at, rupture.name) == (None, None, "Possible rupture")
    event = AuditEvent.objects.get(action="rupture.suspected")
    assert (event.person, event.client_id) == (None, episode.client_id)


def test_no_tension_makes_none(episode):
    strained(episode, 0)
    assert not Rupture.objects.exists()


def test_judging_again_makes_no_second_one(episode):
    strained(episode)
    before = list(Rupture.objects.values())
    judge(episode)
    judge(episode)
    assert list(Rupture.objects.values()) == before


@pytest.mark.parametrize("unseal", ["rate", "waive"])
def test_check_that_waits_for_the_therapists_own_rating_tells_nothing(service, episode, unseal):
    session = factories.make_session(episode)
    factories.check_strain(session, 8)
    judge(episode)
    assert not Rupture.objects.exists() and open_repairs(service.ada) == []
    factories.rate_as_therapist(session) if unseal == "rate" else waive_own_rating(session=session, by=service.ada)
    judge(episode)
    assert Rupture.objects.get().strain["tension"] == 8


def test_therapists_own_strain_check_suspects_nothing(service, episode):
    session = factories.make_session(episode)
    factories.measures.submit_rating(
        session=session, instrument="strain-check", rater="therapist", answers={1: 9, 2: 9, 3: 9, 4: 9}, by=service.ada
    )
    judge(episode)
    assert not Rupture.objects.exists()


def test_check_of_long_ago_or_of_an_ended_episode_asks_nobody(service, episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    for _ in range(3):
        factories.make_session(episode)
    factories.check_strain(session, 6)
    judge(episode)
    assert not Rupture.objects.exists()
    other = factories.make_episode(service.ada, code="R-2")
    last = factories.make_session(other)
    factories.rate_as_therapist(last)
    factories.check_strain(last, 6)
    end_episode(episode=other, ended_on=last.held_on, ending="planned", by=service.ada)
    judge(other)
    assert not Rupture.objects.exists()


def test_missed_meetings_since_do_not_make_a_check_old(episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    for _ in range(3):
        factories.make_session(episode, attendance="did-not-attend")
    factories.check_strain(session, 6)
    judge(episode)
    assert Rupture.objects.get().session == session


def test_correction_takes_back_what_nobody_has_answered_and_brings_it_back(episode):
    session = strained(episode, 6)
    factories.check_strain(session, 0)
    judge(episode)
    rupture = Rupture.objects.get()
    assert (rupture.state, rupture.reason, rupture.closed_by) == ("dismissed", "corrected", None)
    factories.check_strain(session, 3)
    judge(episode)
    rupture.refresh_from_db()
    assert (rupture.state, rupture.reason, rupture.closed_at) == ("suspected", "", None)
    assert rupture.strain["tension"] == 3
    factories.check_strain(session, 4)
    judge(episode)
    assert Rupture.objects.get().strain["tension"] == 4


@pytest.mark.parametrize("to", ["confirmed", "dismissed"])
def test_correction_leaves_what_a_person_has_answered(service, episode, to):
    session = strained(episode, 6)
    repair.change_state(rupture=Rupture.objects.get(), to=to, reason="talked", by=service.ada)
    for tension in (0, 9):
        factories.check_strain(session, tension)
        judge(episode)
        rupture = Rupture.objects.get()
        assert (rupture.state, rupture.strain["tension"]) == (to, 6)


def test_ending_leaves_a_suspected_one_as_it_is(service, episode):
    session = strained(episode, 6)
    end_episode(episode=episode, ended_on=session.held_on, ending="planned", by=service.ada)
    judge(episode)
    assert Rupture.objects.get().state == "suspected"


def test_rupture_that_stands_takes_the_check_as_evidence(service, episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    rupture = factories.make_rupture(session)
    factories.check_strain(session, 6)
    judge(episode)
    assert list(Rupture.objects.values_list("pk", "state", "noticed_by")) == [(rupture.pk, "confirmed", "therapist")]
    assert Rupture.objects.get().strain["tension"] == 6


def test_suspected_rupture_becomes_the_one_the_therapist_notes(service, episode):
    session = strained(episode, 6)
    rupture = factories.make_rupture(session, noticed_by="client", intensity=2)
    assert list(Rupture.objects.values_list("pk", "state", "intensity")) == [(rupture.pk, "confirmed", 2)]
    assert Rupture.objects.get().strain["tension"] == 6


def test_attempt_says_that_a_suspected_one_was_one(service, episode):
    session = strained(episode, 6)
    rupture = Rupture.objects.get()
    factories.make_attempt(rupture, session)
    rupture.refresh_from_db()
    assert (rupture.state, rupture.confirmed_by) == ("in-repair", service.ada)


# --- Both at once ---------------------------------------------------------------------------------------


@pytest.fixture
def both(signal):
    """A session below what was expected, in whose strain check the client noted tension."""
    factories.check_strain(signal.session, 7)
    judge(signal.session.episode)
    return signal


def test_answer_to_the_signal_confirms_the_suspected_rupture(service, both):
    assert open_repairs(service.ada) == [], "it is asked about once, with the signal"
    actions.confirm_signal(signal=both, by=service.ada)
    rupture = Rupture.objects.get()
    assert (rupture.state, rupture.component, rupture.noticed_by) == ("confirmed", "bond", "client")
    assert list(rupture.signals.all()) == [both] and rupture.strain["tension"] == 7


def test_answer_to_the_signal_dismisses_what_is_only_suspected(service, both):
    actions.dismiss_signal(signal=both, reason="mistake", by=service.ada)
    rupture = Rupture.objects.get()
    assert (rupture.state, rupture.reason, rupture.closed_by) == ("dismissed", "mistake", service.ada)
    actions.confirm_signal(signal=both, by=service.ada)
    assert list(Rupture.objects.values_list("pk", "state")) == [(rupture.pk, "confirmed")]


@pytest.mark.parametrize(("to", "answer"), [("confirmed", "confirmed"), ("dismissed", "dismissed")])
def test_answer_to_the_suspected_rupture_is_one_to_the_signal(service, both, to, answer):
    repair.change_state(rupture=Rupture.objects.get(), to=to, reason="usual", by=service.ada)
    both.refresh_from_db()
    assert (both.state, both.answered_by, both.rupture) == (answer, service.ada, Rupture.objects.get())
    assert both.reason == ("usual" if answer == "dismissed" else "")


def test_attempt_on_the_suspected_rupture_is_an_answer_to_the_signal(service, both):
    factories.make_attempt(Rupture.objects.get(), both.session)
    both.refresh_from_db()
    assert both.state == "confirmed"
