import uuid
from typing import Any

from django import forms

from accounts.forms import SubmissionForm

from ..models.risk import DONE_LENGTH


class AcknowledgeForm(SubmissionForm):
    done = forms.CharField(
        max_length=DONE_LENGTH,
        label="What was done",
        help_text="Part of the record: the therapist and their supervisor can read it.",
        # What is being typed stays when another risk answer comes in.
        widget=forms.Textarea(attrs={"rows": 2, "hx-preserve": "true"}),
        error_messages={
            "required": "Write what was done, or why nothing needed to be.",
            "max_length": f"Please keep it under {DONE_LENGTH:,} characters.",
        },
    )

    def __init__(self, *args: Any, answer_id: uuid.UUID, **kwargs: Any) -> None:
        """Several stand on one page: the ids of their fields carry the answer's."""
        super().__init__(*args, **kwargs)
        self.auto_id = f"risk-{answer_id}-%s"
