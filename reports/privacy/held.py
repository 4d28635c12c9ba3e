"""Everything that is held about one client, as their therapist hands it to them: tables, a summary in plain words, the
ratings as a file that can be imported, and what is not in it with the reason.

Tables and columns are those of `accounts.classification`: what is about the client is in the pack, unless it is
withheld, which the pack then says. And it holds no more than its therapist may see: the rest is counted.
"""

import json
import uuid
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import IO, Any

from django.db.models import Field, Model, Q, QuerySet
from django.template.loader import render_to_string

from accounts.cells import harmless
from accounts.classification import ABOUT, FIELDS, WITHHELD
from accounts.encryption import EncryptionProblem
from accounts.models import User
from clients.models import Client, Episode
from measures import catalogue
from measures.instruments import instruments
from measures.models import Rating, Score
from ruptures.models import Rupture
from sessions_app.models import Phase, ProcessNote, TherapySession

from ..exports.files import Parts, as_csv, member
from ..mapping import template_mapping, toml_of
from ..mapping.templates import CLIENT, DATE, SESSION, item_names, score_names
from ..models import Export
from . import about

NOTES = "sessions_app.ProcessNote"
EVERYWHERE = {"organisation": "the service, the same in every row"}
# Why rows are not in a pack, though they are about the client.
SEALED = (
    "They wait until the therapist has rated the same session, or has asked to see them without: "
    "a new pack will hold them then."
)
OTHERS = "Recorded in an episode that this therapist may not read: its therapist makes a pack of it."
OF_SUPERVISION = "Between another therapist and a supervisor: these two can hand it out."
NOT_TICKED = "Process notes are their author’s own, who did not put them into this pack."
OF_ANOTHER = "Written by somebody else, who alone reads it."
# What may speak of the client and is held in no table about them.
BESIDES = (
    (
        "Notes of supervision meetings",
        "They are a supervisor’s, and may speak of several people. Ask the service for what concerns you.",
    ),
    (
        "The record of who opened or changed what, and when",
        "It names those who work here and holds nothing of the content. Ask the service for it.",
    ),
    (
        "Numbers about all clients together",
        "Nobody can be told apart in them.",
    ),
    ("Backups of the database", "Copies of what is in this pack, until they expire."),
)


def tables() -> list[str]:
    """From the head of the record down."""
    return list(reversed(about.order()))


def columns(label: str) -> list["Field[Any, Any]"]:
    left_out = {name.rpartition(".")[2] for name in WITHHELD if name.rpartition(".")[0] == label} | set(EVERYWHERE)
    return [one for one in about.model_of(label)._meta.concrete_fields if one.name not in left_out]


@dataclass
class Reader:
    """Reads what one person may hand out of one client. Moments are those of the organisation's time zone."""

    export: Export
    client: Client = field(init=False)
    user: User = field(init=False)

    def __post_init__(self) -> None:
        assert self.export.client is not None
        self.client, self.user = self.export.client, self.export.created_by
        self.zone = self.user.organisation.zone
        visible = Episode.objects.visible_to(self.user).filter(client=self.client)
        self.episodes = list(visible.select_related("therapist").order_by("started_on", "created_at"))
        self.sealed = list(
            Rating.objects.filter(session__episode__client=self.client).sealed().values_list("pk", flat=True)
        )
        self.names = dict(User.objects.values_list("pk", "name"))

    def found(self, label: str) -> QuerySet[Any]:
        """The rows about the client that this person may hand out."""
        rows = about.rows_about(label, self.client.pk)
        to_episode = [path.removesuffix("client").removesuffix("__") for path in ABOUT[label] if "episode__" in path]
        if label == "clients.Episode":
            rows = rows.filter(pk__in=[one.pk for one in self.episodes])
        elif to_episode:
            mine = [one.pk for one in self.episodes]
            rows = rows.filter(reduce(or_, (Q(**{f"{path}__in": mine}) for path in to_episode)))
        if label == "measures.Rating":
            rows = rows.exclude(pk__in=self.sealed)
        elif any(path.startswith("rating__") for path in ABOUT[label]) and label != "measures.RiskAnswer":
            rows = rows.exclude(rating__in=self.sealed)
        elif label == NOTES:
            rows = rows.filter(author=self.user) if self.export.with_process_notes else rows.none()
        elif label == "sessions_app.LogDraft":
            rows = rows.filter(saved_by=self.user)
        elif label.startswith("supervision."):
            rows = rows.filter(pk__in=about.model_of(label).objects.visible_to(self.user).values("pk"))
        elif label in ("reports.Export", "reports.ExportPart"):
            rows = rows.exclude(**{"pk" if label == "reports.Export" else "export": self.export.pk})
        names = [one.name for one in about.model_of(label)._meta.concrete_fields]
        return rows.order_by(*[name for name in ("created_at", "number", "pk") if name in names or name == "pk"])

    def rows(self, label: str) -> list[list[Any]]:
        fields = columns(label)
        left_out = {one.name for one in about.model_of(label)._meta.concrete_fields} - {one.name for one in fields}
        found = self.found(label).defer(*left_out)
        return [[self.cell(row, one) for one in fields] for row in found]

    def cell(self, row: Model, column: "Field[Any, Any]") -> Any:
        try:
            value = getattr(row, column.attname)
        except EncryptionProblem as problem:
            return f"[closed: {problem.advice}]"
        if column.related_model is User:
            return harmless(self.names.get(value, ""))
        return self.plain(value)

    def plain(self, value: Any) -> Any:
        """As it stands in a cell; a missing value is an empty one."""
        if value is None or isinstance(value, int | float):
            return int(value) if isinstance(value, bool) else value
        if isinstance(value, datetime):
            return value.astimezone(self.zone).isoformat(timespec="seconds")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, dict | list):
            return harmless(json.dumps(value, ensure_ascii=False, default=str))
        return harmless(str(value))

    # --- What is not in it

    def withheld_rows(self, rows: dict[str, int]) -> list[tuple[str, int, str]]:
        """Of each table the rows that are not in the pack, and why. `rows` are those that are."""
        there = about.counts(self.client.pk)
        if "reports.Export" in there:
            there["reports.Export"] -= 1
        return [
            (label, number, self.reason(label))
            for label in tables()
            if label != "reports.ExportPart" and (number := there.get(label, 0) - rows.get(label, 0)) > 0
        ]

    def reason(self, label: str) -> str:
        if label == NOTES:
            return NOT_TICKED if not self.export.with_process_notes else OF_ANOTHER
        if label.startswith("supervision."):
            return OF_SUPERVISION
        if label == "sessions_app.LogDraft":
            return OF_ANOTHER
        is_sealed = label == "measures.Rating" or any(path.startswith("rating__") for path in ABOUT[label])
        all_mine = not Episode.objects.filter(client=self.client).exclude(pk__in=[one.pk for one in self.episodes])
        if is_sealed and self.sealed:
            return SEALED if all_mine else f"{SEALED} Or: {OTHERS}"
        return OTHERS


def withheld_columns() -> list[tuple[str, str, str]]:
    """Table, column and why."""
    named = ((*name.rpartition("."), why) for name, why in WITHHELD.items())
    return [
        *((table, column, why) for table, _dot, column, why in named),
        *(("every table", name, why) for name, why in EVERYWHERE.items()),
    ]


def packed(rows: Sequence[Sequence[Any]]) -> bytes:
    return zlib.compress(as_csv(rows), level=6)


# --- The file ------------------------------------------------------------------------------------------------


def write_pack(export: Export, target: IO[bytes], *, made_at: datetime, parts: Parts) -> None:
    reader = Reader(export)
    moment = (made_at.year, made_at.month, made_at.day, made_at.hour, made_at.minute, made_at.second)
    withheld = reader.withheld_rows(export.rows)
    with zipfile.ZipFile(target, "w") as archive:

        def add(name: str, content: bytes) -> None:
            archive.writestr(member(name, moment), content)

        add("read-me-first.html", summary(reader, withheld, made_at).encode())
        for label in tables():
            if export.rows.get(label):
                names = as_csv([[one.name for one in columns(label)]])
                add(f"data/{label}.csv", names + b"".join(zlib.decompress(part) for part in parts(label)))
        add("columns.csv", as_csv([("table", "column", "class"), *column_rows()]))
        add("not-in-this-pack.csv", as_csv([("table", "column", "rows", "why"), *not_in(withheld)]))
        for number, episode in enumerate(reader.episodes, start=1):
            file = ratings_to_import(reader, episode)
            if file:
                head, text = file
                add(f"ratings-to-import-{number}.csv", text)
                mapping = template_mapping(head, instruments())
                add(f"ratings-to-import-{number}.toml", toml_of({"name": "From a pack", **(mapping or {})}).encode())


def column_rows() -> list[tuple[str, str, str]]:
    return [(label, one.name, FIELDS[label][one.name]) for label in tables() for one in columns(label)]


def not_in(withheld: list[tuple[str, int, str]]) -> list[tuple[Any, ...]]:
    return [
        *((table, column, "", why) for table, column, why in withheld_columns()),
        *((label, "", number, why) for label, number, why in withheld),
        *((what, "", "", why) for what, why in BESIDES),
    ]


def ratings_to_import(reader: Reader, episode: Episode) -> tuple[list[str], bytes] | None:
    """The head and the text of a file as the import's own templates are: a row for each session.

    Of the therapy and before it; a follow-up, a measure of the service's own and an answer that was corrected since
    stand in the tables only.
    """
    sessions = TherapySession.objects.filter(episode=episode).exclude(phase=Phase.FOLLOW_UP).order_by("number")
    found = Rating.objects.current().filter(session__in=sessions).exclude(pk__in=reader.sealed)
    by_session: dict[uuid.UUID, dict[str, Any]] = {}
    names: dict[str, None] = {}
    totals: dict[uuid.UUID, dict[str, float | None]] = {}
    for pk, scale, value in Score.objects.filter(rating__in=found, value__isnull=False).values_list(
        "rating", "scale", "value"
    ):
        totals.setdefault(pk, {})[scale] = value
    shipped = instruments()
    for rating in found.order_by("instrument", "rater"):
        edition = shipped[rating.instrument].editions.get(rating.rater) if rating.instrument in shipped else None
        if edition is None or edition.version != rating.edition_version:
            continue
        if rating.answers:
            cells = dict(
                zip(item_names(edition), (rating.answers.get(str(item.number)) for item in edition.items), strict=True)
            )
        else:
            cells = {name: totals.get(rating.pk, {}).get(scale) for scale, name in score_names(edition).items()}
        names |= dict.fromkeys(cells)
        by_session.setdefault(rating.session_id, {}).update(cells)
    if not by_session:
        return None
    head = [CLIENT, SESSION, DATE, *names]
    code = harmless(reader.client.code)
    rows = [
        [code, one.number, one.held_on.isoformat(), *map(by_session[one.pk].get, names)]
        for one in sessions
        if one.pk in by_session
    ]
    return head, as_csv([head, *rows])


# --- In plain words ------------------------------------------------------------------------------------------


def summary(reader: Reader, withheld: list[tuple[str, int, str]], made_at: datetime) -> str:
    """A page that opens in any browser, for the client: what is held, in words, and where the rest is."""
    notes = list(reader.found(NOTES)) if reader.export.with_process_notes else []
    context = {
        "client": reader.client,
        "service": reader.user.organisation,
        "therapist": reader.user,
        "made_at": made_at,
        "episodes": [of_episode(reader, episode) for episode in reader.episodes],
        "notes": [(note.created_at.astimezone(reader.zone).date(), opened(note)) for note in notes],
        "kinds": about.in_words({label: number for label, number in reader.export.rows.items() if number}),
        "withheld": [(about.WORDS[label][number != 1], number, why) for label, number, why in withheld],
        "columns": withheld_columns(),
        "besides": BESIDES,
    }
    return render_to_string("reports/pack_summary.html", context)


def opened(note: ProcessNote) -> str:
    try:
        return str(note.text)
    except EncryptionProblem as problem:
        return f"[closed: {problem.advice}]"


def of_episode(reader: Reader, episode: Episode) -> dict[str, Any]:
    sessions = list(TherapySession.objects.filter(episode=episode).order_by("number"))
    ratings = (
        Rating.objects.current()
        .filter(session__in=sessions)
        .exclude(pk__in=reader.sealed)
        .select_related("session")
        .prefetch_related("scores")
        .order_by("session__number", "rater", "instrument")
    )
    known = catalogue.known({rating.instrument for rating in ratings})
    ruptures = Rupture.objects.filter(session__in=sessions).select_related("session").prefetch_related("attempts")
    return {
        "episode": episode,
        "sessions": sessions,
        "goals": list(episode.goals.order_by("created_at")),
        "tasks": list(episode.tasks.order_by("created_at")),
        "ratings": [
            {
                "rating": rating,
                "instrument": known[rating.instrument].name if rating.instrument in known else rating.instrument,
                "scores": [(score.scale, score.value, score.reason) for score in rating.scores.all()],
            }
            for rating in ratings
        ],
        "ruptures": list(ruptures.order_by("session__number", "created_at")),
        "expectations": getattr(episode, "expectations", None),
        "needs": getattr(episode, "needs", None),
    }
