"""The audit trail in the browser of an administrator: who saw or changed what, by person, client, kind and time."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.audit import record_event
from accounts.models import AuditEvent
from clients.models import Client
from jobs.organisation import acting_in
from reports import trail
from tests import factories

pytestmark = pytest.mark.django_db
URL = "/audit/"


def rows_of(response) -> list[dict[str, str]]:
    text = response.content.decode().removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada, code="R-0417", name="Rowan-canary")


@pytest.fixture
def seen(service, episode, browser_of):
    """Ada has opened the client's episode, and Tom his own."""
    browser_of(service.ada).get(reverse("dashboards:episode", args=[episode.pk]), REMOTE_ADDR="192.0.2.7")
    other = factories.make_episode(service.tom, code="T-1")
    browser_of(service.tom).get(reverse("dashboards:episode", args=[other.pk]))


def test_who_saw_a_client_between_two_moments_is_one_form(service, seen, browser_of):
    now = timezone.localtime(timezone.now(), service.organisation.zone)
    asked = {"client": "r-0417", "since": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}", "kind": "opened",
             "until": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}"}  # fmt: skip
    found = rows_of(browser_of(service.sam).get(f"{URL}audit.csv", asked))
    assert [(row["who"], row["what"], row["client"], row["from"]) for row in found] == [
        (service.ada.name, "Episode: viewed", "R-0417", "In the browser, 192.0.2.7")
    ]
    before = asked | {"until": asked["since"], "since": ""}
    assert rows_of(browser_of(service.sam).get(f"{URL}audit.csv", before)) == []


def test_the_page_names_clients_by_code_and_says_nothing_of_what_was_written(service, seen, browser_of):
    page = browser_of(service.sam).get(URL).content.decode()
    assert "Episode: viewed" in page and "R-0417" in page and "192.0.2.7" in page
    assert "Rowan-canary" not in page


def test_by_person(service, seen, browser_of):
    found = rows_of(browser_of(service.sam).get(f"{URL}audit.csv", {"by": service.tom.pk}))
    assert {row["who"] for row in found} == {service.tom.name}
    assert "T-1" in {row["client"] for row in found}


def test_a_code_that_no_client_has_finds_nothing_and_says_so(service, seen, browser_of):
    page = browser_of(service.sam).get(URL, {"client": "nobody"})
    assert page.status_code == 200 and "Nothing on record" in page.content.decode()


def test_times_that_cannot_be_are_refused_beside_the_field(service, browser_of):
    page = browser_of(service.sam).get(URL, {"since": "2026-02-30T10:00"})
    assert page.status_code == 422 and "a time that exist" in page.content.decode()
    page = browser_of(service.sam).get(URL, {"since": "2026-02-02T10:00", "until": "2026-02-01T10:00"})
    assert page.status_code == 422 and "not after the beginning" in page.content.decode()


@pytest.mark.parametrize(
    "after",
    [
        "x",
        "~",
        "\x00",
        "2026-01-01T00:00:00Z~x",
        "2026-01-01T00:00:00~1",
        "2026-01-01T00:00:00Z~" + "9" * 30,
    ],
)
def test_a_place_to_go_on_from_that_nobody_gave_is_not_looked_at(service, after, browser_of):
    assert browser_of(service.sam).get(URL, {"after": after}).status_code == 200


def test_pages_follow_each_other_and_show_every_event_once(service):
    for _ in range(trail.ON_A_PAGE * 2 + 3):
        record_event("client.changed", service.ada, organisation_id=service.organisation.pk, by=service.ada)
    found, after, sizes = [], "", []
    while after is not None:
        page = trail.page(trail.events(service.sam, trail.Asked(by=service.ada)), after=after)
        found += [row.event.pk for row in page.rows]
        sizes.append(len(page.rows))
        after = page.after
    assert sizes == [50, 50, 3]
    assert sorted(found) == sorted(AuditEvent.objects.filter(person=service.ada).values_list("pk", flat=True))


def test_a_later_page_asks_as_few_queries_as_the_first(service, django_assert_max_num_queries, browser_of):
    for _ in range(trail.ON_A_PAGE + 1):
        record_event("client.changed", service.ada, organisation_id=service.organisation.pk, by=service.ada)
    sam = browser_of(service.sam)
    sam.get(URL)
    with django_assert_max_num_queries(12):
        sam.get(URL)


def test_events_of_a_client_who_is_gone_stay_together_without_a_code(service, episode):
    gone = episode.pk
    record_event("client.changed", service.ada, organisation_id=service.organisation.pk, client_id=gone, by=service.ada)
    row = trail.page(trail.events(service.sam, trail.Asked(by=service.ada))).rows[0]
    assert row.client == f"erased, {str(gone)[:8]}" and not Client.objects.filter(pk=gone).exists()


def test_another_services_events_are_not_there(service, other_service, browser_of):
    theirs = other_service.organisation.pk
    with acting_in(theirs):
        record_event("client.changed", other_service.ada, organisation_id=theirs, by=other_service.ada)
    found = rows_of(browser_of(service.sam).get(f"{URL}audit.csv"))
    assert found and str(other_service.ada.pk) not in {row["object id"] for row in found}


def test_that_it_was_taken_out_is_an_event_itself(service, browser_of):
    browser_of(service.sam).get(f"{URL}audit.csv")
    assert AuditEvent.objects.get(action="audit.exported").person == service.sam


def test_nothing_of_it_can_be_changed_by_the_application(service):
    record_event("client.changed", service.ada, organisation_id=service.organisation.pk, by=service.ada)
    for change in (
        lambda: AuditEvent.objects.update(action="x"),
        lambda: AuditEvent.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
