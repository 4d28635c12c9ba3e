"""Requests of two services over one shared pool of connections: whatever the code forgets, no row of the other one.

Four threads take turns at three connections that really commit. On each of them requests of both services come one
after the other, mixed by a fixed seed: pages, files, fragments, the API, clients' links; what writes, is refused, is
not found or fails; and each address with the id of the other service's record. The code is made to forget `visible_to`
throughout.

A run asks 1,000 times; `make shared-pool` 10,000 times, and prints what it counted.
"""

import io
import itertools
import json
import os
import queue
import random
import re
import sys
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.apps import apps
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.db.models import Q, UUIDField
from django.test import RequestFactory
from django.urls import reverse

from jobs.organisation import acting_in
from ruptures import actions as ruptures
from tests import conftest, factories
from tests.access.test_seeded_faults import without_row_level_security

REQUESTS = int(os.environ.get("ALLIANCE_POOL_REQUESTS", "1000"))
THREADS, CONNECTIONS, PATIENCE = 4, 3, 600
READERS = (
    "clients.models.episodes.reach", "clients.models.agreements.reach", "sessions_app.models.reach",
    "measures.models.reach", "measures.models.risk.reach", "measures.models.service.reach", "ruptures.models.reach",
)  # fmt: skip
APPS = ("clients", "sessions_app", "measures", "ruptures", "supervision", "reports", "accounts")
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NUMBERS = itertools.count(100)


@dataclass(frozen=True)
class Ask:
    """One request, and the status that answers it. `body` is sent by a program."""

    kind: str
    address: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    cookies: str = ""
    body: str = ""


@dataclass(frozen=True)
class Side:
    """A service, every word of whose record is its mark, and the ids of all its rows."""

    mark: str
    ids: frozenset[str]
    asks: tuple[Ask, ...]

    @property
    def asked_for(self) -> set[str]:
        return {pk for ask in self.asks for pk in IDS.findall(ask.address)}


@dataclass
class Told:
    """What was answered, counted: the rows of the own service and of the other one, by their ids and marks."""

    answers: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    foreign: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def cookies_of(person: Any) -> str:
    browser = factories.Browser()
    browser.sign_in(person)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())


def make_side(service: factories.Service, mark: str) -> Side:
    with acting_in(service.organisation.pk):
        for number in range(2):
            episode = factories.make_episode(service.ada, code=f"{mark}-{number}", name=f"{mark} {number}")
            session = factories.make_session(episode, note=mark)
            factories.rate_as_therapist(session)
            factories.rate_as_client(session, comment=mark)
            rupture = factories.make_rupture(session, what_happened=mark)
            goal = factories.make_agreed(session, mark)["goal"]
            ruptures.judge_episode(episode_id=episode.pk)
        request, link = factories.make_request(factories.make_session(episode))
        text = factories.make_token(service.ada)[1]
        pages = {
            "ada": [
                ("clients:client-list", [], 200), ("sessions_app:today", [], 200), ("dashboards:caseload-csv", [], 200),
                ("dashboards:episode", [episode.pk], 200), ("dashboards:episode-figure", [episode.pk], 200),
                ("sessions_app:session", [session.pk], 200), ("clients:goal-edit", [goal.pk], 200),
                ("ruptures:rupture", [rupture.pk], 200), ("dashboards:episode", [uuid.UUID(int=1)], 404),
                ("accounts:person-list", [], 403),
            ],
            "ruth": [("dashboards:caseload", [], 200), ("dashboards:timeline", [episode.pk], 200)],
            "sam": [
                ("accounts:person-list", [], 200), ("reports:audit-csv", [], 200), ("clients:client-list", [], 403),
                ("accounts:person-edit", [service.tom.pk], 200),
            ],
        }  # fmt: skip
        asks = [
            Ask(f"{name}: {route}", reverse(route, args=arguments), status, cookies=cookies)
            for name, routes in pages.items()
            for cookies in [cookies_of(getattr(service, name))]
            for route, arguments, status in routes
        ]
        program = (("HTTP_AUTHORIZATION", f"Bearer {text}"),)
        kinds = ("client", "episode", "session", "rating", "trend", "rupture", "rating-request")
        asks += [Ask(f"API: {kind}-list", reverse(f"api:{kind}-list"), headers=program) for kind in kinds]
        rate, cookie = reverse("measures:rate", args=[request.pk]), f"rating-{request.pk.hex}={link}"
        log = reverse("api:session-log", args=[episode.pk])
        asks += [
            Ask("API: session", reverse("api:session", args=[session.pk]), headers=program),
            Ask("API: log of a session", log, 201, headers=program, body='{"held_on": "2026-11-02"}'),
            Ask("API: log that fails", log, 422, headers=program, body='{"held_on": "soon"}'),
            Ask("API: no token", log, 401, body="{}"),
            Ask("a link", reverse("measures:link", args=[link]), 302),
            Ask("a form behind a link", rate, cookies=cookie),
            Ask("a form without its link", rate, 404),
            Ask("nobody", reverse("clients:client-list"), 302),
        ]
        ids = set()
        for model in (model for label in APPS for model in apps.get_app_config(label).get_models()):
            if isinstance(model._meta.pk, UUIDField):
                ids |= {str(pk) for pk in model._base_manager.values_list("pk", flat=True)}
    return Side(mark, frozenset(ids), tuple(asks))


def crossed(own: Side, other: Side) -> Side:
    """With each of its requests that names a record also the same for the other service's, which is not there."""
    theirs = {ask.kind: ask for ask in other.asks}
    more = [
        replace(ask, kind=f"{ask.kind} of the other service", address=theirs[ask.kind].address, status=404)
        for ask in own.asks
        if IDS.search(ask.address) and (ask.cookies or ask.headers) and "link" not in ask.kind
    ]
    return replace(own, asks=own.asks + tuple(more))


def answer(application: Any, ask: Ask) -> tuple[int, str]:
    """As a server asks for it: without the test client, whose own transaction and signals would be in between."""
    environ = RequestFactory()._base_environ(PATH_INFO=ask.address, **dict(ask.headers))
    environ["HTTP_COOKIE"] = ask.cookies
    if ask.body:
        values = json.loads(ask.body)
        if ask.status == 201:
            values["number"] = next(NUMBERS)
        sent = json.dumps(values).encode()
        environ |= {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(sent))}
        environ |= {"wsgi.input": io.BytesIO(sent), "HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    head = []
    response = application(environ, lambda status, headers: head.append((status, headers)))
    try:
        body = b"".join(response).decode(errors="replace")
    finally:
        response.close()
    status, headers = head[0]
    return int(status.split()[0]), f"{headers} {body}"


def look(told: Told, ask: Ask, own: Side, other: Side, status: int, text: str) -> None:
    told.answers[own.mark] += 1
    ids = set(IDS.findall(text)) - set(IDS.findall(ask.address))
    if "audit" in ask.kind:
        ids -= own.asked_for - own.ids  # That somebody asked for them is on record here; nothing of what they are.
    told.rows += len(ids & own.ids) + text.count(own.mark)
    if ids & other.ids or other.mark in text:
        told.foreign.append(f"{ask.kind} in {own.mark} tells of {other.mark}")
    if status != ask.status:
        told.wrong.append(f"{ask.kind} in {own.mark} is {status}, not {ask.status}")


def work(application: Any, waiting: "queue.SimpleQueue[Any]", pool: "queue.SimpleQueue[Any]") -> Told:
    """What one thread was told, each time over whichever connection is free."""
    told = Told()
    while not waiting.empty():
        try:
            ask, own, other = waiting.get_nowait()
        except queue.Empty:
            break
        connections["default"] = held = pool.get(timeout=PATIENCE)
        try:
            look(told, ask, own, other, *answer(application, ask))
            with held.cursor() as cursor:
                cursor.execute("SELECT current_setting('app.organisation', true)")
                if cursor.fetchone()[0]:
                    told.wrong.append(f"{ask.kind} in {own.mark} leaves its service to whoever comes next")
        finally:
            pool.put(held)
    del connections["default"]
    connections["limits"].close()
    return told


def run(sides: tuple[Side, Side], requests: int) -> Told:
    """So many requests of both, over the pool."""
    mixed = random.Random(9)
    waiting, pool = queue.SimpleQueue(), queue.SimpleQueue()
    for own, other in mixed.choices([sides, sides[::-1]], k=requests):
        waiting.put((mixed.choice(own.asks), own, other))
    shared = [connections.create_connection("default") for _ in range(CONNECTIONS)]
    for one in shared:
        one.inc_thread_sharing()
        pool.put(one)
    application, told = get_wsgi_application(), Told()
    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(work, application, waiting, pool) for _ in range(THREADS)]:
            part = done.result(PATIENCE)
            told.answers += part.answers
            told.rows += part.rows
            told.foreign += part.foreign
            told.wrong += part.wrong
    for one in shared:
        one.close()
    return told


@pytest.fixture
def sides(committed, monkeypatch):
    """Two services, and code that forgets whose is what."""
    monkeypatch.setattr("accounts.api.REQUESTS_A_MINUTE", 1_000_000)
    first = make_side(factories.make_service(), "of-the-harbour")
    other = factories.make_service(name="Elsewhere", slug="elsewhere", domain="elsewhere.example")
    second = make_side(other, "of-elsewhere")
    for place in READERS:
        monkeypatch.setattr(place, lambda user, path: Q())
    return crossed(first, second), crossed(second, first)


def test_over_a_shared_pool_nobody_is_told_a_row_of_another_service(sides):
    told = run(sides, REQUESTS)
    words = ", ".join(f"{count:,} {mark}" for mark, count in sorted(told.answers.items()))
    said = f"{sum(told.answers.values()):,} requests ({words}): {told.rows:,} own rows, {len(told.foreign)} foreign"
    if "ALLIANCE_POOL_REQUESTS" in os.environ:
        sys.stdout.write(f"\n{said}\n")
    assert not told.foreign, (said, told.foreign[:10])
    assert not told.wrong, Counter(told.wrong).most_common(10)
    assert sum(told.answers.values()) == REQUESTS and len(told.answers) == 2 and told.rows > REQUESTS, said


def test_without_row_level_security_the_same_requests_are_told_foreign_rows(sides):
    """So that finding none means something."""
    if conftest.ENGINES is None:
        pytest.skip("the superuser of this PostgreSQL is not ours")
    with without_row_level_security():
        told = run(sides, 100)
    assert len(told.foreign) > 10
