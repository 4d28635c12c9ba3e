"""An export as FHIR R4B: a Bundle of what is asked, and a Bundle for each step of the export.

A Bundle is a transaction, which a server takes as it is: each resource is put under an id that comes of the pseudonym
and is the same in every export, so that a later one renews what an earlier one brought. A step holds its episodes with
all that hangs on them: no Bundle refers to what is in another, but by the names of questionnaires and codes.
docs/fhir.md has the mapping.
"""

import json
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import IO, Any

from measures import catalogue
from measures.instruments import TOTAL, Instrument
from sessions_app.models import TOOK_PLACE, Attendance, Format

from ..fhir import HOME, PSEUDONYMISED, TERMINOLOGY, CompletedRating, KnownScore, Resource, definitions_of, results_of
from .files import Content, Described, Row, member, write_text
from .tables import ANSWERS, EPISODES, SCORES, SESSIONS, Column

DEFINITIONS, RESOURCES = "definitions", "resources"
# The tables whose rows are in the Bundles. For ruptures, attempts, signals and goals no resource is agreed upon.
IN_BUNDLES = (EPISODES, SESSIONS, SCORES, ANSWERS)
ACT, NULL_FLAVOR = f"{TERMINOLOGY}/v3-ActCode", f"{TERMINOLOGY}/v3-NullFlavor"
MET = {
    Format.IN_PERSON: {"system": ACT, "code": "AMB", "display": "ambulatory"},
    Format.VIDEO: {"system": ACT, "code": "VR", "display": "virtual"},
    Format.PHONE: {"system": ACT, "code": "VR", "display": "virtual"},
}
NOT_KNOWN = {"system": NULL_FLAVOR, "code": "UNK", "display": "unknown"}
# Columns whose codes are ours, each with a code system of its own.
OURS = {
    column.name: column
    for table in (EPISODES, SESSIONS)
    for column in table.columns
    if column.name in ("modality", "attendance", "format")
}
Named = dict[str, Any]


def parts_of(rows: Mapping[str, Sequence[Row]], described: Described, service: str) -> dict[str, bytes]:
    """What is kept of a step: its resources, and what these need of questionnaires and codes."""
    of = {
        table.name: [dict(zip([column.name for column in columns], row, strict=True)) for row in rows[table.name]]
        for table, columns in described
        if table in IN_BUNDLES
    }
    asked, told = ratings(of, service)
    patients = {one["client_id"]: patient(one, service) for one in of[EPISODES.name]}
    resources = [
        *patients.values(),
        *(episode_of_care(one, service) for one in of[EPISODES.name]),
        *(encounter(one, service) for one in of[SESSIONS.name]),
    ]
    entries = [entry(urn(resource["id"]), resource) for resource in resources] + told
    return {
        RESOURCES: zlib.compress(",\n".join(map(as_json, entries)).encode()),
        **({DEFINITIONS: zlib.compress("\n".join(map(as_json, asked)).encode())} if asked else {}),
    }


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def id_of(name: str) -> str:
    """An id as FHIR wants it, from a pseudonym: the same in every export."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def urn(id: str) -> str:
    return f"urn:uuid:{id}"


def entry(url: str, resource: Resource) -> Resource:
    request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    return {"fullUrl": url, "resource": resource, "request": request}


def names_of(service: str) -> str:
    return f"{HOME}/organisations/{service}"


def local(column: str, code: str) -> Resource:
    words = OURS[column].codes[code]
    return {"coding": [{"system": f"{HOME}/CodeSystem/{column}", "code": code, "display": words}], "text": words}


def patient(row: Named, service: str) -> Resource:
    identifiers = [{"system": f"{names_of(service)}/pseudonyms", "value": row["client_id"]}]
    if row.get("client_code"):
        identifiers.append({"system": f"{names_of(service)}/clients", "value": row["client_code"]})
    name = {"name": [{"text": row["client_name"]}]} if row.get("client_name") else {}
    return {"resourceType": "Patient", "id": id_of(row["client_id"]), "identifier": identifiers, **name}


def period(since: date, until: date | None) -> dict[str, str]:
    return {"start": since.isoformat(), **({"end": until.isoformat()} if until else {})}


def episode_of_care(row: Named, service: str) -> Resource:
    manager = {"system": f"{names_of(service)}/pseudonyms", "value": row["therapist_id"]}
    return {
        "resourceType": "EpisodeOfCare",
        "id": id_of(row["episode_id"]),
        "identifier": [{"system": f"{names_of(service)}/pseudonyms", "value": row["episode_id"]}],
        "status": "finished" if row["ended_on"] else "active",
        "type": [local("modality", row["modality"])],
        "patient": {"reference": urn(id_of(row["client_id"]))},
        "period": period(row["started_on"], row["ended_on"]),
        "careManager": {"type": "Practitioner", "identifier": manager},
    }


def id_of_session(row: Named) -> str:
    return id_of(f"{row['episode_id']}/{row['session_number']}")


def encounter(row: Named, service: str) -> Resource:
    """A planned session. That its day is assumed is said where something was measured on it."""
    number = {"system": f"{names_of(service)}/sessions", "value": f"{row['episode_id']}/{row['session_number']}"}
    took_place = Attendance(row["attendance"]) in TOOK_PLACE
    return {
        "resourceType": "Encounter",
        "id": id_of_session(row),
        "identifier": [number],
        "status": "finished" if took_place else "cancelled",
        "class": MET.get(Format(row["format"]), NOT_KNOWN),
        "type": [local("attendance", row["attendance"]), local("format", row["format"])],
        "subject": {"reference": urn(id_of(row["client_id"]))},
        "episodeOfCare": [{"reference": urn(id_of(row["episode_id"]))}],
        **({"period": period(row["held_on"], row["held_on"])} if took_place else {}),
    }


def ratings(of: Mapping[str, Sequence[Named]], service: str) -> tuple[list[list[Any]], list[Resource]]:
    """Each rating's answers and scores as entries, and before them the definitions that these use, each once.

    A rating of an instrument that nobody knows any more, or never knew by this rater, is left out.
    """
    answers: dict[str, dict[int, float | None]] = {}
    for row in of[ANSWERS.name]:
        answers.setdefault(row["rating_id"], {})[row["item"]] = row["answer"]
    scores: dict[str, list[Named]] = {}
    for row in of[SCORES.name]:
        scores.setdefault(row["rating_id"], []).append(row)
    assumed = {id_of_session(row) for row in of[SESSIONS.name] if row["is_date_assumed"]}
    known = catalogue.known({some[0]["instrument"] for some in scores.values()})
    asked: dict[tuple[Any, ...], list[list[Any]]] = {}
    told: list[Resource] = []
    for name, some in scores.items():
        instrument = known.get(some[0]["instrument"])
        if instrument is None or some[0]["rater"] not in instrument.editions:
            continue
        rating = completed(name, some, answers.get(name, {}), assumed, service)
        used = (instrument.code, rating.rater, rating.edition_version, *rating.scores)
        if used not in asked:
            asked[used] = [[url, resource] for url, resource in definitions_of(rating, instrument)]
        told += results(rating, instrument)
    return [definition for some in asked.values() for definition in some], told


def results(rating: CompletedRating, instrument: Instrument) -> Iterator[Resource]:
    for url, resource in results_of(rating, instrument):
        yield entry(url, {**resource, "encounter": {"reference": urn(rating.session_id)}})


def completed(
    name: str,
    some: Sequence[Named],
    answers: Mapping[int, float | None],
    assumed: set[str],
    service: str,
) -> CompletedRating:
    first = some[0]
    session = id_of_session(first)
    return CompletedRating(
        id=id_of(name),
        rater=first["rater"],
        edition_version=first["edition"],
        answers=answers,
        scores={row["scale"]: KnownScore(row["value"], bool(row["is_prorated"]), row["reason"]) for row in some},
        score_id=id_of(f"{name}/{TOTAL}"),
        submitted_at=first["submitted_on"],
        is_correction=False,
        session_id=session,
        session_number=first["session_number"],
        held_on=first["held_on"],
        is_date_assumed=session in assumed,
        client_id=id_of(first["client_id"]),
        client_code=first["client_id"],
        organisation_id=service,
    )


# --- The file


def write_bundles(target: IO[bytes], content: Content) -> None:
    """A zip with the definitions, a Bundle for each step, and the text."""
    with zipfile.ZipFile(target, "w") as archive:
        with archive.open(member("definitions.json", content.moment), "w") as file:
            write_bundle(file, content, ",\n".join(map(as_json, definitions(content.parts(DEFINITIONS)))).encode())
        for number, part in enumerate(content.parts(RESOURCES), start=1):
            with archive.open(member(f"bundle-{number:04}.json", content.moment), "w", force_zip64=True) as file:
                write_bundle(file, content, zlib.decompress(part))
        write_text(archive, content)


def write_bundle(file: IO[bytes], content: Content, entries: bytes) -> None:
    meta = f'"meta": {{"security": {as_json([PSEUDONYMISED])}}}, ' if content.is_pseudonymous else ""
    file.write(f'{{"resourceType": "Bundle", {meta}"type": "transaction", "entry": [\n'.encode())
    file.write(entries)
    file.write(b"\n]}\n")


def definitions(parts: Iterable[bytes]) -> Iterator[Resource]:
    """Each questionnaire once, and each system of local codes once with all codes that are used."""
    found: dict[str, Resource] = {}
    for column in OURS.values():
        found[f"{HOME}/CodeSystem/{column.name}"] = code_system(column)
    for part in parts:
        for line in zlib.decompress(part).decode().split("\n"):
            url, resource = json.loads(line)
            before = found.setdefault(url, resource)
            if "concept" in resource:
                codes = {concept["code"] for concept in before["concept"]}
                before["concept"] += [concept for concept in resource["concept"] if concept["code"] not in codes]
    for url, resource in found.items():
        # What a service defined itself must not stand in the place of another's on the same server.
        id = resource["id"] if url == f"{HOME}/{resource['resourceType']}/{resource['id']}" else id_of(url)
        yield entry(url if id == resource["id"] else urn(id), {**resource, "id": id})


def code_system(column: Column) -> Resource:
    return {
        "resourceType": "CodeSystem",
        "id": column.name,
        "url": f"{HOME}/CodeSystem/{column.name}",
        "title": column.words,
        "status": "active",
        "description": "Local codes. The address is a name: nothing is found there.",
        "caseSensitive": True,
        "content": "complete",
        "concept": [{"code": code, "display": words} for code, words in column.codes.items()],
    }
