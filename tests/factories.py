"""Test objects, made only by calling the real actions: no test uses a state the program can't reach.

A service and its people:

    Ada     therapist, the one whose client it is
    Ruth    supervisor of Ada
    Tom     therapist, a colleague with no business in Ada's records
    Otto    supervisor of Tom, not of Ada
    Sam     administrator
    Nils    no role
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test import Client as DjangoClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from accounts import actions as accounts
from accounts.models import ApiToken, Cover, Organisation, User
from accounts.second_factor import seal
from clients import actions as clients
from clients.models import Client, Episode, Goal, Task
from dashboards import actions as dashboards
from dashboards.models import ServiceRun
from jobs.organisation import acting_in, current_organisation, set_organisation
from measures import actions as measures
from measures import instruments, schedule, tokens
from measures.actions import clients as for_client
from measures.actions import service as chosen
from measures.battery import Entry, Rhythm
from measures.models import BatteryOverride, Invitation, Licence, Rating, RatingRequest, RiskAnswer, Wording
from reports import actions as imports
from reports.exports import actions as exports
from reports.models import Erasure, Export, ImportBatch, RetentionNotice
from reports.privacy.erasure import request_erasure, set_hold
from ruptures import actions as ruptures
from ruptures.actions import repair
from ruptures.models import RepairAttempt, Rupture, Signal
from sessions_app import actions as sessions
from sessions_app.actions.process_notes import write_process_note
from sessions_app.models import ProcessNote, TherapySession
from supervision import actions as supervision
from supervision import states
from supervision.models import AgendaItem, LearningTarget, Meeting, NextStep

PASSWORD = "a long password for tests"
# What any page needs at most, whatever the caseload; two of them are of the session, when it ends and that it is used.
MOST_QUERIES = 26
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


def headers_of(page: Any) -> list[tuple[str, str]]:
    """All but the number that each request has for itself."""
    return sorted(item for item in page.headers.items() if item[0] != "X-Request-ID")


def make_service(name: str = "Harbour", slug: str = "harbour", domain: str = "harbour.example") -> Service:
    organisation = accounts.create_organisation(name=name, slug=slug, second_factor_for="nobody")
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


def make_token(person: User, *, scope: str = "write", days: int = 30) -> tuple[ApiToken, str]:
    """A token and its text."""
    return accounts.make_token(name="Our register", scope=scope, days=days, by=person)


def make_app(person: User, seed: str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP") -> Authenticator:
    """The second factor of somebody whose app has this seed, with its recovery codes."""
    Authenticator.objects.create(
        user=person,
        type="recovery_codes",
        data={"seed": seal("0123456789abcdef" * 5, person.pk), "used_mask": 0, "viewed_at": time.time()},
    )
    return Authenticator.objects.create(user=person, type="totp", data={"secret": seal(seed, person.pk)})


def code_of(seed: str, moment: float) -> str:
    """What an app shows then: RFC 6238, written from the standard."""
    key = base64.b32decode(seed)
    digest = hmac.new(key, int(moment // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def make_passkey(person: User, name: str = "Laptop") -> Authenticator:
    """A passkey as a browser registers one, for this test's address."""
    key = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    credential = AttestedCredentialData.create(b"\0" * 16, b"a credential of " + str(person.pk).encode(), key)
    data = AuthenticatorData.create(hashlib.sha256(b"testserver").digest(), 0x45, 1, credential)
    attestation = AttestationObject.create("none", data, {})
    client = {"type": "webauthn.create", "challenge": "AAAA", "origin": "https://testserver", "crossOrigin": False}
    registered = {
        "id": websafe_encode(credential.credential_id),
        "rawId": websafe_encode(credential.credential_id),
        "type": "public-key",
        "response": {
            "clientDataJSON": websafe_encode(json.dumps(client).encode()),
            "attestationObject": websafe_encode(bytes(attestation)),
        },
        "clientExtensionResults": {},
    }
    return Authenticator.objects.create(user=person, type="webauthn", data={"name": name, "credential": registered})


def make_sign_in(person: User, user_agent: str = "") -> UserSession:
    """Somebody signed in on another device."""
    elsewhere = SessionStore()
    elsewhere.create()
    return UserSession.objects.create(
        user=person, session_key=elsewhere.session_key, ip="192.0.2.4", user_agent=user_agent
    )


def hand_over(episode: Episode, *, to: User, on: date | None = None, by: User | None = None) -> Episode:
    """The episode with which `to` continues this one, from today on unless it is said otherwise."""
    return measures.hand_over_episode_with_links(
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


def make_process_note(about: TherapySession | Episode, text: str = "A hunch.", *, shared: bool = False) -> ProcessNote:
    session = about if isinstance(about, TherapySession) else None
    episode = session.episode if session else about
    return write_process_note(
        episode=episode, session=session, text=text, shared_with_supervisor=shared, by=episode.therapist
    )


def rate_as_therapist(session: TherapySession, goal: int = 7, task: int = 7, bond: int = 7) -> Any:
    return measures.submit_rating(
        session=session,
        instrument="session-check-in",
        rater="therapist",
        answers={1: goal, 2: task, 3: bond},
        by=session.episode.therapist,
    )


def rate_as_client(
    session: TherapySession,
    goal: int = 7,
    task: int = 7,
    bond: int = 7,
    comment: str = "",
    *,
    do_not_raise: bool = False,
) -> Any:
    return measures.record_rating(
        session=session,
        instrument="session-check-in",
        rater="client",
        answers={1: goal, 2: goal, 3: task, 4: task, 5: bond, 6: bond},
        comment=comment,
        do_not_raise=do_not_raise,
        by=None,
    )


def make_comment(session: TherapySession, words: str = "It felt rushed.", *, do_not_raise: bool = False) -> Any:
    """What the client wrote with a rating that the therapist may see."""
    rate_as_therapist(session)
    return rate_as_client(session, comment=words, do_not_raise=do_not_raise)


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
    judge(episode)
    return made


def judge(episode: Episode) -> None:
    """As the job does after a rating."""
    ruptures.judge_episode(episode_id=episode.pk)
    dashboards.keep_summaries(episode_ids=[episode.pk])


def make_signal(episode: Episode) -> Signal:
    """A steady course of bond whose last session is far below it:  8 7 8 8 7 8 |2|"""
    (*_earlier, last) = make_course(episode, [8, 7, 8, 8, 7, 8, 2])
    return Signal.objects.get(session=last)


def check_strain(session: TherapySession, tension: int, strength: int = 5, talked: int = 2, better: int = 3) -> Any:
    """The client's strain check; it waits for the therapist's own rating, as every rating of the alliance does."""
    return measures.record_rating(
        session=session,
        instrument="strain-check",
        rater="client",
        answers={1: tension, 2: strength, 3: talked, 4: better},
        by=None,
    )


def make_rupture(session: TherapySession, **values: Any) -> Rupture:
    """A withdrawal in the bond that the therapist noted."""
    defaults = {"type": "withdrawal", "markers": ["appeasing"], "component": "bond", "noticed_by": "therapist"}
    return repair.note_rupture(session=session, by=session.episode.therapist, **{**defaults, **values})


def make_attempt(rupture: Rupture, session: TherapySession, **values: Any) -> RepairAttempt:
    defaults = {"strategies": ["validate", "own-part"], "rupture": rupture, "session": session}
    return repair.add_attempt(by=session.episode.therapist, **{**defaults, **values})


def make_goal(episode: Episode, text: str = "Attend a small gathering", **values: Any) -> Goal:
    """Agreed by both today, unless the values say otherwise."""
    defaults: dict[str, Any] = {"on": timezone.localdate(), "agreed_by": ("client", "therapist")}
    return clients.create_goal(episode=episode, text=text, by=episode.therapist, **{**defaults, **values})


def make_task(episode: Episode, text: str = "Ask a colleague one question", **values: Any) -> Task:
    """Agreed by both today with a difficulty of 7, unless the values say otherwise."""
    defaults: dict[str, Any] = {
        "on": timezone.localdate(),
        "proposed_by": "therapist",
        "difficulty": 7,
        "agreed_by": ("client", "therapist"),
    }
    return clients.propose_task(episode=episode, text=text, by=episode.therapist, **{**defaults, **values})


AGREED = {
    "goal", "task", "scale", "objective", "expectations", "needs", "progress", "outcome", "challenge", "conditions",
}  # fmt: skip


def make_agreed(session: TherapySession, words: str = "") -> dict[str, Any]:
    """One of everything that can be agreed on in an episode and told of a session, under the names in AGREED."""
    episode, by, today = session.episode, session.episode.therapist, timezone.localdate()
    goal = make_goal(episode, f"Attend a small gathering {words}")
    task = make_task(episode, f"Ask a colleague one question {words}", goal=goal)
    texts = {"much_less": "Never", "less": "Once", "expected": "Twice", "more": "Four times", "much_more": "Weekly"}
    assessed = {"level": 2, "barriers": ["power"], "evidence": words, "assessed_on": today, "version": 0}
    return {
        "goal": goal,
        "task": task,
        "scale": clients.write_levels(goal=goal, written_on=today, by=by, **texts),
        "objective": clients.assess_objective(episode=episode, objective="partnership", by=by, **assessed),
        "expectations": clients.save_expectations(episode=episode, version=0, clients_role=f"Tells. {words}", by=by),
        "needs": clients.save_needs(episode=episode, version=0, needs=f"Rest. {words}", assessed_on=today, by=by),
        "progress": sessions.record_progress(goal=goal, session=session, progress=5, by=by),
        "outcome": sessions.record_outcome(
            task=task, session=session, outcome="not-done", got_in_the_way=f"No time. {words}", by=by
        ),
        "challenge": sessions.mark_first_challenge(episode=episode, session=session, what=words, version=0, by=by),
        "conditions": sessions.rate_conditions(session=session, congruence=5, regard=6, empathy=7, by=by),
    }


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


def make_summaries(service: Service) -> ServiceRun:
    """Everything that the service's own page shows, worked out in all of its steps."""
    run = dashboards.start_service_run(organisation_id=service.organisation.pk)
    while not run.finished_at:
        dashboards.service_run_next(run_id=run.pk)
        run.refresh_from_db()
    return run


def make_licence(service: Service, instrument: str = "wai-sr") -> Licence:
    return chosen.record_licence(
        instrument=instrument,
        statement="Permission for our service, by letter.",
        dated_on=timezone.localdate(),
        name="Sam Pereira",
        by=service.sam,
    )


def make_wording(
    service: Service, instrument: str = "wai-sr", rater: str = "client", language: str = "en", **more: Any
) -> Wording:
    """Words for an instrument, invented: "Question 1 in en" and so on."""
    edition = instruments.edition(instrument, rater)
    items = [[f"Question {item.number} in {language}", "seldom", "always"] for item in edition.items]
    return chosen.record_wording(
        **{"edition": edition, "language": language, "items": items, "licence": make_licence(service, instrument)}
        | more,
        by=service.sam,
    )


def make_battery(service: Service, *entries: Entry) -> None:
    """The service's battery is these entries and no others."""
    for entry in schedule.battery():
        chosen.remove_entry(entry=entry, by=service.sam)
    for entry in entries:
        chosen.add_entry(entry=entry, by=service.sam)


def make_choices(service: Service, episode: Episode) -> BatteryOverride:
    """What a service rates with, one row of each kind."""
    make_wording(service)
    chosen.switch_instrument(instrument="arm-5", is_on=False, by=service.sam)
    chosen.add_entry(entry=Entry("wai-sr", "client", Rhythm.NTH, 4), by=service.sam)
    leave_out = Entry("wai-sr", "client", Rhythm.NEVER)
    return for_client.set_override(episode=episode, entry=leave_out, by=episode.therapist)


def make_request(session: TherapySession, instrument: str = "session-check-in") -> tuple[RatingRequest, str]:
    """A link and its token."""
    request = measures.request_rating(session=session, instrument=instrument, by=session.episode.therapist)
    return request, tokens.token_of(request.pk, request.nonce)


def agree_to_mails(client: Client, email: str = "rowan@post.example") -> Client:
    """Let a client have agreed today to get links by e-mail."""
    clients.update_client(
        client=client,
        version=client.version,
        email=email,
        mail_agreed_on=timezone.localdate(),
        by=client.created_by,
    )
    client.refresh_from_db()
    return client


def make_invitation(session: TherapySession, **values: Any) -> Invitation:
    """An e-mail asked for, about a new link of a client who agreed."""
    if not session.episode.client.wants_invitations:
        agree_to_mails(session.episode.client)
    request, _token = make_request(session)
    return measures.invite(request=request, by=session.episode.therapist, **values)


def make_meeting(supervisor: User, therapist: User, *, days: int = 0, state: str = states.PLANNED) -> Meeting:
    """Planned for so many days from today, or put into another state."""
    day = supervisor.organisation.today + timedelta(days=days)
    meeting = supervision.plan_meeting(therapist=therapist, held_on=day, by=supervisor)
    if state in (states.UNDER_WAY, states.FINISHED):
        supervision.move_meeting(meeting=meeting, to=states.UNDER_WAY, by=supervisor)
    if state in (states.FINISHED, states.CALLED_OFF):
        supervision.move_meeting(meeting=meeting, to=state, by=supervisor)
    return meeting


def bring(episode: Episode, supervisor: User, why: str = "I lose the thread.") -> AgendaItem:
    return supervision.put_on_agenda(episode=episode, supervisor=supervisor, why=why, by=episode.therapist)


def make_step(
    meeting: Meeting, episode: Episode | None = None, text: str = "Ask how it was.", **values: Any
) -> NextStep:
    """For the therapist, within two weeks, about the bond of a client if one is given; or as the values say."""
    defaults = {
        "owner": meeting.therapist,
        "due_on": meeting.held_on + timedelta(weeks=2),
        "component": "bond" if episode else "",
    }
    return supervision.agree_step(
        meeting=meeting, episode=episode, text=text, by=meeting.supervisor, **{**defaults, **values}
    )


def make_target(therapist: User, *, by: User, kind: str = states.RECOGNISING, **values: Any) -> LearningTarget:
    """To recognise appeasing or short answers, or to validate or own a part, counted from a year ago."""
    codes = ["appeasing", "minimal-response"] if kind == states.RECOGNISING else ["validate", "own-part"]
    since = therapist.organisation.today - timedelta(days=365)
    return supervision.set_target(therapist=therapist, kind=kind, by=by, **{"codes": codes, "set_on": since, **values})


def make_supervision(service: Service, episode: Episode) -> Meeting:
    """Ruth's meeting with Ada, under way: an episode brought, one step, one target of each kind."""
    meeting = make_meeting(service.ruth, service.ada, state=states.UNDER_WAY)
    bring(episode, service.ruth)
    make_step(meeting, episode)
    for kind in states.TARGETS:
        make_target(service.ada, by=service.ruth, kind=kind)
    return meeting


def sign_in(browser: DjangoClient, person: User) -> None:
    """As somebody who has just typed their password, and a code where one is asked."""
    with acting_in(person.organisation_id):
        browser.force_login(person, backend="accounts.backends.OrganisationBackend")
        session = browser.session
        UserSession.objects.create(user=person, session_key=session.session_key, ip="127.0.0.1", user_agent="tests")
    session["organisation"] = str(person.organisation_id)
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()


class Browser(DjangoClient):
    """Django's test client, leaving the test's own organisation as it found it."""

    def sign_in(self, person: User) -> None:
        sign_in(self, person)

    def request(self, **request: Any) -> Any:
        before = current_organisation()
        try:
            return super().request(**request)
        finally:
            set_organisation(before)


class Program(Browser):
    """What asks the API with a token."""

    def __init__(self, text: str = "", **values: Any) -> None:
        headers = {"authorization": f"Bearer {text}"} if text else {}
        super().__init__(headers=headers, **values)

    def send(self, address: str, body: Any, key: Any = None) -> Any:
        """A POST with a key of its own."""
        headers = {"idempotency-key": str(key or uuid.uuid4())}
        return self.post(address, body, content_type="application/json", headers=headers)


def queries_of(browser: Browser, url: str) -> list[str]:
    """The queries a page makes, without the savepoints and the settings that only the test adds."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    own = ("SAVEPOINT", "RELEASE SAVEPOINT", "SELECT NULLIF(current_setting")
    return [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(own)][:-1]


def make_rights(service: Service, episode: Episode) -> Erasure:
    """An erasure that is asked for and under a hold, of a client who is due to be erased, too."""
    erasure = request_erasure(client=episode.client, reason=Erasure.Reason.CLIENT, by=episode.therapist)
    set_hold(client=episode.client, reason="A complaint.", by=service.sam)
    RetentionNotice(
        organisation=service.organisation, client=episode.client, noticed_on=service.organisation.today
    ).save()
    return erasure


def make_export(by: User, *, finish: bool = False, **values: Any) -> Export:
    """Asked for: an administrator's of the service, a therapist's of own clients. Finished as its job does it."""
    scope = Export.Scope.SERVICE if by.is_administrator else Export.Scope.OWN
    export = exports.ask_export(by=by, **{"format": "csv", "scope": scope, **values})
    if finish:
        while exports.take_step(export_id=export.pk, organisation_id=export.organisation_id):
            pass
        export.refresh_from_db()
    return export
