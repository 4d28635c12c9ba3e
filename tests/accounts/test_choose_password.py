"""The link with which somebody chooses a password: once, in time, by nobody else."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse

from accounts import actions
from accounts.models import AuditEvent, User
from tests.factories import PASSWORD, Browser

pytestmark = pytest.mark.django_db

NEW = "three words and a bridge"


@pytest.fixture
def pat(service):
    return actions.create_person(
        organisation=service.organisation,
        email="pat@harbour.example",
        name="Pat Marlow",
        is_therapist=True,
        by=service.sam,
    )


@pytest.fixture
def link(service, pat, browser_of) -> str:
    """As the administrator hands it over."""
    shown = browser_of(service.sam).get(reverse("accounts:person-password-link", args=[pat.pk]))
    return shown.context["link"].removeprefix("http://testserver")


def choose(link: str, password: str = NEW, again: str | None = None):
    return Browser().post(link, {"password": password, "again": password if again is None else again})


def signs_in(email: str, password: str) -> bool:
    return Browser().post("/sign-in/", {"login": email, "password": password}).status_code == 302


def test_the_link_sets_a_password_once(pat, link):
    assert "Pat Marlow" in Browser().get(link).content.decode()
    assert choose(link)["Location"] == "/sign-in/"
    assert signs_in(pat.email, NEW)
    assert choose(link, "another choice of words").status_code == 404
    assert Browser().get(link).status_code == 404
    assert not signs_in(pat.email, "another choice of words")
    assert AuditEvent.objects.filter(action="person.password-chosen", person=pat).count() == 1


def test_looking_at_the_link_does_not_use_it_up(link):
    assert {Browser().get(link).status_code for _ in range(5)} == {200}
    assert choose(link).status_code == 302


def test_a_second_link_stops_with_the_first_choice(service, pat, link, browser_of):
    second = browser_of(service.sam).get(reverse("accounts:person-password-link", args=[pat.pk])).context["link"]
    assert choose(link).status_code == 302
    assert Browser().get(second).status_code == 404


class ThreeDaysAgo(PasswordResetTokenGenerator):
    """Makes the links that were handed out a moment more than three days ago."""

    def _now(self) -> datetime:
        return datetime.now() - timedelta(days=3, seconds=5)


def test_links_that_cannot_be_used_answer_alike(service, other_service, pat, link):
    token = link.rstrip("/").rpartition("/")[2]
    page = "accounts:choose-password"
    unusable = {
        "expired": reverse(page, args=[pat.pk, ThreeDaysAgo().make_token(pat)]),
        "garbled": reverse(page, args=[pat.pk, token[:-1] + ("a" if token[-1] != "a" else "b")]),
        "garbage": reverse(page, args=[pat.pk, "x"]),
        "somebody else's": reverse(page, args=[service.ada.pk, token]),
        "another service's": reverse(page, args=[other_service.ada.pk, token]),
        "nobody's": reverse(page, args=["00000000-0000-4000-8000-000000000000", token]),
    }
    answers = {kind: Browser().get(url) for kind, url in unusable.items()}
    assert {answer.status_code for answer in answers.values()} == {404}
    assert len({answer.content for answer in answers.values()}) == 1
    assert {choose(url).status_code for url in unusable.values()} == {404}
    assert not User.objects.get(pk=pat.pk).has_usable_password()
    assert signs_in(service.ada.email, PASSWORD)


def test_a_link_works_until_its_third_day(pat):
    class AlmostThreeDaysAgo(PasswordResetTokenGenerator):
        def _now(self) -> datetime:
            return datetime.now() - timedelta(days=3) + timedelta(minutes=1)

    url = reverse("accounts:choose-password", args=[pat.pk, AlmostThreeDaysAgo().make_token(pat)])
    assert Browser().get(url).status_code == 200


def test_a_deactivated_person_cannot_choose_a_password(service, pat, link):
    actions.update_person(person=pat, is_active=False, by=service.sam)
    assert Browser().get(link).status_code == 404
    assert choose(link).status_code == 404


@pytest.mark.parametrize(
    ("password", "said"),
    [("short words", "15 characters"), ("pat@harbour.example", "too similar"), ("", "required")],
)
def test_a_weak_password_is_refused_beside_its_field(pat, link, password, said):
    answer = choose(link, password)
    assert answer.status_code == 422
    assert said in " ".join(answer.context["form"].errors["password"])
    assert choose(link).status_code == 302, "the link still works"


def test_two_different_passwords_are_refused_beside_the_second(link):
    answer = choose(link, NEW, again=NEW + "s")
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"again": ["The two passwords differ. Type the same one twice."]}


def test_a_typed_password_is_never_sent_back(link):
    body = choose(link, NEW, again="something else entirely").content.decode()
    assert NEW not in body and "something else entirely" not in body
