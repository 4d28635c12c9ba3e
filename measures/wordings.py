"""Questionnaires in words: those that ship, and those a service has recorded under its licence."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from accounts.models import User

from . import catalogue
from .battery import Pair
from .instruments import Edition, Instrument, instruments
from .languages import name_of
from .models import Licence, Rater, Rating, Wording


def in_force() -> QuerySet[Wording]:
    return Wording.objects.filter(ended_at=None)


def worded(edition: Edition, wording: Wording) -> Edition:
    """The edition with these words in its items."""
    items = tuple(
        replace(item, text=text, low=low, high=high)
        for item, (text, low, high) in zip(edition.items, wording.items, strict=True)
    )
    return replace(
        edition,
        items=items,
        translations={},
        language=wording.language,
        introduction=wording.introduction,
        notice=wording.notice,
        wording=str(wording.pk),
    )


def in_words(edition: Edition) -> dict[str, Edition]:
    """The edition in each language that it has words in: what ships first, then the service's own by name."""
    found = {language: edition.in_language(language) for language in edition.languages if edition.items}
    of_edition = {"instrument": edition.instrument, "rater": edition.rater, "edition_version": edition.version}
    own = sorted(in_force().filter(**of_edition), key=lambda wording: name_of(wording.language))
    for wording in own:
        found.setdefault(wording.language, worded(edition, wording))
    return found


def languages_of(instrument: str) -> tuple[str, ...]:
    """The languages a client can be asked in, the usual one first; none where the instrument is off."""
    return tuple(for_clients(instrument))


def is_our_translation(instrument: str, language: str) -> bool:
    """Whether the words in this language are our own translation, which the page then says."""
    shipped = instruments().get(instrument)
    return shipped is not None and language in shipped.editions[Rater.CLIENT].translations


def shown(wording_id: uuid.UUID | None, *, instrument: str, rater: str) -> Wording | None:
    """The service's own words that stood on a form; they may have ended since."""
    if wording_id is None:
        return None
    return Wording.objects.filter(pk=wording_id, instrument=instrument, rater=rater).first()


def for_clients(code: str) -> dict[str, Edition]:
    """What a client is asked, by language, the usual one first; empty where there are no words or it is off."""
    instrument = catalogue.those_on(catalogue.known([code])).get(code)
    if instrument is None or Rater.CLIENT not in instrument.editions:
        return {}
    return in_words(instrument.editions[Rater.CLIENT])


def therapist_edition(code: str) -> Edition:
    """What a therapist is asked: in words where there are any, else by the numbers of the items."""
    edition = catalogue.edition(code, Rater.THERAPIST)
    return next(iter(in_words(edition).values()), edition)


def edition_of(rating: Rating, edition: Edition) -> Edition:
    """The edition of a rating with the words it was made with, where those are the service's own."""
    is_same = rating.wording is not None and rating.wording.edition_version == edition.version
    return worded(edition, rating.wording) if rating.wording and is_same else edition


def codes_in_words(codes: set[str]) -> set[str]:
    """Those of some instruments that clients can be asked in words, in one query; whether they are on is not asked."""
    shipped = instruments()
    editions = {code: shipped[code].editions.get(Rater.CLIENT) for code in codes if code in shipped}
    found = {code for code, edition in editions.items() if edition is not None and edition.languages}
    own = in_force().filter(rater=Rater.CLIENT, instrument__in=codes - found)
    return found | {
        code
        for code, version in own.values_list("instrument", "edition_version")
        if (edition := editions.get(code)) is not None and edition.version == version
    }


# --- For whoever looks after them


def licences_of(instrument: str) -> list[Licence]:
    """What was recorded for an instrument, the latest first."""
    found = Licence.objects.filter(instrument=instrument).select_related("recorded_by")
    return list(found.order_by("-recorded_at", "-dated_on"))


def wordings_of(instrument: str) -> list[Wording]:
    """Every version of a service's words of an instrument, those in force first."""
    found = Wording.objects.filter(instrument=instrument).select_related("recorded_by", "ended_by", "licence")
    return sorted(found, key=lambda one: (one.ended_at is not None, one.rater, name_of(one.language), -one.version))


def in_force_of(edition: Edition, language: str) -> Wording | None:
    """The service's own words of an edition in a language."""
    of_edition = {"instrument": edition.instrument, "rater": edition.rater, "edition_version": edition.version}
    return in_force().filter(**of_edition, language=language).select_related("licence").first()


def wording_of(user: User, wording_id: uuid.UUID) -> Wording | None:
    return Wording.objects.filter(organisation_id=user.organisation_id, pk=wording_id).first()


@dataclass(frozen=True)
class InstrumentRow:
    """An instrument in the administrator's list."""

    instrument: Instrument
    is_on: bool
    languages: dict[str, list[str]]
    licence: Licence | None

    @property
    def needs_licence(self) -> bool:
        return not self.instrument.is_on_by_default and self.licence is None


def overview() -> list[InstrumentRow]:
    """Every instrument by name, with who reads it in which languages, in four queries."""
    found = catalogue.every()
    on = catalogue.those_on(found)
    licences = {licence.instrument: licence for licence in Licence.objects.order_by("recorded_at", "dated_on")}
    own: dict[Pair, list[Wording]] = defaultdict(list)
    for wording in in_force():
        own[wording.instrument, wording.rater].append(wording)
    rows = []
    for code, instrument in sorted(found.items(), key=lambda pair: pair[1].name.lower()):
        languages = {}
        for rater, edition in instrument.editions.items():
            recorded = [one.language for one in own[code, rater] if one.edition_version == edition.version]
            shipped = edition.languages if edition.items else ()
            if names := [name_of(language) for language in dict.fromkeys([*shipped, *recorded])]:
                languages[rater] = names
        rows.append(InstrumentRow(instrument, code in on, languages, licences.get(code)))
    return rows
