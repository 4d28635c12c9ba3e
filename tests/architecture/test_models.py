"""What the database itself must know: the class of each field, who did it, whose row it is, what cannot be."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, models, transaction
from django.db.utils import ConnectionHandler
from django.utils import timezone

from accounts.chain import seal_events
from accounts.classification import CLINICAL, FIELDS, IDENTIFYING, OPERATIONAL
from accounts.models import AuditEvent, AuditSeal, Organisation, Submission, Supervision
from alliance_site import embedded
from clients.models import Episode
from dashboards.actions import service_run_next, start_service_run
from dashboards.models import EpisodeFacts, EpisodeSummary, ServiceSummary
from jobs.models import Job, PeriodicRun, Route
from jobs.organisation import acting_in, refuse_unsafe_database_role
from measures.actions import COMPUTE_TRENDS
from measures.actions.comments import deliver_comments
from measures.models import BatteryEntry, EpisodeSeries, InstrumentUse, Invitation, OwnMeasure, Trend, Wording
from reports.exports.actions import take_step
from reports.models import RetentionNotice
from reports.privacy.erasure import carry_out, request_erasure, set_hold
from reports.privacy.erasure import take_step as erase_step
from ruptures import actions as ruptures
from ruptures.models import Rupture
from sessions_app.actions.drafts import save_draft
from supervision import actions as supervision
from tests import factories

pytestmark = pytest.mark.django_db

APPS = ["jobs", "accounts", "clients", "sessions_app", "measures", "ruptures", "dashboards", "supervision", "reports"]
OURS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
# When, without who; and why that is enough.
NOT_BY_A_PERSON = {
    "jobs.Job": "machines hand over, finish and fail jobs",
    "jobs.PeriodicRun": "the clock starts it",
    "accounts.Organisation.created_at": "there is nobody in it yet; the command asks whoever runs it",
    "accounts.User.created_at": "the first person is added by nobody; the audit event says who added the others",
    "clients.Client.unsubscribed_at": "the client has no account and asks through a link",
    "accounts.ApiToken.created_at": "`person` makes it for themself",
    "accounts.ApiToken.expires_at": "a deadline, which comes by itself",
    "accounts.ApiToken.last_used_at": "a program uses it, for its person",
    **dict.fromkeys(
        (
            "clients.Client.updated_at",
            "clients.Episode.updated_at",
            "sessions_app.TherapySession.updated_at",
            "measures.Rating.updated_at",
            "measures.RatingRequest.updated_at",
            "measures.Trend.updated_at",
            "ruptures.Signal.updated_at",
            "ruptures.Rupture.updated_at",
        ),
        "the database sets it with every change; the events say who made it",
    ),
    "accounts.AuditEvent.happened_at": "`person` is who did it",
    "accounts.AuditSeal": "a worker seals what others did",
    "accounts.AuditCheck": "a worker looks through what others did",
    "sessions_app.ProcessNote": "`author` writes and changes it, and nobody else",
    "measures.RatingRequest.expires_at": "a deadline, which comes by itself",
    "measures.RatingRequest.redeemed_at": "the client has no account; `redeemed_key` says which form it was",
    "measures.RiskAnswer.raised_at": "follows from a rating, which says by whom",
    "measures.RiskAnswer.passed_on_at": "the clock passes it on",
    "measures.RiskAnswer.withdrawn_at": "follows from a correction, which says by whom",
    "measures.Invitation": "a worker sends it; the event says who asked for it",
    "measures.EpisodeSeries.changed_at": "follows from a rating, which says by whom",
    "measures.EpisodeSeries.computed_at": "a worker computes it",
    "measures.ServicePrior.estimated_at": "a worker estimates it",
    "ruptures.Signal.raised_at": "the rules raise it",
    "dashboards.EpisodeSummary.computed_at": "a worker computes it",
    "reports.Export.ready_at": "a worker makes it; `created_by` asked for it",
    "reports.Export.expires_at": "a deadline, which comes by itself",
    "reports.Export.downloaded_at": "only `created_by` may; the events say each time",
    "reports.Erasure.finished_at": "a worker comes to its end; `decided_by` carried it out",
    "ruptures.Recompute": "a worker does it; the change that asks for it says by whom",
    "dashboards.EpisodeFacts": "a worker reads them from what others wrote",
    "dashboards.ServiceSummary": "a worker computes it",
    "dashboards.ServiceRun": "the clock starts it, or somebody whom the event names",
}
# Tables without row-level security; and why.
OPEN_TABLES = {
    "jobs_route": "read before the organisation is known; hashes and identifiers only",
    "jobs_job": "read by the relay for every organisation; identifiers only",
    "jobs_periodicrun": "times of the clock",
    "jobs_limit": "counters of sign-ins before anybody is known",
    "django_session": "read before the organisation is known; signed contents",
    "django_migrations": "of the program, not of a person",
    "django_content_type": "of the program, not of a person",
    "auth_permission": "of the program, not of a person",
    "auth_group": "never written",
    "auth_group_permissions": "never written",
    "account_emailconfirmation": "never written: nothing is confirmed by mail",
}


def label(model: type[models.Model]) -> str:
    return model._meta.label


def test_every_field_is_classified_and_nothing_else_is():
    stored = {label(model): {field.name for field in model._meta.concrete_fields} for model in OURS}
    assert {name: set(fields) for name, fields in FIELDS.items()} == stored
    assert {value for fields in FIELDS.values() for value in fields.values()} == {IDENTIFYING, CLINICAL, OPERATIONAL}


def test_free_text_about_a_client_is_never_operational():
    texts = [
        (label(model), field.name)
        for model in OURS
        for field in model._meta.concrete_fields
        if isinstance(field, models.TextField | models.JSONField)
    ]
    of_the_program = {
        ("accounts.Organisation", "emergency_text"),
        ("accounts.Organisation", "risk_text"),
        ("accounts.AuditEvent", "fields"),
        ("measures.Licence", "statement"),
        ("measures.Wording", "items"),
        ("measures.Wording", "introduction"),
    }
    assert {text for text in texts if FIELDS[text[0]][text[1]] == OPERATIONAL} == of_the_program


def moments() -> list[tuple[type[models.Model], str]]:
    return [(model, field.name) for model in OURS for field in model._meta.fields if field.name.endswith("_at")]


@pytest.mark.parametrize(("model", "name"), moments(), ids=lambda value: getattr(value, "__name__", value))
def test_what_a_person_did_says_who(model, name):
    is_excused = label(model) in NOT_BY_A_PERSON or f"{label(model)}.{name}" in NOT_BY_A_PERSON
    has_by = name.removesuffix("_at") + "_by" in {field.name for field in model._meta.fields}
    assert has_by != is_excused


def test_no_excuse_is_left_over():
    known = {f"{label(model)}.{name}" for model, name in moments()} | {label(model) for model, _name in moments()}
    assert set(NOT_BY_A_PERSON) <= known


# --- Row-level security ---------------------------------------------------------------------------------


def security_of_tables() -> dict[str, tuple[bool, bool, int]]:
    """Per table: enabled, forced, number of policies for every command that read and write by the same condition."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
                   (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polpermissive
                      AND pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid)
                      AND pg_get_expr(p.polqual, p.polrelid) LIKE '%%' || %s || '%%')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
            """,
            ["app.organisation"],
        )
        return {name: tuple(rest) for name, *rest in cursor.fetchall()}


def test_every_table_is_protected_or_open_for_a_reason(db):
    tables = security_of_tables()
    unprotected = {name for name, security in tables.items() if security != (True, True, 1)}
    # Its condition looks for the person, and the person's own table is protected.
    through_the_person = {"account_emailaddress", "mfa_authenticator", "usersessions_usersession"}
    assert unprotected - through_the_person == set(OPEN_TABLES)
    assert {tables[name][:2] for name in through_the_person} == {(True, True)}


def test_every_table_with_an_organisation_is_protected_but_for_the_two_that_route(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'organisation_id'"
        )
        with_organisation = {name for (name,) in cursor.fetchall()}
    assert len(with_organisation) >= 12
    assert with_organisation & set(OPEN_TABLES) == {"jobs_route", "jobs_job"}


def test_the_application_is_neither_owner_nor_superuser_nor_above_the_policies(db):
    refuse_unsafe_database_role()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (settings.APP_ROLE, False, False)
        cursor.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        assert settings.APP_ROLE not in {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT has_schema_privilege(current_user, 'public', 'CREATE')")
        assert cursor.fetchone() == (False,)


@contextmanager
def starting_as(config: dict[str, Any], monkeypatch) -> Iterator[Any]:
    """The application as it would start with these credentials."""
    connection = ConnectionHandler({"default": config})["default"]
    monkeypatch.setattr("jobs.organisation.connection", connection)
    try:
        yield connection
    finally:
        connection.close()


def test_the_application_refuses_to_start_as_the_owner(db, monkeypatch):
    with (
        starting_as(settings.DATABASES["owner"], monkeypatch),
        pytest.raises(ImproperlyConfigured, match="alliance_owner, which owns tables"),
    ):
        refuse_unsafe_database_role()


@pytest.fixture
def superuser(db, monkeypatch):
    home = settings.HOME.resolve()
    if not (home / "secrets.json").exists():
        pytest.skip("the superuser of this PostgreSQL is not ours")
    config = {**settings.DATABASES["owner"], "USER": "postgres", "PASSWORD": embedded.kept_secret(home, "postgres")}
    with starting_as(config, monkeypatch) as connection:
        yield connection


def test_the_application_refuses_to_start_as_a_superuser(superuser):
    with pytest.raises(ImproperlyConfigured, match="postgres, which is a superuser"):
        refuse_unsafe_database_role()


def test_the_application_refuses_to_start_above_the_policies(superuser):
    with superuser.cursor() as cursor:
        cursor.execute("BEGIN; CREATE ROLE above_policies BYPASSRLS; SET LOCAL ROLE above_policies")
        with pytest.raises(ImproperlyConfigured, match="above_policies, which may bypass"):
            refuse_unsafe_database_role()
        cursor.execute("ROLLBACK")


def test_the_application_refuses_to_start_as_somebody_who_may_act_for_the_owner(superuser):
    with superuser.cursor() as cursor:
        cursor.execute("BEGIN; CREATE ROLE deputy IN ROLE alliance_owner; SET LOCAL ROLE deputy")
        with pytest.raises(ImproperlyConfigured, match="deputy, which owns tables or may act for who does"):
            refuse_unsafe_database_role()
        cursor.execute("ROLLBACK")


# --- Constraints ----------------------------------------------------------------------------------------


@dataclass
class Rows:
    """Real rows, one of each kind; those that take long are made when a test asks for them."""

    service: Any
    episode: Any
    session: Any
    next_session: Any
    process_note: Any
    rating: Any
    clients_rating: Any
    follow_up: Any
    request: Any
    invitation: Any
    job: Any
    supervision: Any
    cover: Any
    token: Any
    submission: Any
    series: Any
    episode_summary: Any
    trend: Any
    run: Any
    risk: Any
    rupture: Any
    suspected: Any
    attempt: Any
    override: Any
    wording: Any
    entry: Any
    use: Any
    draft: Any

    def __getattr__(self, name: str) -> Any:
        return self.agreed[name] if name in factories.AGREED else getattr(self.service, name)

    @cached_property
    def agreed(self) -> dict[str, Any]:
        return factories.make_agreed(self.session)

    @cached_property
    def signal(self) -> Any:
        return factories.make_signal(factories.make_episode(self.ada, code="S-1"))

    @cached_property
    def meeting(self) -> Any:
        return factories.make_meeting(self.ruth, self.ada, state="under-way")

    @cached_property
    def waiting_item(self) -> Any:
        return factories.bring(self.episode, self.ruth)

    @cached_property
    def discussed_item(self) -> Any:
        return supervision.discuss(meeting=self.meeting, episode=self.episode, told="Why.", by=self.ruth)

    @cached_property
    def step(self) -> Any:
        return factories.make_step(self.meeting, self.episode)

    @cached_property
    def target(self) -> Any:
        return factories.make_target(self.ada, by=self.ruth)

    @cached_property
    def recompute(self) -> Any:
        return ruptures.start_recompute(organisation_id=self.organisation.pk)

    @cached_property
    def service_run(self) -> Any:
        return start_service_run(organisation_id=self.organisation.pk)

    @cached_property
    def summary(self) -> Any:
        while not self.service_run.finished_at:
            service_run_next(run_id=self.service_run.pk)
            self.service_run.refresh_from_db()
        return ServiceSummary.objects.get(kind="all", modality="")

    @property
    def facts(self) -> Any:
        return EpisodeFacts.objects.get(episode__sessions=self.session) if self.summary else None

    @cached_property
    def batch(self) -> Any:
        return factories.make_import(self.service)

    @cached_property
    def export(self) -> Any:
        return factories.make_export(self.sam)

    @cached_property
    def part(self) -> Any:
        take_step(export_id=self.export.pk, organisation_id=self.organisation.pk)
        return self.export.parts.get(name="episodes")

    @cached_property
    def hold(self) -> Any:
        return set_hold(client=self.client, reason="A complaint.", by=self.sam)

    @cached_property
    def notice(self) -> Any:
        return RetentionNotice.objects.create(
            organisation=self.organisation, client=self.client, noticed_on=date(2026, 1, 1)
        )

    @cached_property
    def erasure(self) -> Any:
        return request_erasure(client=self.client, reason="client", by=self.ada)

    @cached_property
    def erased(self) -> Any:
        client = factories.make_episode(self.ada, code="F-2").client
        request = request_erasure(client=client, reason="client", by=self.ada)
        carry_out(erasure=request, code="F-2", by=self.sam)
        while erase_step(erasure_id=request.pk, organisation_id=self.organisation.pk):
            pass
        return request

    @property
    def chunk(self) -> Any:
        return self.batch.chunks.first()

    @property
    def event(self) -> Any:
        return AuditEvent.objects.order_by("number").first()

    @cached_property
    def seal(self) -> Any:
        seal_events(self.organisation.pk)
        return AuditSeal.objects.get()

    @cached_property
    def measure(self) -> Any:
        return OwnMeasure.objects.get(organisation=self.batch.organisation)

    @property
    def client(self) -> Any:
        return self.episode.client

    @property
    def licence(self) -> Any:
        return self.wording.licence

    @property
    def continuing(self) -> Any:
        """An episode that was handed over goes on in this one."""
        there = Episode.objects.filter(continues__isnull=False).first()
        return there or factories.hand_over(factories.make_episode(self.ada, code="H-1"), to=self.tom)

    @property
    def prior(self) -> Any:
        return self.trend.prior

    @property
    def organisation(self) -> Any:
        return self.service.organisation

    @property
    def score(self) -> Any:
        return self.rating.scores.get(scale="bond")

    @property
    def agreement(self) -> Any:
        return self.task.history.get()

    @property
    def route(self) -> Any:
        return Route.objects.filter(organisation_id=self.service.organisation.pk, kind="email").first()


@pytest.fixture
def rows(service):
    episode = factories.make_episode(service.ada)
    session, next_session = factories.make_course(episode, [7, 7])
    third = factories.make_session(episode)
    invitation = factories.make_invitation(third)
    # Two rows that only a form and the clock write.
    submission = Submission.objects.create(
        organisation=service.organisation, key=uuid.uuid4(), digest="0" * 64, location="/", created_by=service.ada
    )
    run = PeriodicRun.objects.create(name="sweep", period_start=timezone.now())
    ratings = {rating.rater: rating for rating in session.ratings.all()}
    deliver_comments(ratings=[ratings["client"]], by=service.ada)
    return Rows(
        service=service,
        episode=episode,
        session=session,
        next_session=next_session,
        process_note=factories.make_process_note(session),
        rating=ratings["therapist"],
        clients_rating=ratings["client"],
        follow_up=ratings["client"].follow_up,
        request=invitation.request,
        invitation=invitation,
        job=Job.objects.get(object_id=episode.pk, task=COMPUTE_TRENDS),
        supervision=Supervision.objects.current().get(supervisor=service.ruth),
        cover=factories.make_cover(service.ada, by=service.tom),
        token=factories.make_token(service.ada)[0],
        submission=submission,
        series=EpisodeSeries.objects.get(episode=episode),
        episode_summary=EpisodeSummary.objects.get(episode=episode),
        trend=Trend.objects.get(episode=episode, rater="client", scale="bond"),
        run=run,
        risk=factories.make_risk_answer(session),
        rupture=(rupture := factories.make_rupture(session)),
        suspected=make_suspected(service),
        attempt=factories.make_attempt(rupture, session),
        override=factories.make_choices(service, episode),
        wording=Wording.objects.get(),
        entry=BatteryEntry.objects.get(rhythm="nth"),
        use=InstrumentUse.objects.get(),
        draft=save_draft(episode=episode, content={"note": ["typed"]}, version=0, by=service.ada),
    )


def without_summary(rows: "Rows") -> Episode:
    episode = factories.make_episode(rows.tom, code="T-9")
    episode.summary.delete()
    return episode


def make_suspected(service: Any) -> Rupture:
    session = factories.make_session(factories.make_episode(service.ada, code="S-2"))
    factories.rate_as_therapist(session)
    factories.check_strain(session, 5)
    ruptures.judge_episode(episode_id=session.episode_id)
    return Rupture.objects.get(session=session)


Values = Callable[[Rows], dict[str, Any]]


@dataclass
class Case:
    """A row; what it may become, and what it may not. With `copied`, a second row is added with these values."""

    row: Callable[[Rows], Any]
    good: Values
    bad: Values
    copied: bool = False


def change(row: str, good: dict[str, Any], bad: dict[str, Any]) -> Case:
    return Case(lambda rows: getattr(rows, row), lambda rows: good, lambda rows: bad)


def copy(row: str, good: Values, bad: Values = lambda rows: {}) -> Case:
    return Case(lambda rows: getattr(rows, row), good, bad, copied=True)


NOW = timezone.now()
OF_A_CLIENT = {"scope": "client", "format": "pack", "is_identifying": True, "purpose": "Theirs"}
TODAY = timezone.localdate() + timedelta(days=1)  # may be reached while the tests run
LONG_AGO = TODAY - timedelta(days=4000)
CASES: dict[str, Case] = {
    "jobs_route_kind_key": copy("route", lambda rows: {"key": "1" * 64}),
    "jobs_route_kind_known": change("route", {"kind": "link"}, {"kind": "telephone"}),
    "jobs_job_one_waiting": copy("job", lambda rows: {"object_id": uuid.uuid4()}),
    "jobs_job_one_end": change("job", {"finished_at": NOW}, {"finished_at": NOW, "failed_at": NOW}),
    "jobs_periodicrun_once": copy("run", lambda rows: {"period_start": NOW - timedelta(days=1)}),
    "accounts_user_email_lower": change("ada", {"email": "ada2@harbour.example"}, {"email": "Ada@harbour.example"}),
    "accounts.User.email": copy("ada", lambda rows: {"email": "ada2@harbour.example"}),
    "accounts_supervision_current_once": copy("supervision", lambda rows: {"supervisor": rows.otto}),
    "accounts_supervision_two_people": Case(
        lambda rows: rows.supervision,
        lambda rows: {"supervisor": rows.otto},
        lambda rows: {"supervisor": rows.supervision.therapist},
    ),
    "accounts_supervision_ended_by": Case(
        lambda rows: rows.supervision,
        lambda rows: {"ended_at": NOW, "ended_by": rows.sam},
        lambda rows: {"ended_at": NOW},
    ),
    "accounts_cover_once": copy("cover", lambda rows: {"starts_on": LONG_AGO}),
    "accounts_cover_two_people": Case(
        lambda rows: rows.cover,
        lambda rows: {"cover": rows.otto},
        lambda rows: {"cover": rows.ada},
    ),
    "accounts_cover_ends_after_start": change("cover", {"ends_on": TODAY}, {"ends_on": LONG_AGO}),
    "accounts_cover_ended_by": Case(
        lambda rows: rows.cover,
        lambda rows: {"ended_at": NOW, "ended_by": rows.ada},
        lambda rows: {"ended_at": NOW},
    ),
    "accounts.ApiToken.digest": copy("token", lambda rows: {"digest": "1" * 64}),
    "accounts_apitoken_scope_known": change("token", {"scope": "write"}, {"scope": "all"}),
    "accounts_apitoken_a_year_at_most": change(
        "token", {"expires_at": NOW + timedelta(days=365)}, {"expires_at": NOW + timedelta(days=368)}
    ),
    "accounts_apitoken_revoked_by": Case(
        lambda rows: rows.token,
        lambda rows: {"revoked_at": NOW, "revoked_by": rows.ada},
        lambda rows: {"revoked_at": NOW},
    ),
    "accounts_auditevent_via_known": copy("event", lambda rows: {"via": "api"}, lambda rows: {"via": "fax"}),
    "accounts_auditevent_no_address_of_a_client": copy(
        "event",
        lambda rows: {"via": "page", "address": "192.0.2.1"},
        lambda rows: {"via": "link", "address": "192.0.2.1"},
    ),
    "accounts_auditseal_once": copy("seal", lambda rows: {"position": 2}),
    "accounts_auditseal_in_order": copy(
        "seal", lambda rows: {"position": 2}, lambda rows: {"position": 2, "first_number": 2**40}
    ),
    "accounts_submission_once": copy("submission", lambda rows: {"key": uuid.uuid4()}),
    "clients_client_code_once": copy("client", lambda rows: {"code": "R-2"}),
    "clients_client_code_given": change("client", {"code": "R-3"}, {"code": ""}),
    "clients_client_agreed_with_address": change(
        "client", {"mail_agreed_on": None, "email": ""}, {"mail_agreed_on": TODAY, "email": ""}
    ),
    "clients_client_agreed_or_unsubscribed": change(
        "client",
        {"mail_agreed_on": None, "unsubscribed_at": NOW},
        {"mail_agreed_on": TODAY, "email": "rowan@post.example", "unsubscribed_at": NOW},
    ),
    "clients_episode_one_open": copy("episode", lambda rows: {"ended_on": TODAY, "ending": "planned"}),
    "clients_episode_ending_paired": change("episode", {"ended_on": TODAY, "ending": "client"}, {"ended_on": TODAY}),
    "clients_episode_ends_after_start": change(
        "episode", {"ended_on": TODAY, "ending": "client"}, {"ended_on": LONG_AGO, "ending": "client"}
    ),
    "clients_episode_modality_known": change("episode", {"modality": "systemic"}, {"modality": "hypnosis"}),
    "clients_episode_ending_known": change(
        "episode", {"ended_on": TODAY, "ending": "mutual"}, {"ended_on": TODAY, "ending": "vanished"}
    ),
    "clients_goal_text_given": change("goal", {"text": "Sleep through"}, {"text": ""}),
    "clients_goal_baseline_from_0": change("goal", {"baseline": 0}, {"baseline": -1}),
    "clients_goal_target_possible": change(
        "goal", {"target": -100, "is_target_relative": True}, {"target": -1, "is_target_relative": False}
    ),
    "clients_goal_importance_1_to_10": change("goal", {"importance": 10}, {"importance": 0}),
    "clients_goal_ends_with_status": change("goal", {"status": "reached", "ended_on": TODAY}, {"status": "reached"}),
    "clients_task_text_given": change("task", {"text": "Call"}, {"text": ""}),
    "clients_task_proposer_known": change("task", {"proposed_by": "both"}, {"proposed_by": "neighbour"}),
    "clients_task_difficulties_to_10": change("task", {"difficulty_proposed": 10}, {"difficulty_agreed": 11}),
    "clients_task_state_agreed_by_both": change(
        "task",
        {"status": "negotiated", "client_agreed_on": None, "difficulty_agreed": None},
        {"client_agreed_on": None},
    ),
    "clients_task_eases_another": Case(
        lambda rows: rows.task,
        lambda rows: {"step_down_of": factories.make_task(rows.episode)},
        lambda rows: {"step_down_of": rows.task},
    ),
    "clients_agreement_of_goal_or_task": copy(
        "agreement", lambda rows: {"goal": rows.goal, "task": None}, lambda rows: {"goal": rows.goal}
    ),
    "clients_agreement_kind_known": copy(
        "agreement", lambda rows: {"kind": "dropped"}, lambda rows: {"kind": "forgotten"}
    ),
    "clients_scale_all_five_written": copy("scale", lambda rows: {}, lambda rows: {"less": ""}),
    "clients_objective_once": copy("objective", lambda rows: {"objective": "problem", "barriers": []}),
    "clients_objective_level_to_4": change("objective", {"level": 4}, {"level": 5}),
    "clients_objective_known_with_its_barriers": change(
        "objective", {"barriers": ["expert", "power"]}, {"barriers": ["judgemental"]}
    ),
    "clients.Expectations.episode": copy(
        "expectations", lambda rows: {"episode": factories.make_episode(rows.tom, code="T-9")}
    ),
    "clients.NeedsAssessment.episode": copy(
        "needs", lambda rows: {"episode": factories.make_episode(rows.tom, code="T-9")}
    ),
    "clients_needs_given": change("needs", {"needs": "Sleep"}, {"needs": ""}),
    "clients_episode_words_of_an_ending": change(
        "episode",
        {"ended_on": TODAY, "ending": "client", "ending_words": "They moved."},
        {"ending_words": "They moved."},
    ),
    "clients_episode_handed_over_is_transferred": Case(
        lambda rows: rows.episode,
        lambda rows: {"ended_on": TODAY, "ending": "transferred", "later_therapists": [rows.tom.pk]},
        lambda rows: {"ended_on": TODAY, "ending": "planned", "later_therapists": [rows.tom.pk]},
    ),
    "clients_episode_continues_another": Case(
        lambda rows: rows.episode,
        lambda rows: {"continues": rows.signal.session.episode},
        lambda rows: {"continues": rows.episode},
    ),
    "clients.Episode.continues": copy(
        "continuing",
        lambda rows: {"continues": rows.episode, "ended_on": TODAY, "ending": "planned"},
        lambda rows: {"ended_on": TODAY, "ending": "planned"},
    ),
    "sessions_app_session_number_once": copy("session", lambda rows: {"number": 77}),
    "sessions_app_session_number_from_1": change("session", {"number": 0, "phase": "before"}, {"number": 0}),
    "sessions_app_session_attendance_known": change("session", {"attendance": "late"}, {"attendance": "asleep"}),
    "sessions_app_session_phase_known": change("session", {"phase": "follow-up"}, {"phase": "later"}),
    "sessions_app_session_format_known": change("session", {"format": "phone"}, {"format": "letter"}),
    "sessions_app_session_waived_by": Case(
        lambda rows: rows.session,
        lambda rows: {"waived_at": NOW, "waived_by": rows.ada},
        lambda rows: {"waived_at": NOW},
    ),
    "sessions_app_progress_once": copy("progress", lambda rows: {"session": rows.next_session}),
    "sessions_app_progress_0_to_10": change("progress", {"progress": 10}, {"progress": 11}),
    "sessions_app_progress_measured_from_0": change("progress", {"measured": 0}, {"measured": -1}),
    "sessions_app_progress_level_of_a_scale": Case(
        lambda rows: rows.progress, lambda rows: {"level": -2, "scale": rows.scale}, lambda rows: {"level": 1}
    ),
    "sessions_app_progress_says_something": change("progress", {"progress": None, "measured": 1}, {"progress": None}),
    "sessions_app_outcome_once": copy("outcome", lambda rows: {"session": rows.next_session}),
    "sessions_app_outcome_known": change("outcome", {"outcome": "not-asked"}, {"outcome": "lost"}),
    "sessions_app.FirstChallenge.episode": copy(
        "challenge",
        lambda rows: {"episode": factories.make_episode(rows.tom, code="T-9"), "session": rows.next_session},
        lambda rows: {"session": rows.next_session},
    ),
    "sessions_app.FirstChallenge.session": copy(
        "challenge",
        lambda rows: {"episode": factories.make_episode(rows.tom, code="T-9"), "session": rows.next_session},
        lambda rows: {"episode": factories.make_episode(rows.tom, code="T-9")},
    ),
    "sessions_app_conditions_once_a_person": copy("conditions", lambda rows: {"rated_by": rows.ruth}),
    "sessions_app_conditions_rater_known": change("conditions", {"rater": "supervisor"}, {"rater": "neighbour"}),
    "sessions_app_conditions_0_to_10": change("conditions", {"empathy": 0}, {"empathy": 11}),
    "sessions_app_conditions_say_something": change(
        "conditions", {"regard": None, "congruence": None}, {"regard": None, "congruence": None, "empathy": None}
    ),
    "sessions_app_processnote_about_one": Case(
        lambda rows: rows.process_note,
        lambda rows: {"session": None, "episode": rows.episode},
        lambda rows: {"session": None},
    ),
    "sessions_app_draft_one_of_each": copy("draft", lambda rows: {"saved_by": rows.tom}),
    "sessions_app_draft_version_from_1": change("draft", {"version": 2}, {"version": 0}),
    "measures_rating_one_current": copy("rating", lambda rows: {"superseded_at": NOW}),
    "measures_rating_rater_known": change("rating", {"rater": "observer"}, {"rater": "neighbour"}),
    "measures_rating_clients_are_unsigned": Case(
        lambda rows: rows.rating,
        lambda rows: {"submitted_by": rows.ada},
        lambda rows: {"submitted_by": None},
    ),
    "measures.RiskAnswer.rating": copy("risk", lambda rows: {"rating": rows.rating}),
    "measures_risk_answered": change("risk", {"answers": {"9": 1}}, {"answers": {}}),
    "measures_risk_acknowledged_with_what_was_done": Case(
        lambda rows: rows.risk,
        lambda rows: {"acknowledged_at": NOW, "acknowledged_by": rows.ada, "done": "rang"},
        lambda rows: {"acknowledged_at": NOW, "acknowledged_by": rows.ada},
    ),
    "measures_risk_withdrawn_with_note": change(
        "risk", {"withdrawn_at": NOW, "note": "corrected"}, {"withdrawn_at": NOW}
    ),
    "measures_rating_only_clients_wait": Case(
        lambda rows: rows.rating,
        lambda rows: {"rater": "client", "instrument": "wai-s", "waits_for_therapist": True},
        lambda rows: {"waits_for_therapist": True},
    ),
    "measures_rating_entered_by": Case(
        lambda rows: rows.rating,
        lambda rows: {"entered_at": NOW, "entered_by": rows.ada},
        lambda rows: {"entered_at": NOW},
    ),
    "measures_use_once": copy("use", lambda rows: {"instrument": "other"}),
    "measures_battery_entry_once": copy("entry", lambda rows: {"rhythm": "every", "every": None}),
    "measures_battery_rater_known": change("entry", {"rater": "therapist"}, {"rater": "observer"}),
    "measures_battery_rhythm_known": change(
        "entry", {"rhythm": "before", "every": None}, {"rhythm": "never", "every": None}
    ),
    "measures_battery_every_nth": change("entry", {"every": 2}, {"every": None}),
    "measures_battery_removed_by": Case(
        lambda rows: rows.entry,
        lambda rows: {"removed_at": NOW, "removed_by": rows.sam},
        lambda rows: {"removed_at": NOW},
    ),
    "measures_override_once": copy("override", lambda rows: {"instrument": "other"}),
    "measures_override_rater_known": change("override", {"rater": "therapist"}, {"rater": "observer"}),
    "measures_override_rhythm_known": change("override", {"rhythm": "every"}, {"rhythm": "sometimes"}),
    "measures_override_every_nth": change("override", {"rhythm": "nth", "every": 26}, {"rhythm": "nth", "every": 27}),
    # What is stated and shown is added and never changed, so a second row stands in for a changed one.
    "measures_licence_stated": copy("licence", lambda rows: {"name": "Other"}, lambda rows: {"statement": ""}),
    "measures_wording_version_once": copy(
        "wording",
        lambda rows: {"version": 2, "ended_at": NOW, "ended_by": rows.sam},
        lambda rows: {"ended_at": NOW, "ended_by": rows.sam},
    ),
    "measures_wording_one_in_force": copy("wording", lambda rows: {"language": "de"}, lambda rows: {"version": 2}),
    "measures_wording_rater_known": copy(
        "wording", lambda rows: {"rater": "therapist"}, lambda rows: {"rater": "observer"}
    ),
    "measures_wording_ended_by": Case(
        lambda rows: rows.wording,
        lambda rows: {"ended_at": NOW, "ended_by": rows.sam},
        lambda rows: {"ended_at": NOW},
    ),
    "measures_rating_ending_view_of_a_client": Case(
        lambda rows: rows.clients_rating,
        lambda rows: {"ending_view": "client"},
        lambda rows: {"ending_view": "vanished"},
    ),
    "measures_score_scale_once": copy("score", lambda rows: {"scale": "other"}),
    "measures_score_value_or_reason": change(
        "score", {"value": None, "mean": None, "reason": "too few answers"}, {"value": None, "mean": None}
    ),
    "measures.CommentFollowUp.rating": copy("follow_up", lambda rows: {"rating": rows.rating}),
    "measures_followup_raised_by_known": change("follow_up", {"raised_by": "nobody"}, {"raised_by": "neighbour"}),
    "measures_followup_discussed_by_somebody": change(
        "follow_up", {"raised_by": "client", "discussed_on": TODAY}, {"raised_by": "client"}
    ),
    "measures_followup_after_discussion": change(
        "follow_up",
        {"raised_by": "client", "discussed_on": TODAY, "followed_up_on": TODAY},
        {"raised_by": "client", "discussed_on": TODAY, "followed_up_on": LONG_AGO},
    ),
    "measures_followup_outcome_has_a_day": change(
        "follow_up",
        {"raised_by": "client", "discussed_on": TODAY, "followed_up_on": TODAY, "outcome": "Better."},
        {"outcome": "Better."},
    ),
    "measures.RatingRequest.token_hash": copy("request", lambda rows: {"token_hash": "1" * 64, "instrument": "other"}),
    "measures_request_one_open": copy(
        "request",
        lambda rows: {"token_hash": "1" * 64, "session": rows.next_session},
        lambda rows: {"token_hash": "2" * 64},
    ),
    "measures_request_one_end": Case(
        lambda rows: rows.request,
        lambda rows: {"revoked_at": NOW, "revoked_by": rows.ada},
        lambda rows: {"revoked_at": NOW, "revoked_by": rows.ada, "redeemed_at": NOW, "redeemed_key": rows.ada.pk},
    ),
    "measures_request_revoked_by": Case(
        lambda rows: rows.request,
        lambda rows: {"revoked_at": NOW, "revoked_by": rows.ada},
        lambda rows: {"revoked_by": rows.ada},
    ),
    "measures_request_redeemed_key": Case(
        lambda rows: rows.request,
        lambda rows: {"redeemed_at": NOW, "redeemed_key": rows.ada.pk},
        lambda rows: {"redeemed_at": NOW},
    ),
    "measures_invitation_kind_once": Case(
        lambda rows: rows.invitation, lambda rows: {"kind": "first"}, lambda rows: {"kind": "reminder"}
    ),
    "measures.Invitation.stop_hash": Case(
        lambda rows: rows.invitation,
        lambda rows: {"stop_hash": "1" * 64},
        lambda rows: {"stop_hash": Invitation.objects.get(kind="reminder").stop_hash},
    ),
    "measures_invitation_kind_known": Case(
        lambda rows: rows.invitation, lambda rows: {"kind": "first"}, lambda rows: {"kind": "third"}
    ),
    "measures_invitation_state_known": change("invitation", {"state": "dropped"}, {"state": "lost", "claimed_at": NOW}),
    "measures_invitation_sent_at": change(
        "invitation", {"state": "sent", "sent_at": NOW, "claimed_at": NOW}, {"state": "sent", "claimed_at": NOW}
    ),
    "measures_invitation_claimed_at": change(
        "invitation", {"state": "claimed", "claimed_at": NOW}, {"state": "refused"}
    ),
    "measures_series_not_ahead": change("series", {"input_version": 90}, {"computed_version": 99}),
    "measures.EpisodeSeries.episode": copy(
        "series", lambda rows: {"episode": factories.make_episode(rows.tom, code="T-9")}
    ),
    "dashboards_summary_not_ahead": change("episode_summary", {"input_version": 90}, {"computed_version": 99}),
    "dashboards_summary_bond_0_to_10": change("episode_summary", {"bond": 10}, {"bond": 10.1}),
    "dashboards.EpisodeSummary.episode": copy("episode_summary", lambda rows: {"episode": without_summary(rows)}),
    "measures_trend_series_once": copy("trend", lambda rows: {"scale": "other"}),
    "measures_trend_latest_from_1": change("trend", {"latest": None, "n": 0}, {"latest": None}),
    "measures_trend_reliable_pair": change(
        "trend",
        {"reliable_criterion": 1.0, "is_reliable": True},
        {"reliable_criterion": 1.0, "is_reliable": None},
    ),
    "measures_trend_judged_with_both": change("trend", {"prior": None, "rate": ""}, {"rate": ""}),
    "measures_prior_version_once": copy("prior", lambda rows: {"version": 2}),
    "measures_prior_spread_positive": change("prior", {"within_sd": 0.1}, {"within_sd": 0}),
    "measures_prior_correlations": change("prior", {"correlation_raters": 0}, {"correlation_scales": 1}),
    "measures_ownmeasure_code_once": copy("measure", lambda rows: {"code": "another"}),
    "measures_ownmeasure_range": change("measure", {"low": 1}, {"low": 63}),
    "measures_ownmeasure_construct_known": change("measure", {"construct": "alliance"}, {"construct": "weather"}),
    "measures_ownmeasure_sd_positive": change("measure", {"sd": 7.5}, {"sd": 0}),
    "measures_ownmeasure_reliability_is_one": change("measure", {"reliability": 0.9}, {"reliability": 1.1}),
    "accounts_organisation_risk_hours_1_to_168": change("organisation", {"risk_hours": 168}, {"risk_hours": 0}),
    "accounts_organisation_signal_rate_known": change(
        "organisation", {"signal_rate": "looser"}, {"signal_rate": "loud"}
    ),
    "accounts_organisation_signal_preset_known": change(
        "organisation", {"signal_preset": "gumz-strict"}, {"signal_preset": "any"}
    ),
    "accounts_organisation_second_factor_for_known": change(
        "organisation", {"second_factor_for": "everybody"}, {"second_factor_for": "somebody"}
    ),
    "accounts_organisation_mail_hours": change(
        "organisation", {"mail_delay_hours": 72, "mail_reminder_hours": 167}, {"mail_reminder_hours": 168}
    ),
    "ruptures_signal_rate_with_tail": change("signal", {"rate": "", "tail": None}, {"tail": None}),
    "accounts_organisation_engagement_1_to_20": change(
        "organisation", {"engagement_sessions": 20}, {"engagement_sessions": 0}
    ),
    "ruptures_signal_evidence_once": copy("signal", lambda rows: {"rule": "another"}),
    "ruptures_signal_state_known": change("signal", {"state": "expired"}, {"state": "lost"}),
    "ruptures_signal_answered_by": Case(
        lambda rows: rows.signal,
        lambda rows: {"state": "confirmed", "answered_at": NOW, "answered_by": rows.ada},
        lambda rows: {"answered_by": rows.ada},
    ),
    "ruptures_signal_answer_has_time": Case(
        lambda rows: rows.signal,
        lambda rows: {"state": "confirmed", "answered_at": NOW, "answered_by": rows.ada},
        lambda rows: {"state": "confirmed"},
    ),
    "ruptures_signal_dismissed_with_reason": Case(
        lambda rows: rows.signal,
        lambda rows: {"state": "dismissed", "reason": "talked", "answered_at": NOW, "answered_by": rows.ada},
        lambda rows: {"state": "dismissed", "answered_at": NOW, "answered_by": rows.ada},
    ),
    "ruptures_signal_withdrawn_with_note": change(
        "signal", {"state": "withdrawn", "note": "corrected"}, {"state": "withdrawn"}
    ),
    "ruptures_rupture_strain_once": copy("suspected", lambda rows: {"strain": None}),
    "ruptures_rupture_markers_of_type": change(
        "rupture", {"type": "mixed", "markers": ["appeasing", "control"]}, {"markers": ["appeasing", "control"]}
    ),
    "ruptures_rupture_component_known": change("rupture", {"component": ""}, {"component": "total"}),
    "ruptures_rupture_intensity_1_to_5": change("rupture", {"intensity": 5}, {"intensity": 6}),
    "ruptures_rupture_noticed_by_known": change("rupture", {"noticed_by": "attendance"}, {"noticed_by": ""}),
    "ruptures_rupture_confirmed_by": Case(
        lambda rows: rows.suspected,
        lambda rows: {"state": "confirmed", "confirmed_at": NOW, "confirmed_by": rows.ada},
        lambda rows: {"state": "confirmed", "confirmed_at": NOW},
    ),
    "ruptures_rupture_confirmed_first": Case(
        lambda rows: rows.suspected,
        lambda rows: {"state": "in-repair", "confirmed_at": NOW, "confirmed_by": rows.ada},
        lambda rows: {"state": "in-repair"},
    ),
    "ruptures_rupture_closed_at": Case(
        lambda rows: rows.rupture,
        lambda rows: {"state": "resolved", "closed_at": NOW, "closed_by": rows.ada},
        lambda rows: {"state": "resolved"},
    ),
    "ruptures_rupture_closed_by": Case(
        lambda rows: rows.suspected,
        lambda rows: {"state": "dismissed", "closed_at": NOW, "reason": "corrected"},
        lambda rows: {"state": "dismissed", "closed_at": NOW, "reason": "talked"},
    ),
    "ruptures_rupture_dismissed_with_reason": Case(
        lambda rows: rows.rupture,
        lambda rows: {"state": "dismissed", "closed_at": NOW, "closed_by": rows.ada, "reason": "talked"},
        lambda rows: {"state": "dismissed", "closed_at": NOW, "closed_by": rows.ada},
    ),
    "ruptures_attempt_strategies_known": change("attempt", {"strategies": ["clarify"]}, {"strategies": []}),
    "ruptures_attempt_owned_part_is_acknowledged": change(
        "attempt",
        {"strategies": ["validate"], "acknowledged_own_contribution": False},
        {"acknowledged_own_contribution": False},
    ),
    "ruptures_attempt_about_relationship": change(
        "attempt", {"strategies": ["invite"], "talked_about_relationship": True}, {"strategies": ["invite"]}
    ),
    "ruptures_attempt_response_known": change("attempt", {"client_response": ""}, {"client_response": "resisted"}),
    "ruptures_attempt_resolved_1_to_5": change("attempt", {"resolved": 1}, {"resolved": 0}),
    "ruptures_recompute_one_under_way": copy("recompute", lambda rows: {"finished_at": NOW}),
    "ruptures_recompute_done_within": change("recompute", {"done": 0}, {"done": 99}),
    "supervision_meeting_once_a_day": copy("meeting", lambda rows: {"state": "called-off"}),
    "supervision_meeting_two_people": Case(
        lambda rows: rows.meeting, lambda rows: {"therapist": rows.tom}, lambda rows: {"therapist": rows.ruth}
    ),
    "supervision_meeting_state_known": change("meeting", {"state": "finished"}, {"state": "lost"}),
    "supervision_meeting_moved_by": change("meeting", {"moved_at": None, "moved_by": None}, {"moved_by": None}),
    "supervision_item_waits_once": copy("waiting_item", lambda rows: {"taken_off_at": NOW, "taken_off_by": rows.ada}),
    "supervision_item_once_a_meeting": copy(
        "discussed_item", lambda rows: {"episode": factories.make_episode(rows.ada, code="D-1")}
    ),
    "supervision_item_discussed_in_a_meeting": change(
        "discussed_item",
        {"meeting": None, "discussed_at": None, "discussed_by": None, "told": ""},
        {"discussed_at": None, "discussed_by": None},
    ),
    "supervision_item_taken_off_by": Case(
        lambda rows: rows.waiting_item,
        lambda rows: {"taken_off_at": NOW, "taken_off_by": rows.ada},
        lambda rows: {"taken_off_at": NOW},
    ),
    "supervision_step_status_known": Case(
        lambda rows: rows.step,
        lambda rows: {"status": "done", "settled_at": NOW, "settled_by": rows.ada},
        lambda rows: {"status": "lost", "settled_at": NOW, "settled_by": rows.ada},
    ),
    "supervision_step_component_of_an_episode": change("step", {"component": ""}, {"component": "total"}),
    "supervision_step_settled_by": Case(
        lambda rows: rows.step,
        lambda rows: {"status": "not-needed", "settled_at": NOW, "settled_by": rows.ada},
        lambda rows: {"status": "done"},
    ),
    "supervision_target_in_vocabulary": change(
        "target", {"kind": "repairing", "codes": ["validate"]}, {"codes": ["validate"]}
    ),
    "supervision_target_ended_by": Case(
        lambda rows: rows.target,
        lambda rows: {"ended_at": NOW, "ended_by": rows.ada},
        lambda rows: {"ended_at": NOW},
    ),
    "dashboards.EpisodeFacts.episode": copy(
        "facts", lambda rows: {"episode": factories.make_episode(rows.ada, code="F-1")}
    ),
    "dashboards_summary_once": copy("summary", lambda rows: {"modality": "systemic"}),
    "dashboards_summary_days_of_period": change(
        "summary",
        {"kind": "year", "starts_on": LONG_AGO, "ends_on": TODAY},
        {"kind": "all", "starts_on": LONG_AGO},
    ),
    "dashboards_summary_modality_known": change("summary", {"modality": "systemic"}, {"modality": "cards"}),
    "dashboards_run_one_under_way": copy("service_run", lambda rows: {"finished_at": NOW}),
    "dashboards_run_done_within": change("service_run", {"done": 0}, {"done": 99}),
    "reports_batch_state_known": change("batch", {"state": "undone"}, {"state": "lost"}),
    "reports_batch_step_within": change("batch", {"step": 1, "steps": 1}, {"step": 2, "steps": 1}),
    "reports_batch_written_by": Case(
        lambda rows: rows.batch,
        lambda rows: {"written_at": NOW, "written_by": rows.sam},
        lambda rows: {"written_at": NOW, "written_by": None},
    ),
    "reports_batch_undone_by": Case(
        lambda rows: rows.batch,
        lambda rows: {"undone_at": NOW, "undone_by": rows.sam},
        lambda rows: {"undone_at": NOW},
    ),
    "reports_chunk_position_once": copy("chunk", lambda rows: {"position": 7}),
    "reports_export_state_known": change("export", {"state": "cancelled"}, {"state": "lost"}),
    "reports_export_format_known": change("export", {"format": "xlsx"}, {"format": "pdf"}),
    "reports_export_done_within": change("export", {"done": 1}, {"done": 99}),
    "reports_export_identifying_with_purpose": change(
        "export", {"is_identifying": True, "purpose": "An audit"}, {"is_identifying": True, "purpose": ""}
    ),
    "reports_export_period_in_order": change(
        "export",
        {"since": date(2026, 1, 1), "until": date(2026, 1, 1)},
        {"since": date(2026, 1, 2), "until": date(2026, 1, 1)},
    ),
    "reports_export_own_names_therapists": Case(
        lambda rows: rows.export,
        lambda rows: {"scope": "own", "therapists": [rows.ada.pk]},
        lambda rows: {"scope": "service", "therapists": [rows.ada.pk]},
    ),
    "reports_export_refused_with_problem": change(
        "export", {"state": "refused", "problem": "access"}, {"state": "refused"}
    ),
    "reports_export_ready_expires": change(
        "export",
        {"state": "ready", "ready_at": NOW, "expires_at": NOW, "size": 1},
        {"state": "ready", "ready_at": NOW, "expires_at": None, "size": 1},
    ),
    "reports_part_position_once": copy("part", lambda rows: {"position": 7}),
    "accounts_organisation_retention": change(
        "organisation", {"retention_years": 7, "retention_notice_days": 7}, {"retention_notice_days": 6}
    ),
    "reports_export_pack_of_a_client": Case(
        lambda rows: rows.export,
        lambda rows: {
            "scope": "client",
            "format": "pack",
            "client": rows.client,
            "is_identifying": True,
            "purpose": "Theirs",
        },
        lambda rows: {"client": rows.client},
    ),
    "reports_hold_one_standing": copy("hold", lambda rows: {"lifted_at": NOW, "lifted_by": rows.sam}),
    "reports_hold_with_reason": change("hold", {"reason": "Another."}, {"reason": ""}),
    "reports_hold_lifted_by": Case(
        lambda rows: rows.hold,
        lambda rows: {"lifted_at": NOW, "lifted_by": rows.sam},
        lambda rows: {"lifted_at": NOW},
    ),
    "reports.RetentionNotice.client": copy(
        "notice", lambda rows: {"client": factories.make_episode(rows.ada, code="F-3").client}
    ),
    "reports_erasure_state_known": change("erasure", {"state": "declined"}, {"state": "lost"}),
    "reports_erasure_asked_by_a_person": change(
        "erasure", {"reason": "retention", "requested_by": None}, {"requested_by": None}
    ),
    "reports_erasure_one_at_a_time": copy("erasure", lambda rows: {"state": "declined"}),
    "reports_erasure_tombstone_once": copy("erased", lambda rows: {"tombstone": "tests:1"}),
    "reports_erasure_done_names_nobody": change(
        "erasure", {"state": "erasing"}, {"state": "done", "finished_at": NOW, "after": {"x": 0}, "tombstone": "t:1"}
    ),
}


def constraints() -> set[str]:
    named = {constraint.name for model in OURS for constraint in model._meta.constraints}
    return named | {
        f"{label(model)}.{field.name}"
        for model in OURS
        for field in model._meta.fields
        if field.unique and not field.primary_key
    }


def write(row: models.Model, values: dict[str, Any], *, copied: bool) -> None:
    """Past every check of ours, straight to the database."""
    manager = type(row)._default_manager
    if not copied:
        assert manager.filter(pk=row.pk).update(**values) == 1
        return
    row = manager.get(pk=row.pk)
    row.pk = uuid.uuid4() if isinstance(row._meta.pk, models.UUIDField) else None
    row._state.adding = True
    for name, value in values.items():
        setattr(row, name, value)
    manager.bulk_create([row])


def test_every_constraint_has_its_two_rows():
    has_its_own_test = {"accounts.Organisation.slug"}
    assert set(CASES) | has_its_own_test == constraints()


@pytest.mark.parametrize("name", CASES)
def test_constraint_lets_a_right_row_pass_and_stops_a_wrong_one(rows, name):
    case = CASES[name]
    row = case.row(rows)
    with transaction.atomic():
        write(row, case.good(rows), copied=case.copied)
        transaction.set_rollback(True)
    column = name.rpartition(".")[2] if "." in name else name
    with pytest.raises(IntegrityError, match=column), transaction.atomic():
        write(row, case.bad(rows), copied=case.copied)


def test_two_organisations_never_share_a_short_name(service):
    """An organisation sees only itself, and yet the database compares it with all."""
    for slug, is_free in (("quay", True), (service.organisation.slug, False)):
        organisation = Organisation(id=uuid.uuid4(), name="Quay", slug=slug)
        with nullcontext() if is_free else pytest.raises(IntegrityError, match="slug"), acting_in(organisation.pk):
            organisation.save(force_insert=True)
