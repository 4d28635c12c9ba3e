from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from accounts.forms import DATE_ERRORS, DateInput, SubmissionForm

from ..comments import Comment
from ..models import ANSWER_LENGTH, RaisedBy

TOO_LONG = f"This is longer than {ANSWER_LENGTH:,} characters. Shorten it and save again."


def text(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(
        required=False,
        max_length=ANSWER_LENGTH,
        label=label,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": TOO_LONG},
    )


class CommentForm(SubmissionForm):
    raised_by = forms.ChoiceField(
        label="Who brought it up?",
        widget=forms.RadioSelect(attrs={"class": "chips"}),
        error_messages={"required": "Choose who brought it up."},
    )
    discussed_on = forms.DateField(
        label="Talked about on", widget=DateInput(), initial=timezone.localdate, error_messages=DATE_ERRORS
    )
    answer = text("What was said, and what you answered", "Part of the record: your supervisor can read it.")
    followed_up_on = forms.DateField(
        required=False,
        label="Followed up on",
        help_text="When you saw what came of it. Leave it empty until then.",
        widget=DateInput(),
        error_messages=DATE_ERRORS,
    )
    outcome = text("What came of it", "")
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, comment: Comment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice, client = self.fields["raised_by"], comment.rating.session.episode.client.label
        choice.choices = [  # type: ignore[attr-defined]
            (RaisedBy.CLIENT.value, f"{client} did"),
            (RaisedBy.THERAPIST.value, "I did"),
            (RaisedBy.NOBODY.value, "Nobody: there is nothing in it to talk about"),
        ]
        if comment.is_held_back:
            choice.help_text = f"{client} asked you not to raise this yet. That ends once {client} has brought it up."

    def clean(self) -> dict[str, Any]:
        """The day is proposed; where nobody talked about it, it says nothing."""
        cleaned = super().clean() or {}
        if cleaned.get("raised_by") == RaisedBy.NOBODY:
            cleaned["discussed_on"] = None
        return cleaned
