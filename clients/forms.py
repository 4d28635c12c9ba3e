from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm

from .models import Ending, Modality


def check_not_future(value: Any) -> None:
    if value > timezone.localdate():
        raise forms.ValidationError("This date is in the future. Choose today or an earlier day.")


class ClientForm(SubmissionForm):
    code = forms.CharField(
        max_length=30,
        error_messages={"required": "Enter a code for the client."},
        help_text="However your service tells people apart, for example R-0417. Everybody involved sees it.",
    )
    name = forms.CharField(
        max_length=120,
        required=False,
        help_text="What you call the client. Leave it empty to work with the code alone.",
    )


class ClientEditForm(ClientForm):
    version = forms.IntegerField(widget=forms.HiddenInput)
    email = forms.EmailField(
        required=False,
        label="E-mail address",
        help_text="For links to questions, and for nothing else.",
        error_messages={"invalid": "Enter a whole e-mail address, for example name@post.example."},
    )
    wants_invitations = forms.BooleanField(
        required=False,
        label="Agreed to get links by e-mail",
        help_text="The e-mails hold the link, no name, and nothing about your work. Tell the client before that "
        "whoever reads their e-mails can open it.",
    )
    mail_agreed_on = forms.DateField(
        required=False,
        label="Day of the agreement",
        widget=DateInput(),
        validators=[check_not_future],
        error_messages=DATE_ERRORS,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("wants_invitations") and "mail_agreed_on" in cleaned and not cleaned["mail_agreed_on"]:
            self.add_error("mail_agreed_on", "Enter the day on which the client agreed.")
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        """The day counts only with the tick."""
        values = super().values
        agreed = values.pop("wants_invitations")
        return {**values, "mail_agreed_on": values["mail_agreed_on"] if agreed else None}


class EpisodeForm(SubmissionForm):
    modality = forms.ChoiceField(choices=Modality)
    practitioner_title = forms.CharField(
        max_length=60,
        error_messages={"required": "Enter your title."},
        label="Your title",
        help_text="As your service words it: psychologist, key worker, counsellor…",
    )
    started_on = forms.DateField(
        label="Start of the episode",
        widget=DateInput(),
        initial=timezone.localdate,
        validators=[check_not_future],
        error_messages=DATE_ERRORS,
        help_text="The day of the first meeting, or the day you took the client on.",
    )


class NewClientForm(EpisodeForm, ClientForm):
    """A client and the first episode on one page."""

    field_order = ["code", "name", "modality", "practitioner_title", "started_on"]


class EndEpisodeForm(SubmissionForm):
    ended_on = forms.DateField(
        label="Last day",
        widget=DateInput(),
        initial=timezone.localdate,
        validators=[check_not_future],
        error_messages=DATE_ERRORS,
    )
    ending = forms.ChoiceField(label="How it ended", choices=Ending, widget=forms.RadioSelect(attrs={"class": "chips"}))
