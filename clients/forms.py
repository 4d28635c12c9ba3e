from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm
from accounts.models import User

from .models import ENDING_LENGTH, Ending, Modality


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
    ending = forms.ChoiceField(
        label="How it ended",
        choices=Ending,
        widget=forms.RadioSelect(attrs={"class": "chips"}),
        error_messages={"required": "Choose how it ended."},
    )
    words = forms.CharField(
        required=False,
        max_length=ENDING_LENGTH,
        label="Who decided, and how it came about",
        help_text="In your words. Part of the record: your supervisor can read it.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    wants_link = forms.BooleanField(required=False, initial=True, label="Make a link for the client’s own view")

    def __init__(self, *args: Any, can_ask: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not can_ask:
            del self.fields["wants_link"]


class HandOverForm(SubmissionForm):
    """Asked in two steps: to whom and when; then, with what follows from it in words, whether it is meant.

    The second step sends the first one's answers along, hidden, with `confirmed`.
    """

    to: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None,
        label="New therapist",
        error_messages={
            "required": "Choose who takes over.",
            "invalid_choice": "Only a therapist who may sign in can take over. Choose somebody else.",
        },
    )
    on = forms.DateField(
        label="Day of the hand-over",
        widget=DateInput(),
        initial=timezone.localdate,
        validators=[check_not_future],
        error_messages=DATE_ERRORS,
        help_text="The last day with the one, the first with the other.",
    )
    practitioner_title = forms.CharField(
        max_length=60,
        label="Title of the new therapist",
        help_text="As your service words it: psychologist, key worker, counsellor…",
        error_messages={"required": "Enter the title of the new therapist."},
    )
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, colleagues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = colleagues  # type: ignore[attr-defined]
        self.fields["practitioner_title"].required = "confirmed" in self.data

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values.items() if name not in {"confirmed", "episodes"}}

    @property
    def is_settled(self) -> bool:
        """To whom and when is clear, so that it can be said what follows."""
        return self.is_bound and not set(self.errors) - {"practitioner_title"}

    @property
    def settled_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name in {"to", "on", "episodes"}]


class HandOverManyForm(HandOverForm):
    """Of several episodes at once, each known by its code."""

    episodes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        label="Open episodes",
        error_messages={
            "required": "Choose at least one episode.",
            "invalid_choice": "One of these episodes has ended meanwhile. Look at the list and choose again.",
        },
    )
    field_order = ["episodes", "to", "on", "practitioner_title", "confirmed"]

    def __init__(self, *args: Any, choices: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["episodes"].choices = choices  # type: ignore[attr-defined]
