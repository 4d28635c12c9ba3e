"""Who sees what, as time goes by: an absence that comes and goes, and a client who is handed over.

Ada's client Rowan is covered by Tom between two days. Later Ada hands Rowan over to Bea:

    Ada's episode  ──────── session 1, "before" ────┤ handed over to Bea
                                                    └──── Bea's episode ──── session 1, "after"

Ruth supervises Ada, Otto supervises Bea. Sam is the administrator; elsewhere is another service.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models.functions import Now
from django.urls import reverse
from pypdf import PdfReader

from accounts import actions as accounts
from accounts.models import Cover, Supervision, User
from clients import actions as clients
from clients.models import Client, Episode
from measures import actions as measures
from measures.actions.risk import acknowledge_risk, pass_on_risk_answers
from measures.models import Rating, RiskAnswer
from measures.risk import unread as unread_risk
from ruptures import actions as ruptures
from sessions_app import actions as sessions
from sessions_app.models import TherapySession
from tests import factories
from tests.access.world import make_import

pytestmark = pytest.mark.django_db

BEFORE, AFTER = "canary from before the hand-over", "canary from after it"


@dataclass
class Story:
    service: Any
    elsewhere: Any
    bea: User
    old: Episode
    new: Episode
    old_session: TherapySession
    new_session: TherapySession

    def person(self, who: str) -> User:
        if who == "bea":
            return self.bea
        service, name = (self.elsewhere, who[2:]) if who.startswith("e-") else (self.service, who)
        return getattr(service, name)

    def browser(self, who: str) -> factories.Browser:
        browser = factories.Browser()
        browser.sign_in(self.person(who))
        return browser


def make_bea(service) -> User:
    bea = accounts.create_person(
        organisation=service.organisation,
        email="bea@harbour.example",
        name="Bea Lund",
        password=factories.PASSWORD,
        is_therapist=True,
        by=service.sam,
    )
    accounts.start_supervision(supervisor=service.otto, therapist=bea, by=service.sam)
    return bea


def recorded(episode: Episode, words: str) -> TherapySession:
    """A session with a note, rated by both, with a comment."""
    session = factories.make_session(episode, number=50, note=words)
    factories.rate_as_therapist(session)
    factories.rate_as_client(session, comment=words)
    ruptures.judge_episode(episode_id=episode.pk)
    return session


def pages_of(episode: Episode, session: TherapySession) -> dict[str, str]:
    rating = Rating.objects.get(session=session, rater="client")
    return {
        "episode": reverse("dashboards:episode", args=[episode.pk]),
        "part that renews itself": reverse("dashboards:episode-change", args=[episode.pk]),
        "chart": reverse("dashboards:episode-figure", args=[episode.pk]),
        "session": reverse("sessions_app:session", args=[session.pk]),
        "rating as FHIR": reverse("reports:rating-fhir", args=[rating.pk]),
    }


def forms_of(episode: Episode, session: TherapySession) -> dict[str, str]:
    return {
        "log": reverse("sessions_app:session-log", args=[episode.pk]),
        "edit": reverse("sessions_app:session-edit", args=[session.pk]),
        "end": reverse("clients:episode-end", args=[episode.pk]),
        "hand over": reverse("clients:episode-hand-over", args=[episode.pk]),
        "code and name": reverse("clients:client-edit", args=[episode.client_id]),
        "new episode": reverse("clients:episode-create", args=[episode.client_id]),
    }


def answers(browser: factories.Browser, addresses: dict[str, str]) -> dict[str, int]:
    return {name: browser.get(address).status_code for name, address in addresses.items()}


# --- Cover ----------------------------------------------------------------------------------------------

PHASES = {"before": (1, 7), "during": (-3, 3), "after": (-7, -1)}


@pytest.mark.parametrize(("phase", "days"), PHASES.items(), ids=PHASES)
def test_cover_reads_and_writes_between_the_two_days_and_at_no_other_time(service, browser_of, phase, days):
    episode = factories.make_episode(service.ada, name="Rowan-canary")
    session = recorded(episode, BEFORE)
    factories.make_cover(service.ada, by=service.tom, starts=days[0], ends=days[1])
    tom, is_now = browser_of(service.tom), phase == "during"
    read, write = answers(tom, pages_of(episode, session)), answers(tom, forms_of(episode, session))
    assert set(read.values()) == {200 if is_now else 404}
    # Whom somebody sees stays the therapist's to say: nobody who covers gives clients away or takes them on.
    never = {"hand over", "new episode"}
    assert {name: code for name, code in write.items() if name not in never} == dict.fromkeys(
        set(write) - never, 200 if is_now else 404
    )
    assert {write[name] for name in never} == {403 if is_now else 404}
    for address in (reverse("clients:client-list"), reverse("sessions_app:today")):
        assert ("Rowan-canary" in tom.get(address).content.decode()) == is_now
        assert ("Ada Okafor" in tom.get(address).content.decode()) == is_now


def test_what_a_cover_records_carries_their_name(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7])
    factories.make_cover(service.ada, by=service.tom)
    form = {"number": 2, "held_on": service.organisation.today, "attendance": "attended", "format": "video"}
    tom = browser_of(service.tom)
    saved = tom.post(reverse("sessions_app:session-log", args=[episode.pk]), {**form, "item-1": 6, "wants_link": "on"})
    assert saved.status_code == 302
    session = TherapySession.objects.get(number=2)
    rating = session.ratings.get(rater="therapist")
    assert session.created_by == rating.submitted_by == session.rating_requests.get().created_by == service.tom
    page = browser_of(service.ada).get(saved["Location"]).content.decode()
    assert "by Tom Abara for Ada Okafor" in page
    assert "you cover for Ada Okafor" in tom.get(saved["Location"]).content.decode()


def test_a_cover_answers_what_waits_for_the_therapist(service):
    signal = factories.make_signal(factories.make_episode(service.ada))
    with pytest.raises(PermissionDenied):
        ruptures.confirm_signal(signal=signal, by=service.tom)
    factories.make_cover(service.ada, by=service.tom)
    ruptures.confirm_signal(signal=signal, by=service.tom)
    assert signal.answered_by == service.tom


def test_a_cover_opens_nothing_to_the_supervisor_of_who_covers(service, browser_of):
    """Otto supervises Tom, and Ada's clients are not Tom's caseload."""
    episode = factories.make_episode(service.ada, code="R-canary")
    factories.make_cover(service.ada, by=service.tom)
    otto = browser_of(service.otto)
    assert otto.get(reverse("dashboards:episode", args=[episode.pk])).status_code == 404
    assert "R-canary" not in otto.get(reverse("dashboards:caseload")).content.decode()


def test_a_supervisor_who_covers_finds_the_covered_among_clients_and_not_in_the_caseload(service, browser_of):
    factories.make_episode(service.ada, code="R-canary")
    User.objects.filter(pk=service.otto.pk).update(is_therapist=True)
    otto = User.objects.get(pk=service.otto.pk)
    factories.make_cover(service.ada, by=otto)
    assert "R-canary" in browser_of(otto).get(reverse("clients:client-list")).content.decode()
    assert "R-canary" not in browser_of(otto).get(reverse("dashboards:caseload")).content.decode()


def test_no_page_needs_more_queries_for_covered_clients_than_for_own(service, browser_of):
    for number in range(2):
        factories.make_course(factories.make_episode(service.ada, code=f"R-{number}"), [7, 6])
    factories.make_cover(service.ada, by=service.tom)
    episode = Episode.objects.first()
    for address in (reverse("clients:client-list"), reverse("sessions_app:today")):
        own, covered = (len(factories.queries_of(browser_of(who), address)) for who in (service.ada, service.tom))
        assert covered <= own
    page = reverse("dashboards:episode", args=[episode.pk])
    own, covered = (len(factories.queries_of(browser_of(who), page)) for who in (service.ada, service.tom))
    # Whether it is covered today is asked of those alone who are not its therapist.
    assert covered == own + 1 <= factories.MOST_QUERIES


# --- Hand-over ------------------------------------------------------------------------------------------


@pytest.fixture
def story(service, other_service):
    bea = make_bea(service)
    old = factories.make_episode(service.ada, code="R-0417", name="Rowan-canary")
    old_session = recorded(old, BEFORE)
    new = factories.hand_over(old, to=bea, on=old_session.held_on)
    return Story(service, other_service, bea, old, new, old_session, recorded(new, AFTER))


# Who reads which episode, and who writes in it: r reads, w reads and writes, – finds nothing, x has no such pages.
TABLE = """
           ada bea tom ruth otto sam e-ada e-ruth e-sam
old          r   r   –    r    r   x     –      –     x
new          –   w   –    –    r   x     –      –     x
"""
READS = {"r": 200, "w": 200, "–": 404, "x": 403}


def rights() -> dict[str, dict[str, str]]:
    (_, *people), *rows = [line.split() for line in TABLE.strip().replace("ada bea", "episode ada bea", 1).splitlines()]
    return {which: dict(zip(people, letters, strict=True)) for which, *letters in rows}


def test_everybody_reads_what_is_theirs_to_read(story):
    for which, episode, session in (("old", story.old, story.old_session), ("new", story.new, story.new_session)):
        for who, letter in rights()[which].items():
            found = answers(story.browser(who), pages_of(episode, session))
            assert set(found.values()) == {READS[letter]}, (which, who, found)


def test_nobody_writes_in_an_episode_that_was_handed_over(story):
    """To readers who are therapists it is 403; of an episode that is over there is nothing left to end: 404."""
    never = {"end", "hand over"}
    for who, letter in rights()["old"].items():
        found = answers(story.browser(who), forms_of(story.old, story.old_session))
        if who == "bea":  # The client is hers now.
            assert found.pop("code and name") == 200 and found.pop("new episode") == 200
        for name, code in found.items():
            is_hidden = story.person(who).is_therapist and (letter == "–" or name in never)
            assert code == (404 if is_hidden else 403), (who, name, code)


def test_the_new_therapist_writes_in_the_new_episode_and_a_reader_does_not(story):
    assert set(answers(story.browser("bea"), forms_of(story.new, story.new_session)).values()) == {200}
    found = answers(story.browser("otto"), forms_of(story.new, story.new_session))
    assert set(found.values()) == {403}


def text_of(page) -> str:
    if page["Content-Type"] != "application/pdf":
        return page.content.decode()
    return " ".join(part.extract_text() for part in PdfReader(BytesIO(page.content)).pages)


def everything_seen(browser: factories.Browser) -> str:
    """All that a person comes to by following every link from the first pages on."""
    seen, to_see = {}, ["/today/", "/clients/", "/clients/?show=ended", "/caseload/", "/people/", "/account/"]
    while to_see:
        address = to_see.pop()
        if address in seen:
            continue
        page = browser.get(address)
        seen[address] = text_of(page) if page.status_code == 200 else ""
        links = re.findall(r'(?:href|hx-get|data-chart)="(/[^"#]*)', seen[address])
        to_see += [link.replace("&amp;", "&") for link in links if link not in seen and "/static/" not in link]
    return "".join(seen.values())


@pytest.mark.parametrize(
    ("who", "before", "after"),
    [
        ("ada", True, False),
        ("bea", True, True),
        ("tom", False, False),
        ("ruth", True, False),
        ("otto", True, True),
        ("sam", False, False),
        ("e-ada", False, False),
    ],
)
def test_what_was_recorded_after_the_hand_over_is_seen_by_the_new_side_alone(story, who, before, after):
    seen = everything_seen(story.browser(who))
    assert ((BEFORE in seen), (AFTER in seen)) == (before, after)
    assert ("Rowan-canary" in seen) == before
    if who == "sam":
        assert "R-0417" in seen, "an administrator knows the code of an open episode"


def test_the_new_therapist_comes_from_the_new_episode_to_the_earlier_one(story):
    page = story.browser("bea").get(reverse("dashboards:episode", args=[story.new.pk])).content.decode()
    assert (
        f'Earlier: <a href="{reverse("dashboards:episode", args=[story.old.pk])}">with Ada Okafor, 1 session</a>'
        in page
    )
    listed = story.browser("bea").get(reverse("clients:client-list"), {"show": "ended"}).content.decode()
    assert "R-0417" not in listed, "what Ada ended is not among what Bea ended"
    old_page = story.browser("ada").get(reverse("dashboards:episode", args=[story.old.pk])).content.decode()
    assert "handed over to Bea Lund on" in old_page
    assert str(story.new.pk) not in old_page and "Later:" not in old_page
    for words in ("Log session", "Start a new episode", "End the episode", "Change code or name", "It was a rupture"):
        assert words not in old_page


def test_a_cover_of_the_new_therapist_reads_what_came_before_and_one_of_the_former_nothing_after(story):
    factories.make_cover(story.bea, by=story.service.tom)
    tom = story.browser("tom")
    assert set(answers(tom, pages_of(story.old, story.old_session)).values()) == {200}
    assert tom.get(reverse("sessions_app:session-edit", args=[story.old_session.pk])).status_code == 403
    assert tom.get(reverse("sessions_app:session-edit", args=[story.new_session.pk])).status_code == 200
    Cover.objects.all().delete()
    factories.make_cover(story.service.ada, by=story.service.tom)
    tom = story.browser("tom")
    assert set(answers(tom, pages_of(story.old, story.old_session)).values()) == {200}
    assert set(answers(tom, pages_of(story.new, story.new_session)).values()) == {404}


def test_handed_over_again_each_reads_what_came_before_them(story):
    """Ada → Bea → Tom: Tom reads all, Bea what she and Ada recorded, Ada what she did."""
    last = factories.hand_over(story.new, to=story.service.tom)
    session = recorded(last, "canary of the third")
    readers = {
        episode: {
            who for who in ("ada", "bea", "tom") if Episode.objects.visible_to(story.person(who)).filter(pk=episode)
        }
        for episode in (story.old.pk, story.new.pk, last.pk)
    }
    assert readers == {story.old.pk: {"ada", "bea", "tom"}, story.new.pk: {"bea", "tom"}, last.pk: {"tom"}}
    page = story.browser("tom").get(reverse("dashboards:episode", args=[last.pk])).content.decode()
    assert page.index("with Ada Okafor, 1 session") < page.index("with Bea Lund, 1 session")
    assert session.episode.responsible_id == story.service.tom.pk


def test_no_action_writes_where_nobody_is_responsible(story):
    """Past every page: what was handed over stays as it is, for its therapist and for whoever took over."""
    session = TherapySession.objects.get(pk=story.old_session.pk)
    episode = Episode.objects.get(pk=story.old.pk)
    for by in (story.service.ada, story.bea):
        for attempt in (
            lambda by: sessions.update_session(session=session, version=session.version, note="late", by=by),
            lambda by: measures.submit_rating(
                session=session, instrument="session-check-in", rater="therapist", answers={1: 1}, by=by
            ),
            lambda by: measures.waive_own_rating(session=session, by=by),
            lambda by: sessions.rate_conditions(session=session, congruence=1, regard=1, empathy=1, by=by),
            lambda by: measures.request_rating(session=session, instrument="outcome-check-in", by=by),
            lambda by: measures.set_baseline(session=session, by=by),
            lambda by: clients.end_episode(episode=episode, ended_on=session.held_on, ending="planned", by=by),
            lambda by: sessions.log_session(
                episode=episode, number=9, held_on=session.held_on, attendance="attended", format="video", by=by
            ),
        ):
            with pytest.raises((PermissionDenied, ValidationError)):
                attempt(by)
    assert not TherapySession.objects.filter(note="late").exists()


def test_no_file_writes_where_nobody_is_responsible(service):
    """The file is of Ada's clients, and this one went over to Tom on the day of the start."""
    old = factories.make_episode(service.ada, code="I-1", weeks_ago=150)
    factories.hand_over(old, to=service.tom, on=old.started_on)
    batch = make_import(service, check=True)
    assert "as a client of another therapist than Ada Okafor" in str(batch.report)
    assert not TherapySession.objects.exists()


def test_the_former_therapist_takes_nobody_back_by_starting_anew(story):
    """Once the new therapist has ended it, the client comes back to them: they saw the client last."""
    clients.end_episode(episode=story.new, ended_on=story.service.organisation.today, ending="planned", by=story.bea)
    client = Client.objects.get()
    terms = {"modality": "cbt", "practitioner_title": "x", "started_on": story.service.organisation.today}
    with pytest.raises(PermissionDenied):
        clients.start_episode(client=client, by=story.service.ada, **terms)
    assert clients.start_episode(client=client, by=story.bea, **terms).is_open


# --- Risk answers: none is lost between two people ------------------------------------------------------


def test_who_covers_meets_a_risk_answer_first_of_all_and_acknowledges_it(service, browser_of):
    answer = factories.make_risk_answer(factories.make_session(factories.make_episode(service.ada)))
    factories.make_cover(service.ada, by=service.tom)
    page = browser_of(service.tom).get(reverse("sessions_app:today")).content.decode()
    assert "A risk answer waits to be acknowledged" in page and "with Ada Okafor" in page
    acknowledge_risk(answer=answer, done="Rang.", by=service.tom)
    assert not RiskAnswer.objects.open().exists()


@pytest.fixture
def risk(service, browser_of):
    """Ada hands a client over while a risk answer waits: who took over, and the answer in the old episode."""
    episode = factories.make_episode(service.ada, code="R-0417")
    answer = factories.make_risk_answer(factories.make_session(episode))
    told = browser_of(service.ada).post(
        reverse("clients:episode-hand-over", args=[episode.pk]),
        {"to": service.tom.pk, "on": service.organisation.today},
    )
    words = " ".join(told.content.decode().split())
    assert "1 risk answer waits to be acknowledged. After the hand-over it is for Tom Abara to act on." in words
    factories.hand_over(episode, to=service.tom)
    return answer


def test_a_risk_answer_that_waits_goes_with_the_client(service, browser_of, risk):
    waits = "A risk answer waits to be acknowledged"
    seen = {who: browser_of(getattr(service, who)) for who in ("ada", "tom", "otto", "ruth")}
    assert waits in seen["tom"].get(reverse("sessions_app:today")).content.decode()
    assert "risk answer waits" in seen["tom"].get(reverse("clients:client-list")).content.decode()
    assert waits not in seen["ada"].get(reverse("sessions_app:today")).content.decode()
    assert waits in seen["otto"].get(reverse("dashboards:caseload")).content.decode()
    assert waits not in seen["ruth"].get(reverse("dashboards:caseload")).content.decode()
    old = reverse("dashboards:episode", args=[risk.rating.session.episode_id])
    assert "it is for whoever took over to acknowledge" in seen["ada"].get(old).content.decode()
    for by in (service.ada, service.otto, service.ruth):
        with pytest.raises(PermissionDenied):
            acknowledge_risk(answer=risk, done="Rang.", by=by)
    RiskAnswer.objects.update(passed_on_at=Now())
    with pytest.raises(PermissionDenied):
        acknowledge_risk(answer=risk, done="Rang.", by=service.ruth)
    acknowledge_risk(answer=risk, done="canary of what was done", by=service.otto)
    shown = {who: "canary of what was done" in browser.get(old).content.decode() for who, browser in seen.items()}
    assert shown == {"ada": False, "tom": True, "otto": True, "ruth": False}
    assert "Acknowledged by whoever took over." in seen["ada"].get(old).content.decode()


def test_what_was_done_before_the_hand_over_stays_known_to_who_did_it(service, browser_of, risk):
    earlier = Episode.objects.get(continues__isnull=False).created_at - timedelta(minutes=1)
    RiskAnswer.objects.update(acknowledged_at=earlier, acknowledged_by=service.ada, done="Rang at once.")
    page = reverse("dashboards:episode", args=[risk.rating.session.episode_id])
    for who in (service.ada, service.ruth, service.tom):
        assert "Rang at once." in browser_of(who).get(page).content.decode()


def test_it_is_passed_on_when_the_one_who_took_over_leaves_and_not_the_one_before(service, risk):
    User.objects.filter(pk=service.ada.pk).update(is_active=False)
    assert pass_on_risk_answers(organisation_id=service.organisation.pk) == 0
    User.objects.filter(pk=service.tom.pk).update(is_active=False)
    assert pass_on_risk_answers(organisation_id=service.organisation.pk) == 1
    accounts.end_supervision(supervision=Supervision.objects.get(therapist=service.tom), by=service.sam)
    (unread,) = unread_risk(service.sam)
    assert (unread.therapist, unread.count, unread.has_supervisor) == ("Tom Abara", 1, False)
