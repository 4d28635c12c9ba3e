"""Files for SPSS: read by pyreadstat, they hold what the CSV files hold, with labels, and with missing values declared.

in the CSV   withdrawal   (empty)            2026-03-24   appeasing; denial
in the .sav  1            -9999, declared    a day        markers_appeasing 1, markers_denial 1, all others 0
"""

import csv
import io
import math
import zipfile
import zlib
from datetime import date

import pyreadstat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.exports import formats, spss
from reports.exports.numbers import variables
from reports.exports.tables import DATE, NUMBER, TABLES, WHOLE, YES_NO, Column, Table
from tests.reports.test_exports import WORDS, files_of, finished, record, table  # noqa: F401 — the same record

pytestmark = pytest.mark.django_db


def unpacked(export, folder):
    from reports.exports import actions

    with actions.download_export(export=export, by=export.created_by) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def read(folder, name, **options):
    frame, about = pyreadstat.read_sav(folder / f"{name}.sav", user_missing=True, **options)
    return frame.to_dict("records"), about


def as_text(value):
    """A value as it stands in the CSV."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return repr(int(value) if value.is_integer() else value)
    return value.isoformat() if isinstance(value, date) else str(value)


def test_the_files_hold_what_the_csv_files_hold(record, tmp_path):  # noqa: F811
    terms = {"is_identifying": True, "purpose": "Review"}
    texts, folder = (
        files_of(finished(record.ada, **terms)),
        unpacked(finished(record.ada, format="sav", **terms), tmp_path),
    )
    for each in TABLES:
        rows, _about = read(folder, each.name)
        expected = table(texts, each.name)
        assert len(rows) == len(expected) > 0
        columns = {column.name: column for column in each.columns}
        for row, told in zip(rows, expected, strict=True):
            for name, cell in told.items():
                column = columns[name]
                if column.is_several:
                    chosen = [code for code in column.codes if row[f"{name}_{code.replace('-', '_')}"] == 1]
                    assert chosen == sorted(filter(None, cell.split("; ")), key=list(column.codes).index)
                elif column.codes:
                    assert row[name] == (list(column.codes).index(cell) + 1 if cell else spss.MISSING), name
                elif cell == "" and spss.has_missing(column):
                    assert row[name] == spss.MISSING, name
                else:
                    assert as_text(row[name]) == cell, name


def test_every_variable_and_every_code_has_its_words_and_what_is_missing_is_declared(record, tmp_path):  # noqa: F811
    folder = unpacked(finished(record.sam, format="sav"), tmp_path)
    _rows, about = read(folder, "ruptures")
    labels = about.column_names_to_labels
    assert labels["held_on"] == "Day of the session" and labels["markers_denial"] == "Markers: Said all was fine"
    assert about.variable_value_labels["type"] == {
        1: "Withdrawal",
        2: "Confrontation",
        3: "Both",
        -9999: "nobody has said",
    }
    assert about.variable_value_labels["markers_denial"] == {0: "no", 1: "yes"}
    assert about.missing_ranges["intensity"] == [{"lo": -9999, "hi": -9999}]
    assert "noticed_by" not in about.missing_ranges
    assert about.original_variable_types["held_on"] == "SDATE10"
    assert {name: about.variable_measure[name] for name in ("rupture_id", "type", "intensity")} == {
        "rupture_id": "nominal", "type": "nominal", "intensity": "scale",
    }  # fmt: skip


def test_a_missing_answer_is_missing_to_whoever_reads_the_file_and_never_a_number(record, tmp_path):  # noqa: F811
    folder = unpacked(finished(record.sam, format="sav"), tmp_path)
    frame, _about = pyreadstat.read_sav(folder / "answers.sav")
    missing = frame[frame.instrument == "phq-9"].answer.isna().tolist()
    assert missing == [False] * 8 + [True]
    assert frame.answer.min() >= 0


def test_the_codebook_tells_of_the_variables_and_numbers_of_the_files(record, tmp_path):  # noqa: F811
    folder = unpacked(finished(record.sam, format="sav"), tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        *(f"{each.name}.sav" for each in TABLES), "codebook.csv", "codebook.txt", "instruments.csv",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO((folder / "codebook.csv").read_text("utf-8-sig"))))
    there = [(each.name, name) for each in TABLES for name in read(folder, each.name)[1].column_names]
    assert [(row["file"], row["column"]) for row in rows] == there
    (kind,) = (row for row in rows if (row["file"], row["column"]) == ("ruptures", "type"))
    assert kind["codes"] == "1 = Withdrawal; 2 = Confrontation; 3 = Both; -9999 = nobody has said"
    assert "-9999 stands for a missing value" in (folder / "codebook.txt").read_text()


def test_it_leads_to_nobody_under_pseudonyms(record, tmp_path):  # noqa: F811
    folder = unpacked(finished(record.sam, format="sav"), tmp_path)
    everything = b"".join(path.read_bytes() for path in folder.iterdir()).decode(errors="replace")
    assert not [what for what, words in WORDS.items() if words in everything]
    assert "K-7731" not in everything


def test_codes_keep_the_numbers_that_have_gone_out():
    """New codes go to the end of their vocabulary: two files of two years mean the same by a number."""
    found = {f"{each.name}.{column.name}": list(column.codes) for each in TABLES for column in each.columns}
    assert {name for name, codes in found.items() if codes} == set(SENT)
    assert {name: found[name][: len(codes.split())] for name, codes in SENT.items()} == {
        name: codes.split() for name, codes in SENT.items()
    }


def test_no_name_is_taken_twice_or_refused_by_spss():
    words = {"all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with"}
    for each in TABLES:
        names = [variable.column.name for variable in variables(each.columns)]
        assert len(set(names)) == len(names)
        assert not set(names) & words and all(name.isidentifier() and len(name) <= 64 for name in names)


SENT = {
    "episodes.modality": "cbt psychodynamic person-centred systemic integrative support other",
    "episodes.ending": "planned mutual client service transferred",
    "sessions.phase": "before therapy follow-up",
    "sessions.attendance": "attended late cancelled-early cancelled-late cancelled-by-service did-not-attend",
    "sessions.format": "in-person video phone unknown",
    "scores.rater": "client therapist observer",
    "answers.rater": "client therapist observer",
    "ruptures.type": "withdrawal confrontation mixed",
    "ruptures.markers": "denial minimal-response giving-up abstract-communication avoidant-storytelling topic-shift "
    "appeasing content-affect-split self-criticism complaint-therapist rejects-intervention complaint-task "
    "complaint-setting complaint-progress defends-self control",
    "ruptures.component": "goal task bond",
    "ruptures.noticed_by": "score client therapist supervisor attendance",
    "ruptures.state": "suspected confirmed in-repair resolved unresolved dismissed",
    "ruptures.reason": "talked outside mistake usual other corrected",
    "repair_attempts.strategies": "clarify rationale change-task change-goal redirect invite validate own-part "
    "disclose link-between link-others",
    "repair_attempts.client_response": "opened took-up guarded away against unclear",
    "signals.rater": "client therapist observer",
    "signals.state": "new confirmed dismissed expired withdrawn",
    "signals.reason": "talked outside mistake usual other",
    "goals.status": "open reached dropped",
}

# --- Against the library alone -----------------------------------------------------------------------------

COLUMNS = (
    Column("words", "Words", "clients.Goal.text"),
    Column("number", "A number", "clients.Goal.baseline", NUMBER, empty="not measured"),
    Column("whole", "A whole number", "clients.Goal.importance", WHOLE),
    Column("day", "A day", "clients.Goal.ended_on", DATE, empty="open"),
    Column("yes", "Yes or no", "clients.Goal.is_target_relative", YES_NO),
    Column("code", "A code", "clients.Goal.status", codes={"a": "ä" * 200, "b": "B"}, empty="none"),
    Column("last", "Last", "clients.Goal.metric"),
)
TRIED = Table("tried", "A table to try it with", COLUMNS)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
long_texts = st.builds(lambda text, times: text * times, texts, st.integers(1, 40))
rows = st.tuples(
    st.one_of(texts, long_texts),
    st.one_of(st.none(), st.floats(-1e9, 1e9)),
    st.one_of(st.none(), st.integers(-(10**9), 10**9)),
    st.one_of(st.none(), st.dates(date(1600, 1, 1))),
    st.sampled_from([0, 1]),
    st.sampled_from(["", "a", "b"]),
    texts,
)


def in_parts(some, size):
    return [formats.FORMATS["sav"].pack(some[start : start + size]) for start in range(0, len(some), size)]


def written(some, size):
    file = io.BytesIO()
    spss.write_table(file, TRIED, COLUMNS, lambda: in_parts(some, size))
    return file.getvalue()


def as_the_library_takes_it(row, fields):
    for field in fields:
        cell = field.reads([as_text(value) for value in row])
        if field.is_text:
            yield cell
        else:
            (number,) = spss.struct.unpack("<d", spss.packing(field.column)(cell))
            yield math.nan if number == spss.NOTHING else number


@given(st.lists(rows, min_size=1, max_size=8), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
@example([("é" * 200 + "z", None, None, None, 0, "", "x" * 255), ("y" * 504, 1.5, 2, date(2026, 2, 28), 1, "b", "")], 1)
@example([("x" * 256, 0.1, 0, date(1900, 1, 1), 0, "a", 'a\r\n"b",')], 2)
def test_the_rows_stand_as_the_library_would_write_them(some, size):
    ours = written(some, size)
    fields = [spss.Field.of(variable) for variable in variables(COLUMNS)]
    for field in fields:
        if field.is_text:
            field.width = max(1, *(len(str(row[COLUMNS.index(field.column)]).encode()) for row in some))
    theirs = spss.written_by_library(TRIED, fields, [list(as_the_library_takes_it(row, fields)) for row in some])
    # Day and hour of writing stand in the head.
    assert ours[:92] == theirs[:92] and ours[109:] == theirs[109:]


def test_a_table_without_rows_is_a_file_without_rows(tmp_path):
    (tmp_path / "none.sav").write_bytes(written([], 1))
    found, about = read(tmp_path, "none")
    assert found == [] and about.column_names == [column.name for column in COLUMNS]


def test_no_more_than_some_rows_are_in_memory_at_once(monkeypatch):
    """The parts are read one after the other, twice, and each is let go."""
    seen = []
    part = formats.FORMATS["sav"].pack([("text", 1.5, 1, date(2026, 1, 1), 1, "a", "x")] * 3)

    def parts():
        for number in range(3):
            seen.append(number)
            yield part

    file = io.BytesIO()
    spss.write_table(file, TRIED, COLUMNS, parts)
    assert seen == [0, 1, 2, 0, 1, 2]
    assert zlib.decompress(part).count(b"\r\n") == 3
