"""A service with records worth hiding, and everybody who might look at them."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.tokens import default_token_generator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver, reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import ApiToken, Cover, Supervision, User
from administration.actions import PRIORS
from clients import actions as clients
from clients.models import Client, Episode
from jobs.models import Job
from jobs.organisation import acting_in
from measures import actions as measures
from measures import instruments
from measures.actions.risk import acknowledge_risk
from measures.forms.service import WordingForm
from measures.models import BatteryOverride, Rating, RatingRequest, RiskAnswer, Wording
from reports import actions as imports
from reports.mapping import toml_of
from reports.models import Erasure, Export, ImportBatch, LegalHold
from reports.privacy.erasure import request_erasure, set_hold
from ruptures import actions as ruptures
from ruptures.models import RepairAttempt, Rupture, Signal
from sessions_app.actions.drafts import save_draft
from sessions_app.models import ProcessNote, TherapySession
from supervision import actions as supervision
from supervision.models import AgendaItem, LearningTarget, Meeting, NextStep
from tests import factories
from tests.factories import PASSWORD, Service

# Whom the therapist's e-mails reach, shown to the therapist alone.
ADDRESS = "canary@post.example"
# Words that stand in the records of Ada's clients and nowhere else.
CANARIES = {
    "name": "Kestrel-canary",
    "code": "K-7731-canary",
    "name of an ended episode's client": "Plover-canary",
    "note": "canary of the note",
    "comment": "canary of the comment",
    "what was done about a risk answer": "canary of what was done",
    "rupture": "canary of what happened",
    "repair": "canary of what was tried",
    "agreement": "canary of the agreement",
}
# In process notes: two of Ada's, one of them shared with whoever supervises her; one of Tom's about his own client.
NOTES = {
    "private": "canary of the private process note",
    "shared": "canary of the shared process note",
    "colleague's": "canary of the process note of a colleague",
}
# In a comment that the client asked not to raise yet.
HELD_BACK = "canary of the comment that is held back"
# In a comment that waits for the therapist's own rating.
SEALED = "canary of the comment, unseen"
# In a log that Ada has begun and not saved.
DRAFT = "canary of the draft"
# In the supervision of Ada by Ruth, and for these two alone.
BETWEEN_TWO = {
    "supervision notes": "canary of the notes of supervision",
    "why it is on the agenda": "canary of why it is on the agenda",
    "next step": "canary of the next step",
}
# In notes of supervision that Ruth keeps to herself.
UNSHARED = "canary of the notes kept to oneself"
IMPORT_MAPPING: dict[str, Any] = {
    "client": {"column": "who"},
    "session": {"number": "nr", "date": "day", "order": "ymd"},
    "rating": [{"instrument": "outcome-check-in", "rater": "client", "items": "q{n}"}],
}
EVERYBODY = (
    "nobody", "ada", "tom", "ruth", "vera", "otto", "sam", "nils", "left", "elsewhere's ada", "elsewhere's sam",
)  # fmt: skip
# Of people, files and errors of Ada's service: nobody of another service reads it anywhere.
OF_SERVICE = "harbour"
# Those whose rights come and go with time, held against the column of somebody else: see test_pages.
OVER_TIME = {"cover": "ada", "former": "tom"}
WITHOUT_BUSINESS = ("nobody", "tom", "otto", "sam", "nils", "left", "elsewhere's ada", "elsewhere's sam")


@dataclass
class World:
    """`left` is a therapist who may not sign in any more; `vera` has clients herself and supervises Ada.

    `cover` stands in for Ada today; `former` handed `episode` over to her. Tom did stand in for her, will again, and
    was to today, which she took back; Otto did supervise her.
    """

    service: Service
    other: Service
    vera: User
    left: User
    cover: User
    former: User
    away: Cover
    handed_over: Episode
    past: TherapySession
    episode: Episode
    ended: Episode
    session: TherapySession
    unrated: TherapySession
    sealed: TherapySession
    held_back: Rating
    risk: RiskAnswer
    request: RatingRequest
    token: str
    another: tuple[RatingRequest, str]
    of_elsewhere: tuple[RatingRequest, str]
    stop_token: str
    supervision: Supervision
    api_token: ApiToken
    passkey: Authenticator
    other_device: UserSession
    signal: Signal
    rupture: Rupture
    attempt: RepairAttempt
    agreed: dict[str, Any]
    private_note: ProcessNote
    shared_note: ProcessNote
    override: BatteryOverride
    wording: Wording
    meeting: Meeting
    unshared: Meeting
    item: AgendaItem
    step: NextStep
    target: LearningTarget
    uploaded: ImportBatch
    ready: ImportBatch
    written: ImportBatch
    export: Export
    erasure: Erasure
    hold: LegalHold
    browsers: dict[str, factories.Browser] = field(default_factory=dict)
    programs: dict[str, factories.Program] = field(default_factory=dict)

    def person(self, who: str) -> User:
        if who in {"vera", "left", "cover", "former"}:
            return getattr(self, who)
        service, name = (self.other, who.split()[-1]) if who.startswith("elsewhere") else (self.service, who)
        return getattr(service, name)

    def browser(self, who: str) -> factories.Browser:
        """A browser as it was right after signing in, whatever an earlier request did to it."""
        if who not in self.browsers:
            first = factories.Browser()
            if who != "nobody":
                first.sign_in(self.person(who))
            self.browsers[who] = first
            if who == "left":
                accounts.update_person(
                    person=self.left, version=self.left.version, is_active=False, by=self.service.sam
                )
        browser = factories.Browser(raise_request_exception=False)
        browser.cookies.load({name: morsel.value for name, morsel in self.browsers[who].cookies.items()})
        return browser


def make_world(service: Service, other: Service) -> World:
    """Runs inside `service`; the other service has a client, too."""
    vera = make_person(service, "vera", is_therapist=True, is_supervisor=True)
    left = make_person(service, "left", is_therapist=True)
    factories.make_app(service.ada)
    accounts.start_supervision(supervisor=vera, therapist=service.ada, by=service.sam)
    cover, former = (make_person(service, key, is_therapist=True) for key in ("cover", "former"))
    make_what_is_over(service)
    away = factories.make_cover(service.ada, by=cover)
    handed_over = factories.make_episode(former, code=CANARIES["code"], name=CANARIES["name"])
    past = factories.make_session(handed_over, held_on=handed_over.started_on)
    episode = factories.hand_over(handed_over, to=service.ada, on=handed_over.started_on)
    ended = factories.make_episode(service.ada, code="P-1", name=CANARIES["name of an ended episode's client"])
    clients.end_episode(episode=ended, ended_on=timezone.localdate(), ending="planned", by=service.ada)
    session = factories.make_session(episode, note=CANARIES["note"])
    factories.rate_as_therapist(session)
    factories.rate_as_client(session, comment=CANARIES["comment"])
    unrated = factories.make_session(episode)
    factories.agree_to_mails(unrated.episode.client, ADDRESS)
    invitation = factories.make_invitation(unrated)
    held_back = factories.make_comment(factories.make_session(episode), HELD_BACK, do_not_raise=True)
    sealed = factories.make_session(episode)
    factories.rate_as_client(sealed, comment=SEALED)
    seen_to = factories.make_risk_answer(factories.make_session(episode))
    acknowledge_risk(answer=seen_to, done=CANARIES["what was done about a risk answer"], by=service.ada)
    risk = factories.make_risk_answer(factories.make_session(episode))
    ruptures.judge_episode(episode_id=episode.pk)
    make_failed_jobs(service, episode)
    for by, words in ((service.ada, DRAFT), (cover, "typed")):
        save_draft(episode=episode, content={"note": [words]}, version=0, by=by)
    rupture = factories.make_rupture(session, what_happened=CANARIES["rupture"])
    attempt = factories.make_attempt(rupture, session, note=CANARIES["repair"])
    another = factories.make_request(factories.make_session(make_record(service.ada, "A-1", "Avocet")))
    factories.make_process_note(make_record(service.tom, "T-1", "Tern"), NOTES["colleague's"])
    factories.make_meeting(service.otto, service.tom)
    with acting_in(other.organisation.pk):
        factories.make_meeting(other.ruth, other.ada)
        of_elsewhere = factories.make_request(factories.make_session(make_record(other.ada, "E-1", "Egret")))
    meeting = factories.make_meeting(service.ruth, service.ada, state="under-way")
    notes = {"notes": BETWEEN_TWO["supervision notes"], "notes_shared": True, "version": meeting.version}
    supervision.write_notes(meeting=meeting, by=service.ruth, **notes)
    siskin = factories.make_episode(service.ada, code="S-1-canary", name="Siskin-canary")
    supervision.discuss(meeting=Meeting.objects.get(pk=meeting.pk), episode=siskin, told="", by=service.ruth)
    unshared = factories.make_meeting(service.ruth, service.ada, days=-70)
    own_notes = {"notes": UNSHARED, "notes_shared": False, "version": unshared.version}
    supervision.write_notes(meeting=unshared, by=service.ruth, **own_notes)
    return World(
        service=service,
        other=other,
        vera=vera,
        left=left,
        cover=cover,
        former=former,
        away=away,
        handed_over=Episode.objects.get(pk=handed_over.pk),
        past=past,
        episode=episode,
        ended=ended,
        session=session,
        unrated=unrated,
        sealed=sealed,
        held_back=held_back,
        risk=risk,
        request=invitation.request,
        token=invitation.request.token,
        another=another,
        of_elsewhere=of_elsewhere,
        stop_token=invitation.stop_token,
        supervision=Supervision.objects.current().get(supervisor=service.ruth, therapist=service.ada),
        api_token=factories.make_token(service.ada)[0],
        passkey=factories.make_passkey(service.ada),
        other_device=factories.make_sign_in(service.ada),
        signal=factories.make_signal(siskin),
        rupture=rupture,
        attempt=attempt,
        agreed=factories.make_agreed(session, CANARIES["agreement"]),
        private_note=factories.make_process_note(session, NOTES["private"]),
        shared_note=factories.make_process_note(episode, NOTES["shared"], shared=True),
        override=factories.make_choices(service, episode),
        wording=factories.make_wording(service, language="de"),
        meeting=Meeting.objects.select_related("supervisor", "therapist").get(pk=meeting.pk),
        unshared=unshared,
        item=factories.bring(ended, service.ruth, BETWEEN_TWO["why it is on the agenda"]),
        step=factories.make_step(meeting, episode, BETWEEN_TWO["next step"]),
        target=factories.make_target(service.ada, by=service.ruth),
        uploaded=make_import(service),
        ready=make_import(service, check=True),
        written=make_import(service, check=True, write=True),
        export=factories.make_export(service.ada, finish=True),
        erasure=request_erasure(client=ended.client, reason="client", by=service.ada),
        hold=set_hold(client=Client.objects.get(code="T-1"), reason="A complaint.", by=service.sam),
    )


def make_record(therapist: User, code: str, name: str) -> Episode:
    """A client of somebody's with one of each kind of record that a form lets choose from."""
    episode = factories.make_episode(therapist, code=code, name=name)
    session = factories.make_session(episode)
    factories.make_agreed(session)
    factories.make_attempt(factories.make_rupture(session), session)
    return episode


def make_what_is_over(service: Service) -> None:
    """Cover and supervision that are over, to come or taken back: who had them has no business with Ada's clients."""
    for starts, ends in ((-7, -1), (1, 7)):
        factories.make_cover(service.ada, by=service.tom, starts=starts, ends=ends)
    accounts.end_cover(cover=factories.make_cover(service.ada, by=service.tom, ends=0), by=service.ada)
    earlier = accounts.start_supervision(supervisor=service.otto, therapist=service.ada, by=service.sam)
    accounts.end_supervision(supervision=earlier, by=service.sam)


def make_failed_jobs(service: Service, episode: Episode) -> None:
    """Work that was given up: of the service, and the trends of the episode."""
    measures.make_trends_stale(episode)
    organisation = service.organisation.pk
    for task, object_id in ((PRIORS, organisation), (measures.COMPUTE_TRENDS, episode.pk)):
        Job.objects.create(
            organisation_id=organisation,
            task=task,
            object_id=object_id,
            handed_at=timezone.now(),
            failed_at=timezone.now() + timedelta(seconds=5),
            last_error=f"{OF_SERVICE.capitalize()}Error",
        )


def make_import(service: Service, *, check: bool = False, write: bool = False) -> ImportBatch:
    """A file with one rating of one new client of Ada's, as far on its way as asked for."""
    content = b"who,nr,day,q1,q2,q3,q4\nI-1,1,2024-01-01,5,5,5,5\n"
    batch = imports.start_import(file_name=f"{OF_SERVICE}.csv", content=content, by=service.sam)
    if check:
        terms = {"therapist": service.ada, "start_date": None}
        imports.map_columns(batch=batch, mapping=IMPORT_MAPPING, by=service.sam, **terms)
        batch = imports.check_import(batch_id=batch.pk)
    if write:
        imports.write_import(batch=batch, by=service.sam)
        while batch.is_under_way:
            batch = imports.write_next_step(batch_id=batch.pk)
    return batch


def make_person(service: Service, key: str, **roles: bool) -> User:
    email = f"{key}@{service.ada.email.partition('@')[2]}"
    return accounts.create_person(
        organisation=service.organisation,
        email=email,
        name=f"{key.capitalize()} of {OF_SERVICE}",
        password=PASSWORD,
        by=service.sam,
        **roles,
    )


def route_names() -> set[str]:
    """The name of every page, with its namespace."""
    return {name for name in all_routes() if not name.startswith("api:")}


def all_routes() -> set[str]:
    """Every name the resolver knows, with its namespace."""
    names = set()

    def walk(resolver: Any, prefix: str) -> None:
        for pattern in resolver.url_patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
            else:
                names.add(f"{prefix}{pattern.name}")

    walk(get_resolver(), "")
    return names


def address(world: World, route: str) -> str:
    """The route's address on a real record of Ada's, or of her service's; after @ which other one."""
    route, _, state = route.partition("@")
    if state:
        return reverse(route, args=[in_state(world, route, state)])
    episode, session = world.episode.pk, world.session.pk
    goal, task = world.agreed["goal"].pk, world.agreed["task"].pk
    arguments: dict[str, list[Any]] = {
        "accounts:person-edit": [world.service.nils.pk],
        "accounts:person-password-link": [world.service.nils.pk],
        "accounts:second-factor-remove": [world.service.nils.pk],
        "accounts:session-end": [world.other_device.pk],
        "mfa_remove_webauthn": [world.passkey.pk],
        "accounts:supervision-end": [world.supervision.pk],
        "accounts:cover-end": [world.away.pk],
        "accounts:token-revoke": [world.api_token.pk],
        "accounts:person-cover-end": [world.away.pk],
        "accounts:choose-password": [
            world.service.nils.pk,
            default_token_generator.make_token(User.objects.get(pk=world.service.nils.pk)),
        ],
        "administration:job-retry": ["measures.estimate_priors"],
        "administration:job-put-away": ["measures.estimate_priors"],
        "clients:client-edit": [world.episode.client_id],
        "clients:episode-create": [world.ended.client_id],
        "clients:episode-end": [episode],
        **{f"clients:{page}": [episode] for page in PAGES_OF_AN_EPISODE},
        **{f"clients:goal-{page}": [goal] for page in ("edit", "agree", "settle", "levels", "progress")},
        **{f"clients:task-{page}": [task] for page in ("edit", "agree", "settle", "step-down", "outcome")},
        "clients:objective": [episode, "partnership"],
        "clients:episode-hand-over": [episode],
        "clients:person-episodes": [world.service.ada.pk],
        "sessions_app:session-log": [episode],
        "sessions_app:log-draft": [episode],
        "sessions_app:log-discard": [episode],
        "sessions_app:session": [session],
        "sessions_app:session-edit": [session],
        "sessions_app:core-conditions": [session],
        "sessions_app:process-notes": [episode],
        "sessions_app:process-note-create": [episode],
        "sessions_app:process-note-edit": [world.private_note.pk],
        "sessions_app:process-note-delete": [world.private_note.pk],
        "dashboards:service-figure": ["completeness"],
        "measures:request-create": [world.unrated.pk],
        "measures:baseline": [episode],
        "measures:hand-over": [world.unrated.pk],
        "measures:rating-show": [world.sealed.pk],
        "measures:comment": [world.held_back.pk],
        "measures:request-revoke": [world.request.pk],
        "measures:risk-of-episode": [episode],
        "measures:risk-answer": [world.risk.pk],
        "measures:invitation-send": [world.request.pk],
        "measures:stop": [world.stop_token],
        "measures:link": [world.token],
        "measures:rate": [world.request.pk],
        "measures:thanks": [world.request.pk],
        "measures:rate-next": [world.request.pk],
        "measures:paper": [world.unrated.pk],
        "measures:episode-battery": [episode],
        "measures:episode-battery-reset": [world.override.pk],
        "measures:instrument": ["wai-sr"],
        "measures:instrument-switch": ["wai-sr"],
        "measures:licence-record": ["wai-sr"],
        "measures:wording-create": ["wai-sr"],
        "measures:wording-end": [world.wording.pk],
        "ruptures:signal-confirm": [world.signal.pk],
        "ruptures:signal-dismiss": [world.signal.pk],
        "ruptures:rupture-create": [episode],
        "ruptures:rupture": [world.rupture.pk],
        "ruptures:rupture-edit": [world.rupture.pk],
        "ruptures:rupture-change": [world.rupture.pk, "resolved"],
        "ruptures:attempt-create": [world.rupture.pk],
        "ruptures:attempt-edit": [world.attempt.pk],
        "dashboards:episode": [episode],
        "dashboards:episode-change": [episode],
        "dashboards:episode-figure": [episode],
        "dashboards:before-session": [episode],
        "dashboards:timeline": [episode],
        "dashboards:client-report": [episode],
        "dashboards:together": [episode],
        "supervision:therapist": [world.service.ada.pk],
        "supervision:meeting-create": [world.service.ada.pk],
        "supervision:target-create": [world.service.ada.pk],
        "supervision:meeting": [world.meeting.pk],
        "supervision:meeting-edit": [world.meeting.pk],
        "supervision:meeting-move": [world.meeting.pk, "finished"],
        "supervision:meeting-notes": [world.meeting.pk],
        "supervision:discuss": [world.meeting.pk, episode],
        "supervision:step-create": [world.meeting.pk],
        "supervision:step-edit": [world.step.pk],
        "supervision:item": [world.item.pk],
        "supervision:target-edit": [world.target.pk],
        "supervision:bring": [episode],
        "supervision:pack": [episode],
        "supervision:pack-report": [episode],
        "reports:rating-fhir": [Rating.objects.get(session=session, rater="client").pk],
        "reports:template": ["wai-36", "client", "items"],
        "reports:import": [world.ready.pk],
        "reports:import-progress": [world.ready.pk],
        "reports:import-columns": [world.uploaded.pk],
        "reports:import-mapping": [world.uploaded.pk],
        "reports:import-mapping-file": [world.ready.pk],
        "reports:import-problems": [world.ready.pk],
        "reports:import-write": [world.ready.pk],
        "reports:import-retry": [world.ready.pk],
        "reports:import-undo": [world.written.pk],
        "reports:import-discard": [world.uploaded.pk],
        "reports:export": [world.export.pk],
        "reports:export-progress": [world.export.pk],
        "reports:export-file": [world.export.pk],
        "reports:export-cancel": [world.export.pk],
        "reports:export-retry": [world.export.pk],
        **{f"reports:{page}": [world.episode.client_id] for page in ("client-data", "pack-create", "erasure-request")},
        "reports:erasure": [world.erasure.pk],
        **{f"reports:erasure-{page}": [world.erasure.pk] for page in ("progress", "carry-out", "close", "retry")},
        "reports:hold-lift": [world.hold.pk],
    }
    return reverse(route, args=arguments.get(route, []))


def in_state(world: World, route: str, state: str) -> Any:
    """A record that is not as the others are: handed over, shared, kept to oneself, not rated yet."""
    if state == "handed-over":
        of_session = route in {"sessions_app:session-edit", "sessions_app:core-conditions", "measures:paper"}
        return world.past.pk if of_session or route == "sessions_app:session" else world.handed_over.pk
    return {"shared": world.shared_note, "unshared": world.unshared, "unrated": world.unrated}[state].pk


PAGES_OF_AN_EPISODE = (
    "agreements", "agreement-log", "goal-create", "task-create", "engagement", "expectations", "needs",
    "first-challenge",
)  # fmt: skip


def looked_at(words: dict[str, Any]) -> dict[str, Any]:
    """A wording as the second step of its page sends it."""
    form = WordingForm(
        words | {"text": "\n".join(f"Question {number}" for number in range(1, 13))},
        instrument=instruments.instruments()["wai-sr"],
    )
    assert form.is_valid(), form.errors
    return {**form.data, "looked_at": form.stamp, "do": "save"}


def content(world: World, route: str) -> dict[str, Any]:
    """What a form would send there so that the action is carried out if it is let through."""
    today = timezone.localdate().isoformat()
    session_id = world.session.pk
    person = {"name": "Pat Marlow", "email": "pat@new.example", "is_therapist": "on"}
    episode = {"modality": "cbt", "practitioner_title": "Counsellor", "started_on": today}
    meeting = {"number": 9, "held_on": today, "attendance": "attended", "format": "video", "note": "changed"}
    terms = {"therapist": world.service.ada.pk}
    named = {"number": "nr", "date": "day", "order": "ymd"}
    items = {f"outcome-check-in_client-item-{n}": f"q{n}" for n in range(1, 5)}
    seen = {"noticed_by": "therapist", "withdrawal": ["denial"], "component": "task"}
    tried = {"session": session_id, "expressive": ["invite"]}
    absence = {"starts_on": today, "ends_on": today, "cover": world.vera.pk}
    hand_over = {"to": world.vera.pk, "on": today, "practitioner_title": "Counsellor", "confirmed": "on"}
    passwords = {"oldpassword": PASSWORD, "password1": "another long one 5", "password2": "another long one 5"}
    versioned, agreed = {"on": today, "version": 1}, {"on": today, "agreed_by": ["client", "therapist"]}
    task = {"text": "Nod", "proposed_by": "both", "difficulty": 3}
    levels = dict.fromkeys(("much_less", "less", "expected", "more", "much_more"), "Seen")
    licence = {"statement": "By letter.", "dated_on": today, "name": "Sam Pereira"}
    forms: dict[str, dict[str, Any]] = {
        "account_login": {"login": "nobody@harbour.example", "password": "a guess"},
        "account_change_password": passwords,
        "accounts:choose-password": {"password": "another long one 5", "again": "another long one 5"},
        "accounts:person-create": person,
        "accounts:person-edit": {**person, "is_active": "on", "version": world.service.nils.version},
        "accounts:supervision-start": {"supervisor": world.service.otto.pk, "therapist": world.service.ada.pk},
        "accounts:cover-start": absence,
        "accounts:person-cover-start": {**absence, "therapist": world.service.ada.pk},
        "accounts:organisation-edit": {
            "name": "Renamed",
            "time_zone": "Europe/Paris",
            "shows_clients_chart": "on",
            "second_factor_for": "nobody",
            "version": 1,
        },
        "administration:texts": {
            "emergency_text": "Call.",
            "risk_text": "Ring them.",
            "mail_subject": "A question",
            "mail_name": "",
            "mail_delay_hours": 0,
            "mail_reminder_hours": 24,
            "version": 1,
        },
        "administration:thresholds": {
            "signal_rate": "looser",
            "signal_preset": "",
            "engagement_sessions": 6,
            "risk_hours": 12,
            "version": 1,
        },
        "clients:client-create": {"code": "N-1", "name": "Newcomer", **episode},
        "clients:client-edit": {
            "code": "C-2",
            "name": "Changed",
            "email": "changed@post.example",
            "wants_invitations": "on",
            "mail_agreed_on": today,
            "version": world.episode.client.version,
        },
        "clients:episode-create": episode,
        "clients:episode-end": {"ended_on": today, "ending": "planned", f"rupture-{world.rupture.pk}": "unresolved"},
        "clients:goal-create": {"text": "Sleep through", "target": "−50 %", "baseline": "8", **agreed},
        "clients:goal-edit": {"text": "Sleep until six", **versioned},
        "clients:goal-agree": {**agreed, **versioned},
        "clients:goal-settle": {"status": "reached", **versioned},
        "clients:goal-levels": {"written_on": today, **levels},
        "clients:goal-progress": {"progress": 6},
        "clients:task-create": {**task, **agreed},
        "clients:task-edit": {**task, **versioned},
        "clients:task-agree": {"difficulty": 4, **agreed, **versioned},
        "clients:task-settle": versioned,
        "clients:task-step-down": {**task, **agreed},
        "clients:task-outcome": {"outcome": "done"},
        "clients:objective": {"level": 3, "barriers": ["expert"], "assessed_on": today, "version": 1},
        "clients:expectations": {"clients_role": "Tells.", "version": 1},
        "clients:needs": {"needs": "Rest.", "assessed_on": today, "version": 1},
        "clients:first-challenge": {"session": world.session.pk, "version": 1},
        "sessions_app:core-conditions": {"congruence": 7, "empathy": 8},
        "clients:episode-hand-over": hand_over,
        "clients:person-episodes": {**hand_over, "episodes": [world.episode.pk]},
        "sessions_app:session-log": {**meeting, "draft_version": 1, "wants_link": "on", "item-1": "5"},
        "sessions_app:log-draft": {**meeting, "draft_version": 1},
        "sessions_app:session-edit": {**meeting, "version": world.session.version, "item-1": "5"},
        "sessions_app:process-note-create": {"session": world.session.pk, "text": "another"},
        "sessions_app:process-note-edit": {"text": "changed", "version": world.private_note.version},
        "measures:baseline": {"session": world.session.number},
        "measures:comment": {"raised_by": "therapist", "discussed_on": today, "version": 1},
        "measures:request-create": {"instrument": "session-check-in"},
        "measures:risk-answer": {"done": "Rang the client.", "back": "today"},
        "measures:paper": {"measure": "phq-9:client", "filled_in_on": today, "total-total": "9"},
        "measures:episode-battery": {"measure": "phq-9:client", "rhythm": "every"},
        "measures:battery": {"measure": "phq-9:client", "rhythm": "every"},
        "measures:battery-remove": {"instrument": "outcome-check-in", "rater": "client", "rhythm": "every"},
        "measures:battery-move": {"instrument": "outcome-check-in", "rater": "client", "rhythm": "every"},
        "measures:instrument-switch": {"is_on": "0"},
        "measures:licence-record": licence,
        "measures:wording-create": looked_at({"rater": "client", "language": "fr", **licence}),
        "ruptures:signal-dismiss": {"reason": "talked"},
        "ruptures:rupture-create": {"session": session_id, **seen},
        "ruptures:rupture-edit": {**seen, "version": world.rupture.version},
        "ruptures:attempt-create": tried,
        "ruptures:attempt-edit": {**tried, "version": world.attempt.version},
        "measures:rate": {"submission": uuid.uuid4(), "item-1": "5"},
        "supervision:meeting-create": {"held_on": "2020-01-02"},
        "supervision:meeting-edit": {"held_on": "2020-01-03", "version": world.meeting.version},
        "supervision:meeting-notes": {"notes": "changed", "version": world.meeting.version},
        "supervision:step-create": {"text": "Ring.", "owner": world.service.ada.pk, "due_on": today},
        "supervision:step-edit": {
            "text": "Ring.",
            "owner": world.service.ada.pk,
            "due_on": today,
            "status": "done",
            "version": 1,
        },
        "supervision:item": {"why": "changed", "version": 1},
        "supervision:bring": {"why": "For next time.", "supervisor": world.service.ruth.pk},
        "supervision:target-create": {"kind": "repairing", "repairs": ["validate"], "set_on": today},
        "supervision:target-edit": {"words": "Slower.", "version": 1},
        "reports:import-create": {"file": SimpleUploadedFile("new.csv", b"who,nr\nI-2,1\n")},
        "reports:import-columns": {**terms, "client": "who", **named, **items},
        "reports:import-mapping": {**terms, "text": toml_of(IMPORT_MAPPING)},
        "reports:export-list": {"format": "csv"},
        "reports:pack-create": {"password": PASSWORD},
        "reports:erasure-request": {"reason": "client"},
        "reports:erasure-carry-out": {"code": "P-1"},
        "reports:retention": {"years": 7, "notice_days": 30, "version": 1},
        "reports:hold-set": {"code": "P-1", "reason": "A complaint."},
    }
    return forms.get(route.partition("@")[0], {})
