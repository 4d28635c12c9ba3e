from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.forms import PasswordAgainForm, SubmissionForm
from accounts.http import SignedInRequest
from accounts.models import NOTICE_DAYS, SHORTEST_NOTICE
from clients.models import Client
from reports.models import PURPOSE_LENGTH, Erasure
from reports.privacy.erasure import ASKED_FOR
from reports.privacy.selectors import client_by_code


class PackForm(SubmissionForm):
    """Everything about a client: after the password again, as for every file with names in it."""

    with_process_notes = forms.BooleanField(
        required=False,
        label="With the process notes that I wrote about them",
        help_text="They are yours, and no part of the record. Without this tick none is in the pack.",
    )
    password = forms.CharField(
        label="Your password, again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Enter your password."},
    )

    use_required_attribute = False

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        again = PasswordAgainForm({"password": self.cleaned_data["password"]}, request=self.request)
        if not again.is_valid():
            raise ValidationError(again.errors["password"].as_data())
        return ""

    @property
    def values(self) -> dict[str, Any]:
        return {"with_process_notes": self.cleaned_data["with_process_notes"]}


class ErasureRequestForm(SubmissionForm):
    reason = forms.ChoiceField(
        label="Why",
        choices=[(reason.value, reason.label) for reason in Erasure.Reason if reason in ASKED_FOR],
        initial=Erasure.Reason.CLIENT,
        widget=forms.RadioSelect(attrs={"class": "chips"}),
        error_messages={"required": "Choose a reason."},
    )

    use_required_attribute = False


class CodeForm(forms.Form):
    """The code, typed: nobody erases somebody by a slip of the hand."""

    code = forms.CharField(
        max_length=30,
        label="The client’s code",
        help_text="Type it as it stands above.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Type the code."},
    )

    use_required_attribute = False


class RetentionForm(SubmissionForm):
    """For how long a service keeps records; empty: none is erased by itself."""

    years = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        label="Years after the end of the last episode",
        help_text="Empty: nothing is ever erased by itself.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), "Enter 1 to 100, or nothing."),
    )
    notice_days = forms.IntegerField(
        min_value=SHORTEST_NOTICE,
        max_value=365,
        initial=NOTICE_DAYS,
        label="Days for which it stands here before",
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"), f"Enter a number from {SHORTEST_NOTICE} to 365."
        ),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    use_required_attribute = False


class HoldForm(SubmissionForm):
    code = forms.CharField(
        max_length=30,
        label="The client’s code",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Type the code."},
    )
    reason = forms.CharField(
        max_length=PURPOSE_LENGTH,
        label="Why",
        help_text="For example a complaint or a case at court. Administrators alone read it.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why the record has to stay."},
    )

    use_required_attribute = False

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.client: Client | None = None
        if cleaned.get("code"):
            self.client = client_by_code(self.request.user, cleaned["code"])
            if self.client is None:
                self.add_error("code", "There is no client with this code.")
        return cleaned
