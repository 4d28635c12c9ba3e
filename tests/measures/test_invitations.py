"""E-mails with links: when one is asked for, sent, put off, refused, dropped or in doubt."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts.actions import update_organisation, update_person
from accounts.models import AuditEvent, Organisation
from clients import actions as clients
from clients.models import Client
from jobs.models import Job
from measures import actions
from measures.models import Invitation, RatingRequest
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def session(service):
    return factories.make_session(factories.make_episode(service.ada))


@pytest.fixture
def first(session) -> Invitation:
    return factories.make_invitation(session)


def invitation(kind: str = "first") -> Invitation:
    return Invitation.objects.get(kind=kind)


def send(*invitations: Invitation) -> None:
    for one in invitations:
        actions.send_invitation(invitation_id=one.pk, organisation_id=one.organisation_id)


def let_pass(time: timedelta) -> None:
    """Time can't be waited for: everything that has a time is moved back."""
    Invitation.objects.update(due_at=F("due_at") - time, claimed_at=F("claimed_at") - time, sent_at=F("sent_at") - time)
    RatingRequest.objects.update(expires_at=F("expires_at") - time)


def sweep(service) -> list[Invitation]:
    """What the sweep asks for; and it is sent."""
    Job.objects.all().delete()
    actions.sweep_invitations(organisation_id=service.organisation.pk)
    asked = Job.objects.filter(task="measures.send_invitation").values_list("object_id", flat=True)
    found = list(Invitation.objects.filter(pk__in=asked))
    send(*found)
    return found


class Backend(EmailBackend):
    """A mail server that answers with `says`, where that is not empty."""

    says: Exception | None = None
    is_away = False

    def open(self):
        if self.is_away:
            raise ConnectionRefusedError
        return super().open()

    def send_messages(self, messages):
        if self.says:
            raise self.says
        return super().send_messages(messages)


@pytest.fixture
def server(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.Backend"
    monkeypatch.setattr(Backend, "says", None)
    monkeypatch.setattr(Backend, "is_away", False)
    return Backend


# --- Asking -----------------------------------------------------------------------------------------


def test_first_is_due_at_once_and_the_reminder_a_day_later(service, first):
    assert first.state == "waiting" and invitation().due_at <= timezone.now()
    assert DAY - timedelta(minutes=1) < invitation("reminder").due_at - timezone.now() <= DAY
    assert Job.objects.waiting().get(task="measures.send_invitation").object_id == first.pk
    event = AuditEvent.objects.get(action="invitation.asked-for")
    assert (event.person, event.object_id, event.fields) == (service.ada, first.pk, ["first"])
    assert event.client_id == first.request.session.episode.client_id


def test_what_is_asked_for_disappears_with_the_link(service, session):
    factories.agree_to_mails(session.episode.client)
    with transaction.atomic():
        factories.make_invitation(session)
        transaction.set_rollback(True)
    assert not Invitation.objects.exists() and not Job.objects.filter(task="measures.send_invitation").exists()


def change_service(service, **values) -> None:
    organisation = Organisation.objects.get()
    update_organisation(organisation=organisation, version=organisation.version, by=service.sam, **values)


def test_service_may_wait_with_it_and_do_without_a_reminder(service, session):
    change_service(service, mail_delay_hours=3, mail_reminder_hours=0)
    factories.make_invitation(session)
    assert timedelta(hours=2) < invitation().due_at - timezone.now() <= timedelta(hours=3)
    assert not Invitation.objects.filter(kind="reminder").exists()
    assert not Job.objects.filter(task="measures.send_invitation").exists()
    assert sweep(service) == []
    let_pass(timedelta(hours=3))
    assert [one.kind for one in sweep(service)] == ["first"] and len(mail.outbox) == 1


def test_it_may_be_asked_for_at_a_time_before_a_planned_session(service, session):
    at = timezone.now() + 2 * DAY
    factories.make_invitation(session, due_at=at)
    assert (invitation().due_at, invitation("reminder").due_at) == (at, at + DAY)
    let_pass(2 * DAY)
    assert [one.kind for one in sweep(service)] == ["first"]


def test_it_is_not_asked_for_at_a_time_when_the_link_has_ended(session):
    with pytest.raises(ValidationError, match="The link will have ended by then"):
        factories.make_invitation(session, due_at=timezone.now() + 8 * DAY)


def test_nobody_but_the_therapist_asks_for_it(service, session):
    factories.agree_to_mails(session.episode.client)
    request, _token = factories.make_request(session)
    with pytest.raises(PermissionDenied):
        actions.invite(request=request, by=service.tom)


def test_asked_for_again_before_it_is_sent_it_is_sent_at_once_and_once(service, session):
    change_service(service, mail_delay_hours=3)
    first = factories.make_invitation(session)
    actions.invite(request=first.request, due_at=timezone.now(), by=service.ada)
    assert Invitation.objects.count() == 2
    send(first, first)
    assert len(mail.outbox) == 1


def test_what_was_sent_is_not_asked_for_again(service, first):
    send(first)
    with pytest.raises(ValidationError, match="sent already"):
        actions.invite(request=first.request, by=service.ada)


# --- Sending ----------------------------------------------------------------------------------------


def test_it_is_sent_once_however_often_the_job_runs(first):
    send(first, first, first)
    assert len(mail.outbox) == 1
    sent = invitation()
    assert (sent.state, sent.attempts) == ("sent", 1) and sent.sent_at
    event = AuditEvent.objects.get(action="invitation.sent")
    assert (event.person, event.client_id) == (None, first.request.session.episode.client_id)


def test_reminder_is_sent_once_a_day_later(service, first):
    send(first)
    assert sweep(service) == []
    let_pass(DAY)
    (reminder,) = sweep(service)
    send(reminder)
    assert sweep(service) == [] and len(mail.outbox) == 2
    assert "this is a reminder, the only one" in mail.outbox[1].body
    let_pass(2 * DAY)
    assert sweep(service) == []


def test_reminder_waits_a_day_from_when_the_first_was_really_sent(service, first):
    let_pass(DAY)
    send(first, invitation("reminder"))
    assert len(mail.outbox) == 1 and invitation("reminder").state == "waiting"
    assert invitation("reminder").due_at > timezone.now() + DAY - timedelta(minutes=1)


def end_episode(service, session):
    clients.end_episode(episode=session.episode, ended_on=timezone.localdate(), ending="planned", by=service.ada)


def redeem(service, session):
    request = RatingRequest.objects.get()
    actions.redeem_request(request_id=request.pk, token=request.token, key=request.pk, answers={1: 5})


def revoke(service, session):
    actions.revoke_request(request=RatingRequest.objects.select_related("session__episode").get(), by=service.ada)


def unsubscribe(service, session):
    clients.unsubscribe(client=Client.objects.get())


def take_agreement_back(service, session):
    client = Client.objects.get()
    clients.update_client(client=client, version=client.version, mail_agreed_on=None, by=service.ada)


def expire(service, session):
    RatingRequest.objects.update(expires_at=Now())


def leave(service, session):
    update_person(person=service.ada, version=service.ada.version, is_active=False, by=service.sam)


def change_the_key(service, session):
    RatingRequest.objects.update(token_hash="0" * 64)


ENDS = [end_episode, redeem, revoke, unsubscribe, take_agreement_back, expire, leave, change_the_key]


@pytest.mark.parametrize("end", ENDS)
def test_what_has_no_reason_left_is_dropped(service, session, first, end):
    end(service, session)
    send(first)
    assert mail.outbox == [] and invitation().state == "dropped"
    assert AuditEvent.objects.filter(action="invitation.dropped").count() == 1


@pytest.mark.parametrize("end", ENDS)
def test_reminder_that_has_no_reason_left_is_dropped(service, session, first, end):
    send(first)
    let_pass(DAY)
    end(service, session)
    sweep(service)
    assert len(mail.outbox) == 1 and invitation("reminder").state == "dropped"


@pytest.mark.parametrize("end", ENDS)
def test_client_who_is_not_to_be_mailed_is_told_so_to_whoever_asks(service, session, end):
    factories.agree_to_mails(session.episode.client)
    request, _token = factories.make_request(session)
    end(service, session)
    with pytest.raises((ValidationError, PermissionDenied)):
        actions.invite(request=request, by=service.ada)
    assert not Invitation.objects.exists()


def test_client_who_has_not_agreed_is_not_mailed(service, session):
    client = session.episode.client
    clients.update_client(client=client, version=client.version, email="rowan@post.example", by=service.ada)
    request, _token = factories.make_request(session)
    with pytest.raises(ValidationError, match="Rowan has not agreed"):
        actions.invite(request=request, by=service.ada)


def test_reminder_of_a_first_that_was_dropped_is_dropped_even_where_the_client_has_agreed_again(service, first):
    unsubscribe(service, first.request.session)
    send(first)
    factories.agree_to_mails(Client.objects.get())
    let_pass(DAY)
    sweep(service)
    assert mail.outbox == [] and invitation("reminder").state == "dropped"


def test_address_is_the_one_that_is_right_when_it_is_sent(service, first):
    client = Client.objects.get()
    clients.update_client(client=client, version=client.version, email="new@post.example", by=service.ada)
    send(first)
    assert mail.outbox[0].to == ["new@post.example"]


def test_two_clients_with_one_address_each_get_their_own_and_end_their_own(service):
    made = []
    for code in ("R-0001", "R-0002"):
        session = factories.make_session(factories.make_episode(service.ada, code=code))
        factories.agree_to_mails(session.episode.client, "family@post.example")
        made.append(factories.make_invitation(session))
    clients.unsubscribe(client=made[0].request.session.episode.client)
    send(*made)
    (message,) = mail.outbox
    assert message.to == ["family@post.example"] and made[1].request.token in message.body
    assert made[0].request.token not in message.body


# --- When the mail server does not take it ---------------------------------------------------------------


def test_server_out_of_reach_is_tried_again_later_and_later_and_it_is_sent_once(service, first, server):
    server.is_away = True
    pauses = []
    for _ in range(3):
        send(invitation())
        assert invitation().state == "waiting"
        pauses.append(round((invitation().due_at - timezone.now()) / timedelta(minutes=1)))
        assert sweep(service) == []
        let_pass(timedelta(minutes=pauses[-1]))
    assert pauses == [5, 10, 20]
    server.is_away = False
    assert [one.kind for one in sweep(service)] == ["first"]
    assert len(mail.outbox) == 1 and invitation().state == "sent"


BUSY = (450, b"try later")
NO = (550, b"no such mailbox CANARY")


@pytest.mark.parametrize(
    ("says", "state"),
    [
        (smtplib.SMTPRecipientsRefused({"rowan@post.example": BUSY}), "waiting"),
        (smtplib.SMTPSenderRefused(*BUSY, "no-reply@demo.example"), "waiting"),
        (smtplib.SMTPDataError(*BUSY), "waiting"),
        (smtplib.SMTPRecipientsRefused({"rowan@post.example": NO}), "refused"),
        (smtplib.SMTPSenderRefused(*NO, "no-reply@demo.example"), "refused"),
        (smtplib.SMTPDataError(*NO), "refused"),
        (smtplib.SMTPDataError(-1, b""), "claimed"),
        (smtplib.SMTPServerDisconnected(), "claimed"),
        (TimeoutError(), "claimed"),
        (ConnectionResetError(), "claimed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_what_the_server_said_decides_what_is_known(first, server, says, state):
    server.says = says
    send(first)
    assert invitation().state == state and mail.outbox == []


def test_refused_one_is_sent_when_the_therapist_asks_again_with_another_address(service, first, server):
    server.says = smtplib.SMTPDataError(*NO)
    send(first)
    assert AuditEvent.objects.filter(action="invitation.refused").exists()
    assert sweep(service) == []
    server.says = None
    actions.invite(request=first.request, by=service.ada)
    send(first)
    assert invitation().state == "sent" and len(mail.outbox) == 1


def test_one_in_doubt_is_not_sent_again_by_itself_but_when_the_therapist_asks(service, first, server):
    server.says = TimeoutError()
    send(first)
    server.says = None
    with pytest.raises(ValidationError, match="sent already"):
        actions.invite(request=first.request, by=service.ada)
    let_pass(timedelta(seconds=80))
    assert invitation().is_in_doubt
    assert sweep(service) == []
    send(first)
    assert mail.outbox == []
    actions.invite(request=first.request, by=service.ada)
    send(first)
    assert invitation().state == "sent" and len(mail.outbox) == 1


def test_where_handing_over_twice_adds_nothing_one_in_doubt_is_taken_up_again(service, first, settings, tmp_path):
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "alliance_site.mail.FolderBackend", tmp_path / "mail"
    send(first)
    Invitation.objects.filter(kind="first").update(state="claimed", sent_at=None)
    assert sweep(service) == [], "its worker may still be there"
    let_pass(timedelta(seconds=80))
    assert [one.kind for one in sweep(service)] == ["first"]
    assert invitation().state == "sent"
    assert [path.name for path in settings.EMAIL_FILE_PATH.iterdir()] == [f"{first.pk}.eml"]


def test_answer_that_comes_late_does_not_mark_what_was_claimed_anew(first, monkeypatch):
    def another_claims_it_meanwhile(message):
        Invitation.objects.filter(pk=first.pk).update(attempts=2)
        return actions.invitations.Outcome.REFUSED

    monkeypatch.setattr("measures.mail.hand_over", another_claims_it_meanwhile)
    send(first)
    assert (invitation().state, invitation().attempts) == ("claimed", 2)


def test_one_that_cannot_be_written_is_never_claimed(first, monkeypatch):
    monkeypatch.setattr("measures.mail.written", lambda invitation: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(first)
    assert (invitation().state, invitation().attempts) == ("waiting", 0)


def test_one_whose_job_failed_for_good_is_not_asked_for_before_somebody_does(service, first):
    Job.objects.filter(object_id=first.pk).update(failed_at=Now() + timedelta(seconds=1))
    assert actions.sweep_invitations(organisation_id=service.organisation.pk) == 0
    Job.objects.filter(object_id=first.pk).update(failed_at=Now() - timedelta(seconds=1))
    assert actions.sweep_invitations(organisation_id=service.organisation.pk) == 1


@pytest.mark.parametrize("setting", ["PUBLIC_URL", "DEFAULT_FROM_EMAIL"])
def test_without_address_or_sender_it_waits_until_they_are_set(service, first, settings, setting):
    before = getattr(settings, setting)
    setattr(settings, setting, "")
    send(first)
    assert sweep(service) == []
    assert (invitation().state, invitation().attempts, mail.outbox) == ("waiting", 0, [])
    setattr(settings, setting, before)
    assert [one.kind for one in sweep(service)] == ["first"]
    assert len(mail.outbox) == 1
