"""Bad inputs over everything that takes any: forms, queries, the API, files to import, links.

None is answered with a fault of ours; of what is refused nothing is left; what is taken is whole, and can be shown.
`make bad-inputs` makes 10,000 and prints the figures; elsewhere it is a tenth of them. Routes and what is sent to them
well come from the tables of access, and the names of what a page asks for from the page itself.
"""

import os
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import resolve

from accounts import api
from accounts.middleware import PrivateHeadersMiddleware
from accounts.models import AuditEvent
from clients.models import Client
from measures.models import RatingRequest
from reports import actions as imports
from reports.mapping import MappingError
from reports.models import ImportBatch
from tests import factories
from tests.access.bad import LIVE, Bad, Maker
from tests.access.test_api import BODIES, pages_of, program
from tests.access.test_api import address as api_address
from tests.access.test_api import routes as api_routes
from tests.access.test_foreign_ids import writer
from tests.access.test_pages import answer_for, checksum, touched, written
from tests.access.world import EVERYBODY, IMPORT_MAPPING, World, address, content, make_world, route_names

pytestmark = pytest.mark.django_db
HOW_MANY = int(os.environ.get("ALLIANCE_BAD_INPUTS", "1000"))
SEED = int(os.environ.get("ALLIANCE_BAD_INPUTS_SEED", "9"))
# So much of each hundred.
SHARES = {"forms": 46, "queries": 18, "API": 14, "import files": 8, "links": 14}
LINKS = (
    "measures:link",
    "measures:rate",
    "measures:stop",
    "measures:thanks",
    "measures:rate-next",
    "accounts:choose-password",
)
# What is written and no deed: the form's own key, what is being typed, work for later; and when a token was used.
NO_RECORD = {"accounts_submission", "sessions_app_logdraft", "jobs_job"}


@dataclass(frozen=True)
class Place:
    """A route as somebody who may go there asks it: where it is, what it is sent well, what it asks for."""

    route: str
    who: str
    address: str
    good: dict[str, Any]
    names: tuple[str, ...]
    parts: tuple[str, ...]


@contextmanager
def names_asked_for() -> Iterator[set[str]]:
    """Whatever any page asks meanwhile of what it was sent."""
    asked: set[str] = set()
    patch = pytest.MonkeyPatch()

    def noting(name: str) -> Callable[..., Any]:
        original = getattr(QueryDict, name)

        def ask(data: QueryDict, key: str, *args: Any) -> Any:
            asked.add(key)
            return original(data, key, *args)

        return ask

    for name in ("get", "getlist", "__getitem__", "__contains__"):
        patch.setattr(QueryDict, name, noting(name))
    try:
        yield asked
    finally:
        patch.undo()
        asked -= {"csrfmiddlewaretoken"}


def browser_of(world: World, who: str) -> factories.Browser:
    browser = world.browser("nobody" if who == "client" else who)
    if who == "client":
        browser.cookies[f"rating-{world.request.pk.hex}"] = world.token
    return browser


def place(world: World, route: str, who: str, method: str) -> Place:
    """The request as it should be is taken back."""
    to, good = address(world, route), content(world, route) if method == "POST" else {}
    with names_asked_for() as asked, transaction.atomic():
        getattr(browser_of(world, who), method.lower())(to, good).getvalue()  # lets go of a file
        transaction.set_rollback(True)
    parts = tuple(str(value) for value in resolve(to).kwargs.values())
    return Place(route, who, to, good, tuple(sorted(asked)), parts)


def reader(route: str) -> str | None:
    """Who is shown the page."""
    for who in ("ada", "sam", "ruth", "nobody"):
        if answer_for("GET", route, who) in {"200", "302"} and not (who == "nobody" and route in LINKS):
            return who
    return None


class Places:
    """Everything that takes any input, by where the figures count it."""

    def __init__(self, world: World) -> None:
        names = sorted(route_names())
        self.forms = [place(world, name, who, "POST") for name in names if (who := writer(name)) and name not in LINKS]
        self.queries = [place(world, name, who, "GET") for name in names if (who := reader(name))]
        self.links = [place(world, name, "client", "GET") for name in LINKS]
        self.sent_by_links = [
            place(world, name, "client", "POST") for name in LINKS if answer_for("POST", name, "nobody") != "405"
        ]
        self.of_import = place(world, "reports:import-create", "sam", "POST")
        self.lists = [self.of_api(world, name) for name in api_routes() if "GET" in pages_of(name)]
        self.bodies = [self.of_api(world, name) for name in api_routes() if "POST" in pages_of(name)]
        self.asking = [one for one in self.queries if one.names]

    def of_api(self, world: World, name: str) -> Place:
        to = api_address(world, name)
        match = resolve(to)
        serializer = getattr(match.func.view_class, "query_serializer", None)
        names = [*serializer().fields, *api.PAGING, "page_size"] if serializer else []
        return Place(
            f"api:{name}", "ada", to, BODIES.get(name, {}), tuple(names), tuple(map(str, match.kwargs.values()))
        )


def bad_inputs(world: World, places: Places, maker: Maker, count: int) -> Iterator[tuple[str, Place, Bad]]:
    """Where, the place, and the input; each place of a kind in its turn."""
    turns: Counter[str] = Counter()
    kinds = [where for where, share in SHARES.items() for _one in range(share)]

    def turn(of: str, among: list[Place]) -> Place:
        turns[of] += 1
        return among[turns[of] % len(among)]

    for number in range(count):
        where = kinds[(number * 37) % len(kinds)]
        if where == "forms":
            one = turn(where, places.forms)
            yield where, one, maker.form(one.address, one.good, one.names)
        elif where == "queries":
            if maker.random.random() < 0.7:
                one = turn("asking", places.asking)
                yield where, one, maker.query(one.address, one.names)
            else:
                one = turn(where, places.queries)
                bad = maker.path(one.address, one.parts) if one.parts else maker.query(one.address, one.names)
                yield where, one, bad
        elif where == "API":
            if maker.random.random() < 0.6:
                one = turn("bodies", places.bodies)
                yield where, one, maker.json(one.address, one.good, ())
            else:
                one = turn("lists", places.lists)
                in_address = one.parts and maker.random.random() < 0.5
                yield (
                    where,
                    one,
                    (maker.path(one.address, one.parts) if in_address else maker.query(one.address, one.names)),
                )
        elif where == "import files":
            one = places.of_import
            yield where, one, maker.file(one.address, IMPORT, one.names)
        elif maker.random.random() < 0.55:
            one = turn("sent", places.sent_by_links)
            yield where, one, maker.form(one.address, one.good, one.names)
        else:
            one = turn(where, places.links)
            how = maker.random.choice((maker.path, maker.query))
            yield where, one, how(one.address, one.parts if how == maker.path else one.names)


# --- What became of one --------------------------------------------------------------------------------


class Answered:
    """The figures, and whatever is wrong, in words that lead back to the input."""

    columns = ("made", "refused", "accepted", "redirected", "500s", "partial writes")

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.found: list[str] = []

    def table(self) -> str:
        rows = [*self.counts.items(), ("together", sum(self.counts.values(), Counter()))]
        lines = [f"{'':14}" + "".join(f"{column:>16}" for column in self.columns)]
        lines += [f"{where:14}" + "".join(f"{count[column]:16,}" for column in self.columns) for where, count in rows]
        return "\n".join(lines)


def send(sender: factories.Browser, bad: Bad, number: int) -> HttpResponse:
    """Each from a machine of its own, so that none is only told that there were too many."""
    at, _, query = bad.address.partition("?")
    headers = {
        "REMOTE_ADDR": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        "QUERY_STRING": query,
        **bad.headers,
    }
    if bad.cookies:
        kept = "; ".join(f"{name}={morsel.value}" for name, morsel in sender.cookies.items())
        headers["HTTP_COOKIE"] = f"{kept}; {bad.cookies}"
    return sender.generic(bad.method, at, bad.body, bad.content_type, **headers)


def is_refused(answer: HttpResponse) -> bool:
    to = answer.headers.get("Location", "")
    return answer.status_code >= 400 or to.startswith("/sign-in/?")


def fault_of(answer: HttpResponse) -> str:
    """A fault of ours, with where it was raised."""
    error = (getattr(answer, "exc_info", None) or [None, None])[1]
    return f"is answered {answer.status_code}: {type(error).__name__}: {str(error)[:300]}"


def checked_by_its_job(world: World) -> None:
    """A file that was taken is read by its job, and written where it can be."""
    batch = ImportBatch.objects.latest("created_at")
    try:
        imports.map_columns(
            batch=batch, mapping=IMPORT_MAPPING, therapist=world.service.ada, start_date=None, by=world.service.sam
        )
    except (MappingError, ValidationError):
        return
    batch = imports.check_import(batch_id=batch.pk)
    if batch.state == ImportBatch.State.READY:
        imports.write_import(batch=batch, by=world.service.sam)
        while batch.is_under_way:
            batch = imports.write_next_step(batch_id=batch.pk)


def broken(
    world: World, sender: factories.Browser, where: str, answer: HttpResponse, records: list[str], events: int
) -> Iterator[str]:
    """What is not whole about an input that was taken."""
    connection.check_constraints()
    if records and AuditEvent.objects.count() == events:
        yield f"wrote to {', '.join(records)} and not to the record of who did what"
    to = answer.headers.get("Location", "").removeprefix("http://testserver")
    if to.startswith("/"):
        shown = sender.get(to)
        shown.getvalue()  # lets go of a file
        if shown.status_code >= 500:
            yield f"was taken, and {to} then {fault_of(shown)}"
    if where == "import files" and answer.status_code == 302:
        checked_by_its_job(world)
        connection.check_constraints()


class Judge:
    """Sends inputs one by one, each taken back afterwards."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asking = {"ada": program(world, "ada")}
        self.before = checksum(world)
        self.events = AuditEvent.objects.count()
        self.answered = Answered()

    def sender(self, place: Place) -> factories.Browser:
        if not place.route.startswith("api:"):
            return browser_of(self.world, place.who)
        asking = self.asking[place.who]
        asking.defaults["HTTP_IDEMPOTENCY_KEY"] = str(uuid.uuid4())
        return asking

    def judge(self, where: str, place: Place, bad: Bad, number: int) -> None:
        counts, found = self.answered.counts[where], []
        with transaction.atomic():
            rows, sender = touched(), self.sender(place)
            answer = send(sender, bad, number)
            body = answer.getvalue()
            tables = written(self.world, self.before) if touched() != rows else []
            counts["made"] += 1
            if answer.status_code >= 500:
                counts["500s"] += 1
                found.append(fault_of(answer))
            if is_refused(answer):
                counts["refused"] += 1
                counts["partial writes"] += bool(tables)
                found += [f"was refused, and yet wrote to {name}" for name in tables]
            else:
                counts["redirected" if answer.status_code in {301, 302} else "accepted"] += 1
                no_record = NO_RECORD | ({"accounts_apitoken"} if where == "API" else set())
                records = [name for name in tables if name.partition(": ")[2] not in no_record]
                found += self.whole(sender, where, answer, records)
            if LIVE in body and answer["Content-Type"].startswith("text/html"):
                found.append("shows a payload as it was sent, to be carried out")
            transaction.set_rollback(True)
        self.answered.found += [
            f"#{number} {where} {bad.method} {place.route} as {place.who}: {bad.what[:160]}: {one}" for one in found
        ]

    def whole(self, sender: factories.Browser, where: str, answer: HttpResponse, records: list[str]) -> list[str]:
        try:
            return list(broken(self.world, sender, where, answer, records, self.events))
        except Exception as error:
            self.answered.counts[where]["partial writes"] += 1
            return [f"was taken, and is not whole: {type(error).__name__}: {str(error)[:300]}"]


IMPORT = b"who,nr,day,q1,q2,q3,q4\nI-9,1,2024-01-01,5,5,5,5\nI-9,2,2024-01-08,6,4,5,5\n"


@pytest.fixture
def world(service, other_service, monkeypatch):
    monkeypatch.setattr("accounts.api.REQUESTS_A_MINUTE", 10**9)
    world = make_world(service, other_service)
    for who in EVERYBODY:
        world.browser(who)
    return world


def ids_of_others(world: World) -> list[str]:
    with factories.acting_in(world.other.organisation.pk):
        foreign = [str(pk) for model in (Client, RatingRequest) for pk in model.objects.values_list("pk", flat=True)]
    return [*foreign, str(world.other.ada.pk), str(world.service.tom.pk), str(world.handed_over.pk)]


def judged(world: World, count: int) -> Answered:
    places, judge = Places(world), Judge(world)
    for number, (where, place, bad) in enumerate(bad_inputs(world, places, Maker(SEED, ids_of_others(world)), count)):
        judge.judge(where, place, bad, number)
    return judge.answered


def test_nothing_that_is_sent_badly_is_answered_with_a_fault_or_half_written(world, capsys):
    answered = judged(world, HOW_MANY)
    if "ALLIANCE_BAD_INPUTS" in os.environ:
        with capsys.disabled():
            sys.stdout.write(f"\nseed {SEED}\n{answered.table()}\n")
    assert not answered.found, "\n".join(["", *answered.found])
    together = sum(answered.counts.values(), Counter())
    assert together["made"] == HOW_MANY and set(answered.counts) == set(SHARES)
    # Were all refused at the door, nothing behind it would have been asked.
    assert min(together[column] for column in ("refused", "accepted", "redirected")) > HOW_MANY / 50


# --- The test of the test --------------------------------------------------------------------------------


def a_fault_of_ours(middleware: PrivateHeadersMiddleware, request: HttpRequest) -> HttpResponse:
    raise KeyError("planted")


def a_refusal_that_has_written(middleware: PrivateHeadersMiddleware, request: HttpRequest) -> HttpResponse:
    Client.objects.update(version=9)
    return HttpResponse(status=422)


def a_deed_without_record(middleware: PrivateHeadersMiddleware, request: HttpRequest) -> HttpResponse:
    Client.objects.update(version=9)
    return HttpResponse()


def a_payload_as_it_was_sent(middleware: PrivateHeadersMiddleware, request: HttpRequest) -> HttpResponse:
    return HttpResponse(LIVE)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (a_fault_of_ours, "is answered 500: KeyError"),
        (a_refusal_that_has_written, "was refused, and yet wrote to harbour: clients_client"),
        (a_deed_without_record, "wrote to harbour: clients_client and not to the record"),
        (a_payload_as_it_was_sent, "to be carried out"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_planted_is_found(world, monkeypatch, fault, words):
    monkeypatch.setattr(PrivateHeadersMiddleware, "__call__", fault)
    place = Place("clients:client-create", "ada", "/clients/new/", {}, (), ())
    judge = Judge(world)
    judge.judge("forms", place, Maker(SEED).form(place.address, {"code": "C-9"}, ["code"]), 0)
    assert any(words in one for one in judge.answered.found), judge.answered.found
