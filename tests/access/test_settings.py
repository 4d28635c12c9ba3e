"""What the environment may say, and what becomes of it."""

import importlib.util
from types import ModuleType

import pytest
from django.core.exceptions import ImproperlyConfigured

from alliance_site import settings as settings_module


def read() -> ModuleType:
    """The settings as the file gives them in this environment."""
    spec = importlib.util.spec_from_file_location("settings_of_this_environment", settings_module.__file__)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_names_of_the_service_may_stand_apart(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "one.example, two.example ")
    assert read().ALLOWED_HOSTS == ["one.example", "two.example"]


@pytest.mark.parametrize("value", ["one.example,", ",", " ", "one.example,,two.example"])
def test_an_empty_name_of_the_service_is_refused(monkeypatch, value):
    monkeypatch.setenv("ALLOWED_HOSTS", value)
    with pytest.raises(ImproperlyConfigured, match="ALLOWED_HOSTS"):
        read()


@pytest.mark.parametrize(("value", "proxies"), [("1", 1), ("0", 0)])
def test_only_behind_a_proxy_is_it_believed_who_it_forwards_for(monkeypatch, value, proxies):
    monkeypatch.setenv("BEHIND_PROXY", value)
    found = read()
    assert proxies == found.ALLAUTH_TRUSTED_PROXY_COUNT
    assert bool(found.SECURE_PROXY_SSL_HEADER) == bool(proxies)
