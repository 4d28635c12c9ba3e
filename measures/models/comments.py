from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import OrganisationModel, User

ANSWER_LENGTH = 2_000


class RaisedBy(models.TextChoices):
    CLIENT = "client", "The client"
    THERAPIST = "therapist", "The therapist"
    NOBODY = "nobody", "Nobody: there is nothing in it to talk about"


TALKED = (RaisedBy.CLIENT, RaisedBy.THERAPIST)


class CommentFollowUp(OrganisationModel):
    """What became of a client's comment: read by the therapist, talked about, answered, followed up. One per rating."""

    rating = models.OneToOneField("measures.Rating", on_delete=models.CASCADE, related_name="follow_up")
    delivered_at = models.DateTimeField(db_default=Now())
    delivered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # Who brought it up; empty until somebody has said so.
    raised_by = models.CharField(max_length=10, choices=RaisedBy, blank=True)
    discussed_on = models.DateField(null=True, blank=True)
    answer = models.TextField(max_length=ANSWER_LENGTH, validators=[MaxLengthValidator(ANSWER_LENGTH)], blank=True)
    followed_up_on = models.DateField(null=True, blank=True)
    outcome = models.TextField(max_length=ANSWER_LENGTH, validators=[MaxLengthValidator(ANSWER_LENGTH)], blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="measures_followup_raised_by_known", condition=Q(raised_by__in=["", *RaisedBy.values])
            ),
            models.CheckConstraint(
                name="measures_followup_discussed_by_somebody",
                condition=Q(raised_by__in=TALKED, discussed_on__isnull=False)
                | (~Q(raised_by__in=TALKED) & Q(discussed_on=None)),
            ),
            models.CheckConstraint(
                name="measures_followup_after_discussion",
                condition=Q(followed_up_on=None) | Q(followed_up_on__gte=F("discussed_on")),
            ),
            models.CheckConstraint(
                name="measures_followup_outcome_has_a_day", condition=Q(outcome="") | Q(followed_up_on__isnull=False)
            ),
        ]

    @property
    def is_open(self) -> bool:
        """Nobody has said yet whether it was talked about."""
        return not self.raised_by
