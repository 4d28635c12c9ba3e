import re
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField

from accounts.models import User
from measures.catalogue import measure_as_defined
from measures.instruments import TOTAL
from measures.models import OwnMeasure
from reports.mapping import MappingError, mapping_of
from reports.mapping.definition import LAST_SESSION, LONGEST_CLIENT_CODE
from reports.selectors import Column

from .choosing import WIDE, Measure
from .files import TherapistForm

MOST_IN_A_LIST = 150
ORDERS = [
    ("", "Choose the order"),
    ("ymd", "year, month, day (2024-03-05 or 20240305)"),
    ("dmy", "day, month, year (5.3.2024 or 05/03/2024)"),
    ("mdy", "month, day, year (3/5/2024)"),
    ("excel-serial", "Excel’s number of days (45356)"),
]
PHASES = [("before", "before the therapy"), ("therapy", "therapy"), ("follow-up", "follow-up")]
NUMBER = re.compile(r"[+-]?[0-9]{1,12}(?:[.,][0-9]{1,12})?", re.ASCII)
DEFINITION = ("name", "code", "construct", "higher_is_better", "low", "high", "sd", "reliability", "licence")
SCALE_NAMES = {TOTAL: "Total"}


class ColumnField(forms.CharField):
    """One column of the file, chosen from a list; in a file with many, typed with suggestions."""

    def __init__(self, *, columns: Sequence[Column], **kwargs: Any) -> None:
        self.columns = {column.name for column in columns}
        if len(columns) <= MOST_IN_A_LIST:
            choices = [("", "none"), *((column.name, column.described) for column in columns)]
            widget: forms.Widget = forms.Select(choices=choices)
        else:
            widget = forms.TextInput(attrs={"list": "columns", "autocomplete": "off"})
        super().__init__(widget=widget, **{"required": False, **kwargs})

    def clean(self, value: Any) -> str:
        name: str = super().clean(value)
        if name and name not in self.columns:
            raise ValidationError(f"The file has no column “{name[:60]}”. Choose one of its columns.")
        return name


@dataclass
class Row:
    """One column of a wide file: what it holds, and of which session."""

    number: int
    column: Column
    measure: str = ""
    session: str = ""
    phase: str = "therapy"
    label: str = ""
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """The fields of one measure."""

    measure: Measure
    definition: list[BoundField]
    items: list[BoundField]
    scores: list[BoundField]
    takes_scores: BoundField | None
    values: BoundField


class ColumnsForm(TherapistForm):
    code_prefix = forms.CharField(
        required=False,
        max_length=LONGEST_CLIENT_CODE - 1,
        strip=True,
        label="Put before each code",
        help_text="Such as P-, so that these codes differ from those that are here already.",
    )
    missing = forms.CharField(
        required=False,
        max_length=200,
        label="What stands for a missing value",
        help_text="Besides empty cells, with commas between: NA, -99",
    )
    decimal_comma = forms.BooleanField(required=False, label="Decimals have a comma, as in 3,5")

    def __init__(
        self, *args: Any, shape: str, measures: Sequence[Measure], columns: Sequence[Column], by: User, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.shape, self.columns, self.by = shape, columns, by
        self.mapping: dict[str, Any] = {}
        self.has_many_columns = len(columns) > MOST_IN_A_LIST
        self.fields["client"] = self.column(
            label="Client’s code", required=True, error_messages={"required": "Choose the column of the client’s code."}
        )
        self.fields["therapist_column"] = self.column(
            label="Therapist’s e-mail address", help_text="Where the file says it for each client."
        )
        if shape != WIDE:
            self.fields["number"] = self.column(
                label="Session’s number", help_text="Counted from 1 within each client; 0 is before the therapy."
            )
            self.fields["date"] = self.column(label="Session’s date")
            self.fields["order"] = forms.ChoiceField(
                required=False,
                choices=ORDERS,
                label="Order of the date",
                help_text="Dates that Excel itself knows as dates are read as they are.",
            )
        self.measures = [self.named(one) for one in measures]
        for measure in self.measures:
            self.add_measure(measure)
        self.rows = self.wide_rows() if shape == WIDE else []

    def column(self, **kwargs: Any) -> ColumnField:
        return ColumnField(columns=self.columns, **kwargs)

    def named(self, measure: Measure) -> Measure:
        """A new measure under the name that it has by now."""
        given = self.data if self.is_bound else self.initial
        name = str(given.get(f"{measure.key}-name", "")).strip() if measure.is_new else ""
        return replace(measure, name=name[:80]) if name else measure

    def add_measure(self, measure: Measure) -> None:
        key = measure.key
        if measure.is_new:
            self.add_definition(key)
        if self.shape != WIDE:
            for number in range(1, measure.items + 1):
                item = measure.edition.item(number) if measure.edition else None
                self.fields[f"{key}-item-{number}"] = self.column(
                    label=f"Item {number}", help_text=(item.text or "") if item else ""
                )
            for scale in measure.scales:
                self.fields[f"{key}-score-{scale}"] = self.column(
                    label=SCALE_NAMES.get(scale, scale.capitalize()), help_text=measure.span(scale)
                )
            if measure.items:
                self.fields[f"{key}-takes_scores"] = forms.BooleanField(
                    required=False, label="In rows without answers, take the scores as they are"
                )
        self.fields[f"{key}-values"] = forms.CharField(
            required=False,
            label="Words that stand for numbers",
            help_text="One on each line, such as: never = 1",
            widget=forms.Textarea(attrs={"rows": 3}),
        )

    def add_definition(self, key: str) -> None:
        """A measure that is not here yet."""
        number = {"required": "Enter a number.", "invalid": "Enter a number."}
        self.fields |= {
            f"{key}-name": forms.CharField(
                max_length=80, label="Name", error_messages={"required": "Enter the measure’s name."}
            ),
            f"{key}-code": forms.CharField(
                max_length=40,
                label="Short name",
                help_text="For files: lower-case letters, digits and hyphens, such as phq-9.",
                error_messages={"required": "Enter a short name."},
            ),
            f"{key}-construct": forms.ChoiceField(
                choices=[("", "Choose"), ("outcome", "how the client is (outcome)"), ("alliance", "the alliance")],
                label="What it measures",
                error_messages={"required": "Say what it measures."},
            ),
            f"{key}-higher_is_better": forms.ChoiceField(
                choices=[("", "Choose"), ("yes", "Higher is better"), ("no", "Lower is better")],
                label="Direction",
                error_messages={"required": "Say which direction is better."},
            ),
            f"{key}-low": forms.FloatField(label="Lowest possible total", error_messages=number),
            f"{key}-high": forms.FloatField(label="Highest possible total", error_messages=number),
            f"{key}-sd": forms.FloatField(
                required=False,
                label="Standard deviation",
                help_text="Of the total, if it is known.",
                error_messages=number,
            ),
            f"{key}-reliability": forms.FloatField(
                required=False, label="Reliability", help_text="Between 0 and 1, if it is known.", error_messages=number
            ),
            f"{key}-licence": forms.CharField(
                max_length=400,
                label="Source and licence",
                help_text="Where the measure comes from, and that your service may use it.",
                widget=forms.Textarea(attrs={"rows": 2}),
                error_messages={"required": "Say where it comes from."},
            ),
        }

    # --- For the page

    @property
    def sections(self) -> list[Section]:
        found = []
        for measure in self.measures:
            key = measure.key
            found.append(
                Section(
                    measure,
                    [self[name] for name in (f"{key}-{part}" for part in DEFINITION) if name in self.fields],
                    [self[f"{key}-item-{n}"] for n in range(1, measure.items + 1)] if self.shape != WIDE else [],
                    [self[f"{key}-score-{scale}"] for scale in measure.scales] if self.shape != WIDE else [],
                    self[f"{key}-takes_scores"] if f"{key}-takes_scores" in self.fields else None,
                    self[f"{key}-values"],
                )
            )
        return found

    @property
    def holds(self) -> list[tuple[str, str]]:
        """What a column of a wide file can hold."""
        return [
            (f"{one.key}|{scale}", one.name if len(one.scales) == 1 else f"{one.name}: {scale}")
            for one in self.measures
            for scale in one.scales
        ]

    @property
    def phases(self) -> list[tuple[str, str]]:
        return PHASES

    def wide_rows(self) -> list[Row]:
        given: ReadOnly[str, Any] = self.data if self.is_bound else self.initial

        def said(number: int, part: str, default: str = "") -> str:
            return str(given.get(f"c{number}-{part}", default))

        return [
            Row(n, column, said(n, "measure"), said(n, "session"), said(n, "phase", "therapy"), said(n, "label"))
            for n, column in enumerate(self.columns)
        ]

    # --- What it says

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.shape == WIDE:
            self.clean_rows()
        else:
            self.clean_sessions(cleaned)
        if self.shape == WIDE and not cleaned.get("start_date") and "start_date" not in self.errors:
            self.add_error("start_date", "Enter the first day: this file has no dates.")
        new = [self.definition(one, cleaned) for one in self.measures if one.is_new or one.own]
        if self.errors:
            return cleaned
        self.mapping = self.said(cleaned, [one for one in new if one])
        try:
            mapping_of(self.mapping)
        except MappingError as error:
            for key, mistake in error.mistakes.items():
                self.add_error(self.field_of(key), f"{mistake[:1].upper()}{mistake[1:]}.")
        return cleaned

    def clean_sessions(self, cleaned: dict[str, Any]) -> None:
        number, date = cleaned.get("number"), cleaned.get("date")
        if not number and not date and not {"number", "date"} & set(self.errors):
            self.add_error("number", "Choose the column of the session’s number, of its date, or both.")
        if date and not cleaned.get("order") and "order" not in self.errors:
            self.add_error("order", "Choose the order: 3/5/2024 is read as March or as May.")
        if number and not date and not cleaned.get("start_date") and "start_date" not in self.errors:
            self.add_error("start_date", "Enter the first day, or choose the column of the session’s date.")
        for measure in self.measures:
            items = [f"{measure.key}-item-{n}" for n in range(1, measure.items + 1)]
            filled = [name for name in items if cleaned.get(name)]
            scores = [name for name in cleaned if name.startswith(f"{measure.key}-score-") and cleaned[name]]
            if not filled and not scores and not self.errors:
                first = items[0] if items else f"{measure.key}-score-{TOTAL}"
                self.add_error(first, f"Choose the columns of {measure.name}, or leave the measure out.")
            elif filled and len(filled) < len(items):
                for name in set(items) - set(filled) - set(self.errors):
                    self.add_error(name, "Choose the column of this item too.")

    def clean_rows(self) -> None:
        known = {value for value, _label in self.holds}
        taken: dict[tuple[str, str], str] = {}
        for row in self.rows:
            if not row.measure:
                continue
            if row.measure not in known or row.phase not in dict(PHASES):
                row.errors.append("Choose from the lists.")
            elif not re.fullmatch(r"[0-9]{1,5}", row.session.strip(), re.ASCII) or int(row.session) > LAST_SESSION:
                row.errors.append("Enter the session’s number, 0 for before the therapy.")
            elif len(row.label) > 20:
                row.errors.append("Use at most 20 characters for the label.")
            elif other := taken.get((row.measure, str(int(row.session)))):
                row.errors.append(f"“{other}” is session {int(row.session)} of this measure already.")
            else:
                taken[row.measure, str(int(row.session))] = row.column.name
        for row in [row for row in self.rows if row.errors][:20]:
            self.add_error(None, f"{row.column.name}: {row.errors[0]}")
        if not taken and not any(row.errors for row in self.rows):
            self.add_error(None, "Say of at least one column which measure it holds.")

    def definition(self, measure: Measure, cleaned: dict[str, Any]) -> dict[str, Any] | None:
        """The measure as a mapping defines it; one that is here keeps its definition."""
        if measure.own is not None:
            return definition_of(measure.own)
        values: dict[str, Any] = {part: cleaned.get(f"{measure.key}-{part}") for part in DEFINITION}
        if any(f"{measure.key}-{part}" in self.errors for part in DEFINITION):
            return None
        values["higher_is_better"] = values["higher_is_better"] == "yes"
        try:
            measure_as_defined(**values, by=self.by)
        except ValidationError as error:
            problems = error.message_dict if hasattr(error, "error_dict") else {"code": error.messages}
            for part, messages in problems.items():
                self.add_error(f"{measure.key}-{part if part in DEFINITION else 'code'}", messages)
            return None
        return {part: value for part, value in values.items() if value is not None}

    def values_of(self, measure: Measure, cleaned: dict[str, Any]) -> dict[str, float]:
        found: dict[str, float] = {}
        for line in cleaned.get(f"{measure.key}-values", "").splitlines():
            if line.strip():
                word, _sign, number = (part.strip() for part in line.rpartition("="))
                if not word or not NUMBER.fullmatch(number):
                    self.add_error(f"{measure.key}-values", f"“{line.strip()[:40]}” is not a word = a number.")
                else:
                    found[word] = float(number.replace(",", "."))
        return found

    def said(self, cleaned: dict[str, Any], own: list[dict[str, Any]]) -> dict[str, Any]:
        """The mapping as a plain dict."""
        mapping: dict[str, Any] = {"client": {"column": cleaned["client"]}}
        if cleaned["code_prefix"]:
            mapping["client"]["prefix"] = cleaned["code_prefix"]
        if cleaned["therapist_column"]:
            mapping["therapist"] = {"column": cleaned["therapist_column"]}
        if missing := [code.strip() for code in cleaned["missing"].split(",") if code.strip()]:
            mapping["missing"] = missing
        if cleaned["decimal_comma"]:
            mapping["decimal_comma"] = True
        if own:
            mapping["measure"] = own
        if self.shape == WIDE:
            mapping["series"] = [one for measure in self.measures for one in self.series_of(measure, cleaned)]
            return mapping
        session = {"number": cleaned["number"], "date": cleaned["date"]}
        mapping["session"] = {name: column for name, column in session.items() if column}
        if cleaned["date"]:
            mapping["session"]["order"] = cleaned["order"]
        mapping["rating"] = [self.rating_of(measure, cleaned) for measure in self.measures]
        return mapping

    def code_of(self, measure: Measure, cleaned: dict[str, Any]) -> str:
        return measure.code or cleaned[f"{measure.key}-code"]

    def rating_of(self, measure: Measure, cleaned: dict[str, Any]) -> dict[str, Any]:
        items = [cleaned[f"{measure.key}-item-{n}"] for n in range(1, measure.items + 1)]
        scores = {scale: cleaned[f"{measure.key}-score-{scale}"] for scale in measure.scales}
        scores = {scale: column for scale, column in scores.items() if column}
        has_items = any(items)
        rating: dict[str, Any] = {"instrument": self.code_of(measure, cleaned), "rater": measure.rater}
        if has_items:
            rating["items"] = items
        if scores:
            takes = not has_items or cleaned.get(f"{measure.key}-takes_scores")
            rating["totals" if takes else "expect"] = scores
        if values := self.values_of(measure, cleaned):
            rating["values"] = values
        return rating

    def series_of(self, measure: Measure, cleaned: dict[str, Any]) -> list[dict[str, Any]]:
        values = self.values_of(measure, cleaned)
        found = []
        for scale in measure.scales:
            rows = [row for row in self.rows if row.measure == f"{measure.key}|{scale}"]
            if rows:
                found.append(
                    {
                        "instrument": self.code_of(measure, cleaned),
                        "rater": measure.rater,
                        "scale": scale,
                        "columns": [point_of(row) for row in rows],
                        **({"values": values} if values else {}),
                    }
                )
        return found

    def field_of(self, key: str) -> str | None:
        """The field that a key of the mapping comes from; None for what belongs to no single one."""
        plain = {
            "client.column": "client",
            "client.prefix": "code_prefix",
            "session": "number",
            "session.number": "number",
            "session.date": "date",
            "session.order": "order",
            "therapist.column": "therapist_column",
        }
        if key.startswith("missing"):
            return "missing"
        if match := re.match(r"rating\[(\d+)\]\.(\w+)", key):
            measure = self.measures[int(match[1]) - 1]
            if match[2] == "values":
                return f"{measure.key}-values"
            if match[2] in {"items", "totals", "expect"}:
                return f"{measure.key}-item-1" if measure.items and match[2] == "items" else None
        if match := re.match(r"measure\[(\d+)\]\.(\w+)", key):
            measure = [one for one in self.measures if one.is_new or one.own][int(match[1]) - 1]
            return f"{measure.key}-{match[2]}" if measure.is_new and match[2] in DEFINITION else None
        name = plain.get(key)
        return name if name in self.fields else None


def definition_of(own: OwnMeasure) -> dict[str, Any]:
    values = {part: getattr(own, part) for part in DEFINITION}
    return {part: value for part, value in values.items() if value is not None}


def point_of(row: Row) -> dict[str, Any]:
    point: dict[str, Any] = {"column": row.column.name, "session": int(row.session), "phase": row.phase}
    if row.label.strip():
        point["label"] = row.label.strip()
    return point
