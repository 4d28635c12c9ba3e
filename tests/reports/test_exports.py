"""A file out of the record: what is in it equals the database, what must not be is not, and nothing is lost or doubled.

The files are read here by the csv module and by openpyxl, and by nothing of ours.
"""

import csv
import io
import re
import uuid
import zipfile
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts import actions as accounts
from accounts.classification import FIELDS, IDENTIFYING
from accounts.models import AuditEvent
from clients.models import Episode
from jobs import actions as jobs
from jobs.models import Job
from measures.models import Rating, Score
from reports.exports import actions, files, formats
from reports.exports.rows import episodes_of, pseudonyms
from reports.exports.tables import ALWAYS, TABLES, Column, Table
from reports.models import Export, ExportPart
from reports.tasks import forget_old_files, make_export
from sessions_app.models import TherapySession
from tests import factories

pytestmark = pytest.mark.django_db

FILES = {f"{table.name}.csv" for table in TABLES}
WORDS = {
    "name": "Kestrel-canary",
    "note": "canary of the note",
    "comment": "canary of the comment",
    "rupture": "canary of what happened",
    "repair": "canary of what was tried",
    "process note": "canary of the process note",
    "address": "canary@post.example",
}
State = Export.State


@pytest.fixture
def record(service):
    """Two episodes of Ada's, one of Tom's, with everything that an export could hold and what it must not."""
    episode = factories.make_episode(service.ada, code="=K-7731", name=WORDS["name"])
    session = factories.make_session(episode, note=WORDS["note"])
    factories.rate_as_therapist(session, goal=5)
    factories.rate_as_client(session, bond=3, comment=WORDS["comment"])
    factories.rate_by_phq_9(session, harm=None, other=1)
    rupture = factories.make_rupture(session, what_happened=WORDS["rupture"])
    factories.make_attempt(rupture, session, note=WORDS["repair"])
    factories.make_goal(episode, "-50 % of the canary's worry", metric="hours", baseline=8.0)
    factories.make_process_note(session, WORDS["process note"])
    factories.agree_to_mails(episode.client, WORDS["address"])
    factories.make_signal(factories.make_episode(service.ada, code="S-1"))
    factories.rate_as_therapist(factories.make_session(factories.make_episode(service.tom, code="T-1", name="Tern")))
    return service


def files_of(export):
    with actions.download_export(export=export, by=export.created_by) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def table(files, name):
    """As a spreadsheet reads it: a mark, a head, then one value per column in every row."""
    head, *rows = csv.reader(io.StringIO(files[f"{name}.csv"].removeprefix("\ufeff"), newline=""), strict=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def finished(by, **values):
    export = factories.make_export(by, finish=True, **values)
    assert export.state == State.READY
    return export


# --- What is in it ---------------------------------------------------------------------------------------


def test_every_score_in_force_is_in_it_once_with_the_values_of_the_database(record):
    files = files_of(finished(record.sam))
    name = pseudonyms(record.organisation.pk)
    stored = {
        (name("R", rating), scale): (value, mean, prorated, reason)
        for rating, scale, value, mean, prorated, reason in Score.objects.filter(
            rating__in=Rating.objects.current().exclude(pk__in=Rating.objects.current().sealed().values("pk"))
        ).values_list("rating", "scale", "value", "mean", "is_prorated", "reason")
    }
    rows = table(files, "scores")
    read = {
        (row["rating_id"], row["scale"]): (
            float(row["value"]) if row["value"] else None,
            float(row["mean"]) if row["mean"] else None,
            row["is_prorated"] == "1",
            row["reason"],
        )
        for row in rows
    }
    assert read == stored
    assert len(rows) == len(stored) > 50
    assert {row["value"] == "" for row in rows} == {True, False}
    assert all((row["value"] == "") == (row["reason"] != "") for row in rows)


def test_every_answer_is_in_it_and_a_missing_one_is_empty_with_its_reason(record):
    rows = table(files_of(finished(record.sam)), "answers")
    phq = [row for row in rows if row["instrument"] == "phq-9"]
    assert [(row["item"], row["answer"], row["reason"]) for row in phq] == [
        *((str(item), "1", "") for item in range(1, 9)),
        ("9", "", "not answered"),
    ]
    assert {row["held_on"] for row in phq} == {
        TherapySession.objects.get(ratings__instrument="phq-9").held_on.isoformat()
    }


def test_sessions_episodes_ruptures_attempts_signals_and_goals_are_counted_as_the_database_counts_them(record):
    files = files_of(finished(record.sam))
    counts = {name: len(table(files, name)) for name in ("episodes", "sessions", "ruptures", "repair_attempts")}
    assert counts == {
        "episodes": Episode.objects.count(),
        "sessions": TherapySession.objects.count(),
        "ruptures": 1,
        "repair_attempts": 1,
    }
    (rupture,), (attempt,), (goal,) = (table(files, name) for name in ("ruptures", "repair_attempts", "goals"))
    assert attempt["rupture_id"] == rupture["rupture_id"]
    assert (rupture["type"], rupture["markers"], attempt["strategies"]) == (
        "withdrawal",
        "appeasing",
        "validate; own-part",
    )
    assert (goal["baseline"], goal["target"], goal["status"]) == ("8", "", "open")
    (signal,) = table(files, "signals")
    assert (signal["state"], signal["rupture_id"]) == ("new", "")


def test_a_row_of_one_file_leads_to_its_rows_in_the_others(record):
    files = files_of(finished(record.sam))
    episodes = {row["episode_id"]: row["client_id"] for row in table(files, "episodes")}
    sessions = {(row["episode_id"], row["session_number"]) for row in table(files, "sessions")}
    assert len(episodes) == 3 and len(set(episodes.values())) == 3
    for name in ("sessions", "scores", "answers", "ruptures", "repair_attempts", "signals", "goals"):
        for row in table(files, name):
            assert episodes[row["episode_id"]] == row["client_id"]
            if name != "goals":
                assert (row["episode_id"], row["session_number"]) in sessions


def test_two_exports_can_be_joined_and_two_services_cannot(record, other_service):
    first, second = (table(files_of(finished(record.sam)), "episodes") for _ in range(2))
    assert first == second
    client = uuid.uuid4()
    assert pseudonyms(record.organisation.pk)("C", client) != pseudonyms(other_service.organisation.pk)("C", client)


def test_a_pseudonym_changes_with_the_sites_key_and_does_not_hold_the_id(record, settings):
    client = uuid.uuid4()
    before = pseudonyms(record.organisation.pk)("C", client)
    settings.SECRET_KEY = "another key of the site, of fifty characters or more"
    assert pseudonyms(record.organisation.pk)("C", client) != before
    assert re.fullmatch("C[0-9a-f]{20}", before) and before[1:9] not in client.hex


def test_days_bound_the_sessions_and_what_hangs_on_them(record):
    session = TherapySession.objects.get(ratings__instrument="phq-9")
    files = files_of(finished(record.sam, since=session.held_on, until=session.held_on))
    assert {row["held_on"] for row in table(files, "sessions")} == {session.held_on.isoformat()}
    assert {row["held_on"] for row in table(files, "scores")} == {session.held_on.isoformat()}
    assert session.held_on.strftime("%Y") in files["codebook.txt"]


def test_a_rating_that_was_corrected_or_that_waits_unseen_is_in_no_export(service):
    episode = factories.make_episode(service.ada)
    corrected, waiting = factories.make_session(episode), factories.make_session(episode)
    factories.rate_as_therapist(corrected, goal=1)
    factories.rate_as_therapist(corrected, goal=9)
    factories.rate_as_client(waiting, bond=2)
    for export in (finished(service.ada), finished(service.sam)):
        rows = table(files_of(export), "answers")
        assert [row["answer"] for row in rows if row["item"] == "1"] == ["9"]
        assert {row["rater"] for row in rows} == {"therapist"}


# --- What must not be in it ------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["sam", "ada"])
def test_a_file_under_pseudonyms_leads_to_nobody(record, who):
    export = finished(getattr(record, who))
    text = "".join(files_of(export).values())
    assert not [what for what, words in WORDS.items() if words in text]
    assert "K-7731" not in text and "canary" not in text
    assert not [str(pk) for pk in Episode.objects.values_list("pk", flat=True) if str(pk) in text]


def test_an_administrator_who_asks_for_identity_gets_codes_and_never_names_or_words(record):
    export = finished(record.sam, is_identifying=True, purpose="Audit of the year")
    files = files_of(export)
    assert {row["client_code"] for row in table(files, "episodes")} == {"'=K-7731", "S-1", "T-1"}
    assert "client_name" not in table(files, "episodes")[0] and "text" not in table(files, "goals")[0]
    assert not [what for what, words in WORDS.items() if words in "".join(files.values())]
    assert "Audit of the year" in files["codebook.txt"]


def test_a_therapist_who_asks_for_identity_gets_the_names_and_goals_of_own_clients_and_no_other_words(record):
    files = files_of(finished(record.ada, is_identifying=True, purpose="My own review"))
    assert {row["client_name"] for row in table(files, "episodes")} == {WORDS["name"], "Rowan"}
    assert [row["text"] for row in table(files, "goals")] == ["'-50 % of the canary's worry"]
    text = "".join(files.values())
    assert [what for what, words in WORDS.items() if words in text] == ["name"]


def test_a_therapist_exports_own_clients_and_those_covered_and_nobody_elses(record):
    assert len(table(files_of(finished(record.ada)), "episodes")) == 2
    assert len(table(files_of(finished(record.tom)), "episodes")) == 1
    factories.make_cover(record.ada, by=record.tom)
    assert len(table(files_of(finished(record.tom)), "episodes")) == 3


def test_who_took_over_exports_what_was_recorded_before_and_who_handed_over_nothing_after(service):
    before = factories.make_episode(service.tom)
    factories.make_session(before)
    after = factories.hand_over(before, to=service.ada)
    factories.make_session(after, held_on=timezone.localdate())
    assert {e.pk for e in episodes_of(factories.make_export(service.ada))} == {before.pk, after.pk}
    assert {e.pk for e in episodes_of(factories.make_export(service.tom))} == {before.pk}


@pytest.mark.parametrize(
    ("who", "scope"), [("ada", "service"), ("sam", "own"), ("ruth", "own"), ("ruth", "service"), ("nils", "own")]
)
def test_nobody_asks_for_more_than_they_may_see(record, who, scope):
    with pytest.raises(PermissionDenied):
        factories.make_export(getattr(record, who), scope=scope)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_column_says_where_it_comes_from_and_what_leads_to_a_person_is_never_always_there(table):
    from django.apps import apps

    for column in table.columns:
        model, _, name = column.source.rpartition(".")
        assert FIELDS[model][name]
        if FIELDS[model][name] == IDENTIFYING:
            assert column.stands != ALWAYS
        field = apps.get_model(model)._meta.get_field(name)
        is_words = field.get_internal_type() in {"TextField", "CharField"} and not field.choices
        known_words = {"instrument", "edition", "scale", "reason", "rule", "rate", "rater", "state"}
        if is_words and column.stands == ALWAYS:
            assert column.name in known_words, f"{column.name} holds what somebody typed"


# --- The codebook ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_identifying", [False, True])
def test_the_codebook_names_the_columns_that_are_there_and_no_other(record, is_identifying):
    more = {"is_identifying": True, "purpose": "Review"} if is_identifying else {}
    files = files_of(finished(record.ada, **more))
    assert set(files) == FILES | {"codebook.csv", "codebook.txt", "instruments.csv"}
    there = [(name, column) for name in files if name in FILES for column in head_of(files[name])]
    told = [(f"{row['file']}.csv", row["column"]) for row in table(files, "codebook")]
    assert told == there
    assert {row["class"] for row in table(files, "codebook")} == {"operational", "clinical"} | (
        {"identifying"} if is_identifying else set()
    )


def head_of(text):
    return next(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_codebook_knows_every_code_that_occurs(record):
    files = files_of(finished(record.sam))
    for row in table(files, "codebook"):
        if not row["codes"]:
            continue
        codes = {code.partition(" = ")[0] for code in row["codes"].split("; ")}
        found = {value for line in table(files, row["file"]) for value in line[row["column"]].split("; ")} - {""}
        assert found <= codes, row["column"]


def test_the_codebook_holds_the_key_of_every_instrument_that_was_used(record):
    rows = table(files_of(finished(record.sam)), "instruments")
    assert {row["instrument"] for row in rows} == {"phq-9", "session-check-in"}
    (total,) = (row for row in rows if row["instrument"] == "phq-9" and row["scale"] == "total")
    assert (total["items"], total["score_low"], total["score_high"]) == ("1 2 3 4 5 6 7 8 9", "0", "27")


def test_the_mark_is_there_for_spreadsheets_and_left_out_where_it_is_not_wanted(record):
    for has_mark in (True, False):
        files = files_of(finished(record.sam, has_mark=has_mark))
        assert {text.startswith("\ufeff") for name, text in files.items() if name.endswith(".csv")} == {has_mark}


# --- As a workbook ---------------------------------------------------------------------------------------


def sheets_of(export):
    with actions.download_export(export=export, by=export.created_by) as file:
        book = openpyxl.load_workbook(file)
    return {sheet.title: list(sheet.iter_rows()) for sheet in book}


def described(name, *heads):
    columns = tuple(Column(head, head, "clients.Client.id") for head in heads)
    return Table(name, name, columns), columns


def as_in_csv(cell):
    """What the same value looks like in the CSV; a day must be a day."""
    if isinstance(cell.value, datetime):
        return cell.value.date().isoformat()
    return "" if cell.value is None else str(cell.value)


def test_a_workbook_holds_what_the_csv_files_hold(record):
    terms = {"is_identifying": True, "purpose": "Review"}
    texts, sheets = files_of(finished(record.ada, **terms)), sheets_of(finished(record.ada, format="xlsx", **terms))
    assert list(sheets) == ["about", *(each.name for each in TABLES), "codebook", "instruments"]
    for name in [name for name in sheets if name != "about"]:
        read = [[as_in_csv(cell) for cell in row] for row in sheets[name]]
        rows = csv.reader(io.StringIO(texts[f"{name}.csv"].removeprefix("\ufeff"), newline=""))
        assert read == list(rows), name


def test_a_workbook_has_days_as_days_numbers_as_numbers_and_no_formula(record):
    sheets = sheets_of(finished(record.ada, format="xlsx", is_identifying=True, purpose="Review"))
    assert "f" not in {cell.data_type for rows in sheets.values() for row in rows for cell in row}
    head, *rows = sheets["scores"]
    types = {
        name.value: {type(row[position].value) for row in rows} - {type(None)} for position, name in enumerate(head)
    }
    assert (types["held_on"], types["session_number"], types["reason"]) == ({datetime}, {int}, {str})
    assert types["value"] <= {int, float}
    assert all(cell.font.b for cell in head)
    assert "'=K-7731" in [row[1].value for row in sheets["episodes"]]
    assert "Asked for by  Ada Okafor" in [row[0].value for row in sheets["about"]]


@given(st.lists(st.one_of(st.none(), st.text(max_size=30), st.integers(-(10**9), 10**9), st.dates()), min_size=1))
@settings(max_examples=60, deadline=None)
@example(["\x00\uffff</t>&", " two  spaces ", date(1900, 2, 28), date(1900, 3, 1), "a\nb"])
def test_every_text_number_and_day_comes_back_out_of_a_sheet(values):
    target = io.BytesIO()
    content = files.Content(
        described=[described("one", *["a"] * len(values))],
        parts=lambda name: iter([formats.FORMATS["xlsx"].pack([values])]),
        small=[],
        text="",
        moment=(2026, 1, 1, 0, 0, 0),
        has_mark=False,
    )
    files.write_workbook(target, content)
    (_head, row) = openpyxl.load_workbook(target)["one"].iter_rows(values_only=True)
    for value, read in zip(values, row, strict=True):
        if isinstance(value, str):
            in_xml = files.NOT_IN_XML.sub("", value).replace("\r\n", "\n").replace("\r", "\n")
            assert (read or "") == in_xml
        elif isinstance(value, date):
            assert read == (datetime.combine(value, time()) if value >= date(1900, 3, 1) else value.isoformat())
        else:
            assert read == value


@pytest.mark.parametrize("most", [2, 3, 4, 10])
def test_a_table_with_more_rows_than_a_sheet_takes_goes_on_in_another(most, monkeypatch):
    monkeypatch.setattr(files, "MOST_ROWS", most)
    target = io.BytesIO()
    content = files.Content(
        described=[described("one", "a"), described("two", "b")],
        parts=lambda name: (formats.FORMATS["xlsx"].pack([[number]]) for number in range(5 if name == "one" else 0)),
        small=[],
        text="",
        moment=(2026, 1, 1, 0, 0, 0),
        has_mark=False,
    )
    files.write_workbook(target, content)
    sheets = {
        sheet.title: [row[0] for row in sheet.iter_rows(values_only=True)] for sheet in openpyxl.load_workbook(target)
    }
    assert sheets.pop("two") == ["b"] and sheets.pop("about") == []
    assert list(sheets) == ["one", *(f"one {number}" for number in range(2, len(sheets) + 1))]
    assert all(head == "a" and len(rows) < most for head, *rows in sheets.values())
    assert [row for _head, *rows in sheets.values() for row in rows] == [0, 1, 2, 3, 4]


# --- On its way ------------------------------------------------------------------------------------------


def steps(monkeypatch, number):
    monkeypatch.setattr(actions, "EPISODES_IN_A_STEP", number)


def test_it_goes_on_step_by_step_and_says_how_far_it_is(record, monkeypatch):
    steps(monkeypatch, 1)
    export = factories.make_export(record.sam)
    seen = []
    while actions.take_step(export_id=export.pk, organisation_id=export.organisation_id):
        export.refresh_from_db()
        seen.append((export.done, export.total))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    export.refresh_from_db()
    assert export.rows["episodes"] == 3 == len(table(files_of(export), "episodes"))


@pytest.mark.parametrize("dies_at", range(4))
def test_a_worker_that_dies_in_the_middle_loses_and_doubles_nothing(record, monkeypatch, dies_at):
    steps(monkeypatch, 1)
    whole = {name: sorted(text) for name, text in rows_of(finished(record.sam)).items()}
    export = factories.make_export(record.sam)
    take = {"export_id": export.pk, "organisation_id": export.organisation_id}
    for _ in range(dies_at):
        actions.take_step(**take)
    with transaction.atomic():
        actions.take_step(**take)
        transaction.set_rollback(True)  # done, and not committed
    while actions.take_step(**take):
        pass
    export.refresh_from_db()
    assert {name: sorted(text) for name, text in rows_of(export).items()} == whole
    assert export.parts.exclude(name="").count() == 0


def rows_of(export):
    return {name: text.splitlines() for name, text in files_of(export).items() if name in FILES}


def test_the_task_does_all_steps_and_asks_for_more_time_where_it_needs_it(record, monkeypatch):
    steps(monkeypatch, 1)
    monkeypatch.setattr("reports.tasks.SECONDS_OF_AN_EXPORT", 0)
    export = factories.make_export(record.sam)
    for _ in range(10):
        waiting = Job.objects.waiting().filter(task=actions.MAKE)
        if not waiting:
            break
        job = waiting.get()
        jobs.take_waiting_jobs()
        make_export(str(job.pk))
    export.refresh_from_db()
    assert export.state == State.READY
    assert Job.objects.filter(task=actions.MAKE, finished_at__isnull=False).count() == 4


def test_cancelling_removes_what_was_made_and_stops_the_rest(record, monkeypatch):
    steps(monkeypatch, 1)
    export = factories.make_export(record.sam)
    actions.take_step(export_id=export.pk, organisation_id=export.organisation_id)
    assert export.parts.exists()
    actions.cancel_export(export=export, by=record.sam)
    assert not actions.take_step(export_id=export.pk, organisation_id=export.organisation_id)
    export.refresh_from_db()
    assert (export.state, export.parts.count(), export.done) == (State.CANCELLED, 0, 1)
    with pytest.raises(actions.WrongState):
        actions.cancel_export(export=export, by=record.sam)
    with pytest.raises(actions.WrongState):
        actions.retry_export(export=export, by=record.sam)


def test_a_ready_file_can_be_removed_before_its_time(record):
    export = finished(record.sam)
    actions.cancel_export(export=export, by=record.sam)
    assert not ExportPart.objects.exists()


def test_an_export_ends_when_a_cover_does(record):
    away = factories.make_cover(record.ada, by=record.tom)
    under_way, ready = factories.make_export(record.tom), finished(record.tom)
    accounts.end_cover(cover=away, by=record.ada)
    actions.take_step(export_id=under_way.pk, organisation_id=under_way.organisation_id)
    under_way.refresh_from_db()
    assert (under_way.state, under_way.problem) == (State.REFUSED, "access")
    with pytest.raises(actions.WrongState):
        actions.download_export(export=ready, by=record.tom)


def test_an_export_ends_when_a_role_does(record):
    export = finished(record.sam)
    accounts.update_person(person=record.nils, version=record.nils.version, is_administrator=True, by=record.sam)
    accounts.update_person(person=record.sam, version=record.sam.version, is_administrator=False, by=record.sam)
    export = Export.objects.get(pk=export.pk)
    with pytest.raises(actions.WrongState):
        actions.download_export(export=export, by=export.created_by)


def test_a_file_is_gone_after_three_days_and_what_was_never_finished_after_seven(record):
    ready, unfinished, young = finished(record.sam), factories.make_export(record.sam), finished(record.ada)
    actions.take_step(export_id=unfinished.pk, organisation_id=unfinished.organisation_id)
    assert timezone.now() + timedelta(days=2, hours=23) < ready.expires_at < timezone.now() + timedelta(days=3)
    Export.objects.filter(pk=ready.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    Export.objects.filter(pk=unfinished.pk).update(created_at=F("created_at") - timedelta(days=8))
    assert actions.forget_old_exports(organisation_id=record.organisation.pk) == 2
    states = dict(Export.objects.values_list("pk", "state"))
    assert states == {ready.pk: State.EXPIRED, unfinished.pk: State.CANCELLED, young.pk: State.READY}
    assert set(ExportPart.objects.values_list("export", flat=True)) == {young.pk}
    assert forget_old_files.name == "reports.forget_old_files"


def test_every_step_that_a_person_takes_is_on_record_and_so_is_what_became_of_it(record):
    export = finished(record.sam, is_identifying=True, purpose="Audit")
    files_of(export)
    actions.cancel_export(export=export, by=record.sam)
    events = AuditEvent.objects.filter(object_id=export.pk).order_by("happened_at", "pk")
    assert sorted((event.action, event.fields) for event in events) == [
        ("export.asked", ["csv", "identifying", "service"]),
        ("export.cancelled", []),
        ("export.downloaded", ["identifying"]),
        ("export.ready", []),
    ]
    assert {event.person for event in events} == {record.sam}


def test_nothing_to_export_and_days_in_the_wrong_order_are_said_at_once(service):
    with pytest.raises(ValidationError, match="nothing in these days"):
        factories.make_export(service.sam)
    day = timezone.localdate()
    with pytest.raises(ValidationError, match="before the first"):
        factories.make_export(service.sam, since=day, until=day - timedelta(days=1))
    with pytest.raises(ValidationError, match="names or codes"):
        factories.make_export(service.sam, is_identifying=True, purpose="  ")


def test_whoever_asked_is_told_by_an_e_mail_that_tells_nothing(record, settings):
    settings.PUBLIC_URL, settings.DEFAULT_FROM_EMAIL = "https://alliance.example", "no-reply@alliance.example"
    export = finished(record.sam)
    assert Job.objects.waiting().filter(task=actions.TELL, object_id=export.pk).exists()
    actions.tell_export_ready(export_id=export.pk)
    (message,) = mail.outbox
    assert message.to == [record.sam.email]
    assert f"https://alliance.example/exports/{export.pk}/" in message.body
    actions.cancel_export(export=export, by=record.sam)
    actions.tell_export_ready(export_id=export.pk)
    assert len(mail.outbox) == 1, "nobody is told of a file that is gone"
