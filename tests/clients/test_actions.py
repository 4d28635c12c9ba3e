import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions
from clients.models import Client, Episode
from jobs.organisation import acting_in
from tests import factories
from tests.parallel import at_once

TODAY = timezone.localdate


def start(client: Client, by, **values) -> Episode:
    defaults = {"modality": "cbt", "practitioner_title": "Psychologist", "started_on": TODAY()}
    return actions.start_episode(client=client, by=by, **{**defaults, **values})


# --- Clients ----------------------------------------------------------------------------------------


def test_client_is_created_under_a_code_with_the_event_of_it(service):
    client = actions.create_client(code=" R-0417 ", name=" Rowan ", by=service.ada)
    client.refresh_from_db()
    assert (client.code, client.name, client.version, client.created_by) == ("R-0417", "Rowan", 1, service.ada)
    event = AuditEvent.objects.get(action="client.created")
    assert (event.object_id, event.client_id, event.person) == (client.pk, client.pk, service.ada)


def test_client_needs_no_name_and_is_then_called_by_the_code(service):
    assert actions.create_client(code="R-0417", by=service.ada).label == "R-0417"


@pytest.mark.parametrize("code", ["", "   ", "R" * 31])
def test_client_without_a_usable_code_is_refused_beside_the_code(service, code):
    with pytest.raises(ValidationError) as refused:
        actions.create_client(code=code, by=service.ada)
    assert list(refused.value.message_dict) == ["code"]


@pytest.mark.parametrize("code", ["R-0417", "r-0417", " R-0417 "])
def test_code_that_is_taken_is_refused_in_any_case(service, code):
    actions.create_client(code="R-0417", by=service.tom)
    with pytest.raises(actions.CodeTaken, match="already in use"):
        actions.create_client(code=code, by=service.ada)


def test_other_service_may_use_the_same_code(service, other_service):
    actions.create_client(code="R-0417", by=service.ada)
    with acting_in(other_service.organisation.pk):
        actions.create_client(code="R-0417", by=other_service.ada)
        assert Client.objects.count() == 1, "each service sees its own alone"


@pytest.mark.parametrize("codes", [("R-0417", "R-0417"), ("R-0417", "r-0417")])
def test_code_given_twice_at_the_same_moment_is_kept_once(committed, codes):
    service = factories.make_service()

    def add(code: str):
        def work() -> Client:
            with acting_in(service.organisation.pk):
                return actions.create_client(code=code, by=service.ada)

        return work

    results = at_once(*map(add, codes))
    assert sorted(type(result).__name__ for result in results) == ["Client", "CodeTaken"]


def test_changed_client_counts_up_its_version_and_the_event_names_the_fields(service):
    client = actions.create_client(code="R-0417", name="Rowan", by=service.ada)
    actions.update_client(client=client, version=1, code="R-0417", name="Robin", by=service.ada)
    client = Client.objects.get()
    assert (client.code, client.name, client.version) == ("R-0417", "Robin", 2)
    assert AuditEvent.objects.get(action="client.changed").fields == ["name"]


def test_client_may_keep_the_own_code_in_another_case(service):
    client = actions.create_client(code="r-0417", by=service.ada)
    actions.update_client(client=client, version=1, code="R-0417", by=service.ada)
    assert Client.objects.get().code == "R-0417"


def test_change_to_a_code_that_is_taken_is_refused(service):
    actions.create_client(code="R-0417", by=service.ada)
    other = actions.create_client(code="R-0418", by=service.ada)
    with pytest.raises(actions.CodeTaken):
        actions.update_client(client=other, version=1, code="r-0417", by=service.ada)


def test_two_clients_given_one_code_at_the_same_moment_get_one_clear_error(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        clients = [actions.create_client(code=code, by=service.ada) for code in ("R-0001", "R-0002")]

    def rename(client: Client):
        def work() -> Client:
            with acting_in(service.organisation.pk):
                return actions.update_client(client=client, version=1, code="R-0003", by=service.ada)

        return work

    results = at_once(*map(rename, clients))
    assert sorted(type(result).__name__ for result in results) == ["Client", "CodeTaken"]


def test_change_of_a_client_saved_meanwhile_is_refused_with_the_client_as_it_is_now(service):
    client = actions.create_client(code="R-0417", name="Rowan", by=service.ada)
    opened_in_another_tab = Client.objects.get()
    actions.update_client(client=client, version=1, name="Robin", by=service.ada)
    with pytest.raises(actions.StaleVersion) as stale:
        actions.update_client(client=opened_in_another_tab, version=1, name="Ronja", by=service.ada)
    assert stale.value.current.name == "Robin"
    assert Client.objects.get().name == "Robin"


# --- E-mail -----------------------------------------------------------------------------------------

ADDRESS = "rowan@post.example"


@pytest.fixture
def agreed(service) -> Client:
    client = actions.create_client(code="R-0417", name="Rowan", by=service.ada)
    assert not client.wants_invitations, "nobody is mailed who has not agreed"
    return actions.update_client(client=client, version=1, email=ADDRESS, mail_agreed_on=TODAY(), by=service.ada)


def test_agreement_is_kept_with_its_day_and_the_event_tells_no_address(agreed):
    client = Client.objects.get()
    assert (client.email, client.mail_agreed_on, client.wants_invitations) == (ADDRESS, TODAY(), True)
    assert AuditEvent.objects.get(action="client.changed").fields == ["email", "mail_agreed_on"]


def test_agreement_without_an_address_is_refused_beside_it(service, agreed):
    with pytest.raises(ValidationError) as refused:
        actions.update_client(client=agreed, version=2, email="", by=service.ada)
    assert list(refused.value.message_dict) == ["email"]
    assert Client.objects.get().email == ADDRESS


@pytest.mark.parametrize(
    "address", ["rowan", "rowan@", "rowan@post.example\nBcc: a@b.example", "rowan@a, b@c.example", "r ó@post.example"]
)
def test_what_is_no_address_is_refused(service, address):
    client = actions.create_client(code="R-0417", by=service.ada)
    with pytest.raises(ValidationError) as refused:
        actions.update_client(client=client, version=1, email=address, by=service.ada)
    assert list(refused.value.message_dict) == ["email"]


@pytest.mark.parametrize("address", ["rowan@bücher.example", "o'rowan+alliance@post.example", " rowan@post.example "])
def test_address_of_any_domain_is_taken(service, address):
    client = actions.create_client(code="R-0417", by=service.ada)
    actions.update_client(client=client, version=1, email=address, by=service.ada)
    assert Client.objects.get().email == address.strip()


def test_two_clients_may_share_an_address(service, agreed):
    other = actions.create_client(code="R-0418", by=service.ada)
    actions.update_client(client=other, version=1, email=ADDRESS, mail_agreed_on=TODAY(), by=service.ada)
    actions.unsubscribe(client=other)
    assert [client.wants_invitations for client in Client.objects.order_by("code")] == [True, False]


def test_client_who_asks_for_no_more_has_not_agreed_any_more_and_it_is_on_record_once(agreed):
    actions.unsubscribe(client=agreed)
    actions.unsubscribe(client=agreed)
    client = Client.objects.get()
    assert (client.wants_invitations, client.version) == (False, 3)
    assert timezone.now() - client.unsubscribed_at < timedelta(minutes=1)
    event = AuditEvent.objects.get(action="client.unsubscribed")
    assert (event.client_id, event.person) == (client.pk, None)


def test_new_agreement_takes_the_place_of_the_end_that_was_asked_for(service, agreed):
    actions.unsubscribe(client=agreed)
    client = Client.objects.get()
    actions.update_client(client=client, version=3, name="Robin", by=service.ada)
    assert Client.objects.get().unsubscribed_at is not None, "another change is no agreement"
    actions.update_client(client=client, version=4, mail_agreed_on=TODAY(), by=service.ada)
    client = Client.objects.get()
    assert (client.wants_invitations, client.unsubscribed_at) == (True, None)


# --- Episodes ---------------------------------------------------------------------------------------


def test_episode_starts_with_the_person_who_starts_it_as_therapist(service):
    episode = factories.make_episode(service.ada)
    assert (episode.therapist, episode.is_open, episode.ending) == (service.ada, True, "")


def test_second_open_episode_is_refused(service):
    client = factories.make_episode(service.ada).client
    with pytest.raises(actions.EpisodeOpen, match="End it before"):
        start(client, by=service.ada)


def test_two_episodes_started_at_the_same_moment_become_one(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        client = actions.create_client(code="R-0417", by=service.ada)

    def work() -> Episode:
        with acting_in(service.organisation.pk):
            return start(client, by=service.ada)

    results = at_once(work, work)
    assert sorted(type(result).__name__ for result in results) == ["Episode", "EpisodeOpen"]


def test_next_episode_starts_once_the_one_before_has_ended(service):
    first = factories.make_episode(service.ada)
    actions.end_episode(episode=first, ended_on=TODAY(), ending="planned", by=service.ada)
    second = start(first.client, by=service.ada)
    assert Episode.objects.open().get() == second


def test_person_without_the_role_of_therapist_starts_no_episode(service):
    client = actions.create_client(code="R-0417", by=service.ada)
    with pytest.raises(PermissionDenied, match="Only a therapist starts an episode"):
        start(client, by=service.ruth)


def test_ended_episode_keeps_the_day_and_the_kind_of_its_ending(service):
    episode = factories.make_episode(service.ada)
    actions.end_episode(episode=episode, ended_on=TODAY(), ending="client", by=service.ada)
    episode.refresh_from_db()
    assert (episode.ended_on, episode.ending, episode.is_open) == (TODAY(), "client", False)


def test_episode_does_not_end_before_it_started(service):
    episode = factories.make_episode(service.ada)
    with pytest.raises(ValidationError) as refused:
        actions.end_episode(
            episode=episode, ended_on=episode.started_on - timedelta(days=1), ending="planned", by=service.ada
        )
    assert list(refused.value.message_dict) == ["ended_on"]
    episode.refresh_from_db()
    assert episode.is_open


def test_episode_does_not_end_before_its_last_session(service):
    episode = factories.make_episode(service.ada)
    for days in (9, 3, 5):
        factories.make_session(episode, held_on=TODAY() - timedelta(days=days))
    with pytest.raises(ValidationError) as refused:
        actions.end_episode(episode=episode, ended_on=TODAY() - timedelta(days=4), ending="planned", by=service.ada)
    last_day = TODAY() - timedelta(days=3)
    assert refused.value.message_dict == {
        "ended_on": [f"The last session was on {last_day:%-d %B %Y}; end it then or later."]
    }
    actions.end_episode(episode=episode, ended_on=last_day, ending="planned", by=service.ada)
    assert Episode.objects.get().ended_on == last_day


def test_second_of_two_overlapping_ends_does_not_overwrite_the_first(service):
    episode = factories.make_episode(service.ada)
    in_another_tab = Episode.objects.get()
    actions.end_episode(episode=episode, ended_on=TODAY(), ending="planned", by=service.ada)
    with pytest.raises(actions.EpisodeEnded):
        actions.end_episode(
            episode=in_another_tab, ended_on=TODAY() - timedelta(days=1), ending="client", by=service.ada
        )
    assert Episode.objects.values_list("ended_on", "ending").get() == (TODAY(), "planned")
    assert AuditEvent.objects.filter(action="episode.ended").count() == 1


@pytest.mark.parametrize("ending", ["", "vanished"])
def test_episode_does_not_end_without_a_known_kind_of_ending(service, ending):
    episode = factories.make_episode(service.ada)
    with pytest.raises(Exception, match="ending"):
        actions.end_episode(episode=episode, ended_on=TODAY(), ending=ending, by=service.ada)


def test_colleague_ends_no_episode_that_is_not_theirs(service):
    episode = factories.make_episode(service.ada)
    with pytest.raises(PermissionDenied):
        actions.end_episode(episode=episode, ended_on=TODAY(), ending="planned", by=service.tom)


# --- Pages ------------------------------------------------------------------------------------------

NEW = {
    "submission": "6f3e4c1e-7c0b-4f0e-9d2e-2f8f0c7d1a01",
    "code": "R-0417",
    "name": "Rowan",
    "modality": "cbt",
    "practitioner_title": "Psychologist",
}


def test_new_client_sent_twice_is_added_once_and_leads_to_the_same_page(service, browser_of):
    browser = browser_of(service.ada)
    form = {**NEW, "started_on": TODAY().isoformat()}
    first = browser.post(reverse("clients:client-create"), form)
    second = browser.post(reverse("clients:client-create"), form)
    assert first.status_code == second.status_code == 302
    assert first["Location"] == second["Location"]
    assert Client.objects.count() == 1


def test_new_client_with_a_taken_code_is_refused_beside_the_code_and_nothing_is_lost(service, browser_of):
    actions.create_client(code="r-0417", by=service.tom)
    page = browser_of(service.ada).post(reverse("clients:client-create"), {**NEW, "started_on": TODAY().isoformat()})
    assert page.status_code == 422
    assert list(page.context["form"].errors) == ["code"]
    assert 'value="Rowan"' in page.content.decode()
    assert not Episode.objects.exists()


def test_search_takes_any_character(service, browser_of):
    factories.make_episode(service.ada)
    page = browser_of(service.ada).get(reverse("clients:client-list"), {"q": "R-\x000417\x1f"})
    assert page.status_code == 200
    assert [row.episode.client.code for row in page.context["rows"]] == ["R-0417"]


def test_next_page_of_a_search_is_of_the_same_search(service, browser_of, monkeypatch):
    monkeypatch.setattr("clients.views.episodes.PER_PAGE", 1)
    for code in ("A&B-1", "A&B-2", "C-1"):
        factories.make_episode(service.ada, code=code)
    browser = browser_of(service.ada)
    first = browser.get(reverse("clients:client-list"), {"q": "a&b"})
    (href,) = re.findall(r'href="([^"]+)" rel="next"', first.content.decode())
    second = browser.get(reverse("clients:client-list") + unescape(href))
    assert second.context["page"].paginator.count == 2
    assert [row.episode.client.code for row in second.context["rows"]] == ["A&B-2"]


@pytest.mark.parametrize(("who", "whose"), [("ada", "your"), ("ruth", "the therapist’s")])
def test_list_says_whose_rating_is_waited_for(service, browser_of, who, whose):
    episode = factories.make_episode(service.ada)
    factories.rate_as_client(factories.make_session(episode))
    page = browser_of(getattr(service, who)).get(reverse("clients:client-list"))
    assert re.findall("waits for (.+?) rating", page.content.decode()) == [whose]


def test_list_is_in_the_order_of_codes_and_says_when_each_was_last_seen(service, browser_of):
    for code, days in (("R-2", 1), ("R-1", 5)):
        episode = factories.make_episode(service.ada, code=code)
        factories.make_session(episode, held_on=TODAY() - timedelta(days=days))
        factories.make_session(episode, held_on=TODAY(), attendance="did-not-attend")
    rows = browser_of(service.ada).get(reverse("clients:client-list")).context["rows"]
    assert [(row.episode.client.code, (TODAY() - row.episode.last_seen).days) for row in rows] == [
        ("R-1", 5),
        ("R-2", 1),
    ]


def edit_of(client: Client, **values: str) -> dict[str, str]:
    key = {"submission": "6f3e4c1e-7c0b-4f0e-9d2e-2f8f0c7d1a02"}
    return {**key, "code": client.code, "name": client.name, "version": str(client.version), **values}


def test_client_edited_in_two_tabs_shows_both_and_saving_again_works(service, browser_of):
    client = factories.make_episode(service.ada).client
    browser = browser_of(service.ada)
    url = reverse("clients:client-edit", args=[client.pk])
    assert browser.post(url, edit_of(client, name="Robin")).status_code == 302
    other_key = "6f3e4c1e-7c0b-4f0e-9d2e-2f8f0c7d1a03"
    conflict = browser.post(url, edit_of(client, name="Ronja", submission=other_key))
    assert conflict.status_code == 409
    assert "Robin" in conflict.content.decode() and 'value="Ronja"' in conflict.content.decode()
    assert Client.objects.get().name == "Robin"
    again = {name: conflict.context["form"][name].value() for name in ("submission", "code", "name", "version")}
    assert browser.post(url, again).status_code == 302
    assert Client.objects.get().name == "Ronja"


def test_client_who_moved_on_is_edited_by_the_therapist_they_moved_to(service, browser_of):
    before = factories.make_episode(service.ada)
    client = before.client
    url = reverse("clients:client-edit", args=[client.pk])
    assert browser_of(service.ada).get(url).status_code == 200
    factories.hand_over(before, to=service.tom)
    for answer in (browser_of(service.ada).get(url), browser_of(service.ada).post(url, edit_of(client, name="Robin"))):
        assert answer.status_code == 403
    assert Client.objects.get().name == "Rowan"
    assert browser_of(service.tom).post(url, edit_of(client, name="Ronja")).status_code == 302


def test_client_edit_sent_twice_is_no_conflict(service, browser_of):
    client = factories.make_episode(service.ada).client
    browser = browser_of(service.ada)
    url = reverse("clients:client-edit", args=[client.pk])
    for _ in range(2):
        assert browser.post(url, edit_of(client, name="Robin")).status_code == 302
    assert Client.objects.get().version == 2


def test_agreement_is_given_on_the_clients_page_and_taken_back_by_taking_the_tick_away(service, browser_of):
    client = factories.make_episode(service.ada).client
    browser = browser_of(service.ada)
    url = reverse("clients:client-edit", args=[client.pk])
    assert browser.get(url).context["form"]["mail_agreed_on"].value() == TODAY()
    given = {"email": ADDRESS, "wants_invitations": "on", "mail_agreed_on": TODAY().isoformat()}
    assert browser.post(url, edit_of(client, **given)).status_code == 302
    client = Client.objects.get()
    assert (client.email, client.mail_agreed_on) == (ADDRESS, TODAY())
    taken_back = {"email": ADDRESS, "mail_agreed_on": TODAY().isoformat(), "submission": ""}
    assert browser.post(url, edit_of(client, **taken_back)).status_code == 302
    assert not Client.objects.get().wants_invitations and Client.objects.get().email == ADDRESS


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "rowan"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "rowan@post.example\r\nBcc: a@b.example"}, "email"),
        ({"mail_agreed_on": ""}, "mail_agreed_on"),
        ({"mail_agreed_on": "2999-01-01"}, "mail_agreed_on"),
    ],
)
def test_agreement_that_cannot_be_is_refused_beside_its_field_with_nothing_lost(service, browser_of, wrong, field):
    client = factories.make_episode(service.ada).client
    url = reverse("clients:client-edit", args=[client.pk])
    typed = {"email": ADDRESS, "wants_invitations": "on", "mail_agreed_on": TODAY().isoformat(), "name": "Robin"}
    page = browser_of(service.ada).post(url, edit_of(client, **{**typed, **wrong}))
    assert (page.status_code, list(page.context["form"].errors)) == (422, [field])
    assert 'value="Robin"' in page.content.decode()
    assert not Client.objects.get().wants_invitations


def test_client_who_asked_for_no_more_while_the_page_was_open_is_not_agreed_again_by_saving_it(service, browser_of):
    client = factories.make_episode(service.ada).client
    browser = browser_of(service.ada)
    given = {"email": ADDRESS, "wants_invitations": "on", "mail_agreed_on": TODAY().isoformat()}
    url = reverse("clients:client-edit", args=[client.pk])
    browser.post(url, edit_of(client, **given))
    opened = Client.objects.get()
    actions.unsubscribe(client=opened)
    conflict = browser.post(url, edit_of(opened, **given, submission="6f3e4c1e-7c0b-4f0e-9d2e-2f8f0c7d1a04"))
    assert conflict.status_code == 409
    assert "asked for no more on" in conflict.content.decode()
    assert conflict.context["form"]["email"].value() == ADDRESS
    assert not Client.objects.get().wants_invitations
    assert "asked for no more e-mails on" in browser.get(url).content.decode()


@pytest.mark.parametrize(
    ("who", "page"), [("ada", "clients:client-list"), ("ada", "sessions_app:today"), ("ruth", "dashboards:caseload")]
)
@pytest.mark.usefixtures("many_rows")
def test_page_needs_no_more_queries_for_thirty_clients_than_for_three(service, browser_of, who, page):
    person, url = getattr(service, who), reverse(page)
    for number in range(3):
        make_busy_client(service, number)
    few = factories.queries_of(browser_of(person), url)
    for number in range(3, 30):
        make_busy_client(service, number)
    many = factories.queries_of(browser_of(person), url)
    assert len(many) == len(few), many
    assert len(many) <= factories.MOST_QUERIES, many


def make_busy_client(service: factories.Service, number: int) -> None:
    """In every list at once: rated by both, waiting for the own rating, a link open."""
    episode = factories.make_episode(service.ada, code=f"R-{number:04}", name=f"Client {number}")
    factories.make_course(episode, [7, 6])
    factories.rate_as_client(factories.make_session(episode))
    factories.make_request(factories.make_session(episode))
