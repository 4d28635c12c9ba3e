"""docs/api.md, run line by line: what its reader types works."""

import json
import re
import shlex
import uuid
from pathlib import Path

import pytest

from accounts.api import REQUESTS_A_MINUTE, Pages
from tests import factories
from tests.access.test_api import routes
from tests.factories import Browser

pytestmark = pytest.mark.django_db
GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.+?)```", GUIDE, re.DOTALL)
    return [block.replace("\\\n", " ").strip() for block in blocks]


def run(command: str, known: dict[str, str]):
    """What curl would send, sent by the test's browser."""
    for name, value in known.items():
        command = command.replace(f"${name}", value)
    words = iter(shlex.split(command.replace("$(uuidgen)", str(uuid.uuid4()))))
    assert next(words) == "curl"
    method, headers, body, url = "GET", {}, None, ""
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        else:
            url = word
    assert "$" not in url
    content_type = headers.pop("Content-Type", "application/json")
    return Browser().generic(method, url, body or "", content_type=content_type, headers=headers)


def test_every_command_of_the_guide_works(service):
    episode = factories.make_episode(service.ada)
    session = factories.make_session(episode)
    signal = factories.make_signal(factories.make_episode(service.ada, code="S-1"))
    known = {
        "TOKEN": factories.make_token(service.ada)[1],
        "SITE": "http://testserver",
        "EPISODE": str(episode.pk),
        "SESSION": str(session.pk),
        "SIGNAL": str(signal.pk),
        "RUPTURE": str(factories.make_rupture(session).pk),
    }
    answers = [(command, run(command, known)) for command in commands()]
    assert len(answers) >= 10
    for command, answer in answers:
        assert answer.status_code == (201 if "-X POST" in command else 200), (command, answer.content)


def test_the_error_it_shows_is_the_error_there_is(service):
    shown = json.loads(re.search(r"```json\n(.+?)```", GUIDE, re.DOTALL)[1])
    program = factories.Program(factories.make_token(service.ada)[1])
    episode = factories.make_episode(service.ada)
    answer = program.send(f"/api/v1/episodes/{episode.pk}/sessions", {"held_on": "2999-01-01"})
    assert answer.json() == shown


def test_it_names_every_list_and_the_limits():
    for route in routes():
        if route.endswith("-list"):
            plural = ["ruptures", "signals", "trends", "rating-requests", "ratings", "sessions", "episodes", "clients"]
            assert any(f"`{name}`, `{name}/{{id}}`" in GUIDE for name in plural if name.startswith(route[:-5]))
    assert f"more than {REQUESTS_A_MINUTE} requests" in GUIDE
    assert f"is {Pages.page_size} unless you ask for another, {Pages.max_page_size} at most" in GUIDE
