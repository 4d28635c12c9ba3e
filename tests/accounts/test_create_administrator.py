"""The first administrator and their service: both or neither."""

import pytest
from django.core.management import CommandError, call_command

from accounts.management.commands import create_administrator
from accounts.models import Organisation, User
from accounts.selectors import organisation_with_slug
from jobs.actions import organisation_ids
from jobs.organisation import acting_in
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _answers(monkeypatch):
    for name, value in {"ORGANISATION": "Quay", "NAME": "Kim Doe", "EMAIL": "kim@quay.example"}.items():
        monkeypatch.setenv(f"ADMIN_{name}", value)
    monkeypatch.delenv("ADMIN_PASSWORD", raising=False)


def people_of_quay() -> list[str]:
    with acting_in(organisation_with_slug("quay")):
        assert Organisation.objects.get().name == "Quay"
        return [person.email for person in User.objects.filter(is_administrator=True)]


def test_it_opens_a_service_with_its_administrator(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    call_command("create_administrator", "--if-none")
    assert people_of_quay() == ["kim@quay.example"]


@pytest.mark.parametrize(("variable", "wrong"), [("ADMIN_PASSWORD", "short"), ("ADMIN_EMAIL", "not an address")])
def test_a_refused_answer_leaves_no_service_behind(monkeypatch, variable, wrong):
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    monkeypatch.setenv(variable, wrong)
    with pytest.raises(CommandError):
        call_command("create_administrator", "--if-none")
    assert organisation_ids() == []
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    monkeypatch.setenv("ADMIN_EMAIL", "kim@quay.example")
    call_command("create_administrator", "--if-none")
    assert people_of_quay() == ["kim@quay.example"]


def test_a_name_in_use_is_said_in_words(monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    call_command("create_administrator")
    monkeypatch.setenv("ADMIN_EMAIL", "other@quay.example")
    with pytest.raises(CommandError, match="service of this name already"):
        call_command("create_administrator")


def test_on_a_terminal_a_refused_password_is_asked_for_again(monkeypatch, capsys):
    typed = iter(["short", PASSWORD])
    monkeypatch.setattr(create_administrator, "getpass", lambda question: next(typed))
    call_command("create_administrator")
    assert people_of_quay() == ["kim@quay.example"]
    assert "too short" in capsys.readouterr().err
