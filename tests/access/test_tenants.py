"""Two services in one database: the database itself keeps them apart, whatever the code forgets."""

import uuid

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.urls import reverse

from accounts.chain import check_next, seal_events
from accounts.models import AuditEvent, AuditSeal, Organisation, User
from clients.models import Agreement, AttainmentScale, Client, Episode
from jobs import actions as jobs
from jobs.models import Job
from jobs.organisation import NoOrganisation, acting_in, current_organisation, set_organisation
from measures import actions as measures
from measures.actions.comments import deliver_comments
from measures.models import Licence, Rating, Trend, Wording
from ruptures import actions as ruptures
from ruptures.tasks import judge_episode
from sessions_app.actions.drafts import save_draft
from sessions_app.models import TherapySession
from tests import factories

PROTECTED = [
    model
    for app in ("accounts", "clients", "sessions_app", "measures", "ruptures", "dashboards", "supervision", "reports")
    for model in apps.get_app_config(app).get_models()
]


@pytest.fixture
def both(service, other_service):
    """A course of therapy in each service. The test acts inside the first."""
    episode = factories.make_episode(service.ada)
    mended = factories.make_signal(episode).session
    factories.make_attempt(factories.make_rupture(mended), mended)
    factories.make_agreed(mended)
    factories.make_process_note(mended)
    factories.make_choices(service, episode)
    factories.make_risk_answer(factories.make_session(episode))
    deliver_comments(ratings=Rating.objects.filter(rater="client")[:1], by=service.ada)
    factories.make_invitation(factories.make_session(episode))
    save_draft(episode=episode, content={"note": ["typed"]}, version=0, by=service.ada)
    factories.make_import(service)
    factories.make_export(service.ada, finish=True)
    factories.make_cover(service.ada, by=service.tom)
    factories.make_token(service.ada)
    factories.make_app(service.ada)
    factories.make_sign_in(service.ada)
    factories.make_supervision(service, episode)
    factories.make_rights(service, episode)
    ruptures.start_recompute(organisation_id=service.organisation.pk)
    factories.make_summaries(service)
    seal_events(service.organisation.pk)
    check_next(service.organisation.pk)
    with acting_in(other_service.organisation.pk):
        episode = factories.make_episode(other_service.ada, code="E-1", name="Egret")
        mended = factories.make_signal(episode).session
        factories.make_attempt(factories.make_rupture(mended), mended)
        factories.make_agreed(mended)
        factories.make_process_note(mended)
        factories.make_choices(other_service, episode)
        factories.make_risk_answer(factories.make_session(episode))
        deliver_comments(ratings=Rating.objects.filter(rater="client")[:1], by=other_service.ada)
        factories.make_invitation(factories.make_session(episode))
        save_draft(episode=episode, content={"note": ["typed"]}, version=0, by=other_service.ada)
        factories.make_import(other_service)
        factories.make_export(other_service.ada, finish=True)
        factories.make_cover(other_service.ada, by=other_service.tom)
        factories.make_token(other_service.ada)
        factories.make_app(other_service.ada)
        factories.make_sign_in(other_service.ada)
        factories.make_supervision(other_service, episode)
        factories.make_rights(other_service, episode)
        ruptures.start_recompute(organisation_id=other_service.organisation.pk)
        factories.make_summaries(other_service)
        seal_events(other_service.organisation.pk)
        check_next(other_service.organisation.pk)
    return service, other_service


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity ORDER BY relname")
        return [name for (name,) in cursor.fetchall()]


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def is_of(model, service) -> dict:
    return {"pk" if model is Organisation else "organisation_id": service.organisation.pk}


def test_without_an_organisation_every_protected_table_is_empty(both):
    # Nobody has written there yet: allauth's addresses, and forms that were sent.
    with_rows = {name for name in tables() if count(name)}
    assert with_rows >= set(tables()) - {"account_emailaddress", "accounts_submission"}
    set_organisation(None)
    assert {name: count(name) for name in tables()} == dict.fromkeys(tables(), 0)


def test_an_unknown_organisation_sees_nothing(both):
    with acting_in(uuid.uuid4()):
        assert {name: count(name) for name in tables()} == dict.fromkeys(tables(), 0)


@pytest.mark.parametrize("model", PROTECTED, ids=lambda model: model.__name__)
def test_no_query_finds_a_row_of_the_other_service(both, model):
    service, other = both
    with acting_in(other.organisation.pk):
        theirs = list(model._default_manager.values_list("pk", flat=True))
    assert theirs or model.__name__ == "Submission"
    assert not model._default_manager.filter(pk__in=theirs).exists()
    assert not model._default_manager.filter(**is_of(model, other)).exists()
    assert not model._default_manager.exclude(**is_of(model, service)).exists()
    with connection.cursor() as cursor:
        column = "id" if model is Organisation else "organisation_id"
        cursor.execute(f"SELECT count(*) FROM {model._meta.db_table} WHERE {column} <> %s", [service.organisation.pk])
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("model", [Authenticator, UserSession], ids=lambda model: model.__name__)
def test_factors_and_sign_ins_are_kept_apart_through_their_person(both, model):
    """django-allauth's tables have no organisation: their condition looks for the person, who has one."""
    service, other = both
    with acting_in(other.organisation.pk):
        theirs = list(model.objects.values_list("pk", flat=True))
        assert theirs
    table = model._meta.db_table
    assert set(model.objects.values_list("user", flat=True)) == {service.ada.pk}
    with connection.cursor() as cursor:
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
            cursor.execute(f"{statement} WHERE id = ANY(%s)", [theirs])
            assert cursor.rowcount == 0
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        model.objects.update(user=other.ada)


# What may not be changed even by those whose it is has tests of its own below. Of a wording only that it ended can be.
NEVER_CHANGED = (AuditEvent, AuditSeal, Agreement, AttainmentScale, Licence, Wording)
WRITABLE = [model for model in PROTECTED if model not in NEVER_CHANGED]


@pytest.mark.parametrize("model", WRITABLE, ids=lambda model: model.__name__)
def test_no_row_of_the_other_service_can_be_changed_or_deleted(both, model):
    _service, other = both
    with acting_in(other.organisation.pk):
        theirs = list(model._default_manager.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET id = id WHERE id = ANY(%s)", [theirs])
        assert cursor.rowcount == 0
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%s)", [theirs])
        assert cursor.rowcount == 0
    with acting_in(other.organisation.pk):
        assert list(model._default_manager.values_list("pk", flat=True)) == theirs


def test_no_row_can_be_added_to_the_other_service(both):
    service, other = both
    episode = Episode.objects.get()
    strays = [
        Client(organisation=other.organisation, code="S-1", created_by=service.ada),
        TherapySession(
            organisation=other.organisation,
            episode=episode,
            number=50,
            held_on=episode.started_on,
            created_by=service.ada,
        ),
        AuditEvent(organisation=other.organisation, action="x", object_type="x", object_id=uuid.uuid4()),
        User(organisation=other.organisation, email="stray@harbour.example", name="Stray"),
        Organisation(id=uuid.uuid4(), name="Stray", slug="stray"),
    ]
    for stray in strays:
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            stray.save(force_insert=True)


def test_no_row_can_be_given_to_the_other_service(both):
    _service, other = both
    for model in (Client, Episode, TherapySession, Rating, Trend, User):
        assert model._default_manager.exists()
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            model._default_manager.update(organisation=other.organisation)


def test_acting_in_brings_back_the_organisation_before(service, other_service):
    mine, theirs = service.organisation.pk, other_service.organisation.pk
    with acting_in(theirs):
        assert current_organisation() == theirs
        with acting_in(mine):
            assert current_organisation() == mine
        assert current_organisation() == theirs
    assert current_organisation() == mine
    with pytest.raises(ZeroDivisionError), acting_in(theirs):
        1 / 0  # noqa: B018
    assert current_organisation() == mine


def test_an_organisation_is_never_set_outside_a_transaction(committed):
    with pytest.raises(NoOrganisation):
        set_organisation(uuid.uuid4())
    with acting_in(uuid.uuid4()):
        assert current_organisation() is not None
    assert current_organisation() is None


def test_the_organisation_ends_with_its_transaction(committed):
    """The same connection serves the next request: nothing of the one before may be left in it."""
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        assert User.objects.count() == 6
    assert connection.connection is not None
    assert (current_organisation(), User.objects.count()) == (None, 0)


# --- Background work ------------------------------------------------------------------------------------


def test_a_job_sees_the_rows_of_its_own_organisation_only(both):
    seen = {}
    for service in both:
        with acting_in(service.organisation.pk):
            jobs.request_job(task="look.around", object_id=service.ada.pk, organisation_id=service.organisation.pk)
        job = Job.objects.get(task="look.around", object_id=service.ada.pk)
        set_organisation(None)
        jobs.run_job(
            job.pk, lambda object_id: seen.update({object_id: set(Client.objects.values_list("code", flat=True))})
        )
        job.refresh_from_db()
        assert job.finished_at is not None
        assert current_organisation() is None
    assert seen == {both[0].ada.pk: {"R-0417"}, both[1].ada.pk: {"E-1"}}


def test_a_job_that_names_an_object_of_another_organisation_changes_nothing(both):
    service, other = both
    with acting_in(other.organisation.pk):
        theirs = Episode.objects.get()
        measures.make_trends_stale(theirs)
        before = list(Trend.objects.order_by("pk").values())
    Job.objects.filter(object_id=theirs.pk).delete()
    jobs.request_job(task=measures.COMPUTE_TRENDS, object_id=theirs.pk, organisation_id=service.organisation.pk)
    judge_episode(str(Job.objects.get(object_id=theirs.pk).pk))
    with acting_in(other.organisation.pk):
        assert list(Trend.objects.order_by("pk").values()) == before
        assert theirs.series.is_updating


# --- What happened ----------------------------------------------------------------------------------------


def test_audit_events_can_be_neither_changed_nor_deleted(service):
    assert AuditEvent.objects.exists()
    for statement in (
        "UPDATE accounts_auditevent SET action = 'nothing'",
        "DELETE FROM accounts_auditevent",
        "TRUNCATE accounts_auditevent",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


@pytest.mark.parametrize("model", [Agreement, AttainmentScale], ids=lambda model: model.__name__)
def test_what_was_agreed_is_never_changed(both, model):
    _service, other = both
    for statement in (f"UPDATE {model._meta.db_table} SET id = id", f"TRUNCATE {model._meta.db_table}"):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE organisation_id = %s", [other.organisation.pk])
        assert cursor.rowcount == 0


def test_licences_and_words_can_be_neither_changed_nor_deleted(service):
    factories.make_wording(service)
    for statement in (
        "UPDATE measures_wording SET items = '[]'",
        "UPDATE measures_wording SET language = 'de'",
        "DELETE FROM measures_wording",
        "UPDATE measures_licence SET statement = 'anything'",
        "DELETE FROM measures_licence",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


def test_a_refused_page_is_on_record_although_the_request_is_taken_back(committed, client):
    service = factories.make_service()
    signed_in = client.post(reverse("account_login"), {"login": service.nils.email, "password": factories.PASSWORD})
    assert signed_in.status_code == 302
    refused = client.get(reverse("accounts:person-list"))
    assert refused.status_code == 403
    with acting_in(service.organisation.pk):
        event = AuditEvent.objects.get(action="page.refused")
        assert (event.person, event.fields) == (service.nils, ["accounts:person-list"])
        assert AuditEvent.objects.filter(action="person.signed-in", person=service.nils).count() == 1


def test_a_request_that_fails_half_way_writes_nothing(committed, client):
    """The client and the first episode are one form: without the one there is not the other."""
    service = factories.make_service()
    client.post(reverse("account_login"), {"login": service.ada.email, "password": factories.PASSWORD})
    form = {"code": "N-1", "modality": "cbt", "practitioner_title": "x" * 61, "started_on": "2026-01-05"}
    assert client.post(reverse("clients:client-create"), form).status_code == 422
    with acting_in(service.organisation.pk):
        assert not Client.objects.exists()
        assert not AuditEvent.objects.filter(action="client.created").exists()
