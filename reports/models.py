from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import OrganisationModel, User
from clients.models import Client

PURPOSE_LENGTH = 300


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


class Export(OrganisationModel):
    """A file out of the record, made a few episodes at a time: who asked for what, how far it is, until when it lasts.

    making → ready → expired; or taken back by whoever asked, or refused where they may not see so much any more.
    `after` is the last episode that is in it. Only who asked for it sees it.
    """

    class State(models.TextChoices):
        MAKING = "making", "Being made"
        READY = "ready", "Ready"
        EXPIRED = "expired", "Expired"
        CANCELLED = "cancelled", "Cancelled"
        REFUSED = "refused", "Not made"

    class Format(models.TextChoices):
        CSV = "csv", "CSV files"
        XLSX = "xlsx", "Excel workbook"
        SAV = "sav", "SPSS files"
        REDCAP = "redcap", "Files for REDCap"
        FHIR = "fhir", "FHIR bundles"
        PACK = "pack", "Pack for the client"

    class Scope(models.TextChoices):
        SERVICE = "service", "The whole service"
        OWN = "own", "My clients, and those I cover for"
        CLIENT = "client", "One client"

    class Problem(models.TextChoices):
        """Why it was not made. What breaks is a failed job instead, and can be tried again."""

        ACCESS = "access", "You may not see all of it any more: a role or a cover has ended since."

    format = models.CharField(max_length=10, choices=Format)
    scope = models.CharField(max_length=10, choices=Scope)
    # Whose clients, where these are not the whole service's: as it was when it was asked for.
    therapists = ArrayField(models.UUIDField(), default=list, blank=True)
    since = models.DateField(null=True, blank=True)
    until = models.DateField(null=True, blank=True)
    # Of a pack for a client: who it is, and whether the author of process notes lets them have these.
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    with_process_notes = models.BooleanField(default=False, db_default=False)
    is_identifying = models.BooleanField(default=False)
    purpose = models.CharField(max_length=PURPOSE_LENGTH, blank=True)
    has_mark = models.BooleanField(default=True)
    state = models.CharField(max_length=10, choices=State, default=State.MAKING)
    problem = models.CharField(max_length=10, choices=Problem, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField()
    after = models.UUIDField(null=True, blank=True)
    # How many rows each file has so far.
    rows = models.JSONField(default=dict, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ready_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    downloaded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reports_export_state_known",
                condition=Q(state__in=["making", "ready", "expired", "cancelled", "refused"]),
            ),
            models.CheckConstraint(
                name="reports_export_format_known",
                condition=Q(format__in=["csv", "xlsx", "sav", "redcap", "fhir", "pack"]),
            ),
            models.CheckConstraint(name="reports_export_done_within", condition=Q(done__lte=F("total"))),
            models.CheckConstraint(
                name="reports_export_identifying_with_purpose", condition=Q(is_identifying=False) | ~Q(purpose="")
            ),
            models.CheckConstraint(
                name="reports_export_period_in_order",
                condition=Q(since=None) | Q(until=None) | Q(until__gte=F("since")),
            ),
            models.CheckConstraint(
                name="reports_export_own_names_therapists",
                condition=Q(scope__in=["service", "client"], therapists=[]) | Q(scope="own"),
            ),
            models.CheckConstraint(
                name="reports_export_pack_of_a_client",
                condition=Q(scope="client", format="pack", client__isnull=False, is_identifying=True)
                | (~Q(scope="client") & ~Q(format="pack") & Q(client=None, with_process_notes=False)),
            ),
            models.CheckConstraint(
                name="reports_export_refused_with_problem",
                condition=(Q(state="refused") & ~Q(problem="")) | (~Q(state="refused") & Q(problem="")),
            ),
            models.CheckConstraint(
                name="reports_export_ready_expires",
                condition=Q(state__in=["making", "refused"], ready_at=None, expires_at=None, size=None)
                | Q(state__in=["ready", "expired"], ready_at__isnull=False, expires_at__isnull=False, size__gte=1)
                | ~Q(state__in=["making", "refused", "ready", "expired"]),
            ),
        ]
        indexes = [models.Index(fields=["created_by", "-created_at"], name="reports_export_latest")]

    def __str__(self) -> str:
        is_pack = self.format == self.Format.PACK
        return (
            "Everything held about a client" if is_pack else f"{self.get_format_display()}: {self.get_scope_display()}"
        )

    @property
    def is_under_way(self) -> bool:
        return self.state == self.State.MAKING

    @property
    def is_ready(self) -> bool:
        """Whether there is a file; the clock may be ahead of the job that removes it."""
        return self.state == self.State.READY and self.expires_at is not None and self.expires_at > timezone.now()


class ExportPart(OrganisationModel):
    """Some rows of one file of an export, compressed; or, with an empty name, a piece of what is downloaded."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts")
    name = models.CharField(max_length=30, blank=True)
    position = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["export", "name", "position"], name="reports_part_position_once")
        ]


class LegalHold(OrganisationModel):
    """While it stands, nothing of the client is erased, whoever asks for it and however long it has been kept."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=PURPOSE_LENGTH, validators=[MaxLengthValidator(PURPOSE_LENGTH)])
    set_at = models.DateTimeField(db_default=Now())
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client"], condition=Q(lifted_at=None), name="reports_hold_one_standing"),
            models.CheckConstraint(name="reports_hold_with_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="reports_hold_lifted_by",
                condition=Q(lifted_at=None, lifted_by=None) | Q(lifted_at__isnull=False, lifted_by__isnull=False),
            ),
        ]


class RetentionNotice(OrganisationModel):
    """Since when it stands on the page of retention that a client's record is due to be erased."""

    client = models.OneToOneField(Client, on_delete=models.PROTECT, related_name="+")
    noticed_on = models.DateField()


class Erasure(OrganisationModel):
    """The erasure of one client: asked for, carried out in steps, and then the proof of it, which names nobody.

    requested → erasing → done; or declined by an administrator, or taken back by whoever asked. `done` counts the
    steps; `ids` are the rows as they were found, kept until it is proved that they are gone. What remains is how many
    rows there were of each table (`before`), how many there are (`after`, all 0), what else spoke of the client and was
    put right (`traces`), and `tombstone`, a keyed hash of the client's id.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "Asked for"
        ERASING = "erasing", "Being erased"
        DONE = "done", "Erased"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Taken back"

    class Reason(models.TextChoices):
        CLIENT = "client", "The client asked for it"
        MISTAKE = "mistake", "Recorded by mistake"
        OTHER = "other", "Another reason"
        RETENTION = "retention", "Kept for as long as the service keeps records"
        RESTORED = "restored", "Erased before, and brought back by a backup"

    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=10, choices=Reason)
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    requested_at = models.DateTimeField(db_default=Now())
    requested_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveIntegerField(default=0)
    ids = models.JSONField(default=dict, blank=True)
    before = models.JSONField(default=dict, blank=True)
    after = models.JSONField(default=dict, blank=True)
    traces = models.JSONField(default=dict, blank=True)
    # The id of a key, a colon, and the hash.
    tombstone = models.CharField(max_length=105, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reports_erasure_state_known",
                condition=Q(state__in=["requested", "erasing", "done", "declined", "withdrawn"]),
            ),
            models.CheckConstraint(
                name="reports_erasure_asked_by_a_person",
                condition=Q(reason__in=["retention", "restored"], requested_by=None)
                | Q(reason__in=["client", "mistake", "other"], requested_by__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["client"], condition=Q(state__in=["requested", "erasing"]), name="reports_erasure_one_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["organisation", "tombstone"],
                condition=~Q(tombstone="") & ~Q(reason="restored"),
                name="reports_erasure_tombstone_once",
            ),
            models.CheckConstraint(
                name="reports_erasure_done_names_nobody",
                condition=(
                    Q(state="done", client=None, ids={}, finished_at__isnull=False) & ~Q(after={}) & ~Q(tombstone="")
                )
                | (~Q(state="done") & Q(client__isnull=False, finished_at=None, after={}, tombstone="")),
            ),
        ]
        indexes = [models.Index(fields=["organisation", "-requested_at"], name="reports_erasure_latest")]

    def __str__(self) -> str:
        return "Erasure"

    @property
    def is_open(self) -> bool:
        return self.state == self.State.REQUESTED

    @property
    def is_under_way(self) -> bool:
        return self.state == self.State.ERASING
