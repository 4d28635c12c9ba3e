"""Every route behind a link × every kind of link × every method: a link opens what is its own as long as it works."""

import uuid
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts.access import PAGES, Who
from accounts.models import User
from jobs.organisation import acting_in
from measures import actions as measures
from measures.models import RatingRequest
from tests import factories
from tests.access.test_pages import COUNTED, answer_for, answer_of, checksum, without_csrf, written
from tests.access.world import CANARIES, World, address, content, make_world, route_names

pytestmark = pytest.mark.django_db

# open        made for this, not used yet
# used        once, by this browser
# expired     its days are over
# withdrawn   by the therapist; the person may not sign in any more
# replaced    by a newer one
# mistyped    one character is another
# another's   a link of the same service that works, shown where this one belongs
# elsewhere's the same, of another service
# stolen      this one was used, and the browser holds another's that works
# none        a browser that opened no link
# What is sent through a link twice has another key here: see tests/measures for the same form sent again. A link that
# ends e-mails works however often, and outlives the one it came with. A dash: there is no such link.
LINKS = """
                               open used expired withdrawn replaced mistyped another's elsewhere's stolen none
GET  measures:link              302  404     404       404      404      404         -           -      -    -
HEAD measures:link              302  404     404       404      404      404         -           -      -    -
GET  measures:rate              200  302     404       404      404      404       404         404    404  404
HEAD measures:rate              200  302     404       404      404      404       404         404    404  404
POST measures:rate              302  404     404       404      404      404       404         404    404  404
GET  measures:thanks            404  200     404       404      404      404       404         404    404  404
HEAD measures:thanks            404  200     404       404      404      404       404         404    404  404
POST measures:rate-next         404  302     404       404      404      404       404         404    404  404
GET  measures:stop              200  200     200       200      200      404       404         404      -    -
HEAD measures:stop              200  200     200       200      200      404       404         404      -    -
POST measures:stop              200  200     200       200      200      404       404         404      -    -
GET  accounts:choose-password   200  404     404       404        -      404       404         404      -    -
POST accounts:choose-password   302  404     404       404        -      404       404         404      -    -
"""
# Open to everybody and behind no link.
NO_LINK = {"health", "ready", "metrics", "account_login", "account_logout", "mfa_authenticate"}
NOTHING = uuid.UUID(int=0)


@cache
def links() -> dict[tuple[str, str, str], int]:
    head, *rows = LINKS.strip("\n").splitlines()
    kinds = head.split()
    return {
        (method, route, kind): int(status)
        for method, route, *answers in map(str.split, rows)
        for kind, status in zip(kinds, answers, strict=True)
        if status != "-"
    }


def mistyped(token: str) -> str:
    return token[:-1] + ("a" if token[-1] != "a" else "b")


def rating_link(world: World, kind: str) -> str:
    """The token that a browser holds for the request of the world, which was made to be what `kind` says."""
    world.request.refresh_from_db()
    if kind in {"used", "stolen"}:
        answers = dict.fromkeys(range(1, 7), 5)
        measures.redeem_request(request_id=world.request.pk, token=world.token, key=uuid.uuid4(), answers=answers)
    elif kind == "expired":
        # Time can't be waited for: only the deadline is moved.
        RatingRequest.objects.filter(pk=world.request.pk).update(expires_at=world.request.created_at)
    elif kind == "withdrawn":
        measures.revoke_request(request=world.request, by=world.service.ada)
    elif kind == "replaced":
        measures.request_rating(session=world.unrated, instrument=world.request.instrument, by=world.service.ada)
    held = {"mistyped": mistyped(world.token), "another's": world.another[1], "stolen": world.another[1]}
    return {**held, "elsewhere's": world.of_elsewhere[1], "none": ""}.get(kind, world.token)


def stop_link(world: World, kind: str) -> str:
    rating_link(world, kind)
    if kind == "used":
        factories.Browser().post(reverse("measures:stop", args=[world.stop_token]))
    foreign = {"another's": world.token, "elsewhere's": world.of_elsewhere[1], "mistyped": mistyped(world.stop_token)}
    return foreign.get(kind, world.stop_token)


class FourDaysAgo(PasswordResetTokenGenerator):
    def _now(self) -> Any:
        return timezone.localtime().replace(tzinfo=None) - timezone.timedelta(days=4)


def password_link(world: World, kind: str) -> str:
    person = User.objects.get(pk=world.service.nils.pk)
    token = default_token_generator.make_token(person)
    if kind == "used":
        accounts.choose_password(person=person, password="another long one 5")
    elif kind == "withdrawn":
        accounts.update_person(person=person, version=person.version, is_active=False, by=world.service.sam)
    elif kind == "expired":
        return FourDaysAgo().make_token(person)
    elif kind == "another's":
        return default_token_generator.make_token(world.service.tom)
    elif kind == "elsewhere's":
        with acting_in(world.other.organisation.pk):
            return default_token_generator.make_token(world.other.nils)
    return mistyped(token) if kind == "mistyped" else token


def ask(world: World, method: str, route: str, kind: str):
    """The answer, and what stood in the tables before it was asked for."""
    browser = factories.Browser(raise_request_exception=False)
    if route == "accounts:choose-password":
        arguments = [world.service.nils.pk, password_link(world, kind)]
    elif route == "measures:stop":
        arguments = [stop_link(world, kind)]
    else:
        token = rating_link(world, kind)
        arguments = [token] if route == "measures:link" else [world.request.pk]
        if token and route != "measures:link":
            browser.cookies[f"rating-{world.request.pk.hex}"] = token
    before = checksum(world)
    address = reverse(route, args=arguments)
    if method == "POST":
        return browser.post(address, content(world, route)), before
    return getattr(browser, method.lower())(address), before


def link_difference(world: World, method: str, route: str, kind: str) -> list[str]:
    """Where a link opens what it must not, tells why it does not work, or writes although it does not."""
    found, status = [], links()[method, route, kind]
    with transaction.atomic():
        response, before = ask(world, method, route, kind)
        if response.status_code != status:
            found.append(f"is {response.status_code}, not {status}")
        if method != "POST" or response.status_code >= 400:
            found += [f"wrote to {name}" for name in written(world, before)]
        body = response.content.decode()
        found += [f"shows {it}" for it in (*CANARIES.values(), *COUNTED.values()) if it in body]
        transaction.set_rollback(True)
    if status == response.status_code == 404 and kind != "mistyped":
        with transaction.atomic():
            refused, _before = ask(world, method, route, "mistyped")
            if without_csrf(refused.content) != without_csrf(response.content):
                found.append("tells more than that the link does not work")
            transaction.set_rollback(True)
    return [f"{method} {route} with a link ({kind}) {what}" for what in found]


@pytest.fixture
def world(service, other_service):
    return make_world(service, other_service)


def test_every_page_behind_a_link_is_in_the_table():
    behind = {route for route, who in PAGES.items() if who is Who.ANYONE} - NO_LINK
    assert {route for _method, route, _kind in links()} == behind


def test_every_link_opens_what_is_its_own_as_long_as_it_works_and_nothing_else(world):
    found = [one for link in links() for one in link_difference(world, *link)]
    assert not found, "\n".join(found)


def test_a_link_with_the_id_of_no_request_opens_nothing(world):
    for token in (world.token, world.another[1], ""):
        browser = factories.Browser()
        browser.cookies[f"rating-{NOTHING.hex}"] = token
        for route in ("measures:rate", "measures:thanks"):
            assert browser.get(reverse(route, args=[NOTHING])).status_code == 404


@pytest.mark.parametrize("kind", ["open", "used", "expired", "another's"])
def test_whoever_holds_a_link_is_nobody_on_all_other_pages(world, kind):
    browser = factories.Browser(raise_request_exception=False)
    for token in (world.token, world.another[1]) if kind == "another's" else (world.token,):
        browser.get(reverse("measures:link", args=[token]))
    rating_link(world, kind)
    before, found = checksum(world), []
    for route in sorted(route_names() - {route for _method, route, _kind in links()}):
        for method in ("GET", "POST"):
            with transaction.atomic():
                data = content(world, route) if method == "POST" else None
                response = getattr(browser, method.lower())(address(world, route), data)
                transaction.set_rollback(True)
            if answer_of(response) != answer_for(method, route, "nobody"):
                found.append(f"{method} {route} is {answer_of(response)}")
            found += [f"{method} {route} shows {it}" for it in CANARIES.values() if it in response.getvalue().decode()]
    assert not found and not written(world, before), "\n".join(found)
