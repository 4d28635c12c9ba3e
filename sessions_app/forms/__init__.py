from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, LineField, SubmissionForm
from accounts.models import User
from clients.forms import amount, chips, words
from clients.models import Episode, Task

from ..models import LINE_LENGTH, NOTE_LENGTH, Attendance, Format, Outcome, TherapySession

ANSWERS = [(value, label) for value, label in Outcome.choices if value != Outcome.NOT_ASKED]
NUMBER_ERRORS = {"required": "Enter the session’s number.", "invalid": "Enter a whole number."}
TOO_LONG = f"This note is longer than {NOTE_LENGTH:,} characters. Shorten it and save again."
FORMATS = [(value, label) for value, label in Format.choices if value != Format.NOT_RECORDED]


class SessionForm(SubmissionForm):
    number = forms.IntegerField(
        min_value=1,
        max_value=999,
        label="Session number",
        help_text="Every planned meeting takes one, attended or not.",
        error_messages=NUMBER_ERRORS,
    )
    held_on = forms.DateField(label="Date", widget=DateInput(), initial=timezone.localdate, error_messages=DATE_ERRORS)
    attendance = forms.ChoiceField(
        choices=Attendance, initial=Attendance.ATTENDED, widget=forms.RadioSelect(attrs={"class": "chips"})
    )
    format = forms.ChoiceField(
        choices=FORMATS, initial=Format.IN_PERSON, widget=forms.RadioSelect(attrs={"class": "chips"})
    )
    note = forms.CharField(
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Part of the record: your supervisor can read it.",
        error_messages={"max_length": TOO_LONG},
    )
    next_time = forms.CharField(
        required=False,
        max_length=LINE_LENGTH,
        label="One line for next time",
        error_messages={"max_length": f"This is longer than {LINE_LENGTH} characters. Put the rest into the note."},
    )


class LogForm(SessionForm):
    # Of the draft that the page began from, 0 where there was none.
    draft_version = forms.IntegerField(widget=forms.HiddenInput, required=False, initial=0, min_value=0)
    wants_link = forms.BooleanField(
        required=False, initial=True, label="Make a link for the client’s rating when I save"
    )
    by_mail = forms.BooleanField(required=False, initial=True, label="Send it by e-mail")

    def __init__(self, *args: Any, asked: Sequence[str], mail_to: str, **kwargs: Any) -> None:
        """`asked` are the names of what the link leads through; without any there is none to make."""
        super().__init__(*args, **kwargs)
        self.fields["wants_link"].help_text = f"It leads through: {', then '.join(asked)}."
        self.fields["by_mail"].help_text = f"To {mail_to}"
        if not asked:
            del self.fields["wants_link"]
        if not (asked and mail_to):
            del self.fields["by_mail"]


class EditForm(SessionForm):
    """As the log, and what only an imported session can be: number 0, format not recorded."""

    number = forms.IntegerField(min_value=0, max_value=999, label="Session number", error_messages=NUMBER_ERRORS)
    format = forms.ChoiceField(choices=Format, widget=forms.RadioSelect(attrs={"class": "chips"}))
    version = forms.IntegerField(widget=forms.HiddenInput)


# --- What a session says of goals, tasks and the work itself --------------------------------------------


class HomeworkForm(forms.Form):
    """What became of each task that both have agreed on; one that is left open was not asked about."""

    def __init__(self, *args: Any, tasks: Sequence[Task], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tasks = {f"task-{task.pk}": task for task in tasks}
        for name, task in self.tasks.items():
            self.fields[name] = forms.ChoiceField(
                choices=[("", "Not asked"), *ANSWERS],
                required=False,
                label=task.text,
                widget=forms.RadioSelect(attrs={"class": "chips"}),
            )
            self.fields[f"{name}-way"] = words("What got in the way?", rows=2)

    @property
    def rows(self) -> list[tuple[Task, forms.BoundField, forms.BoundField]]:
        return [(task, self[name], self[f"{name}-way"]) for name, task in self.tasks.items()]

    @property
    def outcomes(self) -> list[tuple[Task, str, str]]:
        """Each task that was asked about with its outcome, and what got in the way."""
        given = self.cleaned_data
        return [(task, given[name], given[f"{name}-way"]) for name, task in self.tasks.items() if given[name]]


class StandingForm(SubmissionForm):
    progress = LineField(label="Where are you on the way?", low="where it started", high="there", scale="goal")
    measured = amount("The number now", "")
    level = forms.TypedChoiceField(
        coerce=int,
        empty_value=None,
        required=False,
        label="Which of the five levels?",
        widget=forms.RadioSelect(attrs={"class": "chips"}),
    )

    def __init__(self, *args: Any, metric: str, levels: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["measured"].help_text = metric
        if not metric:
            del self.fields["measured"]
        choices = [("", "Not judged")]
        choices += [(str(level), f"{name} · {text}") for level, (name, text) in enumerate(levels, start=-2)]
        self.fields["level"].choices = choices  # type: ignore[attr-defined]
        if not levels:
            del self.fields["level"]


class OutcomeForm(SubmissionForm):
    outcome = chips(Outcome, label="What became of it?")
    got_in_the_way = words("What got in the way?", rows=2, help_text="Something to learn from, together.")


class ChallengeForm(SubmissionForm):
    """The session of the first challenge among those that took place, or that there was none yet."""

    session = forms.ChoiceField(required=False)
    what = words("What was challenged, and how it was taken", rows=2)
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)

    def __init__(self, *args: Any, sessions: Iterable[TherapySession], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sessions = {str(session.pk): session for session in sessions}
        named = (
            (pk, f"{str(session).capitalize()}, {session.held_on:%-d %B %Y}") for pk, session in self.sessions.items()
        )
        self.fields["session"].choices = [("", "Not yet"), *named]  # type: ignore[attr-defined]

    @property
    def values(self) -> dict[str, Any]:
        return {**super().values, "session": self.sessions.get(self.cleaned_data["session"])}


class ConditionsForm(SubmissionForm):
    congruence = LineField(label="Congruence", low="behind a role", high="wholly themselves")
    regard = LineField(label="Unconditional positive regard", low="with conditions", high="without any")
    empathy = LineField(label="Empathy", low="from outside", high="as the client sees it")


class ProcessNoteForm(SubmissionForm):
    """`supervisors` are those of the author now: whoever ticks the box is told who that is."""

    text = forms.CharField(
        max_length=NOTE_LENGTH,
        label="Process note",
        # Browsers restore what was typed by themselves, from where they keep it in clear; this one they must not keep.
        widget=forms.Textarea(attrs={"rows": 12, "autocomplete": "off"}),
        error_messages={"required": "Write something, or cancel.", "max_length": TOO_LONG},
    )
    shared_with_supervisor = forms.BooleanField(required=False, label="My supervisor may read this note")

    def __init__(self, *args: Any, supervisors: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = " and ".join(person.name for person in supervisors)
        self.fields["shared_with_supervisor"].help_text = (
            f"At present that is {names}. You can take it back at any time."
            if names
            else "You have no supervisor at present; whoever becomes one could then read it."
        )


class NewProcessNoteForm(ProcessNoteForm):
    session: forms.ModelChoiceField[TherapySession] = forms.ModelChoiceField(
        queryset=None,
        required=False,
        label="About one session",
        empty_label="The episode as a whole",
        error_messages={"invalid_choice": "Choose a session of this episode."},
    )
    field_order = ("session", "text", "shared_with_supervisor")

    def __init__(self, *args: Any, episode: Episode, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["session"]
        choice.queryset = episode.sessions.order_by("-number")  # type: ignore[attr-defined]
        choice.label_from_instance = label_of  # type: ignore[attr-defined]


def label_of(session: TherapySession) -> str:
    return f"{str(session).capitalize()}, {session.held_on:%-d %B %Y}"


class ProcessNoteEditForm(ProcessNoteForm):
    version = forms.IntegerField(widget=forms.HiddenInput)
