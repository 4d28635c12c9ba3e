from django import forms
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm

from .models import NOTE_LENGTH, Attendance, Format


class SessionForm(SubmissionForm):
    number = forms.IntegerField(
        min_value=1,
        max_value=999,
        label="Session number",
        help_text="Every planned meeting takes one, attended or not.",
        error_messages={"required": "Enter the session’s number.", "invalid": "Enter a whole number."},
    )
    held_on = forms.DateField(label="Date", widget=DateInput(), initial=timezone.localdate, error_messages=DATE_ERRORS)
    attendance = forms.ChoiceField(
        choices=Attendance, initial=Attendance.ATTENDED, widget=forms.RadioSelect(attrs={"class": "chips"})
    )
    format = forms.ChoiceField(
        choices=Format, initial=Format.IN_PERSON, widget=forms.RadioSelect(attrs={"class": "chips"})
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


class EditForm(SessionForm):
    version = forms.IntegerField(widget=forms.HiddenInput)
