from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.access import supervised_by
from accounts.models import OrganisationModel, User
from clients.models import Episode
from ruptures import vocabulary

from . import states
from .practice import VOCABULARY

NOTES_LENGTH = 8_000
LINE_LENGTH = 300
TEXT_LENGTH = 1_000


def of_these_two(user: User, path: str = "") -> Q:
    """Rows of meetings that this person held, or was supervised in. `path` leads from the row to the meeting."""
    return Q(**{f"{path}supervisor": user}) | Q(**{f"{path}therapist": user})


def written(length: int, **more: Any) -> "models.TextField[str, str]":
    return models.TextField(max_length=length, validators=[MaxLengthValidator(length)], **more)


class MeetingQuerySet(models.QuerySet["Meeting"]):
    def visible_to(self, user: User) -> "MeetingQuerySet":
        return self.filter(of_these_two(user))


class Meeting(OrganisationModel):
    """A supervision meeting of two people, on the day it is planned for or was held. `states` says what becomes of it.

    The notes are the supervisor's; with `notes_shared` the therapist reads them, too, and nobody else ever.
    """

    supervisor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    held_on = models.DateField()
    state = models.CharField(max_length=10, choices=list(states.MEETINGS.items()), default=states.PLANNED)
    notes = written(NOTES_LENGTH, blank=True)
    notes_shared = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # When it was put into the state it is in; empty as long as it is in its first.
    moved_at = models.DateTimeField(null=True, blank=True)
    moved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = MeetingQuerySet.as_manager()

    class Meta:
        ordering = ["-held_on", "-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["supervisor", "therapist", "held_on"],
                condition=~Q(state=states.CALLED_OFF),
                name="supervision_meeting_once_a_day",
            ),
            models.CheckConstraint(name="supervision_meeting_two_people", condition=~Q(supervisor=F("therapist"))),
            models.CheckConstraint(
                name="supervision_meeting_state_known", condition=Q(state__in=list(states.MEETINGS))
            ),
            models.CheckConstraint(
                name="supervision_meeting_moved_by",
                condition=Q(moved_at=None, moved_by=None) | Q(moved_at__isnull=False, moved_by__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["therapist", "held_on"], name="supervision_meeting_therapist")]

    @property
    def is_open(self) -> bool:
        return self.state in (states.PLANNED, states.UNDER_WAY)

    @property
    def is_under_way(self) -> bool:
        return self.state == states.UNDER_WAY

    @property
    def ways(self) -> dict[str, str]:
        return states.ways(self.state)

    def notes_for(self, user: User) -> str:
        """What this person, one of the two, reads of the notes."""
        return self.notes if self.notes_shared or user.pk == self.supervisor_id else ""


class AgendaItemQuerySet(models.QuerySet["AgendaItem"]):
    def visible_to(self, user: User) -> "AgendaItemQuerySet":
        return self.filter(of_these_two(user))

    def waiting(self) -> "AgendaItemQuerySet":
        return self.filter(meeting=None, taken_off_at=None)


class AgendaItem(OrganisationModel):
    """An episode that somebody put on the agenda of two people, until it was talked about or taken off.

    It waits for whichever meeting comes next. What the program proposes is computed and becomes a row only once it is
    talked about; `told` are the reasons as they were then, and all that is left of them to whoever may not see the
    client any more.
    """

    supervisor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="agenda_items")
    why = written(LINE_LENGTH, blank=True)
    # Somebody put it there; otherwise it was proposed by the program.
    is_brought = models.BooleanField(default=True)
    meeting = models.ForeignKey(Meeting, null=True, blank=True, on_delete=models.PROTECT, related_name="items")
    told = written(TEXT_LENGTH * 4, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    discussed_at = models.DateTimeField(null=True, blank=True)
    discussed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    taken_off_at = models.DateTimeField(null=True, blank=True)
    taken_off_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = AgendaItemQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["supervisor", "episode"],
                condition=Q(meeting=None, taken_off_at=None),
                name="supervision_item_waits_once",
            ),
            models.UniqueConstraint(fields=["meeting", "episode"], name="supervision_item_once_a_meeting"),
            models.CheckConstraint(
                name="supervision_item_discussed_in_a_meeting",
                condition=Q(meeting=None, discussed_at=None, discussed_by=None, told="")
                | Q(meeting__isnull=False, discussed_at__isnull=False, discussed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="supervision_item_taken_off_by",
                condition=Q(taken_off_at=None, taken_off_by=None)
                | Q(taken_off_at__isnull=False, taken_off_by__isnull=False, meeting=None),
            ),
        ]

    @property
    def waits(self) -> bool:
        return self.meeting_id is None and self.taken_off_at is None


class NextStepQuerySet(models.QuerySet["NextStep"]):
    def visible_to(self, user: User) -> "NextStepQuerySet":
        return self.filter(of_these_two(user, "meeting__"))


class NextStep(OrganisationModel):
    """What one of the two will do until a day, and what came of it, in words; what the ratings say is computed.

    About one episode or about none. `component` is the one that was in question when it was agreed: its rating is
    followed.
    """

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="steps")
    episode = models.ForeignKey(Episode, null=True, blank=True, on_delete=models.PROTECT, related_name="next_steps")
    component = models.CharField(max_length=10, choices=vocabulary.choices(vocabulary.COMPONENTS), blank=True)
    text = written(LINE_LENGTH)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    status = models.CharField(max_length=10, choices=list(states.STEPS.items()), default=states.OPEN)
    outcome = written(TEXT_LENGTH, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = NextStepQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "created_at"]
        constraints = [
            models.CheckConstraint(name="supervision_step_status_known", condition=Q(status__in=list(states.STEPS))),
            models.CheckConstraint(
                name="supervision_step_component_of_an_episode",
                condition=Q(component="")
                | Q(component__in=vocabulary.codes(vocabulary.COMPONENTS), episode__isnull=False),
            ),
            models.CheckConstraint(
                name="supervision_step_settled_by",
                condition=Q(status=states.OPEN, settled_at=None, settled_by=None)
                | (~Q(status=states.OPEN) & Q(settled_at__isnull=False, settled_by__isnull=False)),
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.status == states.OPEN


class LearningTargetQuerySet(models.QuerySet["LearningTarget"]):
    def visible_to(self, user: User) -> "LearningTargetQuerySet":
        """The therapist's own, and those of whom they supervise now."""
        return self.filter(Q(therapist=user) | Q(therapist__in=supervised_by(user)))


class LearningTarget(OrganisationModel):
    """What a therapist and their supervisor have agreed to learn: to recognise some kinds of strain, or to repair in
    some ways. `codes` are those of `ruptures.vocabulary`; practice is counted from the record since `set_on`.
    """

    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=list(states.TARGETS.items()))
    codes = ArrayField(models.CharField(max_length=30))
    words = written(LINE_LENGTH, blank=True)
    set_on = models.DateField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = LearningTargetQuerySet.as_manager()

    class Meta:
        ordering = ["set_on", "created_at"]
        constraints = [
            models.CheckConstraint(
                name="supervision_target_in_vocabulary",
                condition=Q(codes__len__gte=1)
                & (
                    Q(kind=states.RECOGNISING, codes__contained_by=vocabulary.codes(vocabulary.MARKERS))
                    | Q(kind=states.REPAIRING, codes__contained_by=vocabulary.codes(vocabulary.STRATEGIES))
                ),
            ),
            models.CheckConstraint(
                name="supervision_target_ended_by",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.ended_at is None

    @property
    def code_words(self) -> list[str]:
        return vocabulary.words_of(VOCABULARY[self.kind], self.codes)
