"""What was looked at is on record: by whom, of which client, when and from where."""

import pytest
from django.db import transaction
from django.urls import get_resolver, reverse

from accounts.access import PAGES, Who
from accounts.models import AuditEvent, Via
from accounts.reads import LISTS, NO_RECORD, PARTS, RECORDS, shown_on
from jobs.organisation import acting_in
from tests import factories
from tests.access.world import address, content, make_world, route_names


def arguments() -> dict[str, set[str]]:
    """The arguments of each page's address."""
    found: dict[str, set[str]] = {}

    def walk(resolver, prefix: str) -> None:
        for pattern in resolver.url_patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
            else:
                found[f"{prefix}{pattern.name}"] = set(pattern.pattern.converters)

    walk(get_resolver(), "")
    return found


def test_every_argument_of_an_address_is_known_as_a_record_or_as_none():
    named = {name for route, names in arguments().items() if not route.startswith("api:") for name in names}
    assert named <= set(RECORDS) | NO_RECORD
    assert not set(RECORDS) & NO_RECORD
    assert route_names() >= LISTS | PARTS


def events(**those):
    return AuditEvent.objects.filter(**those)


def test_every_page_that_shows_a_clients_record_is_on_record(service, other_service):
    """Each page of a record and each list, opened by its therapist or her supervisor, leaves an event."""
    world = make_world(service, other_service)
    shown, silent = set(), []
    for route in sorted(route_names()):
        for who in ("ada", "ruth"):
            browser = world.browser(who)
            if PAGES[route] in {Who.ANYONE, Who.NOBODY}:
                continue
            with transaction.atomic():
                before = events().count()
                response = browser.get(address(world, route))
                response.getvalue()
                is_shown = shown_on(route, response.resolver_match.kwargs, None) is not None
                if response.status_code == 200 and is_shown:
                    shown.add(route)
                    new = events().count() - before
                    person = set(events().order_by("-number").values_list("person", flat=True)[:new])
                    if new < 1 or person != {world.person(who).pk}:
                        silent.append((route, who, new))
                transaction.set_rollback(True)
    assert not [one for one in silent if one[0] not in PARTS], silent
    assert len(shown) > 50


@pytest.mark.parametrize("route", ["clients:goal-edit", "sessions_app:process-note-edit", "ruptures:rupture-edit"])
def test_the_event_of_a_page_names_client_page_and_machine(service, other_service, route):
    world = make_world(service, other_service)
    before = events().count()
    assert world.browser("ada").get(address(world, route), REMOTE_ADDR="192.0.2.7").status_code == 200
    assert events().count() == before + 1, "one page, one event"
    event = events().order_by("-number")[0]
    assert event.person == service.ada
    assert (event.client_id, event.via, event.address) == (world.episode.client_id, Via.PAGE, "192.0.2.7")


def test_parts_that_renew_themselves_add_nothing_to_the_page_and_are_on_record_without_it(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.rate_as_client(factories.make_session(episode))
    browser = browser_of(service.ruth)
    mine = events(person=service.ruth, client_id=episode.client_id)
    figure = reverse("dashboards:episode-figure", args=[episode.pk])
    for _ in range(3):
        assert browser.get(figure).status_code == 200
    assert list(mine.values_list("fields", flat=True)) == [["dashboards:episode-figure"]]
    browser.get(reverse("dashboards:episode", args=[episode.pk]))
    browser.get(figure)
    assert mine.count() == 2


def test_a_list_is_one_event_however_many_clients_are_on_it(service, browser_of):
    for number in range(3):
        factories.make_episode(service.ada, code=f"L-{number}")
    before = events().count()
    browser_of(service.ada).get(reverse("clients:client-list"))
    new = events(action="list.viewed", person=service.ada)
    assert [(event.client_id, event.fields) for event in new] == [(None, ["clients:client-list"])]
    assert events().count() - before <= 2, "and the sign-in"


def test_what_is_refused_is_kept_although_the_request_is_taken_back(committed, client):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
    client.post(reverse("account_login"), {"login": service.tom.email, "password": factories.PASSWORD})
    assert client.get(reverse("dashboards:episode", args=[episode.pk])).status_code == 404
    assert client.get(reverse("dashboards:episode", args=[service.ada.pk])).status_code == 404
    with acting_in(service.organisation.pk):
        refused = events(action="record.refused", person=service.tom).order_by("number")
        assert [event.client_id for event in refused] == [episode.client_id, None]
        assert refused[0].address == "127.0.0.1"


def test_a_form_that_was_refused_shows_the_record_and_is_on_record(committed, client):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
    client.post(reverse("account_login"), {"login": service.ada.email, "password": factories.PASSWORD})
    with acting_in(service.organisation.pk):
        before = events(client_id=episode.client_id).count()
    answer = client.post(reverse("clients:client-edit", args=[episode.client_id]), {"code": ""})
    assert answer.status_code == 422
    with acting_in(service.organisation.pk):
        assert events(client_id=episode.client_id).count() == before + 1


def test_of_a_client_who_rates_through_a_link_no_address_is_kept(service, other_service):
    world = make_world(service, other_service)
    browser = factories.Browser()
    browser.get(reverse("measures:link", args=[world.token]))
    assert browser.post(address(world, "measures:rate"), content(world, "measures:rate")).status_code == 302
    event = events(via=Via.LINK).order_by("-number")[0]
    assert (event.client_id, event.address, event.person) == (world.episode.client_id, None, None)


def test_the_number_of_an_event_is_the_databases(service):
    event = AuditEvent(
        organisation=service.organisation, number=7, action="x", object_type="x", object_id=service.ada.pk
    )
    event.save()
    event.refresh_from_db()
    assert event.number == events().order_by("-number")[0].number != 7
