"""The access table of the pages, run against the API: whoever may not open a page may not ask for it here either."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts.access import PAGES
from accounts.models import ApiToken, AuditEvent, User
from measures.models import Rating
from tests import factories
from tests.access.test_pages import COUNTED, answer_for, checksum, hidden_from, written
from tests.access.world import CANARIES, EVERYBODY, NOTES, OVER_TIME, World, all_routes, make_world
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
    answer = answer_for("GET" if method in ("GET", "HEAD") else "POST", page, who)
    return 201 if method == "POST" and answer == "302" else int(answer)


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
            accounts.update_person(
                person=person, version=User.objects.get(pk=person.pk).version, is_active=False, by=world.service.sam
            )
    return Program(text, raise_request_exception=False)


def ask(world: World, asking: Program, method: str, route: str):
    if method == "POST":
        return asking.send(address(world, route), BODIES.get(route, {}))
    return getattr(asking, method.lower())(address(world, route))


def difference(world: World, before: dict[str, str], method: str, route: str, who: str) -> list[str]:
    """In what the answer is not that of the page, a refusal wrote something or a body holds what it must not."""
    if who not in world.programs:
        world.programs[who] = program(world, who)
    found = []
    with transaction.atomic():
        response = ask(world, world.programs[who], method, route)
        status, body = response.status_code, response.content.decode()
        if status != expected(method, route, who):
            found.append(f"is {status}, not {expected(method, route, who)}")
        if status >= 400 and method != "HEAD" and not is_problem(response):
            found.append("is refused in other words than as a problem")
        if status >= 400 and method == "POST":
            found += [f"was refused, and yet wrote to {name}" for name in written(world, before)]
        hidden = [it for what, it in CANARIES.items() if what in hidden_from(who)]
        hidden += [*NOTES.values(), *COUNTED.values(), CANARIES["comment"], world.token, str(sealed_rating(world).pk)]
        found += [f"shows {it}" for it in hidden if it in body]
        if method == "GET" and status == 200 and hidden_from(who):
            records = {kind: str(of(world)) for kind, of in RECORDS.items() if (who, kind) != KNOWS_THE_CLIENT}
            found += [f"tells of Ada's {kind}" for kind, pk in records.items() if pk in body]
        transaction.set_rollback(True)
    return [f"API {method} {route} as {who} {what}" for what in found]


def is_problem(response) -> bool:
    is_one = response["Content-Type"] == "application/problem+json"
    return is_one and json.loads(response.content)["status"] == response.status_code


def sealed_rating(world: World) -> Rating:
    """A client's that waits for the therapist's own."""
    return world.sealed.ratings.get(rater="client")


# How a program may present itself, besides with a token that works: what it is answered.
TOKENS = {"read": 403, "expired": 401, "revoked": 401, "mistyped": 401}


def token_of(world: World, kind: str) -> Program:
    token, text = factories.make_token(world.service.ada, scope="read" if kind == "read" else "write")
    if kind == "expired":
        # Time can't be waited for: only the days are moved.
        over = timezone.now() - timedelta(days=1)
        ApiToken.objects.filter(pk=token.pk).update(created_at=over - timedelta(days=1), expires_at=over)
    elif kind == "revoked":
        accounts.revoke_token(token=token, by=world.service.ada)
    elif kind == "mistyped":
        text = text[:-1] + ("a" if text[-1] != "a" else "b")
    return Program(text, raise_request_exception=False)


def token_difference(world: World, before: dict[str, str], method: str, route: str, kind: str) -> list[str]:
    """Where a token that only reads writes, or one that does not work opens something."""
    with transaction.atomic():
        asking = token_of(world, kind)
        response = ask(world, asking, method, route)
        own = {f"{world.service.organisation.slug}: {table}" for table in ("accounts_apitoken", "jobs_route")}
        found = [f"wrote to {name}" for name in written(world, before) if name not in own]
        if response.status_code != TOKENS[kind]:
            found.append(f"is {response.status_code}, not {TOKENS[kind]}")
        transaction.set_rollback(True)
    return [f"API {method} {route} with a token ({kind}) {what}" for what in found]


def test_every_address_stands_for_pages_of_the_table():
    for route in routes():
        assert pages_of(route) and set(pages_of(route).values()) <= set(PAGES), route


@pytest.mark.parametrize("who", [*EVERYBODY, *OVER_TIME])
def test_everybody_gets_what_the_page_would_give_them(world, who):
    world.programs[who] = program(world, who)
    before = checksum(world)
    found = [one for route in routes() for method in METHODS for one in difference(world, before, method, route, who)]
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
    before = checksum(world)
    assert not [one for route in BODIES for one in token_difference(world, before, "POST", route, "read")]
    refused = ask(world, token_of(world, "read"), "POST", "session-log")
    assert refused.json()["detail"] == "This token may only read."


def test_a_token_that_does_not_work_opens_nothing(world):
    before = checksum(world)
    asked = [("GET", route) for route in routes() if "GET" in pages_of(route)] + [("POST", route) for route in BODIES]
    for kind in TOKENS.keys() - {"read"}:
        assert not [one for method, route in asked for one in token_difference(world, before, method, route, kind)]


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
    assert codes["ada"] == sorted(["A-1", "P-1", "S-1-canary", CANARIES["code"], "I-1"])
    assert codes["ruth"] == codes["vera"] == codes["cover"] == codes["ada"]
    assert codes["tom"] == codes["otto"] == ["T-1"]
    assert codes["elsewhere's ada"] == ["E-1"]


def test_what_was_read_is_on_record_for_each_client(world):
    program(world, "ada").get(reverse("api:session", args=[world.session.pk]))
    event = AuditEvent.objects.get(action="api.session-read")
    assert (event.person, event.client_id) == (world.service.ada, world.episode.client_id)
    program(world, "ada").get(reverse("api:client-list"))
    assert AuditEvent.objects.filter(action="api.client-read").count() == 5


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
