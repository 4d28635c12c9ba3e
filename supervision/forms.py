from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm
from accounts.models import User
from clients.models import Episode
from ruptures import vocabulary

from . import states
from .models import LINE_LENGTH, NOTES_LENGTH, TEXT_LENGTH, AgendaItem, LearningTarget, Meeting, NextStep

# How long a next step is given, unless another day is chosen.
USUAL_STEP = timedelta(weeks=2)


def long_text(length: int, *, rows: int, **more: Any) -> forms.CharField:
    return forms.CharField(
        max_length=length,
        widget=forms.Textarea(attrs={"rows": rows}),
        error_messages={
            "max_length": f"This is longer than {length:,} characters. Shorten it and save again.",
            "required": more.pop("empty", "Write something."),
        },
        **more,
    )


def hidden_version() -> forms.IntegerField:
    return forms.IntegerField(widget=forms.HiddenInput)


def day(label: str, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=DateInput(), error_messages=DATE_ERRORS, **more)


class PlanForm(SubmissionForm):
    held_on = day("Day", help_text="A day that is past is fine for a meeting that was held.")


class DayForm(PlanForm):
    version = hidden_version()

    @staticmethod
    def values_of(meeting: Meeting) -> dict[str, Any]:
        return {"held_on": meeting.held_on, "version": meeting.version}


class NotesForm(SubmissionForm):
    notes = long_text(NOTES_LENGTH, rows=7, required=False, label="Notes")
    notes_shared = forms.BooleanField(required=False)
    version = hidden_version()

    def __init__(self, *args: Any, therapist: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["notes"].help_text = (
            f"You read them, and {therapist.name} unless you say otherwise below. Nobody else does: no administrator, "
            "and nobody who supervises later. Write codes, not names."
        )
        self.fields["notes_shared"].label = f"{therapist.name} reads these notes, too"

    @staticmethod
    def values_of(meeting: Meeting) -> dict[str, Any]:
        return {name: getattr(meeting, name) for name in ("notes", "notes_shared", "version")}


class BringForm(SubmissionForm):
    """A client for the agenda; `supervisor` is asked for only where a therapist has several."""

    supervisor: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None, empty_label=None, label="With whom", error_messages={"required": "Choose with whom."}
    )
    why = forms.CharField(
        max_length=LINE_LENGTH,
        required=False,
        label="What you would like to talk about",
        help_text="One line. Both of you read it. Write no names.",
    )

    def __init__(self, *args: Any, supervisors: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if supervisors is None:
            del self.fields["supervisor"]
        else:
            self.fields["supervisor"].queryset = supervisors  # type: ignore[attr-defined]


class ItemForm(BringForm):
    version = hidden_version()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, supervisors=None, **kwargs)

    @staticmethod
    def values_of(item: AgendaItem) -> dict[str, Any]:
        return {"why": item.why, "version": item.version}


def owner_field(meeting: Meeting) -> forms.TypedChoiceField:
    people = {str(person.pk): person for person in (meeting.therapist, meeting.supervisor)}
    return forms.TypedChoiceField(
        choices=[(pk, person.name) for pk, person in people.items()],
        coerce=lambda pk: people[pk],
        initial=str(meeting.therapist.pk),
        label="Who",
        widget=forms.RadioSelect(attrs={"class": "chips"}),
        error_messages={"required": "Choose who does it."},
    )


class StepForm(SubmissionForm):
    text = forms.CharField(
        max_length=LINE_LENGTH, label="Next step", error_messages={"required": "Write what is to be done."}
    )
    due_on = day("Until")
    field_order = ["text", "episode", "owner", "due_on"]

    def __init__(
        self, *args: Any, meeting: Meeting, clients: Sequence[Episode] = (), today: date, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.clients = {str(one.pk): one for one in clients}
        self.fields["owner"] = owner_field(meeting)
        self.fields["due_on"].initial = max(today, meeting.held_on) + USUAL_STEP
        if clients:
            self.fields["episode"] = forms.TypedChoiceField(
                choices=[("", "Not about one client"), *((pk, one.client.code) for pk, one in self.clients.items())],
                coerce=lambda pk: self.clients[pk],
                empty_value=None,
                required=False,
                label="About",
                help_text="The rating of the component in question is followed from here on.",
            )
        self.order_fields(self.field_order)

    @property
    def values(self) -> dict[str, Any]:
        return {"episode": None} | super().values


class StepEditForm(StepForm):
    status = forms.ChoiceField(
        choices=list(states.STEPS.items()), label="How it stands", widget=forms.RadioSelect(attrs={"class": "chips"})
    )
    outcome = long_text(
        TEXT_LENGTH, rows=4, required=False, label="What came of it", help_text="In words. Write no names."
    )
    version = hidden_version()
    field_order = ["text", "owner", "due_on", "status", "outcome"]

    @staticmethod
    def values_of(step: NextStep) -> dict[str, Any]:
        names = ("text", "due_on", "status", "outcome", "version")
        return {name: getattr(step, name) for name in names} | {"owner": str(step.owner_id)}

    @property
    def values(self) -> dict[str, Any]:
        values = {name: value for name, value in super().values.items() if name != "episode"}
        return values | {name: values[name].strip() for name in ("text", "outcome")}


class TargetForm(SubmissionForm):
    """What is to be recognised, or which ways of repair are to be practised: one target of each kind at a time."""

    kind = forms.ChoiceField(
        choices=list(states.TARGETS.items()),
        initial=states.RECOGNISING,
        label="What to learn",
        widget=forms.RadioSelect(attrs={"class": "chips"}),
    )
    withdrawal = forms.MultipleChoiceField(
        choices=vocabulary.choices(vocabulary.MARKERS, vocabulary.WITHDRAWAL),
        required=False,
        label="Strain that moves away",
        help_text="To recognise strain at least one, here or below.",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
    )
    confrontation = forms.MultipleChoiceField(
        choices=vocabulary.choices(vocabulary.MARKERS, vocabulary.CONFRONTATION),
        required=False,
        label="Strain that moves against",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
    )
    repairs = forms.MultipleChoiceField(
        choices=vocabulary.choices(vocabulary.STRATEGIES),
        required=False,
        label="Kinds of repair",
        help_text="To practise repair at least one.",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
    )
    words = forms.CharField(max_length=LINE_LENGTH, required=False, label="In your own words")
    set_on = day("Counted from", help_text="The day on which you agreed on it.")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["set_on"].initial = today

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("kind")
        markers, repairs = self.markers, cleaned.get("repairs", [])
        if kind == states.RECOGNISING and (repairs or not markers):
            self.add_error(
                "repairs" if repairs else "withdrawal",
                "Choose “Kinds of repair” above, or leave these out." if repairs else "Choose at least one.",
            )
        if kind == states.REPAIRING and (markers or not repairs):
            self.add_error(
                "withdrawal" if markers else "repairs",
                "Choose “Recognising strain” above, or leave these out." if markers else "Choose at least one.",
            )
        return cleaned

    @property
    def markers(self) -> list[str]:
        return [*self.cleaned_data.get("withdrawal", []), *self.cleaned_data.get("confrontation", [])]

    @property
    def values(self) -> dict[str, Any]:
        kept = {name: self.cleaned_data[name] for name in ("kind", "words", "set_on")}
        return kept | {"codes": [*self.markers, *self.cleaned_data["repairs"]]}


class TargetEditForm(SubmissionForm):
    words = forms.CharField(max_length=LINE_LENGTH, required=False, label="In your own words")
    is_ended = forms.BooleanField(
        required=False, label="No longer a target", help_text="It stays here with its count, and can be taken up again."
    )
    version = hidden_version()

    @staticmethod
    def values_of(target: LearningTarget) -> dict[str, Any]:
        return {"words": target.words, "is_ended": not target.is_open, "version": target.version}
