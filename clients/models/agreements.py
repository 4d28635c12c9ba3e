"""Goals and tasks as they stand, and every agreement on them as it was made."""

from typing import Any

from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.access import reach
from accounts.models import OrganisationModel, User

from .. import states, targets, wording
from .episodes import Episode

TEXT_LENGTH = 300
WORDS_LENGTH = 2_000


class OfEpisodeQuerySet(models.QuerySet[Any]):
    """Rows of an episode's record: whoever may read the episode may read them."""

    def visible_to(self, user: User) -> "OfEpisodeQuerySet":
        return self.filter(reach(user, "episode__therapist"))


def words_field(**options: Any) -> "models.TextField[str, str]":
    return models.TextField(max_length=WORDS_LENGTH, validators=[MaxLengthValidator(WORDS_LENGTH)], **options)


def grade_field(lowest: int = 0) -> "models.PositiveSmallIntegerField[int | None, int | None]":
    """A number to 10 that somebody may leave open."""
    validators = [MinValueValidator(lowest), MaxValueValidator(10)]
    return models.PositiveSmallIntegerField(null=True, blank=True, validators=validators)


def amount_field() -> "models.FloatField[float | None, float | None]":
    """A number on a goal's measure, which counts from 0."""
    return models.FloatField(null=True, blank=True, validators=[MinValueValidator(0)])


class GoalStatus(models.TextChoices):
    OPEN = states.OPEN_GOAL, "Open"
    REACHED = states.REACHED, "Reached"
    DROPPED = states.DROPPED, "Dropped"


class TaskStatus(models.TextChoices):
    PROPOSED = states.PROPOSED, "Proposed"
    NEGOTIATED = states.NEGOTIATED, "Being negotiated"
    AGREED = states.AGREED, "Agreed"
    DONE = states.DONE, "Done"
    PARTLY = states.PARTLY, "Partly done"
    NOT_DONE = states.NOT_DONE, "Not done"
    DROPPED = states.DROPPED, "Dropped"


class Proposer(models.TextChoices):
    CLIENT = "client", "The client"
    THERAPIST = "therapist", "The therapist"
    BOTH = "both", "Both together"


class Agreeable(OrganisationModel):
    """What two people can agree on, with the day on which each of them did."""

    text = models.CharField(max_length=TEXT_LENGTH)
    client_agreed_on = models.DateField(null=True, blank=True)
    therapist_agreed_on = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.text

    @property
    def is_agreed(self) -> bool:
        return bool(self.client_agreed_on and self.therapist_agreed_on)


class Goal(Agreeable):
    """What client and therapist work towards, as it stands now; `Agreement` keeps what it was before."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="goals")
    metric = models.CharField(max_length=120, blank=True)
    baseline = amount_field()
    target = models.FloatField(null=True, blank=True)
    is_target_relative = models.BooleanField(default=False)
    importance = grade_field(1)
    status = models.CharField(max_length=10, choices=GoalStatus, default=GoalStatus.OPEN)
    ended_on = models.DateField(null=True, blank=True)

    objects = OfEpisodeQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(name="clients_goal_text_given", condition=~Q(text="")),
            models.CheckConstraint(
                name="clients_goal_baseline_from_0", condition=Q(baseline=None) | Q(baseline__gte=0)
            ),
            models.CheckConstraint(
                name="clients_goal_target_possible",
                condition=Q(target=None, is_target_relative=False)
                | Q(target__gte=0, is_target_relative=False)
                | Q(target__gte=-100, is_target_relative=True),
            ),
            models.CheckConstraint(
                name="clients_goal_importance_1_to_10",
                condition=Q(importance=None) | Q(importance__gte=1, importance__lte=10),
            ),
            models.CheckConstraint(
                name="clients_goal_ends_with_status",
                condition=Q(status="open", ended_on=None)
                | Q(status__in=["reached", "dropped"], ended_on__isnull=False),
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.status == GoalStatus.OPEN

    @property
    def aim(self) -> targets.Target | None:
        return None if self.target is None else targets.Target(self.target, self.is_target_relative)

    @property
    def aim_in_words(self) -> str:
        return targets.aim_in_words(self.aim, baseline=self.baseline, metric=self.metric)

    @property
    def question(self) -> str:
        """What to ask while nobody can tell how it would be noticed; empty where that is said."""
        return wording.question_about(self.text, is_measured=bool(self.metric) and self.target is not None)

    def towards(self, now: float | None) -> targets.Progress:
        return targets.progress_towards(self.aim, baseline=self.baseline, now=now)


class Task(Agreeable):
    """What is to be done for a goal, here or in between, as it stands now. An easier one points to the one it eases."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="tasks")
    goal = models.ForeignKey(Goal, null=True, blank=True, on_delete=models.PROTECT, related_name="tasks")
    rationale = words_field(blank=True)
    proposed_by = models.CharField(max_length=10, choices=Proposer)
    difficulty_proposed = grade_field()
    difficulty_agreed = grade_field()
    status = models.CharField(max_length=10, choices=TaskStatus, default=TaskStatus.PROPOSED)
    step_down_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="easier")

    objects = OfEpisodeQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(name="clients_task_text_given", condition=~Q(text="")),
            models.CheckConstraint(name="clients_task_proposer_known", condition=Q(proposed_by__in=Proposer.values)),
            models.CheckConstraint(
                name="clients_task_difficulties_to_10",
                condition=(Q(difficulty_proposed=None) | Q(difficulty_proposed__lte=10))
                & (Q(difficulty_agreed=None) | Q(difficulty_agreed__lte=10)),
            ),
            # Names every state there is, and when both must have agreed.
            models.CheckConstraint(
                name="clients_task_state_agreed_by_both",
                condition=Q(status="dropped")
                | Q(status__in=states.AGREED_BY_BOTH, client_agreed_on__isnull=False, therapist_agreed_on__isnull=False)
                | (
                    Q(status__in=["proposed", "negotiated"], difficulty_agreed=None)
                    & (Q(client_agreed_on=None) | Q(therapist_agreed_on=None))
                ),
            ),
            models.CheckConstraint(name="clients_task_eases_another", condition=~Q(step_down_of=F("pk"))),
        ]

    @property
    def difficulty(self) -> int | None:
        return self.difficulty_proposed if self.difficulty_agreed is None else self.difficulty_agreed

    @property
    def is_open(self) -> bool:
        return self.status in states.OPEN

    @property
    def takes_outcomes(self) -> bool:
        """Both have agreed to it, so it can be asked whether it was done."""
        return self.status in states.AGREED_BY_BOTH

    @property
    def can_be_dropped(self) -> bool:
        return states.after(self.status, states.DROP) is not None

    @property
    def can_be_agreed(self) -> bool:
        return states.after(self.status, states.AGREE) is not None


class AgreementKind(models.TextChoices):
    PROPOSED = "proposed", "Proposed"
    AGREED = "agreed", "Agreed"
    RENEGOTIATED = "renegotiated", "Renegotiated"
    STEPPED_DOWN = "stepped-down", "Stepped down"
    LEVELS = "levels", "Five levels written"
    REACHED = "reached", "Reached"
    DROPPED = "dropped", "Dropped"
    TAKEN_UP = "taken-up", "Taken up again"


class Agreement(OrganisationModel):
    """One thing said about a goal or a task on one day, with its terms as they were then. Added, never changed."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="agreements")
    goal = models.ForeignKey(Goal, null=True, blank=True, on_delete=models.PROTECT, related_name="history")
    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.PROTECT, related_name="history")
    kind = models.CharField(max_length=12, choices=AgreementKind)
    happened_on = models.DateField()
    by_client = models.BooleanField(default=False)
    by_therapist = models.BooleanField(default=False)
    text = models.CharField(max_length=TEXT_LENGTH)
    metric = models.CharField(max_length=120, blank=True)
    baseline = models.FloatField(null=True, blank=True)
    target = models.FloatField(null=True, blank=True)
    is_target_relative = models.BooleanField(default=False)
    importance = models.PositiveSmallIntegerField(null=True, blank=True)
    rationale = words_field(blank=True)
    difficulty = models.PositiveSmallIntegerField(null=True, blank=True)
    why = words_field(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = OfEpisodeQuerySet.as_manager()

    class Meta:
        ordering = ["happened_on", "created_at"]
        constraints = [
            models.CheckConstraint(
                name="clients_agreement_of_goal_or_task",
                condition=Q(goal=None, task__isnull=False) | Q(goal__isnull=False, task=None),
            ),
            models.CheckConstraint(name="clients_agreement_kind_known", condition=Q(kind__in=AgreementKind.values)),
        ]

    @property
    def tone(self) -> str:
        """How its badge is coloured: agreed by both, or reached, is settled."""
        is_settled = (self.by_client and self.by_therapist) or self.kind == AgreementKind.REACHED
        return "settled" if is_settled else "neutral"

    @property
    def terms(self) -> str:
        """What was to be agreed on then, beside its text."""
        if self.task_id:
            return "" if self.difficulty is None else f"difficulty {self.difficulty}"
        aim = None if self.target is None else targets.Target(self.target, self.is_target_relative)
        return targets.aim_in_words(aim, baseline=self.baseline, metric=self.metric)


class AttainmentScale(OrganisationModel):
    """The five levels of a goal as they were written on a day, −2 to +2; another wording is another row."""

    goal = models.ForeignKey(Goal, on_delete=models.PROTECT, related_name="scales")
    written_on = models.DateField()
    much_less = models.CharField(max_length=TEXT_LENGTH)
    less = models.CharField(max_length=TEXT_LENGTH)
    expected = models.CharField(max_length=TEXT_LENGTH)
    more = models.CharField(max_length=TEXT_LENGTH)
    much_more = models.CharField(max_length=TEXT_LENGTH)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                name="clients_scale_all_five_written",
                condition=~(Q(much_less="") | Q(less="") | Q(expected="") | Q(more="") | Q(much_more="")),
            )
        ]

    @property
    def levels(self) -> list[tuple[str, str]]:
        """ "−2" to "+2" with what would be seen there."""
        texts = (self.much_less, self.less, self.expected, self.more, self.much_more)
        return [(targets.signed(level), text) for level, text in enumerate(texts, start=-2)]
