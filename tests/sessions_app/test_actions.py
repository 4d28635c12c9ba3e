from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions as clients
from clients.actions import StaleVersion
from jobs.organisation import acting_in
from sessions_app import actions
from sessions_app.models import NOTE_LENGTH, TherapySession
from tests import factories
from tests.parallel import at_once

TODAY = timezone.localdate


def log(episode, **values) -> TherapySession:
    defaults = {
        "number": 1,
        "held_on": TODAY(),
        "attendance": "attended",
        "format": "in-person",
        "by": episode.therapist,
    }
    return actions.log_session(episode=episode, **{**defaults, **values})


def refused_fields(episode, **values) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        log(episode, **values)
    assert not TherapySession.objects.filter(episode=episode).exists()
    return list(refused.value.message_dict)


def test_session_is_logged_with_the_event_of_it(service):
    episode = factories.make_episode(service.ada)
    session = log(episode, number=3, attendance="late", format="phone", note="Came by bus.")
    session.refresh_from_db()
    assert (session.number, session.held_on, session.attendance, session.format) == (3, TODAY(), "late", "phone")
    assert (session.note, session.version, session.took_place) == ("Came by bus.", 1, True)
    event = AuditEvent.objects.get(action="session.logged")
    assert (event.object_id, event.client_id, event.person) == (session.pk, episode.client_id, service.ada)
    assert "bus" not in str(event.fields)


def test_meeting_that_did_not_take_place_takes_a_number_too(service):
    episode = factories.make_episode(service.ada)
    assert not log(episode, attendance="did-not-attend").took_place
    assert actions.next_number(episode) == 2


def test_number_that_is_taken_is_refused(service):
    episode = factories.make_episode(service.ada)
    log(episode)
    with pytest.raises(actions.NumberTaken, match="Session 1 is already logged"):
        log(episode)
    assert episode.sessions.count() == 1


def test_number_is_taken_in_its_own_episode_alone(service):
    log(factories.make_episode(service.ada))
    log(factories.make_episode(service.ada, code="R-0418"))
    assert TherapySession.objects.filter(number=1).count() == 2


@pytest.mark.parametrize("number", [0, -1])
def test_number_below_one_is_refused(service, number):
    with pytest.raises(Exception, match="number"):
        log(factories.make_episode(service.ada), number=number)


def test_day_in_the_future_is_refused(service):
    episode = factories.make_episode(service.ada)
    assert refused_fields(episode, held_on=TODAY() + timedelta(days=1)) == ["held_on"]


def test_day_before_the_start_of_the_episode_is_refused(service):
    episode = factories.make_episode(service.ada)
    assert refused_fields(episode, held_on=episode.started_on - timedelta(days=1)) == ["held_on"]
    assert log(episode, held_on=episode.started_on).held_on == episode.started_on


def test_note_longer_than_its_field_is_refused(service):
    episode = factories.make_episode(service.ada)
    assert refused_fields(episode, note="x" * (NOTE_LENGTH + 1)) == ["note"]
    assert len(log(episode, note="x" * NOTE_LENGTH).note) == NOTE_LENGTH


@pytest.mark.parametrize("field", ["attendance", "format"])
def test_unknown_choice_is_refused(service, field):
    assert refused_fields(factories.make_episode(service.ada), **{field: "by carrier pigeon"}) == [field]


def test_session_of_an_ended_episode_is_refused(service):
    episode = factories.make_episode(service.ada)
    clients.end_episode(episode=episode, ended_on=TODAY(), ending="planned", by=service.ada)
    with pytest.raises(ValidationError, match="has ended"):
        log(episode)


@pytest.mark.parametrize("who", ["tom", "ruth", "sam"])
def test_only_the_therapist_of_the_episode_logs_and_changes_its_sessions(service, who):
    episode = factories.make_episode(service.ada)
    session = log(episode)
    with pytest.raises(PermissionDenied):
        log(episode, number=2, by=getattr(service, who))
    with pytest.raises(PermissionDenied):
        actions.update_session(session=session, version=1, note="changed", by=getattr(service, who))
    session.refresh_from_db()
    assert session.note == "" and episode.sessions.count() == 1


def test_changed_session_counts_up_its_version_and_the_event_names_the_fields_alone(service):
    session = log(factories.make_episode(service.ada), note="before")
    actions.update_session(session=session, version=1, note="CANARY", attendance="late", by=service.ada)
    session = TherapySession.objects.get()
    assert (session.note, session.attendance, session.version) == ("CANARY", "late", 2)
    event = AuditEvent.objects.get(action="session.changed")
    assert sorted(event.fields) == ["attendance", "note"]


def test_change_of_a_session_saved_meanwhile_is_refused_with_the_session_as_it_is_now(service):
    session = log(factories.make_episode(service.ada))
    in_another_tab = TherapySession.objects.get()
    actions.update_session(session=session, version=1, note="first", by=service.ada)
    with pytest.raises(StaleVersion) as stale:
        actions.update_session(session=in_another_tab, version=1, note="second", by=service.ada)
    assert stale.value.current.note == "first"
    assert TherapySession.objects.get().note == "first"


def test_change_to_a_number_that_is_taken_is_refused(service):
    episode = factories.make_episode(service.ada)
    log(episode)
    second = log(episode, number=2)
    with pytest.raises(actions.NumberTaken):
        actions.update_session(session=second, version=1, number=1, by=service.ada)


def test_two_sessions_given_one_number_at_the_same_moment_get_one_clear_error(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
        sessions = [log(episode, number=number) for number in (1, 2)]

    def renumber(session):
        def work():
            with acting_in(service.organisation.pk):
                return actions.update_session(session=session, version=1, number=7, by=service.ada)

        return work

    results = at_once(*map(renumber, sessions))
    assert sorted(type(result).__name__ for result in results) == ["NumberTaken", "TherapySession"]


def test_eight_writers_of_one_session_never_overwrite_each_other(committed):
    """Each adds its own mark to the note it has read, and reads again when it was too late."""
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        session = log(factories.make_episode(service.ada))

    def writer(mark: str):
        def work():
            for turn in range(5):
                while not add(f"{mark}{turn} "):
                    pass

        def add(word: str) -> bool:
            with acting_in(service.organisation.pk):
                read = TherapySession.objects.get(pk=session.pk)
                version = read.version
                try:
                    actions.update_session(session=read, version=version, note=f"{read.note}{word}", by=service.ada)
                except StaleVersion:
                    return False
                return True

        return work

    assert at_once(*map(writer, "abcdefgh")) == [None] * 8
    with acting_in(service.organisation.pk):
        kept = TherapySession.objects.get()
    assert sorted(kept.note.split()) == sorted(f"{mark}{turn}" for mark in "abcdefgh" for turn in range(5))
    assert kept.version == 41
