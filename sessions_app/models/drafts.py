from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import OrganisationModel, User
from clients.models import Episode


class LogDraft(OrganisationModel):
    """What a therapist has typed of a log that is not saved yet, the same on every device of theirs.

    `content` maps the names of the form's fields to lists of their values; `version` counts every change of it.
    """

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="log_drafts")
    content = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField(db_default=Now())
    saved_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["episode", "saved_by"], name="sessions_app_draft_one_of_each"),
            models.CheckConstraint(name="sessions_app_draft_version_from_1", condition=Q(version__gte=1)),
        ]

    def __str__(self) -> str:
        return "draft of a log"
