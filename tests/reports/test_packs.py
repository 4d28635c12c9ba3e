"""Everything that is held about one client, handed out by their therapist: all of it, or listed with the reason."""

import csv
import io
import tomllib
import zipfile

import pytest
from django.core.exceptions import PermissionDenied

from accounts.classification import CLINICAL, FIELDS, IDENTIFYING, WITHHELD
from accounts.models import AuditEvent
from clients.models import Client, Episode
from measures.models import Rating, Trend
from reports import actions as imports
from reports.exports import actions as exports
from reports.models import Export
from reports.privacy import about, held, packs
from ruptures import actions as ruptures
from tests import factories
from tests.reports.held import CANARY, CODE

pytestmark = pytest.mark.django_db


def made(client, by, **values):
    pack = packs.ask_pack(client=client, by=by, **values)
    while exports.take_step(export_id=pack.pk, organisation_id=pack.organisation_id):
        pass
    pack.refresh_from_db()
    assert pack.state == Export.State.READY
    return pack


def files_of(pack):
    with exports.download_export(export=pack, by=pack.created_by) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def rows_in(text):
    head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_every_column_about_the_client_is_in_the_pack_or_withheld_with_its_reason(kestrel, harbour):
    files = files_of(made(kestrel, harbour.ada, with_process_notes=True))
    columns = {(row["table"], row["column"]) for row in rows_in(files["columns.csv"])}
    withheld = {(row["table"], row["column"]): row["why"] for row in rows_in(files["not-in-this-pack.csv"])}
    assert all(withheld.values())
    for label in about.ABOUT:
        for name in FIELDS[label]:
            said_why = (label, name) in withheld or ("every table", name) in withheld
            assert ((label, name) in columns) != said_why, f"{label}.{name}"
    assert set(WITHHELD) == {f"{table}.{column}" for table, column in withheld if "." in table and column}


def test_nothing_but_secrets_packs_and_the_why_of_a_hold_is_withheld_of_what_is_clinical_or_identifying():
    split = {name: name.rpartition(".") for name in WITHHELD}
    kept_back = {name for name, (label, _, column) in split.items() if FIELDS[label][column] in {CLINICAL, IDENTIFYING}}
    assert kept_back == {
        "measures.RatingRequest.nonce",
        "measures.RatingRequest.redeemed_digest",
        "reports.LegalHold.reason",
        "reports.ExportPart.content",
        "reports.Erasure.ids",
    }


def test_every_row_about_the_client_is_in_it_or_counted_with_its_reason(kestrel, harbour):
    pack = made(kestrel, harbour.ada)
    files = files_of(pack)
    there = about.counts(kestrel.pk)
    there["reports.Export"] -= 1
    told = {row["table"]: int(row["rows"]) for row in rows_in(files["not-in-this-pack.csv"]) if row["rows"]}
    for label, number in there.items():
        if label != "reports.ExportPart":
            rows = rows_in(files[f"data/{label}.csv"]) if f"data/{label}.csv" in files else []
            assert len(rows) + told.get(label, 0) == number, label
    assert told == {"sessions_app.ProcessNote": 2}
    assert not any(f"{CANARY} complained" in text for text in files.values())


def test_the_values_are_those_of_the_database(kestrel, harbour):
    files = files_of(made(kestrel, harbour.ada))
    (client,) = rows_in(files["data/clients.Client.csv"])
    assert (client["code"], client["name"], client["created_by"]) == (CODE, CANARY, "Ada Okafor")
    ratings = {row["id"]: row for row in rows_in(files["data/measures.Rating.csv"])}
    stored = Rating.objects.filter(session__episode__client=kestrel)
    assert set(ratings) == {str(pk) for pk in stored.values_list("pk", flat=True)}
    for rating in stored:
        assert ratings[str(rating.pk)]["comment"] == rating.comment
    sessions = rows_in(files["data/sessions_app.TherapySession.csv"])
    assert f"{CANARY} noted" in {row["note"] for row in sessions}


def test_process_notes_are_in_it_only_where_their_author_says_so(kestrel, harbour):
    thought = f"{CANARY} thought"
    without = files_of(made(kestrel, harbour.ada))
    assert not any(thought in text for text in without.values())
    assert "did not put them into this pack" in without["read-me-first.html"]
    with_notes = files_of(made(kestrel, harbour.ada, with_process_notes=True))
    assert thought in with_notes["data/sessions_app.ProcessNote.csv"]
    assert thought in with_notes["read-me-first.html"]
    factories.hand_over(Episode.objects.get(client=kestrel), to=harbour.tom)
    by_another = files_of(made(kestrel, harbour.tom, with_process_notes=True))
    assert not any(thought in text for text in by_another.values())


def test_the_summary_tells_it_in_plain_words(kestrel, harbour):
    page = files_of(made(kestrel, harbour.ada))["read-me-first.html"]
    for words in (CODE, CANARY, "noted", "commented", "happened", "tried", "Attend a small gathering", "Outcome"):
        assert words in page, words
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_what_a_therapist_may_not_see_is_counted_and_not_handed_out(service):
    episode = factories.make_episode(service.ada, code="R-1")
    session = factories.make_session(episode)
    factories.rate_as_client(session, comment="unseen words")
    files = files_of(made(episode.client, service.ada))
    assert not any("unseen words" in text for text in files.values())
    why = {row["table"]: row["why"] for row in rows_in(files["not-in-this-pack.csv"]) if row["rows"]}
    assert "until the therapist has rated" in why["measures.Rating"]
    assert set(why) == {"measures.Rating", "measures.Score"}


def test_drafts_and_supervision_of_somebody_else_are_counted_only(kestrel, harbour):
    factories.hand_over(Episode.objects.get(client=kestrel), to=harbour.tom)
    files = files_of(made(kestrel, harbour.tom))
    told = {row["table"]: row["why"] for row in rows_in(files["not-in-this-pack.csv"]) if row["rows"]}
    assert {"supervision.AgendaItem", "supervision.NextStep"} <= set(told)
    assert told["supervision.NextStep"] == held.OF_SUPERVISION


def test_no_cell_is_a_formula(service):
    episode = factories.make_episode(service.ada, code="R-1", name="=1+1")
    factories.make_goal(episode, "@SUM(A1)")
    files = files_of(made(episode.client, service.ada))
    assert rows_in(files["data/clients.Client.csv"])[0]["name"] == "'=1+1"
    assert rows_in(files["data/clients.Goal.csv"])[0]["text"] == "'@SUM(A1)"


def test_the_ratings_of_a_pack_read_in_elsewhere_give_equal_trends(service, other_service):
    episode = factories.make_episode(service.ada, code="R-1")
    factories.make_course(episode, [8, 7, None, 8, 7, 8, 2, 6])
    for session in episode.sessions.all()[:4]:
        factories.rate_by_phq_9(session, harm=0, other=1 + session.number % 3)
    ruptures.judge_episode(episode_id=episode.pk)
    files = files_of(made(episode.client, service.ada))
    here = trends_of(episode)
    assert len(here) >= 9
    with factories.acting_in(other_service.organisation.pk):
        batch = imports.start_import(
            file_name="pack.csv", content=files["ratings-to-import-1.csv"].encode(), by=other_service.sam
        )
        mapping = tomllib.loads(files["ratings-to-import-1.toml"])
        imports.map_columns(
            batch=batch, mapping=mapping, therapist=other_service.ada, start_date=None, by=other_service.sam
        )
        batch = imports.import_now(batch=batch, by=other_service.sam)
        assert batch.state == "written", batch.report
        there = Episode.objects.get(client__code="R-1")
        ruptures.judge_episode(episode_id=there.pk)
        assert trends_of(there) == here


NUMBERS = (
    "n", "latest", "latest_session", "previous", "change", "change_from_first", "baseline", "baseline_low",
    "baseline_high", "slope", "slope_low", "slope_high", "reliable_criterion", "is_reliable",
)  # fmt: skip


def without_words(point):
    return [one for one in point if not isinstance(one, str)] if isinstance(point, list) else point


def trends_of(episode):
    found = Trend.objects.filter(episode=episode)
    return {
        (trend.instrument, trend.rater, trend.scale): (
            [getattr(trend, name) for name in NUMBERS],
            [without_words(point) for point in trend.points],
        )
        for trend in found
    }


# --- Who, and for how long -----------------------------------------------------------------------------------


def test_only_the_responsible_therapist_makes_one(service):
    episode = factories.make_episode(service.ada, code="R-1")
    factories.make_cover(service.ada, by=service.tom)
    for person in (service.tom, service.ruth, service.sam):
        with pytest.raises(PermissionDenied):
            packs.ask_pack(client=episode.client, by=person)


def test_whoever_hands_over_meanwhile_gets_no_file(service):
    episode = factories.make_episode(service.ada, code="R-1")
    ready = made(episode.client, service.ada)
    waiting = packs.ask_pack(client=episode.client, by=service.ada)
    factories.hand_over(episode, to=service.tom)
    with pytest.raises(exports.WrongState):
        exports.download_export(export=ready, by=service.ada)
    exports.take_step(export_id=waiting.pk, organisation_id=waiting.organisation_id)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.problem) == ("refused", "access")


def test_asking_and_downloading_are_on_record_with_the_client(service):
    client = factories.make_episode(service.ada, code="R-1").client
    pack = made(client, service.ada, with_process_notes=True)
    files_of(pack)
    events = AuditEvent.objects.filter(object_id=pack.pk, client_id=client.pk).order_by("happened_at")
    assert [(event.action, event.fields) for event in events if event.action != "export.ready"] == [
        ("export.asked", ["pack", "process-notes"]),
        ("export.downloaded", ["identifying"]),
    ]


def test_steps_done_twice_keep_every_table_once(service):
    client = factories.make_episode(service.ada, code="R-1").client
    pack = packs.ask_pack(client=client, by=service.ada)
    while exports.take_step(export_id=pack.pk, organisation_id=pack.organisation_id):
        pass
    assert not exports.take_step(export_id=pack.pk, organisation_id=pack.organisation_id)
    pack.refresh_from_db()
    assert pack.done == pack.total == len(held.tables())
    assert Client.objects.filter(code="R-1").exists()
