"""The folder that the demo's e-mails land in."""

from email import message_from_bytes

import pytest
from django.core.mail import EmailMessage, get_connection

from tests.parallel import at_once


@pytest.fixture
def folder(settings, tmp_path):
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    return settings.EMAIL_FILE_PATH


def send(name: str, body: str = "text") -> int:
    headers = {"Message-ID": f"<{name}@testserver>"}
    email = EmailMessage("A subject", body, "from@post.example", ["to@post.example"], headers=headers)
    return get_connection("alliance_site.mail.FolderBackend").send_messages([email])


def test_message_becomes_a_file_of_its_own(folder):
    assert send("one") == send("two") == 1
    assert {path.name for path in folder.iterdir()} == {"one.eml", "two.eml"}
    assert message_from_bytes((folder / "one.eml").read_bytes())["Subject"] == "A subject"


def test_message_handed_over_again_adds_nothing_and_changes_nothing(folder):
    send("one", "the first")
    assert send("one", "the second") == 1
    (file,) = folder.iterdir()
    assert "the first" in file.read_text()


def test_message_handed_over_by_many_at_once_is_there_once_and_whole(folder):
    body = "a long line\n" * 2_000
    assert at_once(*[lambda: send("one", body)] * 8) == [1] * 8
    (file,) = folder.iterdir()
    assert file.read_text().endswith(body)


@pytest.mark.parametrize("name", ["../../outside", "/etc/outside", ".hidden"])
def test_message_stays_in_its_folder_whatever_it_is_called(folder, name):
    send(name)
    assert len(list(folder.glob("[!.]*.eml"))) == 1
