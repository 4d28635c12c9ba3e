"""FHIR Bundles of an export: every resource holds against the R4B models of `fhir.resources`, every reference leads to
what is there, and what is told are the values of the database."""

import json
import zlib
from datetime import date

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.bundle import Bundle

from clients.models import Episode
from measures import actions as measures
from measures.models import Rating, Score
from reports.exports import actions
from reports.exports import bundles as bundles_module
from reports.exports.rows import pseudonyms
from sessions_app.models import TherapySession
from tests import factories
from tests.reports.test_exports import WORDS, files_of, finished, record  # noqa: F401 — the same record

pytestmark = pytest.mark.django_db

TERMS = {"is_identifying": True, "purpose": "Review"}


def bundles(export):
    """Each Bundle by the name of its file, held against the models."""
    files = files_of(export)
    assert "FHIR R4B Bundle" in files.pop("codebook.txt")
    assert next(iter(files)) == "definitions.json"
    for text in files.values():
        Bundle.model_validate_json(text)
        for each in json.loads(text)["entry"]:
            get_fhir_model_class(each["resource"]["resourceType"]).model_validate(each["resource"])
    return {name: json.loads(text) for name, text in files.items()}


def entries(found):
    return [entry for name, bundle in found.items() if name != "definitions.json" for entry in bundle["entry"]]


def of(found, kind):
    """The resources of a kind, by their addresses."""
    return {e["fullUrl"]: e["resource"] for e in entries(found) if e["resource"]["resourceType"] == kind}


def definitions(found, kind):
    all_of = [entry["resource"] for entry in found["definitions.json"]["entry"]]
    return {resource["url"]: resource for resource in all_of if resource["resourceType"] == kind}


def references(value):
    """Every reference in a resource."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def codings(value):
    if isinstance(value, dict):
        if (
            "system" in value
            and "code" in value
            and "/CodeSystem/" in value["system"]
            and "alliance" in value["system"]
        ):
            yield value["system"], value["code"]
        for part in value.values():
            yield from codings(part)
    elif isinstance(value, list):
        for part in value:
            yield from codings(part)


def in_force():
    current = Rating.objects.current()
    return current.exclude(pk__in=current.sealed().values("pk"))


def result(part):
    return part["valueQuantity"]["value"] if "valueQuantity" in part else part["dataAbsentReason"]["text"]


def test_clients_episodes_and_sessions_are_those_of_the_database(record):  # noqa: F811
    found = bundles(finished(record.sam, format="fhir"))
    name = pseudonyms(record.organisation.pk)
    episodes = {e["identifier"][0]["value"]: e for e in of(found, "EpisodeOfCare").values()}
    patients = of(found, "Patient")
    assert len(patients) == 3 and set(episodes) == {
        name("E", pk) for pk in Episode.objects.values_list("pk", flat=True)
    }
    for episode in Episode.objects.all():
        told = episodes[name("E", episode.pk)]
        assert patients[told["patient"]["reference"]]["identifier"][0]["value"] == name("C", episode.client_id)
        assert told["period"] == {"start": episode.started_on.isoformat()} and told["status"] == "active"
        assert told["careManager"]["identifier"]["value"] == name("T", episode.therapist_id)
    sessions = {e["identifier"][0]["value"]: e for e in of(found, "Encounter").values()}
    assert len(sessions) == TherapySession.objects.count()
    for session in TherapySession.objects.all():
        told = sessions[f"{name('E', session.episode_id)}/{session.number}"]
        assert told["period"]["start"] == session.held_on.isoformat()
        assert [one["coding"][0]["code"] for one in told["type"]] == [session.attendance, session.format]


def test_every_answer_and_score_in_force_is_told_as_the_database_has_it(record):  # noqa: F811
    found = bundles(finished(record.sam, format="fhir"))
    responses = of(found, "QuestionnaireResponse")
    told = {}
    for observation in of(found, "Observation").values():
        response = responses[observation["derivedFrom"][0]["reference"]]
        answers = {int(item["linkId"]): next(iter(item["answer"][0].values())) for item in response.get("item", [])}
        parts = observation.get("component", [])
        scores = {part["code"]["coding"][0]["code"].rpartition(".")[2]: result(part) for part in parts}
        if "valueQuantity" in observation or "dataAbsentReason" in observation:
            scores["total"] = result(observation)
        key = (response["encounter"]["reference"], response["questionnaire"].rpartition("/")[2].partition("|")[0])
        told[key] = (response["authored"], observation["effectiveDateTime"], answers, scores)
    assert len(told) == len(responses) == in_force().count() > 10
    sessions = {e["identifier"][0]["value"]: url for url, e in of(found, "Encounter").items()}
    name = pseudonyms(record.organisation.pk)
    for rating in in_force().select_related("session"):
        session = sessions[f"{name('E', rating.session.episode_id)}/{rating.session.number}"]
        authored, held, answers, scores = told[session, f"{rating.instrument}-{rating.rater}"]
        assert date.fromisoformat(authored) == rating.submitted_at.astimezone(record.organisation.zone).date()
        assert held == rating.session.held_on.isoformat()
        assert answers == {int(item): answer for item, answer in rating.answers.items() if answer is not None}
        stored = Score.objects.filter(rating=rating).values_list("scale", "value", "reason")
        assert scores == {scale: reason if value is None else round(value, 9) for scale, value, reason in stored}


def test_a_bundle_refers_to_nothing_that_is_not_in_it_but_questionnaires_and_codes_by_name(record, monkeypatch):  # noqa: F811
    monkeypatch.setattr(actions, "EPISODES_IN_A_STEP", 1)
    found = bundles(finished(record.sam, format="fhir"))
    assert list(found) == ["definitions.json", "bundle-0001.json", "bundle-0002.json", "bundle-0003.json"]
    for bundle in found.values():
        addresses = [entry["fullUrl"] for entry in bundle["entry"]]
        assert len(set(addresses)) == len(addresses)
        assert set(references(bundle)) <= set(addresses)
        for entry in bundle["entry"]:
            resource = entry["resource"]
            assert entry["request"] == {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
            assert entry["fullUrl"].endswith(resource["id"])
    asked = definitions(found, "Questionnaire")
    for response in of(found, "QuestionnaireResponse").values():
        url, _, version = response["questionnaire"].partition("|")
        assert asked[url]["version"] == version
    known = {
        (url, concept["code"])
        for url, system in definitions(found, "CodeSystem").items()
        for concept in system["concept"]
    }
    assert set(codings(entries(found))) <= known and set(codings(found["definitions.json"])) <= known


def test_an_export_in_steps_tells_the_same_as_in_one_and_a_later_one_renews_it(record, monkeypatch):  # noqa: F811
    def told(found):
        return sorted(json.dumps(entry, sort_keys=True) for entry in entries(found))

    whole = bundles(finished(record.sam, format="fhir"))
    monkeypatch.setattr(actions, "EPISODES_IN_A_STEP", 1)
    in_steps = bundles(finished(record.sam, format="fhir"))
    assert told(whole) == told(in_steps)
    assert definitions(whole, "Questionnaire") == definitions(in_steps, "Questionnaire")
    assert {system["id"] for system in definitions(whole, "CodeSystem").values()} == {
        *("modality", "attendance", "format", "scores"),
    }


def test_it_leads_to_nobody_unless_that_was_asked_for(record):  # noqa: F811
    found = bundles(finished(record.ada, format="fhir"))
    text = json.dumps(found)
    assert not [what for what, words in WORDS.items() if words in text] and "K-7731" not in text
    ids = [*Episode.objects.values_list("pk", flat=True), *Rating.objects.values_list("pk", flat=True)]
    assert not [str(pk) for pk in (*ids, record.organisation.pk) if str(pk) in text]
    assert found["bundle-0001.json"]["meta"]["security"][0]["code"] == "PSEUDED"

    named = bundles(finished(record.ada, format="fhir", **TERMS))
    assert "meta" not in named["bundle-0001.json"]
    assert {p["name"][0]["text"] for p in of(named, "Patient").values()} == {WORDS["name"], "Rowan"}
    assert [what for what, words in WORDS.items() if words in json.dumps(named)] == ["name"]
    administrators = bundles(finished(record.sam, format="fhir", **TERMS))
    assert {len(p["identifier"]) for p in of(administrators, "Patient").values()} == {2}
    assert not [p for p in of(administrators, "Patient").values() if "name" in p]


def test_words_that_a_service_recorded_stay_in_the_service(service):
    wording = factories.make_wording(service, introduction="canary of the introduction", notice="canary of the notice")
    session = factories.make_session(factories.make_episode(service.ada))
    answers = dict.fromkeys(range(1, 13), 4.0)
    rate = {"session": session, "instrument": "wai-sr", "rater": "client", "wording": wording, "by": None}
    measures.record_rating(answers=answers, **rate)
    factories.rate_as_therapist(session)
    found = bundles(finished(service.ada, format="fhir"))
    assert "Question 1 in en" not in json.dumps(found) and "canary" not in json.dumps(found)
    (asked,) = (one for url, one in definitions(found, "Questionnaire").items() if url.endswith("/wai-sr-client"))
    assert not [item for item in asked["item"] if "text" in item]
    systems = {system for system, _code in codings(of(found, "Observation"))}
    assert systems == {"https://alliance.example/fhir/CodeSystem/scores"}, "no measure of the alliance has a LOINC code"


def test_a_missed_session_is_an_encounter_that_was_cancelled_and_an_ended_episode_is_finished(service):
    episode = factories.make_episode(service.ada)
    factories.make_session(episode, attendance="did-not-attend")
    factories.hand_over(episode, to=service.tom)
    found = bundles(finished(service.sam, format="fhir"))
    (missed,) = of(found, "Encounter").values()
    assert (missed["status"], "period" in missed, missed["type"][0]["text"]) == ("cancelled", False, "Did not attend")
    assert {e["status"] for e in of(found, "EpisodeOfCare").values()} == {"finished", "active"}
    assert len(of(found, "Patient")) == 1


def test_the_page_counts_only_the_rows_that_are_in_the_file(record):  # noqa: F811
    export = finished(record.sam, format="fhir")
    assert set(export.rows) == {"episodes", "sessions", "scores", "answers"}


def test_codes_of_the_services_own_measures_do_not_stand_in_the_place_of_anothers_on_a_server():
    """Both systems are called "scores"; with each step their codes are gathered."""
    own = "https://alliance.example/fhir/organisations/O1/CodeSystem/scores"
    ours = "https://alliance.example/fhir/CodeSystem/scores"

    def part(*systems):
        lines = [
            [url, {"resourceType": "CodeSystem", "id": "scores", "concept": [{"code": code} for code in codes]}]
            for url, codes in systems
        ]
        return zlib.compress("\n".join(map(json.dumps, lines)).encode())

    parts = [part((own, ["mood"]), (ours, ["a", "b"])), part((ours, ["b", "c"]))]
    told = {e["fullUrl"]: e for e in bundles_module.definitions(parts) if e["fullUrl"] == ours or "urn" in e["fullUrl"]}
    codes = [[concept["code"] for concept in e["resource"]["concept"]] for e in told.values()]
    assert sorted(codes) == [["a", "b", "c"], ["mood"]]
    ids = {e["resource"]["id"] for e in told.values()}
    assert len(ids) == 2 and "scores" in ids
    assert all(e["request"]["url"] == f"CodeSystem/{e['resource']['id']}" for e in told.values())
