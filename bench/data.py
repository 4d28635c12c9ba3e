"""What the benchmark asks about, made through the application's own actions."""

import time
import urllib.parse
import uuid
from dataclasses import dataclass
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.db import connection
from django.db.models import F
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Organisation, User
from clients import actions as clients
from clients.models import Episode
from dashboards.actions import keep_summaries
from jobs.organisation import acting_in
from measures import actions as measures
from measures import tokens
from measures.models import EpisodeSeries
from measures.views import cookie_name
from ruptures import actions as ruptures
from sessions_app import actions as sessions
from sessions_app.models import TherapySession

Link = tuple[str, str, str]
ORGANISATION: list[uuid.UUID] = []


@dataclass
class Made:
    therapist: User
    supervisor: User
    therapist_cookie: str
    supervisor_cookie: str
    episode_url: str
    links: list[Link]
    trend_links: list[tuple[str, str, str, str]]


def make(*, clients: int, sessions: int, ratings: int, trends: int) -> Made:
    organisation = accounts.create_organisation(name="Benchmark", slug="benchmark", second_factor_for="nobody")
    ORGANISATION.append(organisation.pk)
    with acting_in(organisation.pk):
        therapist = make_person(organisation, "therapist", is_therapist=True)
        supervisor = make_person(organisation, "supervisor", is_supervisor=True)
        accounts.start_supervision(supervisor=supervisor, therapist=therapist, by=None)
        episodes = [make_episode(therapist, number) for number in range(clients)]
        for episode in episodes:
            for bond in (7, 8, 6):
                rate(log(episode), bond)
        busy = make_episode(therapist, clients)
        for number in range(sessions):
            rate(log(busy), 5 + number % 4)
        links = [make_link(log(episodes[number % clients])) for number in range(ratings)]
        later = [(*make_link(log(episode)), str(episode.pk)) for episode in episodes[:trends]]
    for episode in [*episodes, busy]:
        with acting_in(organisation.pk):
            ruptures.judge_episode(episode_id=episode.pk)
            keep_summaries(episode_ids=[episode.pk])
    return Made(
        therapist, supervisor, cookie_of(therapist), cookie_of(supervisor), f"/episodes/{busy.pk}/", links, later
    )


def make_person(organisation: Organisation, name: str, **roles: bool) -> User:
    email = f"{name}@benchmark.example"
    return accounts.create_person(organisation=organisation, email=email, name=name, by=None, **roles)


def make_episode(therapist: User, number: int) -> Episode:
    client = clients.create_client(code=f"B-{number:04d}", by=therapist)
    started = timezone.localdate() - timedelta(days=300)
    return clients.start_episode(
        client=client, modality="cbt", practitioner_title="Counsellor", started_on=started, by=therapist
    )


def log(episode: Episode) -> TherapySession:
    number = sessions.next_number(episode)
    day = episode.started_on + timedelta(days=7 * number)
    return sessions.log_session(
        episode=episode,
        number=number,
        held_on=min(day, timezone.localdate()),
        attendance="attended",
        format="video",
        by=episode.therapist,
    )


def rate(session: TherapySession, bond: int) -> None:
    own = {1: 7.0, 2: 7.0, 3: float(bond)}
    measures.record_rating(
        session=session, instrument="session-check-in", rater="therapist", answers=own, by=session.episode.therapist
    )
    answers = dict.fromkeys(range(1, 5), 7.0) | {5: float(bond), 6: float(bond)}
    measures.record_rating(session=session, instrument="session-check-in", rater="client", answers=answers, by=None)


def make_link(session: TherapySession) -> Link:
    """The address, the cookie and the body of one client's answer. The therapist's own rating is there already."""
    own = {1: 7.0, 2: 7.0, 3: 7.0}
    by = session.episode.therapist
    measures.record_rating(session=session, instrument="session-check-in", rater="therapist", answers=own, by=by)
    request = measures.request_rating(session=session, instrument="session-check-in", by=by)
    token = tokens.token_of(request.pk, request.nonce)
    answers = {f"item-{number}": "7" for number in range(1, 7)}
    body = urllib.parse.urlencode({"submission": str(uuid.uuid4()), "comment": "Thank you.", **answers})
    return f"/rate/{request.pk}/", f"{cookie_name(request.pk)}={token}", body


def browser_of(person: User) -> Browser:
    browser = Browser()
    with acting_in(person.organisation_id):
        browser.force_login(person, backend="accounts.backends.OrganisationBackend")
        session = browser.session
        UserSession.objects.create(user=person, session_key=session.session_key, ip="127.0.0.1", user_agent="bench")
    session["organisation"] = str(person.organisation_id)
    session.save()
    return browser


def cookie_of(person: User) -> str:
    return f"sessionid={browser_of(person).cookies['sessionid'].value}"


def is_computed(episode_id: str) -> bool:
    with acting_in(ORGANISATION[0]):
        return EpisodeSeries.objects.filter(episode_id=episode_id, computed_version=F("input_version")).exists()


def wait_until_all_is_computed() -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with acting_in(ORGANISATION[0]):
            if not EpisodeSeries.objects.filter(computed_version__lt=F("input_version")).exists():
                return
        time.sleep(0.2)
    raise TimeoutError("the worker did not finish within two minutes")


def query_counts(made: Made) -> dict[str, int]:
    pages = {
        "episode page": (made.therapist, made.episode_url),
        "its chart's JSON": (made.therapist, made.episode_url + "figure.json"),
        "caseload": (made.supervisor, "/caseload/"),
        "client list": (made.therapist, "/clients/"),
        "today": (made.therapist, "/today/"),
    }
    counts = {}
    for name, (person, url) in pages.items():
        browser = browser_of(person)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(url).status_code == 200
        counts[name] = len(captured.captured_queries)
    return counts
