from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from measures.instruments import RATERS, TOTAL, Edition, instruments
from measures.models import OwnMeasure

LONG, WIDE = "long", "wide"
MOST_NEW = 6
SHAPES = [
    (LONG, "One row for each session"),
    (WIDE, "One row for each client, with the sessions side by side"),
]


@dataclass(frozen=True)
class Measure:
    """Something that a file can hold ratings of. `key` names it in addresses and fields; `own` is not shipped."""

    key: str
    name: str
    code: str
    rater: str
    edition: Edition | None = None
    own: OwnMeasure | None = None

    @property
    def is_new(self) -> bool:
        return self.edition is None

    @property
    def items(self) -> int:
        return self.edition.number_of_items if self.edition else 0

    @property
    def scales(self) -> tuple[str, ...]:
        return self.edition.scored_scales if self.edition else (TOTAL,)

    def span(self, scale: str) -> str:
        if self.edition is None:
            return ""
        low, high = self.edition.score_range(scale)
        return f"{low:g} to {high:g}"


def known_measures(own: Iterable[OwnMeasure]) -> list[Measure]:
    """Every edition that is shipped, and what the organisation defined itself."""
    found = [
        Measure(f"{code}_{rater}", f"{instrument.name}, by the {rater}", code, rater, instrument.editions[rater])
        for code, instrument in instruments().items()
        for rater in RATERS
        if rater in instrument.editions
    ]
    for measure in own:
        edition = measure.as_instrument().editions["client"]
        found.append(Measure(f"{measure.code}_client", measure.name, measure.code, "client", edition, measure))
    return found


def new_measures(count: int) -> list[Measure]:
    return [
        Measure(f"new_{n}", f"New measure {n}" if count > 1 else "New measure", "", "client")
        for n in range(1, count + 1)
    ]


class SomeOf(forms.MultipleChoiceField):
    """Asked for, and yet allowed to be empty: the form says when."""

    def validate(self, value: Any) -> None:
        if value:
            super().validate(value)


class ChoosingForm(forms.Form):
    """What a file holds. Sent as an address, so that going back and forth loses nothing."""

    shape = forms.ChoiceField(
        label="What is in a row?",
        choices=SHAPES,
        widget=forms.RadioSelect,
        error_messages={"required": "Say what is in a row."},
    )
    measures = SomeOf(
        label="What was measured, and who rated it?",
        widget=forms.CheckboxSelectMultiple,
        help_text="Choose everything that the file holds answers or scores of.",
    )
    new = forms.TypedChoiceField(
        label="Measures that are not in this list",
        coerce=int,
        empty_value="0",
        required=False,
        choices=[(0, "none"), *((n, n) for n in range(1, MOST_NEW + 1))],
        help_text="You name each on the next page: its range, and whether higher is better. It is known by its total.",
    )

    def __init__(self, *args: Any, known: Sequence[Measure], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = known
        self.fields["measures"].choices = [(one.key, one.name) for one in known]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned.get("measures") and not int(cleaned.get("new") or 0):
            self.add_error("measures", "Choose at least one, or say how many are not in this list.")
        return cleaned

    @property
    def chosen(self) -> list[Measure]:
        keys = set(self.cleaned_data["measures"])
        return [*(one for one in self.known if one.key in keys), *new_measures(int(self.cleaned_data["new"]))]
