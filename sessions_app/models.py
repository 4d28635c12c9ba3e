from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.access import reach
from accounts.models import OrganisationModel, User
from clients.models import Episode

NOTE_LENGTH = 20_000


class Attendance(models.TextChoices):
    ATTENDED = "attended", "Attended"
    LATE = "late", "Late"
    CANCELLED_EARLY = "cancelled-early", "Cancelled, early"
    CANCELLED_LATE = "cancelled-late", "Cancelled, under 24 h"
    CANCELLED_BY_SERVICE = "cancelled-by-service", "Cancelled by us"
    DID_NOT_ATTEND = "did-not-attend", "Did not attend"


TOOK_PLACE = (Attendance.ATTENDED, Attendance.LATE)


class Phase(models.TextChoices):
    """Where a meeting stands in the episode. Only those of the therapy itself count in trends."""

    BEFORE = "before", "Before the therapy"
    THERAPY = "therapy", "Therapy"
    FOLLOW_UP = "follow-up", "Follow-up"


class Format(models.TextChoices):
    IN_PERSON = "in-person", "In person"
    VIDEO = "video", "Video"
    PHONE = "phone", "Phone"
    NOT_RECORDED = "unknown", "Format not recorded"


class TherapySessionQuerySet(models.QuerySet["TherapySession"]):
    def visible_to(self, user: User) -> "TherapySessionQuerySet":
        return self.filter(reach(user, "episode__therapist"))


class TherapySession(OrganisationModel):
    """One planned meeting, attended or not. Every one takes a number, so a gap stays visible."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="sessions")
    number = models.PositiveSmallIntegerField()
    held_on = models.DateField()
    attendance = models.CharField(max_length=20, choices=Attendance, default=Attendance.ATTENDED)
    format = models.CharField(max_length=10, choices=Format, default=Format.IN_PERSON)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.THERAPY)
    # What an imported file calls this meeting, where that is more than its number.
    label = models.CharField(max_length=20, blank=True)
    is_date_assumed = models.BooleanField(default=False)
    note = models.TextField(max_length=NOTE_LENGTH, validators=[MaxLengthValidator(NOTE_LENGTH)], blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # The therapist asked to see the client's rating without giving one of their own.
    waived_at = models.DateTimeField(null=True, blank=True)
    waived_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = TherapySessionQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["episode", "number"], name="sessions_app_session_number_once"),
            models.CheckConstraint(
                name="sessions_app_session_number_from_1", condition=Q(number__gte=1) | Q(number=0, phase="before")
            ),
            models.CheckConstraint(name="sessions_app_session_phase_known", condition=Q(phase__in=Phase.values)),
            models.CheckConstraint(
                name="sessions_app_session_attendance_known", condition=Q(attendance__in=Attendance.values)
            ),
            models.CheckConstraint(name="sessions_app_session_format_known", condition=Q(format__in=Format.values)),
            models.CheckConstraint(
                name="sessions_app_session_waived_by",
                condition=Q(waived_at=None, waived_by=None) | Q(waived_at__isnull=False, waived_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"session {self.number}"

    @property
    def name(self) -> str:
        """How a chart's axis and a table call it: its number, or what the file it came from calls it."""
        return self.label or str(self.number)

    @property
    def took_place(self) -> bool:
        return self.attendance in TOOK_PLACE


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
