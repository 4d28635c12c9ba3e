"""The API's frame: tokens, errors, pages of a list, keys, limits. Who may see what is in tests/access/test_api.py."""

import json
import uuid
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts import api
from accounts.models import ApiToken, AuditEvent
from clients.models import Client
from measures import actions as measures
from measures.models import Rating
from tests import factories
from tests.factories import PASSWORD, Browser, Program

pytestmark = pytest.mark.django_db
CLIENTS, SESSIONS, RATINGS = "/api/v1/clients", "/api/v1/sessions", "/api/v1/ratings"
NEW_CLIENT = {
    "code": "R-9",
    "name": "Robin",
    "modality": "cbt",
    "practitioner_title": "Psychologist",
    "started_on": "2026-01-05",
}


@pytest.fixture
def ada(service):
    return Program(factories.make_token(service.ada)[1])


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def fields_of(response) -> set[str]:
    assert response["Content-Type"] == "application/problem+json"
    return {error["field"] for error in response.json()["errors"]}


# --- Tokens ---------------------------------------------------------------------------------------------


def test_of_a_token_only_its_hash_and_its_beginning_are_kept(service):
    token, text = factories.make_token(service.ada)
    assert text.startswith(f"alliance-{token.prefix}-") and len(text.rpartition("-")[2]) == 64
    stored = ApiToken.objects.filter(pk=token.pk).values().get()
    assert text.rpartition("-")[2] not in str(stored) and stored["digest"] == ApiToken.digest_of(text)


def test_a_token_that_was_taken_back_has_ended_or_was_mistyped_is_answered_alike(service, ada):
    _token, gone = factories.make_token(service.ada)
    accounts.revoke_token(token=_token, by=service.ada)
    ended, old = factories.make_token(service.ada)
    # Time can't be waited for: only the deadline is moved.
    ApiToken.objects.filter(pk=ended.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    answers = [Program(text).get(CLIENTS) for text in (gone, old, old[:-1] + "g", "garbage", "")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0]["WWW-Authenticate"] == "Bearer"
    assert ada.get(CLIENTS).status_code == 200


def test_when_a_token_was_used_last_is_kept_to_the_minute(service):
    token, text = factories.make_token(service.ada)
    assert token.last_used_at is None
    Program(text).get(CLIENTS)
    token.refresh_from_db()
    first = token.last_used_at
    Program(text).get(CLIENTS)
    token.refresh_from_db()
    assert token.last_used_at == first


def test_nobody_takes_back_the_token_of_another(service):
    token, _text = factories.make_token(service.ada)
    with pytest.raises(PermissionDenied):
        accounts.revoke_token(token=token, by=service.sam)


@pytest.mark.parametrize("days", [0, 366])
def test_a_token_works_for_a_day_to_a_year(service, days):
    with pytest.raises(ValidationError) as refused:
        factories.make_token(service.ada, days=days)
    assert "days" in refused.value.message_dict


def test_making_and_taking_back_a_token_is_on_record(service):
    token, _text = factories.make_token(service.ada)
    accounts.revoke_token(token=token, by=service.ada)
    accounts.revoke_token(token=token, by=service.ada)
    made = AuditEvent.objects.filter(object_id=token.pk).order_by("happened_at")
    assert sorted(event.action for event in made) == ["token.made", "token.revoked"]


# --- The page of tokens ---------------------------------------------------------------------------------


@pytest.fixture
def browser(service):
    browser = Browser()
    browser.sign_in(service.ada)
    return browser


def form(**values):
    return {"submission": uuid.uuid4(), "name": "Waiting list", "scope": "read", "days": "30", **values}


def test_the_page_shows_a_token_once(service, browser):
    sent = form(password=PASSWORD)
    made = browser.post(reverse("accounts:token-list"), sent)
    text = made.context["text"]
    assert text in made.content.decode()
    assert Program(text).get(CLIENTS).status_code == 200
    again = browser.post(reverse("accounts:token-list"), sent)
    assert (again.status_code, ApiToken.objects.count()) == (302, 1)
    page = browser.get(reverse("accounts:token-list")).content.decode()
    assert text not in page and ApiToken.objects.get().prefix in page


@pytest.mark.parametrize("password", ["", "not the password"])
def test_without_the_password_there_is_no_token(service, browser, password):
    response = browser.post(reverse("accounts:token-list"), form(password=password))
    assert (response.status_code, ApiToken.objects.count()) == (422, 0)


def test_a_token_is_taken_back_on_the_page(service, browser):
    token, text = factories.make_token(service.ada)
    browser.post(reverse("accounts:token-revoke", args=[token.pk]))
    assert Program(text).get(CLIENTS).status_code == 401


# --- Errors name the field ------------------------------------------------------------------------------


def test_what_is_refused_is_named(ada, episode):
    refused = ada.send(CLIENTS, {**NEW_CLIENT, "modality": "none", "started_on": "tomorrow"})
    assert (refused.status_code, fields_of(refused)) == (422, {"modality", "started_on"})
    taken = ada.send(CLIENTS, {**NEW_CLIENT, "code": episode.client.code})
    assert (taken.status_code, fields_of(taken)) == (422, {"code"})
    early = ada.send(f"/api/v1/episodes/{episode.pk}/sessions", {"held_on": "1999-01-01"})
    assert (early.status_code, fields_of(early)) == (422, {"held_on"})


def test_an_item_that_cannot_be_taken_is_named(ada, episode):
    session = factories.make_session(episode)
    url = f"/api/v1/sessions/{session.pk}/ratings"
    for answers, field in (({"1": 5000}, "answers.1"), ({"x": 1}, "answers.x")):
        refused = ada.send(url, {"instrument": "session-check-in", "answers": answers})
        assert (refused.status_code, fields_of(refused)) == (422, {field})
    refused = ada.send(url, {"instrument": "nothing", "answers": {"1": 1}})
    assert fields_of(refused) == {"instrument"}


def test_a_parameter_that_is_not_known_is_refused(ada):
    """A typing error in it would list everything."""
    refused = ada.get(f"{CLIENTS}?updated_sinc=2026-01-01")
    assert (refused.status_code, fields_of(refused)) == (400, {"updated_sinc"})
    assert fields_of(ada.get(f"{CLIENTS}?updated_since=yesterday")) == {"updated_since"}


def test_json_that_cannot_be_read_and_other_content_are_refused(ada):
    headers = {"idempotency-key": str(uuid.uuid4())}
    broken = ada.post(CLIENTS, "{", content_type="application/json", headers=headers)
    other = ada.post(CLIENTS, "<a/>", content_type="text/xml", headers=headers)
    page = ada.get(CLIENTS, headers={"accept": "text/html"})
    assert [each.status_code for each in (broken, other, page)] == [400, 415, 406]


@pytest.mark.parametrize(
    "body",
    [
        '{"code": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"code": ' + "[" * 21 + "]" * 21 + "}",
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
    ],
    ids=["half of a character", "half of one in a name", "22 within each other", "lists", "objects"],
)
def test_a_body_that_could_not_be_written_back_is_not_read(ada, body):
    headers = {"idempotency-key": str(uuid.uuid4())}
    refused = ada.post(CLIENTS, body, content_type="application/json", headers=headers)
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert not Client.objects.exists()


# --- Keys: sent twice, written once ---------------------------------------------------------------------


def test_the_same_request_again_gives_the_same_record(ada):
    key = uuid.uuid4()
    first, second = (ada.send(CLIENTS, NEW_CLIENT, key=key) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json() and Client.objects.count() == 1
    assert "Idempotent-Replayed" not in first and second["Idempotent-Replayed"] == "true"
    assert first["Location"].endswith(f"/api/v1/clients/{first.json()['id']}")


def test_a_key_with_other_content_or_of_another_person_is_refused(service, ada):
    key = uuid.uuid4()
    ada.send(CLIENTS, NEW_CLIENT, key=key)
    assert ada.send(CLIENTS, {**NEW_CLIENT, "code": "R-10"}, key=key).status_code == 422
    tom = Program(factories.make_token(service.tom)[1])
    assert tom.send(CLIENTS, NEW_CLIENT, key=key).status_code == 422
    assert Client.objects.count() == 1


@pytest.mark.parametrize("key", ["", "no-uuid"])
def test_without_a_key_nothing_is_written(ada, key):
    refused = ada.post(CLIENTS, NEW_CLIENT, content_type="application/json", headers={"idempotency-key": key})
    assert (refused.status_code, fields_of(refused)) == (400, {"Idempotency-Key"})
    assert not Client.objects.exists()


# --- Lists ----------------------------------------------------------------------------------------------


def test_following_next_gives_every_record_once(ada, service):
    for number in range(5):
        factories.make_episode(service.ada, code=f"L-{number}")
    url, codes = f"{CLIENTS}?page_size=2", []
    while url:
        page = ada.get(url).json()
        codes += [row["code"] for row in page["results"]]
        url = page["next"]
    assert sorted(codes) == [f"L-{number}" for number in range(5)]


@pytest.mark.parametrize("cursor", ["x", "cD1ub3RoaW5n"])
def test_a_cursor_that_was_not_given_out_is_refused(ada, cursor):
    assert ada.get(f"{CLIENTS}?cursor={cursor}").status_code == 404


def test_what_changed_since_a_moment(ada, episode):
    factories.make_session(episode)
    second = factories.make_session(episode)
    since = timezone.now().isoformat().replace("+00:00", "Z")
    listed = ada.get(SESSIONS, {"updated_since": since}).json()["results"]
    assert listed == []
    measures.change_session(session=second, version=second.version, note="More.", by=episode.therapist)
    listed = ada.get(SESSIONS, {"updated_since": since}).json()["results"]
    assert [row["id"] for row in listed] == [str(second.pk)]


def test_a_list_is_narrowed_to_a_client_and_to_an_episode(ada, service, episode):
    other = factories.make_episode(service.ada, code="L-2")
    factories.make_session(episode)
    mine = factories.make_session(other)
    listed = ada.get(SESSIONS, {"episode": other.pk}).json()["results"]
    assert [row["id"] for row in listed] == [str(mine.pk)]
    assert len(ada.get("/api/v1/episodes", {"client": other.client_id}).json()["results"]) == 1


# --- What a client rated stays unseen until the therapist has --------------------------------------------


def test_a_clients_rating_is_there_once_the_therapist_has_rated(ada, episode):
    session = factories.make_session(episode)
    factories.rate_as_client(session)
    waiting = Rating.objects.get(session=session)
    assert waiting.waits_for_therapist
    assert ada.get(RATINGS).json()["results"] == []
    assert ada.get(f"{RATINGS}/{waiting.pk}").status_code == 404
    since = timezone.now().isoformat().replace("+00:00", "Z")
    own = ada.send(
        f"/api/v1/sessions/{session.pk}/ratings", {"instrument": "session-check-in", "answers": {"1": 7, "2": 7}}
    )
    assert own.status_code == 201
    listed = ada.get(RATINGS, {"updated_since": since}).json()["results"]
    assert {row["rater"] for row in listed} == {"client", "therapist"}


def test_a_rating_comes_as_the_same_bundle_that_the_page_gives(ada, browser, episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    rating = Rating.objects.get(session=session)
    answer = ada.get(f"{RATINGS}/{rating.pk}/fhir")
    assert answer["Content-Type"] == "application/fhir+json"
    page = browser.get(reverse("reports:rating-fhir", args=[rating.pk]))
    assert answer.json()["entry"] == json.loads(page.content)["entry"]


# --- Writing --------------------------------------------------------------------------------------------


def test_a_session_is_logged_with_the_next_number(ada, episode):
    factories.make_session(episode)
    made = ada.send(f"/api/v1/episodes/{episode.pk}/sessions", {"held_on": str(timezone.localdate())})
    assert (made.status_code, made.json()["number"]) == (201, 2)


def test_a_link_is_told_in_the_answer_and_nowhere_else(ada, episode):
    session = factories.make_session(episode)
    made = ada.send(f"/api/v1/sessions/{session.pk}/rating-requests", {"instrument": "session-check-in"})
    link = made.json()["link"]
    assert Browser().get(link).status_code == 302
    listed = ada.get("/api/v1/rating-requests").json()["results"]
    assert [row["state"] for row in listed] == ["open"] and "link" not in listed[0]


def test_a_signal_is_answered_once(ada, episode):
    signal = factories.make_signal(episode)
    url = f"/api/v1/signals/{signal.pk}/answer"
    assert fields_of(ada.send(url, {"answer": "dismissed"})) == {"reason"}
    made = ada.send(url, {"answer": "dismissed", "reason": "talked"})
    assert (made.status_code, made.json()["state"]) == (201, "dismissed")
    assert ada.send(url, {"answer": "dismissed", "reason": "talked"}).status_code == 409


def test_a_rupture_moves_only_where_it_may(ada, episode):
    rupture = factories.make_rupture(factories.make_session(episode))
    url = f"/api/v1/ruptures/{rupture.pk}/state"
    assert ada.send(url, {"state": "suspected"}).status_code == 409
    made = ada.send(url, {"state": "resolved"})
    assert (made.status_code, made.json()["state"], made.json()["can_become"]) == (201, "resolved", ["in-repair"])


# --- Limits ---------------------------------------------------------------------------------------------


def test_too_many_requests_in_a_minute_are_told_to_wait(ada, monkeypatch):
    cache.clear()
    monkeypatch.setattr(api, "REQUESTS_A_MINUTE", 2)
    monkeypatch.setattr(api, "clock", lambda: 1_000_000.0)
    answers = [ada.get(CLIENTS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 61
