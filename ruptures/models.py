from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.access import reach
from accounts.models import OrganisationModel, User
from sessions_app.models import TherapySession

from . import lifecycle, states, suggestions, vocabulary, wording
from .detection import PRESETS, Preset

NOTE_LENGTH = 400
STORY_LENGTH = 4_000
CORRECTED = "corrected"


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
    # What the therapist says it was: several signals may be of one rupture, and none of two.
    rupture = models.ForeignKey("Rupture", null=True, blank=True, on_delete=models.PROTECT, related_name="signals")
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
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

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
    def component(self) -> str:
        """Goal, task or bond; empty for a total."""
        return self.scale if self.scale in vocabulary.codes(vocabulary.COMPONENTS) else ""

    @property
    def conversation(self) -> tuple[str, ...]:
        return wording.conversation(self.scale)

    @property
    def can_be_confirmed(self) -> bool:
        return State.CONFIRMED in states.ANSWERS[self.state]

    @property
    def can_be_dismissed(self) -> bool:
        """What has become a rupture is dismissed on the rupture's own page."""
        return State.DISMISSED in states.ANSWERS[self.state] and self.rupture_id is None


def one_to_five(**more: Any) -> "models.PositiveSmallIntegerField[int | None, int | None]":
    limits = [MinValueValidator(vocabulary.LOWEST), MaxValueValidator(vocabulary.HIGHEST)]
    return models.PositiveSmallIntegerField(null=True, blank=True, validators=limits, **more)


def is_one_to_five(field: str) -> Q:
    return Q(**{field: None}) | Q(**{f"{field}__gte": vocabulary.LOWEST, f"{field}__lte": vocabulary.HIGHEST})


class RuptureQuerySet(models.QuerySet["Rupture"]):
    def visible_to(self, user: User) -> "RuptureQuerySet":
        return self.filter(reach(user, "session__episode__therapist"))

    def open(self) -> "RuptureQuerySet":
        return self.filter(state__in=lifecycle.OPEN)


class Rupture(OrganisationModel):
    """A strain between client and therapist, from the suspicion to what became of it; `lifecycle` says who may what.

    `strain` is what the client's strain check said, where that noticed it; signals that were confirmed hang on it.
    Empty words mean that nobody has said so yet.
    """

    session = models.ForeignKey(TherapySession, on_delete=models.PROTECT, related_name="ruptures")
    type = models.CharField(max_length=20, choices=vocabulary.choices(vocabulary.TYPES), blank=True)
    markers = ArrayField(
        models.CharField(max_length=30, choices=vocabulary.choices(vocabulary.MARKERS)), default=list, blank=True
    )
    component = models.CharField(max_length=10, choices=vocabulary.choices(vocabulary.COMPONENTS), blank=True)
    intensity = one_to_five()
    noticed_by = models.CharField(max_length=20, choices=vocabulary.choices(vocabulary.NOTICED_BY))
    what_happened = models.TextField(max_length=STORY_LENGTH, validators=[MaxLengthValidator(STORY_LENGTH)], blank=True)
    strain = models.JSONField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=list(lifecycle.LABELS.items()))
    reason = models.CharField(
        max_length=10, choices=[*Reason.choices, (CORRECTED, "The client’s rating was corrected")], blank=True
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    # Nobody where the client's corrected rating closed it.
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    # Nobody where the client's strain check made it.
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = RuptureQuerySet.as_manager()

    class Meta:
        ordering = ["session__number", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(strain__isnull=False), name="ruptures_rupture_strain_once"
            ),
            models.CheckConstraint(
                name="ruptures_rupture_markers_of_type",
                condition=Q(
                    type=vocabulary.WITHDRAWAL,
                    markers__contained_by=vocabulary.codes(vocabulary.MARKERS, vocabulary.WITHDRAWAL),
                )
                | Q(
                    type=vocabulary.CONFRONTATION,
                    markers__contained_by=vocabulary.codes(vocabulary.MARKERS, vocabulary.CONFRONTATION),
                )
                | Q(type=vocabulary.MIXED, markers__contained_by=vocabulary.codes(vocabulary.MARKERS))
                | Q(type="", markers=[]),
            ),
            models.CheckConstraint(
                name="ruptures_rupture_component_known",
                condition=Q(component__in=["", *vocabulary.codes(vocabulary.COMPONENTS)]),
            ),
            models.CheckConstraint(name="ruptures_rupture_intensity_1_to_5", condition=is_one_to_five("intensity")),
            models.CheckConstraint(
                name="ruptures_rupture_noticed_by_known",
                condition=Q(noticed_by__in=vocabulary.codes(vocabulary.NOTICED_BY)),
            ),
            models.CheckConstraint(
                name="ruptures_rupture_confirmed_by",
                condition=Q(confirmed_at=None, confirmed_by=None)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="ruptures_rupture_confirmed_first",
                condition=Q(state=lifecycle.SUSPECTED, confirmed_at=None)
                | Q(
                    state__in=[lifecycle.CONFIRMED, lifecycle.IN_REPAIR, lifecycle.RESOLVED],
                    confirmed_at__isnull=False,
                )
                | Q(state__in=[lifecycle.UNRESOLVED, lifecycle.DISMISSED]),
            ),
            models.CheckConstraint(
                name="ruptures_rupture_closed_at",
                condition=Q(state__in=lifecycle.OPEN, closed_at=None)
                | Q(state__in=lifecycle.CLOSED, closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="ruptures_rupture_closed_by",
                condition=Q(closed_at=None, closed_by=None)
                | Q(closed_at__isnull=False, closed_by__isnull=False)
                | Q(closed_at__isnull=False, reason=CORRECTED),
            ),
            models.CheckConstraint(
                name="ruptures_rupture_dismissed_with_reason",
                condition=(Q(state=lifecycle.DISMISSED) & ~Q(reason=""))
                | (~Q(state=lifecycle.DISMISSED) & Q(reason="")),
            ),
        ]
        indexes = [
            models.Index(fields=["organisation"], condition=Q(state__in=lifecycle.OPEN), name="ruptures_rupture_open"),
        ]

    def __str__(self) -> str:
        return f"{self.name.lower()}, {self.session}"

    @property
    def name(self) -> str:
        """What it is called: by its type, and a possible one until somebody says that it was."""
        if self.confirmed_at is None or self.state == lifecycle.DISMISSED:
            return "Possible rupture"
        return {vocabulary.WITHDRAWAL: "Withdrawal", vocabulary.CONFRONTATION: "Confrontation"}.get(
            self.type, "Rupture"
        )

    @property
    def is_open(self) -> bool:
        return self.state in lifecycle.OPEN

    @property
    def marker_words(self) -> list[str]:
        return vocabulary.words_of(vocabulary.MARKERS, self.markers)

    @property
    def ways(self) -> tuple[str, ...]:
        """The states that its therapist may put it into."""
        return lifecycle.ways(self.state, lifecycle.THERAPIST)

    @property
    def suggestions(self) -> tuple[suggestions.Suggestion, ...]:
        return suggestions.suggestions(self.type, self.component)


class RepairAttemptQuerySet(models.QuerySet["RepairAttempt"]):
    def visible_to(self, user: User) -> "RepairAttemptQuerySet":
        return self.filter(reach(user, "rupture__session__episode__therapist"))


class RepairAttempt(OrganisationModel):
    """What was tried in one session to mend a rupture, how the client took it, and how far it is resolved."""

    rupture = models.ForeignKey(Rupture, on_delete=models.PROTECT, related_name="attempts")
    session = models.ForeignKey(TherapySession, on_delete=models.PROTECT, related_name="repair_attempts")
    strategies = ArrayField(models.CharField(max_length=30, choices=vocabulary.choices(vocabulary.STRATEGIES)))
    acknowledged_own_contribution = models.BooleanField(default=False)
    talked_about_relationship = models.BooleanField(default=False)
    client_response = models.CharField(max_length=20, choices=vocabulary.choices(vocabulary.RESPONSES), blank=True)
    resolved = one_to_five()
    note = models.TextField(max_length=STORY_LENGTH, validators=[MaxLengthValidator(STORY_LENGTH)], blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = RepairAttemptQuerySet.as_manager()

    class Meta:
        ordering = ["session__number", "created_at"]
        constraints = [
            models.CheckConstraint(
                name="ruptures_attempt_strategies_known",
                condition=Q(strategies__len__gte=1)
                & Q(strategies__contained_by=vocabulary.codes(vocabulary.STRATEGIES)),
            ),
            models.CheckConstraint(
                name="ruptures_attempt_owned_part_is_acknowledged",
                condition=Q(acknowledged_own_contribution=True) | ~Q(strategies__contains=[vocabulary.OWNS_A_PART]),
            ),
            models.CheckConstraint(
                name="ruptures_attempt_about_relationship",
                condition=Q(talked_about_relationship=True)
                | ~Q(strategies__overlap=list(vocabulary.ABOUT_THE_RELATIONSHIP)),
            ),
            models.CheckConstraint(
                name="ruptures_attempt_response_known",
                condition=Q(client_response__in=["", *vocabulary.codes(vocabulary.RESPONSES)]),
            ),
            models.CheckConstraint(name="ruptures_attempt_resolved_1_to_5", condition=is_one_to_five("resolved")),
        ]

    def __str__(self) -> str:
        return f"repair attempt, {self.session}"

    @property
    def strategy_words(self) -> list[str]:
        return vocabulary.words_of(vocabulary.STRATEGIES, self.strategies)


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
