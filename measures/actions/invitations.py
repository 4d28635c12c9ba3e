"""E-mails that bring clients their links: asked for in a transaction, sent by a job, each once."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from accounts.access import check_own
from accounts.audit import record_event
from accounts.mail import what_is_missing
from accounts.models import User
from jobs import actions as jobs
from jobs.models import Job, Route
from jobs.organisation import acting_in

from .. import mail, tokens
from ..mail import Outcome
from ..models import Invitation, RatingRequest
from ..timing import DAY, pause_after, reminder_at

log = structlog.get_logger(__name__)

SEND = "measures.send_invitation"
SWEPT = 5_000
Kind, State = Invitation.Kind, Invitation.State


@transaction.atomic
def invite(*, request: RatingRequest, due_at: datetime | None = None, kind: str = Kind.FIRST, by: User) -> Invitation:
    """Have a link sent to the client by e-mail, once, with one reminder before it ends.

    At `due_at`, or after the delay that the organisation chose. What was refused or dropped, or of which it is not
    known whether it was sent, is sent again, the reminder by its `kind`. Raises ValidationError when the client is
    not to be mailed, or was.
    """
    check_own(by, request.session.episode.responsible_id)
    request = (
        RatingRequest.objects.select_for_update(of=("self",), no_key=True)
        .select_related("organisation", "session__episode__client", "session__episode__therapist")
        .get(pk=request.pk)
    )
    now = timezone.now()
    due_at = due_at or now + timedelta(hours=request.organisation.mail_delay_hours)
    if reason := mail.why_not(request):
        raise ValidationError(reason)
    if due_at >= request.expires_at:
        raise ValidationError("The link will have ended by then. Choose an earlier time.")
    asked = request.mails.get(kind)
    if asked is None and kind == Kind.FIRST:
        asked = add(request, Kind.FIRST, due_at)
        reminder_due = reminder_at(due_at, request.expires_at, request.organisation.mail_reminder_hours)
        if reminder_due:
            add(request, Kind.REMINDER, reminder_due)
    elif asked is None or not asked.can_be_asked_for:
        raise ValidationError("This link is sent already.")
    is_due = due_at <= now
    due_now_or_then = Now() if is_due else due_at  # due by the clock that the job will ask
    Invitation.objects.filter(pk=asked.pk).update(state=State.WAITING, claimed_at=None, due_at=due_now_or_then)
    record_event("invitation.asked-for", asked, **about(asked), by=by)
    if is_due:
        jobs.request_job(task=SEND, object_id=asked.pk, organisation_id=asked.organisation_id)
    return asked


def add(request: RatingRequest, kind: str, due_at: datetime) -> Invitation:
    invitation = Invitation(organisation_id=request.organisation_id, request=request, kind=kind, due_at=due_at)
    invitation.stop_hash = tokens.hash_of(invitation.stop_token)
    invitation.save(force_insert=True)
    jobs.set_route(kind=Route.Kind.LINK, value=invitation.stop_token, organisation_id=invitation.organisation_id)
    return invitation


def about(invitation: Invitation) -> dict[str, Any]:
    """What every event of an invitation tells."""
    return {
        "organisation_id": invitation.organisation_id,
        "client_id": invitation.request.session.episode.client_id,
        "fields": [invitation.kind],
    }


def send_invitation(*, invitation_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    """Send an invitation that is due. Done again, or by two at once, it sends nothing more.

    Three steps, each committed before the next: claimed, handed over, marked. See docs/adr/0010.
    """
    if what_is_missing():
        return
    with acting_in(organisation_id):
        claimed = claim(invitation_id)
    if claimed is None:
        return
    invitation, message = claimed
    outcome = mail.hand_over(message)
    with acting_in(organisation_id):
        settle(invitation, outcome)


def claim(invitation_id: uuid.UUID) -> tuple[Invitation, EmailMessage] | None:
    """Take an invitation that is due and write its e-mail; None when there is nothing to send (any more)."""
    invitation = (
        due()
        .filter(pk=invitation_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("organisation", "request__session__episode__client", "request__session__episode__therapist")
        .first()
    )
    if invitation is None:
        return None
    mine = Invitation.objects.filter(pk=invitation_id)
    first = invitation.request.invitations.get(kind=Kind.FIRST)
    is_reminder = invitation.kind == Kind.REMINDER
    reminds_of_nothing = is_reminder and first.state not in {State.SENT, State.CLAIMED}
    if mail.why_not(invitation.request) or reminds_of_nothing:
        mine.update(state=State.DROPPED)
        record_event("invitation.dropped", invitation, **about(invitation), by=None)
        return None
    if is_reminder and first.claimed_at and first.claimed_at + DAY > timezone.now():
        mine.update(due_at=first.claimed_at + DAY)  # the first was late
        return None
    invitation.attempts += 1
    mine.update(state=State.CLAIMED, claimed_at=Now(), attempts=invitation.attempts)
    return invitation, mail.written(invitation)


def due() -> QuerySet[Invitation]:
    """Invitations to send now; and where handing over again adds nothing, those whose worker was lost, too."""
    waiting = Q(state=State.WAITING, due_at__lte=Now())
    lost = Q(state=State.CLAIMED, claimed_at__lt=Now() - jobs.LOST_AFTER)
    return Invitation.objects.filter(waiting | lost if mail.takes_once() else waiting)


def settle(invitation: Invitation, outcome: Outcome) -> None:
    """Mark what became of an e-mail that was claimed, unless it was claimed anew meanwhile.

    Where that is not known, the claim stays: nothing is sent again by itself.
    """
    mine = Invitation.objects.filter(pk=invitation.pk, state=State.CLAIMED, attempts=invitation.attempts)
    if outcome is Outcome.TAKEN and mine.update(state=State.SENT, sent_at=Now()):
        record_event("invitation.sent", invitation, **about(invitation), by=None)
    elif outcome is Outcome.REFUSED and mine.update(state=State.REFUSED):
        record_event("invitation.refused", invitation, **about(invitation), by=None)
    elif outcome is Outcome.LATER:
        mine.update(state=State.WAITING, claimed_at=None, due_at=Now() + pause_after(invitation.attempts))


@transaction.atomic
def sweep_invitations(*, organisation_id: uuid.UUID) -> int:
    """Ask for every e-mail that is due: delayed ones, reminders, and what was put off or forgotten.

    What failed for good is not asked for again before somebody does. Returns how many were asked for.
    """
    given_up = Job.objects.failed().filter(task=SEND, object_id=OuterRef("pk"), failed_at__gt=OuterRef("due_at"))
    found = due().filter(~Exists(given_up), organisation_id=organisation_id)
    ids = list(found.order_by("due_at").values_list("pk", flat=True)[:SWEPT])
    if ids and what_is_missing():
        log.error("e-mails wait: SMTP_URL, MAIL_FROM or PUBLIC_URL is missing", count=len(ids))
        return 0
    jobs.request_jobs(task=SEND, object_ids=ids, organisation_id=organisation_id)
    return len(ids)
