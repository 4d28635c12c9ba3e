"""A therapist is away, and a colleague stands in: who may say so, from when to when, and that it is seen."""

import re
import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts import actions
from accounts.access import check_own, may_write, writes_for
from accounts.models import AuditEvent, Cover, Organisation, User
from clients.models import Episode
from tests import factories

pytestmark = pytest.mark.django_db

ACCOUNT, PEOPLE = "/account/", "/people/supervision-and-cover/"


@pytest.fixture
def today(service):
    return service.organisation.today


@pytest.fixture
def colleague(service):
    """A third therapist."""
    return actions.create_person(
        organisation=service.organisation, email="cleo@harbour.example", name="Cleo", is_therapist=True, by=service.sam
    )


# --- When it is in force --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "is_in_force"), [(0, 0, True), (-7, 0, True), (0, 7, True), (1, 7, False), (-7, -1, False)]
)
def test_cover_is_in_force_from_its_first_day_to_its_last(service, first, last, is_in_force):
    factories.make_cover(service.ada, by=service.tom, starts=first, ends=last)
    assert may_write(service.tom, service.ada.pk) == is_in_force
    assert (service.ada.pk in writes_for(service.tom)) == is_in_force


def test_the_day_is_the_one_where_the_organisation_is(service):
    """At any moment it is a later day in Kiritimati than in Baker Island's zone."""
    days = {}
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        Organisation.objects.update(time_zone=zone)
        days[zone] = Organisation.objects.get().today
    assert days["Etc/GMT+12"] < days["Pacific/Kiritimati"]
    cover = factories.make_cover(service.ada, by=service.tom)
    Cover.objects.filter(pk=cover.pk).update(starts_on=days["Etc/GMT+12"], ends_on=days["Etc/GMT+12"])
    for zone, is_in_force in (("Etc/GMT+12", True), ("Pacific/Kiritimati", False)):
        Organisation.objects.update(time_zone=zone)
        assert may_write(User.objects.get(pk=service.tom.pk), service.ada.pk) == is_in_force


def test_cover_that_is_ended_early_has_no_effect_from_then_on(service):
    episode = factories.make_episode(service.ada)
    cover = factories.make_cover(service.ada, by=service.tom)
    check_own(service.tom, episode.responsible_id)
    actions.end_cover(cover=cover, by=service.ada)
    with pytest.raises(PermissionDenied):
        check_own(service.tom, episode.responsible_id)
    assert not Episode.objects.visible_to(service.tom).exists()
    cover.refresh_from_db()
    assert cover.ended_by == service.ada
    actions.end_cover(cover=cover, by=service.sam)
    assert AuditEvent.objects.filter(action="cover.ended").count() == 1


def test_two_colleagues_can_cover_at_once(service, colleague):
    for person in (service.tom, colleague):
        factories.make_cover(service.ada, by=person)
    assert may_write(service.tom, service.ada.pk) and may_write(colleague, service.ada.pk)


def test_cover_is_not_passed_on(service, colleague):
    factories.make_cover(service.ada, by=service.tom)
    factories.make_cover(service.tom, by=colleague)
    assert may_write(colleague, service.tom.pk) and not may_write(colleague, service.ada.pk)


def test_whoever_covers_and_is_no_therapist_any_more_writes_nowhere(service):
    factories.make_cover(service.ada, by=service.tom)
    User.objects.filter(pk=service.tom.pk).update(is_therapist=False, is_supervisor=True)
    tom = User.objects.get(pk=service.tom.pk)
    assert not may_write(tom, service.ada.pk) and writes_for(tom) == set()


# --- Who may say so -------------------------------------------------------------------------------------


def start(service, today, **values):
    terms = {"therapist": service.ada, "cover": service.tom, "starts_on": today, "ends_on": today, "by": service.ada}
    return actions.start_cover(**{**terms, **values})


@pytest.mark.parametrize("who", ["ada", "sam"])
def test_the_therapist_or_an_administrator_says_who_covers(service, today, who):
    cover = start(service, today, by=getattr(service, who))
    event = AuditEvent.objects.get(action="cover.started")
    assert (event.object_id, event.person) == (cover.pk, getattr(service, who))


@pytest.mark.parametrize("who", ["tom", "ruth", "nils"])
def test_nobody_else_starts_or_ends_a_cover(service, today, who):
    with pytest.raises(PermissionDenied):
        start(service, today, by=getattr(service, who))
    cover = start(service, today)
    with pytest.raises(PermissionDenied):
        actions.end_cover(cover=cover, by=getattr(service, who))
    assert may_write(service.tom, service.ada.pk)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("cover", lambda service, today: {"cover": service.ada}),
        ("cover", lambda service, today: {"cover": service.ruth}),
        ("therapist", lambda service, today: {"therapist": service.ruth, "by": service.sam}),
        ("starts_on", lambda service, today: {"starts_on": today - timedelta(days=1)}),
        ("ends_on", lambda service, today: {"starts_on": today + timedelta(days=3)}),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(service, today, field, wrong):
    with pytest.raises(ValidationError) as refused:
        start(service, today, **wrong(service, today))
    assert list(refused.value.message_dict) == [field]
    assert not Cover.objects.exists()


def test_somebody_who_may_not_sign_in_cannot_cover(service, today):
    service.tom.is_active = False
    with pytest.raises(ValidationError, match="no therapist who may sign in"):
        start(service, today)


def test_the_same_colleague_covers_once_at_a_time(service, today):
    start(service, today, ends_on=today + timedelta(days=7))
    with pytest.raises(ValidationError, match="on some of these days already"):
        start(service, today, starts_on=today + timedelta(days=7), ends_on=today + timedelta(days=9))
    start(service, today, starts_on=today + timedelta(days=8), ends_on=today + timedelta(days=9))
    assert Cover.objects.count() == 2


# --- Pages ----------------------------------------------------------------------------------------------


def absence(today, **values):
    return {"submission": uuid.uuid4(), "starts_on": today, "ends_on": today + timedelta(days=5), **values}


def test_a_therapist_names_who_covers_and_both_see_it(service, today, browser_of):
    form = absence(today, cover=service.tom.pk)
    ada = browser_of(service.ada)
    for _sent_twice in range(2):
        answer = ada.post(reverse("accounts:cover-start"), form)
        assert (answer.status_code, answer["Location"]) == (302, f"{ACCOUNT}#away")
    cover = Cover.objects.get()
    assert (cover.therapist, cover.cover, cover.created_by) == (service.ada, service.tom, service.ada)
    assert "Tom Abara covers for you" in ada.get(ACCOUNT).content.decode()
    assert "Tom Abara covers for you" in ada.get(reverse("sessions_app:today")).content.decode()
    tom = browser_of(service.tom)
    assert "I cover for" in tom.get(ACCOUNT).content.decode()
    assert "You cover for Ada Okafor" in tom.get(reverse("sessions_app:today")).content.decode()
    assert ada.post(reverse("accounts:cover-end", args=[cover.pk])).status_code == 302
    assert "<strong>Tom Abara covers for you" not in ada.get(reverse("sessions_app:today")).content.decode()
    assert "I cover for" not in tom.get(ACCOUNT).content.decode()


def test_a_cover_to_come_is_shown_and_can_be_taken_back(service, browser_of):
    factories.make_cover(service.ada, by=service.tom, starts=3, ends=9)
    ada = browser_of(service.ada)
    page = ada.get(ACCOUNT).content.decode()
    assert "to come" in page and "Take back" in page
    assert "covers for you" not in ada.get(reverse("sessions_app:today")).content.decode()


def test_a_cover_that_is_over_is_not_shown(service, browser_of):
    factories.make_cover(service.ada, by=service.tom, starts=-9, ends=-1)
    assert "Tom Abara covers for you" not in browser_of(service.ada).get(ACCOUNT).content.decode()


def test_a_wrong_absence_is_refused_beside_the_field_and_nothing_is_lost(service, today, browser_of):
    answer = browser_of(service.ada).post(
        reverse("accounts:cover-start"), absence(today, cover=service.tom.pk, ends_on=today - timedelta(days=1))
    )
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["ends_on"]
    assert f'value="{today}"' in answer.content.decode()
    assert f'value="{service.tom.pk}" selected' in answer.content.decode()
    for somebody in (service.ada, service.ruth):
        answer = browser_of(service.ada).post(reverse("accounts:cover-start"), absence(today, cover=somebody.pk))
        assert answer.context["form"].errors == {
            "cover": ["Only a therapist who may sign in can cover. Choose somebody else."]
        }


def test_an_administrator_starts_and_ends_cover_for_anybody(service, today, browser_of):
    sam = browser_of(service.sam)
    form = absence(today, therapist=service.ada.pk, cover=service.tom.pk)
    assert sam.post(reverse("accounts:person-cover-start"), form)["Location"] == f"{PEOPLE}#cover"
    page = sam.get(PEOPLE).content.decode()
    assert "cover for Ada Okafor by Tom Abara" in page and "in force" in page
    cover = Cover.objects.get()
    assert sam.post(reverse("accounts:person-cover-end", args=[cover.pk])).status_code == 302
    assert sam.post(reverse("accounts:person-cover-end", args=[cover.pk])).status_code == 404
    assert "cover for Ada Okafor by Tom Abara" not in sam.get(PEOPLE).content.decode()


def test_an_administrator_is_told_beside_the_field_and_of_a_cover_without_effect(service, today, browser_of):
    sam = browser_of(service.sam)
    answer = sam.post(
        reverse("accounts:person-cover-start"), absence(today, therapist=service.ada.pk, cover=service.ada.pk)
    )
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"cover": ["Nobody covers for themselves. Choose a colleague."]}
    factories.make_cover(service.ada, by=service.tom)
    User.objects.filter(pk=service.tom.pk).update(is_active=False)
    assert "may not cover any more" in sam.get(PEOPLE).content.decode()


def test_cover_for_somebody_who_may_not_sign_in_any_more(service, browser_of, today):
    """Ada left in a hurry: Tom sees to her clients until they are handed over, and their links go on working."""
    episode = factories.make_episode(service.ada)
    factories.make_cover(service.ada, by=service.tom)
    User.objects.filter(pk=service.ada.pk).update(is_active=False)
    session = factories.make_session(episode)
    request, token = factories.make_request(session)
    opened = factories.Browser().get(reverse("measures:link", args=[token]), follow=True)
    assert opened.status_code == 200
    told = re.sub("</?bdi>", "", opened.content.decode())
    assert "While Ada Okafor is away, Tom Abara may read them too." in told
    actions.end_cover(cover=Cover.objects.get(), by=service.sam)
    assert factories.Browser().get(reverse("measures:link", args=[token])).status_code == 404
    assert request.redeemed_at is None
