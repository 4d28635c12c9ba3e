from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.http import SignedInRequest, one_line
from accounts.selectors import people
from reports.trail import Asked
from reports.trail_words import KINDS

MOMENT_ERRORS = {"invalid": "Enter a day and a time that exist, for example 24 March 2026, 14:30."}


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class TrailForm(forms.Form):
    """Who did or saw what, with which client, when. Times are those of the service."""

    client = forms.CharField(required=False, max_length=40, label="Client’s code")
    by = PersonField(queryset=None, required=False, label="Who", empty_label="Everybody")
    kind = forms.ChoiceField(required=False, label="What", choices=[("", "Everything"), *KINDS.items()])
    since = forms.DateTimeField(required=False, label="From", widget=MomentInput(), error_messages=MOMENT_ERRORS)
    until = forms.DateTimeField(
        required=False, label="Up to, not including", widget=MomentInput(), error_messages=MOMENT_ERRORS
    )

    use_required_attribute = False

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["by"].queryset = people(request.user).order_by("name")  # type: ignore[attr-defined]

    def clean_client(self) -> str:
        return one_line(self.cleaned_data["client"])

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until <= since:
            raise ValidationError({"until": "This is not after the beginning."})

    @property
    def asked(self) -> Asked:
        """What is looked for, once the form is valid."""
        values = self.cleaned_data
        return Asked(values["by"], values["client"], values["kind"], values["since"], values["until"])
