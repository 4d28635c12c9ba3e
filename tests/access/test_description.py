"""The API against its own description: schemathesis asks what it allows, as several kinds of person.

No answer is a fault of ours, none looks other than described, and nobody is shown what is not theirs.
"""

import json

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.openapi.checks import (
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


def description(text: str) -> dict:
    answer = Program(text).get("/api/v1/schema")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("application/vnd.oai.openapi+json")
    return json.loads(answer.content)


def token_of(world, who: str) -> str:
    person = world.person(who)
    with acting_in(person.organisation_id):
        return factories.make_token(person)[1]


def test_the_description_names_every_address(world):
    described = {path.replace("{id}", "{pk}") for path in description(token_of(world, "ada"))["paths"]}
    at = "00000000-0000-4000-8000-000000000000"
    known = {
        address(world, route).replace(str(RECORDS[route](world)) if route in RECORDS else at, "{pk}")
        for route in routes()
    }
    assert described == known - {"/api/v1/schema"}


@pytest.mark.parametrize("who", EXAMPLES)
def test_answers_are_as_described_for(world, who, monkeypatch):
    monkeypatch.setattr("accounts.api.REQUESTS_A_MINUTE", 100_000)
    text = token_of(world, who)
    schema = schemathesis.openapi.from_dict(description(text))
    schema.app = get_wsgi_application()
    ids = {
        address(world, route).replace(str(RECORDS[route](world)), "{pk}"): str(RECORDS[route](world))
        for route in routes()
        if route in RECORDS
    }
    hidden = [CANARIES[what] for what in hidden_from(who)] + [*NOTES.values(), HELD_BACK]
    asked = []
    for result in schema.get_all_operations():
        operation = result.ok()

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
                case.path_parameters = {"id": ids[operation.path.replace("{id}", "{pk}")]}
            response = case.call(headers={"Authorization": f"Bearer {text}"})
            case.validate_response(response, checks=CHECKS)
            if response.status_code >= 400:
                assert response.headers["content-type"] == [MEDIA_TYPE]
            assert not [it for it in hidden if it in response.text]
            asked.append(response.status_code)

        ask()
    assert len(asked) >= 21
    assert (200 in asked) == (who != "sam")
