"""A rating as FHIR R4B: every Bundle is valid, says what the record says and nothing that it must not say."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from measures import scoring
from measures.instruments import TOTAL, instruments, parse_instrument
from reports.fhir import CompletedRating, KnownScore, bundle_of

EDITIONS = [edition for instrument in instruments().values() for edition in instrument.editions.values()]
BY_KEY = {edition.key: edition for edition in EDITIONS}
steady = settings(deadline=None, max_examples=15)  # a busy machine is not a failing test
WHOLE = KnownScore(20.0, False, "")


def completed(edition, answers, *, left_out=(), **changes) -> CompletedRating:
    """What the record would hold of these answers."""
    scores = scoring.score(edition, answers, left_out).scores if edition.items else {}
    known = {scale: KnownScore(found.value, found.prorated, found.reason or "") for scale, found in scores.items()}
    rating = CompletedRating(
        id=str(UUID(int=1)),
        rater=edition.rater,
        edition_version=edition.version,
        answers=scoring.check_answers(edition, answers) if answers else {},
        scores=known,
        score_id=str(UUID(int=2)),
        submitted_at=datetime(2026, 3, 4, 17, 5, tzinfo=UTC),
        is_correction=False,
        session_id=str(UUID(int=3)),
        session_number=7,
        held_on=date(2026, 3, 4),
        is_date_assumed=False,
        client_id=str(UUID(int=4)),
        client_code="R-0417",
        organisation_id=str(UUID(int=5)),
    )
    return replace(rating, **changes)


def parts(bundle) -> dict[str, dict]:
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}


def sent(rating, instrument) -> dict[str, dict]:
    """The resources of a Bundle, by type, as whoever receives it reads them."""
    return parts(json.loads(json.dumps(bundle_of(rating, instrument))))


def of(code: str, rater: str, answers, **changes) -> dict[str, dict]:
    instrument = instruments()[code]
    return sent(completed(instrument.editions[rater], answers, **changes), instrument)


def results(observation, edition) -> dict[str, float | None]:
    """The value of each scale, None where it says that there is none."""
    found = {}
    for component in observation.get("component", []):
        found[component["code"]["coding"][0]["code"].rpartition(".")[2]] = value_of(component)
    if edition.has_total:
        found[TOTAL] = value_of(observation)
    return found


def answers_from(response) -> dict[int, float]:
    """The way back, as another program would go it."""
    return {
        int(item["linkId"]): float(value)
        for item in response.get("item", [])
        for answer in item["answer"]
        for value in answer.values()
    }


def value_of(part) -> float | None:
    assert ("valueQuantity" in part) is not ("dataAbsentReason" in part)
    return part["valueQuantity"]["value"] if "valueQuantity" in part else None


@st.composite
def answers_to(draw, edition):
    """Any answers on the edition's grid, any of them missing."""
    steps = round((edition.maximum - edition.minimum) / edition.step)
    one = st.none() | st.integers(0, steps).map(lambda step: round(edition.minimum + step * edition.step, 9))
    mostly = one if draw(st.booleans()) else one.filter(lambda answer: answer is not None)
    answers = {item.number: draw(mostly) for item in edition.items}
    for number in draw(st.sets(st.sampled_from(sorted(answers)), max_size=3)):
        answers[number] = None
    return answers


# --- Whatever was answered, of whichever questionnaire


@pytest.mark.parametrize("key", BY_KEY)
def test_every_bundle_is_valid_says_the_scores_and_leads_back_to_them(key):
    edition = BY_KEY[key]
    instrument = instruments()[edition.instrument]

    @steady
    @given(answers_to(edition))
    def holds(answers):
        rating = completed(edition, answers)
        text = json.dumps(bundle_of(rating, instrument))
        Bundle.model_validate_json(text)
        found = parts(json.loads(text))
        told = results(found["Observation"], edition)
        assert told == {
            scale: None if score.value is None else round(score.value, 9) for scale, score in rating.scores.items()
        }
        again = answers_from(found["QuestionnaireResponse"])
        assert again == {number: answer for number, answer in answers.items() if answer is not None}
        assert scoring.score(edition, again) == scoring.score(edition, answers)
        assert_references_resolve(json.loads(text))

    holds()


def assert_references_resolve(bundle):
    """Ids belong to their addresses, no address is there twice, and whoever is referred to is in the Bundle."""
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(addresses)) == len(addresses)
    for entry in bundle["entry"]:
        assert entry["fullUrl"].endswith(entry["resource"]["id"])
    found = parts(bundle)
    response, observation = found["QuestionnaireResponse"], found["Observation"]
    assert observation["derivedFrom"] == [{"reference": f"urn:uuid:{response['id']}"}]
    assert response["subject"] == observation["subject"] == {"reference": f"urn:uuid:{found['Patient']['id']}"}
    questionnaire = found["Questionnaire"]
    assert response["questionnaire"] == f"{questionnaire['url']}|{questionnaire['version']}"
    asked = {item["linkId"]: item["type"] for item in questionnaire["item"]}
    for item in response.get("item", []):
        (answer,) = item["answer"]
        assert list(answer) == [f"value{asked[item['linkId']].capitalize()}"]
    local = {concept["code"] for concept in found.get("CodeSystem", {}).get("concept", [])}
    used = [*questionnaire["code"], *observation["code"]["coding"]]
    used += [coding for part in observation.get("component", []) for coding in part["code"]["coding"]]
    assert {coding["code"] for coding in used if coding["system"] != "http://loinc.org"} == local


def test_the_validator_would_notice_what_is_not_fhir():
    bundle = bundle_of(completed(BY_KEY["phq-9/client/1"], [1] * 9), instruments()["phq-9"])
    del bundle["entry"][-1]["resource"]["status"]
    with pytest.raises(ValueError, match="status"):
        Bundle.model_validate(bundle)


# --- What was answered


def test_a_missing_answer_is_absent_and_not_0():
    response = of("phq-9", "client", [0, None, *[1] * 7])["QuestionnaireResponse"]
    assert [item["linkId"] for item in response["item"]] == ["1", "3", "4", "5", "6", "7", "8", "9"]
    assert response["item"][0]["answer"] == [{"valueInteger": 0}]


def test_a_reversed_item_is_answered_as_it_was_given():
    response = of("arm-5", "client", [7, 7, 7, 7, 7])["QuestionnaireResponse"]
    assert response["item"][2] == {"linkId": "3", "answer": [{"valueInteger": 7}]}


def test_a_visual_analogue_is_a_decimal_even_where_it_is_whole():
    found = of("srs", "client", [7.3, 10, 9.9, 0])
    answers = [item["answer"] for item in found["QuestionnaireResponse"]["item"]]
    assert answers == [[{"valueDecimal": value}] for value in (7.3, 10.0, 9.9, 0.0)]
    assert {item["type"] for item in found["Questionnaire"]["item"]} == {"decimal"}


def test_only_our_own_wording_goes_out():
    for edition in EDITIONS:
        found = of(edition.instrument, edition.rater, {})["Questionnaire"]
        texts = [item.get("text") for item in found["item"]]
        assert texts == [item.text for item in edition.items]
        assert (None in texts) == ("our own wording" not in found["copyright"].lower())
        assert [item["prefix"] for item in found["item"]] == [str(n) for n in range(1, len(edition.items) + 1)]


def test_the_words_at_the_ends_of_a_line_stand_below_its_question():
    first = of("session-check-in", "client", {})["Questionnaire"]["item"][0]
    ends = [(end["type"], end["linkId"], end["text"]) for end in first["item"]]
    assert ends == [("display", "1.lower", "not true"), ("display", "1.upper", "fully true")]


def test_who_answered_is_told_by_perspective():
    for rater, source in [
        ("client", {"reference": f"urn:uuid:{UUID(int=4)}"}),
        ("therapist", {"type": "Practitioner", "display": "therapist"}),
        ("observer", {"display": "observer"}),
    ]:
        found = of("wai-36", rater, [4] * 36)
        assert found["QuestionnaireResponse"]["source"] == source
        assert found["Observation"]["performer"] == [source]
        assert found["Questionnaire"]["id"] == f"wai-36-{rater}"


# --- What was scored


@pytest.mark.parametrize(("code", "panel", "total"), [("phq-9", "44249-1", "44261-6"), ("gad-7", "69737-5", "70274-6")])
def test_loinc_where_it_exists(code, panel, total):
    edition = instruments()[code].editions["client"]
    found = of(code, "client", [1] * len(edition.items))
    assert found["Questionnaire"]["code"] == [{"system": "http://loinc.org", "code": panel}]
    assert found["Observation"]["code"]["coding"] == [{"system": "http://loinc.org", "code": total}]
    assert "CodeSystem" not in found


def test_a_local_code_says_that_it_is_local():
    found = of("wai-sr", "client", [4] * 12)
    system = found["CodeSystem"]
    assert found["Observation"]["code"]["coding"][0]["system"] == system["url"]
    assert system["description"].startswith("Local codes, where no LOINC code is known.")
    codes = [concept["code"] for concept in system["concept"]]
    assert codes == ["wai-sr", "wai-sr.goal", "wai-sr.task", "wai-sr.bond", "wai-sr.total"]


def test_a_scale_without_a_score_says_why():
    #                                                 task 2 is missing: no task; one of twelve: a pro-rated total
    observation = of("wai-sr", "client", [4, None, *[4] * 10])["Observation"]
    task = observation["component"][1]
    assert task["code"]["text"].endswith(": task") and "valueQuantity" not in task
    assert task["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert task["dataAbsentReason"]["text"].startswith("1 of 4 items missing")
    assert observation["valueQuantity"]["value"] == 48
    assert observation["note"] == [{"text": "total: pro-rated from the items that were answered."}]


def test_a_total_without_a_score_says_why():
    observation = of("phq-9", "client", {1: 3})["Observation"]
    assert "valueQuantity" not in observation and "interpretation" not in observation
    assert observation["dataAbsentReason"]["text"].startswith("8 of 9 items missing")


def test_a_scale_that_does_not_apply_is_not_called_unknown():
    observation = of("strain-check", "client", [0, None, None, None], left_out=[2, 3, 4])["Observation"]
    reasons = [component.get("dataAbsentReason") for component in observation["component"]]
    assert reasons[0] is None
    assert [reason["coding"][0]["code"] for reason in reasons[1:]] == ["not-applicable"] * 3


def test_scales_that_stand_for_themselves_have_no_total():
    observation = of("strain-check", "client", [5, 4, 3, 2])["Observation"]
    assert not {"valueQuantity", "dataAbsentReason"} & set(observation)
    assert observation["code"]["coding"][0]["code"] == "strain-check"
    assert [component["valueQuantity"]["value"] for component in observation["component"]] == [5, 4, 3, 2]


def test_a_band_stands_with_its_source_and_only_where_one_is_published():
    observation = of("phq-9", "client", [2] * 5 + [0] * 4)["Observation"]
    assert observation["interpretation"] == [{"text": "moderate"}]
    assert observation["note"] == [
        {"text": "moderate: Kroenke, Spitzer & Williams (2001), J Gen Intern Med 16:606–613"}
    ]
    for edition in EDITIONS:
        answers = [edition.maximum] * len(edition.items)
        has_band = "interpretation" in of(edition.instrument, edition.rater, answers)["Observation"]
        assert has_band == bool(edition.bands)


def test_the_same_rating_gives_the_same_bundle_whatever_the_order_of_its_rows():
    rating = completed(BY_KEY["wai-36/client/1"], {n: 4 for n in range(1, 37) if n not in {2, 3}})
    assert all(rating.scores[scale].is_prorated for scale in ("goal", "task", TOTAL))
    turned = replace(
        rating, scores=dict(reversed(rating.scores.items())), answers=dict(reversed(rating.answers.items()))
    )
    instrument = instruments()["wai-36"]
    assert json.dumps(bundle_of(turned, instrument)) == json.dumps(bundle_of(rating, instrument))


def test_how_it_was_scored_is_told():
    method = of("arm-5", "client", [4] * 5)["Observation"]["method"]["text"]
    assert method == "Mean of the items. Reversed first: 3. Scored only when every item of the scale is answered."


def test_a_correction_is_amended():
    first = of("phq-9", "client", [1] * 9)
    second = of("phq-9", "client", [1] * 9, is_correction=True)
    statuses = [(found["QuestionnaireResponse"]["status"], found["Observation"]["status"]) for found in (first, second)]
    assert statuses == [("completed", "final"), ("amended", "amended")]


def test_a_session_is_told_by_its_number_and_day():
    observation = of("phq-9", "client", [1] * 9, is_date_assumed=True)["Observation"]
    assert observation["effectiveDateTime"] == "2026-03-04" and observation["issued"] == "2026-03-04T17:05:00+00:00"
    assert observation["encounter"]["display"] == "session 7"
    assert {"text": "The date of the session is assumed."} in observation["note"]


# --- What is known only in part


def test_a_rating_known_by_its_total_alone_has_no_answers_and_says_so():
    bundle = bundle_of(completed(BY_KEY["wai-sr/client/1"], {}, scores={TOTAL: WHOLE}), instruments()["wai-sr"])
    Bundle.model_validate(bundle)
    found = parts(bundle)
    assert "item" not in found["QuestionnaireResponse"] and "component" not in found["Observation"]
    assert found["Observation"]["valueQuantity"]["value"] == 20
    assert found["Observation"]["note"][0]["text"].startswith("Known by its scores alone")
    assert "method" not in found["Observation"]


def test_a_rating_known_by_one_scale_has_no_total():
    observation = of("wai-sr", "client", {}, scores={"bond": WHOLE})["Observation"]
    assert observation["dataAbsentReason"]["text"] == "only scores of scales are known"
    assert [component["code"]["coding"][0]["code"] for component in observation["component"]] == ["wai-sr.bond"]


def test_of_another_edition_neither_the_questions_nor_the_key_are_told():
    found = of("phq-9", "client", [1] * 9, edition_version="0")
    assert "Questionnaire" not in found
    assert found["QuestionnaireResponse"]["questionnaire"].endswith("/Questionnaire/phq-9-client|0")
    assert not {"interpretation", "method"} & set(found["Observation"])


def test_a_measure_of_the_services_own_is_named_under_that_service():
    own = instruments()["outcome-check-in"]
    edition = replace(own.editions["client"], instrument="low_mood", items=(), scales={})
    own = replace(own, code="low_mood", editions={"client": edition})
    bundle = bundle_of(completed(edition, {}, scores={TOTAL: WHOLE}), own)
    Bundle.model_validate(bundle)
    found = parts(bundle)
    home = f"https://alliance.example/fhir/organisations/{UUID(int=5)}"
    assert found["Questionnaire"]["url"] == f"{home}/Questionnaire/low.mood-client"
    assert found["Observation"]["code"]["coding"][0]["system"] == f"{home}/CodeSystem/scores"
    assert found["Patient"]["identifier"] == [{"system": f"{home}/clients", "value": "R-0417"}]


def test_an_instrument_added_as_the_page_says_goes_out_like_the_others():
    text = """
code = "new"
name = "New"
construct = "outcome"
licence = "Ours."
[[edition]]
raters = ["client"]
version = "3"
number_of_items = 2
minimum = -1
maximum = 1
step = 0.5
reversed = []
scoring = "mean"
missing = "complete"
higher_is_better = true
"""
    new = parse_instrument(text, "new.toml")
    found = sent(completed(new.editions["client"], [-0.5, 1]), new)
    assert found["Questionnaire"]["version"] == "3"
    assert found["Observation"]["valueQuantity"]["value"] == 0.25
    assert found["QuestionnaireResponse"]["item"][0]["answer"] == [{"valueDecimal": -0.5}]
