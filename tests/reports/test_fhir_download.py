"""The download beside a rating: for exactly those who may see it, on record, and without a name."""

import pytest
from django.urls import reverse
from fhir.resources.R4B.bundle import Bundle

from accounts.models import AuditEvent
from measures import actions as measures
from measures.actions.clients import enter_from_paper
from measures.models import Rating, Score
from reports import actions as imports
from tests import factories

pytestmark = pytest.mark.django_db
NAME, COMMENT = "Rowan-canary", "canary of the comment"


@pytest.fixture
def session(service):
    return factories.make_session(factories.make_episode(service.ada, name=NAME), note="canary of the note")


def address(rating) -> str:
    return reverse("reports:rating-fhir", args=[rating.pk])


def resources(response) -> dict[str, dict]:
    assert response.status_code == 200
    return {entry["resource"]["resourceType"]: entry["resource"] for entry in response.json()["entry"]}


def test_a_therapist_takes_a_rating_as_the_record_has_it(service, session, browser_of):
    factories.rate_as_therapist(session)
    rating = factories.rate_as_client(session, goal=8, task=5, bond=3, comment=COMMENT)
    response = browser_of(service.ada).get(address(rating))
    Bundle.model_validate_json(response.content)
    found = resources(response)
    observation = found["Observation"]
    scores = {part["code"]["text"]: part["valueQuantity"]["value"] for part in observation["component"]}
    assert scores == {f"Session check-in: {scale}": value for scale, value in {"goal": 8, "task": 5, "bond": 3}.items()}
    assert observation["id"] == str(Score.objects.get(rating=rating, scale="total").pk)
    assert (found["QuestionnaireResponse"]["id"], observation["status"]) == (str(rating.pk), "final")
    assert found["Patient"]["id"] == str(session.episode.client_id)


def test_the_client_goes_out_by_code_alone(service, session, browser_of):
    factories.rate_as_therapist(session)
    rating = factories.rate_as_client(session, comment=COMMENT)
    response = browser_of(service.ada).get(address(rating))
    text = response.content.decode() + str(response.headers)
    assert "R-0417" in text
    assert not [private for private in (NAME, "canary", service.ada.name, service.ada.email) if private in text]
    assert response["Content-Disposition"] == 'attachment; filename="session-check-in-client-session-1.fhir.json"'


def test_taking_a_rating_out_is_on_record(service, session, browser_of):
    rating = factories.rate_as_therapist(session)
    browser_of(service.ruth).get(address(rating))
    event = AuditEvent.objects.get(action="rating.exported")
    assert (event.person, event.object_id, event.client_id) == (service.ruth, rating.pk, session.episode.client_id)
    assert event.fields == ["fhir"]


def test_a_rating_that_waits_unseen_is_given_to_nobody(service, session, browser_of):
    rating = factories.rate_as_client(session)
    for person in (service.ada, service.ruth):
        assert browser_of(person).get(address(rating)).status_code == 404
    assert not AuditEvent.objects.filter(action="rating.exported").exists()
    factories.rate_as_therapist(session)
    for person in (service.ada, service.ruth):
        assert browser_of(person).get(address(rating)).status_code == 200


def test_a_correction_goes_out_as_amended_and_what_it_replaced_not_at_all(service, session, browser_of):
    first = factories.rate_as_therapist(session, bond=2)
    second = factories.rate_as_therapist(session, bond=9)
    browser = browser_of(service.ada)
    assert browser.get(address(first)).status_code == 404
    found = resources(browser.get(address(second)))
    assert (found["QuestionnaireResponse"]["status"], found["Observation"]["status"]) == ("amended", "amended")


def test_a_rating_from_a_file_goes_out_by_its_total(service, browser_of):
    """The measure is the service's own, and nobody typed answers."""
    batch = factories.make_import(service)
    imports.write_import(batch=batch, by=service.sam)
    while batch.is_under_way:
        batch = imports.write_next_step(batch_id=batch.pk)
    rating = Rating.objects.get(instrument="mood", session__episode__client__code="1")
    response = browser_of(service.tom).get(address(rating))
    Bundle.model_validate_json(response.content)
    found = resources(response)
    assert found["Observation"]["valueQuantity"]["value"] == 20
    assert str(service.organisation.pk) in found["Questionnaire"]["url"]


def test_every_rating_on_a_page_has_its_download(service, session, browser_of):
    ratings = [factories.rate_as_therapist(session), factories.rate_as_client(session)]
    for person in (service.ada, service.ruth):
        page = browser_of(person).get(reverse("sessions_app:session", args=[session.pk])).content.decode()
        assert [page.count(f'href="{address(rating)}"') for rating in ratings] == [1, 1]
        assert page.count("FHIR (R4B)") == 2


def test_a_download_asks_as_often_for_much_as_for_little(service, session, browser_of):
    factories.rate_as_therapist(session)
    rating = factories.rate_as_client(session)
    few = len(factories.queries_of(browser_of(service.ada), address(rating)))
    factories.make_course(session.episode, [7, 6, 5])
    assert len(factories.queries_of(browser_of(service.ada), address(rating))) == few


def test_words_that_a_service_recorded_stay_in_the_service(service, session, browser_of):
    wording = factories.make_wording(service, introduction="canary of the introduction", notice="canary of the notice")
    rating = measures.record_rating(
        session=session,
        instrument="wai-sr",
        rater="client",
        answers=dict.fromkeys(range(1, 13), 4.0),
        wording=wording,
        by=None,
    )
    factories.rate_as_therapist(session)
    response = browser_of(service.ada).get(address(rating))
    Bundle.model_validate_json(response.content)
    assert "Question 1 in en" not in response.content.decode() and "canary" not in response.content.decode()
    questionnaire = resources(response)["Questionnaire"]
    assert questionnaire["description"] == "Item numbers without their wording."
    assert not [item for item in questionnaire["item"] if "text" in item]


def test_a_rating_from_paper_says_so(service, session, browser_of):
    rating = enter_from_paper(
        session=session,
        instrument="phq-9",
        rater="client",
        filled_in_on=session.held_on,
        answers={},
        totals={"total": "14"},
        by=service.ada,
    )
    response = browser_of(service.ada).get(address(rating))
    Bundle.model_validate_json(response.content)
    notes = [note["text"] for note in resources(response)["Observation"]["note"]]
    assert "Filled in on paper and entered by the service." in notes
    assert resources(response)["QuestionnaireResponse"]["authored"][:10] == f"{session.held_on}"
