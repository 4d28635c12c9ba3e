from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.access import reach, supervises, writes
from accounts.models import OrganisationModel, User

DONE_LENGTH = 2_000
THERAPIST = "rating__session__episode__therapist"


class RiskAnswerQuerySet(models.QuerySet["RiskAnswer"]):
    def visible_to(self, user: User) -> "RiskAnswerQuerySet":
        return self.filter(reach(user, THERAPIST))

    def open(self) -> "RiskAnswerQuerySet":
        return self.filter(acknowledged_at=None, withdrawn_at=None)

    def to_act_on(self, user: User) -> "RiskAnswerQuerySet":
        return self.filter(is_to_act_on(user))


def is_to_act_on(user: User) -> Q:
    """Who may acknowledge a risk answer: whoever writes in the episode, and once it was passed on its supervisor."""
    return writes(user, THERAPIST) | (Q(passed_on_at__isnull=False) & supervises(user, THERAPIST))


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
