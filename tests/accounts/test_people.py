"""What an administrator does: people, roles, supervision, the service's own settings."""

import uuid

import pytest
from django.urls import reverse

from accounts import actions as accounts
from accounts.models import AuditEvent, Organisation, Supervision, User
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/people/"


@pytest.fixture
def sam(service, browser_of):
    return browser_of(service.sam)


def person_form(**values):
    return {"submission": uuid.uuid4(), "name": "Pat Marlow", "email": "pat@harbour.example", **values}


def edit(browser, person: User, **values):
    shown = {"name": person.name, "email": person.email, "version": person.version}
    flags = ("is_therapist", "is_supervisor", "is_administrator", "is_active")
    shown |= {flag: "on" for flag in flags if getattr(person, flag)}
    form = {name: value for name, value in {**shown, **values}.items() if value is not None}
    return browser.post(reverse("accounts:person-edit", args=[person.pk]), form)


def test_a_person_is_added_and_is_given_a_link(service, sam):
    answer = sam.post(reverse("accounts:person-create"), person_form(is_therapist="on"))
    pat = User.objects.get(email="pat@harbour.example")
    assert answer["Location"] == reverse("accounts:person-edit", args=[pat.pk])
    assert pat.roles == ["therapist"] and not pat.has_usable_password()
    button = reverse("accounts:person-password-link", args=[pat.pk])
    assert f'<form method="post" action="{button}">' in sam.get(answer["Location"]).content.decode()
    assert "/welcome/" in sam.post(button).content.decode()
    event = AuditEvent.objects.get(action="person.created", object_id=pat.pk)
    assert (event.person, event.fields) == (service.sam, ["therapist"])


def test_the_same_form_sent_twice_adds_one_person(service, sam):
    form = person_form()
    answers = [sam.post(reverse("accounts:person-create"), form) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert User.objects.filter(email="pat@harbour.example").count() == 1


@pytest.mark.parametrize("email", ["ada@harbour.example", " ADA@Harbour.Example ", "ada@elsewhere.example"])
def test_an_address_in_use_anywhere_is_refused_beside_its_field(service, other_service, sam, email):
    answer = sam.post(reverse("accounts:person-create"), person_form(email=email))
    assert answer.status_code == 422
    assert "This address is already in use. Choose another." in answer.context["form"].errors["email"]
    assert not User.objects.filter(name="Pat Marlow").exists()


def test_an_address_can_be_changed_and_the_old_one_is_free_again(service, sam):
    assert edit(sam, service.ada, email="Okafor@harbour.example").status_code == 302
    old, new = (
        {"login": address, "password": factories.PASSWORD}
        for address in ("ada@harbour.example", "okafor@harbour.example")
    )
    assert factories.Browser().post("/sign-in/", old).status_code == 200
    assert factories.Browser().post("/sign-in/", new).status_code == 302
    assert sam.post(reverse("accounts:person-create"), person_form(email="ada@harbour.example")).status_code == 302


def test_an_address_cannot_be_changed_to_one_in_use(service, sam):
    answer = edit(sam, service.ada, email=service.tom.email)
    assert answer.status_code == 422 and answer.context["form"].errors["email"]
    service.ada.refresh_from_db()
    assert service.ada.email == "ada@harbour.example"


def test_a_name_or_address_that_is_none_is_refused(service, sam):
    for wrong in ({"name": ""}, {"email": "not an address"}, {"email": ""}, {"name": "x" * 121}):
        answer = sam.post(reverse("accounts:person-create"), person_form(**wrong))
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) == set(wrong)


@pytest.mark.parametrize("loss", [{"is_administrator": None}, {"is_active": None}])
def test_the_last_administrator_stays(service, sam, loss):
    answer = edit(sam, service.sam, **loss)
    assert answer.status_code == 422
    assert "This is the last administrator." in answer.content.decode()
    service.sam.refresh_from_db()
    assert service.sam.is_administrator and service.sam.is_active


def test_an_administrator_may_go_once_there_is_another(service, sam):
    assert edit(sam, service.nils, is_administrator="on").status_code == 302
    assert edit(sam, service.sam, is_administrator=None).status_code == 302
    assert sam.get(LIST).status_code == 403


def test_a_deactivated_administrator_does_not_count(service, sam):
    assert edit(sam, service.nils, is_administrator="on").status_code == 302
    service.nils.refresh_from_db()
    assert edit(sam, service.nils, is_active=None).status_code == 302
    assert edit(sam, service.sam, is_administrator=None).status_code == 422


def test_roles_take_effect_on_the_next_request(service, sam, browser_of):
    nils = browser_of(service.nils)
    assert nils.get(reverse("sessions_app:today")).status_code == 403
    edit(sam, service.nils, is_therapist="on")
    assert nils.get(reverse("sessions_app:today")).status_code == 200
    service.nils.refresh_from_db()
    edit(sam, service.nils, is_therapist=None)
    assert nils.get(reverse("sessions_app:today")).status_code == 403


def test_a_therapist_who_loses_the_role_no_longer_reads_own_clients(service, sam, browser_of):
    page = reverse("dashboards:episode", args=[factories.make_episode(service.ada).pk])
    ada = browser_of(service.ada)
    assert ada.get(page).status_code == 200
    edit(sam, service.ada, is_therapist=None, is_supervisor="on")
    assert ada.get(page).status_code == 404


def test_what_changed_is_on_record_by_name_and_never_by_value(service, sam):
    edit(sam, service.ada, name="Ada Brand-New", is_supervisor="on")
    event = AuditEvent.objects.get(action="person.changed")
    assert (event.person, event.object_id, event.fields) == (service.sam, service.ada.pk, ["is_supervisor", "name"])


def test_the_list_names_everybody_here_and_nobody_elsewhere(service, other_service, sam):
    body = sam.get(LIST).content.decode()
    assert all(person.email in body for person in (service.ada, service.otto, service.nils))
    assert "elsewhere.example" not in body


# --- Two at the same moment -------------------------------------------------------------------------------


def test_an_older_page_does_not_bring_somebody_back(service, sam):
    """Sam takes Ada out; the page opened before, with "may sign in" ticked, is saved for the name."""
    older = User.objects.get(pk=service.ada.pk)
    assert edit(sam, service.ada, is_active=None).status_code == 302
    answer = edit(sam, older, name="Ada Other")
    assert answer.status_code == 409
    saved = User.objects.get(pk=service.ada.pk)
    assert (saved.is_active, saved.name, saved.version) == (False, "Ada Okafor", 2)
    body = answer.content.decode()
    assert "Ada Okafor" in body and "Ada Other" in body
    assert not AuditEvent.objects.filter(action="person.changed", fields=["name"]).exists()
    again = {**answer.context["form"].initial, "submission": uuid.uuid4()}
    chosen = {name: value for name, value in again.items() if value is not False}
    assert sam.post(reverse("accounts:person-edit", args=[older.pk]), chosen).status_code == 302
    assert User.objects.get(pk=older.pk).name == "Ada Other"


def test_the_same_change_sent_twice_is_no_conflict(service, sam):
    form = {"submission": uuid.uuid4(), "name": "Twice", "email": service.ada.email, "is_active": "on", "version": 1}
    url = reverse("accounts:person-edit", args=[service.ada.pk])
    assert [sam.post(url, form).status_code for _ in range(2)] == [302, 302]
    assert AuditEvent.objects.filter(action="person.changed").count() == 1


def test_an_older_page_does_not_overwrite_the_service(service, sam):
    page = reverse("accounts:organisation-edit")
    assert sam.post(page, settings_form(name="First")).status_code == 302
    answer = sam.post(page, settings_form(name="Second"))
    assert answer.status_code == 409
    assert Organisation.objects.get().name == "First"
    assert "First" in answer.content.decode() and "Second" in answer.content.decode()
    assert sam.post(page, settings_form(name="Second", version=2)).status_code == 302
    assert Organisation.objects.get().name == "Second"


# --- Supervision ------------------------------------------------------------------------------------------


def start(browser, supervisor, therapist):
    return browser.post(
        reverse("accounts:supervision-start"),
        {"submission": uuid.uuid4(), "supervisor": supervisor.pk, "therapist": therapist.pk},
    )


def test_supervision_shows_the_caseload_at_once_and_its_end_takes_it_away_at_once(service, sam, browser_of):
    episode = factories.make_episode(service.ada, code="R-7731")
    page, caseload = reverse("dashboards:episode", args=[episode.pk]), reverse("dashboards:caseload")
    otto = browser_of(service.otto)
    assert otto.get(page).status_code == 404 and "R-7731" not in otto.get(caseload).content.decode()
    assert start(sam, service.otto, service.ada).status_code == 302
    assert otto.get(page).status_code == 200 and "R-7731" in otto.get(caseload).content.decode()
    supervision = Supervision.objects.current().get(supervisor=service.otto, therapist=service.ada)
    assert sam.post(reverse("accounts:supervision-end", args=[supervision.pk])).status_code == 302
    assert otto.get(page).status_code == 404 and "R-7731" not in otto.get(caseload).content.decode()
    supervision.refresh_from_db()
    assert supervision.ended_by == service.sam and supervision.ended_at is not None


def test_the_end_of_one_supervision_leaves_the_others(service, sam, browser_of):
    page = reverse("dashboards:episode", args=[factories.make_episode(service.ada).pk])
    start(sam, service.otto, service.ada)
    supervision = Supervision.objects.current().get(supervisor=service.otto, therapist=service.ada)
    sam.post(reverse("accounts:supervision-end", args=[supervision.pk]))
    assert browser_of(service.ruth).get(page).status_code == 200


def test_a_supervision_that_has_ended_cannot_be_ended_again(service, sam):
    supervision = Supervision.objects.current().get(supervisor=service.ruth)
    url = reverse("accounts:supervision-end", args=[supervision.pk])
    assert [sam.post(url).status_code for _ in range(2)] == [302, 404]
    assert AuditEvent.objects.filter(action="supervision.ended").count() == 1


def test_supervision_is_not_started_twice_nor_with_unfit_people(service, other_service, sam):
    for supervisor, therapist in (
        (service.ruth, service.ada),
        (service.tom, service.ada),
        (service.otto, service.ruth),
        (other_service.ruth, service.ada),
        (service.ruth, other_service.tom),
    ):
        before = Supervision.objects.count()
        assert start(sam, supervisor, therapist).status_code == 422
        assert Supervision.objects.count() == before


def test_nobody_supervises_themselves(service, sam):
    edit(sam, service.ada, is_supervisor="on")
    answer = start(sam, service.ada, service.ada)
    assert answer.status_code == 422
    assert "Nobody supervises themselves. Choose two people." in answer.content.decode()


# --- The service ------------------------------------------------------------------------------------------


def settings_form(**values):
    return {
        "name": "Harbour East",
        "time_zone": "America/New_York",
        "shows_clients_chart": "on",
        "second_factor_for": "nobody",
        "version": 1,
        **values,
    }


def test_the_service_is_renamed_and_clients_see_it(service, sam):
    page = reverse("accounts:organisation-edit")
    assert sam.post(page, settings_form()).status_code == 302
    saved = Organisation.objects.get()
    assert (saved.name, saved.time_zone, saved.slug) == ("Harbour East", "America/New_York", "harbour")
    event = AuditEvent.objects.get(action="organisation.changed")
    assert (event.person, event.fields) == (service.sam, ["name", "time_zone"])
    _request, token = factories.make_request(factories.make_session(factories.make_episode(service.ada)))
    form = factories.Browser().get(reverse("measures:link", args=[token]), follow=True).content.decode()
    assert "Harbour East" in form


def test_everything_that_can_be_set_is_on_the_page(service, sam):
    answer = sam.get(reverse("accounts:organisation-edit"))
    page = answer.content.decode()
    assert [field.name for field in answer.context["form"] if f'name="{field.html_name}"' not in page] == []


@pytest.mark.parametrize("wrong", [{"name": ""}, {"time_zone": "Mars/Olympus"}])
def test_a_setting_that_cannot_be_is_said_beside_its_field(service, sam, wrong):
    answer = sam.post(reverse("accounts:organisation-edit"), settings_form(**wrong))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(wrong)
    assert Organisation.objects.get().name == "Harbour"


def test_what_a_form_does_not_offer_cannot_be_set_through_it(service, sam):
    sam.post(reverse("accounts:organisation-edit"), settings_form(slug="taken", is_demo="on"))
    assert (Organisation.objects.get().slug, Organisation.objects.get().is_demo) == ("harbour", False)
    edit(sam, service.nils, is_superuser="on", organisation=uuid.uuid4(), password="x")
    service.nils.refresh_from_db()
    assert service.nils.organisation == service.organisation and service.nils.check_password(factories.PASSWORD)


# --- The list ---------------------------------------------------------------------------------------------


def names(browser, **asked) -> list[str]:
    return [person.name for person in browser.get(LIST, asked).context["page"]]


def test_people_are_found_by_a_part_of_their_name_or_address(service, sam):
    assert names(sam, q="okaf") == ["Ada Okafor"]
    assert names(sam, q="TOM@harbour") == ["Tom Abara"]
    assert names(sam, q="nobody of this name") == []
    assert "Nobody found" in sam.get(LIST, {"q": "nobody of this name"}).content.decode()


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ("therapist", ["Ada Okafor", "Tom Abara"]),
        ("supervisor", ["Otto Brandt", "Ruth Lindqvist"]),
        ("administrator", ["Sam Pereira"]),
        ("none", ["Nils Holm"]),
    ],
)
def test_people_are_narrowed_to_a_role(service, sam, role, found):
    assert names(sam, role=role) == found


def test_a_role_that_is_none_narrows_nothing(service, sam):
    assert len(names(sam, role="is_superuser")) == 6


def test_whoever_may_not_sign_in_any_more_stands_apart(service, sam):
    assert "None here" in sam.get(LIST, {"show": "left"}).content.decode()
    edit(sam, service.nils, is_active=None)
    assert "Nils Holm" not in names(sam) and names(sam, show="left") == ["Nils Holm"]


def test_two_hundred_people_come_in_pages_with_no_more_queries(service, sam):
    few = len(factories.queries_of(sam, LIST))
    for number in range(194):
        accounts.create_person(
            organisation=service.organisation,
            email=f"p{number}@harbour.example",
            name=f"Person {number:03}",
            is_therapist=True,
            by=service.sam,
        )
    page = sam.get(LIST, {"role": "therapist", "page": 2})
    assert page.context["page"].paginator.count == 196 and len(page.context["page"]) == 50
    assert "?role=therapist&amp;page=3" in page.content.decode()
    assert len(factories.queries_of(sam, LIST)) == few <= 15
    assert len(factories.queries_of(sam, reverse("accounts:supervision-list"))) <= 15


def test_therapists_whom_nobody_supervises_are_named(service, sam):
    page = reverse("accounts:supervision-list")
    assert "supervised by nobody" not in sam.get(page).content.decode()
    edit(sam, service.ruth, is_active=None)
    assert [person.name for person in sam.get(page).context["alone"]] == ["Ada Okafor"]
    assert "1 therapist is supervised by nobody." in sam.get(page).content.decode()
