from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.access import reach
from accounts.models import OrganisationModel, User
from sessions_app.models import TherapySession

from . import states, wording
from .detection import PRESETS, Preset

NOTE_LENGTH = 400


class State(models.TextChoices):
    NEW = states.NEW, "New"
    CONFIRMED = states.CONFIRMED, "Confirmed as a rupture"
    DISMISSED = states.DISMISSED, "Dismissed"
    EXPIRED = states.EXPIRED, "Not answered in time"
    WITHDRAWN = states.WITHDRAWN, "Withdrawn"


class Reason(models.TextChoices):
    """Why a signal is dismissed."""

    TALKED = "talked", "We talked, and it was no strain between us"
    OUTSIDE = "outside", "Something outside the therapy explains it"
    MISTAKE = "mistake", "The rating was not meant like that"
    USUAL = "usual", "Usual for this client"
    OTHER = "other", "Another reason"


class SignalQuerySet(models.QuerySet["Signal"]):
    def visible_to(self, user: User) -> "SignalQuerySet":
        return self.filter(reach(user, "session__episode__therapist"))


class Signal(OrganisationModel):
    """A session that the rules noticed: a possible rupture, until somebody who was there says what it was.

    `numbers` holds every series that was judged, `group` the (rater, scale) that fell most together; `scale` is the one
    of them that fell most, `rater` whose rating of it the sentence is about. `rule` is ours, judged at a `rate` and
    with a `tail`, or a preset, which has neither.
    """

    session = models.ForeignKey(TherapySession, on_delete=models.CASCADE, related_name="signals")
    instrument = models.CharField(max_length=40)
    rule = models.CharField(max_length=40)
    rater = models.CharField(max_length=10)
    scale = models.CharField(max_length=30)
    rate = models.CharField(max_length=10, blank=True)
    tail = models.FloatField(null=True, blank=True)
    numbers = models.JSONField()
    group = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    # Why the evidence is gone.
    note = models.CharField(max_length=NOTE_LENGTH, blank=True)
    reason = models.CharField(max_length=10, choices=Reason, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField(db_default=Now())

    objects = SignalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "instrument", "rule"], name="ruptures_signal_evidence_once"),
            models.CheckConstraint(name="ruptures_signal_state_known", condition=Q(state__in=states.STATES)),
            models.CheckConstraint(
                name="ruptures_signal_rate_with_tail",
                condition=Q(tail=None, rate="") | (Q(tail__isnull=False) & ~Q(rate="")),
            ),
            models.CheckConstraint(
                name="ruptures_signal_answered_by",
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
            ),
            models.CheckConstraint(
                name="ruptures_signal_answer_has_time",
                condition=Q(state__in=sorted(states.ANSWERED), answered_at__isnull=False)
                | (~Q(state__in=sorted(states.ANSWERED)) & Q(answered_at=None)),
            ),
            models.CheckConstraint(
                name="ruptures_signal_dismissed_with_reason",
                condition=(Q(state="dismissed") & ~Q(reason="")) | (~Q(state="dismissed") & Q(reason="")),
            ),
            models.CheckConstraint(
                name="ruptures_signal_withdrawn_with_note", condition=~Q(state="withdrawn") | ~Q(note="")
            ),
        ]
        indexes = [
            models.Index(fields=["organisation"], condition=Q(state="new"), name="ruptures_signal_new"),
        ]

    def __str__(self) -> str:
        return f"possible rupture, {self.session}"

    @property
    def looks(self) -> list[wording.Number]:
        return [wording.Number(**number) for number in self.numbers]

    @property
    def lowest(self) -> wording.Number:
        return next(look for look in self.looks if (look.rater, look.scale) == (self.rater, self.scale))

    @property
    def sentence(self) -> str:
        group = [(rater, scale) for rater, scale in self.group]
        if self.preset:
            return wording.sentence_of_fall(self.lowest, group, label=self.preset.label)
        return wording.sentence(self.lowest, group, rate=self.rate)

    @property
    def preset(self) -> Preset | None:
        return PRESETS.get(self.rule)

    @property
    def conversation(self) -> tuple[str, ...]:
        return wording.conversation(self.scale)

    @property
    def can_be_confirmed(self) -> bool:
        return State.CONFIRMED in states.ANSWERS[self.state]

    @property
    def can_be_dismissed(self) -> bool:
        return State.DISMISSED in states.ANSWERS[self.state]


class Recompute(OrganisationModel):
    """All trends of the organisation computed again: asked for a few episodes a step, going on from `last_episode`."""

    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField()
    last_episode = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"], condition=Q(finished_at=None), name="ruptures_recompute_one_under_way"
            ),
            models.CheckConstraint(name="ruptures_recompute_done_within", condition=Q(done__lte=F("total"))),
        ]
