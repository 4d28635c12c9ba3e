import uuid
from collections.abc import Mapping
from typing import Any

from django import forms

from .. import scoring
from ..instruments import Edition, instruments
from ..models import COMMENT_LENGTH, EndingView, Rating

PREFIX = "item-"


class RatingForm(forms.Form):
    """One questionnaire. Every item may stay empty; what is no answer of this edition is named beside its item."""

    def __init__(self, data: Any = None, *, edition: Edition, rating: Rating | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.edition = edition
        self.saved: Mapping[str, float | None] = rating.answers if rating else {}
        self.problems: dict[str, str] = {}
        for item in edition.items:
            self.fields[f"{PREFIX}{item.number}"] = forms.CharField(required=False, label=item.text or str(item.number))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        given = {item.number: cleaned.get(f"{PREFIX}{item.number}") or None for item in self.edition.items}
        unknown = [name for name in self.data if name.startswith(PREFIX) and name not in self.fields]
        for name in unknown:
            self.add_error(None, f"There is no item {name.removeprefix(PREFIX)[:20]}.")
        try:
            self.answers = scoring.check_answers(self.edition, given)
        except scoring.AnswerProblem as error:
            for number, problem in error.problems.items():
                self.problems[str(number)] = problem
                self.add_error(f"{PREFIX}{number}", problem)
        return cleaned

    @property
    def is_answered(self) -> bool:
        return any(answer is not None for answer in self.answers.values())

    @property
    def is_emptied(self) -> bool:
        """There is a saved rating, and no line of it is left."""
        return not self.is_answered and any(answer is not None for answer in self.saved.values())

    def items_to_show(self) -> list[dict[str, Any]]:
        """What components/rating_item.html needs, in order. What was typed stays, also when it was refused."""
        shown = []
        for item in self.edition.items:
            name = f"{PREFIX}{item.number}"
            saved = self.saved.get(str(item.number))
            typed = self.data.get(name, "") if self.is_bound else ("" if saved is None else saved)
            shown.append(
                {
                    "item": {
                        "number": item.number,
                        "text": item.text,
                        "low": item.low,
                        "high": item.high,
                        "scale": item.scale,
                    },
                    "name": name,
                    "id": f"id_{name}",
                    "value": typed,
                    "minimum": int(self.edition.minimum),
                    "maximum": int(self.edition.maximum),
                    "step": int(self.edition.step)
                    if self.edition.step == int(self.edition.step)
                    else self.edition.step,
                    "error": self.problems.get(str(item.number), ""),
                }
            )
        return shown


class ClientRatingForm(RatingForm):
    submission = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    comment = forms.CharField(
        required=False,
        max_length=COMMENT_LENGTH,
        label="Anything that should be different next time?",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": f"Please keep it under {COMMENT_LENGTH} characters."},
    )
    do_not_raise = forms.BooleanField(required=False, label="Please don’t raise this yet")
    ending_view = forms.ChoiceField(
        required=False,
        choices=[*EndingView.choices, ("", "no answer")],
        label="How did it end, as you see it?",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, edition: Edition, **kwargs: Any) -> None:
        """Looking back at the end it is asked how it ended, and there is no next time."""
        super().__init__(*args, edition=edition, **kwargs)
        if instruments()[edition.instrument].construct == "satisfaction":
            del self.fields["do_not_raise"]
            self.fields["comment"].label = "Anything you would like to say about how it went, or how it ended?"
        else:
            del self.fields["ending_view"]

    @property
    def words(self) -> dict[str, Any]:
        """What was said beside the answers."""
        return {
            name: self.cleaned_data[name] for name in ("comment", "do_not_raise", "ending_view") if name in self.fields
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        words = cleaned.get("comment", "").strip() or cleaned.get("ending_view")
        if not self.errors and not self.is_answered and not words:
            self.add_error(None, "Nothing is answered yet. Answer at least one question, or write a sentence.")
        return cleaned
