"""What an administrator settles, and what a therapist settles for one client."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm

from ..battery import ASKED, LEAST, MOST, WORDS, Entry, Rhythm
from ..instruments import RATERS, Edition, Instrument
from ..instruments.words import LONGEST_END, Pasted, UnreadableFile, lines_of_file, read_wording
from ..languages import choices
from ..models.service import NOTICE_LENGTH, STATEMENT_LENGTH

LONGEST_PASTE = 200_000
BOTH_ENDS = "Give the words at both ends, or at neither."


def measure_choices(found: Mapping[str, Instrument], raters: tuple[str, ...] = ASKED) -> list[tuple[str, str]]:
    """Instruments with who rates them, by name."""
    pairs = [
        (f"{code}:{rater}", f"{instrument.name}, by the {rater}")
        for code, instrument in found.items()
        for rater in RATERS
        if rater in raters and rater in instrument.editions
    ]
    return sorted(pairs, key=lambda pair: pair[1].lower())


class LicenceForm(SubmissionForm):
    statement = forms.CharField(
        max_length=STATEMENT_LENGTH,
        label="What the licence allows, and whose it is",
        help_text="For example: “Permission by e-mail from the author for use in our service, up to 500 clients.”",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "State what allows the use of this instrument."},
    )
    dated_on = forms.DateField(
        label="Date of the licence", widget=DateInput(), initial=timezone.localdate, error_messages=DATE_ERRORS
    )
    name = forms.CharField(
        max_length=120,
        label="Name of the person who answers for it",
        error_messages={"required": "Enter the name of the person who answers for this licence."},
    )


class AskedFor(forms.CharField):
    """Asked for, and yet allowed to be empty: the form says when."""

    def validate(self, value: Any) -> None:
        if value:
            super().validate(value)


class WordingForm(LicenceForm):
    """The words of one edition, pasted or from a file, with what is to be said around them and what allows it."""

    rater = forms.ChoiceField(label="Who reads these words?", widget=forms.RadioSelect(attrs={"class": "chips"}))
    language = forms.ChoiceField(
        choices=[("", "Choose a language"), *choices()], error_messages={"required": "Choose a language."}
    )
    introduction = forms.CharField(
        required=False,
        max_length=STATEMENT_LENGTH,
        label="What stands above the questions",
        help_text="The questionnaire’s own instruction, and what the numbers mean where the ends do not say it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    text = AskedFor(
        max_length=LONGEST_PASTE,
        label="The items, one line each",
        help_text="The words at the ends of the answer line may follow, after a tab or “ | ”: "
        "I feel hopeful. | not at all | very much",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )
    file = forms.FileField(
        required=False,
        label="Or a file",
        help_text="Text or CSV. Its lines take the place of what stands in the field above.",
        widget=forms.FileInput(attrs={"accept": ".txt,.csv,text/plain,text/csv"}),
        allow_empty_file=True,
    )
    low = forms.CharField(required=False, max_length=LONGEST_END, label="Words at the lowest answer")
    high = forms.CharField(required=False, max_length=LONGEST_END, label="Words at the highest answer")
    notice = forms.CharField(
        required=False,
        max_length=NOTICE_LENGTH,
        label="Copyright line beneath the questions",
        help_text="As the licence wants it, for example © and the holder’s name.",
    )
    looked_at = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, files: Any = None, *, instrument: Instrument, **kwargs: Any) -> None:
        super().__init__(data, files, **kwargs)
        self.instrument = instrument
        self.notes: list[str] = []
        self.pasted: Pasted | None = None
        raters = [rater for rater in ASKED if rater in instrument.editions]
        self.fields["rater"].choices = [(rater, f"the {rater}") for rater in raters]  # type: ignore[attr-defined]

    @property
    def edition(self) -> Edition:
        return self.instrument.editions[self.cleaned_data["rater"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "rater" not in cleaned or "text" not in cleaned:
            return cleaned
        if cleaned.get("file"):
            self.take_file(cleaned)
        if bool(cleaned.get("low")) != bool(cleaned.get("high")):
            self.add_error("high" if cleaned.get("low") else "low", BOTH_ENDS)
        if cleaned.get("language") in self.edition.languages:
            self.add_error("language", "These words ship with the program and stay as they are. Choose another.")
        if self.has_error("file"):
            return cleaned
        if not cleaned["text"].strip():
            self.add_error("text", "Paste the items, or choose a file.")
            return cleaned
        self.pasted = read_wording(
            cleaned["text"], self.edition, low=cleaned.get("low", ""), high=cleaned.get("high", "")
        )
        if not self.pasted.fits:
            self.add_error("text", self.problem_in_words())
        return cleaned

    def take_file(self, cleaned: dict[str, Any]) -> None:
        """Let the file's lines stand in the field, where they can be mended."""
        try:
            text, notes = lines_of_file(cleaned["file"].read(), cleaned["file"].name)
        except UnreadableFile as error:
            self.add_error("file", str(error))
            return
        cleaned["text"] = text
        self.notes += notes
        self.data = {**self.data.dict(), "text": text}  # type: ignore[attr-defined]

    def problem_in_words(self) -> str:
        assert self.pasted is not None
        lines = [f"Line {line.number} {problem}" for line in self.pasted.lines for problem in line.problems[:1]]
        shown = [*self.pasted.problems, *([] if self.pasted.problems else lines[:1])]
        rest = len(lines) - 1 if not self.pasted.problems else 0
        more = f" {rest} more below." if rest > 0 else ""
        return f"{' '.join(shown)}{more}"

    @property
    def stamp(self) -> str:
        """Of what is shown in the preview: only that is saved."""
        names = ("rater", "language", "introduction", "text", "low", "high", "notice")
        content = json.dumps([self.cleaned_data.get(name, "") for name in names])
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def is_looked_at(self) -> bool:
        return self.cleaned_data.get("looked_at") == self.stamp

    @property
    def items(self) -> list[list[str]]:
        assert self.pasted is not None
        return [[line.text, line.low, line.high] for line in self.pasted.lines]


class EntryForm(SubmissionForm):
    """What is rated, by whom and when."""

    measure = forms.ChoiceField(label="What, and by whom?", error_messages={"required": "Choose what is rated."})
    rhythm = forms.ChoiceField(label="When?", error_messages={"required": "Choose when."})
    every = forms.IntegerField(
        required=False,
        min_value=LEAST,
        max_value=MOST,
        label="n, for every n-th session",
        help_text=f"{LEAST} to {MOST}. Counted from the first session on: with 4 it is sessions 1, 5, 9.",
        error_messages={"invalid": "Enter a whole number."},
    )

    def __init__(
        self, *args: Any, measures: list[tuple[str, str]], rhythms: list[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["measure"].choices = [("", "Choose an instrument"), *measures]  # type: ignore[attr-defined]
        self.fields["rhythm"].choices = rhythms  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        is_nth = cleaned.get("rhythm") == Rhythm.NTH
        if is_nth and cleaned.get("every") is None and not self.has_error("every"):
            self.add_error("every", "Say every which session.")
        if not is_nth:
            cleaned["every"] = None
        return cleaned

    @property
    def entry(self) -> Entry:
        instrument, _, rater = self.cleaned_data["measure"].rpartition(":")
        return Entry(instrument, rater, Rhythm(self.cleaned_data["rhythm"]), self.cleaned_data["every"])


def rhythm_choices(*, with_never: bool = False) -> list[tuple[str, str]]:
    return [(rhythm.value, words) for rhythm, words in WORDS.items() if with_never or rhythm is not Rhythm.NEVER]


def entry_of(data: Any) -> Entry | None:
    """The line of a battery that a button names; None where it names none."""
    try:
        every = int(data["every"]) if data.get("every") else None
        return Entry(data["instrument"], data["rater"], Rhythm(data["rhythm"]), every)
    except (KeyError, ValueError):
        return None
