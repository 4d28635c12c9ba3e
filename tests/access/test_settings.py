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


def test_how_many_proxies_are_believed_is_said(monkeypatch):
    monkeypatch.setenv("TRUSTED_PROXIES", "2")
    assert read().ALLAUTH_TRUSTED_PROXY_COUNT == 0, "none stands before it"
    monkeypatch.setenv("BEHIND_PROXY", "1")
    assert read().ALLAUTH_TRUSTED_PROXY_COUNT == 2


@pytest.mark.parametrize("name", ["SESSION_IDLE_SECONDS", "SESSION_LONGEST_SECONDS", "REAUTHENTICATION_SECONDS"])
@pytest.mark.parametrize("value", ["0", "-1", "soon", ""])
def test_a_session_without_an_end_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=name):
        read()


# --- What is refused: a start that would be unsafe ---------------------------------------------------------

OUTSIDE = ["alliance.example", "192.168.1.7", "*", ".example", "127.0.0.1.evil.example", "localhost,alliance.example"]


@pytest.mark.parametrize("hosts", OUTSIDE)
def test_debug_is_refused_where_others_reach_the_service_even_with_invented_data(monkeypatch, hosts):
    monkeypatch.setenv("DEBUG", "1")
    assert read().DEBUG
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)
    with pytest.raises(ImproperlyConfigured, match="DEBUG"):
        read()


@pytest.mark.parametrize("hosts", OUTSIDE)
def test_plain_http_is_refused_where_others_reach_the_service(monkeypatch, hosts):
    monkeypatch.setenv("ALLIANCE_DEMO", "0")
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)
    with pytest.raises(ImproperlyConfigured, match="HTTPS must be 1"):
        read()
    monkeypatch.setenv("HTTPS", "1")
    assert read().SECURE_SSL_REDIRECT


@pytest.mark.parametrize("hosts", ["localhost", "127.0.0.1,localhost", "[::1]", "demo.localhost", "127.1.2.3"])
def test_plain_http_is_for_this_machine(monkeypatch, hosts):
    monkeypatch.setenv("ALLIANCE_DEMO", "0")
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)
    assert not read().SECURE_SSL_REDIRECT


@pytest.mark.parametrize(
    "value",
    ["", "short", "a" * 60, "abab" * 20, "django-insecure-" + "0123456789abcdef" * 4, "please-change-me" * 4],
)
def test_a_secret_that_is_empty_short_monotonous_or_a_samples_is_refused_without_telling_it(monkeypatch, value):
    monkeypatch.setenv("SECRET_KEY", value)
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY") as refused:
        read()
    assert not value or value not in str(refused.value)


def test_a_secret_that_is_missing_is_refused(monkeypatch):
    monkeypatch.delenv("SECRET_KEY")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        read()


def test_a_short_token_of_the_metrics_is_refused(monkeypatch):
    monkeypatch.setenv("METRICS_TOKEN", "x" * 31)
    with pytest.raises(ImproperlyConfigured, match="METRICS_TOKEN"):
        read()


# --- E-mail -------------------------------------------------------------------------------------------


def test_mail_server_is_read_from_its_address(monkeypatch):
    monkeypatch.setenv("SMTP_URL", "smtp://mailer%40example.org:p%2Fw@mail.example:587")
    monkeypatch.setenv("MAIL_FROM", "no-reply@alliance.example")
    found = read()
    assert (found.EMAIL_HOST, found.EMAIL_PORT) == ("mail.example", 587)
    assert (found.EMAIL_HOST_USER, found.EMAIL_HOST_PASSWORD) == ("mailer@example.org", "p/w")
    assert (found.EMAIL_BACKEND, found.DEFAULT_FROM_EMAIL) == (
        "django.core.mail.backends.smtp.EmailBackend",
        "no-reply@alliance.example",
    )
    assert 0 < found.EMAIL_TIMEOUT < found.CELERY_TASK_SOFT_TIME_LIMIT


@pytest.mark.parametrize(
    ("scheme", "starttls", "tls"), [("smtp", True, False), ("smtps", False, True), ("smtp+plain", False, False)]
)
def test_scheme_of_the_mail_server_says_how_it_is_encrypted(monkeypatch, scheme, starttls, tls):
    monkeypatch.setenv("SMTP_URL", f"{scheme}://mail.example:25")
    monkeypatch.setenv("MAIL_FROM", "no-reply@alliance.example")
    found = read()
    assert (starttls, tls) == (found.EMAIL_USE_TLS, found.EMAIL_USE_SSL)


@pytest.mark.parametrize("value", ["mail.example", "http://mail.example:25", "smtp://mail.example", "smtp://h:port"])
def test_half_an_address_of_a_mail_server_is_refused_without_telling_its_password(monkeypatch, value):
    monkeypatch.setenv("SMTP_URL", value.replace("//", "//user:CANARY@"))
    with pytest.raises(ImproperlyConfigured, match="SMTP_URL") as refused:
        read()
    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize("given", [{"SMTP_URL": "smtp://mail.example:587"}, {"MAIL_FROM": "no-reply@alliance.example"}])
def test_server_without_sender_or_sender_without_server_is_refused(monkeypatch, given):
    monkeypatch.setenv("ALLIANCE_DEMO", "0")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match="both SMTP_URL and MAIL_FROM, or neither"):
        read()


def test_without_a_server_nobody_outside_the_demo_is_sender(monkeypatch):
    assert read().DEFAULT_FROM_EMAIL
    monkeypatch.setenv("ALLIANCE_DEMO", "0")
    assert read().DEFAULT_FROM_EMAIL == ""


@pytest.mark.parametrize(
    "value", ["Harbour <a@b.example>", "a@b.example, c@d.example", "a", "a@b.example\nBcc: c@d.example"]
)
def test_sender_is_an_address_alone(monkeypatch, value):
    monkeypatch.setenv("MAIL_FROM", value)
    with pytest.raises(ImproperlyConfigured, match="MAIL_FROM"):
        read()


@pytest.mark.parametrize(
    "value", ["https://alliance.example", "https://alliance.example:8443/", " https://alliance.example "]
)
def test_public_address_is_a_scheme_and_a_host(monkeypatch, value):
    monkeypatch.setenv("PUBLIC_URL", value)
    assert value.strip().removesuffix("/") == read().PUBLIC_URL


@pytest.mark.parametrize(
    "value", ["alliance.example", "https://alliance.example/x", "https://", "ftp://alliance.example"]
)
def test_public_address_with_less_or_more_is_refused(monkeypatch, value):
    monkeypatch.setenv("PUBLIC_URL", value)
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL"):
        read()


def test_public_address_is_secure_where_the_service_is(monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "http://alliance.example")
    read()
    monkeypatch.setenv("HTTPS", "1")
    with pytest.raises(ImproperlyConfigured, match="https://"):
        read()
