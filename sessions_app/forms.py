from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm
from accounts.models import User
from clients.models import Episode

from .models import NOTE_LENGTH, Attendance, Format, TherapySession

NUMBER_ERRORS = {"required": "Enter the session’s number.", "invalid": "Enter a whole number."}
TOO_LONG = f"This note is longer than {NOTE_LENGTH:,} characters. Shorten it and save again."
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
        error_messages={"max_length": TOO_LONG},
    )


class LogForm(SessionForm):
    wants_link = forms.BooleanField(
        required=False, initial=True, label="Make a link for the client’s rating when I save"
    )


class EditForm(SessionForm):
    """As the log, and what only an imported session can be: number 0, format not recorded."""

    number = forms.IntegerField(min_value=0, max_value=999, label="Session number", error_messages=NUMBER_ERRORS)
    format = forms.ChoiceField(choices=Format, widget=forms.RadioSelect(attrs={"class": "chips"}))
    version = forms.IntegerField(widget=forms.HiddenInput)


class ProcessNoteForm(SubmissionForm):
    """`supervisors` are those of the author now: whoever ticks the box is told who that is."""

    text = forms.CharField(
        max_length=NOTE_LENGTH,
        label="Process note",
        # Browsers restore what was typed by themselves, from where they keep it in clear; this one they must not keep.
        widget=forms.Textarea(attrs={"rows": 12, "autocomplete": "off"}),
        error_messages={"required": "Write something, or cancel.", "max_length": TOO_LONG},
    )
    shared_with_supervisor = forms.BooleanField(required=False, label="My supervisor may read this note")

    def __init__(self, *args: Any, supervisors: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = " and ".join(person.name for person in supervisors)
        self.fields["shared_with_supervisor"].help_text = (
            f"At present that is {names}. You can take it back at any time."
            if names
            else "You have no supervisor at present; whoever becomes one could then read it."
        )


class NewProcessNoteForm(ProcessNoteForm):
    session: forms.ModelChoiceField[TherapySession] = forms.ModelChoiceField(
        queryset=None,
        required=False,
        label="About one session",
        empty_label="The episode as a whole",
        error_messages={"invalid_choice": "Choose a session of this episode."},
    )
    field_order = ("session", "text", "shared_with_supervisor")

    def __init__(self, *args: Any, episode: Episode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["session"]
        choice.queryset = episode.sessions.order_by("-number")  # type: ignore[attr-defined]
        choice.label_from_instance = label_of  # type: ignore[attr-defined]


def label_of(session: TherapySession) -> str:
    return f"{str(session).capitalize()}, {session.held_on:%-d %B %Y}"


class ProcessNoteEditForm(ProcessNoteForm):
    version = forms.IntegerField(widget=forms.HiddenInput)
