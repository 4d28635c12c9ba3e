"""The API against its own description: schemathesis asks what it allows, as several kinds of person.

No answer is a fault of ours, none looks other than described, and nobody is shown what is not theirs.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.api.problems import MEDIA_TYPE
from jobs.organisation import acting_in
from tests import factories
from tests.access.test_api import RECORDS, address, routes
from tests.access.test_pages import hidden_from
from tests.access.world import CANARIES, HELD_BACK, NOTES, make_world
from tests.factories import Program

pytestmark = pytest.mark.django_db
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
# Each as many requests per address and method.
EXAMPLES = {"ada": 6, "ruth": 3, "sam": 1, "elsewhere's ada": 2}


@pytest.fixture
def world(service, other_service):
    return make_world(service, other_service)


@contextmanager
def served() -> Iterator[Any]:
    """As a server runs it, in the transaction of the test: no request closes its connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def description(text: str) -> dict:
    answer = Program(text).get("/api/v1/schema")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/vnd.oai.openapi+json")
    return json.loads(answer.content)


def token_of(world, who: str) -> str:
    person = world.person(who)
    with acting_in(person.organisation_id):
        return factories.make_token(person)[1]


def templates(world) -> dict[str, str]:
    """By address with a placeholder: the id of a record of Ada's."""
    records = {route: str(RECORDS[route](world)) for route in routes() if route in RECORDS}
    return {address(world, route).replace(record, "{id}"): record for route, record in records.items()}


def test_the_description_names_every_address(world):
    plain = {address(world, route) for route in routes() if route not in RECORDS}
    assert set(description(token_of(world, "ada"))["paths"]) == {*templates(world), *plain} - {"/api/v1/schema"}


def ask_some(operation, who: str, ids: dict[str, str], send: Callable[[Any], int]) -> None:
    @settings(
        max_examples=EXAMPLES[who],
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case):
        if case.path_parameters:
            case.path_parameters = {"id": ids[operation.path]}
        send(case)

    ask()


@pytest.mark.parametrize("who", EXAMPLES)
def test_answers_are_as_described_for(world, who, monkeypatch):
    monkeypatch.setattr("accounts.api.REQUESTS_A_MINUTE", 100_000)
    text, ids = token_of(world, who), templates(world)
    schema = schemathesis.openapi.from_dict(description(text))
    hidden = [CANARIES[what] for what in hidden_from(who)] + [*NOTES.values(), HELD_BACK]
    answers = Counter()

    def send(case):
        response = case.call(headers={"Authorization": f"Bearer {text}"})
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            assert response.headers["content-type"] == [MEDIA_TYPE]
        assert not [it for it in hidden if it in response.text]
        answers[response.status_code] += 1

    with served() as application:
        schema.app = application
        for result in schema.get_all_operations():
            ask_some(result.ok(), who, ids, send)
    assert answers.total() >= 21
    assert (answers[200] > 0) == (who != "sam"), answers
