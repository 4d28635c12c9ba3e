"""Any file a person could send ends as a table or as one error that says what to do."""

import csv
import io
import struct
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from reports.reading import DELIMITERS, ENCODINGS, Limits, Unreadable, read_table

DATA = Path(__file__).parents[1] / "data"
CODECS = {
    **{name: (name.replace("windows-1252", "cp1252"), b"") for name in ENCODINGS},
    "utf-8 with mark": ("utf-8", b"\xef\xbb\xbf"),
    "utf-16-le with mark": ("utf-16-le", b"\xff\xfe"),
    "utf-16-be with mark": ("utf-16-be", b"\xfe\xff"),
}
steady = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])


def read(content, **stated):
    table = read_table(content if isinstance(content, bytes | Path) else content.encode(), **stated)
    return table.columns, list(table.rows), table


def refusal(content, **stated):
    with pytest.raises(Unreadable) as caught:
        read(content, **stated)
    message = str(caught.value)
    assert len(message) > 20 and message.endswith(".")
    return message


# What Python's csv module writes comes back


LETTERS = "abcXYZ019 .-_'%/éßñ"
WIDE = LETTERS + "Łжω中文日本“€😀"
PUNCTUATION = ',;\t|"\r\n'


@st.composite
def written(draw, characters, quoting=None):
    """Columns, rows (None where empty, none of them wholly empty) and the dialect they are written in."""
    cells = st.text(st.sampled_from(characters), max_size=8)
    names = st.text(st.sampled_from(characters), min_size=1, max_size=8).map(str.strip).filter(bool)
    columns = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    rows = st.lists(cells, min_size=len(columns), max_size=len(columns)).filter(any)
    return (
        tuple(columns),
        [tuple(cell or None for cell in row) for row in draw(st.lists(rows, min_size=1, max_size=6))],
        {
            "delimiter": draw(st.sampled_from(list(DELIMITERS))),
            "lineterminator": "\r\n",  # with another one Python 3.11 writes line breaks that it can't read back
            "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])) if quoting is None else quoting,
        },
    )


def as_bytes(columns, rows, dialect, codec, mark):
    text = io.StringIO(newline="")
    writer = csv.writer(text, **dialect)
    writer.writerow(columns)
    writer.writerows([cell or "" for cell in row] for row in rows)
    try:
        return mark + text.getvalue().encode(codec)
    except UnicodeEncodeError:
        assume(False)


@steady
@given(written(WIDE + PUNCTUATION), st.sampled_from(list(CODECS)))
def test_a_written_table_comes_back_when_its_format_is_stated(table, name):
    columns, rows, dialect = table
    assume(not columns[0].lower().startswith("sep="))
    codec, mark = CODECS[name]
    stated = {"delimiter": dialect["delimiter"], "encoding": name.removesuffix(" with mark")}
    found = read(as_bytes(columns, rows, dialect, codec, mark), **stated)
    assert (found[0], [row for _, row in found[1]]) == (columns, rows)


@steady
@given(written(WIDE), st.sampled_from(list(CODECS)))
def test_a_written_table_comes_back_when_its_format_is_found_out(table, name):
    columns, rows, dialect = table
    codec, mark = CODECS[name]
    content = as_bytes(columns, rows, dialect, codec, mark)
    if codec in {"latin-1", "cp1252"}:  # "Ã©" is also how UTF-8 writes "é": nothing can tell
        assume(not any(char in content.decode("utf-8", "ignore") for char in set(content.decode(codec)) - set(LETTERS)))
    found = read(content)
    assert (found[0], [row for _, row in found[1]]) == (columns, rows)


@steady
@given(written(LETTERS + "\n\r", quoting=csv.QUOTE_ALL), st.sampled_from(["\n", "\r\n", "\r"]))
def test_line_breaks_inside_cells_come_back_whatever_ends_the_lines(table, end):
    columns, rows, dialect = table
    found = read(as_bytes(columns, rows, {**dialect, "lineterminator": end}, "utf-8", b""))
    assert (found[0], [row for _, row in found[1]]) == (columns, rows)


@steady
@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
@example(b"")
@example(b"PK\x03\x04broken")
@example(b'a,b\n"1')
@example(b"a\x00\x00b")
def test_any_bytes_end_in_a_table_or_in_a_message(content):
    try:
        columns, rows, _ = read(content)
    except Unreadable as error:
        assert str(error).strip()
    else:
        assert columns and all(columns) and len(set(columns)) == len(columns)
        assert rows and all(len(row) == len(columns) for _, row in rows)


# Encodings


def test_windows_1252_is_read_and_noted():
    columns, rows, table = read("name,note\nZoë,5 €\n".encode("cp1252"))
    assert (columns, rows) == (("name", "note"), [(2, ("Zoë", "5 €"))])
    assert table.encoding == "windows-1252" and "line 2 is not UTF-8" in table.notes[0]


def test_latin_1_is_read_where_windows_1252_has_no_such_character():
    assert read(b"a,b\n\xe9,\x81\n")[2].encoding == "latin-1"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read_and_noted(codec):
    columns, rows, table = read("клиент;день\r\nö;2\r\n".encode(codec))
    assert (columns, rows) == (("клиент", "день"), [(2, ("ö", "2"))])
    assert table.encoding == codec and "UTF-16" in table.notes[0]


def test_a_marked_file_that_breaks_its_promise_is_refused_by_line():
    assert "Line 3 is not UTF-8" in refusal(b"\xef\xbb\xbfa,b\n1,2\n\xe9,3\n")


def test_a_stated_encoding_is_taken_and_a_wrong_one_refused():
    assert read("a,b\né,1\n".encode(), encoding="latin-1")[1] == [(2, ("Ã©", "1"))]
    assert "Line 2 is not UTF-8" in refusal(b"a,b\n\xe9,1\n", encoding="utf-8")
    assert "State one of" in refusal("a,b\n1,2\n", encoding="ebcdic")


def test_utf_32_is_named():
    assert "UTF-32" in refusal("a,b\n1,2\n".encode("utf-32"))


def test_nul_characters_are_refused_by_line():
    assert "Line 2001 holds a NUL" in refusal("a,b\n" + 1999 * f"{'x' * 50},2\n" + "1,\0\n")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old kind"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "picture"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b"<html><table><tr><td>a</td></tr></table></html>", "web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "web page"),
        (bytes(range(256)) * 40, "not text"),
        (b"\x7fELF\x02\x01\x01" + b"\x00\x90\x03\xff" * 60, "not text"),
    ],
)
def test_other_kinds_of_file_are_called_by_their_name(content, word):
    assert word in refusal(content)


# Delimiters


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_each_delimiter_is_found(delimiter):
    columns, rows, table = read(f"a{delimiter}b{delimiter}c\n1{delimiter}2,5{delimiter}\n".replace("2,5", "2"))
    assert (columns, rows, table.delimiter) == (("a", "b", "c"), [(2, ("1", "2", None))], delimiter)
    assert bool(table.notes) == (delimiter != ",")


def test_decimal_commas_do_not_pass_for_delimiters():
    columns, rows, table = read("client;score\nA;1,5\nB;2,5\nC;3\n")
    assert (columns, table.delimiter) == (("client", "score"), ";") and rows[0] == (2, ("A", "1,5"))
    assert table.notes == ("Read with semicolons between columns.",)


def test_a_second_delimiter_that_fits_is_named_and_can_be_stated():
    content = "a;x,b\n1;1,2\n"
    table = read(content)[2]
    assert "would fit too" in table.notes[0]
    other = ";" if table.delimiter == "," else ","
    assert read(content, delimiter=other)[2].notes == ()
    assert "State one of" in refusal(content, delimiter="ab")


def test_a_single_column_is_read_and_noted():
    columns, rows, table = read("score\n1\n2\n")
    assert (columns, rows) == (("score",), [(2, ("1",)), (3, ("2",))]) and "Only one column" in table.notes[0]


def test_excels_separator_line_is_obeyed():
    columns, rows, _ = read("sep=;\na;b\n1;2\n")
    assert (columns, rows) == (("a", "b"), [(3, ("1", "2"))])


# Rows


def test_rows_are_counted_as_a_spreadsheet_counts_them():
    columns, rows, _ = read('\na,b\n"x\ny",1\n\n,\n2,3\n')
    assert (columns, rows) == (("a", "b"), [(3, ("x\ny", "1")), (6, ("2", "3"))])


def test_rows_can_be_read_twice():
    table = read_table(b"a,b\n1,2\n")
    assert list(table.rows) == list(table.rows) == [(2, ("1", "2"))]


def test_an_unclosed_quotation_mark_is_named_by_the_row_where_it_opened():
    message = refusal('a,b\n1,2\n3,"4\n5,6\n7,8\n')
    assert "opened in row 3 (line 3" in message
    assert "row 3" in refusal('a,b\n"x\ny",2\n3,"4\n5,6\n') and "line 4" in refusal('a,b\n"x\ny",2\n3,"4\n5,6\n')
    assert "Row 2" in refusal('a,b\n1,"2\n' + "3,4\n" * 60_000)
    assert "Row 2 (lines 2 to 3" in refusal('a,b\n1,"2\n3,"4"\n')


@pytest.mark.parametrize(("row", "word"), [("1", "too few fields: 1"), ("1,2,3", "too many fields: 3")])
def test_rows_of_another_width_are_named(row, word):
    message = refusal(f"a,b\n1,2\n3,4\n{row}\n5,6\n")
    assert "Row 4" in message and word in message and "commas" in message


def test_a_title_above_the_columns_is_explained():
    assert "delete title lines" in refusal("Export of 5 May\n\nclient;session;score\nA;1;2\nA;2;3\n")


@pytest.mark.parametrize("content", [b"", b"  \r\n\n", b"\xef\xbb\xbf", b"\xff\xfe", ",,\n,,\n"])
def test_an_empty_file_is_refused(content):
    assert "empty" in refusal(content) or "no name" in refusal(content)


@pytest.mark.parametrize("content", ["a,b,c", "a,b,c\n", "a,b,c\n,,\n\n"])
def test_a_header_alone_is_refused(content):
    assert "no rows beneath" in refusal(content)


def test_duplicated_and_empty_column_names_are_named():
    assert "“x” (A, C)" in refusal("x,y, x\n1,2,3\n")
    assert "Columns B, D have no name" in refusal("x,,y,\n1,2,3,4\n")
    assert "Column A has no name" in refusal(",x\n1,2\n")


# Limits


def test_too_many_bytes_rows_and_columns_are_refused():
    assert "at most 0 MB" in refusal("a,b\n1,2\n", limits=Limits(max_bytes=5))
    assert "more than 2 rows" in refusal("a\n1\n2\n3\n", limits=Limits(max_rows=2))
    assert "3 columns; at most 2" in refusal("a,b,c\n1,2,3\n", limits=Limits(max_columns=2))


def test_a_million_columns_are_refused():
    header = ",".join(f"c{n}" for n in range(1_000_000))
    assert "more than 2,000 columns" in refusal(f"{header}\n{header}\n")


def test_one_endless_line_is_refused():
    assert "line breaks" in refusal("x" * 5_000_000)
    assert "more than" in refusal("a,b\n1," + "x" * 200_000 + "\n")


def test_missing_files_and_folders_are_refused(tmp_path):
    assert "no file" in refusal(tmp_path / "none.csv")
    assert "folder" in refusal(tmp_path)


# Workbooks


def workbook(*sheets, **options):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(options.get("titles", [])[number - 1] if "titles" in options else f"Sheet{number}")
        for row in rows:
            sheet.append(row)
    if "change" in options:
        options["change"](book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_part(content, name, change):
    """The workbook with one part of its archive changed; `change` gets the part's text."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            data = old.read(part)
            new.writestr(part, change(data.decode()).encode() if part == name else data)
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_workbook_is_read_by_its_content_whatever_its_name(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_bytes(workbook([["client", "score", "good"], ["Zoë", 5, True], [None, None], ["B\nC", 2.5, None]]))
    columns, rows, table = read(path)
    assert columns == ("client", "score", "good")
    assert rows == [(2, ("Zoë", "5", "TRUE")), (4, ("B\nC", "2.5", None))]
    assert (table.encoding, table.delimiter, table.notes) == ("xlsx", "", ())


@steady
@given(written(WIDE + ',;\t|"\n'))
def test_a_table_of_text_comes_back_from_a_workbook(table):
    columns, rows, _ = table
    assume(not any((cell or "").startswith("=") for row in (columns, *rows) for cell in row))
    content = workbook([columns, *rows], change=as_text)
    found = read(content)
    assert (found[0], [row for _, row in found[1]]) == (columns, rows)


def as_text(book):
    for row in book.active.iter_rows():
        for cell in row:
            if cell.value is not None:
                cell.data_type = "s"


def test_dates_become_iso_text_and_bare_serial_numbers_stay_numbers():
    def change(book):
        book.active["E2"].number_format = "[h]:mm"
        book.active["F2"].number_format = 'dd"."mm"."yyyy'
        book.active["G2"].number_format = '0.00 "days"'

    row = [date(2024, 3, 5), datetime(2024, 3, 5, 14, 30), 45356, time(14, 30), 1.5, 45356, 3]
    content = workbook([list("abcdefg"), row], change=change)
    assert read(content)[1] == [
        (2, ("2024-03-05", "2024-03-05T14:30:00", "45356", "0.604166666666667", "1.5", "2024-03-05", "3"))
    ]


def test_dates_of_both_calendars_are_right():
    def change(book):
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    assert read(workbook([["a"], [date(2024, 3, 5)]], change=change))[1] == [(2, ("2024-03-05",))]
    early = workbook([["a", "b", "c"], [1, 59, 61]], change=lambda book: [format_as_date(book, c) for c in "ABC"])
    assert read(early)[1] == [(2, ("1900-01-01", "1900-02-28", "1900-03-01"))]


def format_as_date(book, column):
    book.active[f"{column}2"].number_format = "yyyy-mm-dd"


def test_formulas_give_their_stored_result_and_are_refused_without_one():
    content = workbook([["a", "b"], [1, "=A2+1"]])
    assert "Cell B2 holds a formula whose result was not saved" in refusal(content)
    stored = with_part(content, SHEET, lambda xml: xml.replace("<v></v>", "<v>2</v>").replace("<v />", "<v>2</v>"))
    assert read(stored)[1] == [(2, ("1", "2"))]


def test_a_formula_that_gives_nothing_is_an_empty_cell():
    content = workbook([["a", "b"], [1, "=A2+1"]])
    text = with_part(content, SHEET, lambda xml: xml.replace('r="B2"', 'r="B2" t="str"'))
    assert read(text)[1] == [(2, ("1", None))]


def test_errors_of_a_spreadsheet_stay_visible():
    assert read(workbook([["a", "b"], [1, "#DIV/0!"]]))[1] == [(2, ("1", "#DIV/0!"))]


def handmade(**parts):
    """A workbook of one sheet with as little around it as the format allows."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = [
        f'<Relationship Id="{name}" Type="{office}/{kind}" Target="{target}"/>'
        for name, kind, target in (("r1", "worksheet", "sheet.xml"), ("r2", "sharedStrings", "/xl/texts.xml"))
    ]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels", f'<R><Relationship Id="r" Type="{office}/officeDocument" Target="xl/book.xml"/></R>'
        )
        archive.writestr("xl/_rels/book.xml.rels", f"<R>{''.join(links)}</R>")
        archive.writestr(
            "xl/book.xml", f'<workbook xmlns:r="{office}"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>'
        )
        archive.writestr("xl/sheet.xml", f"<worksheet><sheetData>{parts['rows']}</sheetData></worksheet>")
        archive.writestr("xl/texts.xml", f"<sst>{parts['texts']}</sst>")
    return file.getvalue()


def test_shared_and_rich_text_is_read_without_its_pronunciation():
    content = handmade(
        texts="<si><r><t>cli</t></r><r><t>ent</t></r><rPh sb='0' eb='1'><t>KURAIENTO</t></rPh></si>"
        "<si><t>a_x000D_\nb</t></si>",
        rows='<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
        '<row><c><v>1</v></c><c t="inlineStr"><is><t>x</t><rPh><t>y</t></rPh></is></c></row>',
    )
    assert read(content)[:2] == (("client", "a\nb"), [(2, ("1", "x"))])


def test_elements_with_a_prefix_are_read_too():
    rows = '<row r="3"><c r="A3" t="s"><v>0</v></c></row><row r="7"><c r="A7"><v>1E0</v></c></row>'
    content = handmade(texts="<x:si><x:t>a</x:t></x:si>".replace("x:", ""), rows=rows)
    prefixed = with_part(content, "xl/sheet.xml", lambda xml: xml.replace("<", "<x:").replace("<x:/", "</x:"))
    assert read(prefixed)[:2] == (("a",), [(7, ("1",))])
    assert "row 3" in read(prefixed)[2].notes[0]


def test_a_cell_that_refers_to_no_text_is_damage():
    assert "damaged" in refusal(handmade(texts="", rows='<row><c t="s"><v>7</v></c></row>'))


def test_the_only_sheet_with_data_is_read_and_otherwise_it_is_asked():
    first, second = [["a"], [1]], [["b"], [2]]
    assert read(workbook([], first))[0] == ("a",)
    message = refusal(workbook(first, second, titles=["Ratings", "Notes"]))
    assert "“Ratings”, “Notes”" in message and "State which" in message
    assert read(workbook(first, second, titles=["Ratings", "Notes"]), sheet="Notes")[0] == ("b",)
    assert "no sheet “X”" in refusal(workbook(first), sheet="X")
    assert "empty" in refusal(workbook([]))


def test_hidden_sheets_are_read_only_when_stated():
    def change(book):
        book["Sheet2"].sheet_state = "hidden"

    content = workbook([["a"], [1]], [["b"], [2]], change=change)
    assert read(content)[0] == ("a",) and read(content, sheet="Sheet2")[0] == ("b",)


def test_workbook_rows_and_columns_have_the_same_limits_and_errors():
    assert "Row 2 has a value in column C" in refusal(workbook([["a", "b"], [1, 2, 3]]))
    assert "no rows beneath" in refusal(workbook([["a", "b"]]))
    assert "Column B has no name" in refusal(workbook([["a", None, "c"], [1, 2, 3]]))
    assert "“a” (A, B)" in refusal(workbook([["a", "a"], [1, 2]]))
    assert "more than 1 rows" in refusal(workbook([["a"], [1], [2]]), limits=Limits(max_rows=1))
    assert "at most 2 can" in refusal(workbook([["a", "b", "c"], [1, 2, 3]]), limits=Limits(max_columns=2))


def test_an_archive_bomb_is_refused_before_it_is_unpacked():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(SHEET, bytes(60_000_000))
    assert "unpacks to 60 MB" in refusal(file.getvalue())
    assert "unpacks to" in refusal(workbook([["a"], [1]]), limits=Limits(max_unpacked=1_000))


def test_an_archive_that_lies_about_its_size_is_refused():
    content = bytearray(workbook([["a"], [1]]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [part.filename for part in archive.infolist()]
    at = -1
    for _ in range(names.index(SHEET) + 1):
        at = content.index(b"PK\x01\x02", at + 1)
    content[at + 24 : at + 28] = struct.pack("<I", 10)  # the directory's word for the unpacked size
    assert "damaged" in refusal(bytes(content))


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml"])
def test_entities_are_refused(part):
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    content = with_part(workbook([["a"], [1]]), part, lambda xml: bomb + xml.split("?>", 1)[-1])
    assert "document type" in refusal(content) or "damaged" in refusal(content)


def test_encrypted_broken_and_other_archives_are_told_apart():
    content = workbook([["a"], [1]])
    locked = bytearray(content)
    at = locked.index(b"PK\x01\x02")
    locked[at + 8] |= 1
    assert "password" in refusal(bytes(locked))
    assert "damaged" in refusal(content[: len(content) // 2])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("ratings.csv", "a,b\n1,2\n")
    assert "Unpack it" in refusal(file.getvalue())
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert "OpenDocument" in refusal(file.getvalue())


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_damaged_workbook_never_raises_anything_else(data):
    content = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(content))
    except Unreadable as error:
        assert str(error)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_workbook_of_damaged_xml_never_raises_anything_else(data):
    part = data.draw(st.sampled_from([SHEET, "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"]))

    def change(xml):
        start = data.draw(st.integers(0, len(xml) - 1))
        return xml[:start] + data.draw(st.sampled_from(["", "9", "x", "<", '"', "-1"])) + xml[start + 1 :]

    try:
        read(with_part(SMALL, part, change))
    except Unreadable as error:
        assert str(error)


SMALL = workbook([["a", "b", "c"], [1, "x", date(2024, 1, 1)], [2.5, "y", None]])


# The two files


@pytest.mark.parametrize(
    ("name", "rows", "columns"), [("wai36_items_simulated.csv", 277, 44), ("suddengains_sgdata.csv", 43, 31)]
)
def test_the_files_of_others_are_read(name, rows, columns):
    found = read(DATA / name)
    assert (len(found[1]), len(found[0]), found[2].encoding, found[2].notes) == (rows, columns, "utf-8", ())
