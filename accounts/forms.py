from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting

from .http import SignedInRequest
from .models import Organisation, Scope, User

Result = TypeVar("Result")


class Renderer(TemplatesSetting):
    field_template_name = "components/field.html"


def carry_out(form: forms.BaseForm, write: Callable[[], Result]) -> Result | None:
    """Run an action for a form; what the action refuses stands beside the field. None when anything is wrong."""
    if not form.is_valid():
        return None
    try:
        return write()
    except ValidationError as error:
        form.add_error(None, error)
        return None


class SubmissionForm(forms.Form):
    """A form that writes something new: its hidden key makes sending it twice harmless."""

    submission = forms.CharField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "submission"}


DATE_ERRORS = {"required": "Enter a date.", "invalid": "Enter a date that exists, for example 2026-03-24."}


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="%Y-%m-%d", **kwargs)


class LineField(forms.IntegerField):
    """A number on a line that may stay unanswered, asked as the questionnaires ask; `low` and `high` name its ends."""

    def __init__(
        self, *, minimum: int = 0, maximum: int = 10, low: str, high: str, scale: str = "", label: str
    ) -> None:
        super().__init__(
            min_value=minimum,
            max_value=maximum,
            required=False,
            label=label,
            error_messages=dict.fromkeys(
                ("invalid", "min_value", "max_value"), f"Choose a number from {minimum} to {maximum}, or none."
            ),
        )
        self.template_name = "components/line_field.html"
        self.item = {"text": label, "low": low, "high": high, "scale": scale}


class PersonForm(SubmissionForm):
    name = forms.CharField(
        max_length=120,
        help_text="As colleagues and clients know them.",
        error_messages={"required": "Enter the person’s name."},
    )
    email = forms.EmailField(
        label="E-mail address",
        help_text="They sign in with it.",
        error_messages={
            "required": "Enter the person’s e-mail address.",
            "invalid": "Enter a whole e-mail address, for example name@service.example.",
        },
    )
    is_therapist = forms.BooleanField(
        required=False, label="Therapist", help_text="Has clients, logs sessions, hands out links."
    )
    is_supervisor = forms.BooleanField(
        required=False, label="Supervisor", help_text="Reads the caseloads of the therapists they supervise."
    )
    is_administrator = forms.BooleanField(
        required=False,
        label="Administrator",
        help_text="Manages people, roles and supervision. Does not see clients’ records.",
    )


class PersonEditForm(PersonForm):
    version = forms.IntegerField(widget=forms.HiddenInput)
    is_active = forms.BooleanField(
        required=False, label="May sign in", help_text="Without it the person is signed out at once."
    )


class SupervisionForm(SubmissionForm):
    supervisor: forms.ModelChoiceField[User] = forms.ModelChoiceField(queryset=None)
    therapist: forms.ModelChoiceField[User] = forms.ModelChoiceField(queryset=None)

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["supervisor"].queryset = people.filter(is_supervisor=True)  # type: ignore[attr-defined]
        self.fields["therapist"].queryset = people.filter(is_therapist=True)  # type: ignore[attr-defined]


class AbsenceForm(SubmissionForm):
    """Who covers for the therapist who fills it in."""

    cover: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None,
        label="Who covers",
        error_messages={
            "required": "Choose who covers.",
            "invalid_choice": "Only a therapist who may sign in can cover. Choose somebody else.",
        },
    )
    starts_on = forms.DateField(label="First day", widget=DateInput(), error_messages=DATE_ERRORS)
    ends_on = forms.DateField(label="Last day", widget=DateInput(), error_messages=DATE_ERRORS)

    def __init__(self, *args: Any, colleagues: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["cover"].queryset = colleagues  # type: ignore[attr-defined]


class CoverForm(AbsenceForm):
    """Who covers for whom, as an administrator says it; also for somebody who may not sign in any more."""

    therapist: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None, label="Who is away", error_messages={"required": "Choose who is away."}
    )
    field_order = ["therapist", "cover", "starts_on", "ends_on"]

    def __init__(self, *args: Any, absent: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["therapist"].queryset = absent  # type: ignore[attr-defined]


class OrganisationPart(forms.ModelForm):  # type: ignore[type-arg]
    """Some of what a service sets, saved together: fields of the organisation, with the version they were read at."""

    submission = forms.CharField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)
    version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = Organisation
        fields: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "submission"}


class OrganisationForm(OrganisationPart):
    class Meta:
        model = Organisation
        fields = ("name", "time_zone", "shows_clients_chart", "second_factor_for")
        labels = {
            "name": "Name of the service",
            "shows_clients_chart": "Clients may look at their own ratings together with their therapist",
            "second_factor_for": "Who must sign in with a second step",
        }
        help_texts = {
            "name": "Clients see it above the questions.",
            "time_zone": "Dates and times are shown in it. For example Europe/London.",
            "shows_clients_chart": "On the therapist’s screen, in the session: what the client answered and nothing "
            "else. Never through a link.",
            "second_factor_for": "A code from an app or a passkey, besides the password. Whoever must and has none yet "
            "is led to set it up, and sees nothing else before.",
        }


class ChoosePasswordForm(forms.Form):
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 15 characters, or 12 if you sign in with a second step; a few words in a row are easier to "
        "remember than signs.",
    )
    again = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), label="The same password again"
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("password") and cleaned.get("again") and cleaned["password"] != cleaned["again"]:
            self.add_error("again", "The two passwords differ. Type the same one twice.")
        return cleaned


class PasswordAgainForm(forms.Form):
    """Of somebody who is signed in already. Browsers are asked not to fill it in by themselves."""

    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Enter your password."},
    )

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        try:
            is_right = get_adapter().is_password_of(self.request, self.request.user, password)
        except ValidationError:
            raise ValidationError("There were too many tries. Wait five minutes, then try again.") from None
        if not is_right:
            raise ValidationError("This password is not correct.")
        return password


class TokenForm(SubmissionForm):
    """A new token of the API. The password is asked for again, as the token acts in its person's name."""

    name = forms.CharField(
        max_length=60,
        label="What it is for",
        error_messages={"required": "Say what it is for, so that you know it again."},
        help_text="The program that will use it, for example “Waiting list”.",
    )
    scope = forms.ChoiceField(
        label="What it may do", choices=Scope, initial=Scope.READ, widget=forms.RadioSelect(attrs={"class": "chips"})
    )
    days = forms.TypedChoiceField(
        label="Works for",
        coerce=int,
        choices=[(30, "30 days"), (90, "90 days"), (365, "A year")],
        initial=90,
        widget=forms.RadioSelect(attrs={"class": "chips"}),
    )
    password = forms.CharField(
        label="Your password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Enter your password."},
    )

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        """The same words, and the same limit of tries, as for whoever takes a device back."""
        again = PasswordAgainForm({"password": self.cleaned_data["password"]}, request=self.request)
        if not again.is_valid():
            raise ValidationError(again.errors["password"].as_data())
        return ""

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values.items() if name != "password"}
