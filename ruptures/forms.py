from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import formats

from accounts.forms import SubmissionForm
from sessions_app.models import TherapySession

from . import vocabulary
from .models import STORY_LENGTH, Reason, RepairAttempt, Rupture
from .vocabulary import CONFRONTATION, EXPRESSIVE, IMMEDIATE, WITHDRAWAL, Term

NOT_SAID = ("", "Not said")
TOO_LONG = f"This is longer than {STORY_LENGTH:,} characters. Shorten it and save again."


def quoted(words: list[str]) -> str:
    return ", ".join(f"“{one}”" for one in words)


class SessionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, session: Any) -> str:
        return f"{str(session).capitalize()}, {formats.date_format(session.held_on, 'D j F Y')}"


def one_of(terms: tuple[Term, ...], **more: Any) -> forms.ChoiceField:
    """Chips of which one may be chosen; to choose none is an answer."""
    chips = forms.RadioSelect(attrs={"class": "chips"})
    return forms.ChoiceField(choices=[NOT_SAID, *vocabulary.choices(terms)], required=False, widget=chips, **more)


def any_of(terms: tuple[Term, ...], kind: str, **more: Any) -> forms.MultipleChoiceField:
    chips = forms.CheckboxSelectMultiple(attrs={"class": "chips"})
    return forms.MultipleChoiceField(choices=vocabulary.choices(terms, kind), required=False, widget=chips, **more)


def out_of_five(anchors: dict[int, str], **more: Any) -> forms.TypedChoiceField:
    numbers = range(vocabulary.LOWEST, vocabulary.HIGHEST + 1)
    return forms.TypedChoiceField(
        choices=[NOT_SAID, *((n, f"{n} {anchors[n]}" if n in anchors else str(n)) for n in numbers)],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect(attrs={"class": "chips"}),
        **more,
    )


def story(**more: Any) -> forms.CharField:
    return forms.CharField(
        required=False,
        max_length=STORY_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"max_length": TOO_LONG},
        **more,
    )


class RuptureForm(SubmissionForm):
    session = SessionField(queryset=None, empty_label=None, error_messages={"required": "Choose the session."})
    noticed_by = forms.ChoiceField(
        choices=vocabulary.choices(vocabulary.NOTICED_BY),
        initial="therapist",
        label="Who or what noticed it first",
        widget=forms.RadioSelect(attrs={"class": "chips"}),
    )
    type = one_of(
        vocabulary.TYPES,
        help_text="Withdrawal moves away, confrontation moves against. Left open, it follows from what you choose.",
    )
    withdrawal = any_of(vocabulary.MARKERS, WITHDRAWAL, label="Moving away")
    confrontation = any_of(vocabulary.MARKERS, CONFRONTATION, label="Moving against")
    component = one_of(vocabulary.COMPONENTS, label="What it touches", help_text="Its rating is followed from here on.")
    intensity = out_of_five(vocabulary.INTENSITY, label="How strong")
    what_happened = story(help_text="Part of the record: your supervisor can read it.")

    def __init__(self, *args: Any, sessions: QuerySet[TherapySession] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sessions is None:
            del self.fields["session"]
        else:
            self.fields["session"].queryset = sessions.order_by("-number")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        odd = vocabulary.not_of_type(self.markers, cleaned.get("type") or vocabulary.type_of(self.markers))
        if odd:
            self.add_error("type", f"Choose “Both”, or leave out {quoted(odd)}.")
        return cleaned

    @property
    def markers(self) -> list[str]:
        return [*self.cleaned_data.get("withdrawal", []), *self.cleaned_data.get("confrontation", [])]

    @property
    def values(self) -> dict[str, Any]:
        rest = {name: value for name, value in super().values.items() if name not in (WITHDRAWAL, CONFRONTATION)}
        return rest | {"markers": self.markers}


class RuptureEditForm(RuptureForm):
    version = forms.IntegerField(widget=forms.HiddenInput)

    @staticmethod
    def values_of(rupture: Rupture) -> dict[str, Any]:
        names = ("noticed_by", "type", "component", "intensity", "what_happened", "version")
        return {name: getattr(rupture, name) for name in names} | dict.fromkeys(
            (WITHDRAWAL, CONFRONTATION), rupture.markers
        )


class LoggedRuptureForm(RuptureForm):
    """A rupture that the therapist notes with the log of its session; nothing chosen is none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("submission", "noticed_by"):
            del self.fields[name]
        self.fields["type"].choices = [("", "None noticed"), *vocabulary.choices(vocabulary.TYPES)]  # type: ignore[attr-defined]
        self.fields["type"].label = "Strain or rupture?"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.is_noted and not cleaned.get("type"):
            self.add_error("type", "Something is chosen below. Say which it was, or take that back.")
        return cleaned

    @property
    def is_noted(self) -> bool:
        return any(self.cleaned_data.values())

    @property
    def values(self) -> dict[str, Any]:
        return super().values | {"noticed_by": "therapist"}


class AttemptForm(SubmissionForm):
    session = SessionField(queryset=None, empty_label=None, error_messages={"required": "Choose the session."})
    expressive = any_of(
        vocabulary.STRATEGIES,
        EXPRESSIVE,
        label="About the two of you",
        help_text="At least one, here or about the work.",
    )
    immediate = any_of(vocabulary.STRATEGIES, IMMEDIATE, label="About the work")
    acknowledged_own_contribution = forms.BooleanField(
        required=False,
        label="I acknowledged my own part in it",
        help_text="Goes without saying where “Owned a part in it” is chosen.",
    )
    talked_about_relationship = forms.BooleanField(
        required=False,
        label="We talked about the relationship itself",
        help_text="Goes without saying where you asked or said what it is like between you.",
    )
    client_response = one_of(vocabulary.RESPONSES, label="How the client took it")
    resolved = out_of_five(vocabulary.RESOLVED, label="How far it is resolved")
    note = story(help_text="Part of the record: your supervisor can read it.")

    def __init__(self, *args: Any, sessions: QuerySet[TherapySession] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sessions is None:
            del self.fields["session"]
        else:
            self.fields["session"].queryset = sessions.order_by("-number")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.strategies:
            self.add_error("expressive", "Choose at least one thing that was tried, here or about the work.")
        return cleaned

    @property
    def strategies(self) -> list[str]:
        return [*self.cleaned_data.get("expressive", []), *self.cleaned_data.get("immediate", [])]

    @property
    def values(self) -> dict[str, Any]:
        rest = {name: value for name, value in super().values.items() if name not in (EXPRESSIVE, IMMEDIATE)}
        return rest | {"strategies": self.strategies}


class AttemptEditForm(AttemptForm):
    version = forms.IntegerField(widget=forms.HiddenInput)

    @staticmethod
    def values_of(attempt: RepairAttempt) -> dict[str, Any]:
        names = (
            "session", "acknowledged_own_contribution", "talked_about_relationship", "client_response", "resolved",
            "note", "version",
        )  # fmt: skip
        return {name: getattr(attempt, name) for name in names} | dict.fromkeys(
            (EXPRESSIVE, IMMEDIATE), attempt.strategies
        )


NOTED_NOW = "noted-now"


class LoggedAttemptForm(AttemptForm):
    """What was tried in the session that is being logged, about a rupture that is open or is noted with it."""

    rupture = forms.ChoiceField(required=False, label="About", widget=forms.RadioSelect(attrs={"class": "chips"}))
    field_order = ("expressive", "immediate", "rupture")

    def __init__(self, *args: Any, ruptures: Sequence[Rupture], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("submission", "note"):
            del self.fields[name]
        self.ruptures = {str(rupture.pk): rupture for rupture in ruptures}
        choices = [(NOTED_NOW, "What was noticed today"), *((pk, str(one)) for pk, one in self.ruptures.items())]
        self.fields["rupture"].choices = choices  # type: ignore[attr-defined]
        self.fields["rupture"].initial = choices[-1][0]
        self.fields["expressive"].help_text = ""

    def clean(self) -> dict[str, Any]:
        if self.is_touched:
            return super().clean()
        return self.cleaned_data

    @property
    def is_touched(self) -> bool:
        """Something beside the rupture is chosen, of which there is always one."""
        return any(value for name, value in self.cleaned_data.items() if name != "rupture")

    @property
    def is_about_now(self) -> bool:
        return self.cleaned_data.get("rupture") in ("", NOTED_NOW)

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values.items() if name != "rupture"}


class DismissForm(SubmissionForm):
    reason = forms.ChoiceField(
        choices=Reason.choices,
        label="Why it was no rupture",
        widget=forms.RadioSelect(attrs={"class": "chips"}),
        error_messages={"required": "Choose why this was no rupture."},
    )
