from typing import Any

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.access import reach
from accounts.encryption import EncryptedTextField
from accounts.models import OrganisationModel, Supervision, User
from clients import states, targets
from clients.models import AttainmentScale, Episode, Goal, Task, amount_field, grade_field, words_field

from .drafts import LogDraft as LogDraft

NOTE_LENGTH = 20_000
LINE_LENGTH = 300


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
    # One line for whoever opens the page before the next session.
    next_time = models.CharField(max_length=LINE_LENGTH, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # The therapist asked to see the client's rating without giving one of their own.
    waived_at = models.DateTimeField(null=True, blank=True)
    waived_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

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


class OfSessionQuerySet(models.QuerySet[Any]):
    """What was recorded of a session: whoever may read the session may read it."""

    def visible_to(self, user: User) -> "OfSessionQuerySet":
        return self.filter(reach(user, "session__episode__therapist"))


class GoalProgress(OrganisationModel):
    """Where a goal stood in a session: 0 to 10 as both see it, the number on its measure, the level written before."""

    goal = models.ForeignKey(Goal, on_delete=models.PROTECT, related_name="progress")
    session = models.ForeignKey(TherapySession, on_delete=models.PROTECT, related_name="progress")
    progress = grade_field()
    measured = amount_field()
    level = models.SmallIntegerField(null=True, blank=True)
    scale = models.ForeignKey(AttainmentScale, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = OfSessionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["goal", "session"], name="sessions_app_progress_once"),
            models.CheckConstraint(
                name="sessions_app_progress_0_to_10", condition=Q(progress=None) | Q(progress__lte=10)
            ),
            models.CheckConstraint(
                name="sessions_app_progress_measured_from_0", condition=Q(measured=None) | Q(measured__gte=0)
            ),
            models.CheckConstraint(
                name="sessions_app_progress_level_of_a_scale",
                condition=Q(level=None, scale=None) | Q(level__gte=-2, level__lte=2, scale__isnull=False),
            ),
            models.CheckConstraint(
                name="sessions_app_progress_says_something",
                condition=Q(progress__isnull=False) | Q(measured__isnull=False) | Q(level__isnull=False),
            ),
        ]

    @property
    def label(self) -> str:
        return f"On the way, {self.session}"

    @property
    def measured_in_words(self) -> str:
        return "" if self.measured is None else targets.plain(self.measured)

    @property
    def level_in_words(self) -> str:
        return targets.signed(self.level) if self.level is not None else ""


class Outcome(models.TextChoices):
    DONE = states.DONE, "Done"
    PARTLY = states.PARTLY, "Partly"
    NOT_DONE = states.NOT_DONE, "Not done"
    NOT_ASKED = "not-asked", "Not asked"


class TaskOutcome(OrganisationModel):
    """What became of a task by a session, and what got in the way: something to learn from, never counted up."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="outcomes")
    session = models.ForeignKey(TherapySession, on_delete=models.PROTECT, related_name="outcomes")
    outcome = models.CharField(max_length=10, choices=Outcome)
    got_in_the_way = words_field(blank=True)
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = OfSessionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "session"], name="sessions_app_outcome_once"),
            models.CheckConstraint(name="sessions_app_outcome_known", condition=Q(outcome__in=Outcome.values)),
        ]


class FirstChallenge(OrganisationModel):
    """The session in which behaviour was challenged for the first time: the second phase begins with it."""

    episode = models.OneToOneField(Episode, on_delete=models.PROTECT, related_name="first_challenge")
    session = models.OneToOneField(TherapySession, on_delete=models.PROTECT, related_name="first_challenge")
    what = words_field(blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = OfSessionQuerySet.as_manager()

    def __str__(self) -> str:
        return "The first challenge"


class ConditionsRater(models.TextChoices):
    THERAPIST = "therapist", "Therapist"
    SUPERVISOR = "supervisor", "Supervisor"


class CoreConditions(OrganisationModel):
    """Rogers' three conditions in a session, 0 to 10: by its therapist, or by a supervisor it was discussed with."""

    session = models.ForeignKey(TherapySession, on_delete=models.PROTECT, related_name="core_conditions")
    rater = models.CharField(max_length=10, choices=ConditionsRater)
    congruence = grade_field()
    regard = grade_field()
    empathy = grade_field()
    rated_at = models.DateTimeField(db_default=Now())
    rated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = OfSessionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "rated_by"], name="sessions_app_conditions_once_a_person"),
            models.CheckConstraint(
                name="sessions_app_conditions_rater_known", condition=Q(rater__in=ConditionsRater.values)
            ),
            models.CheckConstraint(
                name="sessions_app_conditions_0_to_10",
                condition=(Q(congruence=None) | Q(congruence__lte=10))
                & (Q(regard=None) | Q(regard__lte=10))
                & (Q(empathy=None) | Q(empathy__lte=10)),
            ),
            models.CheckConstraint(
                name="sessions_app_conditions_say_something",
                condition=Q(congruence__isnull=False) | Q(regard__isnull=False) | Q(empathy__isnull=False),
            ),
        ]


class ProcessNoteQuerySet(models.QuerySet["ProcessNote"]):
    def visible_to(self, user: User) -> "ProcessNoteQuerySet":
        """The author's own, and what those whom this person supervises now have marked for them. Nobody else's.

        Whose episode it is does not count: neither who takes it over nor who covers for the author sees a note.
        """
        own = models.Q(author=user)
        if not user.is_supervisor:
            return self.filter(own)
        supervised = Supervision.objects.current().filter(supervisor=user).values("therapist")
        return self.filter(own | models.Q(shared_with_supervisor=True, author__in=supervised))


class ProcessNote(OrganisationModel):
    """What a therapist thinks about a session, or an episode: theirs, and no part of the record.

    It has no way back from session or episode, so that no page comes upon it by accident.
    """

    session = models.ForeignKey(TherapySession, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    episode = models.ForeignKey(Episode, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = EncryptedTextField(validators=[MaxLengthValidator(NOTE_LENGTH)])
    shared_with_supervisor = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    objects = ProcessNoteQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="sessions_app_processnote_about_one",
                condition=Q(session=None, episode__isnull=False) | Q(session__isnull=False, episode=None),
            ),
        ]
        indexes = [models.Index(fields=["author", "-created_at"], name="sessions_app_processnote_own")]

    @property
    def whole_episode(self) -> Episode:
        """The episode it is about, be it through one of its sessions."""
        episode = self.session.episode if self.session else self.episode
        assert episode is not None
        return episode
