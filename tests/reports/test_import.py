"""Files into the record, through the command: what a service's first day with its old ratings looks like."""

import csv
import io
import re
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import AuditEvent
from clients.models import Client, Episode
from jobs.models import Job
from jobs.organisation import acting_in
from measures import actions as measures
from measures.models import OwnMeasure, Rating, Score, Trend
from reports import actions, tasks
from reports.mapping import shipped_mappings
from reports.models import ImportBatch
from sessions_app.models import TherapySession
from tests import factories

DATA = Path(__file__).parent.parent / "data"
WAI = DATA / "wai36_items_simulated.csv"
GAINS = DATA / "suddengains_sgdata.csv"
LONG = """
client = { column = "who" }
session = { number = "nr", date = "day", order = "ymd" }
missing = ["NA"]

[[rating]]
instrument = "outcome-check-in"
rater = "client"
items = "q{n}"
"""
HEAD = "who,nr,day,q1,q2,q3,q4\n"


def run(file, mapping, **options):
    out = io.StringIO()
    call_command(
        "import_ratings",
        str(file),
        mapping=str(mapping),
        organisation="harbour",
        **{"therapist": "ada@harbour.example"} | options,
        stdout=out,
    )
    return out.getvalue()


def counts(text):
    found = re.findall(r"^([^:\n]+): (\d+)$", text, re.MULTILINE)
    return {words: int(number) for words, number in found}


@pytest.fixture
def files(tmp_path):
    """Writes a small file and its mapping; returns both paths."""

    def write(rows, mapping=LONG, head=HEAD):
        (tmp_path / "file.csv").write_text(head + rows)
        (tmp_path / "mapping.toml").write_text(mapping)
        return tmp_path / "file.csv", tmp_path / "mapping.toml"

    return write


def everything():
    """All that is stored of the record, but for the moments of its last changes."""
    models = (Client, Episode, TherapySession, Rating, Score)
    rows = [list(model.objects.order_by("pk").values()) for model in models]
    return [[{name: value for name, value in row.items() if name != "updated_at"} for row in some] for some in rows]


# --- The two files that nobody here wrote ---------------------------------------------------------------


def test_the_scores_of_all_277_simulated_sessions_equal_the_columns_of_the_file(service):
    report = counts(run(WAI, "wai36-simulated", start_date=date(2024, 1, 1)))
    assert report["rows read"] == report["ratings written"] == report["sessions added"] == 277
    assert report["clients added"] == 150
    assert report["mismatches with the file's own scores"] == 0
    stored = {
        (score.rating.session.episode.client.code, score.rating.session.number, score.scale): score.value
        for score in Score.objects.prefetch_related("rating__session__episode__client")
    }
    with WAI.open() as file:
        for row in csv.DictReader(file):
            for scale in ("goal", "task", "bond", "total"):
                assert stored.pop((f"P-{row['pairing_id']}", int(row["session_id"]), scale)) == float(row[scale])
    assert not stored


def test_the_published_bond_of_that_file_reverses_another_item_and_is_not_what_we_store(service, tmp_path):
    mapping = shipped_mappings()["wai36-simulated"].replace('bond = "bond"', 'bond = "released_bond_wrongkey"')
    (tmp_path / "mapping.toml").write_text(mapping)
    report = run(WAI, tmp_path / "mapping.toml", start_date=date(2024, 1, 1), dry_run=True)
    with WAI.open() as file:
        differ = sum(row["i28"] != row["i29"] for row in csv.DictReader(file))
    assert counts(report)["mismatches with the file's own scores"] == differ == 172


def test_the_43_clients_of_the_second_file_keep_their_gaps_their_baseline_and_their_follow_ups(service):
    report = counts(run(GAINS, "suddengains", start_date=date(2023, 1, 2)))
    assert report["rows read"] == report["clients added"] == 43
    with GAINS.open() as file:
        rows = list(csv.DictReader(file))
    filled = {
        code: sum(row[name] not in ("", "NA") for row in rows for name in row if name.startswith(f"{code}_"))
        for code in ("bdi", "rq")
    }
    assert {code: Rating.objects.filter(instrument=code).count() for code in filled} == filled
    assert report["ratings written"] == sum(filled.values()) == 1150
    assert set(TherapySession.objects.filter(number=0).values_list("phase", flat=True)) == {"before"}
    follow_ups = TherapySession.objects.filter(phase="follow-up").order_by("label")
    assert set(follow_ups.values_list("label", flat=True)) == {"Follow-up 1", "Follow-up 2"}
    assert not TherapySession.objects.filter(is_date_assumed=False).exists()
    assert report["sessions without a rating"] > 0
    for row in rows:
        weeks = {n for n in range(13) if any(row[f"{code}_s{n}"] not in ("", "NA") for code in ("bdi", "rq"))}
        stored = TherapySession.objects.filter(episode__client__code=f"SG-{float(row['id']):g}").exclude(
            phase="follow-up"
        )
        assert set(stored.values_list("number", flat=True)) == weeks


def test_a_total_only_measure_has_trends_without_its_follow_ups(service):
    run(GAINS, "suddengains", start_date=date(2023, 1, 2))
    measure = OwnMeasure.objects.get(code="bdi")
    assert (measure.low, measure.high, measure.higher_is_better, measure.sd) == (0, 63, False, None)
    episode = Episode.objects.get(client__code="SG-1")
    measures.compute_trends(episode_id=episode.pk)
    trend = Trend.objects.get(episode=episode, instrument="bdi")
    values = dict(trend.points)
    assert max(values) <= 12
    assert 0 in values
    assert trend.latest == values[trend.latest_session]


@pytest.mark.parametrize(("file", "mapping"), [(WAI, "wai36-simulated"), (GAINS, "suddengains")])
def test_a_duplicate_import_adds_0(service, file, mapping):
    first = run(file, mapping, start_date=date(2023, 1, 2))
    before = everything()
    again = run(file, mapping, start_date=date(2023, 1, 2))
    assert "This file adds nothing" in again
    assert "This file adds nothing" not in first
    assert counts(again)["ratings written"] == counts(again)["ratings superseded"] == 0
    assert counts(again)["ratings there already"] == counts(first)["ratings written"]
    assert everything() == before
    assert ImportBatch.objects.count() == 1


# --- Everything or nothing ------------------------------------------------------------------------------


def test_every_problem_is_named_by_row_column_and_value_and_nothing_is_written(service, files):
    file, mapping = files("A-1,1,2024-01-01,5,5,5,5\nA-2,1,2024-01-40,5,5,5,5\nA-3,x,2024-01-01,5,5,5,11\n")
    with pytest.raises(CommandError) as refusal:
        run(file, mapping)
    message = str(refusal.value)
    assert message.startswith("Nothing was written.")
    assert "Row 3, column “day”, “2024-01-40”" in message
    assert "Row 4, column “nr”, “x”" in message
    assert "Row 4, column “q4”, “11”: must be between 0 and 10" in message
    assert not any(everything())
    assert not ImportBatch.objects.exists()


def test_a_dry_run_counts_and_writes_nothing(service, files):
    file, mapping = files("A-1,1,2024-01-01,5,5,5,5\n")
    report = counts(run(file, mapping, dry_run=True))
    assert report["ratings that would be written"] == 1
    assert not any(everything())
    assert not Job.objects.filter(task__startswith="reports.").exists()


def test_corrected_values_supersede_and_the_old_ones_stay(service, files):
    file, mapping = files("A-1,1,2024-01-01,5,5,5,5\nA-1,2,2024-01-08,6,6,6,6\n")
    run(file, mapping)
    file, mapping = files("A-1,1,2024-01-01,5,5,5,9\nA-1,2,2024-01-08,6,6,6,6\n")
    report = counts(run(file, mapping))
    assert (report["ratings written"], report["ratings superseded"], report["ratings there already"]) == (0, 1, 1)
    old, new = Rating.objects.filter(session__number=1).order_by("superseded_at")
    assert (old.answers["4"], new.answers["4"]) == (5, 9)
    assert old.superseded_by == new
    assert Score.objects.get(rating=new, scale="total").value == 6


def test_the_next_file_continues_the_episodes_that_are_there(service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\n"))
    run(*files("a-1,2,2024-01-08,5,5,5,5\n"))
    episode = Episode.objects.get()
    assert list(episode.sessions.values_list("number", flat=True)) == [1, 2]


def test_a_client_of_somebody_else_is_left_alone(service, files):
    factories.make_episode(service.tom, code="A-1")
    with pytest.raises(CommandError, match="a client of another therapist than Ada Okafor"):
        run(*files("A-1,1,2024-01-01,5,5,5,5\n"))
    assert not Rating.objects.exists()


def test_the_file_can_say_whose_clients_they_are(service, files):
    mapping = LONG.replace("session =", 'therapist = { column = "by" }\nsession =', 1)
    head = "by," + HEAD
    rows = "tom@harbour.example,A-1,1,2024-01-01,5,5,5,5\n,A-2,1,2024-01-01,5,5,5,5\n"
    run(*files(rows, mapping, head))
    by_client = dict(Episode.objects.values_list("client__code", "therapist__email"))
    assert by_client == {"A-1": "tom@harbour.example", "A-2": "ada@harbour.example"}
    with pytest.raises(CommandError, match="not the address of an active therapist"):
        run(*files("nobody@harbour.example,A-3,1,2024-01-01,5,5,5,5\n", mapping, head))
    rows = "tom@harbour.example,A-4,1,2024-01-01,5,5,5,5\nada@harbour.example,A-4,2,2024-01-08,5,5,5,5\n"
    with pytest.raises(CommandError, match="another therapist than in row 2"):
        run(*files(rows, mapping, head))


def test_a_file_without_dates_gets_weekly_ones_from_the_start_date_and_says_so(service, files):
    mapping = LONG.replace(', date = "day", order = "ymd"', "")
    run(*files("A-1,1,,5,5,5,5\nA-1,3,,5,5,5,5\n", mapping), start_date=date(2024, 2, 27))
    days = dict(TherapySession.objects.values_list("number", "held_on"))
    assert days == {1: date(2024, 2, 27), 3: date(2024, 3, 12)}
    assert all(TherapySession.objects.values_list("is_date_assumed", flat=True))
    assert Episode.objects.get().started_on == date(2024, 2, 27)


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ("A-1,1,,5,5,5,5\n", {}, "has no date"),
        ("A-1,1,2099-01-01,5,5,5,5\n", {}, "session 1 is in the future"),
        ("A-1,1,2024-01-01,5,5,5,5\n", {"therapist": "nobody@harbour.example"}, "no active therapist"),
        ("A-1,1,2024-01-01,5,5,5,5\n", {"therapist": None}, "--therapist"),
    ],
)
def test_what_is_missing_is_asked_for(service, files, rows, options, message):
    with pytest.raises(CommandError, match=message):
        run(*files(rows), **options)


def test_a_session_that_is_on_another_day_in_the_record_is_a_problem(service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\n"))
    with pytest.raises(CommandError, match="1 January 2024 according to the record, and on 2 January 2024 in the file"):
        run(*files("A-1,1,2024-01-02,9,9,9,9\n"))


def test_imported_ratings_are_open_at_once_and_their_trends_are_asked_for(service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\nA-2,1,2024-01-01,5,5,5,5\n"))
    assert not Rating.objects.sealed().exists()
    episodes = set(Episode.objects.values_list("pk", flat=True))
    assert set(Job.objects.waiting().filter(task="ruptures.judge_episode").values_list("object_id", flat=True)) == (
        episodes
    )


def test_the_audit_trail_names_the_import_and_every_client_it_touched(service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\nA-2,1,2024-01-01,5,5,5,5\n"))
    actions_of = list(AuditEvent.objects.filter(action__startswith="import.").values_list("action", flat=True))
    assert sorted(actions_of) == ["import.mapped", "import.started", "import.written"]
    touched = AuditEvent.objects.filter(action="ratings.imported").values_list("client_id", flat=True)
    assert set(touched) == set(Client.objects.values_list("pk", flat=True))


# --- Undo -----------------------------------------------------------------------------------------------


def undo(batch, by):
    actions.undo_import(batch=batch, by=by)
    while batch.state == ImportBatch.State.UNDOING:
        batch = actions.undo_next_step(batch_id=batch.pk)
    return batch


def test_undo_takes_everything_back_and_keeps_the_report(service, files):
    factories.make_episode(service.ada, code="Z-9")
    before = everything()
    run(*files("A-1,1,2024-01-01,5,5,5,5\nA-2,1,2024-01-01,5,5,5,5\n"))
    batch = undo(ImportBatch.objects.get(), service.sam)
    assert everything() == before
    assert batch.state == "undone"
    assert batch.report["written"] == 2
    assert AuditEvent.objects.filter(action="import.undone", person=service.sam).count() == 1


def test_undo_of_a_correction_brings_the_earlier_rating_back(service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\n"))
    before = everything()
    run(*files("A-1,1,2024-01-01,5,5,5,9\n"))
    undo(ImportBatch.objects.latest("created_at"), service.sam)
    assert everything() == before


def test_undo_of_the_first_of_two_imports_keeps_the_second(service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\n"))
    run(*files("A-1,1,2024-01-01,5,5,5,9\nA-1,2,2024-01-08,5,5,5,5\n"))
    batch = undo(ImportBatch.objects.order_by("created_at").first(), service.sam)
    current = Rating.objects.current().order_by("session__number")
    assert [rating.answers["4"] for rating in current] == [9, 5]
    assert Rating.objects.count() == 2
    assert batch.report["kept"] == {"session": 1, "episode": 1, "client": 1}


def test_undo_keeps_what_somebody_has_worked_on_since(service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\nA-1,2,2024-01-08,5,5,5,5\n"))
    session = TherapySession.objects.get(number=2)
    measures.change_session(session=session, version=1, by=service.ada, note="We spoke about it.")
    batch = undo(ImportBatch.objects.get(), service.sam)
    assert list(TherapySession.objects.values_list("number", "note")) == [(2, "We spoke about it.")]
    assert batch.report["kept"] == {"session": 1, "episode": 1, "client": 1}
    assert not Rating.objects.exists()


def test_undo_keeps_a_session_that_somebody_thinks_about(service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\nA-1,2,2024-01-08,5,5,5,5\n"))
    factories.make_process_note(TherapySession.objects.get(number=2))
    batch = undo(ImportBatch.objects.get(), service.sam)
    assert [session.number for session in TherapySession.objects.all()] == [2]
    assert batch.report["kept"] == {"session": 1, "episode": 1, "client": 1}


# --- In steps -------------------------------------------------------------------------------------------


def started(service, files, rows):
    file, _mapping = files(rows)
    batch = actions.start_import(file_name="file.csv", content=file.read_bytes(), by=service.sam)
    mapping = {
        "client": {"column": "who"},
        "session": {"number": "nr", "date": "day", "order": "ymd"},
        "rating": [{"instrument": "outcome-check-in", "rater": "client", "items": "q{n}"}],
    }
    actions.map_columns(batch=batch, mapping=mapping, therapist=service.ada, start_date=None, by=service.sam)
    return actions.check_import(batch_id=batch.pk)


def test_an_import_is_written_in_steps_each_of_which_can_be_repeated(service, files, monkeypatch):
    monkeypatch.setattr(actions, "RATINGS_IN_A_STEP", 2)
    rows = "".join(f"A-{n},1,2024-01-01,5,5,5,5\n" for n in range(5))
    batch = started(service, files, rows)
    assert (batch.state, batch.steps) == ("ready", 3)
    actions.write_import(batch=batch, by=service.sam)
    seen = []
    while batch.state == "writing":
        batch = actions.write_next_step(batch_id=batch.pk)
        seen.append((batch.step, Rating.objects.count()))
    assert seen == [(1, 2), (2, 4), (3, 5), (3, 5)]
    batch.refresh_from_db()
    assert (batch.state, batch.content) == ("written", None)
    assert actions.write_next_step(batch_id=batch.pk).state == "written"
    assert Rating.objects.count() == 5


def test_a_task_takes_steps_for_some_seconds_and_asks_for_the_next_ones(service, files, monkeypatch):
    monkeypatch.setattr(actions, "RATINGS_IN_A_STEP", 1)
    batch = started(service, files, "".join(f"A-{n},1,2024-01-01,5,5,5,5\n" for n in range(4)))
    actions.write_import(batch=batch, by=service.sam)
    Job.objects.all().delete()
    for seconds, step, asked in ((0, 1, 1), (60, 4, 0)):
        monkeypatch.setattr(tasks, "SECONDS_AT_A_TIME", seconds)
        tasks.go_on(actions.write_next_step, batch.pk, actions.WRITE, "writing")
        batch.refresh_from_db()
        assert batch.step == step
        assert Job.objects.filter(task=actions.WRITE, object_id=batch.pk).delete()[0] == asked
    assert batch.state == "written"


def test_what_changed_since_the_check_undoes_the_whole_import(service, files, monkeypatch):
    monkeypatch.setattr(actions, "RATINGS_IN_A_STEP", 1)
    batch = started(service, files, "A-1,1,2024-01-01,5,5,5,5\nA-2,1,2024-01-01,5,5,5,5\n")
    actions.write_import(batch=batch, by=service.sam)
    batch = actions.write_next_step(batch_id=batch.pk)
    assert Rating.objects.count() == 1
    factories.make_episode(service.tom, code="A-2")
    while batch.is_under_way:
        step = actions.write_next_step if batch.state == "writing" else actions.undo_next_step
        batch = step(batch_id=batch.pk)
    assert batch.state == "undone"
    assert "The record has changed since the check" in batch.report["failure"]
    assert not Rating.objects.exists()
    assert list(Client.objects.values_list("code", flat=True)) == ["A-2"]


def test_nothing_is_written_twice_by_two_who_press_the_button(service, files):
    batch = started(service, files, "A-1,1,2024-01-01,5,5,5,5\n")
    actions.write_import(batch=batch, by=service.sam)
    with pytest.raises(actions.WrongState):
        actions.write_import(batch=ImportBatch.objects.get(), by=service.sam)


def test_a_file_nobody_wrote_is_forgotten_after_a_week(service, files, monkeypatch):
    started(service, files, "A-1,1,2024-01-01,5,5,5,5\n")
    actions.forget_old_files(organisation_id=service.organisation.pk)
    assert ImportBatch.objects.exists()
    monkeypatch.setattr(actions, "CONTENT_KEPT", -actions.CONTENT_KEPT)
    actions.forget_old_files(organisation_id=service.organisation.pk)
    assert not ImportBatch.objects.exists()


def test_another_organisation_sees_nothing_of_it(service, other_service, files):
    run(*files("A-1,1,2024-01-01,5,5,5,5\n"))
    with acting_in(other_service.organisation.pk):
        assert not ImportBatch.objects.exists()
        assert not OwnMeasure.objects.exists()


# --- What the therapist then sees -----------------------------------------------------------------------


def page_of(code, browser, query=""):
    episode = Episode.objects.get(client__code=code)
    factories.judge(episode)
    return browser.get(reverse("dashboards:episode", args=[episode.pk]) + query).content.decode()


def test_the_page_of_an_imported_episode_shows_totals_parts_and_where_they_came_from(service, browser_of):
    run(GAINS, "suddengains", start_date=date(2023, 1, 2))
    browser = browser_of(service.ada)
    page = page_of("SG-2", browser)
    for words in (
        "The alliance has not been rated yet.",
        "0 to 63, lower is better",
        "B: Baseline, F1: Follow-up 1, F2: Follow-up 2",
        "falling, which is better; −18.0 since the first",
        "assumed",
        "From the file suddengains_sgdata.csv.",
    ):
        assert words in page, words
    episode = Episode.objects.get(client__code="SG-2")
    figure = browser.get(reverse("dashboards:episode-figure", args=[episode.pk]) + "?total=bdi").json()
    (trace,) = figure["data"]
    by_session = dict(zip(trace["customdata"], trace["y"], strict=True))
    assert (by_session["Baseline"], by_session["Session 2"], by_session["Follow-up 2"]) == (26, None, 8)


def test_the_page_of_simulated_clients_says_that_they_are(service, browser_of):
    run(WAI, "wai36-simulated", start_date=date(2024, 1, 1))
    page = page_of("P-1", browser_of(service.ada))
    assert "Working Alliance Inventory, 36 items, means of the answers, 1 to 7." in page
    assert "simulated by a language model" in page


@pytest.mark.usefixtures("many_rows")
def test_lists_say_which_measure_a_number_is_from(service, browser_of, monkeypatch):
    monkeypatch.setattr("dashboards.views.ROWS_ON_A_PAGE", 200)
    run(WAI, "wai36-simulated", start_date=date(2024, 1, 1))
    page_of("P-1", browser_of(service.ada))
    for person, url in ((service.ada, reverse("clients:client-list")), (service.ruth, reverse("dashboards:caseload"))):
        assert "WAI-36, 1 to 7" in browser_of(person).get(url).content.decode()
