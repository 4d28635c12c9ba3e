"""What a therapist settles for one client, and what is entered from paper."""

from collections.abc import Mapping
from datetime import date, datetime, time

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.access import check_own
from accounts.audit import record_event
from accounts.models import User
from clients.models import Episode
from sessions_app.models import TherapySession

from .. import catalogue, scoring
from ..battery import ASKED, Entry
from ..instruments import Edition
from ..models import BatteryOverride, Rater, Rating, RatingRequest
from ..totals import check_totals, score_of_total
from . import check_took_place, locked_session, revoke_request, store


@transaction.atomic
def set_override(*, episode: Episode, entry: Entry, by: User) -> BatteryOverride:
    """Rate something with one client in a rhythm of their own, or not at all. Raises ValidationError."""
    check_own(by, episode.responsible_id)
    instrument = catalogue.known([entry.instrument]).get(entry.instrument)
    if instrument is None or entry.rater not in instrument.editions or entry.rater not in ASKED:
        raise ValidationError({"measure": "Choose what is rated, and by whom."})
    if not catalogue.is_on(entry.instrument):
        raise ValidationError({"measure": f"{instrument.name} is off in your service."})
    override, _is_new = BatteryOverride.objects.update_or_create(
        episode=episode,
        instrument=entry.instrument,
        rater=entry.rater,
        defaults={"rhythm": entry.rhythm.value, "every": entry.every, "changed_at": Now(), "changed_by": by},
        create_defaults={
            "organisation_id": episode.organisation_id,
            "rhythm": entry.rhythm.value,
            "every": entry.every,
            "changed_by": by,
        },
    )
    record_event(
        "episode.battery-changed",
        override,
        organisation_id=episode.organisation_id,
        client_id=episode.client_id,
        by=by,
        fields=[entry.instrument, entry.rater, entry.rhythm.value],
    )
    return override


@transaction.atomic
def remove_override(*, override: BatteryOverride, by: User) -> None:
    """Rate with this client as the service does again."""
    episode = override.episode
    check_own(by, episode.responsible_id)
    record_event(
        "episode.battery-reset",
        override,
        organisation_id=episode.organisation_id,
        client_id=episode.client_id,
        by=by,
        fields=[override.instrument, override.rater],
    )
    override.delete()


@transaction.atomic
def enter_from_paper(
    *,
    session: TherapySession,
    instrument: str,
    rater: str,
    filled_in_on: date,
    answers: Mapping[int, float | None],
    totals: Mapping[str, object],
    by: User,
) -> Rating:
    """Store a rating that was filled in on paper: by its answers, or where there are none by its totals.

    An earlier entry is corrected; what the client sent through a link is theirs and stays. Raises
    scoring.AnswerProblem naming items or scales, or ValidationError.
    """
    check_own(by, session.episode.responsible_id)
    session = locked_session(session.pk)
    check_took_place(session)
    edition = catalogue.edition(instrument, rater)
    check_enterable(session, edition, filled_in_on)
    checked = scoring.check_answers(edition, answers) if edition.items else {}
    given = check_totals(edition, totals)
    is_answered = any(answer is not None for answer in checked.values())
    if is_answered == bool(given):
        raise ValidationError(
            "Give either the answers or the totals, not both." if given else "Nothing is entered yet."
        )
    scores = (
        list(scoring.score_checked(edition, checked).scores.values())
        if is_answered
        else [score_of_total(edition, scale, total) for scale, total in given.items()]
    )
    rating = Rating(
        organisation_id=session.organisation_id,
        session=session,
        instrument=instrument,
        rater=rater,
        edition_version=edition.version,
        answers={str(number): answer for number, answer in checked.items()} if is_answered else {},
        submitted_at=noon_of(filled_in_on),
        submitted_by=None if rater == Rater.CLIENT else by,
        entered_at=timezone.now(),
        entered_by=by,
    )
    if rater == Rater.CLIENT:
        open_links = RatingRequest.objects.filter(session=session, instrument=instrument)
        for request in open_links.filter(revoked_at=None, redeemed_at=None):
            revoke_request(request=request, by=by)
    return store(rating, scores)


def check_enterable(session: TherapySession, edition: Edition, filled_in_on: date) -> None:
    if not catalogue.is_on(edition.instrument):
        raise ValidationError("This instrument is off in your service. An administrator can switch it on.")
    if filled_in_on > timezone.localdate():
        raise ValidationError({"filled_in_on": "This date is in the future."})
    if filled_in_on < session.episode.started_on:
        started = f"{session.episode.started_on:%-d %B %Y}"
        raise ValidationError({"filled_in_on": f"The episode started on {started}. Choose that day or a later one."})
    there = Rating.objects.current().filter(
        session=session, instrument=edition.instrument, rater=edition.rater, entered_at=None
    )
    if edition.rater != Rater.THERAPIST and there.exists():
        raise ValidationError("This session has such a rating that was not entered from paper. It stands as it came.")


def noon_of(day: date) -> datetime:
    """The paper knows no hour; and nothing is filled in later than now."""
    return min(timezone.make_aware(datetime.combine(day, time(12))), timezone.now())
