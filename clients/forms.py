from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, LineField, SubmissionForm
from accounts.models import User

from . import engagement, targets
from .models import ENDING_LENGTH, TEXT_LENGTH, WORDS_LENGTH, Ending, Modality, Proposer


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


SETTLED, WAS_NONE, STAYS_OPEN = "settled", "none", "unresolved"


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

    def __init__(
        self, *args: Any, can_ask: bool, ruptures: Sequence[tuple[str, str, bool]] = (), **kwargs: Any
    ) -> None:
        """`ruptures` are those still open: key, label, and whether somebody has said that it was one."""
        super().__init__(*args, **kwargs)
        if not can_ask:
            del self.fields["wants_link"]
        self.rupture_keys = [key for key, _, _ in ruptures]
        for key, label, is_confirmed in ruptures:
            first = (SETTLED, "It has settled") if is_confirmed else (WAS_NONE, "It was none")
            self.fields[f"rupture-{key}"] = forms.ChoiceField(
                label=label,
                choices=[first, (STAYS_OPEN, "It stays unresolved")],
                widget=forms.RadioSelect(attrs={"class": "chips"}),
                error_messages={"required": "Say how it stands as the episode ends."},
            )

    @property
    def rupture_fields(self) -> list[forms.BoundField]:
        return [self[f"rupture-{key}"] for key in self.rupture_keys]

    @property
    def ruptures(self) -> dict[str, str]:
        """By key how each rupture stands."""
        return {key: self.cleaned_data[f"rupture-{key}"] for key in self.rupture_keys}

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in super().values.items() if not name.startswith("rupture-")}


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


# --- Goals and tasks ------------------------------------------------------------------------------------


def chips(choices: Any, *, label: str, **options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(
        choices=choices, label=label, widget=forms.RadioSelect(attrs={"class": "chips"}), **options
    )


def words(label: str, *, rows: int = 3, required: bool = False, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=WORDS_LENGTH,
        widget=forms.Textarea(attrs={"rows": rows}),
        help_text=help_text,
    )


def day(label: str, *, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=required,
        widget=DateInput(),
        initial=timezone.localdate if required else None,
        error_messages=DATE_ERRORS,
    )


def amount(label: str, help_text: str) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        required=False,
        min_value=0,
        max_value=999_999,
        help_text=help_text,
        error_messages={"invalid": "Enter a number.", "min_value": "Enter 0 or more."},
    )


class AgreementForm(SubmissionForm):
    """Who agreed, and on which day. `client` is what the client is called."""

    agreed_by = forms.MultipleChoiceField(
        label="Agreed by",
        required=False,
        choices=[("client", ""), ("therapist", "You")],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"}),
        help_text="Leave it open while it is only proposed.",
    )
    on = day("On which day")

    def __init__(self, *args: Any, client: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agreed_by"].choices = [("client", client), ("therapist", "You")]  # type: ignore[attr-defined]


class AgreeForm(AgreementForm):
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agreed_by"].required = True
        self.fields["agreed_by"].help_text = ""
        self.fields["agreed_by"].error_messages["required"] = "Choose who agreed."


class TaskAgreeForm(AgreeForm):
    difficulty = LineField(label="How difficult, as agreed?", low="easy", high="too much", scale="task")
    field_order = ["difficulty", "agreed_by", "on"]


class GoalForm(AgreementForm):
    text = forms.CharField(
        label="Goal",
        max_length=TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="In the client’s own words.",
        error_messages={"required": "Enter the goal."},
    )
    metric = forms.CharField(
        max_length=120,
        required=False,
        label="How you would both notice",
        help_text="What is counted or rated, for example: panic attacks a week.",
    )
    baseline = amount("Where it starts", "The number to begin with, if you know it.")
    target = forms.CharField(
        max_length=30,
        required=False,
        help_text="A number, or a change: −50 % is half of where it starts.",
    )
    importance = LineField(label="How important is it?", minimum=1, low="a little", high="most of all", scale="goal")
    field_order = ["text", "metric", "baseline", "target", "importance", "why", "agreed_by", "on"]

    def clean_target(self) -> targets.Target | None:
        written = self.cleaned_data["target"].strip()
        try:
            return targets.read_target(written) if written else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    @property
    def values(self) -> dict[str, Any]:
        target: targets.Target | None = self.cleaned_data["target"]
        return {
            **super().values,
            "target": target.value if target else None,
            "is_target_relative": bool(target and target.is_relative),
        }


class GoalEditForm(GoalForm):
    why = words("Why it changes", rows=2)
    version = forms.IntegerField(widget=forms.HiddenInput)


class SettleForm(SubmissionForm):
    """What is closed, or taken up again. `choices` are the states that can follow, where there is more than one."""

    status = chips((), label="What became of it?")
    on = day("On")
    why = words("In a few words", rows=2)
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, choices: list[tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if choices:
            self.fields["status"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["status"]


class LevelsForm(SubmissionForm):
    written_on = day("Written on")
    much_more = forms.CharField(label="+2: much more than expected", max_length=TEXT_LENGTH)
    more = forms.CharField(label="+1: more than expected", max_length=TEXT_LENGTH)
    expected = forms.CharField(label="0: what you both expect", max_length=TEXT_LENGTH)
    less = forms.CharField(label="−1: less than expected", max_length=TEXT_LENGTH)
    much_less = forms.CharField(label="−2: much less than expected", max_length=TEXT_LENGTH)


class EasierTaskForm(AgreementForm):
    """A task for the goal of the one it is made of; `TaskForm` asks for the goal as well."""

    text = forms.CharField(
        label="Task",
        max_length=TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="One thing to do, here or in between.",
        error_messages={"required": "Enter the task."},
    )
    rationale = words("What it is for", rows=2, help_text="The reason, as you would say it to the client.")
    proposed_by = chips(Proposer, label="Proposed by", initial=Proposer.BOTH)
    difficulty = LineField(label="How difficult does it look?", low="easy", high="too much", scale="task")
    field_order = ["text", "goal", "rationale", "proposed_by", "difficulty", "why", "agreed_by", "on"]


class TaskForm(EasierTaskForm):
    goal = forms.ChoiceField(required=False, label="For which goal")

    def __init__(self, *args: Any, goals: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.goals = {str(goal.pk): goal for goal in goals}
        choices = [("", "None in particular"), *((pk, goal.text) for pk, goal in self.goals.items())]
        self.fields["goal"].choices = choices  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        return {**super().values, "goal": self.goals.get(self.cleaned_data["goal"])}


class TaskEditForm(TaskForm):
    why = words("Why it changes", rows=2)
    version = forms.IntegerField(widget=forms.HiddenInput)


# --- The engagement phase -------------------------------------------------------------------------------


class ObjectiveForm(SubmissionForm):
    level = forms.TypedChoiceField(
        coerce=int,
        choices=[(level, f"{level} · {word}") for level, word in engagement.LEVELS.items()],
        label="How far is it there?",
        widget=forms.RadioSelect(attrs={"class": "chips"}),
        error_messages={"required": "Choose how far it is there."},
    )
    evidence = words("By what can you tell?", help_text="What was said or done.")
    barriers = forms.MultipleChoiceField(
        required=False, label="What stands in its way?", widget=forms.CheckboxSelectMultiple(attrs={"class": "chips"})
    )
    assessed_on = day("Looked at on")
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(self, *args: Any, objective: engagement.Objective, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["barriers"].choices = list(objective.barriers.items())  # type: ignore[attr-defined]


class ExpectationsForm(SubmissionForm):
    clients_role = words("What the client does here")
    therapists_role = words("What you do here")
    client_expects = words("What the client expects of you")
    therapist_expects = words("What you expect of the client")
    agreed_on = day("Agreed on", required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)


class NeedsForm(SubmissionForm):
    needs = words("What is needed", required=True)
    strengths = words("What there is to build on")
    assessed_on = day("Looked at on")
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)
