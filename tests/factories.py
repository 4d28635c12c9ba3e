"""Test objects, made only by calling the real actions: no test uses a state the program can't reach.

A service and its people:

    Ada     therapist, the one whose client it is
    Ruth    supervisor of Ada
    Tom     therapist, a colleague with no business in Ada's records
    Otto    supervisor of Tom, not of Ada
    Sam     administrator
    Nils    no role
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Cover, Organisation, User
from clients import actions as clients
from clients.models import Episode
from jobs.organisation import acting_in, current_organisation, set_organisation
from measures import actions as measures
from measures import tokens
from measures.models import Rating, RatingRequest, RiskAnswer
from reports import actions as imports
from reports.models import ImportBatch
from ruptures import actions as ruptures
from ruptures.models import Signal
from sessions_app import actions as sessions
from sessions_app.models import TherapySession

PASSWORD = "a long password for tests"
PEOPLE = {
    "ada": ("Ada Okafor", {"is_therapist": True}),
    "ruth": ("Ruth Lindqvist", {"is_supervisor": True}),
    "tom": ("Tom Abara", {"is_therapist": True}),
    "otto": ("Otto Brandt", {"is_supervisor": True}),
    "sam": ("Sam Pereira", {"is_administrator": True}),
    "nils": ("Nils Holm", {}),
}


@dataclass
class Service:
    organisation: Organisation
    ada: User
    ruth: User
    tom: User
    otto: User
    sam: User
    nils: User


def make_service(name: str = "Harbour", slug: str = "harbour", domain: str = "harbour.example") -> Service:
    organisation = accounts.create_organisation(name=name, slug=slug)
    with acting_in(organisation.pk):
        people = {
            key: accounts.create_person(
                organisation=organisation, email=f"{key}@{domain}", name=full_name, password=PASSWORD, by=None, **roles
            )
            for key, (full_name, roles) in PEOPLE.items()
        }
        accounts.start_supervision(supervisor=people["ruth"], therapist=people["ada"], by=people["sam"])
        accounts.start_supervision(supervisor=people["otto"], therapist=people["tom"], by=people["sam"])
    return Service(organisation, **people)


def make_episode(therapist: User, *, code: str = "R-0417", name: str = "Rowan", weeks_ago: int = 60) -> Episode:
    client = clients.create_client(code=code, name=name, by=therapist)
    return clients.start_episode(
        client=client,
        modality="cbt",
        practitioner_title="Clinical psychologist",
        started_on=timezone.localdate() - timedelta(weeks=weeks_ago),
        by=therapist,
    )


def make_cover(therapist: User, *, by: User, starts: int = 0, ends: int = 7) -> Cover:
    """`by` stands in for the therapist from so many days from today to so many.

    Of one that has begun earlier only the days are moved: no action reaches back.
    """
    day = therapist.organisation.today
    first, last = day + timedelta(days=starts), day + timedelta(days=ends)
    shift = max(day - first, timedelta())
    cover = accounts.start_cover(
        therapist=therapist, cover=by, starts_on=first + shift, ends_on=last + shift, by=therapist
    )
    Cover.objects.filter(pk=cover.pk).update(starts_on=first, ends_on=last)
    cover.refresh_from_db()
    return cover


def hand_over(episode: Episode, *, to: User, on: date | None = None, by: User | None = None) -> Episode:
    """The episode with which `to` continues this one, from today on unless it is said otherwise."""
    return measures.hand_over(
        episode=episode,
        to=to,
        on=on or timezone.localdate(),
        practitioner_title="Counsellor",
        by=by or episode.therapist,
    )


def make_session(episode: Episode, **values: Any) -> TherapySession:
    number = values.pop("number", None) or sessions.next_number(episode)
    defaults = {
        "held_on": timezone.localdate() - timedelta(weeks=max(0, 50 - number)),
        "attendance": "attended",
        "format": "in-person",
        "note": "",
    }
    return sessions.log_session(episode=episode, number=number, by=episode.therapist, **{**defaults, **values})


def rate_as_therapist(session: TherapySession, goal: int = 7, task: int = 7, bond: int = 7) -> Any:
    return measures.submit_rating(
        session=session,
        instrument="session-check-in",
        rater="therapist",
        answers={1: goal, 2: task, 3: bond},
        by=session.episode.therapist,
    )


def rate_as_client(session: TherapySession, goal: int = 7, task: int = 7, bond: int = 7, comment: str = "") -> Any:
    return measures.record_rating(
        session=session,
        instrument="session-check-in",
        rater="client",
        answers={1: goal, 2: goal, 3: task, 4: task, 5: bond, 6: bond},
        comment=comment,
        by=None,
    )


def rate_by_phq_9(session: TherapySession, *, harm: int | None, other: int = 1, **more: Any) -> Rating:
    """A client's PHQ-9: `harm` is the answer to item 9, `other` that to the rest."""
    answers = dict.fromkeys(range(1, 9), other) | {9: harm}
    return measures.record_rating(
        session=session, instrument="phq-9", rater="client", answers=answers, **{"by": None, **more}
    )


def make_risk_answer(session: TherapySession, harm: int = 2) -> RiskAnswer:
    return rate_by_phq_9(session, harm=harm).risk_answer


def make_course(episode: Episode, bonds: list[int | None]) -> list[TherapySession]:
    """One session per entry, rated by both; None is a session nobody rated."""
    made = []
    for bond in bonds:
        session = make_session(episode)
        if bond is not None:
            rate_as_therapist(session, bond=bond)
            rate_as_client(session, bond=bond)
        made.append(session)
    ruptures.judge_episode(episode_id=episode.pk)
    return made


def make_signal(episode: Episode) -> Signal:
    """A steady course of bond whose last session is far below it:  8 7 8 8 7 8 |2|"""
    (*_earlier, last) = make_course(episode, [8, 7, 8, 8, 7, 8, 2])
    ruptures.judge_episode(episode_id=episode.pk)
    return Signal.objects.get(session=last)


def make_import(service: Service) -> ImportBatch:
    """A checked file of ratings with a measure of the service's own, not written yet."""
    mapping = {
        "client": {"column": "id"},
        "measure": [
            {"code": "mood", "name": "Mood", "construct": "outcome", "low": 0, "high": 63}
            | {"higher_is_better": False, "licence": "Ours."}
        ],
        "series": [{"instrument": "mood", "rater": "client", "columns": [{"column": "mood_1", "session": 1}]}],
    }
    batch = imports.start_import(file_name="old.csv", content=b"id,mood_1\n1,20\n2,30\n", by=service.sam)
    start_date = timezone.localdate() - timedelta(days=9)
    imports.map_columns(batch=batch, mapping=mapping, therapist=service.tom, start_date=start_date, by=service.sam)
    (measure,) = imports.own_measures(batch)
    measures.define_measure(measure=measure, by=service.sam)
    return imports.check_import(batch_id=batch.pk)


def make_request(session: TherapySession, instrument: str = "session-check-in") -> tuple[RatingRequest, str]:
    """A link and its token."""
    request = measures.request_rating(session=session, instrument=instrument, by=session.episode.therapist)
    return request, tokens.token_of(request.pk, request.nonce)


class Browser(DjangoClient):
    """Django's test client, leaving the test's own organisation as it found it."""

    def sign_in(self, person: User) -> None:
        with acting_in(person.organisation_id):
            self.force_login(person, backend="accounts.backends.OrganisationBackend")
        session = self.session
        session["organisation"] = str(person.organisation_id)
        session.save()

    def request(self, **request: Any) -> Any:
        before = current_organisation()
        try:
            return super().request(**request)
        finally:
            set_organisation(before)


def queries_of(browser: Browser, url: str) -> list[str]:
    """The queries a page makes, without the savepoints and the settings that only the test adds."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    own = ("SAVEPOINT", "RELEASE SAVEPOINT", "SELECT NULLIF(current_setting")
    return [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(own)][:-1]
