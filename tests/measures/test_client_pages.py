"""The clients' pages in the client's language; how long a form took; what is said before anything is answered."""

import re
import uuid
from dataclasses import replace

import pytest
from django.test import override_settings
from django.urls import reverse

from accounts import actions as accounts
from accounts.models import EMERGENCY_TEXT
from measures import actions, tokens, wordings
from measures.forms import ClientRatingForm
from measures.instruments import edition
from measures.models import Rating
from tests import factories

pytestmark = pytest.mark.django_db

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
ARABIC = {"Accept-Language": "ar"}


@pytest.fixture
def session(service):
    return factories.make_session(factories.make_episode(service.ada))


@pytest.fixture
def link(session):
    return factories.make_request(session)


@pytest.fixture
def phone(browser_of, link):
    """The client's, with the link opened on it."""
    phone = browser_of()
    phone.get(reverse("measures:link", args=[link[1]]))
    return phone


@pytest.fixture
def rate(link):
    return reverse("measures:rate", args=[link[0].pk])


@pytest.fixture
def thanks(link):
    return reverse("measures:thanks", args=[link[0].pk])


def answers(**values):
    return {"submission": str(uuid.uuid4()), "item-1": "8", "item-2": "7", **values}


def language_of(page):
    return re.search(r'<html lang="([\w-]+)" dir="(\w+)">', page.content.decode()).groups()


# --- The language -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("de", ("de", "ltr")),
        ("de-CH;q=0.3, fr;q=0.9", ("de", "ltr")),
        ("ar-EG", ("ar", "rtl")),
        ("fr", ("en", "ltr")),
        ("", ("en", "ltr")),
        ("en-GB, de", ("en", "ltr")),
        ("*;q=x, <script>", ("en", "ltr")),
    ],
)
def test_page_is_in_the_language_that_the_browser_asks_for(phone, rate, asked, expected):
    assert language_of(phone.get(rate, headers={"Accept-Language": asked})) == expected


def test_questions_and_words_around_them_are_in_one_language(phone, rate):
    german = phone.get(rate, headers=GERMAN).content.decode()
    assert "Wie war es heute für Sie?" in german and "Ich kann unser Ziel in meinen eigenen Worten sagen." in german
    assert "6 Fragen" in german and "unter einer Minute" in german and "Absenden" in german
    arabic = phone.get(rate, headers=ARABIC).content.decode()
    assert "أستطيع أن أعبّر عن هدفنا بكلماتي." in arabic and "إرسال" in arabic and "6 أسئلة" in arabic


def test_page_says_that_the_translation_is_ours_and_english_needs_no_such_words(phone, rate):
    assert "Die Übersetzung aus dem Englischen stammt vom Team" in phone.get(rate, headers=GERMAN).content.decode()
    assert "translated" not in phone.get(rate).content.decode()


def test_language_switch_keeps_what_was_answered_and_checks_nothing_yet(phone, rate, link):
    typed = answers(**{"item-3": "77"}, comment="Gut <b>so</b>", do_not_raise="on", language="de")
    page = phone.post(rate, typed)
    shown = page.content.decode()
    assert page.status_code == 200 and language_of(page) == ("de", "ltr")
    assert 'name="item-1" value="8" checked' in shown and 'name="item-2" value="7" checked' in shown
    assert "Gut &lt;b&gt;so&lt;/b&gt;" in shown and re.search(r'name="do_not_raise"[^>]*checked', shown)
    assert typed["submission"] in shown, "the same form: sent from either page it counts once"
    assert "Noch nicht gesendet</h2>" not in shown
    assert not Rating.objects.exists()
    assert phone.post(rate, typed | {"language": "", "item-3": ""}).status_code == 302


def test_language_chosen_is_remembered_on_that_device_only(phone, rate, link, browser_of):
    phone.post(rate, {"language": "ar"})
    cookie = phone.cookies["rating-language"]
    assert (cookie.value, cookie["path"], cookie["httponly"], cookie["samesite"]) == ("ar", "/rate/", True, "Lax")
    assert language_of(phone.get(rate, headers=GERMAN)) == ("ar", "rtl")
    other = browser_of()
    other.get(reverse("measures:link", args=[link[1]]))
    assert language_of(other.get(rate)) == ("en", "ltr")


def test_language_that_there_is_not_changes_nothing(phone, rate):
    page = phone.post(rate, answers(language="xx", comment="x"))
    assert page.status_code == 302 and "rating-language" not in phone.cookies
    phone.cookies["rating-language"] = "../../etc"
    assert phone.get(rate).status_code == 302


def test_language_switch_of_a_link_that_stopped_working_says_so(phone, rate, thanks):
    phone.post(rate, answers())
    assert phone.post(rate, {"language": "de"}).status_code == 404
    assert language_of(phone.get(thanks, headers=GERMAN)) == ("de", "ltr")


def test_what_is_wrong_is_said_in_the_language_too(phone, rate):
    nothing = phone.post(rate, {"submission": str(uuid.uuid4())}, headers=GERMAN).content.decode()
    assert "Noch ist nichts beantwortet." in nothing
    off = phone.post(rate, answers(**{"item-1": "11"}), headers=ARABIC).content.decode()
    assert "يُرجى اختيار عدد صحيح من 0 إلى 10." in off
    long = phone.post(rate, answers(comment="x" * 2001), headers=GERMAN).content.decode()
    assert "Bitte bleiben Sie unter 2000 Zeichen." in long
    keyless = phone.post(rate, answers(submission="x"), headers=GERMAN).content.decode()
    assert "Diese Seite kam unvollständig an." in keyless


def test_every_page_for_clients_is_in_the_language(phone, rate, thanks):
    sent = answers()
    phone.post(rate, sent)
    pages = {
        "thanks": phone.get(thanks, headers=ARABIC),
        "first answers": phone.post(rate, {**sent, "item-1": "1"}, headers=ARABIC),
        "unusable": phone.get(reverse("measures:link", args=["x"]), headers=ARABIC),
    }
    for name, page in pages.items():
        assert language_of(page) == ("ar", "rtl"), name
        assert "رقم الطوارئ" in page.content.decode(), name


def test_questions_in_a_language_without_our_words_say_so_in_their_own_part(phone, rate, monkeypatch):
    """As an administrator may add them: French questions, and the words around them in English."""

    english = edition("session-check-in", "client")
    french = replace(english, items=tuple(replace(item, text="Je vais bien.") for item in english.items))
    monkeypatch.setattr(wordings, "for_clients", lambda instrument: {"en": english, "fr": french})
    page = phone.get(rate, headers={"Accept-Language": "fr-CA"})
    assert language_of(page) == ("en", "ltr")
    assert '<div class="stack stack--loose" lang="fr" dir="ltr">' in page.content.decode()
    assert "français" in page.content.decode() and "translated" not in page.content.decode()


def test_therapists_read_english_whatever_their_browser_asks_for(service, browser_of, session):
    page = browser_of(service.ada).get(reverse("sessions_app:session-log", args=[session.episode_id]), headers=GERMAN)
    assert "no answer" in page.content.decode() and "keine Antwort" not in page.content.decode()


# --- What is said beforehand ------------------------------------------------------------------------


def test_emergency_text_of_the_service_stands_as_it_was_written(phone, rate, service):
    own = "Ring 01 2345, day & night: 100 %."
    organisation = service.organisation
    accounts.update_organisation(
        organisation=organisation, version=organisation.version, emergency_text=own, by=service.sam
    )
    assert "Ring 01 2345, day &amp; night: 100 %." in phone.get(rate, headers=ARABIC).content.decode()


def test_our_own_emergency_text_stands_on_a_page_that_may_not_say_whose_it_is(phone):
    assert EMERGENCY_TEXT in phone.get(reverse("measures:link", args=["x"])).content.decode()


def test_form_with_questions_about_harm_says_beforehand_that_they_are_always_raised(phone, rate, monkeypatch):
    assert "is always read" not in phone.get(rate).content.decode()
    with_risk = {"en": replace(edition("session-check-in", "client"), risk_items=(6,))}
    monkeypatch.setattr(wordings, "for_clients", lambda instrument: with_risk)
    said = phone.get(rate).content.decode()
    assert said.index('name="do_not_raise"') < said.index("An answer that tells of harm") < said.index("data-send")


def test_estimate_grows_with_the_questions():
    assert ClientRatingForm(edition=edition("session-check-in", "client")).times() == ["under a minute"]
    assert ClientRatingForm(edition=edition("wai-36", "client")).times()[-1] == "about 5 minutes"


# --- How long it took -------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """Of the module that measures; starts at noon."""

    class Clock:
        now = 1_800_000_000.0

    monkeypatch.setattr(tokens.time, "time", lambda: Clock.now)
    return Clock


def test_seconds_from_first_opening_to_sending_are_kept_with_the_rating(clock, phone, rate):
    phone.get(rate)
    clock.now += 20
    phone.get(rate)  # opened again: the first time counts
    clock.now += 21.4
    phone.post(rate, answers())
    assert Rating.objects.get().seconds_taken == 42


@pytest.mark.parametrize("change", ["paused", "another's", "changed", "lost", "old key"])
def test_time_that_tells_nothing_or_was_tampered_with_is_unknown(clock, phone, rate, link, session, change):
    phone.get(rate)
    name = f"opened-{link[0].pk.hex}"
    clock.now += 3
    if change == "another's":
        phone.cookies[name] = tokens.opened_now(session.pk)
    elif change == "changed":
        phone.cookies[name] = "x" + phone.cookies[name].value[1:]
    elif change == "lost":
        del phone.cookies[name]
    secret = "another key of the site, as long as it has to be for all this"
    with override_settings(**({"SECRET_KEY": secret} if change == "old key" else {})):
        answer = phone.post(rate, answers(paused="1" if change == "paused" else ""))
    assert answer.status_code == 302
    assert Rating.objects.get().seconds_taken is None


def test_time_is_not_part_of_what_was_answered(clock, phone, rate):
    phone.get(rate)
    sent = answers()
    clock.now += 5
    for paused in ("", "1"):
        assert phone.post(rate, {**sent, "paused": paused}).status_code == 302
    assert Rating.objects.get().seconds_taken == 5


def test_opened_again_after_it_was_sent_the_form_says_that_it_arrived(phone, rate, thanks):
    """Perhaps the answer was lost on its way back, and the person loads the page again."""
    phone.post(rate, answers())
    assert phone.get(rate)["Location"] == thanks


# --- On the therapist's page ------------------------------------------------------------------------


def record(session, **values):
    same = dict.fromkeys(range(1, 7), 10)
    return actions.record_rating(
        **{"session": session, "instrument": "session-check-in", "rater": "client", "answers": same, **values}, by=None
    )


def shown(service, browser_of, session):
    return browser_of(service.ada).get(reverse("sessions_app:session", args=[session.pk])).content.decode()


def test_session_page_says_how_the_rating_was_filled_in(service, browser_of):
    episode = factories.make_episode(service.ada)
    sessions = [factories.make_session(episode) for _ in range(3)]
    for session in sessions:
        factories.rate_as_therapist(session, bond=10)
        record(session, seconds_taken=4 if session == sessions[-1] else 40)
    last = shown(service, browser_of, sessions[-1])
    assert "Filled in within 4 seconds, 6 answers." in last
    assert "At the maximum in most ratings so far: the whole rating (3 of 3)." in last
    second = shown(service, browser_of, sessions[1])
    assert "Filled in within" not in second and "At the maximum" not in second


def test_ratings_that_wait_unseen_are_not_counted_either(service, browser_of):
    episode = factories.make_episode(service.ada)
    sessions = [factories.make_session(episode) for _ in range(3)]
    for session in sessions:
        record(session)
    factories.rate_as_therapist(sessions[-1])
    assert "At the maximum" not in shown(service, browser_of, sessions[-1])


def test_wish_not_to_raise_it_is_shown_without_a_comment_too(service, browser_of, session):
    factories.rate_as_therapist(session)
    record(session, do_not_raise=True)
    assert "asked not to raise this yet" in shown(service, browser_of, session)


def test_wish_not_to_raise_it_says_that_an_answer_about_harm_is_raised_all_the_same(service, browser_of, session):
    factories.rate_by_phq_9(session, harm=0, do_not_raise=True)
    assert "raised all the same" not in shown(service, browser_of, session)
    later = factories.make_session(session.episode)
    factories.rate_by_phq_9(later, harm=1, do_not_raise=True)
    assert "raised all the same" in shown(service, browser_of, later)


def test_session_page_asks_as_often_however_many_ratings_there_were(service, browser_of):
    episode = factories.make_episode(service.ada)
    pages = []
    for _ in range(2):
        for _ in range(4):
            session = factories.make_session(episode)
            factories.rate_as_therapist(session)
            record(session)
        url = reverse("sessions_app:session", args=[session.pk])
        pages.append(len(factories.queries_of(browser_of(service.ada), url)))
    assert pages[0] == pages[1] <= factories.MOST_QUERIES
