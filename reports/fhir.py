"""A rating as FHIR R4B: what was asked, what was answered, what was scored, as plain dictionaries.

`docs/fhir.md` has the mapping in a table. Nothing here asks a clock or a database: the same rating, the same Bundle.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from measures.instruments import MISSING_RULES, TOTAL, Edition, Instrument, Item, instruments
from measures.scoring import DOES_NOT_APPLY

Resource = dict[str, Any]

# Names, not places: the domain is reserved, so that these addresses can never be somebody else's.
HOME = "https://alliance.example/fhir"
LOINC = "http://loinc.org"
EXTENSION = "http://hl7.org/fhir/StructureDefinition"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
PSEUDONYMISED = {"system": f"{TERMINOLOGY}/v3-ObservationValue", "code": "PSEUDED"}
# Of scores: more digits would only be those of binary fractions.
DECIMALS = 9
_SCORING = {
    "sum": "Sum of the items.",
    "mean": "Mean of the items.",
    "mean_times_10": "Ten times the mean of the items.",
}


@dataclass(frozen=True)
class KnownScore:
    """One scale: its published score, or None and why."""

    value: float | None
    is_prorated: bool
    reason: str


@dataclass(frozen=True)
class CompletedRating:
    """A rating with what is told of its session and its client. Ids are those of the rows, as text.

    `answers` are as given, before any reversal; empty where a rating is known by its scores alone. `score_id` is the
    row of the total, or of one scale where there is none. `is_correction` says that an earlier rating was
    replaced by this one. Of `submitted_at` no more than the day may be told.
    """

    id: str
    rater: str
    edition_version: str
    answers: Mapping[int, float | None]
    scores: Mapping[str, KnownScore]
    score_id: str
    submitted_at: datetime | date
    is_correction: bool
    session_id: str
    session_number: int
    held_on: date
    is_date_assumed: bool
    client_id: str
    client_code: str
    organisation_id: str
    is_from_paper: bool = False


def bundle_of(rating: CompletedRating, instrument: Instrument) -> Resource:
    """The rating, its questionnaire, its scores and its client by code, as a Bundle of type collection.

    Raises LookupError when the instrument has no edition for this rater. Of an edition that is not the rating's own
    nothing is told but how its answers are written: neither the questions nor the key.
    """
    names = _Names(instrument, rating)
    asked, told = definitions_of(rating, instrument), results_of(rating, instrument)
    return {
        "resourceType": "Bundle",
        "meta": {"security": [PSEUDONYMISED]},
        "type": "collection",
        "entry": [
            {"fullUrl": url, "resource": resource}
            for url, resource in [(_urn(rating.client_id), _patient(rating, names)), *asked, *told]
        ],
    }


def definitions_of(rating: CompletedRating, instrument: Instrument) -> list[tuple[str, Resource]]:
    """The questionnaire that was answered, and the local codes, with their addresses. Raises as `bundle_of`."""
    names = _Names(instrument, rating)
    edition = instrument.editions[rating.rater]
    found = [
        (
            names.questionnaire,
            _questionnaire(edition, instrument, names) if edition.version == rating.edition_version else None,
        ),
        (f"{names.home}/CodeSystem/{names.code_system_id}", _code_system(rating, edition, names)),
    ]
    return [(url, resource) for url, resource in found if resource]


def results_of(rating: CompletedRating, instrument: Instrument) -> list[tuple[str, Resource]]:
    """The answers and the scores, with their addresses. Raises as `bundle_of`."""
    names = _Names(instrument, rating)
    edition = instrument.editions[rating.rater]
    is_its_edition = edition.version == rating.edition_version
    return [
        (_urn(rating.id), _questionnaire_response(rating, edition, names)),
        (_urn(rating.score_id), _observation(rating, edition, names, is_its_edition=is_its_edition)),
    ]


class _Names:
    """What the parts of one Bundle are called. What a service defined itself is named under that service."""

    code_system_id = "scores"

    def __init__(self, instrument: Instrument, rating: CompletedRating) -> None:
        self.instrument = instrument
        self.of_service = f"{HOME}/organisations/{rating.organisation_id}"
        self.home = HOME if instrument.code in instruments() else self.of_service
        # An id may have dots, and no underscores.
        self.questionnaire_id = f"{instrument.code}-{rating.rater}".replace("_", ".")
        self.questionnaire = f"{self.home}/Questionnaire/{self.questionnaire_id}"

    def local(self, scale: str | None) -> dict[str, str]:
        """Code and words for one scale, or for the questionnaire as a whole."""
        if scale is None:
            return {"code": self.instrument.code, "display": self.instrument.name}
        words = f"{self.instrument.name}: {scale.replace('_', ' ')}"
        return {"code": f"{self.instrument.code}.{scale}", "display": words}

    def concept(self, scale: str | None, loinc: str | None = None) -> Resource:
        local = self.local(scale)
        coding = (
            {"system": LOINC, "code": loinc}
            if loinc
            else {"system": f"{self.home}/CodeSystem/{self.code_system_id}", **local}
        )
        return {"coding": [coding], "text": local["display"]}


def _urn(id: str) -> str:
    return f"urn:uuid:{id}"


def _subject(rating: CompletedRating) -> Resource:
    return {"reference": _urn(rating.client_id)}


def _source(rating: CompletedRating) -> Resource:
    """Who answered: the client, or another by perspective alone."""
    if rating.rater == "client":
        return _subject(rating)
    return {"display": rating.rater, **({"type": "Practitioner"} if rating.rater == "therapist" else {})}


def _encounter(rating: CompletedRating) -> Resource:
    return {
        "type": "Encounter",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": _urn(rating.session_id)},
        "display": f"session {rating.session_number}",
    }


def _patient(rating: CompletedRating, names: _Names) -> Resource:
    identifier = {"system": f"{names.of_service}/clients", "value": rating.client_code}
    return {"resourceType": "Patient", "id": rating.client_id, "identifier": [identifier]}


# --- What was asked


def _questionnaire(edition: Edition, instrument: Instrument, names: _Names) -> Resource:
    wording = "The wording of the items is ours." if edition.has_wording else "Item numbers without their wording."
    resource = {
        "resourceType": "Questionnaire",
        "id": names.questionnaire_id,
        "url": names.questionnaire,
        "version": edition.version,
        "title": f"{instrument.name}, as rated by the {edition.rater}",
        "status": "active",
        "subjectType": ["Patient"],
        "copyright": instrument.licence,
        "code": names.concept(None, edition.loinc_panel)["coding"],
    }
    if edition.items:
        resource |= {"description": wording, "item": [_item(item, edition) for item in edition.items]}
    return resource


def _item(item: Item, edition: Edition) -> Resource:
    link = str(item.number)
    found: Resource = {
        "extension": [
            {"url": f"{EXTENSION}/minValue", **_value(edition.minimum, edition)},
            {"url": f"{EXTENSION}/maxValue", **_value(edition.maximum, edition)},
        ],
        "linkId": link,
        "prefix": link,
        "type": "integer" if _is_whole(edition) else "decimal",
        "required": False,
    }
    if item.text is None:
        return found
    ends = [_end(link, "lower", item.low), _end(link, "upper", item.high)]
    return {**found, "text": item.text, **({"item": shown} if (shown := [end for end in ends if end]) else {})}


def _end(link: str, end: str, words: str | None) -> Resource | None:
    """The words at one end of the answer line."""
    if words is None:
        return None
    control = {"coding": [{"system": "http://hl7.org/fhir/questionnaire-item-control", "code": end}]}
    return {
        "extension": [{"url": f"{EXTENSION}/questionnaire-itemControl", "valueCodeableConcept": control}],
        "linkId": f"{link}.{end}",
        "text": words,
        "type": "display",
    }


def _is_whole(edition: Edition) -> bool:
    return edition.step.is_integer() and edition.minimum.is_integer()


def _value(answer: float, edition: Edition) -> Resource:
    return {"valueInteger": int(answer)} if _is_whole(edition) else {"valueDecimal": answer}


# --- What was answered


def _questionnaire_response(rating: CompletedRating, edition: Edition, names: _Names) -> Resource:
    answered = [
        {"linkId": str(number), "answer": [_value(answer, edition)]}
        for number, answer in sorted(rating.answers.items())
        if answer is not None
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "id": rating.id,
        "questionnaire": f"{names.questionnaire}|{rating.edition_version}",
        "status": "amended" if rating.is_correction else "completed",
        "subject": _subject(rating),
        "encounter": _encounter(rating),
        "authored": rating.submitted_at.isoformat(),
        "source": _source(rating),
        **({"item": answered} if answered else {}),
    }


# --- What was scored


def _observation(rating: CompletedRating, edition: Edition, names: _Names, *, is_its_edition: bool) -> Resource:
    """One Observation: the total is its value, the scales are its components."""
    of_whole = TOTAL if edition.has_total else None
    notes = list(_notes(rating, edition))
    resource: Resource = {
        "resourceType": "Observation",
        "id": rating.score_id,
        "status": "amended" if rating.is_correction else "final",
        "category": [{"coding": [{"system": f"{TERMINOLOGY}/observation-category", "code": "survey"}]}],
        "code": names.concept(of_whole, edition.loinc_total if of_whole else edition.loinc_panel),
        "subject": _subject(rating),
        "encounter": _encounter(rating),
        "effectiveDateTime": rating.held_on.isoformat(),
        # An instant, or not at all.
        **({"issued": rating.submitted_at.isoformat()} if isinstance(rating.submitted_at, datetime) else {}),
        "performer": [_source(rating)],
        "derivedFrom": [{"reference": _urn(rating.id)}],
    }
    if edition.has_total:
        total = rating.scores.get(TOTAL, KnownScore(None, False, "only scores of scales are known"))
        resource |= _result(total)
        if is_its_edition and total.value is not None and (band := edition.band(total.value)):
            resource["interpretation"] = [{"text": band.label}]
            notes.append(f"{band.label}: {band.source}")
    if is_its_edition and rating.answers:
        resource["method"] = {"text": _method(edition)}
    if notes:
        resource["note"] = [{"text": note} for note in notes]
    components = [{"code": names.concept(scale), **_result(score)} for scale, score in _scales(rating, edition)]
    return {**resource, **({"component": components} if components else {})}


def _scales(rating: CompletedRating, edition: Edition) -> list[tuple[str, KnownScore]]:
    place = {scale: position for position, scale in enumerate(edition.scales)}
    found = [(scale, score) for scale, score in rating.scores.items() if scale != TOTAL]
    return sorted(found, key=lambda pair: (place.get(pair[0], len(place)), pair[0]))


def _result(score: KnownScore) -> Resource:
    if score.value is not None:
        rounded = round(score.value, DECIMALS)
        value = int(rounded) if float(rounded).is_integer() else rounded
        return {
            "valueQuantity": {
                "value": value,
                "unit": "score",
                "system": "http://unitsofmeasure.org",
                "code": "{score}",
            }
        }
    code = "not-applicable" if score.reason == DOES_NOT_APPLY else "unknown"
    coding = {"system": f"{TERMINOLOGY}/data-absent-reason", "code": code}
    return {"dataAbsentReason": {"coding": [coding], "text": score.reason}}


def _notes(rating: CompletedRating, edition: Edition) -> Iterable[str]:
    for scale in (*(scale for scale, _ in _scales(rating, edition)), TOTAL):
        if scale in rating.scores and rating.scores[scale].is_prorated:
            yield f"{scale.replace('_', ' ')}: pro-rated from the items that were answered."
    if not rating.answers:
        yield "Known by its scores alone: the answers are not in the record."
    if rating.is_from_paper:
        yield "Filled in on paper and entered by the service."
    if rating.is_date_assumed:
        yield "The date of the session is assumed."


def _method(edition: Edition) -> str:
    reverse = ", ".join(map(str, sorted(edition.reversed)))
    reversal = f" Reversed first: {reverse}." if reverse else ""
    return f"{_SCORING[edition.scoring]}{reversal} {MISSING_RULES[edition.missing]}"


def _code_system(rating: CompletedRating, edition: Edition, names: _Names) -> Resource | None:
    """The local codes that this Bundle uses, which say that they are local."""
    scales: list[str | None] = [scale for scale, _ in _scales(rating, edition)]
    if edition.has_total and not edition.loinc_total:
        scales.append(TOTAL)
    if not edition.loinc_panel:
        scales.insert(0, None)
    if not scales:
        return None
    return {
        "resourceType": "CodeSystem",
        "id": names.code_system_id,
        "url": f"{names.home}/CodeSystem/{names.code_system_id}",
        "title": "Scores and questionnaires without a LOINC code",
        "status": "active",
        "description": "Local codes, where no LOINC code is known. The address is a name: nothing is found there.",
        "caseSensitive": True,
        "content": "fragment",
        "concept": [names.local(scale) for scale in scales],
    }
