from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm

from .. import scoring
from ..instruments import RATERS, TOTAL, Edition, Instrument
from ..instruments.explanation import scale_name
from ..models import Rating
from ..totals import check_totals
from . import PREFIX
from .service import measure_choices

TOTALS = "total-"


def paper_choices(on: Mapping[str, Instrument]) -> list[tuple[str, str]]:
    """What can be entered from paper: everything that is on, by whoever rates with it."""
    return measure_choices(on, RATERS)


class PaperForm(SubmissionForm):
    """A rating from paper: a number for each item, or the totals alone."""

    measure = forms.CharField(widget=forms.HiddenInput)
    filled_in_on = forms.DateField(label="Filled in on", widget=DateInput(), error_messages=DATE_ERRORS)

    def __init__(self, data: Any = None, *, edition: Edition, rating: Rating | None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.edition = edition
        low, high, step = edition.minimum, edition.maximum, edition.step
        span = f"{low:g} to {high:g}" + ("" if step == 1 else f" in steps of {step:g}")
        self.span = span
        saved: Mapping[str, float | None] = rating.answers if rating else {}
        for item in edition.items:
            number = str(item.number)
            self.fields[f"{PREFIX}{number}"] = entry_field(item.text or number, saved.get(number))
        scores = {score.scale: score.value for score in rating.scores.all()} if rating and not rating.answers else {}
        for scale in edition.scored_scales:
            words = "Total" if scale == TOTAL else scale_name(scale).capitalize()
            least, most = edition.score_range(scale)
            field = entry_field(f"{words}, {least:g} to {most:g}", scores.get(scale))
            self.fields[f"{TOTALS}{scale}"] = field

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.answers: dict[int, float | None] = {}
        self.totals: dict[str, object] = {}
        given = {item.number: cleaned.get(f"{PREFIX}{item.number}") or None for item in self.edition.items}
        try:
            if given:
                self.answers = scoring.check_answers(self.edition, given)
        except scoring.AnswerProblem as error:
            for number, problem in error.problems.items():
                self.add_error(f"{PREFIX}{number}", problem)
        try:
            totals = {scale: cleaned.get(f"{TOTALS}{scale}") for scale in self.edition.scored_scales}
            self.totals = dict(check_totals(self.edition, totals))
        except scoring.AnswerProblem as error:
            for scale, problem in error.problems.items():
                self.add_error(f"{TOTALS}{scale}", problem)
        is_answered = any(answer is not None for answer in self.answers.values())
        if not self.errors and is_answered == bool(self.totals):
            raise ValidationError(
                "Give either the answers or the totals, not both." if is_answered else "Nothing is entered yet."
            )
        return cleaned

    def item_fields(self) -> list[forms.BoundField]:
        return [self[f"{PREFIX}{item.number}"] for item in self.edition.items]

    def total_fields(self) -> list[forms.BoundField]:
        return [self[f"{TOTALS}{scale}"] for scale in self.edition.scored_scales]


def entry_field(label: str, saved: float | None) -> forms.CharField:
    attributes = {"inputmode": "decimal", "autocomplete": "off", "class": "input--number"}
    return forms.CharField(
        required=False,
        label=label,
        initial=None if saved is None else f"{saved:g}",
        widget=forms.TextInput(attrs=attributes),
    )
