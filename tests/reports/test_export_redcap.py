"""Files for REDCap: its rules for a data dictionary and for records, and the values of the CSV files.

REDCap itself is not here; its rules are written down below as its own help has them.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from datetime import date

import pytest
from django.utils import timezone

from reports.exports import redcap
from reports.exports.tables import EPISODES, TABLES
from tests import factories
from tests.reports.test_exports import WORDS, files_of, finished, record, table  # noqa: F401 — the same record

pytestmark = pytest.mark.django_db

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TERMS = {"is_identifying": True, "purpose": "Review"}


def read(files, name):
    return list(csv.DictReader(io.StringIO(files[name], newline=""), strict=True))


def dictionary(files):
    return {row["Variable / Field Name"]: row for row in read(files, "dictionary.csv")}


def choices_of(field):
    pairs = [choice.split(", ", 1) for choice in field["Choices, Calculations, OR Slider Labels"].split(" | ")]
    return dict(pairs)


def forms(files):
    """By the name of a form: its records."""
    return {
        name.removeprefix("records_").removesuffix(".csv"): read(files, name)
        for name in files
        if name.startswith("records_")
    }


@pytest.fixture
def files(record):  # noqa: F811
    return files_of(finished(record.ada, format="redcap", **TERMS))


def test_the_dictionary_is_one_that_redcap_takes(files):
    rows = read(files, "dictionary.csv")
    assert list(rows[0]) == list(redcap.DICTIONARY_HEAD) and len(redcap.DICTIONARY_HEAD) == 18
    assert (rows[0]["Variable / Field Name"], rows[0]["Form Name"]) == ("record_id", "client")
    names = [row["Variable / Field Name"] for row in rows]
    assert len(set(names)) == len(names), "a name is a field's own in the whole project"
    assert all(NAME.fullmatch(name) and len(name) <= 100 for name in names)
    assert all(NAME.fullmatch(row["Form Name"]) and row["Field Label"] for row in rows)
    assert not set(names) & {f"{row['Form Name']}_complete" for row in rows}
    for row in rows:
        has_choices = bool(row["Choices, Calculations, OR Slider Labels"])
        assert has_choices == (row["Field Type"] in {"radio", "checkbox"})
        assert row["Text Validation Type OR Show Slider Number"] in {"", "integer", "number", "date_ymd"}
        if has_choices:
            assert all(code.isdigit() and words for code, words in choices_of(row).items())
    together = [row["Form Name"] for row in rows]
    assert sorted(set(together), key=together.index) == list(dict.fromkeys(together)), "a form's fields stand together"


def test_each_record_has_only_fields_of_its_form_and_values_that_these_take(files):
    fields = dictionary(files)
    assert set(forms(files)) == {row["Form Name"] for row in fields.values()} == {"client", *(t.name for t in TABLES)}
    for form, records in forms(files).items():
        assert records, form
        for row in records:
            assert row.pop("record_id").startswith("C") and row.pop(f"{form}_complete") == "2"
            if form != "client":
                assert row.pop("redcap_repeat_instrument") == form and int(row.pop("redcap_repeat_instance")) >= 1
            for name, cell in row.items():
                check_cell(fields[name.partition("___")[0]], form, name, cell)


def check_cell(field, form, name, cell):
    assert field["Form Name"] == form
    kind, validation = field["Field Type"], field["Text Validation Type OR Show Slider Number"]
    if kind == "checkbox":
        assert name.partition("___")[2] in choices_of(field) and cell in {"0", "1"}
    elif kind == "radio":
        assert cell == "" or cell in choices_of(field)
    elif kind == "yesno":
        assert cell in {"0", "1"}
    elif validation == "integer" and cell:
        assert re.fullmatch(r"-?\d+", cell)
    elif validation == "number" and cell:
        assert re.fullmatch(r"-?\d+(\.\d+)?", cell)
    elif validation == "date_ymd" and cell:
        assert date.fromisoformat(cell)


def test_the_records_hold_what_the_csv_files_hold(record, files):  # noqa: F811
    texts, fields, found = files_of(finished(record.ada, **TERMS)), dictionary(files), forms(files)
    for each in TABLES:
        form = redcap.form_of(each, each.columns)
        expected = table(texts, each.name)
        assert len(found[each.name]) == len(expected) > 0
        for row, told in zip(found[each.name], expected, strict=True):
            assert row["record_id"] == told["client_id"]
            for _position, column in form.columns:
                name, cell = form.field(column.name), told[column.name]
                if column.is_several:
                    chosen = [
                        words for code, words in choices_of(fields[name]).items() if row[f"{name}___{code}"] == "1"
                    ]
                    assert sorted(chosen) == sorted(column.codes[code] for code in cell.split("; ") if code)
                elif column.codes and cell:
                    assert choices_of(fields[name])[row[name]] == column.codes[cell].replace("|", "/")
                else:
                    assert row[name] == cell
    assert {row["record_id"]: row["client_code"] for row in found["client"]} == {
        row["client_id"]: row["client_code"] for row in table(texts, "episodes")
    }


def test_a_client_is_one_record_and_the_instances_of_each_form_are_counted_from_one(service, monkeypatch):
    from reports.exports import actions

    monkeypatch.setattr(actions, "EPISODES_IN_A_STEP", 1)
    before = factories.make_episode(service.tom)
    factories.make_course(before, [7, 6])
    after = factories.hand_over(before, to=service.ada)
    factories.make_session(after, held_on=timezone.localdate())
    factories.make_session(factories.make_episode(service.ada, code="R-2"))
    found = forms(files_of(finished(service.sam, format="redcap")))
    assert len(found["client"]) == len({row["record_id"] for row in found["client"]}) == 2
    for name in ("episodes", "sessions", "scores"):
        instances = defaultdict(list)
        for row in found[name]:
            instances[row["record_id"]].append(int(row["redcap_repeat_instance"]))
        assert all(counted == list(range(1, len(counted) + 1)) for counted in instances.values())
    of_client = Counter(row["record_id"] for row in found["episodes"])
    assert sorted(of_client.values()) == [1, 2]


def test_what_leads_to_a_person_is_marked_as_identifying_and_not_there_unless_asked_for(record, files):  # noqa: F811
    marked = {name for name, field in dictionary(files).items() if field["Identifier?"] == "y"}
    assert marked == {"client_code", "client_name", "goal_text", "goal_metric"}
    pseudonymous = files_of(finished(record.ada, format="redcap"))
    assert not marked & set(dictionary(pseudonymous))
    text = "".join(pseudonymous.values())
    assert not [what for what, words in WORDS.items() if words in text] and "K-7731" not in text


def test_cells_that_a_spreadsheet_would_calculate_begin_with_an_apostrophe(files):
    assert "'=K-7731" in {row["client_code"] for row in read(files, "records_client.csv")}
    cells = [cell for text in files.values() for row in csv.reader(io.StringIO(text)) for cell in row]
    numbers = re.compile(r"-?\d+(\.\d+)?")
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "@", "|", "-"} and not numbers.fullmatch(cell)]


def test_no_file_has_a_mark_and_the_text_says_how_to_import_them(files):
    assert not [name for name, text in files.items() if text.startswith("\ufeff")]
    assert "enable repeating instruments" in files["codebook.txt"] and "goal_text" in files["codebook.txt"]
    assert set(files) == {
        *("dictionary.csv", "instruments.csv", "codebook.txt", "records_client.csv"),
        *(f"records_{each.name}.csv" for each in TABLES),
    }


def test_a_number_that_is_very_small_is_written_without_an_exponent():
    (number,) = (column for column in TABLES[-1].columns if column.name == "baseline")
    (variable,) = redcap.variables([number])
    read_cell = redcap.reading(variable, 0)
    assert [read_cell([cell]) for cell in ("1e-07", "2.5", "", "3")] == ["0.0000001", "2.5", "", "3"]
    assert EPISODES.name in redcap.ABOUT
