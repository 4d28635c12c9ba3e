from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.forms import DATE_ERRORS, DateInput, PasswordAgainForm, SubmissionForm
from accounts.http import SignedInRequest
from reports.exports.actions import may_ask
from reports.models import PURPOSE_LENGTH, Export

FORMATS = [choice for choice in Export.Format.choices if choice[0] != Export.Format.PACK]


class ExportForm(SubmissionForm):
    """What goes into a file. Names and codes only for a stated purpose, and after the password again."""

    scope = forms.ChoiceField(label="Whose records", widget=forms.RadioSelect(attrs={"class": "chips"}))
    format = forms.ChoiceField(
        label="File",
        choices=FORMATS,
        help_text="CSV opens anywhere, Excel as one workbook. SPSS files have labels and know what is missing. "
        "REDCap: a data dictionary and its records. FHIR: sessions and ratings, for another system of records.",
        widget=forms.RadioSelect(attrs={"class": "chips"}),
    )
    since = forms.DateField(
        required=False,
        label="Sessions from",
        help_text="Empty: from the first one on.",
        widget=DateInput(),
        error_messages=DATE_ERRORS,
    )
    until = forms.DateField(
        required=False,
        label="Sessions up to",
        help_text="Empty: up to the latest.",
        widget=DateInput(),
        error_messages=DATE_ERRORS,
    )
    has_mark = forms.BooleanField(
        required=False,
        initial=True,
        label="CSV files for a spreadsheet",
        help_text="They begin with the mark by which spreadsheets know UTF-8. Leave it out for R or Python.",
    )
    is_identifying = forms.BooleanField(required=False)
    purpose = forms.CharField(
        max_length=PURPOSE_LENGTH,
        label="What you need them for",
        help_text="Kept with the export. Name no client here.",
        error_messages={"required": "Say what you need codes or names for."},
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
        scopes = [(scope.value, scope.label) for scope in Export.Scope if may_ask(request.user, scope)]
        choose_scope, choose_format = self.fields["scope"], self.fields["format"]
        assert isinstance(choose_scope, forms.ChoiceField) and isinstance(choose_format, forms.ChoiceField)
        choose_scope.choices = scopes
        choose_scope.initial = scopes[0][0]
        choose_format.initial = Export.Format.CSV
        for field, choices in ((choose_scope, scopes), (choose_format, FORMATS)):
            if len(choices) == 1:
                field.widget, field.required = forms.HiddenInput(), False
        self.fields["is_identifying"].label = (
            "Include codes, and the names and goals of my clients"
            if request.user.is_therapist
            else "Include the codes of clients"
        )
        if request.user.is_therapist and request.user.is_administrator:
            self.fields["is_identifying"].help_text = "Names and goals are in no file of the whole service."

    def clean_scope(self) -> str:
        return self.cleaned_data["scope"] or str(self.fields["scope"].initial)

    def clean_format(self) -> str:
        return self.cleaned_data["format"] or str(self.fields["format"].initial)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the first one.")
        if cleaned.get("is_identifying"):
            self.check_password()
        else:
            # Both are asked for only with what needs them.
            self.errors.pop("purpose", None)
            self.errors.pop("password", None)
        return cleaned

    def check_password(self) -> None:
        """As for whoever takes a device back: the same words, the same limit of tries."""
        again = PasswordAgainForm({"password": self.cleaned_data.get("password", "")}, request=self.request)
        if "password" in self.cleaned_data and not again.is_valid():
            self.add_error("password", ValidationError(again.errors["password"].as_data()))

    @property
    def values(self) -> dict[str, Any]:
        return {"purpose": "", **{name: value for name, value in super().values.items() if name != "password"}}
