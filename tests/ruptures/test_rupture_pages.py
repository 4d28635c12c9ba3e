"""The pages of a rupture: what they show, take, refuse, and keep when two people write."""

import uuid

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from clients.actions import end_episode
from ruptures import actions
from ruptures.actions import repair
from ruptures.models import RepairAttempt, Rupture
from sessions_app.actions import record_outcome
from tests import factories


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def sessions(episode):
    """Four that nobody rated."""
    return [factories.make_session(episode) for _ in range(4)]


@pytest.fixture
def rupture(sessions):
    return factories.make_rupture(sessions[1], what_happened="I hurried.")


@pytest.fixture
def rated(episode):
    """8 7 8 8 7 8 |2| 4 8: a rupture where the bond is far below, back two sessions later."""
    sessions = factories.make_course(episode, [8, 7, 8, 8, 7, 8, 2, 4, 8])
    rupture = factories.make_rupture(sessions[6], what_happened="I hurried.")
    factories.make_attempt(rupture, sessions[7], client_response="opened", resolved=2, note="We spoke.")
    return rupture


@pytest.fixture
def suspected(sessions):
    """In the last session the client noted tension."""
    factories.rate_as_therapist(sessions[3])
    factories.check_strain(sessions[3], 6)
    actions.judge_episode(episode_id=sessions[3].episode_id)
    return Rupture.objects.get()


@pytest.fixture
def browser(service, browser_of):
    return browser_of(service.ada)


def url(name: str, *args: object) -> str:
    return reverse(f"ruptures:{name}", args=args)


def text(page) -> str:
    return page.content.decode()


def form(**values: object) -> dict[str, object]:
    return {"submission": str(uuid.uuid4()), **values}


def shown(browser, rupture) -> str:
    return text(browser.get(url("rupture", rupture.pk)))


# --- The page -------------------------------------------------------------------------------------------


def test_page_tells_what_happened_what_pointed_to_it_and_what_became_of_it(browser, rated):
    page = shown(browser, rated)
    assert "Withdrawal · session 7" in page and "I hurried." in page and "Agreed too quickly" in page
    assert "Bond 2.0; expected" in page
    assert "The bond came back." in page and "It was back at 8.0 in session 9, 2 rated sessions later" in page
    assert "Owned a part in it" in page and "opened up" in page and "2 of 5" in page and "We spoke." in page
    assert "Client: Back in session 9, 1 rated session later: 8.0." in page
    assert "Therapist: Back in session 9, 1 rated session later: 8.0." in page
    assert "This says what came after, not why." in page


def test_suggestions_stand_beside_it_with_their_sources(browser, rupture):
    page = shown(browser, rupture)
    assert page.index("In the session, first") < page.index("Then your own part") < page.index("In a later session")
    assert "Help to say more directly what was held back" in page and "Stay with the anger" not in page
    assert "Eubanks, Burckell &amp; Goldfried 2018" in page


def test_rupture_without_a_component_says_what_is_missing(browser, sessions):
    page = shown(browser, factories.make_rupture(sessions[1], component=None))
    assert "Name the component" in page and "Nothing yet. Note it here" in page


def test_component_that_was_never_rated_says_so(browser, rupture):
    assert "No rating of this component yet" in shown(browser, rupture)


def test_strain_check_is_shown_on_the_rupture_it_made(browser, suspected):
    page = shown(browser, suspected)
    assert "strain check, 0 to 10: tension 6.0, at its worst 5.0; talked about 2.0, better by now 3.0." in page
    assert "Was it a rupture?" in page


def test_supervisor_reads_and_is_offered_nothing_to_change(browser_of, service, rupture, sessions):
    factories.make_attempt(rupture, sessions[2])
    page = shown(browser_of(service.ruth), rupture)
    assert "I hurried." in page and "Owned a part in it" in page
    for deed in ("/edit/", "/change/", "/attempts/new/"):
        assert deed not in page


def test_page_says_when_the_ratings_are_not_judged_yet(browser, rated):
    assert "updating" not in shown(browser, rated)
    factories.rate_as_therapist(rated.session.episode.sessions.last(), bond=9)
    assert "updating" in shown(browser, rated)


def test_page_needs_the_same_few_queries_however_much_was_tried(browser, rupture, sessions):
    few = factories.queries_of(browser, url("rupture", rupture.pk))
    for session in sessions[1:] * 3:
        factories.make_attempt(rupture, session)
    many = factories.queries_of(browser, url("rupture", rupture.pk))
    assert len(many) == len(few) <= 10, many


def test_whoever_reads_it_is_on_record(browser_of, service, rupture):
    shown(browser_of(service.ruth), rupture)
    event = AuditEvent.objects.get(action="rupture.viewed")
    assert (event.person, event.client_id) == (service.ruth, rupture.session.episode.client_id)


def test_unknown_rupture_and_unknown_change_are_not_found(browser, rupture):
    assert browser.get(url("rupture", uuid.uuid4())).status_code == 404
    assert browser.get(url("attempt-edit", uuid.uuid4())).status_code == 404
    for to in ("suspected", "unresolved", "lost"):
        assert browser.post(url("rupture-change", rupture.pk, to)).status_code == 404


# --- Noting and editing one -----------------------------------------------------------------------------


def test_therapist_notes_one_from_a_session(browser, episode, sessions):
    page = browser.get(url("rupture-create", episode.pk), {"session": sessions[2].pk})
    assert f'<option value="{sessions[2].pk}" selected>Session 3' in text(page)
    sent = form(
        session=sessions[2].pk,
        noticed_by="client",
        withdrawal=["denial"],
        confrontation=["control"],
        component="goal",
        intensity="4",
        what_happened="She said so.",
    )
    answer = browser.post(url("rupture-create", episode.pk), sent)
    rupture = Rupture.objects.get()
    assert answer["Location"] == url("rupture", rupture.pk)
    assert (rupture.session, rupture.type, rupture.markers) == (sessions[2], "mixed", ["denial", "control"])
    assert (rupture.component, rupture.intensity, rupture.noticed_by) == ("goal", 4, "client")
    assert browser.post(url("rupture-create", episode.pk), sent)["Location"] == answer["Location"]
    assert Rupture.objects.count() == 1


def test_latest_session_is_proposed_and_one_of_another_client_refused(browser, service, episode, sessions):
    page = browser.get(url("rupture-create", episode.pk), {"session": "nonsense"})
    assert text(page).index("Session 4") < text(page).index("Session 3")
    other = factories.make_session(factories.make_episode(service.ada, code="R-2"))
    answer = browser.post(url("rupture-create", episode.pk), form(session=other.pk, noticed_by="therapist"))
    assert answer.status_code == 422 and not Rupture.objects.exists()


def test_what_is_refused_stands_beside_its_field_and_loses_nothing(browser, episode, sessions):
    sent = form(
        session=sessions[2].pk,
        noticed_by="therapist",
        type="withdrawal",
        confrontation=["control"],
        what_happened="Typed at length.",
    )
    answer = browser.post(url("rupture-create", episode.pk), sent)
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"type": ["Choose “Both”, or leave out “Pressed the therapist”."]}
    assert "Typed at length." in text(
        answer
    ) and 'value="control" class="chips" id="id_confrontation_6" checked' in text(answer)


def test_edit_changes_it_and_offers_what_is_saved(browser, rupture):
    page = text(browser.get(url("rupture-edit", rupture.pk)))
    assert "I hurried." in page and 'value="appeasing" class="chips" id="id_withdrawal_6" checked' in page
    sent = form(noticed_by="therapist", withdrawal=["denial"], component="", what_happened="Both of us.", version=1)
    assert browser.post(url("rupture-edit", rupture.pk), sent)["Location"] == url("rupture", rupture.pk)
    rupture.refresh_from_db()
    assert (rupture.type, rupture.markers, rupture.component) == ("withdrawal", ["denial"], "")
    assert (rupture.what_happened, rupture.version) == ("Both of us.", 2)


def test_edit_of_somebody_who_saved_later_shows_both_texts_and_can_be_saved_then(browser, service, rupture):
    repair.update_rupture(rupture=rupture, version=1, what_happened="Saved first.", by=service.ada)
    sent = form(noticed_by="client", withdrawal=["denial"], what_happened="Typed second.", version=1)
    answer = browser.post(url("rupture-edit", rupture.pk), sent)
    assert answer.status_code == 409 and "Nothing was overwritten." in text(answer)
    assert "Saved first." in text(answer) and "Typed second." in text(answer)
    assert 'value="denial" class="chips" id="id_withdrawal_0" checked' in text(answer)
    assert Rupture.objects.get().what_happened == "Saved first."
    again = {name: value for name, value in answer.context["form"].initial.items() if value is not None}
    browser.post(url("rupture-edit", rupture.pk), form(**again))
    assert Rupture.objects.get().what_happened == "Typed second."


# --- Repair attempts ------------------------------------------------------------------------------------


def test_therapist_notes_what_was_tried(browser, rupture, sessions):
    page = text(browser.get(url("attempt-create", rupture.pk)))
    assert "Session 4," in page and "Session 2," in page and "Session 1," not in page
    sent = form(
        session=sessions[3].pk,
        expressive=["validate"],
        immediate=["change-task"],
        talked_about_relationship="on",
        client_response="took-up",
        resolved="4",
        note="We agreed on less.",
    )
    answer = browser.post(url("attempt-create", rupture.pk), sent)
    assert answer["Location"] == url("rupture", rupture.pk)
    attempt = RepairAttempt.objects.get()
    assert (attempt.session, attempt.strategies, attempt.resolved) == (sessions[3], ["change-task", "validate"], 4)
    assert attempt.talked_about_relationship and not attempt.acknowledged_own_contribution
    assert Rupture.objects.get().state == "in-repair"
    assert browser.post(url("attempt-create", rupture.pk), sent)["Location"] == answer["Location"]
    assert RepairAttempt.objects.count() == 1


def test_attempt_without_a_strategy_is_refused_beside_the_field(browser, rupture, sessions):
    answer = browser.post(url("attempt-create", rupture.pk), form(session=sessions[3].pk, note="Something."))
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["expressive"]
    assert "Something." in text(answer)


def test_attempt_on_a_rupture_that_was_closed_meanwhile_says_so_and_keeps_what_was_typed(
    browser, service, rupture, sessions
):
    repair.change_state(rupture=rupture, to="resolved", by=service.ada)
    sent = form(session=sessions[3].pk, expressive=["validate"], note="Typed.")
    answer = browser.post(url("attempt-create", rupture.pk), sent)
    assert answer.status_code == 422 and "stands differently meanwhile" in text(answer) and "Typed." in text(answer)


def test_attempt_is_edited_and_a_later_edit_shows_both(browser, rupture, sessions):
    attempt = factories.make_attempt(rupture, sessions[2], note="As it was.")
    page = text(browser.get(url("attempt-edit", attempt.pk)))
    assert "As it was." in page and 'id="id_expressive_2" checked' in page
    sent = {"session": sessions[3].pk, "immediate": ["clarify"], "note": "First.", "version": 1}
    assert browser.post(url("attempt-edit", attempt.pk), form(**sent)).status_code == 302
    answer = browser.post(url("attempt-edit", attempt.pk), form(**{**sent, "note": "Second."}))
    assert answer.status_code == 409 and "First." in text(answer) and "Second." in text(answer)
    attempt.refresh_from_db()
    assert (attempt.session, attempt.strategies, attempt.note) == (sessions[3], ["clarify"], "First.")


# --- What becomes of it ---------------------------------------------------------------------------------


def test_suspected_one_is_answered_with_one_click(browser, suspected):
    answer = browser.post(url("rupture-change", suspected.pk, "confirmed"), form(), follow=True)
    assert "It is on record as a rupture." in text(answer)
    assert Rupture.objects.get().state == "confirmed"


def test_resolving_says_first_what_it_means_and_what_the_ratings_say(browser, rated):
    rupture = rated
    page = text(browser.get(url("rupture-change", rupture.pk, "resolved")))
    assert "Has it settled?" in page and "The bond came back." in page and "You can open it again." in page
    assert Rupture.objects.get().state == "in-repair"
    sent = form()
    for _ in range(2):  # pressed twice
        answer = browser.post(url("rupture-change", rupture.pk, "resolved"), sent)
        assert answer["Location"] == url("rupture", rupture.pk)
    page = shown(browser, rupture)
    assert "Open it again" in page and "Ada Okafor" in page and "stands differently" not in page
    browser.post(url("rupture-change", rupture.pk, "in-repair"), form())
    assert Rupture.objects.get().state == "in-repair"


def test_dismissing_needs_a_reason_and_can_be_taken_back(browser, rupture):
    answer = browser.post(url("rupture-change", rupture.pk, "dismissed"), form())
    assert answer.status_code == 422 and "Choose why this was no rupture." in text(answer)
    browser.post(url("rupture-change", rupture.pk, "dismissed"), form(reason="outside"))
    page = shown(browser, rupture)
    assert "Something outside the therapy explains it" in page and "Note a repair attempt" not in page
    assert "Was it a rupture after all?" in text(browser.get(url("rupture-change", rupture.pk, "confirmed")))
    browser.post(url("rupture-change", rupture.pk, "confirmed"), form())
    assert Rupture.objects.get().state == "confirmed"


def test_change_that_is_not_open_any_more_leads_back_and_says_why(browser, service, rupture):
    page = url("rupture-change", rupture.pk, "dismissed")
    repair.change_state(rupture=rupture, to="resolved", by=service.ada)
    assert browser.get(page)["Location"] == url("rupture", rupture.pk)
    answer = browser.post(page, form(reason="talked"), follow=True)
    assert "stands differently meanwhile" in text(answer)
    assert Rupture.objects.get().state == "resolved"


# --- Where else it is met -------------------------------------------------------------------------------


def test_episode_page_lists_what_is_open_with_what_was_tried_and_came_of_it(browser, episode, rated):
    page = text(browser.get(reverse("dashboards:episode", args=[episode.pk])))
    assert url("rupture", rated.pk) in page and url("rupture-create", episode.pk) in page
    assert "Tried: took it as understandable, owned a part in it (session 8)" in page
    assert page.count("The bond came back.") == 2, "once in the sentence, once with the rupture"
    assert "A repair was tried in session 8. It was back after 2 rated sessions, at session 9" in page


def test_episode_page_folds_what_is_closed_and_tells_supervisors(browser_of, service, episode, rupture):
    repair.change_state(rupture=rupture, to="resolved", by=service.ada)
    page = text(browser_of(service.ruth).get(reverse("dashboards:episode", args=[episode.pk])))
    assert "No rupture is open." in page and "1 closed" in page and url("rupture", rupture.pk) in page
    assert url("rupture-create", episode.pk) not in page


def test_ended_episode_offers_to_note_nothing(browser, service, episode, rupture, sessions):
    end_episode(episode=episode, ended_on=sessions[-1].held_on, ending="planned", by=service.ada)
    page = text(browser.get(reverse("dashboards:episode", args=[episode.pk])))
    assert url("rupture", rupture.pk) in page and url("rupture-create", episode.pk) not in page
    assert url("attempt-create", rupture.pk) not in shown(browser, rupture)
    sent = form(session=sessions[2].pk, noticed_by="therapist")
    answer = browser.post(url("rupture-create", episode.pk), sent)
    assert answer.status_code == 422 and "This episode has ended" in text(answer)


def test_session_page_shows_its_ruptures_and_leads_to_a_new_one(browser, rupture, sessions):
    session = rupture.session
    page = text(browser.get(reverse("sessions_app:session", args=[session.pk])))
    assert url("rupture", rupture.pk) in page and "Something was tried" not in page
    factories.make_attempt(rupture, sessions[3])
    later = text(browser.get(reverse("sessions_app:session", args=[sessions[3].pk])))
    assert "Something was tried about the" in later and url("rupture", rupture.pk) in later
    assert f"{url('rupture-create', session.episode_id)}?session={session.pk}" in page


def test_today_lists_open_repairs_with_their_one_action(browser, service, episode, rupture):
    today = reverse("sessions_app:today")
    page = text(browser.get(today))
    assert "Open repairs" in page and "Nothing tried yet." in page and url("rupture", rupture.pk) in page
    repair.change_state(rupture=rupture, to="resolved", by=service.ada)
    assert "Open repairs" not in text(browser.get(today))


def test_today_needs_the_same_queries_for_many_open_repairs(browser, service, rupture):
    few = factories.queries_of(browser, reverse("sessions_app:today"))
    for number in range(3):
        session = factories.make_session(factories.make_episode(service.ada, code=f"R-{number}"))
        factories.make_attempt(factories.make_rupture(session), session)
    many = factories.queries_of(browser, reverse("sessions_app:today"))
    assert len(many) == len(few) <= factories.MOST_QUERIES, many


def test_client_never_sees_it(suspected):
    """A suspected rupture of the very session that the client's link is for."""
    request, token = factories.make_request(suspected.session)
    phone = factories.Browser()
    opened = phone.get(reverse("measures:link", args=[token]), follow=True)
    rate = reverse("measures:rate", args=[request.pk])
    thanks = phone.post(rate, {"submission": str(uuid.uuid4()), "item-1": "5"}, follow=True)
    for page in (opened, thanks):
        assert page.status_code == 200 and "rupture" not in text(page).lower()


def test_possible_strain_is_carried_over_into_the_form(service, browser, episode):
    """A task that was not done, as the pages show it, is one click from a rupture with its evidence."""
    session = factories.make_session(episode)
    task = factories.make_task(episode)
    record_outcome(task=task, session=session, outcome="not-done", got_in_the_way="No time.", by=service.ada)
    page = browser.get(url("rupture-create", episode.pk), {"task": task.pk})
    initial = page.context["form"].initial
    assert (initial["session"], initial["component"]) == (session.pk, "task")
    assert "Ask a colleague one question" in initial["what_happened"]
    assert initial["what_happened"].endswith("In the way: No time.")
    assert "what_happened" not in browser.get(url("rupture-create", episode.pk), {"task": "x"}).context["form"].initial
