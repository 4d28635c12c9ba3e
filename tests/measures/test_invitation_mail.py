"""What stands in an e-mail: the link, until when, how to end them, and nothing that tells of what."""

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.headerregistry import Address

import pytest
from django.core import mail
from django.core.exceptions import ValidationError

from accounts.actions import update_organisation
from accounts.models import Organisation
from measures import actions, instruments
from measures.mail import written
from measures.models import Invitation
from tests import factories
from tests.access.world import CANARIES

pytestmark = pytest.mark.django_db

TELLING = ("therap", "session", "psych", "counsel", "clinic", "patient", "client", "treat", "alliance", "rupture",
           "rating", "mental", "health", "feel", "mood")  # fmt: skip


@pytest.fixture
def session(service):
    episode = factories.make_episode(service.ada, code=CANARIES["code"], name=CANARIES["name"])
    return factories.make_session(episode, note=CANARIES["note"])


def change_service(service, **values) -> None:
    organisation = Organisation.objects.get()
    update_organisation(organisation=organisation, version=organisation.version, by=service.sam, **values)


def sent(session) -> list[bytes]:
    """The first and the reminder, as they leave."""
    factories.make_invitation(session)
    return [written(invitation).message().as_bytes() for invitation in Invitation.objects.order_by("kind")]


def read(raw: bytes):
    return message_from_bytes(raw, policy=policy.default)


def words_of(raw: bytes) -> str:
    """What a person can see of it; the tokens are chance, and chance may spell a word."""
    message = read(raw)
    seen = "\n".join(f"{name}: {value}" for name, value in message.items()) + "\n" + message.get_content()
    return re.sub(r"/(r|stop)/\w{40}", r"/\1/", re.sub(r"[0-9a-f-]{36}@", "@", seen))


def test_it_holds_the_link_until_when_it_works_and_how_to_end_them(session):
    first, reminder = (read(raw) for raw in sent(session))
    invitation = Invitation.objects.get(kind="first")
    request = invitation.request
    body = first.get_content()
    assert f"https://testserver/r/{request.token}\n" in body
    assert f"https://testserver/stop/{invitation.stop_token}\n" in body
    assert f"until {request.expires_at:%A} {request.expires_at.day} {request.expires_at:%B}" in body
    assert first["Subject"] == "A short question for you"
    assert (first["From"], first["To"]) == ("no-reply@demo.example", "rowan@post.example")
    assert "reminder" not in body and "this is a reminder, the only one" in reminder.get_content()
    assert request.token in reminder.get_content() and invitation.stop_token not in reminder.get_content()


def test_it_says_by_its_headers_that_a_computer_sent_it_and_how_a_mail_program_ends_them(session):
    first, reminder = (read(raw) for raw in sent(session))
    invitation = Invitation.objects.get(kind="first")
    assert first["Message-ID"] == f"<{invitation.pk}@testserver>"
    assert reminder["Message-ID"] != first["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["List-Unsubscribe"].strip() == f"<https://testserver/stop/{invitation.stop_token}>"
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first.get_content_type() == "text/plain"


def test_it_is_the_same_message_however_often_it_is_written(session):
    factories.make_invitation(session)
    invitation = Invitation.objects.get(kind="first")
    one, two = written(invitation).message(), written(invitation).message()
    assert (one["Message-ID"], one.get_payload()) == (two["Message-ID"], two.get_payload())


def test_it_holds_no_code_no_name_no_service_and_no_word_that_tells(service, session):
    names = [instrument.name for instrument in instruments.instruments().values()]
    people = [service.ada.name, *service.ada.name.split(), service.ruth.name]
    forbidden = [*CANARIES.values(), *names, *people, service.organisation.name, service.organisation.slug]
    forbidden += [session.episode.practitioner_title, *TELLING]
    for raw in sent(session):
        seen = words_of(raw).lower()
        assert not [word for word in forbidden if word.lower() in seen]
        assert Organisation.objects.get().name == "Harbour"


def test_a_service_that_gave_a_neutral_name_stands_as_sender_and_below(service, session):
    change_service(service, mail_name="Harbour", mail_subject="One minute for Harbour?")
    message = read(sent(session)[0])
    assert message["From"] == "Harbour <no-reply@demo.example>"
    assert message["Subject"] == "One minute for Harbour?"
    assert message.get_content().rstrip().endswith("\nHarbour")


@pytest.mark.parametrize("name", ['Quay, "The" <b@evil.example>', "Rivière & Söhne <3", "Hafen 🌊 שלום", "a@b.example"])
def test_whatever_a_service_calls_itself_the_sender_is_one_address(service, session, name):
    change_service(service, mail_name=name, mail_subject=f"Für {name}")
    message = read(sent(session)[0])
    (sender,) = message["From"].addresses
    assert (sender.addr_spec, sender.display_name) == ("no-reply@demo.example", name)
    assert message["Subject"] == f"Für {name}" and name in message.get_content()


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\u2028", "\x00", "\x0b"])
def test_no_line_of_a_header_can_be_forged_through_the_service(service, session, break_):
    for name in ("mail_name", "mail_subject"):
        with pytest.raises(ValidationError) as refused:
            change_service(service, **{name: f"Harbour{break_}Bcc: stranger@post.example"})
        assert list(refused.value.message_dict) == [name]


def test_a_header_that_reached_the_database_all_the_same_breaks_before_it_is_claimed(service, session):
    first = factories.make_invitation(session)
    Organisation.objects.update(mail_subject="Harbour\nBcc: stranger@post.example")
    with pytest.raises(ValueError, match="newlines"):
        actions.send_invitation(invitation_id=first.pk, organisation_id=first.organisation_id)
    first.refresh_from_db()
    assert (first.state, mail.outbox) == ("waiting", [])


def test_address_of_a_domain_in_another_script_reaches_it(service, session):
    factories.agree_to_mails(session.episode.client, "rowan@bücher.example")
    (recipient,) = read(sent(session)[0])["To"].addresses
    assert recipient == Address(username="rowan", domain="xn--bcher-kva.example")


@pytest.mark.parametrize(
    ("zone", "made", "told"),
    [
        ("Europe/London", "2026-10-24T11:30:00Z", "Saturday 31 October, 11:30"),
        ("America/New_York", "2026-03-07T03:30:00Z", "Friday 13 March, 23:30"),
        ("Australia/Lord_Howe", "2026-03-30T12:00:00Z", "Monday 6 April, 22:30"),
        ("Asia/Kathmandu", "2028-02-22T18:30:00Z", "Wednesday 1 March, 00:15"),
    ],
)
def test_the_end_of_a_link_is_told_by_the_clock_of_the_service(service, session, zone, made, told):
    change_service(service, time_zone=zone)
    factories.make_invitation(session)
    invitation = Invitation.objects.get(kind="first")
    invitation.request.expires_at = datetime.fromisoformat(made) + timedelta(days=7)
    assert f"works once, until {told}." in written(invitation).body
