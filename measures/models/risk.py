import uuid
from collections.abc import Collection

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import In

from accounts.access import reach, supervised_by, writing_for
from accounts.models import OrganisationModel, User

DONE_LENGTH = 2_000
EPISODE = "rating__session__episode"
# The therapist whom it concerns now: of an episode that was handed over the one who took over last.
RESPONSIBLE = Coalesce(
    F(f"{EPISODE}__later_therapists__0"), F(f"{EPISODE}__therapist_id"), output_field=models.UUIDField()
)


class RiskAnswerQuerySet(models.QuerySet["RiskAnswer"]):
    def visible_to(self, user: User) -> "RiskAnswerQuerySet":
        return self.filter(reach(user, f"{EPISODE}__therapist"))

    def open(self) -> "RiskAnswerQuerySet":
        return self.filter(acknowledged_at=None, withdrawn_at=None)

    def to_act_on(self, user: User) -> "RiskAnswerQuerySet":
        return self.filter(is_to_act_on(user))


def is_of(therapists: QuerySet[User] | Collection[uuid.UUID | str]) -> Q:
    return Q(In(RESPONSIBLE, therapists.values("pk") if isinstance(therapists, QuerySet) else therapists))


def is_to_act_on(user: User) -> Q:
    """Who may acknowledge a risk answer: the client's therapist now or who covers for them, and once it was passed on
    whoever supervises them."""
    return is_of(writing_for(user)) | (Q(passed_on_at__isnull=False) & is_of(supervised_by(user)))


class RiskAnswer(OrganisationModel):
    """What a rating says of harm: shown at once, also where the rating itself still waits.

    It is open until somebody has acknowledged it with what was done, or a correction has taken it back; the row stays.
    """

    # The one that raised it. A correction with the same answers about harm leaves it as it is.
    rating = models.OneToOneField("measures.Rating", on_delete=models.PROTECT, related_name="risk_answer")
    # Answers by the number of their item, as given; of this rating nothing else.
    answers = models.JSONField()
    raised_at = models.DateTimeField(db_default=Now())
    passed_on_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    done = models.TextField(max_length=DONE_LENGTH, validators=[MaxLengthValidator(DONE_LENGTH)], blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    # Why it was taken back.
    note = models.CharField(max_length=200, blank=True)

    # Whether the reader may, where a selector has asked.
    may_acknowledge: bool
    may_read_done: bool

    objects = RiskAnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="measures_risk_answered", condition=~Q(answers={})),
            models.CheckConstraint(
                name="measures_risk_acknowledged_with_what_was_done",
                condition=Q(acknowledged_at=None, acknowledged_by=None, done="")
                | (Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False) & ~Q(done="")),
            ),
            models.CheckConstraint(
                name="measures_risk_withdrawn_with_note",
                condition=Q(withdrawn_at=None, note="") | (Q(withdrawn_at__isnull=False) & ~Q(note="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["organisation"],
                condition=Q(acknowledged_at=None, withdrawn_at=None),
                name="measures_risk_open",
            ),
        ]

    def __str__(self) -> str:
        return f"risk answer, {self.rating}"

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None and self.withdrawn_at is None
