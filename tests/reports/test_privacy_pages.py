"""A person's way to a pack, to an erasure and its proof, and to how long records are kept."""

import re
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Submission
from clients.models import Client
from jobs.models import Job
from reports.exports import actions as exports
from reports.models import Erasure, Export, LegalHold
from reports.privacy import erasure
from tests import factories
from tests.factories import PASSWORD
from tests.reports.held import asked, begun, erased

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(service):
    episode = factories.make_episode(service.ada)
    factories.make_session(episode, note="canary of the note")
    return episode.client


def page(name, *args):
    return reverse(f"reports:{name}", args=args)


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_from_the_episode_to_the_pack_and_its_file(client, service, browser_of, django_assert_max_num_queries):
    ada = browser_of(service.ada)
    data = page("client-data", client.pk)
    assert data in ada.get(reverse("dashboards:episode", args=[client.episodes.get().pk])).content.decode()
    with django_assert_max_num_queries(17):
        ada.get(data)
    refused = ada.post(page("pack-create", client.pk), {"password": "a guess"})
    assert refused.status_code == 422
    assert "This password is not correct" in text_of(refused)
    made = ada.post(page("pack-create", client.pk), {"password": PASSWORD, "with_process_notes": "on"})
    pack = Export.objects.get()
    assert made["Location"] == page("export", pack.pk)
    assert pack.with_process_notes
    assert PASSWORD not in str(list(Submission.objects.values()))
    while exports.take_step(export_id=pack.pk, organisation_id=pack.organisation_id):
        pass
    assert "everything that is held" in text_of(ada.get(page("export", pack.pk)))
    file = ada.get(page("export-file", pack.pk))
    assert "alliance-pack-" in file["Content-Disposition"]
    assert "R-0417" not in file["Content-Disposition"]
    assert file.getvalue().startswith(b"PK")
    assert "R-0417" in text_of(ada.get(page("export-list")))
    # Nobody else has it, an administrator included.
    assert browser_of(service.sam).get(page("export-file", pack.pk)).status_code == 404


def test_asked_for_previewed_and_carried_out_with_the_code(client, service, browser_of, django_assert_max_num_queries):
    ada, sam = browser_of(service.ada), browser_of(service.sam)
    key = uuid.uuid4()
    for _twice in range(2):
        ada.post(page("erasure-request", client.pk), {"reason": "client", "submission": key})
    request = Erasure.objects.get()
    assert "An administrator is asked to erase this record" in text_of(ada.get(page("client-data", client.pk)))
    assert "R-0417" in text_of(sam.get(page("erasure-list")))
    with django_assert_max_num_queries(18):
        preview = text_of(sam.get(page("erasure", request.pk)))
    assert "Session 1" in preview
    assert "What stays, and why" in preview
    assert "Rowan" not in preview
    assert "canary of the note" not in preview
    # Whoever asked sees that, and not what an administrator decides by.
    assert "What stays" not in text_of(ada.get(page("erasure", request.pk)))
    wrong = sam.post(page("erasure-carry-out", request.pk), {"code": "R-0418"})
    assert wrong.status_code == 422
    assert "This is not the code of this client" in text_of(wrong)
    sam.post(page("erasure-carry-out", request.pk), {"code": "r-0417"})
    progress = sam.get(page("erasure-progress", request.pk))
    assert "a table at a time" in text_of(progress) and "HX-Refresh" not in progress
    while erasure.take_step(erasure_id=request.pk, organisation_id=request.organisation_id):
        pass
    # The head of the open page still names the client.
    assert sam.get(page("erasure-progress", request.pk))["HX-Refresh"] == "true"
    for browser in (sam, ada):
        with django_assert_max_num_queries(17):
            proof = text_of(browser.get(page("erasure", request.pk)))
        assert "Sessions 1 0" in proof
        assert "R-0417" not in proof
    assert "nobody any more" in text_of(sam.get(page("erasure-list")))
    assert ada.get(page("client-data", client.pk)).status_code == 404


def test_a_request_is_declined_or_taken_back(client, service, browser_of):
    for person in (service.ada, service.sam):
        request = asked(client, service)
        browser = browser_of(person)
        browser.post(page("erasure-close", request.pk))
        assert "Nothing was erased" in text_of(browser.get(page("erasure", request.pk)))
        browser.post(page("erasure-close", request.pk))
    assert set(Erasure.objects.values_list("state", flat=True)) == {"withdrawn", "declined"}
    assert Client.objects.exists()


def test_under_a_hold_neither_asks_nor_erases(client, service, browser_of):
    sam = browser_of(service.sam)
    request = asked(client, service)
    unknown = sam.post(page("hold-set"), {"code": "nobody", "reason": "x"})
    assert "There is no client with this code" in text_of(unknown)
    sam.post(page("hold-set"), {"code": "r-0417", "reason": "A complaint."})
    hold = LegalHold.objects.get()
    assert "A complaint." in text_of(sam.get(page("retention")))
    assert "Erase for good" not in text_of(sam.get(page("erasure", request.pk)))
    refused = sam.post(page("erasure-carry-out", request.pk), {"code": "R-0417"})
    assert (refused.status_code, "A legal hold stands" in text_of(refused)) == (422, True)
    ada = browser_of(service.ada)
    assert "A legal hold stands" in text_of(ada.get(page("client-data", client.pk)))
    # Why, administrators alone read.
    assert "A complaint." not in text_of(ada.get(page("client-data", client.pk)))
    sam.post(page("hold-lift", hold.pk))
    assert "Erase for good" in text_of(sam.get(page("erasure", request.pk)))


def test_what_has_stopped_can_go_on(client, service, browser_of):
    request = begun(client, service)
    Job.objects.filter(object_id=request.pk).update(failed_at=timezone.now())
    sam = browser_of(service.sam)
    assert "It has stopped at step 0" in text_of(sam.get(page("erasure", request.pk)))
    sam.post(page("erasure-retry", request.pk))
    assert Job.objects.waiting().filter(object_id=request.pk).exists()


def test_looking_at_a_period_changes_nothing_and_saving_it_does(
    client, service, browser_of, django_assert_max_num_queries
):
    sam = browser_of(service.sam)
    assert "No period is set" in text_of(sam.get(page("retention")))
    with django_assert_max_num_queries(17):
        looked = text_of(sam.get(page("retention"), {"years": "7"}))
    assert "Would be due after 7 years" in looked
    service.organisation.refresh_from_db()
    assert service.organisation.retention_years is None
    for typed in ("0", "101", "x", "-1", "7" * 50):
        assert sam.get(page("retention"), {"years": typed}).status_code == 200
    short = sam.post(page("retention"), {"years": "7", "notice_days": "3", "version": service.organisation.version})
    assert short.status_code == 422
    sam.post(page("retention"), {"years": "7", "notice_days": "60", "version": service.organisation.version})
    service.organisation.refresh_from_db()
    assert (service.organisation.retention_years, service.organisation.retention_notice_days) == (7, 60)
    stale = sam.post(page("retention"), {"years": "1", "notice_days": "60", "version": 1}, follow=True)
    assert "changed meanwhile" in text_of(stale)


def test_a_proof_stays_with_the_service(client, service, other_service, browser_of):
    done = erased(client, service)
    assert browser_of(other_service.sam).get(page("erasure", done.pk)).status_code == 404
    assert browser_of(service.tom).get(page("erasure", done.pk)).status_code == 404
