"""A person's way with an export: ask, wait, download, take back; and whatever else somebody could send."""

import io
import re
import uuid
import zipfile
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Submission
from jobs.models import Job
from reports.exports import actions
from reports.models import Export
from tests import factories

pytestmark = pytest.mark.django_db

LIST = reverse("reports:export-list")
State = Export.State


@pytest.fixture
def record(service):
    factories.make_course(factories.make_episode(service.ada), [7, 6])
    return service


@pytest.fixture
def sam(record, browser_of):
    return browser_of(record.sam)


@pytest.fixture
def ada(record, browser_of):
    return browser_of(record.ada)


def ask(browser, **values):
    return browser.post(LIST, {"format": "csv", "scope": "service", "has_mark": "on", **values})


def asked(browser, **values):
    response = ask(browser, **values)
    assert response.status_code == 302, response.content.decode()
    return Export.objects.latest("created_at")


def page_of(export, name="export"):
    return reverse(f"reports:{name}", args=[export.pk])


def make(export):
    while actions.take_step(export_id=export.pk, organisation_id=export.organisation_id):
        pass
    export.refresh_from_db()
    return export


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def errors_beside(response):
    return {name: errors for name, errors in response.context["form"].errors.items() if errors}


def test_an_empty_list_says_what_will_be_here(sam):
    assert "No exports yet" in text_of(sam.get(LIST))


def test_ask_wait_and_download(sam, record, django_assert_max_num_queries):
    response = ask(sam)
    export = Export.objects.get()
    assert response["Location"] == page_of(export)
    with django_assert_max_num_queries(15):
        page = sam.get(page_of(export))
    assert "0 of 1" in text_of(page) and "You can leave this page" in text_of(page)
    assert f'hx-get="{page_of(export, "export-progress")}"' in page.content.decode()
    make(export)
    fragment = sam.get(page_of(export, "export-progress"))
    assert fragment["X-Record"] == str(export.pk)
    assert "The file is ready" in text_of(fragment) and "hx-get" not in fragment.content.decode()
    with django_assert_max_num_queries(15):
        file = sam.get(page_of(export, "export-file"))
    assert (file.status_code, file["Cache-Control"]) == (200, "no-store, private")
    assert re.fullmatch(r'attachment; filename="alliance-csv-\d{4}-\d\d-\d\d\.zip"', file["Content-Disposition"])
    assert "episodes.csv" in zipfile.ZipFile(io.BytesIO(file.getvalue())).namelist()
    assert AuditEvent.objects.filter(action="export.downloaded", object_id=export.pk, person=record.sam).count() == 1
    assert "Last downloaded" in text_of(sam.get(page_of(export)))


def test_the_list_asks_the_same_number_of_queries_however_long_it_is(sam, record, django_assert_max_num_queries):
    for _ in range(3):
        factories.make_export(record.sam)
    with django_assert_max_num_queries(15):
        response = sam.get(LIST)
    assert response.content.decode().count("Being made") == 3


def test_the_same_form_sent_twice_asks_once(sam):
    key = str(uuid.uuid4())
    first, second = ask(sam, submission=key), ask(sam, submission=key)
    assert first["Location"] == second["Location"]
    assert Export.objects.count() == 1


def test_a_therapist_is_offered_own_clients_and_an_administrator_the_service(ada, sam):
    assert "My clients, and those I cover for." in text_of(ada.get(LIST))
    assert "The whole service." in text_of(sam.get(LIST))
    assert errors_beside(ask(ada))["scope"]
    assert errors_beside(ask(sam, scope="own"))["scope"]
    assert not Export.objects.exists()


def test_who_has_both_roles_chooses(record, browser_of):
    person = factories.accounts.update_person(
        person=record.ada, version=record.ada.version, is_administrator=True, by=record.sam
    )
    both = browser_of(person)
    assert 'type="radio" name="scope"' in both.get(LIST).content.decode()
    assert {asked(both, scope=scope).scope for scope in ("own", "service")} == {"own", "service"}


# --- Who the clients are ---------------------------------------------------------------------------------


def test_codes_need_a_purpose_and_the_password_again(sam):
    response = ask(sam, is_identifying="on")
    assert response.status_code == 422
    assert errors_beside(response) == {
        "purpose": ["Say what you need codes or names for."],
        "password": ["Enter your password."],
    }
    wrong = ask(sam, is_identifying="on", purpose="Audit", password="a guess")
    assert errors_beside(wrong) == {"password": ["This password is not correct."]}
    assert "a guess" not in wrong.content.decode()
    assert not Export.objects.exists()
    export = asked(sam, is_identifying="on", purpose="Audit", password=factories.PASSWORD)
    assert (export.is_identifying, export.purpose) == (True, "Audit")


def test_passwords_cannot_be_tried_without_end(sam):
    for _ in range(25):
        response = ask(sam, is_identifying="on", purpose="Audit", password="a guess")
    assert "too many tries" in errors_beside(response)["password"][0]


def test_a_purpose_without_the_choice_is_not_kept(sam):
    export = asked(sam, purpose="Audit")
    assert (export.is_identifying, export.purpose) == (False, "")


def test_nothing_of_the_password_is_kept(sam):
    key = str(uuid.uuid4())
    terms = {"is_identifying": "on", "purpose": "Audit", "submission": key}
    asked(sam, password=factories.PASSWORD, **terms)
    assert Submission.objects.get(key=key).digest
    assert ask(sam, password="", **terms).status_code == 422, "and yet nobody repeats it without"


# --- Errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"since": "2026-02-30"}, "since", "date that exists"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "until", "before the first"),
        ({"since": "2999-01-01", "until": "2999-01-02"}, "since", ""),
        ({"format": "pdf"}, "format", "not one of"),
        ({"is_identifying": "on", "purpose": "x" * 301, "password": factories.PASSWORD}, "purpose", "at most 300"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(sam, record, values, field, words):
    episode = record.ada.episodes.get()
    factories.clients.end_episode(episode=episode, ended_on=timezone.localdate(), ending="planned", by=record.ada)
    response = ask(sam, **values)
    assert response.status_code == 422
    errors = errors_beside(response)
    if words:
        assert words in errors[field][0]
    else:
        assert "nothing in these days" in errors["__all__"][0]
    assert not Export.objects.exists()


# --- Whose it is, and until when -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["export", "export-progress", "export-file"])
def test_an_export_is_there_for_who_asked_and_for_nobody_else(sam, ada, record, other_service, browser_of, name):
    export = factories.make_export(record.sam, finish=True)
    own = sam.get(page_of(export, name))
    assert own.status_code == 200 and own.getvalue()
    assert ada.get(page_of(export, name)).status_code == 404
    assert browser_of(other_service.sam).get(page_of(export, name)).status_code == 404
    assert sam.get(reverse(f"reports:{name}", args=[uuid.uuid4()])).status_code == 404


@pytest.mark.parametrize("state", ["expired by the clock", "expired", "cancelled", "not ready"])
def test_a_file_that_is_not_there_answers_404_and_says_what_to_do(sam, record, state):
    export = factories.make_export(record.sam, finish=state != "not ready")
    if state in {"expired by the clock", "expired"}:
        Export.objects.filter(pk=export.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    if state == "expired":
        actions.forget_old_exports(organisation_id=record.organisation.pk)
    if state == "cancelled":
        actions.cancel_export(export=export, by=record.sam)
    response = sam.get(page_of(export, "export-file"))
    assert response.status_code == 404
    words = text_of(response)
    told = {"not ready": "not ready yet", "cancelled": "no file any more"}.get(state, "has expired")
    assert told in words
    assert ("Ask for it again" in words) == (state != "not ready")
    assert not AuditEvent.objects.filter(action="export.downloaded").exists()
    assert told in text_of(sam.get(page_of(export))) or state == "not ready"


def test_asking_again_fills_in_what_was_asked_but_for_the_identity(sam, record):
    export = factories.make_export(record.sam, since=timezone.localdate() - timedelta(weeks=90), has_mark=False)
    form = sam.get(LIST, {"again": str(export.pk)}).context["form"]
    assert form["since"].value() == export.since and form["has_mark"].value() is False
    for nonsense in ("x", str(uuid.uuid4())):
        assert sam.get(LIST, {"again": nonsense}).status_code == 200


def test_cancel_stops_it_and_a_second_press_says_where_it_is(sam, record):
    export = factories.make_export(record.sam)
    assert sam.post(page_of(export, "export-cancel")).status_code == 302
    export.refresh_from_db()
    assert export.state == State.CANCELLED
    again = sam.post(page_of(export, "export-cancel"), follow=True)
    assert "gone on meanwhile" in text_of(again)
    assert "gone on meanwhile" in text_of(sam.post(page_of(export, "export-retry"), follow=True))


def test_one_that_stopped_says_so_and_goes_on_when_asked(sam, record):
    export = factories.make_export(record.sam)
    Job.objects.filter(task=actions.MAKE).update(failed_at=Now(), last_error="OperationalError")
    page = sam.get(page_of(export))
    assert "It has stopped at episode 0 of 1" in text_of(page) and "hx-get" not in page.content.decode()
    sam.post(page_of(export, "export-retry"))
    assert Job.objects.waiting().filter(task=actions.MAKE, object_id=export.pk).count() == 1
    assert "hx-get" in sam.get(page_of(export)).content.decode()
    assert AuditEvent.objects.filter(action="export.retried", object_id=export.pk).exists()


def test_a_file_of_a_role_that_has_ended_says_why_it_is_gone(record, browser_of):
    away = factories.make_cover(record.ada, by=record.tom)
    export = factories.make_export(record.tom, finish=True)
    factories.accounts.end_cover(cover=away, by=record.ada)
    tom = browser_of(record.tom)
    response = tom.get(page_of(export, "export-file"))
    assert response.status_code == 404 and "A role or a cover has ended" in text_of(response)
    page = tom.get(page_of(export))
    assert "A role or a cover has ended" in text_of(page) and "Download" not in text_of(page)
