"""Risk answers: raised with the rating, acknowledged with what was done, passed on when nobody has."""

import uuid
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from accounts.audit import record_event, record_events
from accounts.models import Organisation, User

from .. import catalogue
from ..models import Rating, RiskAnswer
from ..models.risk import RESPONSIBLE

CORRECTED = "The rating was corrected, and this is no longer what was answered."


class SettledMeanwhile(ValidationError):
    """Somebody else has acknowledged it, or a correction has taken it back."""


def note_risk(rating: Rating) -> None:
    """Raise what a new rating says of harm, and take back what it corrects; in the rating's own transaction.

    The same answers given again change nothing. Others in the place of an open one keep its time: a correction
    postpones nothing.
    """
    edition = catalogue.edition(rating.instrument, rating.rater)
    if not edition.risk_items:
        return
    numbers = edition.risk_in({int(number): answer for number, answer in rating.answers.items()})
    answers = {str(number): rating.answers[str(number)] for number in numbers}
    standing = RiskAnswer.objects.filter(
        rating__session=rating.session_id,
        rating__instrument=rating.instrument,
        rating__rater=rating.rater,
        withdrawn_at=None,
    )
    before = standing.select_for_update(of=("self",)).first()
    if before is not None and before.answers == answers:
        return
    times: dict[str, Any] = {}
    if before is not None:
        if before.is_open:
            times = {"raised_at": before.raised_at, "passed_on_at": before.passed_on_at}
        RiskAnswer.objects.filter(pk=before.pk).update(withdrawn_at=Now(), note=CORRECTED)
        record_event("risk-answer.withdrawn", before, by=rating.entered_by or rating.submitted_by, **about(rating))
    if answers:
        raised = RiskAnswer(organisation_id=rating.organisation_id, rating=rating, answers=answers, **times)
        raised.save(force_insert=True)
        record_event("risk-answer.raised", raised, by=rating.entered_by or rating.submitted_by, **about(rating))


def about(rating: Rating) -> dict[str, Any]:
    return {"organisation_id": rating.organisation_id, "client_id": rating.session.episode.client_id}


def check_may_acknowledge(user: User, answer: RiskAnswer) -> None:
    """Raises PermissionDenied, which answers 403."""
    if not RiskAnswer.objects.to_act_on(user).filter(pk=answer.pk).exists():
        raise PermissionDenied("This answer is the therapist’s to acknowledge, until it is passed on.")


@transaction.atomic
def acknowledge_risk(*, answer: RiskAnswer, done: str, by: User) -> None:
    """Say what was done about it. Raises SettledMeanwhile, and ValidationError where nothing is said."""
    check_may_acknowledge(by, answer)
    if not done.strip():
        raise ValidationError({"done": "Write what was done, or why nothing needed to be."})
    answer.done = done.strip()
    answer.check_values()
    waiting = RiskAnswer.objects.open().filter(pk=answer.pk)
    if not waiting.update(acknowledged_at=Now(), acknowledged_by=by, done=answer.done):
        raise SettledMeanwhile("This was acknowledged, or taken back, meanwhile. Look at how it stands now.")
    record_event("risk-answer.acknowledged", answer, by=by, **about(answer.rating))


@transaction.atomic
def pass_on_risk_answers(*, organisation_id: uuid.UUID) -> int:
    """Make those that waited for the service's hours the supervisor's to act on, too; returns how many.

    Those of a therapist who can no longer sign in wait for nobody. Doing it twice changes nothing.
    """
    hours = Organisation.objects.values_list("risk_hours", flat=True).get(pk=organisation_id)
    waited = Q(raised_at__lte=Now() - timedelta(hours=hours))
    there = User.objects.filter(pk=OuterRef("responsible"), is_active=True, is_therapist=True)
    due = list(
        RiskAnswer.objects.open()
        .alias(responsible=RESPONSIBLE)
        .filter(waited | ~Exists(there), organisation_id=organisation_id, passed_on_at=None)
        .select_related("rating__session__episode")
        .select_for_update(of=("self",))
    )
    RiskAnswer.objects.filter(pk__in=[answer.pk for answer in due]).update(passed_on_at=Now())
    passed_on = [(answer, answer.rating.session.episode.client_id) for answer in due]
    record_events("risk-answer.passed-on", passed_on, organisation_id=organisation_id, by=None)
    return len(due)
