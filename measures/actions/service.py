"""What an administrator settles: what is on, under which licence, in which words, and what is rated when."""

from collections.abc import Sequence
from datetime import date

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone

from accounts.audit import record_event, record_events
from accounts.idempotency import taken_means
from accounts.models import Organisation, User

from .. import catalogue, wordings
from ..battery import ASKED, DEFAULT, Entry
from ..instruments import Edition, Instrument
from ..languages import LANGUAGES
from ..models import BatteryEntry, InstrumentUse, Licence, RatingRequest, Wording

Words = Sequence[Sequence[str]]


def check_administrator(user: User) -> None:
    if not user.is_administrator:
        raise PermissionDenied("Only an administrator settles what the service rates with.")


def instrument_of(code: str) -> Instrument:
    found = catalogue.known([code]).get(code)
    if found is None:
        raise ValidationError("There is no such instrument.")
    return found


@transaction.atomic
def record_licence(*, instrument: str, statement: str, dated_on: date, name: str, by: User) -> Licence:
    """Keep what allows the service to use an instrument; the same statement again is the one that is there."""
    check_administrator(by)
    stated = {
        "instrument": instrument_of(instrument).code,
        "statement": statement.strip(),
        "dated_on": dated_on,
        "name": name.strip(),
    }
    if dated_on > timezone.localdate():
        raise ValidationError({"dated_on": "This date is in the future. Record a licence when it holds."})
    there = Licence.objects.filter(**stated).first()
    if there is not None:
        return there
    licence = Licence(organisation_id=by.organisation_id, recorded_by=by, **stated)
    licence.check_values()
    licence.save(force_insert=True)
    record_event("licence.recorded", licence, organisation_id=by.organisation_id, by=by, fields=[instrument])
    return licence


@transaction.atomic
def switch_instrument(*, instrument: str, is_on: bool, by: User) -> None:
    """Switch an instrument on or off. Off, open links to it stop working; ratings stay.

    Raises ValidationError when it needs a licence and none is recorded.
    """
    check_administrator(by)
    found = instrument_of(instrument)
    if is_on and not found.is_on_by_default and not Licence.objects.filter(instrument=instrument).exists():
        raise ValidationError(f"{found.name} stays off until a licence is recorded. Record it first.")
    use, is_new = InstrumentUse.objects.get_or_create(
        organisation_id=by.organisation_id, instrument=instrument, defaults={"is_on": is_on, "changed_by": by}
    )
    if not is_new:
        InstrumentUse.objects.filter(pk=use.pk).update(is_on=is_on, changed_at=Now(), changed_by=by)
    record_event(
        "instrument.switched-on" if is_on else "instrument.switched-off",
        use,
        organisation_id=by.organisation_id,
        by=by,
        fields=[instrument],
    )
    if not is_on:
        withdraw_links(instrument=instrument, by=by)


@transaction.atomic
def withdraw_links(*, instrument: str, by: User) -> None:
    waiting = RatingRequest.objects.filter(instrument=instrument, revoked_at=None, redeemed_at=None)
    requests = list(waiting.select_related("session__episode"))
    waiting.update(revoked_at=Now(), revoked_by=by)
    events = [(request, request.session.episode.client_id) for request in requests]
    record_events("link.revoked", events, organisation_id=by.organisation_id, by=by)


@transaction.atomic
def record_wording(
    *,
    edition: Edition,
    language: str,
    items: Words,
    introduction: str = "",
    notice: str = "",
    licence: Licence,
    by: User,
) -> Wording:
    """Keep the words of an edition in one language; those that were there before end, and their ratings keep them.

    Raises ValidationError when words of this language ship, or when these do not fit the edition or its licence.
    """
    check_administrator(by)
    if licence.instrument != edition.instrument:
        raise ValidationError("This licence is for another instrument.")
    if language in edition.languages:
        raise ValidationError({"language": "These words ship with the program and stay as they are. Choose another."})
    if language not in LANGUAGES or edition.rater not in ASKED:
        raise ValidationError({"language": "Choose a language."})
    if len(items) != edition.number_of_items or any(len(words) != 3 or not words[0] for words in items):
        raise ValidationError({"text": f"Give one line for each of the {edition.number_of_items} items."})
    same = {
        "instrument": edition.instrument,
        "rater": edition.rater,
        "edition_version": edition.version,
        "language": language,
    }
    before = Wording.objects.filter(**same)
    wordings.in_force().filter(**same).update(ended_at=Now(), ended_by=by)
    wording = Wording(
        organisation_id=by.organisation_id,
        version=(before.aggregate(last=Max("version"))["last"] or 0) + 1,
        items=[list(words) for words in items],
        introduction=introduction.strip(),
        notice=notice.strip(),
        licence=licence,
        recorded_by=by,
        **same,
    )
    wording.check_values()
    with taken_means(ValidationError("Somebody recorded these words just now. Look at them, and paste yours again.")):
        wording.save(force_insert=True)
    fields = [edition.instrument, edition.rater, language]
    record_event("wording.recorded", wording, organisation_id=by.organisation_id, by=by, fields=fields)
    return wording


@transaction.atomic
def end_wording(*, wording: Wording, by: User) -> None:
    """Show these words to nobody any more. Ratings that were made with them keep them."""
    check_administrator(by)
    if wordings.in_force().filter(pk=wording.pk).update(ended_at=Now(), ended_by=by):
        fields = [wording.instrument, wording.rater, wording.language]
        record_event("wording.ended", wording, organisation_id=by.organisation_id, by=by, fields=fields)
        if not wordings.languages_of(wording.instrument):
            withdraw_links(instrument=wording.instrument, by=by)


@transaction.atomic
def add_entry(*, entry: Entry, by: User) -> BatteryEntry:
    """Put an instrument into the service's battery, last. Raises ValidationError when it is there or can't be."""
    check_administrator(by)
    found = instrument_of(entry.instrument)
    if entry.rater not in found.editions or entry.rater not in ASKED:
        raise ValidationError({"measure": f"{found.name} is not rated by the {entry.rater}."})
    if not catalogue.is_on(entry.instrument):
        raise ValidationError({"measure": f"{found.name} is off. Switch it on first."})
    now = held_rows(by)
    twice = ValidationError({"measure": f"{found.name} by the {entry.rater} is there already, {entry.in_words}."})
    if any(row.entry.pair == entry.pair and row.rhythm == entry.rhythm for row in now):
        raise twice
    row = BatteryEntry(
        organisation_id=by.organisation_id,
        instrument=entry.instrument,
        rater=entry.rater,
        rhythm=entry.rhythm.value,
        every=entry.every,
        position=max((row.position for row in now), default=0) + 1,
        added_by=by,
    )
    row.check_values()
    with taken_means(twice):
        row.save(force_insert=True)
    fields = [entry.instrument, entry.rater, entry.rhythm.value]
    record_event("battery.entry-added", row, organisation_id=by.organisation_id, by=by, fields=fields)
    return row


@transaction.atomic
def remove_entry(*, entry: Entry, by: User) -> None:
    """Take an instrument out of the battery. Sessions that were logged before owe it still."""
    check_administrator(by)
    row = next((row for row in held_rows(by) if row.entry == entry), None)
    if row is not None and BatteryEntry.objects.filter(pk=row.pk, removed_at=None).update(
        removed_at=Now(), removed_by=by
    ):
        fields = [entry.instrument, entry.rater, entry.rhythm.value]
        record_event("battery.entry-removed", row, organisation_id=by.organisation_id, by=by, fields=fields)


@transaction.atomic
def move_entry(*, entry: Entry, by: User) -> None:
    """Ask for an instrument before the one that stands above it."""
    check_administrator(by)
    found = held_rows(by)
    place = next((place for place, row in enumerate(found) if row.entry == entry), 0)
    if place == 0:
        return
    found.insert(place - 1, found.pop(place))
    for position, row in enumerate(found, start=1):
        BatteryEntry.objects.filter(pk=row.pk).update(position=position)
    record_event("battery.entry-moved", found[place - 1], organisation_id=by.organisation_id, by=by)


def held_rows(person: User) -> list[BatteryEntry]:
    """The battery's lines. The usual ones are written down the first time that somebody changes them.

    Two who change it take turns.
    """
    organisation = Organisation.objects.select_for_update(no_key=True).get(pk=person.organisation_id)
    own = BatteryEntry.objects.filter(organisation=organisation)
    if not own.exists():
        BatteryEntry.objects.bulk_create(
            BatteryEntry(
                organisation=organisation,
                instrument=entry.instrument,
                rater=entry.rater,
                rhythm=entry.rhythm.value,
                every=entry.every,
                position=position,
                added_at=organisation.created_at,
                added_by=person,
            )
            for position, entry in enumerate(DEFAULT, start=1)
        )
    return list(own.filter(removed_at=None))
