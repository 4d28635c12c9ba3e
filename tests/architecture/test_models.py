"""What the database itself must know: the class of each field, who did it, whose row it is, what cannot be."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, models, transaction
from django.db.utils import ConnectionHandler
from django.utils import timezone

from accounts.classification import CLINICAL, FIELDS, IDENTIFYING, OPERATIONAL
from accounts.models import Organisation, Submission, Supervision
from alliance_site import embedded
from clients.models import Episode
from jobs.models import Job, PeriodicRun, Route
from jobs.organisation import acting_in, refuse_unsafe_database_role
from measures.models import EpisodeSeries, OwnMeasure, Trend
from ruptures import actions as ruptures
from tests import factories

pytestmark = pytest.mark.django_db

APPS = ["jobs", "accounts", "clients", "sessions_app", "measures", "ruptures", "reports"]
OURS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
# When, without who; and why that is enough.
NOT_BY_A_PERSON = {
    "jobs.Job": "machines hand over, finish and fail jobs",
    "jobs.PeriodicRun": "the clock starts it",
    "accounts.Organisation.created_at": "there is nobody in it yet; the command asks whoever runs it",
    "accounts.User.created_at": "the first person is added by nobody; the audit event says who added the others",
    "accounts.AuditEvent.happened_at": "`person` is who did it",
    "measures.RatingRequest.expires_at": "a deadline, which comes by itself",
    "measures.RatingRequest.redeemed_at": "the client has no account; `redeemed_key` says which form it was",
    "measures.RiskAnswer.raised_at": "follows from a rating, which says by whom",
    "measures.RiskAnswer.passed_on_at": "the clock passes it on",
    "measures.RiskAnswer.withdrawn_at": "follows from a correction, which says by whom",
    "measures.EpisodeSeries.changed_at": "follows from a rating, which says by whom",
    "measures.EpisodeSeries.computed_at": "a worker computes it",
    "measures.ServicePrior.estimated_at": "a worker estimates it",
    "ruptures.Signal.raised_at": "the rules raise it",
    "ruptures.Recompute": "a worker does it; the change that asks for it says by whom",
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
    through_the_person = {"account_emailaddress"}
    assert unprotected - through_the_person == set(OPEN_TABLES)
    assert tables["account_emailaddress"][:2] == (True, True)


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


# --- Constraints ----------------------------------------------------------------------------------------


@dataclass
class Rows:
    """Real rows, one of each kind."""

    service: Any
    episode: Any
    session: Any
    next_session: Any
    rating: Any
    clients_rating: Any
    request: Any
    job: Any
    supervision: Any
    cover: Any
    submission: Any
    series: Any
    trend: Any
    run: Any
    measure: Any
    batch: Any
    chunk: Any
    signal: Any
    recompute: Any
    risk: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.service, name)

    @property
    def client(self) -> Any:
        return self.episode.client

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
    def route(self) -> Any:
        return Route.objects.filter(organisation_id=self.service.organisation.pk, kind="email").first()


@pytest.fixture
def rows(service):
    episode = factories.make_episode(service.ada)
    session, next_session = factories.make_course(episode, [7, 7])
    third = factories.make_session(episode)
    request, _token = factories.make_request(third)
    # Two rows that only a form and the clock write.
    submission = Submission.objects.create(
        organisation=service.organisation, key=uuid.uuid4(), digest="0" * 64, location="/", created_by=service.ada
    )
    run = PeriodicRun.objects.create(name="sweep", period_start=timezone.now())
    batch = factories.make_import(service)
    ratings = {rating.rater: rating for rating in session.ratings.all()}
    return Rows(
        service=service,
        episode=episode,
        session=session,
        next_session=next_session,
        rating=ratings["therapist"],
        clients_rating=ratings["client"],
        request=request,
        job=Job.objects.get(object_id=episode.pk),
        supervision=Supervision.objects.current().get(supervisor=service.ruth),
        cover=factories.make_cover(service.ada, by=service.tom),
        submission=submission,
        series=EpisodeSeries.objects.get(episode=episode),
        trend=Trend.objects.get(episode=episode, rater="client", scale="bond"),
        run=run,
        measure=OwnMeasure.objects.get(),
        batch=batch,
        chunk=batch.chunks.first(),
        signal=factories.make_signal(factories.make_episode(service.ada, code="S-1")),
        recompute=ruptures.start_recompute(organisation_id=service.organisation.pk),
        risk=factories.make_risk_answer(session),
    )


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
TODAY = timezone.localdate()
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
    "accounts_cover_once": copy("cover", lambda rows: {"starts_on": TODAY - timedelta(days=1)}),
    "accounts_cover_two_people": Case(
        lambda rows: rows.cover,
        lambda rows: {"cover": rows.otto},
        lambda rows: {"cover": rows.ada},
    ),
    "accounts_cover_ends_after_start": change("cover", {"ends_on": TODAY}, {"ends_on": TODAY - timedelta(days=1)}),
    "accounts_cover_ended_by": Case(
        lambda rows: rows.cover,
        lambda rows: {"ended_at": NOW, "ended_by": rows.ada},
        lambda rows: {"ended_at": NOW},
    ),
    "accounts_submission_once": copy("submission", lambda rows: {"key": uuid.uuid4()}),
    "clients_client_code_once": copy("client", lambda rows: {"code": "R-2"}),
    "clients_client_code_given": change("client", {"code": "R-3"}, {"code": ""}),
    "clients_episode_one_open": copy("episode", lambda rows: {"ended_on": TODAY, "ending": "planned"}),
    "clients_episode_ending_paired": change("episode", {"ended_on": TODAY, "ending": "client"}, {"ended_on": TODAY}),
    "clients_episode_ends_after_start": change(
        "episode", {"ended_on": TODAY, "ending": "client"}, {"ended_on": LONG_AGO, "ending": "client"}
    ),
    "clients_episode_modality_known": change("episode", {"modality": "systemic"}, {"modality": "hypnosis"}),
    "clients_episode_ending_known": change(
        "episode", {"ended_on": TODAY, "ending": "mutual"}, {"ended_on": TODAY, "ending": "vanished"}
    ),
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
    "measures_rating_ending_view_of_a_client": Case(
        lambda rows: rows.clients_rating,
        lambda rows: {"ending_view": "client"},
        lambda rows: {"ending_view": "vanished"},
    ),
    "measures_score_scale_once": copy("score", lambda rows: {"scale": "other"}),
    "measures_score_value_or_reason": change(
        "score", {"value": None, "mean": None, "reason": "too few answers"}, {"value": None, "mean": None}
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
    "measures_series_not_ahead": change("series", {"input_version": 90}, {"computed_version": 99}),
    "measures.EpisodeSeries.episode": copy(
        "series", lambda rows: {"episode": factories.make_episode(rows.tom, code="T-9")}
    ),
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
    "ruptures_signal_rate_with_tail": change("signal", {"rate": "", "tail": None}, {"tail": None}),
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
    "ruptures_recompute_one_under_way": copy("recompute", lambda rows: {"finished_at": NOW}),
    "ruptures_recompute_done_within": change("recompute", {"done": 0}, {"done": 99}),
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
