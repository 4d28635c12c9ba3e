"""What becomes of a client's comment."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.access import check_own
from accounts.audit import changed_fields, record_event
from accounts.idempotency import StaleVersion
from accounts.models import User

from ..models import CommentFollowUp, RaisedBy, Rating


@transaction.atomic
def deliver_comments(*, ratings: Iterable[Rating], by: User) -> None:
    """Note, the first time, that the therapist has read what the client wrote. Gives each rating its `follow_up`."""
    for rating in ratings:
        check_own(by, rating.session.episode.responsible_id)
        follow_up, is_first = CommentFollowUp.objects.get_or_create(
            rating=rating, defaults={"organisation_id": rating.organisation_id, "delivered_by": by}
        )
        rating.follow_up = follow_up
        if is_first:
            record_event("comment.delivered", follow_up, by=by, **about(rating))


@transaction.atomic
def follow_up_comment(
    *,
    rating: Rating,
    version: int,
    raised_by: str,
    discussed_on: date | None,
    answer: str = "",
    followed_up_on: date | None = None,
    outcome: str = "",
    by: User,
) -> None:
    """Say who brought a comment up, what was said, and what came of it.

    Raises StaleVersion when `version` is not the saved one, and ValidationError naming the field.
    """
    check_own(by, rating.session.episode.responsible_id)
    values: dict[str, Any] = {
        "raised_by": raised_by,
        "discussed_on": discussed_on,
        "answer": answer.strip(),
        "followed_up_on": followed_up_on,
        "outcome": outcome.strip(),
    }
    check_days(rating, **values)
    follow_up = CommentFollowUp.objects.get(rating=rating)
    changed = changed_fields(follow_up, values)
    for name in changed:
        setattr(follow_up, name, values[name])
    follow_up.check_values()
    saved = CommentFollowUp.objects.filter(pk=follow_up.pk, version=version).update(version=F("version") + 1, **values)
    if not saved:
        raise StaleVersion(CommentFollowUp.objects.get(pk=follow_up.pk))
    record_event("comment.followed-up", follow_up, by=by, fields=changed, **about(rating))


def check_days(
    rating: Rating,
    *,
    raised_by: str,
    discussed_on: date | None,
    followed_up_on: date | None,
    outcome: str,
    **_: Any,
) -> None:
    today, held_on = timezone.localdate(), rating.session.held_on
    if raised_by == RaisedBy.NOBODY:
        if discussed_on or followed_up_on or outcome:
            raise ValidationError(
                {"raised_by": "What was talked about or followed up was brought up by somebody. By whom?"}
            )
        return
    if discussed_on is None:
        raise ValidationError({"discussed_on": "Enter the day on which you talked about it."})
    if not held_on <= discussed_on <= today:
        raise ValidationError({"discussed_on": f"Enter a day from {held_on:%-d %B %Y}, the session’s, to today."})
    if followed_up_on and not discussed_on <= followed_up_on <= today:
        raise ValidationError({"followed_up_on": "Enter a day from the one you talked about it to today."})
    if outcome and not followed_up_on:
        raise ValidationError({"followed_up_on": "Enter the day on which you saw what came of it."})


def about(rating: Rating) -> dict[str, Any]:
    return {"organisation_id": rating.organisation_id, "client_id": rating.session.episode.client_id}
