"""Files for REDCap: the data dictionary, and for each of its forms the records.

A client is a record; what belongs to a client stands in forms that repeat, one for each table. The names of the
dictionary's columns are REDCap's own, as it writes them when a dictionary is downloaded from it.
"""

import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO

from .files import Content, as_csv, member, rows_of, write_text
from .numbers import Read, Variable, variables
from .tables import (  # fmt: skip
    ANSWERS,
    ATTEMPTS,
    CLIENT,
    DATE,
    EPISODES,
    GOALS,
    NUMBER,
    RUPTURES,
    SCORES,
    SESSIONS,
    SIGNALS,
    TEXT,
    WHOLE,
    YES_NO,
    Column,
    Table,
)

DICTIONARY_HEAD = (
    *("Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label"),
    *("Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number"),
    *("Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)"),
    *("Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name"),
    *("Matrix Ranking?", "Field Annotation"),
)
RECORD, FORM_OF_CLIENTS, COMPLETE = "record_id", "client", "2"
REPEATS = ("redcap_repeat_instrument", "redcap_repeat_instance")
VALIDATION = {TEXT: "", WHOLE: "integer", NUMBER: "number", DATE: "date_ymd"}
# A field's name is its own in the whole project: it begins with what its form is about.
ABOUT = {
    EPISODES.name: "episode",
    SESSIONS.name: "session",
    SCORES.name: "score",
    ANSWERS.name: "answer",
    RUPTURES.name: "rupture",
    ATTEMPTS.name: "repair",
    SIGNALS.name: "signal",
    GOALS.name: "goal",
}
OF_CLIENT = ("client_code", "client_name")


@dataclass(frozen=True)
class Form:
    """A form of the dictionary: its name, its fields, and where in a row of the table they and the client stand."""

    name: str
    columns: Sequence[tuple[int, Column]]
    client: int
    about: str

    def field(self, name: str) -> str:
        return name if not self.about or f"{name}_".startswith(f"{self.about}_") else f"{self.about}_{name}"

    @property
    def head(self) -> list[str]:
        """Of the records: a column for each field, and for each choice of a field that takes several."""
        return [name for name, _read in self.cells()]

    def cells(self) -> Iterator[tuple[str, Read]]:
        for position, column in self.columns:
            for number, variable in enumerate(variables([column]), start=1):
                name = self.field(column.name)
                yield (f"{name}___{number}" if column.is_several else name), reading(variable, position)


def reading(variable: Variable, position: int) -> Read:
    read = replace(variable, position=position).reads
    if variable.column.kind != NUMBER:
        return read
    # REDCap takes no exponents.
    return lambda row: f"{float(cell):.15f}".rstrip("0") if "e" in (cell := read(row)) else cell


def client_form(columns: Sequence[Column]) -> Form:
    """Who the clients are, so far as it was asked for; it does not repeat."""
    found = [(position, column) for position, column in enumerate(columns) if column.name in OF_CLIENT]
    return Form(FORM_OF_CLIENTS, found, columns.index(CLIENT), about="")


def form_of(table: Table, columns: Sequence[Column]) -> Form:
    left_out = {CLIENT.name, *(OF_CLIENT if table is EPISODES else ())}
    found = [(position, column) for position, column in enumerate(columns) if column.name not in left_out]
    return Form(table.name, found, columns.index(CLIENT), ABOUT[table.name])


def forms_of(table: Table, columns: Sequence[Column]) -> list[Form]:
    """That of the table; before that of the episodes the one of the clients, who stand in their rows."""
    return [*([client_form(columns)] if table is EPISODES else []), form_of(table, columns)]


def told(table: Table, columns: Sequence[Column]) -> list[Column]:
    """The fields of a form as the dictionary names them, for the codebook."""
    return [
        replace(
            column,
            name=form.field(column.name),
            kind=WHOLE if column.codes else column.kind,
            codes=choices(column),
        )
        for form in forms_of(table, columns)
        for _position, column in form.columns
    ]


def choices(column: Column) -> dict[str, str]:
    """Numbers with their words, the same as in an SPSS file."""
    return {str(number): words.replace("|", "/") for number, words in enumerate(column.codes.values(), start=1)}


def dictionary_rows(content: Content) -> Iterator[Sequence[str]]:
    yield DICTIONARY_HEAD
    yield entry(RECORD, FORM_OF_CLIENTS, CLIENT)
    for table, columns in content.described:
        for form in forms_of(table, columns):
            for _position, column in form.columns:
                yield entry(form.field(column.name), form.name, column)


def entry(name: str, form: str, column: Column) -> Sequence[str]:
    kind, validation = "text", VALIDATION.get(column.kind, "")
    if column.kind == YES_NO:
        kind = "yesno"
    elif column.codes:
        kind, validation = ("checkbox" if column.is_several else "radio"), ""
    known = {
        "Variable / Field Name": name,
        "Form Name": form,
        "Field Type": kind,
        "Field Label": column.words,
        "Choices, Calculations, OR Slider Labels": " | ".join(f"{n}, {words}" for n, words in choices(column).items()),
        "Field Note": f"Empty: {column.empty}" if column.empty else "",
        "Text Validation Type OR Show Slider Number": validation,
        "Identifier?": "y" if column.is_identifying else "",
        "Field Annotation": f"{column.field_class}; from {column.source}",
    }
    return [known.get(head, "") for head in DICTIONARY_HEAD]


def write_redcap(target: IO[bytes], content: Content) -> None:
    """A zip with the dictionary and a file of records for each form. No file has a mark: a mark would be a name's."""
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(member("dictionary.csv", content.moment), as_csv(dictionary_rows(content)))
        for table, columns in content.described:
            for form in forms_of(table, columns):
                records = records_once if form.name == FORM_OF_CLIENTS else records_repeating
                write_records(archive, content, form.name, records(form, content.parts(table.name)))
        for name, rows in content.small:
            if name == "instruments":
                archive.writestr(member(f"{name}.csv", content.moment), as_csv(rows))
        write_text(archive, content)


def write_records(
    archive: zipfile.ZipFile, content: Content, name: str, some: Iterable[Iterable[Sequence[str]]]
) -> None:
    with archive.open(member(f"records_{name}.csv", content.moment), "w", force_zip64=True) as file:
        for rows in some:
            file.write(as_csv(rows))


def records_once(form: Form, parts: Iterable[bytes]) -> Iterator[list[Sequence[str]]]:
    """The head, then the rows of each part: one for a client, however many episodes there are."""
    yield [[RECORD, *form.head, f"{form.name}_complete"]]
    reads = [read for _name, read in form.cells()]
    seen: set[str] = set()
    for part in parts:
        found = {row[form.client]: row for row in rows_of([part]) if row[form.client] not in seen}
        seen.update(found)
        yield [[client, *(read(row) for read in reads), COMPLETE] for client, row in found.items()]


def records_repeating(form: Form, parts: Iterable[bytes]) -> Iterator[list[Sequence[str]]]:
    """The head, then the rows of each part, counted for each client. What grows is one number a client."""
    yield [[RECORD, *REPEATS, *form.head, f"{form.name}_complete"]]
    reads: list[Callable[[Sequence[str]], str]] = [read for _name, read in form.cells()]
    counts: Counter[str] = Counter()
    for part in parts:
        rows: list[Sequence[str]] = []
        for row in rows_of([part]):
            client = row[form.client]
            counts[client] += 1
            rows.append([client, form.name, str(counts[client]), *(read(row) for read in reads), COMPLETE])
        yield rows
