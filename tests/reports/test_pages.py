"""An administrator's way with a file: upload, columns, check, write, undo; and whatever else a person could send."""

import csv
import io
import re
import tomllib
import zipfile
from pathlib import Path

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import AuditEvent
from clients.models import Client
from jobs import actions as jobs
from jobs import tasks as jobs_tasks
from jobs.models import Job
from measures import actions as measures
from measures import catalogue
from measures.models import OwnMeasure, Rating, Score
from reports import actions, selectors
from reports import http as reports_http
from reports.forms import files as file_forms
from reports.mapping import load_mapping, mapping_of, shipped_mappings
from reports.models import ImportBatch
from sessions_app.models import TherapySession
from tests import factories

pytestmark = pytest.mark.django_db

DATA = Path(__file__).parent.parent / "data"
WAI = DATA / "wai36_items_simulated.csv"
GAINS = DATA / "suddengains_sgdata.csv"
HEAD = "who,nr,day,q1,q2,q3,q4\n"
GOOD = HEAD + "A-1,1,2024-01-01,5,5,5,5\nA-1,2,2024-01-08,6,6,6,6\n"
MEASURE = "outcome-check-in_client"
CHOICE = {"shape": "long", "measures": [MEASURE], "new": 0}
State = ImportBatch.State


@pytest.fixture
def sam(service, browser_of):
    return browser_of(service.sam)


def upload(browser, content=GOOD, name="old.csv", **more):
    content = content.encode() if isinstance(content, str) else content
    return browser.post(reverse("reports:import-create"), {"file": SimpleUploadedFile(name, content), **more})


def uploaded(browser, content=GOOD, **more):
    response = upload(browser, content, **more)
    assert response.status_code == 302, errors_of(response)
    return ImportBatch.objects.latest("created_at")


def errors_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode().partition("<main")[2]))


def columns_url(batch):
    return reverse("reports:import-columns", args=[batch.pk])


def filled_in(response):
    """What a browser would send of a form as it is shown."""
    form = response.context["form"]
    said = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False, "")}
    for row in form.rows:
        said |= {f"c{row.number}-{part}": getattr(row, part) for part in ("measure", "session", "phase", "label")}
    return said


def said_of(service, **more):
    items = {f"{MEASURE}-item-{n}": f"q{n}" for n in range(1, 5)}
    terms = {"therapist": service.ada.pk, "client": "who", "number": "nr", "date": "day", "order": "ymd"}
    return terms | items | more


def choose(browser, batch, said, choice=CHOICE):
    return browser.post(columns_url(batch), said, query_params=choice)


def work(batch):
    """What the worker does while an import is under way."""
    while batch.is_under_way:
        step = {
            State.CHECKING: actions.check_import,
            State.WRITING: actions.write_next_step,
            State.UNDOING: actions.undo_next_step,
        }[State(batch.state)]
        batch = step(batch_id=batch.pk)
    return batch


def ready(browser, service, content=GOOD, **more):
    batch = uploaded(browser, content)
    assert choose(browser, batch, said_of(service, **more)).status_code == 302
    batch.refresh_from_db()
    return work(batch)


def page_of(browser, batch):
    return browser.get(reverse("reports:import", args=[batch.pk])).content.decode()


# --- The whole way ---------------------------------------------------------------------------------------


def test_a_file_that_a_shipped_mapping_fits_is_filled_in_and_written(sam, service):
    response = upload(sam, WAI.read_bytes(), WAI.name)
    batch = ImportBatch.objects.get()
    assert response["Location"] == columns_url(batch)
    page = sam.get(columns_url(batch))
    assert "WAI-36 of simulated clients" in page.content.decode()
    assert "pairing_id · 1, 2, 4" in page.content.decode()
    said = {**filled_in(page), "therapist": service.ada.pk, "start_date": "2024-01-01"}
    assert said["wai-36_client-item-36"] == "i36" and said["code_prefix"] == "P-"
    response = sam.post(columns_url(batch), said)
    assert response["Location"] == reverse("reports:import", args=[batch.pk])
    assert "Checking, step" in page_of(sam, batch)
    batch.refresh_from_db()
    batch = work(batch)
    body = page_of(sam, batch)
    assert "Write 277 ratings" in body and "weekly ones from 1 January 2024" in body
    assert sam.post(reverse("reports:import-write", args=[batch.pk])).status_code == 302
    batch.refresh_from_db()
    assert (batch.state, batch.written_by) == (State.WRITING, service.sam)
    assert "0 of 1" in page_of(sam, batch)
    batch = work(batch)
    assert Rating.objects.count() == 277
    assert "277 ratings of 150 clients written" in page_of(sam, batch)
    undo = reverse("reports:import-undo", args=[batch.pk])
    assert "277 ratings, 277 sessions, 150 episodes, 150 clients" in errors_of(sam.get(undo))
    assert sam.post(undo).status_code == 302
    batch.refresh_from_db()
    batch = work(batch)
    assert "Everything that it wrote is taken back" in page_of(sam, batch)
    assert not Client.objects.exists()


def test_a_wide_file_with_measures_that_are_not_here_is_filled_in_and_written(sam, service):
    batch = uploaded(sam, GAINS.read_bytes())
    page = sam.get(columns_url(batch))
    said = {**filled_in(page), "therapist": service.ada.pk, "start_date": "2023-01-02"}
    assert (said["new_1-code"], said["new_1-low"], said["new_1-high"]) == ("bdi", "0", "63")
    assert sam.post(columns_url(batch), said).status_code == 302
    batch.refresh_from_db()
    shipped = mapping_of(tomllib.loads(shipped_mappings()["suddengains"]))
    mapped = mapping_of(batch.mapping)
    assert (mapped.series, mapped.client_prefix) == (shipped.series, shipped.client_prefix)
    batch = work(batch)
    sam.post(reverse("reports:import-write", args=[batch.pk]))
    batch.refresh_from_db()
    work(batch)
    assert Rating.objects.count() == 1150
    assert set(OwnMeasure.objects.values_list("code", flat=True)) == {"bdi", "rq"}
    again = uploaded(sam, GAINS.read_bytes())
    said = filled_in(sam.get(columns_url(again)))
    assert said["c1-measure"] == "bdi_client|total"
    assert sam.post(columns_url(again), said).status_code == 302
    again.refresh_from_db()
    assert "This file adds nothing." in page_of(sam, work(again))


def test_columns_named_by_hand_are_remembered_for_the_next_file_like_it(sam, service):
    ready(sam, service, missing="NA, -99", code_prefix="X-")
    other_order = "day,nr,who,q4,q3,q2,q1\n2024-01-01,1,A-9,1,2,3,4\n"
    page = sam.get(columns_url(uploaded(sam, other_order)))
    said = filled_in(page)
    assert "Filled in from an earlier import" in page.content.decode()
    assert (said["client"], said["order"], said[f"{MEASURE}-item-1"]) == ("who", "ymd", "q1")
    assert (said["missing"], said["code_prefix"], said["therapist"]) == ("-99, NA", "X-", service.ada.pk)


def test_what_the_form_says_is_the_same_mapping_as_the_file_for_the_command(sam, service):
    values = {f"{MEASURE}-values": "never = 0\nalways = 10\n", "decimal_comma": "on", "missing": "NA"}
    batch = ready(sam, service, **values)
    text = sam.get(reverse("reports:import-mapping-file", args=[batch.pk])).content.decode()
    mapping = load_mapping(text)
    assert mapping == mapping_of(batch.mapping)
    (rating,) = mapping.ratings
    assert (rating.items, dict(rating.values)) == (("q1", "q2", "q3", "q4"), {"never": 0, "always": 10})
    assert mapping.decimal_comma and mapping.missing == {"NA"}


def test_several_measures_and_scores_of_a_file_stand_in_one_mapping(sam, service):
    batch = uploaded(sam, "code,nr,day,t,total\nA-1,1,2024-01-01,5,40\n")
    choice = {"shape": "long", "measures": [MEASURE], "new": 1}
    new = {"name": "Phobia", "code": "phobia", "construct": "outcome", "higher_is_better": "no", "low": 0, "high": 63}
    said = {"therapist": service.ada.pk, "client": "code", "number": "nr", "date": "day", "order": "ymd"}
    said |= {f"{MEASURE}-score-total": "t", "new_1-score-total": "total", "new_1-licence": "Ours."}
    said |= {f"new_1-{part}": value for part, value in new.items()}
    response = choose(sam, batch, said, choice)
    assert response.status_code == 302, errors_of(response)
    batch.refresh_from_db()
    assert work(batch).report["written"] == 2
    sam.post(reverse("reports:import-write", args=[batch.pk]))
    batch.refresh_from_db()
    work(batch)
    scores = Score.objects.values_list("rating__instrument", "value")
    assert set(scores) == {("outcome-check-in", 5.0), ("phobia", 40.0)}
    assert OwnMeasure.objects.get().higher_is_better is False


@pytest.mark.parametrize("holds", ["items", "scores"])
@pytest.mark.parametrize("edition", ["wai-36/client", "session-check-in/therapist", "outcome-check-in/client"])
def test_a_template_imports_without_any_change(sam, service, edition, holds):
    code, rater = edition.split("/")
    response = sam.get(reverse("reports:template", args=[code, rater, holds]))
    assert response["Content-Disposition"] == f'attachment; filename="{code}-{rater}-{holds}.csv"'
    batch = uploaded(sam, response.content)
    page = sam.get(columns_url(batch))
    assert "made from a template" in page.content.decode()
    assert sam.post(columns_url(batch), {**filled_in(page), "therapist": service.ada.pk}).status_code == 302
    batch.refresh_from_db()
    batch = work(batch)
    assert (batch.state, batch.report["written"]) == (State.READY, 1)


def test_every_measure_has_its_template_and_nothing_else_has(sam, service):
    page = sam.get(reverse("reports:template-list")).content.decode()
    for url in re.findall(r'href="(/imports/templates/[^"]+csv)"', page):
        assert sam.get(url).status_code == 200
    for nothing in (("wai-36", "nobody", "items"), ("bdi", "client", "scores"), ("wai-36", "client", "all")):
        assert sam.get(reverse("reports:template", args=nothing)).status_code == 404


def test_a_mapping_file_says_what_the_form_cannot(sam, service):
    batch = uploaded(sam, "who,nr,day,by,a,b,c\nA-1,1,2024-01-01,therapist,5,5,5\n")
    text = """
client = { column = "who" }
session = { number = "nr", date = "day", order = "ymd" }
[[rating]]
instrument = "session-check-in"
rater = "therapist"
items = ["a", "b", "c"]
when = { column = "by", is = "therapist" }
"""
    url = reverse("reports:import-mapping", args=[batch.pk])
    refused = sam.post(url, {"text": text.replace('"nr"', '"no"'), "therapist": service.ada.pk})
    assert refused.status_code == 422 and "The file has no column “no”" in refused.content.decode()
    refused = sam.post(url, {"text": "client = ", "therapist": service.ada.pk})
    assert "This is not a TOML text" in refused.content.decode()
    refused = sam.post(url, {"text": text.replace('"ymd"', '"any"'), "therapist": service.ada.pk})
    assert "session.order: it must be one of" in refused.content.decode()
    sent = {"file": SimpleUploadedFile("m.toml", text.encode()), "therapist": service.ada.pk}
    assert sam.post(url, sent).status_code == 302
    batch.refresh_from_db()
    assert work(batch).report["written"] == 1
    # The form can't say it, so the mapping is shown as it is.
    assert sam.get(columns_url(batch))["Location"] == url
    assert "when = {" in sam.get(url).content.decode()
    assert sam.get(columns_url(batch), {"again": 1}).status_code == 200


# --- Mistakes on the way -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"client": ""}, "Choose the column of the client’s code."),
        ({"client": "whom"}, "The file has no column “whom”."),
        ({"order": ""}, "3/5/2024 is read as March or as May"),
        ({"number": "", "date": ""}, "Choose the column of the session’s number, of its date, or both."),
        ({"date": ""}, "Enter the first day, or choose the column of the session’s date."),
        ({"therapist": ""}, "Choose the therapist."),
        ({f"{MEASURE}-item-2": ""}, "Choose the column of this item too."),
        ({f"{MEASURE}-item-2": "q1"}, "Names a column twice."),
        ({f"{MEASURE}-item-{n}": "" for n in range(1, 5)}, "or leave the measure out"),
        ({f"{MEASURE}-values": "never"}, "“never” is not a word = a number."),
        ({"start_date": "2024-02-31"}, "Enter a date that exists"),
    ],
)
def test_a_mistake_stands_beside_its_field_and_nothing_typed_is_lost(sam, service, change, message):
    batch = uploaded(sam)
    response = choose(sam, batch, said_of(service, missing="typed before", **change))
    assert response.status_code == 422
    assert message in errors_of(response)
    assert 'value="typed before"' in response.content.decode()
    batch.refresh_from_db()
    assert batch.state == State.UPLOADED


def test_a_wide_files_mistakes_name_the_column(sam, service):
    batch = uploaded(sam, "id,x_1,x_2\n1,2,3\n")
    choice = {"shape": "wide", "measures": [MEASURE], "new": 0}
    said = {"therapist": service.ada.pk, "client": "id", "c1-measure": f"{MEASURE}|total", "c1-session": "1"}
    said |= {"c1-phase": "therapy", "c2-phase": "therapy", "c2-label": "kept"}
    response = choose(sam, batch, said, choice)
    assert "Enter the first day: this file has no dates." in errors_of(response)
    said["start_date"] = "2024-01-01"
    for session, message in (("1", "“x_1” is session 1"), ("one", "Enter the session’s number"), ("", "Enter the")):
        response = choose(sam, batch, {**said, "c2-measure": f"{MEASURE}|total", "c2-session": session}, choice)
        assert response.status_code == 422 and message in errors_of(response)
        assert 'value="kept"' in response.content.decode()
    assert "at least one column" in errors_of(choose(sam, batch, {**said, "c1-measure": ""}, choice))
    assert choose(sam, batch, said, choice).status_code == 302


def test_a_new_measure_that_is_here_otherwise_is_refused_beside_its_field(sam, service):
    values = {"name": "PHQ", "construct": "outcome", "low": 0.0, "high": 27.0, "higher_is_better": False}
    values |= {"sd": None, "reliability": None, "licence": "Free."}
    there = catalogue.measure_as_defined(code="mood-9", **values, by=service.sam)
    measures.define_measure(measure=there, by=service.sam)
    batch = uploaded(sam, "who,nr,day,total\nA-1,1,2024-01-01,5\n")
    said = {"therapist": service.ada.pk, "client": "who", "number": "nr", "date": "day", "order": "ymd"}
    said |= {f"new_1-{part}": value for part, value in values.items() if value is not None}
    said |= {"new_1-code": "mood-9", "new_1-high": "30", "new_1-higher_is_better": "no", "new_1-score-total": "total"}
    choice = {"shape": "long", "new": 1}
    response = choose(sam, batch, said, choice)
    assert "is defined otherwise already" in str(response.context["form"].errors["new_1-code"])
    for part, value in (("code", "wai-36"), ("code", "Not A Code"), ("high", "-1"), ("reliability", "2"), ("sd", "0")):
        response = choose(sam, batch, {**said, "new_1-code": "phq", f"new_1-{part}": value}, choice)
        assert response.status_code == 422
        assert f"new_1-{part}" in response.context["form"].errors
    assert sam.get(columns_url(batch), {"shape": "long", "measures": "mood-9_client"}).status_code == 200


def test_what_a_file_holds_has_to_be_said_first(sam, service):
    batch = uploaded(sam)
    page = sam.get(columns_url(batch))
    assert "What does the file hold?" in page.content.decode()
    assert "A-1" in page.content.decode()
    for choice in ({"shape": "long"}, {"shape": "round"}, {"shape": "long", "measures": "nothing"}, {"shape": ""}):
        assert sam.get(columns_url(batch), choice).status_code == 422
    assert sam.post(columns_url(batch), {"client": "who"}).status_code in {200, 422}
    batch.refresh_from_db()
    assert batch.state == State.UPLOADED


def test_errors_of_the_file_stand_on_its_page_and_in_a_download(sam, service):
    batch = ready(sam, service, HEAD + "A-1,1,2024-01-40,5,5,5,5\nA-2,1,2024-01-08,5,5,5,=2+9\n")
    assert batch.state == State.REFUSED
    body = errors_of(sam.get(reverse("reports:import", args=[batch.pk])))
    assert "2 cells can’t be taken as they are. Nothing was written." in body
    assert "day 2024-01-40 There is no day 40 in month 1 of 2024." in body
    response = sam.get(reverse("reports:import-problems", args=[batch.pk]))
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0] == ["row", "column", "value", "what to do"]
    assert rows[1][:3] == ["2", "day", "2024-01-40"]
    assert rows[2][:3] == ["3", "q4", "'=2+9"], "no spreadsheet runs it"
    assert sam.post(reverse("reports:import-write", args=[batch.pk])).status_code == 302
    assert not Rating.objects.exists()
    # The columns as they were said, to be changed.
    assert filled_in(sam.get(columns_url(batch)))["order"] == "ymd"
    assert choose(sam, batch, said_of(service)).status_code == 302


def test_whoever_comes_second_is_shown_where_the_import_is(sam, service):
    batch = ready(sam, service)
    write, page = reverse("reports:import-write", args=[batch.pk]), reverse("reports:import", args=[batch.pk])
    assert sam.post(write)["Location"] == page
    assert "gone on meanwhile" in sam.post(write, follow=True).content.decode()
    for url in (columns_url(batch), reverse("reports:import-mapping", args=[batch.pk])):
        assert sam.get(url)["Location"] == page
    assert choose(sam, batch, said_of(service))["Location"] == page
    discard = reverse("reports:import-discard", args=[batch.pk])
    assert sam.get(discard)["Location"] == sam.post(discard)["Location"] == page
    batch.refresh_from_db()
    work(batch)
    assert Rating.objects.count() == 2
    assert sam.post(reverse("reports:import-retry", args=[batch.pk]))["Location"] == page


def test_a_form_sent_twice_is_one_import(sam, service):
    key = "11111111-1111-4111-8111-111111111111"
    first, second = upload(sam, submission=key), upload(sam, submission=key)
    assert first["Location"] == second["Location"]
    assert ImportBatch.objects.count() == 1
    other = upload(sam, GOOD + "A-2,1,2024-01-01,5,5,5,5\n", submission=key)
    assert other.status_code == 422 and "already saved with other content" in other.content.decode()
    batch = ImportBatch.objects.get()
    said = said_of(service, submission="22222222-2222-4222-8222-222222222222")
    assert choose(sam, batch, said)["Location"] == choose(sam, batch, said)["Location"]
    assert AuditEvent.objects.filter(action="import.mapped").count() == 1


def test_a_discarded_file_is_gone_and_nothing_else(sam, service):
    batch = ready(sam, service)
    discard = reverse("reports:import-discard", args=[batch.pk])
    assert "Nothing of it was written" in sam.get(discard).content.decode()
    assert sam.post(discard)["Location"] == reverse("reports:import-list")
    assert not ImportBatch.objects.exists()
    assert AuditEvent.objects.filter(action="import.discarded", person=service.sam).exists()


def test_undo_says_before_what_stays(sam, service):
    batch = ready(sam, service)
    sam.post(reverse("reports:import-write", args=[batch.pk]))
    batch.refresh_from_db()
    batch = work(batch)
    session = TherapySession.objects.get(number=2)
    measures.change_session(session=session, version=1, by=service.ada, note="We spoke about it.")
    undoing = selectors.undoing_of(batch)
    assert undoing.taken == {"rating": 2, "session": 1}
    assert undoing.kept == {"session": 1, "episode": 1, "client": 1}
    sam.post(reverse("reports:import-undo", args=[batch.pk]))
    batch.refresh_from_db()
    batch = work(batch)
    assert batch.report["kept"] == undoing.kept
    assert "stays: 1 session, 1 episode, 1 client." in errors_of(sam.get(reverse("reports:import", args=[batch.pk])))


def test_undo_of_a_large_import_says_at_most_how_much_goes(sam, service, monkeypatch):
    monkeypatch.setattr(selectors, "LOOKED_INTO", 1)
    batch = ready(sam, service)
    sam.post(reverse("reports:import-write", args=[batch.pk]))
    batch.refresh_from_db()
    batch = work(batch)
    body = re.sub(r"\s+", " ", errors_of(sam.get(reverse("reports:import-undo", args=[batch.pk]))))
    assert "Taken back, at most: 2 ratings, 2 sessions, 1 episode, 1 client." in body
    assert "the report says how much that was" in body


def test_undo_of_a_correction_says_that_the_earlier_rating_counts_again(sam, service):
    for content in (GOOD, GOOD.replace("6,6,6,6", "6,6,6,7")):
        batch = ready(sam, service, content)
        sam.post(reverse("reports:import-write", args=[batch.pk]))
        batch.refresh_from_db()
        batch = work(batch)
    assert "Corrections" in page_of(sam, batch)
    assert "1 earlier rating that this import corrected will count again" in errors_of(
        sam.get(reverse("reports:import-undo", args=[batch.pk]))
    )


def test_a_stopped_import_says_so_and_goes_on_when_asked(sam, service):
    batch = ready(sam, service)
    sam.post(reverse("reports:import-write", args=[batch.pk]))
    assert "has stopped" not in page_of(sam, batch)
    job = Job.objects.filter(task=actions.WRITE)
    job.update(handed_at=Now(), failed_at=Now(), attempts=5)
    body = page_of(sam, batch)
    assert "Writing has stopped at step 0 of 1." in re.sub(r"\s+", " ", body)
    assert "hx-get" not in body, "it asks no more"
    assert sam.post(reverse("reports:import-retry", args=[batch.pk])).status_code == 302
    assert "has stopped" not in page_of(sam, batch)
    assert Job.objects.waiting().filter(task=actions.WRITE, object_id=batch.pk).count() == 1
    batch.refresh_from_db()
    work(batch)
    assert Rating.objects.count() == 2


def test_a_check_goes_in_steps_that_can_each_be_repeated(sam, service, monkeypatch):
    monkeypatch.setattr(actions, "RATINGS_IN_A_STEP", 1)
    batch = uploaded(sam, GOOD + "A-2,1,2024-01-01,5,5,5,5\nT-1,1,2024-01-01,5,5,5,5\n")
    factories.make_episode(service.tom, code="T-1")
    choose(sam, batch, said_of(service))
    seen = []
    batch.refresh_from_db()
    while batch.is_under_way:
        batch = actions.check_next_step(batch_id=batch.pk)
        seen.append((batch.step, batch.steps, batch.report["written"]))
    assert seen == [(0, 3, 0), (1, 3, 2), (2, 3, 3), (0, 0, 3)]
    assert actions.check_next_step(batch_id=batch.pk).state == State.REFUSED
    assert "a client of another therapist than Ada Okafor" in page_of(sam, batch)


def test_the_fragment_renews_itself_while_the_import_is_under_way(sam, service):
    batch = uploaded(sam)
    choose(sam, batch, said_of(service))
    url = reverse("reports:import-progress", args=[batch.pk])
    response = sam.get(url)
    assert response["X-Record"] == str(batch.pk)
    assert f'hx-get="{url}"' in response.content.decode()
    batch.refresh_from_db()
    work(batch)
    assert "hx-get" not in sam.get(url).content.decode()


# --- Who, how often, what is left behind ------------------------------------------------------------------


def test_another_services_import_is_not_there(service, other_service, sam, browser_of):
    batch = ready(sam, service)
    elsewhere = browser_of(other_service.sam)
    for name in ("import", "import-columns", "import-progress", "import-problems", "import-undo", "import-discard"):
        assert elsewhere.get(reverse(f"reports:{name}", args=[batch.pk])).status_code == 404
    assert "No imports yet" in elsewhere.get(reverse("reports:import-list")).content.decode()


def test_the_list_takes_the_same_number_of_queries_however_long_it_is(sam, service):
    url = reverse("reports:import-list")
    uploaded(sam)
    few = factories.queries_of(sam, url)
    for n in range(6):
        ready(sam, service, HEAD + f"A-{n},1,2024-01-01,5,5,5,5\n")
    many = factories.queries_of(sam, url)
    assert len(few) == len(many)
    assert not any('"content"' in query for query in many), "the files stay where they are"


def test_nothing_of_the_content_is_in_the_audit_trail_or_the_logs(sam, service, caplog, capsys):
    batch = ready(sam, service, HEAD + "Canary-7,1,2024-01-01,5,5,5,canary\n")
    upload(sam, b"who,nr\n" + b'"canary')
    page_of(sam, batch)
    told = str(list(AuditEvent.objects.values())) + caplog.text + "".join(capsys.readouterr())
    assert "canary" not in told.lower()
    assert "old.csv" not in told


def test_old_files_are_forgotten_by_the_clock(service, sam, monkeypatch):
    batch = uploaded(sam)
    ImportBatch.objects.update(created_at=Now() - 2 * actions.CONTENT_KEPT)
    jobs_tasks.start_period("old-files", 3600)
    (job,) = Job.objects.waiting().filter(task="reports.forget_old_files", object_id=service.organisation.pk)
    jobs.run_job(job.pk, lambda organisation: actions.forget_old_files(organisation_id=organisation))
    assert not ImportBatch.objects.filter(pk=batch.pk).exists()


# --- Any file a person could send -------------------------------------------------------------------------


def xlsx(rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def bomb():
    """A workbook of a few hundred kB whose sheet unpacks to 600 MB."""
    file, good = io.BytesIO(), zipfile.ZipFile(io.BytesIO(xlsx([["who", "nr"], ["A-1", 1]])))
    with good, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bad:
        for name in good.namelist():
            with bad.open(name, "w") as part:
                part.write(good.read(name))
                for _ in range(600 if "sheet1" in name else 0):
                    part.write(b" " * 1_000_000)
    return file.getvalue()


READABLE = {
    "semicolons": GOOD.replace(",", ";").encode(),
    "tabs": GOOD.replace(",", "\t").encode(),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "Latin-1": GOOD.replace("A-1", "Ä-1").encode("latin-1"),
    "UTF-16": GOOD.encode("utf-16"),
    "a workbook": xlsx(list(csv.reader(io.StringIO(GOOD)))),
    "Windows line ends": GOOD.replace("\n", "\r\n").encode(),
}
UNREADABLE = {
    "nothing": (b"", "The file is empty"),
    "only spaces": (b"  \n\n ", "The file is empty"),
    "column names alone": (HEAD.encode(), "no rows beneath"),
    "a column twice": (b"who,who\n1,2\n", "More than one column is called “who”"),
    "a column without a name": (b"who,,nr\n1,2,3\n", "has no name"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(200), "a picture"),
    "a web page": (b"<html><table></table></html>", "a web page"),
    "an unclosed quote": (b'who,nr\n"A-1,1\n' + b"A-2,2\n" * 9, "quot"),
    "1e6 columns": (b",".join(b"c%d" % n for n in range(1_000_000)) + b"\n1\n", "columns"),
    "noise": (bytes(range(256)) * 40, "not text"),
    "a broken archive": (b"PK\x03\x04" + bytes(400), ""),
    "an archive bomb": (None, ""),
}


@pytest.mark.parametrize("kind", READABLE)
def test_files_that_programs_write_come_in(sam, service, kind):
    batch = uploaded(sam, READABLE[kind])
    assert batch.columns == HEAD.strip().split(",")
    assert choose(sam, batch, said_of(service)).status_code == 302
    batch.refresh_from_db()
    assert work(batch).report["written"] == 2


@pytest.mark.parametrize("kind", UNREADABLE)
def test_files_that_are_no_tables_are_refused_beside_the_field(sam, service, kind):
    content, words = UNREADABLE[kind]
    response = upload(sam, bomb() if content is None else content)
    if response.status_code == 302:
        # Told by the check of every row: where the columns can be read, the rest is looked at there.
        batch = ImportBatch.objects.get()
        assert sam.get(columns_url(batch)).status_code == 200
        item = {f"{MEASURE}-score-total": batch.columns[1]}
        said = {"therapist": service.ada.pk, "client": "who", "number": "nr", "start_date": "2024-01-01", **item}
        assert choose(sam, batch, said).status_code == 302
        batch.refresh_from_db()
        batch = work(batch)
        assert batch.state == State.REFUSED
        assert words in page_of(sam, batch)
        return
    assert response.status_code == 422
    (error,) = response.context["form"].errors["file"]
    assert words in error and error.endswith((".", "!")) and len(error) < 600
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"file": ""}, {"file": "old.csv"}])
def test_a_form_without_a_file_asks_for_one(sam, sent):
    response = sam.post(reverse("reports:import-create"), sent)
    assert response.status_code == 422
    assert "Choose a file." in response.content.decode()


def test_a_file_that_is_too_large_is_refused_and_not_kept_on_the_way(sam, monkeypatch):
    monkeypatch.setattr(reports_http, "MOST", 100_000)
    monkeypatch.setattr(file_forms, "MOST", 100_000)
    kept = []
    check = file_forms.UploadForm.clean_file
    monkeypatch.setattr(
        file_forms.UploadForm, "clean_file", lambda form: kept.append(form.cleaned_data["file"].size) or check(form)
    )
    response = upload(sam, b"a,b\n" * 1_000_000)
    assert response.status_code == 422
    assert "The file has more than 50 MB." in response.content.decode()
    assert kept[0] < 300_000


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\x00b.csv", "x" * 400 + ".csv", "<script>.csv", " .csv", "Ärger “1”.csv"]
)
def test_whatever_a_file_is_called_it_comes_in(sam, service, name):
    batch = uploaded(sam, name=name)
    page = page_of(sam, batch)
    assert "<script>.csv" not in page
    assert len(batch.file_name) <= 200


def test_how_a_file_is_to_be_read_can_be_stated(sam):
    response = upload(sam, GOOD.replace(",", "|"), delimiter="vertical bars", encoding="utf-8")
    assert response.status_code == 302
    assert ImportBatch.objects.get().reading == {"delimiter": "|", "encoding": "utf-8"}
    workbook = xlsx([["who", "nr"], ["A-1", 1]])
    response = upload(sam, workbook, sheet="Not there")
    assert response.status_code == 422 and "Not there" in errors_of(response)
    assert upload(sam, GOOD, delimiter="dots").status_code == 422


def test_a_name_of_a_column_may_hold_anything_a_workbook_can(sam, service):
    names = ["who", "a_x0000_b", "c_x0041_", "=1+1", "<b>", "“q”", "d\ne"]
    response = upload(sam, xlsx([names, ["A-1", 1, 2, 3, 4, 5, 6]]))
    assert response.status_code in {302, 422}, errors_of(response)
    if response.status_code == 302:
        assert sam.get(columns_url(ImportBatch.objects.get())).status_code == 200


@pytest.mark.parametrize("shape", ["long", "wide"])
def test_a_file_with_2000_columns_can_be_mapped(sam, service, shape):
    names = ["who", "nr", "day", "q1", "q2", "q3", "q4", *(f"x_s{n}" for n in range(1993))]
    row = ["A-1", "1", "2024-01-01", *["5"] * 1997]
    batch = uploaded(sam, ",".join(names) + "\n" + ",".join(row) + "\n")
    choice = {**CHOICE, "shape": shape}
    page = sam.get(columns_url(batch), choice)
    assert len(page.content) < 5_000_000
    said = {**filled_in(page), **said_of(service), "start_date": "2024-01-01"}
    if shape == "wide":
        assert len(said) > 8_000
    response = choose(sam, batch, said, choice)
    assert response.status_code == 302, errors_of(response)
