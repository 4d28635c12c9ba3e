"""The pages of supervision: what they show to whom, what they take and refuse, and what they cost."""

import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from accounts import actions as accounts
from accounts.models import AuditEvent, Supervision
from clients import actions as clients
from ruptures import actions as ruptures
from supervision import actions, states
from supervision.models import AgendaItem, LearningTarget, Meeting, NextStep
from tests import factories

pytestmark = pytest.mark.django_db

MOST_QUERIES = 17  # two are of the session: when it ends, and that it is used
SECRET = "A hunch about whose relief it was."


@pytest.fixture
def episode(service):
    """8 7 8 8 7 8 |2| 4 8: the bond fell, something was tried, it came back; a process note that is shared."""
    episode = factories.make_episode(service.ada)
    sessions = factories.make_course(episode, [8, 7, 8, 8, 7, 8, 2, 4, 8])
    rupture = factories.make_rupture(sessions[6], what_happened="I hurried.")
    factories.make_attempt(rupture, sessions[7], client_response="opened")
    factories.make_process_note(sessions[6], SECRET, shared=True)
    return episode


@pytest.fixture
def meeting(service):
    return factories.make_meeting(service.ruth, service.ada, state=states.UNDER_WAY)


@pytest.fixture
def ruth(service, browser_of):
    return browser_of(service.ruth)


@pytest.fixture
def ada(service, browser_of):
    return browser_of(service.ada)


def url(name, *args):
    return reverse(f"supervision:{name}", args=args)


def page(browser, name, *args, status=200):
    answer = browser.get(url(name, *args))
    assert answer.status_code == status
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode()))


def body(browser, name, *args):
    return browser.get(url(name, *args)).content.decode()


def send(browser, name, *args, **data):
    """The form, sent twice as an impatient hand does; the answers are the same."""
    key = {"submission": str(uuid.uuid4())}
    first, second = (browser.post(url(name, *args), {**key, **data}) for _ in range(2))
    assert (first.status_code, first.headers.get("Location")) == (second.status_code, second.headers.get("Location"))
    return first


def end_supervision(service):
    supervision = Supervision.objects.current().get(supervisor=service.ruth, therapist=service.ada)
    accounts.end_supervision(supervision=supervision, by=service.sam)


# --- Who supervises whom, and what waits ----------------------------------------------------------------


def test_a_supervisor_sees_whom_they_supervise_and_as_many_as_wait_on_the_agenda(service, ruth, episode):
    factories.make_signal(factories.make_episode(service.ada, code="S-1"))
    factories.bring(factories.make_episode(service.ada, code="B-1"), service.ruth, "The silence.")
    meeting = factories.make_meeting(service.ruth, service.ada, days=3)
    overview = page(ruth, "overview")
    assert "Ada Okafor" in overview and "Tom Abara" not in overview
    assert "3 clients to talk about, 1 of them brought" in overview and "“The silence.”" in overview
    agenda = body(ruth, "meeting", meeting.pk)
    assert agenda.count("data-agenda") == 3 and "3 clients to talk about, 1 of them brought" in agenda


def test_the_agenda_is_in_the_order_of_need_with_the_reason_of_each(service, ruth):
    factories.make_signal(factories.make_episode(service.ada, code="S-1"))
    factories.bring(factories.make_episode(service.ada, code="Z-1"), service.ruth, "The silence.")
    factories.make_risk_answer(factories.make_session(factories.make_episode(service.ada, code="Y-1")))
    factories.make_session(factories.make_episode(service.ada, code="A-1"))
    for number, days in enumerate((3, 30)):
        old = factories.make_session(
            factories.make_episode(service.ada, code=f"O-{number}"),
            held_on=service.organisation.today - timedelta(days=days),
        )
        factories.make_rupture(old)
    told = page(ruth, "meeting", factories.make_meeting(service.ruth, service.ada).pk)
    places = [told.index(code) for code in ("Y-1", "Z-1", "S-1", "O-1", "O-0")]
    assert places == sorted(places) and "A-1 " not in told
    assert "risk answer waits" in told and "Possible rupture in session 7" in told and "confirmed: open 30 days" in told


def test_nobody_to_supervise_and_no_supervision_say_so(service, browser_of):
    accounts.end_supervision(supervision=Supervision.objects.current().get(supervisor=service.otto), by=service.sam)
    assert "Nobody to supervise yet" in page(browser_of(service.otto), "overview")
    assert "Nobody supervises you at present" in page(browser_of(service.tom), "overview")
    assert "Nothing on the agenda yet" in page(browser_of(service.ruth), "overview")


def test_the_entry_in_the_bar_is_for_those_in_supervision(service, browser_of):
    loner = accounts.create_person(
        organisation=service.organisation, email="l@harbour.example", name="Lo", password=factories.PASSWORD,
        by=service.sam, is_therapist=True,
    )  # fmt: skip
    shown = {
        person.name: url("overview") in browser_of(person).get(reverse("account")).content.decode()
        for person in (service.ada, service.ruth, service.sam, loner)
    }
    assert shown == {"Ada Okafor": True, "Ruth Lindqvist": True, "Sam Pereira": False, "Lo": False}


def test_a_therapist_finds_their_own_supervision(service, ada, episode, meeting):
    factories.bring(episode, service.ruth, "The silence.")
    factories.make_step(meeting, episode, "Ask how it was.")
    factories.make_target(service.ada, by=service.ruth)
    told = page(ada, "overview")
    for words in ("Your supervision", "With Ruth Lindqvist", "“The silence.”", "Ask how it was.", "under way"):
        assert words in told
    assert "1 occasion of practice on record since" in told and "score" not in told.lower()


# --- A meeting from the plan to what came of it ---------------------------------------------------------


def test_a_meeting_is_planned_held_and_finished(service, ruth, ada, episode):
    day = service.organisation.today
    planned = send(ruth, "meeting-create", service.ada.pk, held_on=day.isoformat())
    meeting = Meeting.objects.get()
    assert planned["Location"] == url("meeting", meeting.pk)
    send(ruth, "meeting-move", meeting.pk, "under-way")
    send(ruth, "discuss", meeting.pk, episode.pk)
    item = AgendaItem.objects.get()
    assert "in repair: open" in item.told
    send(ruth, "meeting-notes", meeting.pk, notes="Slower.", notes_shared="on", version=1)
    due = (day + timedelta(days=7)).isoformat()
    step = {"text": "Ask how it was.", "episode": str(episode.pk), "owner": str(service.ada.pk), "due_on": due}
    send(ruth, "step-create", meeting.pk, **step)
    assert NextStep.objects.get().component == "bond"
    send(ruth, "meeting-move", meeting.pk, "finished")
    told = page(ada, "meeting", meeting.pk)
    for words in ("Slower.", "Ask how it was.", "R-0417", "No session after it has been rated yet.", "finished"):
        assert words in told
    assert "Save notes" not in told and "Start" not in told


def test_each_button_of_a_page_has_a_key_of_its_own(service, ruth, episode, meeting):
    factories.make_signal(factories.make_episode(service.ada, code="S-1"))
    keys = re.findall(r'name="submission" value="([^"]+)"', body(ruth, "meeting", meeting.pk))
    assert len(keys) == len(set(keys)) == 5, "two states, two clients, the notes"
    for one in (episode.pk, factories.make_episode(service.ada, code="T-1").pk):
        send(ruth, "discuss", meeting.pk, one)
    assert AgendaItem.objects.count() == 2


def test_what_was_marked_by_mistake_goes_back_to_the_agenda(ruth, service, episode, meeting):
    factories.bring(episode, service.ruth)
    send(ruth, "discuss", meeting.pk, episode.pk)
    assert "0 to talk about" not in page(ruth, "meeting", meeting.pk)
    assert body(ruth, "meeting", meeting.pk).count("data-agenda") == 0
    send(ruth, "discuss", meeting.pk, episode.pk, do="not")
    assert body(ruth, "meeting", meeting.pk).count("data-agenda") == 1


def test_notes_that_are_not_shared_are_not_on_the_therapists_page(service, ada, meeting):
    actions.write_notes(meeting=meeting, notes="For me.", notes_shared=False, version=1, by=service.ruth)
    told = page(ada, "meeting", meeting.pk)
    assert "For me." not in told and "Ruth Lindqvist has shared no notes with you." in told


def test_two_tabs_with_notes_are_shown_both_texts(service, ruth, meeting):
    send(ruth, "meeting-notes", meeting.pk, notes="First.", version=1)
    answer = ruth.post(url("meeting-notes", meeting.pk), {"notes": "Second.", "version": 1})
    told = answer.content.decode()
    assert answer.status_code == 409 and "First." in told and "Second." in told
    send(ruth, "meeting-notes", meeting.pk, notes="Both.", version=2)
    assert Meeting.objects.get().notes == "Both."


def test_two_who_say_what_came_of_a_step_are_shown_both(service, ruth, ada, meeting):
    step = factories.make_step(meeting)
    values = {"text": step.text, "owner": str(service.ada.pk), "due_on": step.due_on.isoformat(), "version": 1}
    send(ada, "step-edit", step.pk, **values, status="done", outcome="Quiet.")
    answer = ruth.post(url("step-edit", step.pk), {**values, "status": "not-needed", "outcome": "Gone."})
    told = answer.content.decode()
    assert answer.status_code == 409 and "Quiet." in told and "Gone." in told and "Ada Okafor" in told


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("meeting-edit", {"held_on": "", "version": 1}, "Enter a date."),
        ("step-create", {"text": "", "owner": "", "due_on": ""}, "Write what is to be done."),
    ],
)
def test_what_is_missing_is_said_beside_its_field(ruth, meeting, name, data, words):
    answer = ruth.post(url(name, meeting.pk), data)
    assert answer.status_code == 422 and words in answer.content.decode()


def test_a_button_that_comes_too_late_says_so(service, ruth, meeting):
    actions.move_meeting(meeting=meeting, to=states.FINISHED, by=service.ruth)
    answer = ruth.post(url("meeting-move", meeting.pk, "planned"), follow=True)
    assert "This stands differently meanwhile." in answer.content.decode()


# --- The agenda, by hand --------------------------------------------------------------------------------


def test_a_therapist_brings_a_client_changes_the_line_and_takes_it_off(service, ada, episode):
    assert "Bring R-0417 to supervision" in page(ada, "bring", episode.pk)
    send(ada, "bring", episode.pk, why="The silence.")
    item = AgendaItem.objects.get()
    assert ada.get(url("bring", episode.pk))["Location"] == url("item", item.pk)
    send(ada, "item", item.pk, why="The long silence.", version=1)
    assert "“The long silence.”" in page(ada, "overview")
    send(ada, "item", item.pk, do="off")
    assert "Nothing yet." in page(ada, "overview")


def test_with_two_supervisors_the_therapist_says_with_whom(service, ada, episode):
    vera = accounts.create_person(
        organisation=service.organisation, email="v@harbour.example", name="Vera", password=factories.PASSWORD,
        by=service.sam, is_supervisor=True,
    )  # fmt: skip
    accounts.start_supervision(supervisor=vera, therapist=service.ada, by=service.sam)
    assert ada.post(url("bring", episode.pk), {"why": "x"}).status_code == 422
    send(ada, "bring", episode.pk, why="x", supervisor=str(vera.pk))
    assert AgendaItem.objects.get().supervisor == vera


def test_a_supervisor_puts_a_client_on_the_agenda_from_the_caseload(service, ruth, episode):
    caseload = ruth.get(reverse("dashboards:caseload")).content.decode()
    assert url("bring", episode.pk) in caseload and url("pack", episode.pk) in caseload
    send(ruth, "bring", episode.pk, why="")
    assert AgendaItem.objects.get().supervisor == service.ruth


def test_without_a_supervisor_there_is_no_agenda(service, ada, episode):
    end_supervision(service)
    assert ada.get(url("bring", episode.pk)).status_code == 403


def test_an_ended_episode_can_be_brought(service, ruth, meeting):
    ended = factories.make_episode(service.ada, code="E-1")
    clients.end_episode(episode=ended, ended_on=service.organisation.today, ending="planned", by=service.ada)
    factories.bring(ended, service.ruth)
    assert "E-1" in page(ruth, "meeting", meeting.pk)
    send(ruth, "discuss", meeting.pk, ended.pk)
    assert AgendaItem.objects.get().told == ""


# --- Former supervisors, hand-over, other people --------------------------------------------------------


def test_who_supervised_once_reads_their_meetings_and_no_client_page(service, ruth, episode, meeting):
    actions.write_notes(meeting=meeting, notes="Slower.", notes_shared=True, version=1, by=service.ruth)
    actions.discuss(meeting=meeting, episode=episode, told="Possible rupture.", by=service.ruth)
    factories.make_step(meeting, episode)
    end_supervision(service)
    assert "Meetings with people you supervised before" in page(ruth, "overview")
    told = body(ruth, "meeting", meeting.pk)
    assert "Slower." in told and "R-0417" in told and "Possible rupture." in told
    links = [
        url("pack", episode.pk),
        reverse("dashboards:episode", args=[episode.pk]),
        url("therapist", service.ada.pk),
    ]
    assert not [link for link in links if link in told or ruth.get(link).status_code != 404]
    assert (
        "You do not supervise Ada Okafor any more." in told
        and "<form" not in told.split("<main")[1].split("</main>")[0]
    )
    assert ruth.post(url("meeting-move", meeting.pk, "finished")).status_code == 403


def test_what_was_said_of_a_client_who_was_handed_over_is_read_by_those_who_were_there(
    service, ruth, ada, browser_of, episode, meeting
):
    actions.discuss(meeting=meeting, episode=episode, told="Possible rupture.", by=service.ruth)
    factories.hand_over(episode, to=service.tom)
    for browser in (ruth, ada):
        told = page(browser, "meeting", meeting.pk)
        assert "R-0417" in told and "Possible rupture." in told and "Rowan" not in told
    for stranger in (service.tom, service.otto, service.sam):
        assert browser_of(stranger).get(url("meeting", meeting.pk)).status_code in (403, 404)


def test_an_administrator_sees_none_of_it(service, browser_of, episode, meeting):
    sam = browser_of(service.sam)
    for name, args in {
        "overview": [], "therapist": [service.ada.pk], "meeting": [meeting.pk], "pack": [episode.pk],
    }.items():  # fmt: skip
        assert sam.get(url(name, *args)).status_code == 403


def test_every_client_who_is_shown_is_on_the_audit_trail(service, ruth, episode, meeting):
    page(ruth, "meeting", meeting.pk)
    page(ruth, "pack", episode.pk)
    shown = AuditEvent.objects.filter(client_id=episode.client_id, person=service.ruth)
    assert set(shown.values_list("action", flat=True)) == {"supervision.viewed", "supervision-pack.viewed"}


# --- The pack -------------------------------------------------------------------------------------------


def test_a_pack_holds_the_v_its_evidence_what_was_tried_and_three_questions(ruth, episode):
    told = page(ruth, "pack", episode.pk)
    for words in (
        "Supervision pack · R-0417", "Withdrawal, session 7", "I hurried.", "The bond came back", "What points to it",
        "Rule: below what was expected", "Session 8: took it as understandable, owned a part in it.", "opened up",
        "Three questions to rehearse", "Eubanks, Burckell &amp; Goldfried 2018",
    ):  # fmt: skip
        assert words in told
    answer = body(ruth, "pack", episode.pk)
    assert answer.count('r="3" />') == answer.count("<tr>") - 1 == 7, "the picture and the table say the same"
    assert re.search(r"<tr>\s*<th[^>]*>7</th>\s*<td[^>]*>2.0</td>", answer)


def test_a_pack_knows_the_client_by_code_and_holds_no_process_note(ruth, ada, episode):
    for browser in (ruth, ada):
        answer = body(browser, "pack", episode.pk)
        assert "R-0417" in answer and "Rowan" not in answer and SECRET not in answer


def test_a_pack_holds_the_clients_words_that_may_be_shared_and_no_others(service, ruth, ada, episode):
    factories.make_comment(factories.make_session(episode), "It felt rushed.")
    factories.make_comment(factories.make_session(episode), "Not yet, please.", do_not_raise=True)
    for browser in (ruth, ada):
        told = page(browser, "pack", episode.pk)
        assert "It felt rushed." in told and "Not yet, please." not in told


def test_a_pack_without_ratings_or_a_rupture_says_so(service, ruth):
    told = page(ruth, "pack", factories.make_episode(service.ada, code="N-1").pk)
    assert "No rupture is on record" in told and "No rating of it by the client yet." in told
    assert "Nothing that may be shared." in told and "What was tried" not in told


def test_a_pack_of_a_possible_rupture_asks_what_nobody_has_said_yet(service, ruth):
    signal = factories.make_signal(factories.make_episode(service.ada, code="S-1"))
    told = page(ruth, "pack", signal.session.episode_id)
    assert "Possible rupture, session 7" in told and "What did you do, miss or misjudge" in told


def test_a_pack_says_that_a_risk_answer_waits(service, ruth, episode):
    factories.make_risk_answer(factories.make_session(episode))
    assert "An answer about harm waits to be acknowledged." in page(ruth, "pack", episode.pk)


# --- Learning targets -----------------------------------------------------------------------------------


def test_a_target_is_set_and_its_count_is_the_rows_beneath_it(service, ruth, episode):
    since = (service.organisation.today - timedelta(days=365)).isoformat()
    send(ruth, "target-create", service.ada.pk, kind="repairing", repairs=["validate", "own-part"], set_on=since)
    told = body(ruth, "therapist", service.ada.pk)
    assert "1 occasion of practice on record" in told and told.count("<tr>") - 1 == 1
    target = LearningTarget.objects.get()
    send(ruth, "target-edit", target.pk, words="Slower.", is_ended="on", version=1)
    assert "no longer a target" in page(ruth, "therapist", service.ada.pk)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "recognising"}, "Choose at least one."),
        ({"kind": "recognising", "repairs": ["validate"]}, "Choose “Kinds of repair” above"),
        ({"kind": "repairing", "withdrawal": ["denial"]}, "Choose “Recognising strain” above"),
    ],
)
def test_a_target_of_one_kind_holds_nothing_of_the_other(service, ruth, data, words):
    answer = ruth.post(url("target-create", service.ada.pk), {**data, "set_on": "2026-01-01"})
    assert answer.status_code == 422 and words in answer.content.decode()


# --- What a page costs ----------------------------------------------------------------------------------


def fill(service, count, code):
    for number in range(count):
        episode = factories.make_episode(service.ada, code=f"{code}-{number}")
        signal = factories.make_signal(episode)
        factories.make_attempt(factories.make_rupture(signal.session), signal.session)
        if number % 2:
            factories.bring(episode, service.ruth)


def test_pages_cost_the_same_however_much_is_on_them(service, ruth, episode, meeting):
    """What the caseload asks to tell the reasons is counted apart: it is the caseload's, and asked once a page."""
    for kind in states.TARGETS:
        factories.make_target(service.ada, by=service.ruth, kind=kind)
    fill(service, 2, "A")
    factories.make_step(meeting, episode)
    addresses = {
        "overview": url("overview"),
        "meeting": url("meeting", meeting.pk),
        "therapist": url("therapist", service.ada.pk),
        "pack": url("pack", episode.pk),
    }
    before = {name: len(factories.queries_of(ruth, address)) for name, address in addresses.items()}
    fill(service, 3, "B")
    factories.make_step(meeting, episode, "And another.")
    factories.make_target(service.ada, by=service.ruth)
    after = {name: len(factories.queries_of(ruth, address)) for name, address in addresses.items()}
    assert after == before
    assert max(after.values()) <= MOST_QUERIES, after


def test_a_judgement_that_comes_later_is_on_the_next_agenda(service, ruth, meeting):
    episode = factories.make_episode(service.ada, code="L-1")
    assert "L-1" not in page(ruth, "meeting", meeting.pk)
    factories.make_signal(episode)
    ruptures.judge_episode(episode_id=episode.pk)
    assert "L-1" in page(ruth, "meeting", meeting.pk)
