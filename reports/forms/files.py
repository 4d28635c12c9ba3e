from __future__ import annotations

import re
import tomllib
from typing import Any

from django import forms

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm
from accounts.models import User
from reports.mapping import MappingError, mapping_of
from reports.reading import DELIMITERS, ENCODINGS, Limits

MOST = Limits().max_bytes
LONGEST_MAPPING = 1_000_000
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
CHOOSE_FILE = "Choose a file."


class UploadForm(SubmissionForm):
    file = forms.FileField(
        help_text="CSV or Excel (.xlsx), up to 50 MB and 200,000 rows. The first row holds the names of the columns.",
        widget=forms.FileInput(
            attrs={"accept": ".csv,.tsv,.txt,.xlsx,text/csv,text/tab-separated-values,text/plain"},
        ),
        error_messages={
            "required": CHOOSE_FILE,
            "missing": CHOOSE_FILE,
            "invalid": CHOOSE_FILE,
            "empty": "The file is empty. Check that the export finished, and choose the file again.",
        },
    )
    delimiter = forms.ChoiceField(
        required=False,
        label="Between the columns stand",
        choices=[("", "find out"), *((words, words) for words in DELIMITERS.values())],
    )
    encoding = forms.ChoiceField(
        required=False, label="Encoding of the text", choices=[("", "find out"), *ENCODINGS.items()]
    )
    sheet = forms.CharField(
        required=False, max_length=100, label="Sheet of the workbook", help_text="Its name; otherwise the first one."
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST:
            raise forms.ValidationError(
                "The file has more than 50 MB. Split it, or keep only the columns with ratings, and choose it again."
            )
        return file

    @property
    def file_name(self) -> str:
        return CONTROL.sub("", self.cleaned_data["file"].name) or "file"

    @property
    def reading(self) -> dict[str, str]:
        """What was stated of how to read the file."""
        signs = {words: sign for sign, words in DELIMITERS.items()}
        stated = {
            "delimiter": signs.get(self.cleaned_data["delimiter"], ""),
            "encoding": self.cleaned_data["encoding"],
            "sheet": self.cleaned_data["sheet"],
        }
        return {name: value for name, value in stated.items() if value}


class TherapistForm(SubmissionForm):
    """Whose clients these are, and the days of sessions that have none."""

    therapist: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None,
        label="Whose clients are they?",
        empty_label="Choose a therapist",
        error_messages={"required": "Choose the therapist."},
    )
    start_date = forms.DateField(
        required=False,
        widget=DateInput(),
        label="First day for sessions without a date",
        help_text="They get weekly dates from this day on, which are marked as assumed wherever they are shown.",
        error_messages=DATE_ERRORS,
    )

    def __init__(self, *args: Any, therapists: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["therapist"].queryset = therapists  # type: ignore[attr-defined]


class MappingForm(TherapistForm):
    text = forms.CharField(
        required=False,
        label="Mapping",
        widget=forms.Textarea(attrs={"rows": 20, "spellcheck": "false", "class": "code"}),
        help_text="A TOML text that says which column is what.",
    )
    file = forms.FileField(
        required=False,
        label="Or a mapping file",
        help_text="A .toml file. It takes the place of the text above.",
        widget=forms.FileInput(attrs={"accept": ".toml,text/plain"}),
        error_messages={"empty": "The file is empty. Choose another, or use the text above."},
    )
    field_order = ("text", "file", "therapist", "start_date")

    def __init__(self, *args: Any, columns: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.columns = set(columns)
        self.mapping: dict[str, Any] = {}

    def clean_file(self) -> str:
        file = self.cleaned_data.get("file")
        if not file:
            return ""
        if file.size > LONGEST_MAPPING:
            raise forms.ValidationError("A mapping has at most 1 MB. Choose the mapping, not the table.")
        try:
            return str(file.read(), "utf-8-sig")
        except UnicodeDecodeError:
            raise forms.ValidationError("The file is not text in UTF-8. Save it so, and choose it again.") from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        place = "file" if cleaned.get("file") else "text"
        text = cleaned.get("file") or cleaned.get("text", "")
        if not text.strip():
            self.add_error("text", "Write a mapping, or choose a mapping file.")
            return cleaned
        try:
            self.mapping = tomllib.loads(text.replace("\r\n", "\n"))
            wanted = mapping_of(self.mapping).columns()
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self.add_error(place, f"This is not a TOML text: {error}.")
        except MappingError as error:
            for key, mistake in error.mistakes.items():
                self.add_error(place, f"{key}: {mistake}.")
        else:
            for column in [name for name in wanted if name not in self.columns][:10]:
                self.add_error(place, f"The file has no column “{column}”. Write the name exactly as in the file.")
        return cleaned
