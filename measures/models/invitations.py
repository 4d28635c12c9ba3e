from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import OrganisationModel
from jobs.actions import LOST_AFTER

from .. import tokens

OVERDUE_AFTER = timedelta(minutes=15)


class Invitation(OrganisationModel):
    """One e-mail that brings a client a link: the first about it, or its one reminder.

    waiting → claimed → sent; or refused by the mail server; or waiting again where it surely was not taken; or dropped
    when there was no reason left to send it. Claimed and not heard of since, it may have been sent: docs/adr/0010.
    """

    class Kind(models.TextChoices):
        FIRST = "first", "First"
        REMINDER = "reminder", "Reminder"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        CLAIMED = "claimed", "Being sent"
        SENT = "sent", "Sent"
        REFUSED = "refused", "Refused"
        DROPPED = "dropped", "Not sent"

    request = models.ForeignKey("measures.RatingRequest", on_delete=models.PROTECT, related_name="invitations")
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Of the token in the link that ends these e-mails; made again like the link's own.
    stop_hash = models.CharField(max_length=64, unique=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "kind"], name="measures_invitation_kind_once"),
            models.CheckConstraint(name="measures_invitation_kind_known", condition=Q(kind__in=["first", "reminder"])),
            models.CheckConstraint(
                name="measures_invitation_state_known",
                condition=Q(state__in=["waiting", "claimed", "sent", "refused", "dropped"]),
            ),
            models.CheckConstraint(
                name="measures_invitation_sent_at",
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at=None)),
            ),
            models.CheckConstraint(
                name="measures_invitation_claimed_at",
                condition=Q(state__in=["waiting", "dropped"]) | Q(claimed_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["organisation", "due_at"],
                condition=Q(state__in=["waiting", "claimed"]),
                name="measures_invitation_open",
            )
        ]

    @property
    def is_in_doubt(self) -> bool:
        """Its worker has not been heard of: the mail server may have taken it, or not."""
        return self.state == self.State.CLAIMED and bool(
            self.claimed_at and self.claimed_at < timezone.now() - LOST_AFTER
        )

    @property
    def is_later(self) -> bool:
        return self.due_at > timezone.now()

    @property
    def is_overdue(self) -> bool:
        """The sweep has had several turns: its job failed for good, or nobody works."""
        return self.state == self.State.WAITING and self.due_at < timezone.now() - OVERDUE_AFTER

    @property
    def can_be_asked_for(self) -> bool:
        """That it be sent now: not what is sent or being sent."""
        return self.is_in_doubt or self.state in {self.State.WAITING, self.State.REFUSED, self.State.DROPPED}

    @property
    def stop_token(self) -> str:
        return tokens.token_of(self.pk, self.request.nonce, salt=tokens.STOP)
