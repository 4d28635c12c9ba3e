from collections.abc import Sequence
from typing import Any

from django import forms
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
    wants_link = forms.BooleanField(
        required=False, initial=True, label="Make a link for the client’s rating when I save"
    )

    def __init__(self, *args: Any, asked: Sequence[str], **kwargs: Any) -> None:
        """`asked` are the names of what the link leads through; without any there is none to make."""
        super().__init__(*args, **kwargs)
        if asked:
            self.fields["wants_link"].help_text = f"It leads through: {', then '.join(asked)}."
        else:
            del self.fields["wants_link"]


class EditForm(SessionForm):
    """As the log, and what only an imported session can be: number 0, format not recorded."""

    number = forms.IntegerField(min_value=0, max_value=999, label="Session number", error_messages=NUMBER_ERRORS)
    format = forms.ChoiceField(choices=Format, widget=forms.RadioSelect(attrs={"class": "chips"}))
    version = forms.IntegerField(widget=forms.HiddenInput)
