"""Ruptures and repair attempts as their therapist writes them."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from accounts.idempotency import StaleVersion
from accounts.models import AuditEvent
from clients.actions import end_episode
from jobs.organisation import acting_in
from ruptures import actions, lifecycle
from ruptures.actions import repair
from ruptures.models import RepairAttempt, Rupture, Signal
from ruptures.origins import ChangedMeanwhile
from ruptures.selectors import open_repairs, open_ruptures
from tests import factories
from tests.parallel import at_once


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def session(episode):
    return factories.make_session(episode)


@pytest.fixture
def later(session):
    return factories.make_session(session.episode)


def events(row) -> dict[str, list[str]]:
    """What is on record about a row of a client: the deeds, each with the fields it changed."""
    found = AuditEvent.objects.filter(object_id=row.pk, client_id__isnull=False)
    return dict(found.values_list("action", "fields"))


def end(episode) -> None:
    end_episode(episode=episode, ended_on=timezone.localdate(), ending="planned", by=episode.therapist)
    episode.refresh_from_db()


# --- Noting one -----------------------------------------------------------------------------------------


def test_noted_rupture_is_confirmed_by_whoever_noted_it(service, session):
    rupture = repair.note_rupture(
        session=session,
        type="",
        markers=["control", "appeasing", "appeasing"],
        component="task",
        intensity=4,
        noticed_by="supervisor",
        what_happened="  It went quiet. ",
        by=service.ada,
    )
    rupture.refresh_from_db()
    assert (rupture.state, rupture.confirmed_by, rupture.created_by) == ("confirmed", service.ada, service.ada)
    assert (rupture.type, rupture.markers) == ("mixed", ["appeasing", "control"])
    assert (rupture.component, rupture.intensity, rupture.noticed_by) == ("task", 4, "supervisor")
    assert rupture.what_happened == "It went quiet."
    assert events(rupture) == {"rupture.noted": []}


def test_as_little_as_who_noticed_it_is_enough_also_for_a_meeting_that_was_missed(service, episode):
    missed = factories.make_session(episode, attendance="did-not-attend")
    rupture = repair.note_rupture(session=missed, type="", markers=[], noticed_by="attendance", by=service.ada)
    assert (rupture.type, rupture.component, rupture.name) == ("", "", "Rupture")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("type", {"type": "resistance", "markers": []}),
        ("markers", {"markers": ["resistance"]}),
        ("markers", {"type": "withdrawal", "markers": ["control"]}),
        ("component", {"component": "total"}),
        ("intensity", {"intensity": 6}),
        ("noticed_by", {"noticed_by": ""}),
        ("what_happened", {"what_happened": "x" * 4_001}),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(session, field, values):
    with pytest.raises(ValidationError) as refused, transaction.atomic():
        factories.make_rupture(session, **values)
    assert list(refused.value.message_dict) == [field]
    assert not Rupture.objects.exists()


def test_nobody_but_the_therapist_writes(service, session, later):
    rupture = factories.make_rupture(session)
    attempt = factories.make_attempt(rupture, later)
    of_rupture, of_attempt = {"rupture": rupture}, {"attempt": attempt}
    noted = {"session": session, "type": "", "markers": [], "noticed_by": "therapist"}
    for person in (service.ruth, service.tom, service.sam):
        for deed in (
            lambda by: repair.note_rupture(**noted, by=by),
            lambda by: repair.update_rupture(**of_rupture, version=1, intensity=2, by=by),
            lambda by: repair.change_state(**of_rupture, to="resolved", by=by),
            lambda by: repair.close_at_ending(**of_rupture, by=by),
            lambda by: repair.add_attempt(**of_rupture, session=later, strategies=["validate"], by=by),
            lambda by: repair.update_attempt(**of_attempt, version=1, note="x", by=by),
        ):
            with pytest.raises(PermissionDenied):
                deed(person)
    assert Rupture.objects.count() == RepairAttempt.objects.count() == 1


def test_ruptures_are_seen_by_those_who_see_the_episode(service, other_service, session, later):
    factories.make_attempt(factories.make_rupture(session), later)
    for person, seen in ((service.ada, 1), (service.ruth, 1), (service.tom, 0), (service.otto, 0), (service.sam, 0)):
        assert Rupture.objects.visible_to(person).count() == seen
        assert RepairAttempt.objects.visible_to(person).count() == seen
    with acting_in(other_service.organisation.pk):
        assert not Rupture.objects.exists() and not RepairAttempt.objects.exists()


def test_ended_episode_takes_no_new_rupture_and_no_attempt(service, session, later):
    rupture = factories.make_rupture(session)
    end(session.episode)
    session.refresh_from_db()
    with pytest.raises(repair.EpisodeEnded):
        factories.make_rupture(session)
    with pytest.raises(repair.EpisodeEnded):
        factories.make_attempt(Rupture.objects.get(), later)
    repair.update_rupture(rupture=rupture, version=1, what_happened="Added later.", by=service.ada)


def test_several_are_written_in_one_transaction_with_others_or_not_at_all(session):
    """As the log of a session does it: what is refused last takes everything back."""

    @transaction.atomic
    def log() -> None:
        rupture = factories.make_rupture(session)
        factories.make_attempt(rupture, session)
        factories.make_attempt(rupture, session, strategies=[])

    with pytest.raises(ValidationError):
        log()
    assert not Rupture.objects.exists() and not RepairAttempt.objects.exists()


# --- Changing what is said ------------------------------------------------------------------------------


def test_change_is_saved_with_the_names_of_what_differs(service, session):
    rupture = factories.make_rupture(session)
    repair.update_rupture(rupture=rupture, version=1, type="", markers=["control"], intensity=None, by=service.ada)
    rupture.refresh_from_db()
    assert (rupture.type, rupture.markers, rupture.version) == ("confrontation", ["control"], 2)
    assert events(rupture)["rupture.changed"] == ["markers", "type"]


def test_change_of_the_type_alone_must_fit_the_markers(service, session):
    rupture = factories.make_rupture(session, markers=["appeasing"])
    with pytest.raises(ValidationError, match="leave out: Agreed too quickly"):
        repair.update_rupture(rupture=rupture, version=1, type="confrontation", by=service.ada)


def test_somebody_who_saved_meanwhile_is_not_overwritten(service, session, later):
    rupture = factories.make_rupture(session)
    attempt = factories.make_attempt(rupture, later)
    repair.update_rupture(rupture=Rupture.objects.get(), version=1, what_happened="First.", by=service.ada)
    repair.update_attempt(attempt=RepairAttempt.objects.get(), version=1, note="First.", by=service.ada)
    for save in (
        lambda: repair.update_rupture(rupture=rupture, version=1, what_happened="Second.", by=service.ada),
        lambda: repair.update_attempt(attempt=attempt, version=1, note="Second.", by=service.ada),
    ):
        with pytest.raises(StaleVersion) as stale, transaction.atomic():
            save()
        assert "First." in (getattr(stale.value.current, "what_happened", ""), getattr(stale.value.current, "note", ""))


# --- What becomes of it ---------------------------------------------------------------------------------


def test_rupture_goes_from_confirmed_to_repair_to_resolved_and_open_again(service, session, later):
    rupture = factories.make_rupture(session)
    factories.make_attempt(rupture, later)
    assert rupture.state == "in-repair"
    repair.change_state(rupture=rupture, to="resolved", by=service.ada)
    assert (rupture.state, rupture.closed_by) == ("resolved", service.ada) and rupture.closed_at
    repair.change_state(rupture=rupture, to="in-repair", by=service.ada)
    rupture.refresh_from_db()
    assert (rupture.state, rupture.closed_at, rupture.closed_by) == ("in-repair", None, None)
    assert set(events(rupture)) == {"rupture.noted", "rupture.resolved", "rupture.in-repair"}


def test_dismissal_needs_a_reason_and_can_be_taken_back(service, session):
    rupture = factories.make_rupture(session)
    for reason in ("", "no idea", "corrected"):
        with pytest.raises(ValidationError, match="Choose why"):
            repair.change_state(rupture=rupture, to="dismissed", reason=reason, by=service.ada)
    repair.change_state(rupture=rupture, to="dismissed", reason="outside", by=service.ada)
    assert (rupture.state, rupture.reason) == ("dismissed", "outside")
    repair.change_state(rupture=rupture, to="confirmed", by=service.ada)
    rupture.refresh_from_db()
    assert (rupture.state, rupture.reason, rupture.closed_at) == ("confirmed", "", None)


@pytest.mark.parametrize("to", lifecycle.STATES)
def test_only_what_the_table_allows_is_done(service, session, to):
    rupture = factories.make_rupture(session)
    if to in rupture.ways:
        repair.change_state(rupture=rupture, to=to, reason="talked", by=service.ada)
        assert Rupture.objects.get().state == to
    else:
        with pytest.raises(ChangedMeanwhile):
            repair.change_state(rupture=rupture, to=to, reason="talked", by=service.ada)
        assert Rupture.objects.get().state == "confirmed"


def test_second_of_two_who_change_it_is_told(service, session):
    first, second = factories.make_rupture(session), Rupture.objects.get()
    repair.change_state(rupture=first, to="resolved", by=service.ada)
    with pytest.raises(ChangedMeanwhile, match="stands differently"):
        repair.change_state(rupture=second, to="dismissed", reason="talked", by=service.ada)
    assert Rupture.objects.get().state == "resolved"


def test_what_is_open_when_an_episode_ends_stays_unresolved(service, episode):
    sessions = [factories.make_session(episode) for _ in range(3)]
    resolved, confirmed, in_repair = (factories.make_rupture(session) for session in sessions)
    repair.change_state(rupture=resolved, to="resolved", by=service.ada)
    factories.make_attempt(in_repair, sessions[2])
    assert open_ruptures(episode) == [confirmed, in_repair]
    for rupture in open_ruptures(episode):
        repair.close_at_ending(rupture=rupture, by=service.ada)
    assert open_ruptures(episode) == []
    assert set(Rupture.objects.values_list("state", flat=True)) == {"resolved", "unresolved"}
    with pytest.raises(ChangedMeanwhile):
        repair.close_at_ending(rupture=Rupture.objects.get(pk=confirmed.pk), by=service.ada)


def test_open_ones_of_own_open_episodes_are_listed_the_longest_open_first(service, episode):
    first, second = (factories.make_rupture(factories.make_session(episode)) for _ in range(2))
    ended = factories.make_episode(service.ada, code="R-2")
    factories.make_rupture(factories.make_session(ended))
    end(ended)
    assert open_repairs(service.ada) == [first, second]
    assert open_repairs(service.ruth) == []


# --- Repair attempts ------------------------------------------------------------------------------------


def test_attempt_keeps_what_was_tried_in_the_order_of_the_vocabulary(service, session, later):
    rupture = factories.make_rupture(session)
    attempt = repair.add_attempt(
        rupture=rupture,
        session=later,
        strategies=["validate", "change-task", "validate"],
        client_response="opened",
        resolved=3,
        note=" We spoke. ",
        by=service.ada,
    )
    attempt.refresh_from_db()
    assert attempt.strategies == ["change-task", "validate"]
    assert (attempt.client_response, attempt.resolved, attempt.note) == ("opened", 3, "We spoke.")
    assert not attempt.acknowledged_own_contribution and not attempt.talked_about_relationship
    assert events(attempt) == {"repair.noted": []}


@pytest.mark.parametrize(
    ("strategies", "owned", "talked"),
    [(["own-part"], True, False), (["invite"], False, True), (["disclose", "own-part"], True, True)],
)
def test_strategies_say_by_themselves_that_a_part_was_owned_or_the_relationship_talked_about(
    session, strategies, owned, talked
):
    attempt = factories.make_attempt(factories.make_rupture(session), session, strategies=strategies)
    assert (attempt.acknowledged_own_contribution, attempt.talked_about_relationship) == (owned, talked)


def test_both_can_be_said_of_any_strategy(service, session):
    attempt = factories.make_attempt(
        factories.make_rupture(session),
        session,
        strategies=["rationale"],
        acknowledged_own_contribution=True,
        talked_about_relationship=True,
    )
    changed = repair.update_attempt(
        attempt=attempt, version=1, strategies=["clarify"], acknowledged_own_contribution=False, by=service.ada
    )
    assert (changed.strategies, changed.acknowledged_own_contribution) == (["clarify"], False)
    assert changed.talked_about_relationship


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("strategies", {"strategies": []}),
        ("strategies", {"strategies": ["luck"]}),
        ("client_response", {"client_response": "resisted"}),
        ("resolved", {"resolved": 0}),
        ("note", {"note": "x" * 4_001}),
    ],
)
def test_what_is_wrong_with_an_attempt_is_named(session, field, values):
    rupture = factories.make_rupture(session)
    with pytest.raises(ValidationError) as refused, transaction.atomic():
        factories.make_attempt(rupture, session, **values)
    assert list(refused.value.message_dict) == [field]
    assert Rupture.objects.get().state == "confirmed"


def test_attempt_belongs_to_a_session_that_took_place_from_the_rupture_on(service, session):
    before = session
    rupture = factories.make_rupture(factories.make_session(session.episode))
    missed = factories.make_session(session.episode, attendance="did-not-attend")
    elsewhere = factories.make_session(factories.make_episode(service.ada, code="R-2"), number=9)
    for wrong in (before, missed, elsewhere):
        with pytest.raises(ValidationError) as refused, transaction.atomic():
            factories.make_attempt(rupture, wrong)
        assert list(refused.value.message_dict) == ["session"]


def test_closed_rupture_takes_no_attempt(service, session):
    rupture = factories.make_rupture(session)
    repair.change_state(rupture=rupture, to="resolved", by=service.ada)
    with pytest.raises(ChangedMeanwhile):
        factories.make_attempt(rupture, session)
    assert not RepairAttempt.objects.exists()


# --- At once --------------------------------------------------------------------------------------------


def test_one_click_pressed_in_four_tabs_makes_one_rupture(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        signal = factories.make_signal(factories.make_episode(service.ada))

    def confirm() -> str:
        with acting_in(service.organisation.pk):
            try:
                actions.confirm_signal(signal=Signal.objects.get(pk=signal.pk), by=service.ada)
            except actions.AnsweredMeanwhile:
                return "told"
            return "done"

    assert sorted(at_once(*[confirm] * 4)) == ["done", "told", "told", "told"]
    with acting_in(service.organisation.pk):
        assert Rupture.objects.count() == 1
