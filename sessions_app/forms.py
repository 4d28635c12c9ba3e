from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm

from .models import NOTE_LENGTH, Attendance, Format

NUMBER_ERRORS = {"required": "Enter the session’s number.", "invalid": "Enter a whole number."}
FORMATS = [(value, label) for value, label in Format.choices if value != Format.NOT_RECORDED]


class SessionForm(SubmissionForm):
    number = forms.IntegerField(
        min_value=1,
        max_value=999,
        label="Session number",
        help_text="Every planned meeting takes one, attended or not.",
        error_messages=NUMBER_ERRORS,
    )
    held_on = forms.DateField(label="Date", widget=DateInput(), initial=timezone.localdate, error_messages=DATE_ERRORS)
    attendance = forms.ChoiceField(
        choices=Attendance, initial=Attendance.ATTENDED, widget=forms.RadioSelect(attrs={"class": "chips"})
    )
    format = forms.ChoiceField(
        choices=FORMATS, initial=Format.IN_PERSON, widget=forms.RadioSelect(attrs={"class": "chips"})
    )
    note = forms.CharField(
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Part of the record: your supervisor can read it.",
        error_messages={
            "max_length": f"This note is longer than {NOTE_LENGTH:,} characters. Shorten it and save again."
        },
    )


class LogForm(SessionForm):
    # Of the draft that the page began from, 0 where there was none.
    draft_version = forms.IntegerField(widget=forms.HiddenInput, required=False, initial=0, min_value=0)
    wants_link = forms.BooleanField(
        required=False, initial=True, label="Make a link for the client’s rating when I save"
    )


class EditForm(SessionForm):
    """As the log, and what only an imported session can be: number 0, format not recorded."""

    number = forms.IntegerField(min_value=0, max_value=999, label="Session number", error_messages=NUMBER_ERRORS)
    format = forms.ChoiceField(choices=Format, widget=forms.RadioSelect(attrs={"class": "chips"}))
    version = forms.IntegerField(widget=forms.HiddenInput)


# --- Drafts --------------------------------------------------------------------------------------------

Typed = Mapping[str, list[str]]
NOT_TYPED = {"csrfmiddlewaretoken", "submission", "draft_version"}
MOST_TYPED = 200_000  # characters


def typed_of(data: QueryDict) -> dict[str, list[str]]:
    """What a person typed or chose, by the name of its field; empty fields are left out."""
    lists = {name: [value for value in values if value] for name, values in data.lists() if name not in NOT_TYPED}
    return {name: values for name, values in sorted(lists.items()) if values}


def initial_of(typed: Typed, form: forms.Form) -> dict[str, Any]:
    """A draft as the initial values of a form: all of its fields, as what is left out was empty."""
    found: dict[str, Any] = {}
    for name, field in form.fields.items():
        if name in NOT_TYPED:
            continue
        values = typed.get(name, [])
        found[name] = values if isinstance(field, forms.MultipleChoiceField) else (values[-1] if values else "")
    return found


@dataclass(frozen=True)
class Difference:
    label: str
    here: str
    there: str


def differences(of_forms: Sequence[forms.Form], here: Typed, there: Typed) -> list[Difference]:
    """The fields in which two drafts differ, in the order of the page and in the words that stand on it."""
    found = []
    for form in of_forms:
        for name, field in form.fields.items():
            mine, other = here.get(name, []), there.get(name, [])
            if name not in NOT_TYPED and mine != other:
                label = str(field.label or name.replace("_", " ").capitalize())
                found.append(Difference(label, words_of(field, mine), words_of(field, other)))
    return found


def words_of(field: forms.Field, values: list[str]) -> str:
    if isinstance(field, forms.BooleanField):
        return "yes" if values else "no"
    if isinstance(field, forms.ChoiceField):
        labels = {str(value): str(label) for value, label in field.widget.choices}
        values = [labels.get(value, value) for value in values]
    return ", ".join(values)
