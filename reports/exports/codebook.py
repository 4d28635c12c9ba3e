"""What is in an export, for whoever opens it in two years: columns, codes, instruments and what is missing why."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils.formats import date_format

from accounts.cells import harmless
from clients.models import Episode
from measures import catalogue
from measures.instruments import MISSING_RULES, Edition, Instrument
from measures.models import Rating

from ..models import Export
from . import redcap, spss
from .tables import TABLES, Column, Table

COLUMNS_HEAD = ("file", "column", "holds", "type", "codes", "empty_means", "class", "comes_from")
INSTRUMENTS_HEAD = (
    *("instrument", "name", "edition", "rater", "scale", "items", "items_reversed", "answer_low", "answer_high"),
    *("score_low", "score_high", "scored_as", "higher_is_better", "missing_items"),
)
SCORED_AS = {"sum": "sum of items", "mean": "item mean", "mean_times_10": "item mean times 10"}
PSEUDONYMS = """\
Ids that end in _id are pseudonyms: made with a key that never leaves the service, the same in each of its exports, so
that two files can be joined. Whoever runs the service changes them by changing the site's key. A pseudonym is not
anonymity: days, numbers of sessions and rare events can lead to a person for somebody who knows them. Keep these files
as you keep the record itself."""
NEVER = """\
Never in an export: process notes, notes of sessions, clients' comments, the words about ruptures and repair, e-mail
addresses, ratings that a later one corrected, and clients' ratings that wait for the therapist's own of the session."""
CELLS = """\
Days are written 2026-03-24. 1 is yes and 0 is no. An empty cell is a missing value and never 0; the codebook says what
it means. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
CELLS_OF_SPSS = f"""\
Codes are numbers with labels. Where several codes could be chosen, each has a variable of its own: 1 is chosen, 0 is
not. In numbers and codes {spss.MISSING} stands for a missing value: it is declared as missing, and its label says what
that means. A day or a text that is missing is empty. A text that a spreadsheet would take for a formula begins with an
apostrophe."""

CELLS_OF_REDCAP = """\
Each client is a record, named by the pseudonym; each table is a form that repeats, but for the form "client". In a new
project upload dictionary.csv as its data dictionary; enable repeating instruments in the set-up, for every form but
"client"; import records_client.csv, and then the other files of records, in any order. A long file can be cut between
two rows, with its first line above each piece. A later export goes into a new project, as its instances are counted
anew. Codes are numbers; of several choices each has a column of its own, 1 or 0. An empty cell is a missing value and
never 0. A text that a spreadsheet would take for a formula begins with an apostrophe."""
CELLS_OF_FHIR = """\
definitions.json holds the questionnaires, by the numbers of their items, and the local codes; bundle-0001.json and the
following hold clients, episodes, sessions, answers and scores, each as a FHIR R4B Bundle of type transaction. A server
takes them one after the other, the definitions first. docs/fhir.md says what is where. Ruptures, repair attempts,
signals and goals are not in it: there is no resource for them that others would read; ask for CSV files. An answer that
is missing is absent; a score that is missing says why. A text that a spreadsheet would take for a formula begins with
an apostrophe."""
HOW_IT_READS = {
    Export.Format.SAV: CELLS_OF_SPSS,
    Export.Format.REDCAP: CELLS_OF_REDCAP,
    Export.Format.FHIR: CELLS_OF_FHIR,
}


def columns_in(table: Table, export: Export) -> list[Column]:
    positions = table.columns_of(is_identifying=export.is_identifying, is_own=export.scope == Export.Scope.OWN)
    return [table.columns[position] for position in positions]


def columns_told(table: Table, export: Export) -> list[Column]:
    """The same, as they stand in the file: some formats have numbers for codes."""
    columns = columns_in(table, export)
    if export.format == Export.Format.SAV:
        return spss.told(columns)
    return redcap.told(table, columns) if export.format == Export.Format.REDCAP else columns


def column_rows(export: Export) -> Iterable[tuple[str, ...]]:
    yield COLUMNS_HEAD
    for table in TABLES:
        for column in columns_told(table, export):
            yield (
                *(table.name, column.name, column.words, column.kind),
                "; ".join(f"{code} = {words}" for code, words in column.codes.items()),
                *(column.empty or "never empty", column.field_class, column.source),
            )


def instruments_used(export: Export, episodes: Iterable[Episode]) -> list[tuple[Instrument, Edition]]:
    """The editions that an export's ratings were made with, so far as they are known today."""
    used = Rating.objects.filter(session__episode__in=episodes).values_list("instrument", "rater").distinct()
    known = catalogue.known({code for code, _rater in used})
    return [
        (known[code], known[code].editions[rater])
        for code, rater in sorted(used)
        if code in known and rater in known[code].editions
    ]


def instrument_rows(used: Iterable[tuple[Instrument, Edition]]) -> Iterable[tuple[str, ...]]:
    yield INSTRUMENTS_HEAD
    for instrument, edition in used:
        for scale in edition.scored_scales:
            # Of a measure that is known by its total alone there are no items to name.
            numbers = edition.numbers(scale) if edition.items else ()
            low, high = edition.score_range(scale) if edition.items else (edition.minimum, edition.maximum)
            yield (
                *(harmless(instrument.code), harmless(instrument.name), edition.version, edition.rater, scale),
                " ".join(map(str, numbers)),
                " ".join(str(item) for item in numbers if item in edition.reversed),
                *(f"{edition.minimum:g}", f"{edition.maximum:g}", f"{low:g}", f"{high:g}"),
                *(
                    SCORED_AS[edition.scoring],
                    str(int(edition.is_higher_better(scale))),
                    MISSING_RULES[edition.missing],
                ),
            )


def codebook_text(export: Export, *, rows: Mapping[str, int], made_at: datetime) -> str:
    """The same in words, with who asked for it, what it covers and how much there is."""
    lines = [
        f"Export of {date_format(made_at, 'j F Y, H:i')} from {export.created_by.organisation.name}",
        "",
        f"Asked for by  {export.created_by.name}",
        f"Covers        {export.get_scope_display()}; {period_in_words(export)}",
        f"Identifying   {'yes, for this purpose: ' + export.purpose if export.is_identifying else 'no'}",
        "",
        *(PSEUDONYMS, "", NEVER, "", HOW_IT_READS.get(Export.Format(export.format), CELLS)),
    ]
    for table in () if export.format == Export.Format.FHIR else TABLES:
        lines += ["", f"{table.name}: {rows.get(table.name, 0):,} rows", table.words]
        for column in columns_told(table, export):
            lines.append(f"  {column.name}: {column.words} ({column.kind}, {column.field_class})")
            lines += [f"      {code} = {words}" for code, words in column.codes.items()]
            if column.empty:
                lines.append(f"      empty = {column.empty}")
    return "\n".join(lines)


def period_in_words(export: Export) -> str:
    """Which sessions; an episode is in with its goals when any of its days is."""
    since = date_format(export.since, "j F Y") if export.since else ""
    until = date_format(export.until, "j F Y") if export.until else ""
    if since and until:
        return f"sessions from {since} to {until}"
    if since:
        return f"sessions from {since} on"
    return f"sessions up to {until}" if until else "all sessions"
