"""One client erased: nothing of them is left in any table, nothing of anybody else is missing, and a proof says so."""

import json
import re
import uuid

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.http import QueryDict
from django.utils import timezone

from accounts.classification import ABOUT, CLINICAL, FIELDS, IDENTIFYING, OF_NOBODY
from accounts.encryption import EncryptedTextField
from accounts.idempotency import remember_answer
from accounts.models import AuditEvent, Submission, User
from clients.models import Client, Episode
from dashboards.actions import keep_summaries
from jobs.models import Job, Route
from jobs.organisation import acting_in
from reports.models import Erasure, Export, ImportBatch, ImportChunk
from reports.privacy import about, erasure, selectors, tombstones, traces
from reports.tasks import erase_client
from sessions_app.models import TherapySession
from supervision.models import Meeting
from tests import factories
from tests.access.world import make_import
from tests.reports.held import CANARY, CODE, asked, begun, erased, finish, tables_with

pytestmark = pytest.mark.django_db

State = Erasure.State


def put_canaries(client) -> int:
    """A canary into every classified text column of every row about the client, past actions and choices; how many.

    What is encrypted is left as it is: no text could be found in it. Codes in a constraint keep their value.
    """
    count = 0
    for label in about.order():
        model = about.model_of(label)
        for field in model._meta.concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField | models.JSONField)
            if not is_text or isinstance(field, EncryptedTextField):
                continue
            if FIELDS[label][field.name] not in {CLINICAL, IDENTIFYING}:
                continue
            value = {"k": CANARY} if isinstance(field, models.JSONField) else CANARY[: field.max_length]
            rows = about.rows_about(label, client.pk)
            try:
                with transaction.atomic():
                    count += rows.filter(pk__in=list(rows.values_list("pk", flat=True)[:1])).update(
                        **{field.name: value}
                    )
            except Exception as refused:  # a constraint, a trigger or a right of the database: it takes no free text
                assert re.search("constraint|permission|denied|too long|uniq", str(refused)), refused
    return count


# --- Which tables --------------------------------------------------------------------------------------------


def test_every_table_is_about_a_client_or_says_why_not():
    assert set(ABOUT) | set(OF_NOBODY) == set(FIELDS)
    assert not set(ABOUT) & set(OF_NOBODY)
    assert set(about.WORDS) == set(ABOUT) == set(about.order())


def test_whatever_leads_to_a_client_is_known_to_be_about_one():
    """A new table that points at one of these can't be forgotten: the database would refuse the erasure."""
    for model in apps.get_models():
        if about.references(model):
            assert model._meta.label in {*ABOUT, "supervision.Meeting"}, model


def test_no_table_is_emptied_before_what_points_at_it():
    done: set[str] = set()
    for label in about.order():
        assert not set(about.references(about.model_of(label))) & done, label
        done.add(label)
    assert about.order()[-1] == about.CLIENT


def test_the_record_of_this_test_has_a_row_in_every_table(kestrel):
    begun_already = {"reports.ExportPart"}
    packs_made = Export.objects.get(client=kestrel)
    while factories.exports.take_step(export_id=packs_made.pk, organisation_id=packs_made.organisation_id):
        pass
    assert set(about.counts(kestrel.pk)) | begun_already == set(ABOUT)


# --- What is left --------------------------------------------------------------------------------------------


def test_nothing_of_the_client_is_left_in_any_table(kestrel, harbour):
    client_id = str(kestrel.pk)
    before = put_canaries(kestrel)
    assert before >= 40
    Client.objects.filter(pk=kestrel.pk).update(code=CODE, name=CANARY)
    assert len(tables_with(CANARY, CODE)) > 20
    done = erased(Client.objects.get(pk=kestrel.pk), harbour)
    assert tables_with(CANARY, CODE, "kestrel-canary@post.example") == set()
    # The number by which the audit trail knows them leads nowhere.
    assert tables_with(client_id) == {"accounts_auditevent"}
    assert done.state == State.DONE


def test_nothing_of_anybody_else_is_missing(kestrel, harbour, other_service):
    with acting_in(other_service.organisation.pk):
        factories.make_course(factories.make_episode(other_service.ada, code="E-1"), [7])
    rowan = Client.objects.get(code="R-1")
    before = about.counts(rowan.pk)
    people = User.objects.count()
    erased(kestrel, harbour)
    assert about.counts(rowan.pk) == before
    assert User.objects.count() == people
    with acting_in(other_service.organisation.pk):
        assert Client.objects.count() == 1


def test_the_proof_counts_every_table_before_and_after(kestrel, harbour):
    there = about.counts(kestrel.pk)
    done = erased(kestrel, harbour)
    # The request that was turned down goes, too; the one that is carried out becomes the proof.
    assert done.before == there
    assert done.after == dict.fromkeys(ABOUT, 0)
    assert done.client is None
    assert done.ids == {}
    assert done.traces == {"exports": 1, "imports": 0, "notes": 1, "notes_about_others": 0, "texts": 1}
    shown = {row.table: (row.before, row.after) for row in selectors.proof(done)}
    assert shown["measures.Rating"] == (there["measures.Rating"], 0)


def test_the_database_lets_nobody_change_the_proof(kestrel, harbour):
    done = erased(kestrel, harbour)
    for change in (lambda rows: rows.update(before={}), lambda rows: rows.delete()):
        with pytest.raises(IntegrityError, match="proof of an erasure stands"), transaction.atomic():
            change(Erasure.objects.filter(pk=done.pk))


def test_events_stay_without_content_and_say_who_asked_and_who_erased(kestrel, harbour):
    client_id = kestrel.pk
    earlier = AuditEvent.objects.filter(client_id=client_id).count()
    done = erased(kestrel, harbour)
    events = AuditEvent.objects.filter(object_id=done.pk).order_by("happened_at")
    assert {(event.action, event.person) for event in events} == {
        ("erasure.requested", harbour.ada),
        ("erasure.begun", harbour.sam),
        ("erasure.done", harbour.sam),
    }
    assert AuditEvent.objects.filter(client_id=client_id).count() == earlier + 2
    with pytest.raises(Exception, match="permission denied"), transaction.atomic():
        AuditEvent.objects.filter(client_id=client_id)._raw_delete("default")


def test_nobody_reads_from_the_tombstone_who_it_was(kestrel, harbour):
    client_id = kestrel.pk
    done = erased(kestrel, harbour)
    name, _, digest = done.tombstone.partition(":")
    assert name in settings.FIELD_KEYS_FILE.read_text()
    assert len(digest) == 64
    assert client_id.hex not in digest
    assert tombstones.tombstone_of(client_id, harbour.organisation.pk).text == done.tombstone
    (line,) = [line for line in settings.TOMBSTONES_FILE.read_text().splitlines() if digest in line]
    assert set(json.loads(line)) == {"organisation", "tombstone", "key"}
    assert CODE not in line
    assert settings.TOMBSTONES_FILE.stat().st_mode & 0o077 == 0


# --- What else speaks of them ----------------------------------------------------------------------------------


def test_notes_that_speak_of_others_stay_without_the_name(kestrel, harbour):
    other = Episode.objects.get(client__code="R-1")
    meeting = Meeting.objects.get()
    factories.make_step(meeting, other)
    Meeting.objects.filter(pk=meeting.pk).update(notes=f"With {CANARY.upper()}, slower. Rowan is well ({CODE}).")
    erased(kestrel, harbour)
    meeting.refresh_from_db()
    assert meeting.notes == "With [erased], slower. Rowan is well ([erased])."


def test_a_short_code_is_not_taken_out_of_other_words(service):
    client = factories.make_episode(service.ada, code="AB", name="Al").client
    assert traces.eraser(client)("AB Al about all") == "AB Al about all"
    client.name = "Ann Lee"
    assert traces.eraser(client)(["Ann Lee's", {"Ann Lee": 1}, "AnnLee"]) == ["[erased]'s", {"[erased]": 1}, "AnnLee"]


def test_files_with_the_client_are_taken_away_and_others_stay(kestrel, harbour):
    of_service = factories.make_export(harbour.sam, finish=True)
    of_tom = factories.make_episode(harbour.tom, code="T-1")
    factories.make_session(of_tom)
    toms = factories.make_export(harbour.tom, finish=True)
    waiting = factories.make_import(harbour)
    erased(kestrel, harbour)
    of_service.refresh_from_db()
    toms.refresh_from_db()
    assert (of_service.state, of_service.parts.count()) == (Export.State.CANCELLED, 0)
    assert toms.state == Export.State.READY
    assert not ImportBatch.objects.filter(pk=waiting.pk).exists()


def test_an_import_forgets_which_rows_of_theirs_it_made(harbour):
    batch = make_import(harbour, check=True, write=True)
    client = Client.objects.get(code="I-1")
    assert str(client.pk) in str(ImportChunk.objects.get(batch=batch).made)
    erased(client, harbour)
    assert not any(ImportChunk.objects.get(batch=batch).made.values())
    assert "I-1" not in str(ImportBatch.objects.get(pk=batch.pk).report)


def test_an_import_under_way_is_waited_for(kestrel, harbour):
    batch = factories.make_import(harbour)
    factories.imports.write_import(batch=batch, by=harbour.sam)
    request = asked(kestrel, harbour)
    with pytest.raises(traces.ImportUnderWay):
        erasure.carry_out(erasure=request, code=CODE, by=harbour.sam)
    request.refresh_from_db()
    assert request.state == State.REQUESTED


def test_links_lead_nowhere_and_no_work_waits_for_rows_that_are_gone(kestrel, harbour):
    episode = Episode.objects.get(client=kestrel)
    links = Route.objects.filter(kind=Route.Kind.LINK)
    assert links.count() >= 2
    assert Job.objects.filter(object_id=episode.pk).exists()
    key = uuid.uuid4()
    remember_answer(QueryDict(f"submission={key}"), f"/episodes/{episode.pk}/", by=harbour.ada)
    remember_answer(QueryDict(f"submission={uuid.uuid4()}"), "/today/", by=harbour.ada)
    erased(kestrel, harbour)
    assert links.count() == 0
    assert not Job.objects.filter(object_id=episode.pk).exists()
    assert [one.location for one in Submission.objects.all()] == ["/today/"]


# --- Who, and when not -----------------------------------------------------------------------------------------


def test_only_the_responsible_therapist_asks(kestrel, harbour):
    for person in (harbour.tom, harbour.ruth, harbour.sam):
        with pytest.raises(PermissionDenied):
            erasure.request_erasure(client=kestrel, reason="client", by=person)
    stands_in = harbour.tom
    factories.make_cover(harbour.ada, by=stands_in)
    with pytest.raises(PermissionDenied):
        erasure.request_erasure(client=kestrel, reason="client", by=stands_in)


def test_whoever_took_over_asks_and_whoever_handed_over_does_not(kestrel, harbour):
    factories.hand_over(Episode.objects.get(client=kestrel), to=harbour.tom)
    with pytest.raises(PermissionDenied):
        erasure.request_erasure(client=kestrel, reason="client", by=harbour.ada)
    request = erasure.request_erasure(client=kestrel, reason="client", by=harbour.tom)
    erasure.carry_out(erasure=request, code=CODE, by=harbour.sam)
    assert finish(request).state == State.DONE


def test_only_an_administrator_carries_it_out_with_the_code_typed(kestrel, harbour):
    request = asked(kestrel, harbour)
    with pytest.raises(PermissionDenied):
        erasure.carry_out(erasure=request, code=CODE, by=harbour.ada)
    with pytest.raises(erasure.OtherCode):
        erasure.carry_out(erasure=request, code="R-1", by=harbour.sam)
    erasure.carry_out(erasure=request, code=f" {CODE.lower()} ", by=harbour.sam)
    with pytest.raises(erasure.WrongState):
        erasure.carry_out(erasure=request, code=CODE, by=harbour.sam)


def test_it_is_asked_for_once_at_a_time_and_can_be_taken_back(kestrel, harbour):
    request = asked(kestrel, harbour)
    with pytest.raises(ValidationError, match="already"):
        asked(kestrel, harbour)
    erasure.close_request(erasure=request, by=harbour.ada)
    request.refresh_from_db()
    assert request.state == State.WITHDRAWN
    with pytest.raises(erasure.WrongState):
        erasure.carry_out(erasure=request, code=CODE, by=harbour.sam)
    again = asked(kestrel, harbour)
    with pytest.raises(PermissionDenied):
        erasure.close_request(erasure=again, by=harbour.tom)


def test_nothing_is_erased_under_a_legal_hold(kestrel, harbour):
    request = asked(kestrel, harbour)
    hold = erasure.set_hold(client=kestrel, reason="A complaint.", by=harbour.sam)
    with pytest.raises(erasure.Held):
        erasure.carry_out(erasure=request, code=CODE, by=harbour.sam)
    with pytest.raises(ValidationError, match="stands on this record already"):
        erasure.set_hold(client=kestrel, reason="Twice.", by=harbour.sam)
    # The database itself refuses, whoever tries.
    with transaction.atomic():
        Client.objects.filter(pk=kestrel.pk)._raw_delete("default")
        with pytest.raises(IntegrityError):
            connection.check_constraints()
        transaction.set_rollback(True)
    with pytest.raises(PermissionDenied):
        erasure.lift_hold(hold=hold, by=harbour.ada)
    erasure.lift_hold(hold=hold, by=harbour.sam)
    erasure.carry_out(erasure=request, code=CODE, by=harbour.sam)
    with pytest.raises(ValidationError, match="being erased already"):
        erasure.set_hold(client=kestrel, reason="Too late.", by=harbour.sam)
    actions = AuditEvent.objects.filter(object_id=hold.pk).order_by("happened_at").values_list("action", flat=True)
    assert set(actions) == {"hold.set", "hold.lifted"}


# --- In steps --------------------------------------------------------------------------------------------------


def test_killed_at_any_step_it_goes_on_to_the_same_end(kestrel, harbour, monkeypatch):
    """Each step is done, thrown away as by a kill before its commit, and done again."""
    request = begun(kestrel, harbour)
    goes_on = True
    while goes_on:
        with transaction.atomic():
            erasure.erase_next(erasure_id=request.pk)
            transaction.set_rollback(True)
        before = Erasure.objects.get(pk=request.pk).done
        goes_on = erasure.take_step(erasure_id=request.pk, organisation_id=request.organisation_id)
        assert Erasure.objects.get(pk=request.pk).done == before + 1
    request.refresh_from_db()
    assert request.state == State.DONE
    assert set(request.after.values()) == {0}
    assert not erasure.take_step(erasure_id=request.pk, organisation_id=request.organisation_id)


def test_work_that_brings_rows_back_meanwhile_does_not_stop_it(kestrel, harbour):
    request = begun(kestrel, harbour)
    episode = Episode.objects.get(client=kestrel)
    sessions_are_gone = 3 + about.order().index("sessions_app.TherapySession")
    while Erasure.objects.get(pk=request.pk).done < sessions_are_gone:
        erasure.take_step(erasure_id=request.pk, organisation_id=request.organisation_id)
    # As a job does that was under way: a summary of the episode, and a session with it.
    TherapySession.objects.create(
        organisation=harbour.organisation,
        episode=episode,
        number=99,
        held_on=timezone.localdate(),
        created_by=harbour.ada,
    )
    keep_summaries(episode_ids=[episode.pk])
    connection.check_constraints()
    with pytest.raises(IntegrityError):
        finish(request)
    finish(request)
    request.refresh_from_db()
    assert request.state == State.DONE
    assert not TherapySession.objects.filter(number=99).exists()


def test_what_is_still_there_is_never_called_erased(kestrel, harbour, monkeypatch):
    request = begun(kestrel, harbour)
    monkeypatch.setattr(about, "existing", lambda ids: {"measures.Rating": 1})
    with pytest.raises(IntegrityError, match="still there"):
        finish(request)
    request.refresh_from_db()
    assert request.state == State.ERASING
    assert Client.objects.filter(pk=kestrel.pk).exists()


def test_the_job_erases(kestrel, harbour):
    request = begun(kestrel, harbour)
    job = Job.objects.get(task=erasure.ERASE, object_id=request.pk)
    erase_client(str(job.pk))
    request.refresh_from_db()
    assert request.state == State.DONE


def test_the_preview_counts_what_goes_in_one_query_and_says_what_stays(kestrel, harbour, django_assert_max_num_queries):
    factories.make_import(harbour)
    with django_assert_max_num_queries(1):
        assert about.counts(kestrel.pk)["clients.Client"] == 1
    seen = selectors.preview(kestrel)
    assert ("sessions", TherapySession.objects.filter(episode__client=kestrel).count()) in seen.kinds
    assert (seen.exports, seen.imports, seen.notes_alone, seen.notes_shared) == (1, 1, 1, 0)
    assert seen.events == AuditEvent.objects.filter(client_id=kestrel.pk).count()
    assert not seen.is_held
