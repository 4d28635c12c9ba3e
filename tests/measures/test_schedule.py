"""What each session owes, and what follows from it: links, what a therapist waits for, today."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions as clients
from measures import actions, schedule
from measures.actions import clients as for_client
from measures.actions import service as chosen
from measures.battery import DEFAULT, Entry, Rhythm
from measures.models import BatteryEntry, BatteryOverride, Rating
from measures.selectors import today
from sessions_app.models import Format, Phase, TherapySession
from tests import factories

pytestmark = pytest.mark.django_db

CHECK_IN, OUTCOME, OWN = DEFAULT
PHQ = Entry("phq-9", "client", Rhythm.NTH, 4)
ENDING = Entry("ending-satisfaction", "client", Rhythm.ENDING)


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def names(entries) -> list[str]:
    return [f"{entry.instrument}/{entry.rater}" for entry in entries]


# --- The service's battery


def test_a_new_service_rates_the_check_ins_every_session(episode):
    assert schedule.owed_by(factories.make_session(episode)) == list(DEFAULT)
    assert not BatteryEntry.objects.exists()


def test_the_usual_battery_is_written_down_when_somebody_changes_it(service, episode):
    chosen.add_entry(entry=PHQ, by=service.sam)
    assert schedule.battery() == [*DEFAULT, PHQ]
    assert schedule.owed_by(factories.make_session(episode)) == [*DEFAULT, PHQ]


def test_a_service_may_rate_nothing(service, episode):
    factories.make_battery(service)
    assert schedule.battery() == [] and schedule.owed_by(factories.make_session(episode)) == []


def test_an_instrument_comes_back_where_it_was_taken_out(service):
    chosen.remove_entry(entry=OUTCOME, by=service.sam)
    chosen.remove_entry(entry=OUTCOME, by=service.sam)
    assert schedule.battery() == [CHECK_IN, OWN]
    chosen.add_entry(entry=OUTCOME, by=service.sam)
    assert schedule.battery() == [CHECK_IN, OWN, OUTCOME]
    assert AuditEvent.objects.filter(action="battery.entry-removed").count() == 1


def test_an_instrument_moves_up_and_the_first_stays_first(service):
    chosen.move_entry(entry=OWN, by=service.sam)
    assert schedule.battery() == [CHECK_IN, OWN, OUTCOME]
    chosen.move_entry(entry=CHECK_IN, by=service.sam)
    assert schedule.battery() == [CHECK_IN, OWN, OUTCOME]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (CHECK_IN, "is there already, every session"),
        (Entry("wai-sr", "therapist", Rhythm.EVERY), "is not rated by the therapist"),
        (Entry("wai-36", "observer", Rhythm.EVERY), "is not rated by the observer"),
        (Entry("srs", "client", Rhythm.EVERY), "is off"),
        (Entry("nothing", "client", Rhythm.EVERY), "no such instrument"),
    ],
)
def test_what_cannot_be_rated_is_not_added(service, entry, words):
    with pytest.raises(ValidationError, match=words):
        chosen.add_entry(entry=entry, by=service.sam)
    assert schedule.battery() == list(DEFAULT)


def test_what_is_off_is_owed_by_nobody_until_it_is_on_again(service, episode):
    session = factories.make_session(episode)
    chosen.switch_instrument(instrument="outcome-check-in", is_on=False, by=service.sam)
    assert schedule.owed_by(session) == [CHECK_IN, OWN]
    chosen.switch_instrument(instrument="outcome-check-in", is_on=True, by=service.sam)
    assert schedule.owed_by(session) == list(DEFAULT)


def test_a_session_owes_what_was_in_the_battery_when_it_was_logged(service, episode):
    """logged | PHQ-9 added | logged | taken out again | logged. Time can't be waited for: the moments are moved."""
    before, between, after = (factories.make_session(episode, number=number) for number in (1, 5, 9))
    chosen.add_entry(entry=PHQ, by=service.sam)
    chosen.remove_entry(entry=PHQ, by=service.sam)
    at = timezone.now()
    for hours, session in ((1, before), (3, between), (5, after)):
        TherapySession.objects.filter(pk=session.pk).update(created_at=at + timedelta(hours=hours))
    row = BatteryEntry.objects.filter(instrument="phq-9")
    row.update(added_at=at + timedelta(hours=2), removed_at=at + timedelta(hours=4))
    sessions = list(TherapySession.objects.select_related("episode").order_by("number"))
    owed = schedule.owed(sessions)
    assert [PHQ in owed[session.pk] for session in sessions] == [False, True, False]


# --- Sessions


def test_the_first_session_that_takes_place_counts_as_the_first(service, episode):
    factories.make_battery(service, PHQ)
    missed = factories.make_session(episode, attendance="did-not-attend")
    second, third = factories.make_session(episode), factories.make_session(episode)
    assert [schedule.owed_by(session) for session in (missed, second, third)] == [[], [PHQ], []]
    assert schedule.owed_by(factories.make_session(episode, number=5)) == [PHQ]


def test_the_page_of_a_session_to_come_proposes_what_it_will_owe(service, episode):
    factories.make_battery(service, PHQ)
    assert schedule.owed_next(episode, 3) == [PHQ], "nothing has taken place yet"
    factories.make_session(episode)
    assert schedule.owed_next(episode, 3) == [] and schedule.owed_next(episode, 5) == [PHQ]


def test_the_last_session_is_known_when_the_episode_has_ended(service, episode):
    factories.make_battery(service, ENDING, Entry("phq-9", "client", Rhythm.FIRST_AND_LAST))
    first, last = factories.make_session(episode), factories.make_session(episode)
    factories.make_session(episode, attendance="cancelled-late")
    assert names(schedule.owed_by(first)) == ["phq-9/client"] and schedule.owed_by(last) == []
    clients.end_episode(episode=episode, ended_on=timezone.localdate(), ending="planned", by=service.ada)
    last.refresh_from_db()
    assert names(schedule.owed_by(last)) == ["ending-satisfaction/client", "phq-9/client"]
    assert schedule.asked_by_the_ending(episode) == last


@pytest.mark.parametrize("change", [{"phase": Phase.FOLLOW_UP}, {"format": Format.NOT_RECORDED}])
def test_what_came_from_a_file_and_what_is_no_therapy_owes_nothing(episode, change):
    session = factories.make_session(episode)
    TherapySession.objects.filter(pk=session.pk).update(**change)
    session.refresh_from_db()
    assert schedule.owed_by(session) == []


# --- For one client


def test_an_instrument_is_left_out_for_one_client_and_not_for_others(service, episode):
    session = factories.make_session(episode)
    other = factories.make_session(factories.make_episode(service.ada, code="R-2"))
    override = for_client.set_override(
        episode=episode, entry=Entry("outcome-check-in", "client", Rhythm.NEVER), by=service.ada
    )
    assert schedule.owed_by(session) == [CHECK_IN, OWN] and schedule.owed_by(other) == list(DEFAULT)
    for_client.remove_override(override=override, by=service.ada)
    assert schedule.owed_by(session) == list(DEFAULT)
    actions_of = AuditEvent.objects.filter(client_id=episode.client_id, action__startswith="episode.battery")
    assert list(actions_of.values_list("action", flat=True)) == ["episode.battery-changed", "episode.battery-reset"]


def test_another_rhythm_takes_the_place_of_the_first_choice(service, episode):
    for rhythm in (Rhythm.NEVER, Rhythm.BEFORE):
        for_client.set_override(episode=episode, entry=Entry("outcome-check-in", "client", rhythm), by=service.ada)
    assert BatteryOverride.objects.count() == 1
    assert schedule.battery_of(episode)[1].is_before


def test_what_is_added_for_a_client_is_owed_from_then_on(service, episode):
    gad = Entry("gad-7", "client", Rhythm.EVERY)
    before = factories.make_session(episode)
    override = for_client.set_override(episode=episode, entry=gad, by=service.ada)
    BatteryOverride.objects.filter(pk=override.pk).update(changed_at=timezone.now() + timedelta(hours=1))
    assert gad not in schedule.owed_by(before)
    after = factories.make_session(episode)
    TherapySession.objects.filter(pk=after.pk).update(created_at=timezone.now() + timedelta(hours=2))
    after.refresh_from_db()
    assert schedule.owed_by(after)[-1] == gad


@pytest.mark.parametrize("entry", [Entry("srs", "client", Rhythm.EVERY), Entry("wai-sr", "therapist", Rhythm.EVERY)])
def test_what_cannot_be_rated_is_not_chosen_for_a_client(service, episode, entry):
    with pytest.raises(ValidationError):
        for_client.set_override(episode=episode, entry=entry, by=service.ada)


@pytest.mark.parametrize("who", ["tom", "ruth", "sam"])
def test_only_the_therapist_chooses_for_a_client(service, episode, who):
    with pytest.raises(PermissionDenied):
        for_client.set_override(episode=episode, entry=PHQ, by=getattr(service, who))


# --- Asking


def test_one_link_leads_through_what_is_due_in_words_and_not_rated(service, episode):
    factories.make_battery(service, OUTCOME, PHQ, CHECK_IN, OWN)
    session = factories.make_session(episode)
    assert [one.code for one in schedule.to_ask(session)] == ["outcome-check-in", "session-check-in"]
    factories.rate_as_client(session)
    assert [one.code for one in schedule.to_ask(session)] == ["outcome-check-in"]
    request = actions.request_due(session=session, by=service.ada)
    assert request.instrument == "outcome-check-in"


def test_where_nothing_is_due_in_words_no_link_is_made(service, episode):
    factories.make_battery(service, PHQ, OWN)
    assert actions.request_due(session=factories.make_session(episode), by=service.ada) is None


def test_what_is_rated_before_the_session_has_a_link_of_its_own(service, episode):
    before = Entry("outcome-check-in", "client", Rhythm.BEFORE)
    factories.make_battery(service, before, CHECK_IN)
    session = factories.make_session(episode)
    assert [one.code for one in schedule.to_ask(session)] == ["session-check-in"]
    assert [one.code for one in schedule.to_ask(session, before=True)] == ["outcome-check-in"]
    assert schedule.asked_after(session, "outcome-check-in").code == "outcome-check-in", "until it is answered"
    assert schedule.names_to_ask([before, CHECK_IN]) == ["Session check-in"]


def test_what_a_client_rated_before_a_session_stands_when_they_did_not_come(service, episode):
    factories.make_battery(service, Entry("outcome-check-in", "client", Rhythm.BEFORE), CHECK_IN)
    session = factories.make_session(episode)
    actions.record_rating(session=session, instrument="outcome-check-in", rater="client", answers={1: 5.0}, by=None)
    actions.change_session(session=session, version=1, attendance="did-not-attend", by=service.ada)
    assert Rating.objects.current().get().session == session


# --- What waits for the therapist's own


def seal(session: TherapySession) -> bool:
    factories.rate_as_client(session)
    return Rating.objects.sealed().filter(session=session).exists()


def test_a_rating_of_the_alliance_waits_where_the_therapist_owes_one(episode):
    assert seal(factories.make_session(episode))


def test_nothing_waits_for_a_rating_that_no_therapist_owes(service, episode):
    factories.make_battery(service, CHECK_IN)
    assert not seal(factories.make_session(episode))


def test_nothing_waits_in_the_sessions_between_those_that_the_therapist_rates(service, episode):
    factories.make_battery(service, CHECK_IN, Entry("session-check-in", "therapist", Rhythm.NTH, 3))
    assert [seal(factories.make_session(episode)) for _ in range(4)] == [True, False, False, True]


def test_any_form_of_the_alliance_waits_for_any_other_and_an_outcome_for_none(service, episode):
    factories.make_wording(service)
    factories.make_battery(
        service, Entry("wai-sr", "client", Rhythm.EVERY), Entry("wai-srt", "therapist", Rhythm.EVERY)
    )
    session = factories.make_session(episode)
    for instrument in ("wai-sr", "outcome-check-in"):
        actions.record_rating(session=session, instrument=instrument, rater="client", answers={1: 3.0}, by=None)
    assert [rating.instrument for rating in Rating.objects.sealed()] == ["wai-sr"]
    actions.submit_rating(session=session, instrument="wai-srt", rater="therapist", answers={1: 3.0}, by=service.ada)
    assert not Rating.objects.sealed().exists()


def test_where_the_therapist_has_rated_nothing_waits(episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    factories.rate_as_client(session)
    assert not Rating.objects.filter(waits_for_therapist=True).exists()


# --- Today


def owing(user) -> list[tuple[int, list[str], list[str]]]:
    return [(one.session.number, one.by_client, one.by_therapist) for one in today(user).owing]


def test_today_lists_what_the_sessions_of_this_week_still_owe(service, episode):
    factories.make_session(episode, held_on=timezone.localdate() - timedelta(days=8))
    session = factories.make_session(episode, held_on=timezone.localdate() - timedelta(days=6))
    factories.make_session(episode, held_on=timezone.localdate(), attendance="did-not-attend")
    assert owing(service.ada) == [(2, ["Session check-in", "Outcome check-in"], ["Session check-in"])]
    factories.make_request(session)
    assert owing(service.ada) == [(2, [], ["Session check-in"])], "the client has a link"
    factories.rate_as_therapist(session)
    assert owing(service.ada) == []
    assert owing(service.tom) == []


def test_today_says_once_that_a_rating_waits_for_the_own(service, episode):
    session = factories.make_session(episode, held_on=timezone.localdate())
    factories.rate_as_client(session)
    found = today(service.ada)
    assert found.to_rate == [session]
    assert owing(service.ada) == [(1, ["Outcome check-in"], [])]


def test_today_has_one_line_for_the_links_of_one_session(service, episode):
    session = factories.make_session(episode)
    factories.make_request(session)
    factories.make_request(session, "outcome-check-in")
    assert [link.session for link in today(service.ada).waiting] == [session]


def test_today_asks_the_same_number_of_queries_however_much_is_due(service, browser_of):
    def count() -> int:
        return len(factories.queries_of(browser_of(service.ada), "/today/"))

    factories.make_session(factories.make_episode(service.ada), held_on=timezone.localdate())
    few = count()
    for number in range(4):
        episode = factories.make_episode(service.ada, code=f"Q-{number}")
        factories.make_session(episode, held_on=timezone.localdate())
    assert count() == few <= factories.MOST_QUERIES


def test_another_rhythm_for_a_client_takes_nothing_back_of_earlier_sessions(service, episode):
    before = factories.make_session(episode)
    every_fourth = Entry("session-check-in", "therapist", Rhythm.NTH, 4)
    override = for_client.set_override(episode=episode, entry=every_fourth, by=service.ada)
    BatteryOverride.objects.filter(pk=override.pk).update(changed_at=timezone.now() + timedelta(hours=1))
    assert OWN in schedule.owed_by(before)
