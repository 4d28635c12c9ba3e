import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy, ngettext

from .. import catalogue, scoring, wordings
from ..instruments import Edition, Instrument, instruments
from ..models import COMMENT_LENGTH, EndingView, Rating
from ..selectors import ENDING

PREFIX = "item-"
# Our estimate of how long a client takes for one question, in seconds: the six of the check-in in under a minute.
PACE = 7


class RatingForm(forms.Form):
    """One questionnaire. Every item may stay empty; what is no answer of this edition is named beside its item."""

    def __init__(self, data: Any = None, *, edition: Edition, rating: Rating | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.edition = edition
        self.instrument: Instrument | None = None
        self.saved: Mapping[str, float | None] = rating.answers if rating else {}
        self.problems: dict[str, str] = {}
        for item in edition.items:
            self.fields[f"{PREFIX}{item.number}"] = forms.CharField(required=False, label=item.text or str(item.number))

    @property
    def field_name(self) -> str:
        """What the names of all answers on this form begin with."""
        return self.add_prefix(PREFIX)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        given = {item.number: cleaned.get(f"{PREFIX}{item.number}") or None for item in self.edition.items}
        given_names = [name.removeprefix(self.field_name) for name in self.data if name.startswith(self.field_name)]
        for number in given_names:
            if f"{PREFIX}{number}" not in self.fields:
                self.add_error(None, gettext("There is no item %(number)s.") % {"number": number[:20]})
        try:
            self.answers = scoring.check_answers(self.edition, given)
        except scoring.AnswerProblem as error:
            for item, problem in error.problems.items():
                self.problems[str(item)] = self.in_words(problem)
                self.add_error(f"{PREFIX}{item}", self.problems[str(item)])
        return cleaned

    def in_words(self, problem: str) -> str:
        return problem

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
            name = f"{self.field_name}{item.number}"
            saved = self.saved.get(str(item.number))
            typed = self.data if self.is_bound else self.initial
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
                    "value": typed.get(name, "" if saved is None or self.is_bound else saved),
                    "minimum": int(self.edition.minimum),
                    "maximum": int(self.edition.maximum),
                    "step": int(self.edition.step)
                    if self.edition.step == int(self.edition.step)
                    else self.edition.step,
                    "error": self.problems.get(str(item.number), ""),
                }
            )
        return shown


class OwnRatings:
    """What a therapist rates on the form of one session: one form for each instrument, the first without a prefix.

    The page says by `own` what it holds, as the battery may have changed while it was open.
    """

    def __init__(self, data: Any = None, *, codes: Sequence[str], saved: Mapping[str, Rating] | None = None) -> None:
        held = dict(parts_of(value) for value in data.getlist("own")) if data else {}
        if not any(is_for_therapists(code) for code in held):
            held = dict.fromkeys(codes)
        rated_here = set(own_choices())
        # Of the page that was sent: what has been switched off since is left out, and nothing takes its place.
        self.left_out = [code for code in held if code not in rated_here]
        self.wording_ids = {code: wording for code, wording in held.items() if code in rated_here}
        self.forms = [
            RatingForm(
                data,
                edition=wordings.therapist_edition(code),
                rating=(saved or {}).get(code),
                prefix=code if place else None,
            )
            for place, code in enumerate(held)
            if code in rated_here
        ]
        known = catalogue.known(self.wording_ids)
        for form in self.forms:
            form.instrument = known[form.edition.instrument]

    def __iter__(self) -> Iterator[Any]:
        return (field for form in self.forms for field in form)

    def is_valid(self) -> bool:
        valid = [form.is_valid() for form in self.forms]  # each is asked: no mistake hides another
        return all(valid)

    @property
    def errors(self) -> list[Any]:
        return [form.errors for form in self.forms if form.errors]

    @property
    def problems(self) -> dict[str, str]:
        return {form.add_prefix(item): words for form in self.forms for item, words in form.problems.items()}

    @property
    def non_field_errors(self) -> list[Any]:
        return [error for form in self.forms for error in form.non_field_errors()]


def parts_of(value: str) -> tuple[str, uuid.UUID | None]:
    """ "wai-srt:<id of its words>" as the instrument and the words."""
    code, _, wording = value.partition(":")
    try:
        return code, uuid.UUID(wording)
    except ValueError:
        return code, None


def is_for_therapists(code: str) -> bool:
    instrument = instruments().get(code)
    return instrument is not None and "therapist" in instrument.editions


def own_choices() -> list[str]:
    """Every instrument a therapist may rate with here; what a service defined itself is rated by clients."""
    on = catalogue.those_on(instruments())
    return [code for code, instrument in on.items() if "therapist" in instrument.editions]


class ClientRatingForm(RatingForm):
    """What a client sees of it, in the language that is active. `paused` says that the time taken tells nothing."""

    submission = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid.uuid4,
        error_messages=dict.fromkeys(
            ("required", "invalid"), gettext_lazy("This page arrived incomplete. Please send it again.")
        ),
    )
    paused = forms.BooleanField(required=False, widget=forms.HiddenInput)
    # Which of the service's own words stood on the page.
    wording = forms.UUIDField(widget=forms.HiddenInput, required=False)
    comment = forms.CharField(
        required=False,
        max_length=COMMENT_LENGTH,
        label=gettext_lazy("Anything that should be different next time?"),
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        error_messages={"max_length": gettext_lazy("Please keep it under %(limit_value)d characters.")},
    )
    do_not_raise = forms.BooleanField(required=False, label=gettext_lazy("Please don’t raise this yet"))
    ending_view = forms.ChoiceField(
        required=False,
        choices=[*EndingView.choices, ("", gettext_lazy("no answer"))],
        label=gettext_lazy("How did it end, as you see it?"),
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, edition: Edition, **kwargs: Any) -> None:
        """Looking back at the end it is asked how it ended, and there is no next time."""
        super().__init__(*args, edition=edition, **kwargs)
        if edition.instrument == ENDING:
            del self.fields["do_not_raise"]
            about_the_ending = gettext_lazy("Anything you would like to say about how it went, or how it ended?")
            self.fields["comment"].label = about_the_ending
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
            nothing = gettext("Nothing is answered yet. Answer at least one question, or write a sentence.")
            self.add_error(None, nothing)
        return cleaned

    def in_words(self, problem: str) -> str:
        """Where a client can't choose it but only force it, one sentence says what an answer is."""
        edition = self.edition
        ends = {"low": f"{edition.minimum:g}", "high": f"{edition.maximum:g}"}
        if edition.step == 1:
            return gettext("Please choose a whole number from %(low)s to %(high)s.") % ends
        step = {"step": f"{edition.step:g}"}
        return gettext("Please choose a number from %(low)s to %(high)s, in steps of %(step)s.") % (ends | step)

    @property
    def pace(self) -> int:
        return PACE

    def times(self) -> list[str]:
        """How long it takes in words, by whole minutes begun: first what is said of up to one."""
        minutes = max(1, math.ceil(len(self.edition.items) * PACE / 60))
        more = [
            ngettext("about %(n)d minute", "about %(n)d minutes", number) % {"n": number}
            for number in range(2, minutes + 1)
        ]
        return [gettext("under a minute"), *more]
