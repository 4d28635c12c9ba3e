"""E-mails while workers and the broker die: none twice, and none lost of which it is known that it was not sent."""

import signal
from datetime import timedelta
from email import message_from_bytes

import pytest
from celery import Celery
from django.core import mail
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from jobs.models import Job
from jobs.organisation import acting_in
from measures import actions
from measures.models import Invitation
from tests import factories, processes
from tests.measures.halting import POINTS
from tests.measures.mail_server import mail_server
from tests.parallel import at_once, somebody_waits_for_a_lock, wait_until
from tests.processes import DRAINED_WITHIN


@pytest.fixture
def service(committed):
    return factories.make_service()


@pytest.fixture
def broker(tmp_path):
    with processes.OwnBroker(tmp_path) as broker:
        yield broker


def ask_for(service, *names: str) -> dict[str, Invitation]:
    """An e-mail to each of these names."""
    made = {}
    with acting_in(service.organisation.pk):
        for name in names:
            session = factories.make_session(factories.make_episode(service.ada, code=name))
            factories.agree_to_mails(session.episode.client, f"{name}@post.example")
            made[name] = factories.make_invitation(session)
    return made


def states(service) -> dict[str, str]:
    with acting_in(service.organisation.pk):
        firsts = Invitation.objects.filter(kind="first")
        return dict(firsts.values_list("request__session__episode__client__code", "state"))


def let_the_lost_be_missed(service) -> None:
    """What a dead worker or broker held is looked for after 75 seconds; for these rows they pass now."""
    long_ago = timedelta(seconds=80)
    Job.objects.under_way().update(handed_at=Now() - long_ago)
    Job.objects.under_way().filter(started_at__isnull=False).update(started_at=Now() - long_ago)
    with acting_in(service.organisation.pk):
        Invitation.objects.update(claimed_at=F("claimed_at") - long_ago)


def deliver_again(broker) -> None:
    sender = Celery(broker=broker.url, set_as_current=False)
    for job in Job.objects.filter(task="measures.send_invitation"):
        sender.send_task(job.task, args=[str(job.pk)], queue="mail")
    sender.close()


def wait_until_drained() -> None:
    def is_drained() -> bool:
        Job.objects.waiting().update(available_at=Now())  # the pauses between the attempts pass now
        return processes.open_jobs() == 0

    wait_until(is_drained, what="no job is left", seconds=DRAINED_WITHIN)


def test_worker_killed_before_in_the_middle_of_and_after_handing_over_sends_each_once(service, broker, tmp_path):
    made = ask_for(service, "unclaimed", *POINTS)
    folder = tmp_path / "mail"
    environment = {"REDIS_URL": broker.url, "ALLIANCE_HOME": str(tmp_path)}
    with processes.program("manage.py", "relay", REDIS_URL=broker.url):
        with (
            processes.worker(4, DJANGO_SETTINGS_MODULE="tests.measures.halting", **environment) as killed,
            acting_in(service.organisation.pk),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT FROM measures_invitation WHERE id = %s FOR UPDATE", [made["unclaimed"].pk])
            for point in POINTS:
                wait_until((tmp_path / point).exists, what=f"a worker stands at {point}", seconds=DRAINED_WITHIN)
            wait_until(somebody_waits_for_a_lock, what="a worker is about to claim", seconds=DRAINED_WITHIN)
            processes.end(killed, signal.SIGKILL)
        assert states(service) == {"unclaimed": "waiting", **dict.fromkeys(POINTS, "claimed")}
        assert [path.stem for path in folder.glob("[!.]*")] == [str(made["named"].pk)]
        broker.kill()
        broker.start()
        let_the_lost_be_missed(service)
        with processes.worker(2, **environment):
            wait_until_drained()
            deliver_again(broker)
            deliver_again(broker)
            with acting_in(service.organisation.pk):
                actions.sweep_invitations(organisation_id=service.organisation.pk)
            wait_until_drained()
    assert set(states(service).values()) == {"sent"}
    sent = {path.stem: message_from_bytes(path.read_bytes()) for path in folder.glob("[!.]*")}
    assert set(sent) == {str(invitation.pk) for invitation in made.values()}
    with acting_in(service.organisation.pk):
        for name, invitation in made.items():
            message = sent[str(invitation.pk)]
            assert message["To"] == f"{name}@post.example"
            assert invitation.request.token in message.get_payload() and invitation.stop_token in message.get_payload()
    assert not Job.objects.failed().exists()


def test_with_a_mail_server_what_is_in_doubt_waits_for_the_therapist(service, broker):
    made = ask_for(service, "rcpt", "data", "usual")
    with mail_server() as server, processes.program("manage.py", "relay", REDIS_URL=broker.url):
        environment = {"REDIS_URL": broker.url, "SMTP_URL": server.url, "MAIL_FROM": "no-reply@alliance.example"}
        with processes.worker(3, **environment) as killed:
            wait_until(lambda: len(server.silent_for) == 2, what="it fell silent twice", seconds=DRAINED_WITHIN)
            wait_until(lambda: states(service)["usual"] == "sent", what="one is sent", seconds=DRAINED_WITHIN)
            processes.end(killed, signal.SIGKILL)
        server.is_silent = False
        let_the_lost_be_missed(service)
        with processes.worker(2, **environment):
            wait_until_drained()
            deliver_again(broker)
            with acting_in(service.organisation.pk):
                assert actions.sweep_invitations(organisation_id=service.organisation.pk) == 0
                assert all(Invitation.objects.get(pk=made[name].pk).is_in_doubt for name in ("rcpt", "data"))
            assert [len(server.taken_for(f"{name}@")) for name in made] == [0, 1, 1]
            with acting_in(service.organisation.pk):
                actions.invite(request=made["rcpt"].request, by=service.ada)
            wait_until_drained()
    assert states(service) == {"rcpt": "sent", "data": "claimed", "usual": "sent"}
    assert [len(server.taken_for(f"{name}@")) for name in made] == [1, 1, 1]
    assert not Job.objects.failed().exists()


# --- Several at the same moment ---------------------------------------------------------------------------


def send(invitation: Invitation) -> None:
    actions.send_invitation(invitation_id=invitation.pk, organisation_id=invitation.organisation_id)


def test_many_workers_with_one_e_mail_send_it_once(service):
    made = ask_for(service, "rowan")
    at_once(*[lambda: send(made["rowan"])] * 6)
    assert len(mail.outbox) == 1 and states(service) == {"rowan": "sent"}


def test_claim_is_on_record_before_the_e_mail_is_handed_over(service, monkeypatch):
    made = ask_for(service, "rowan")
    seen = []
    monkeypatch.setattr("measures.mail.hand_over", lambda message: seen.extend(at_once(lambda: states(service))))
    send(made["rowan"])
    assert seen == [{"rowan": "claimed"}]


def test_asked_for_by_two_at_the_same_moment_it_is_one(service):
    with acting_in(service.organisation.pk):
        session = factories.make_session(factories.make_episode(service.ada, code="rowan"))
        factories.agree_to_mails(session.episode.client)
        request, _token = factories.make_request(session)

    def ask():
        with acting_in(service.organisation.pk):
            return actions.invite(request=request, by=service.ada).pk

    assert len(set(at_once(ask, ask, ask))) == 1
    with acting_in(service.organisation.pk):
        assert Invitation.objects.count() == 2
    assert Job.objects.filter(task="measures.send_invitation").count() == 1
