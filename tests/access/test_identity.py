"""Whose page it is: every page of one client's record says so at its head, above anything that is read or written."""

import re
from typing import Any

import pytest
from django.urls import get_resolver

from tests.access.world import CANARIES, World, address, make_world, route_names

pytestmark = pytest.mark.django_db
# What an address of one client's record names.
OF_A_CLIENT = {
    "client_id", "episode_id", "session_id", "goal_id", "task_id", "note_id", "rating_id", "rupture_id", "attempt_id",
    "answer_id", "item_id",
}  # fmt: skip
# On the therapist's screen for the client's own eyes, who is called "you" there.
FOR_THE_CLIENT = {"dashboards:together"}
# Parts of a page that stand beneath its head; tests/browser/test_fragments.py holds them to the record they are of.
PARTS = {"dashboards:episode-change", "measures:risk-of-episode"}
LABELS = (CANARIES["code"], CANARIES["name"], CANARIES["name of an ended episode's client"], "P-1")


@pytest.fixture
def world(service, other_service) -> World:
    return make_world(service, other_service)


def routes_of_a_client() -> list[str]:
    found = set()

    def walk(resolver: Any, prefix: str) -> None:
        for pattern in resolver.url_patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
            elif set(pattern.pattern.converters) & OF_A_CLIENT:
                found.add(f"{prefix}{pattern.name}")

    walk(get_resolver(), "")
    return sorted(found & route_names())


def head_of(page: str) -> str:
    """From where the page itself begins to the end of its title, breadcrumb included."""
    found = re.search(r"<main.*?</h1>", page, re.S)
    assert found, "a page without a title"
    return found[0]


def test_every_page_of_a_client_names_the_client_at_its_head(world):
    read = set()
    for route in set(routes_of_a_client()) - PARTS - FOR_THE_CLIENT:
        answer = world.browser("ada").get(address(world, route))
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            head = head_of(answer.content.decode())
            assert any(label in head for label in LABELS), f"{route}: {head}"
            read.add(route)
    assert len(read) > 40 and {"dashboards:episode", "sessions_app:session-log", "supervision:pack"} <= read


def test_a_page_for_the_clients_own_eyes_names_nobody_else(world):
    (route,) = FOR_THE_CLIENT
    page = world.browser("ada").get(address(world, route)).content.decode()
    assert "Your ratings" in head_of(page)
    assert not any(label in page for label in (*LABELS, "Siskin-canary", "Tern", "Egret"))
