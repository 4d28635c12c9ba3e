"""The test of the access tables: of a hundred seeded faults they notice every one, with row-level security and without.

Each fault is asked about in both modes, by the checks that the tables themselves use: first the request that is nearest
to it, then every request of the same kind by the same person. Caught means an answer, a body or a row written that
differs from the tables, where without the fault nothing does.

With row-level security a fault that only forgets to ask for the service does not come so far: the request that showed
it is answered as without the fault. That is the database's part, and counted apart.

`make seeded-faults` prints what caught which.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from django.conf import settings

from clients.models import Client
from tests import conftest
from tests.access import test_api as api
from tests.access import test_foreign_ids as ids
from tests.access import test_links as links
from tests.access import test_pages as pages
from tests.access.faults import FAULTS, PARTS, Fault, Near
from tests.access.world import EVERYBODY, OVER_TIME, World, make_world, route_names

pytestmark = pytest.mark.django_db

HELD = "held by row-level security"
FROM_ELSEWHERE = ("elsewhere's ada", "elsewhere's sam")


def is_whole() -> bool:
    return os.environ.get("SEEDED") == "all"


@contextmanager
def without_row_level_security() -> Iterator[None]:
    """The application's role may bypass it meanwhile, in these engines that are the test's own."""
    superuser = psycopg2.connect(conftest.ENGINES.superuser_url)
    superuser.autocommit = True
    role = settings.DATABASES["default"]["USER"]
    with superuser.cursor() as cursor:
        try:
            cursor.execute(f"ALTER ROLE {role} BYPASSRLS")
            yield
        finally:
            cursor.execute(f"ALTER ROLE {role} NOBYPASSRLS")
            superuser.close()


class Tables:
    """The checks of this folder by the names that `Near` has for them, on one world."""

    def __init__(self, world: World, faults: list[Fault]) -> None:
        self.world = world
        for who in (*EVERYBODY, *OVER_TIME):
            world.browser(who)
        for who in {fault.near.asked[2] for fault in faults if fault.near.table == "API"}:
            world.programs[who] = api.program(world, who)
        asked = {fault.near.asked for fault in faults if fault.near.table == "bodies"}
        known = {
            (field.route, field.name): field
            for route in {route for route, _name in asked}
            for field in (*ids.sent(world, route).fields, *ids.fields_of_address(world, route))
        }
        self.fields = {one: (known[one], ids.ids_of_others(world, known[one])) for one in asked}
        self.look()

    def look(self) -> None:
        """What stands in the tables, as far as it can be seen now."""
        self.before = pages.checksum(self.world)

    def differences(self, near: Near) -> list[str]:
        match near.table:
            case "pages":
                return pages.difference(self.world, self.before, *near.asked)
            case "API":
                return api.difference(self.world, self.before, *near.asked)
            case "tokens":
                return api.token_difference(self.world, self.before, *near.asked)
            case "links":
                method, route, kind = near.asked
                return links.link_difference(self.world, method, route, kind)
        return ids.field_differences(self.world, self.before, *self.fields[near.asked])

    def like(self, near: Near) -> Iterator[Near]:
        """All that the same table asks in the same column."""
        if near.table == "pages":
            routes = sorted(route_names() | set(pages.read_table(pages.AGAIN_GET)))
            yield from (Near("pages", (method, route, near.asked[2])) for route in routes for method in ("GET", "POST"))
        elif near.table in {"API", "tokens"}:
            for route in api.routes():
                yield from (Near(near.table, (method, route, near.asked[2])) for method in api.pages_of(route))
        elif near.table == "links":
            yield from (Near("links", one) for one in links.links() if one[2] == near.asked[2])

    def catch(self, fault: Fault, first: Near) -> tuple[Near, str] | None:
        """What notices the fault: the request, and what is different in its answer; None where nothing does."""
        for near in (first, *self.like(fault.near)):
            with pytest.MonkeyPatch.context() as patch:
                fault.seed(patch)
                found = self.differences(near)
            if found:
                assert not self.differences(near), f"{near} differs without a fault, too"
                return near, found[0]
        return None

    def holds(self, fault: Fault, shown_by: Near) -> bool:
        """Whether the request that shows the fault without row-level security is answered as if there were none."""
        with pytest.MonkeyPatch.context() as patch:
            fault.seed(patch)
            return not self.differences(shown_by)


def test_the_list_holds_a_hundred_different_faults_ten_of_each_part():
    assert {part: len(faults) for part, faults in PARTS.items()} == dict.fromkeys(PARTS, 10)
    assert len(FAULTS) == len({fault.name for fault in FAULTS}) == 100
    assert {fault.near.table for fault in FAULTS} == {"pages", "API", "tokens", "links", "bodies"}


def test_the_access_tables_notice_every_seeded_fault(service, other_service):
    if conftest.ENGINES is None:
        pytest.skip("the superuser of this PostgreSQL is not ours")
    tables = Tables(make_world(service, other_service), FAULTS)
    of_one = Client.objects.count()
    with without_row_level_security():
        assert Client.objects.count() > of_one
        tables.look()
        without = {fault.name: tables.catch(fault, fault.near) for fault in FAULTS}
    assert Client.objects.count() == of_one
    tables.look()
    within: dict[str, str] = {}
    for fault in FAULTS:
        shown = without[fault.name]
        if shown and tables.holds(fault, shown[0]):
            within[fault.name] = HELD
        elif caught := tables.catch(fault, shown[0] if shown else fault.near):
            within[fault.name] = caught[1]
    table = told({name: caught[1] for name, caught in without.items() if caught}, within)
    if is_whole():
        sys.stdout.write(table)
    assert len(within) == 100, table
    assert len([caught for caught in without.values() if caught]) >= 98, table
    # What the database holds is about services, and nothing else.
    assert all(is_about_services(without[name][0]) for name, by in within.items() if by == HELD), table


def test_what_another_service_asks_for_is_refused_without_row_level_security_too(service, other_service):
    """The code asks for the service wherever something is written, as if the database did not; `SEEDED=all` looks at
    all that is read, too."""
    if conftest.ENGINES is None:
        pytest.skip("the superuser of this PostgreSQL is not ours")
    world, methods = make_world(service, other_service), ("GET", "POST") if is_whole() else ("POST",)
    for who in FROM_ELSEWHERE:
        world.browser(who)
    with without_row_level_security():
        found = [one for who in FROM_ELSEWHERE for one in pages.differences(world, who, methods)]
    assert not found, "\n".join(found)


def is_about_services(near: Near) -> bool:
    return near.table == "bodies" or near.asked[2].startswith("elsewhere")


def told(without: dict[str, str], within: dict[str, str]) -> str:
    """The table: each fault, what caught it in either mode, and the totals."""
    lines = []
    for fault in FAULTS:
        lines += [
            f"{fault.part}: {fault.name}",
            f"    with row-level security     {within.get(fault.name, 'NOT CAUGHT')}",
            f"    without                     {without.get(fault.name, 'NOT CAUGHT')}",
        ]
    held = list(within.values()).count(HELD)
    lines += [
        f"with row-level security {len(within)} of {len(FAULTS)}: {len(within) - held} by the tables, {held} {HELD}",
        f"without {len(without)} of {len(FAULTS)}",
    ]
    return "\n".join(["", *lines, ""])
