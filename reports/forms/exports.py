from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.forms import DATE_ERRORS, DateInput, PasswordAgainForm, SubmissionForm
from accounts.http import SignedInRequest
from reports.exports.actions import may_ask
from reports.models import PURPOSE_LENGTH, Export


class ExportForm(SubmissionForm):
    """What goes into a file. Names and codes only for a stated purpose, and after the password again."""

    scope = forms.ChoiceField(label="Whose records", widget=forms.RadioSelect(attrs={"class": "chips"}))
    format = forms.ChoiceField(label="File", choices=Export.Format, widget=forms.RadioSelect(attrs={"class": "chips"}))
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
        label="For a spreadsheet",
        help_text="Begins CSV files with the mark by which spreadsheets know UTF-8. Leave it out for R or Python.",
    )
    is_identifying = forms.BooleanField(required=False)
    purpose = forms.CharField(
        required=False,
        max_length=PURPOSE_LENGTH,
        label="What you need them for",
        help_text="Kept with the export. Name no client here.",
    )
    password = forms.CharField(
        required=False,
        label="Your password, again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, request: SignedInRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        scopes = [(scope.value, scope.label) for scope in Export.Scope if may_ask(request.user, scope)]
        choose_scope, choose_format = self.fields["scope"], self.fields["format"]
        assert isinstance(choose_scope, forms.ChoiceField) and isinstance(choose_format, forms.ChoiceField)
        choose_scope.choices = scopes
        choose_scope.initial = scopes[0][0]
        choose_format.initial = Export.Format.CSV
        for field, choices in ((choose_scope, scopes), (choose_format, Export.Format.choices)):
            if len(choices) == 1:
                field.widget = forms.HiddenInput()
        identifying = self.fields["is_identifying"]
        if request.user.is_therapist:
            identifying.label = "Include codes, and the names and goals of my clients"
            identifying.help_text = (
                "Otherwise every client has a pseudonym. Names and goals go only into your own clients’ file."
            )
        else:
            identifying.label = "Include the codes of clients"
            identifying.help_text = "Otherwise every client has a pseudonym."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", "This day is before the first one.")
        if cleaned.get("is_identifying"):
            if not cleaned.get("purpose", "").strip() and "purpose" not in self.errors:
                self.add_error("purpose", "Say what you need codes or names for.")
            self.check_password()
        return cleaned

    def check_password(self) -> None:
        """As for whoever takes a device back: the same words, the same limit of tries."""
        again = PasswordAgainForm({"password": self.data.get("password", "")}, request=self.request)
        if not again.is_valid():
            self.add_error("password", ValidationError(again.errors["password"].as_data()))

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values.items() if name != "password"}
