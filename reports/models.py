from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import OrganisationModel, User


class ImportBatch(OrganisationModel):
    """One file on its way into the record: what it is, where it has got to, what came of it.

    uploaded → checking → ready → writing → written → undoing → undone; refused when the check finds errors, and back to
    checking from there. The file's content goes when it is no longer needed; the report stays.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Columns not named yet"
        CHECKING = "checking", "Being checked"
        REFUSED = "refused", "Has errors"
        READY = "ready", "Checked, not written"
        WRITING = "writing", "Being written"
        WRITTEN = "written", "Written"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"

    file_name = models.CharField(max_length=200)
    file_hash = models.CharField(max_length=64)
    content = models.BinaryField(null=True, blank=True)
    columns = models.JSONField(default=list)
    # Delimiter, encoding and sheet where a person stated them, and what was noticed while reading.
    reading = models.JSONField(default=dict, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    therapist = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    start_date = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(null=True, blank=True)
    written_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reports_batch_state_known",
                condition=Q(
                    state__in=[
                        *("uploaded", "checking", "refused", "ready", "writing", "written", "undoing", "undone"),
                    ]
                ),
            ),
            models.CheckConstraint(name="reports_batch_step_within", condition=Q(step__lte=F("steps"))),
            models.CheckConstraint(
                name="reports_batch_written_by",
                condition=Q(written_at=None, written_by=None) | Q(written_at__isnull=False, written_by__isnull=False),
            ),
            models.CheckConstraint(
                name="reports_batch_undone_by",
                condition=Q(undone_at=None, undone_by=None) | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["organisation", "-created_at"], name="reports_batch_latest")]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.CHECKING, self.State.WRITING, self.State.UNDOING)


class ImportChunk(OrganisationModel):
    """Some checked ratings of a file, all of some clients', written and undone in one step.

    `ratings` wait to be written; `made` are the ids of the clients, episodes, sessions and ratings that came of them.
    """

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="chunks")
    position = models.PositiveIntegerField()
    ratings = models.JSONField(null=True, blank=True)
    made = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "position"], name="reports_chunk_position_once")]
