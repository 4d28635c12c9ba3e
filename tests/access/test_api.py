"""The access table of the pages, run against the API: whoever may not open a page may not ask for it here either."""

import json
import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from accounts import actions as accounts
from accounts.access import PAGES
from accounts.models import AuditEvent
from tests import factories
from tests.access.test_pages import BUT, GET, OVER_TIME, POST, checksum, hidden_from, read_table
from tests.access.world import CANARIES, EVERYBODY, HELD_BACK, NOTES, World, all_routes, make_world
from tests.factories import Program

pytestmark = pytest.mark.django_db

# Of each kind of record: one of Ada's.
RECORDS = {
    "client": lambda world: world.episode.client_id,
    "episode": lambda world: world.episode.pk,
    "session": lambda world: world.session.pk,
    "rating": lambda world: world.session.ratings.first().pk,
    "rating-fhir": lambda world: world.session.ratings.first().pk,
    "rating-request": lambda world: world.request.pk,
    "trend": lambda world: world.signal.session.episode.trends.first().pk,
    "signal": lambda world: world.signal.pk,
    "rupture": lambda world: world.rupture.pk,
    "session-log": lambda world: world.episode.pk,
    "session-ratings": lambda world: world.session.pk,
    "session-requests": lambda world: world.unrated.pk,
    "signal-answer": lambda world: world.signal.pk,
    "rupture-state": lambda world: world.rupture.pk,
}
BODIES: dict[str, dict[str, Any]] = {
    "client-list": {
        "code": "R-9",
        "modality": "cbt",
        "practitioner_title": "Psychologist",
        "started_on": "2026-01-05",
    },
    "session-log": {"held_on": "2026-11-02"},
    "session-ratings": {"instrument": "session-check-in", "answers": {"1": 5}},
    "session-requests": {"instrument": "session-check-in"},
    "signal-answer": {"answer": "dismissed", "reason": "talked"},
    "rupture-state": {"state": "resolved"},
}
# Her code and name stand on the page of the episode that he handed over, which this record is read from.
KNOWS_THE_CLIENT = ("former", "client")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def routes() -> list[str]:
    return sorted(name.removeprefix("api:") for name in all_routes() if name.startswith("api:"))


def address(world: World, route: str) -> str:
    return reverse(f"api:{route}", args=[RECORDS[route](world)] if route in RECORDS else [])


def pages_of(route: str) -> dict[str, str]:
    name = f"api:{route}"
    arguments = [uuid.uuid4()] if route in RECORDS else []
    return resolve(reverse(name, args=arguments)).func.view_class.pages


def expected(method: str, route: str, who: str) -> int:
    """What the page says, in the words of an API."""
    if who in ("nobody", "left"):
        return 401
    page = pages_of(route).get("GET" if method == "HEAD" else method)
    if page is None:
        return 405
    if (who, route) == KNOWS_THE_CLIENT:
        return 200
    table = GET if method in ("GET", "HEAD") else POST
    answer = BUT.get((who, page), {}).get("POST" if table is POST else "GET")
    answer = answer or read_table(table)[page][OVER_TIME.get(who, who)]
    if table is POST:
        return 201 if answer == "302" else int(answer)
    return int(answer)


@pytest.fixture
def world(service, other_service):
    return make_world(service, other_service)


def program(world: World, who: str, scope: str = "write") -> Program:
    """With a token that has been used before, so that a request has nothing to note about it."""
    if who == "nobody":
        return Program(raise_request_exception=False)
    person = world.person(who)
    with factories.acting_in(person.organisation_id):
        token, text = factories.make_token(person, scope=scope)
        accounts.note_token_used(token=token)
        if who == "left":
            accounts.update_person(person=person, version=person.version, is_active=False, by=world.service.sam)
    return Program(text, raise_request_exception=False)


def ask(world: World, asking: Program, method: str, route: str):
    if method == "POST":
        return asking.send(address(world, route), BODIES.get(route, {}))
    return getattr(asking, method.lower())(address(world, route))


def test_every_address_stands_for_pages_of_the_table():
    for route in routes():
        assert pages_of(route) and set(pages_of(route).values()) <= set(PAGES), route


@pytest.mark.parametrize("who", [*EVERYBODY, *OVER_TIME])
def test_everybody_gets_what_the_page_would_give_them(world, who):
    asking = program(world, who)
    before = checksum(world)
    found = []
    for route in routes():
        for method in METHODS:
            with transaction.atomic():
                response = ask(world, asking, method, route)
                status, body = response.status_code, response.content.decode()
                if status != expected(method, route, who):
                    found.append(f"{method} {route} as {who} is {status}, not {expected(method, route, who)}: {body}")
                if status >= 400 and method != "HEAD":
                    assert response["Content-Type"] == "application/problem+json", (method, route)
                    assert json.loads(body)["status"] == status
                if status >= 400 and method == "POST" and checksum(world) != before:
                    found.append(f"{method} {route} as {who} was refused, and yet wrote")
                shown = [it for what, it in CANARIES.items() if what in hidden_from(who) and it in body]
                shown += [it for it in (*NOTES.values(), HELD_BACK, CANARIES["comment"], "unseen") if it in body]
                found += [f"{method} {route} as {who} shows {it}" for it in shown]
                transaction.set_rollback(True)
    assert not found, "\n".join(found)


def test_a_session_cookie_is_no_token(world):
    browser = world.browser("ada")
    for route in routes():
        assert browser.get(address(world, route)).status_code == 401


def test_a_token_is_who_it_says_whatever_cookie_comes_with_it(world):
    _token, text = factories.make_token(world.service.tom)
    browser = world.browser("ada")
    asked = browser.get(address(world, "episode"), headers={"authorization": f"Bearer {text}"})
    assert asked.status_code == 404


def test_a_token_that_may_only_read_writes_nothing(world):
    asking = program(world, "ada", scope="read")
    for route in BODIES:
        response = ask(world, asking, "POST", route)
        assert (response.status_code, response.json()["detail"]) == (403, "This token may only read.")


def test_an_address_that_is_not_there_is_answered_as_a_problem(world):
    response = program(world, "ada").get("/api/v1/nothing")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


def test_lists_hold_what_is_the_persons_and_nothing_else(world):
    """Ada sees her clients, her supervisor the same, a colleague only his own, another service only its own."""
    codes = {}
    for who in ("ada", "ruth", "vera", "cover", "tom", "otto", "elsewhere's ada"):
        codes[who] = sorted(
            row["code"] for row in program(world, who).get(reverse("api:client-list")).json()["results"]
        )
    assert codes["ada"] == sorted(["P-1", "S-1-canary", CANARIES["code"], "I-1"])
    assert codes["ruth"] == codes["vera"] == codes["cover"] == codes["ada"]
    assert codes["tom"] == codes["otto"] == ["T-1"]
    assert codes["elsewhere's ada"] == ["E-1"]


def test_what_was_read_is_on_record_for_each_client(world):
    program(world, "ada").get(reverse("api:session", args=[world.session.pk]))
    event = AuditEvent.objects.get(action="api.session-read")
    assert (event.person, event.client_id) == (world.service.ada, world.episode.client_id)
    program(world, "ada").get(reverse("api:client-list"))
    assert AuditEvent.objects.filter(action="api.client-read").count() == 4


LISTS = ("client", "episode", "session", "rating", "rating-request", "trend", "signal", "rupture")


def queries(asking: Program, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert asking.get(url).status_code == 200
    return len(captured)


def test_a_list_asks_as_often_whatever_its_length(world):
    asking = program(world, "ada")
    for kind in LISTS:
        short = queries(asking, reverse(f"api:{kind}-list") + "?page_size=1")
        long = queries(asking, reverse(f"api:{kind}-list") + "?page_size=100")
        assert short == long, kind
        assert long <= 26, kind
