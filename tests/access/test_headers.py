"""The headers of each kind of page, word for word."""

import importlib.util
import re

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import override_settings
from django.urls import reverse

from alliance_site import settings as settings_module
from tests import factories
from tests.access.world import PASSWORD, address, make_world

pytestmark = pytest.mark.django_db

CSP = {
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
}
PRIVATE = "no-store, private"
# allauth says it in more words; `no-store` and `private` are among them.
NEVER = "max-age=0, no-cache, no-store, must-revalidate, private"
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
EVERY_PAGE = {
    **EVERYWHERE,
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Kind of page: status, Cache-Control, Referrer-Policy, Content-Type.
GOLDEN = {
    "sign-in": (200, NEVER, "same-origin", "text/html; charset=utf-8"),
    "signed-in page": (200, PRIVATE, "same-origin", "text/html; charset=utf-8"),
    "page of a record": (200, PRIVATE, "same-origin", "text/html; charset=utf-8"),
    "fragment": (200, PRIVATE, "same-origin", "text/html; charset=utf-8"),
    "figure": (200, PRIVATE, "same-origin", "application/json"),
    "download": (200, PRIVATE, "same-origin", "application/fhir+json"),
    "link opened": (302, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    "client's form": (200, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    "client's thanks": (200, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    "device handed over": (302, PRIVATE, "same-origin", "text/html; charset=utf-8"),
    "form on it": (200, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    # It posts a form that Django checks, so it must say where from.
    "page on which it is given back": (200, PRIVATE, "same-origin", "text/html; charset=utf-8"),
    "link that can't be used": (404, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    "page that ends e-mails": (200, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    "link that ends none": (404, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    "link to choose a password": (200, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    "password link that can't be used": (404, PRIVATE, "no-referrer", "text/html; charset=utf-8"),
    "not there": (404, PRIVATE, "same-origin", "text/html; charset=utf-8"),
    "not allowed": (403, PRIVATE, "same-origin", "text/html; charset=utf-8"),
    "health": (200, PRIVATE, "same-origin", "application/json"),
}


@pytest.fixture
def world(service, other_service):
    return make_world(service, other_service)


def open_link(world) -> factories.Browser:
    browser = factories.Browser()
    browser.get(reverse("measures:link", args=[world.token]))
    return browser


def visit(world, kind: str):
    nobody, ada = factories.Browser(), world.browser("ada")
    rate = address(world, "measures:rate")
    if kind == "client's thanks":
        browser = open_link(world)
        browser.post(rate, {"submission": world.request.pk, "item-1": "5"})
        return browser.get(address(world, "measures:thanks"))
    if kind == "client's form":
        return open_link(world).get(rate)
    if kind in {"device handed over", "form on it", "page on which it is given back"}:
        handed = ada.post(address(world, "measures:hand-over"))
        back = reverse("measures:hand-back")
        return {"device handed over": handed, "form on it": ada.get(rate)}.get(kind) or ada.get(back)
    unusable = reverse("accounts:choose-password", args=[world.service.nils.pk, "used-up"])
    return {
        "sign-in": lambda: nobody.get(reverse("account_login")),
        "signed-in page": lambda: ada.get(reverse("clients:client-list")),
        "page of a record": lambda: ada.get(address(world, "dashboards:episode")),
        "fragment": lambda: ada.get(address(world, "dashboards:episode-change")),
        "figure": lambda: ada.get(address(world, "dashboards:episode-figure")),
        "download": lambda: ada.get(address(world, "reports:rating-fhir")),
        "link opened": lambda: nobody.get(address(world, "measures:link")),
        "link that can't be used": lambda: nobody.get(reverse("measures:link", args=["x"])),
        "page that ends e-mails": lambda: nobody.get(address(world, "measures:stop")),
        "link that ends none": lambda: nobody.get(reverse("measures:stop", args=["x"])),
        "link to choose a password": lambda: nobody.get(address(world, "accounts:choose-password")),
        "password link that can't be used": lambda: nobody.get(unusable),
        "not there": lambda: ada.get("/nowhere/"),
        "not allowed": lambda: ada.get(reverse("accounts:person-list")),
        "health": lambda: nobody.get(reverse("health")),
    }[kind]()


@pytest.mark.parametrize("kind", GOLDEN)
def test_headers_are_as_written(world, kind):
    response = visit(world, kind)
    headers = response.headers
    told = (response.status_code, headers["Cache-Control"], headers["Referrer-Policy"], headers["Content-Type"])
    assert told == GOLDEN[kind]
    assert {name: headers.get(name) for name in EVERY_PAGE} == EVERY_PAGE
    policy = headers["Content-Security-Policy"].split("; ")
    assert set(policy) == CSP and len(policy) == len(CSP)
    assert "Strict-Transport-Security" not in headers, "only where HTTPS=1"
    assert "Server" not in headers


def test_a_page_that_breaks_says_so_with_the_same_headers(world, monkeypatch):
    monkeypatch.setattr("dashboards.selectors.caseload.caseload", lambda user, **_: 1 / 0)
    response = world.browser("ruth").get(reverse("dashboards:caseload"))
    assert response.status_code == 500
    assert response["Cache-Control"] == PRIVATE
    assert set(response["Content-Security-Policy"].split("; ")) == CSP
    assert b"ZeroDivisionError" not in response.content and b"Something went wrong on our side" in response.content


def test_an_address_that_only_takes_forms_says_so_when_it_is_opened(world):
    response = world.browser("sam").get(reverse("accounts:supervision-start"))
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "This address only takes what a form sends" in response.content.decode()
    assert response["Cache-Control"] == PRIVATE
    assert set(response["Content-Security-Policy"].split("; ")) == CSP
    posted = world.browser("ruth").post(reverse("dashboards:caseload"))
    assert (posted.status_code, posted["Allow"]) == (405, "GET")


@pytest.mark.parametrize("charset", ["zip", "utf-16", "hex"])
def test_a_form_with_a_file_is_read_as_utf_8_or_not_at_all(world, charset):
    def sent(route: str, charset: str):
        kind = f"multipart/form-data; boundary=b; charset={charset}"
        return world.browser("sam").generic("POST", reverse(route), b"--b--\r\n", kind).status_code

    assert [sent(route, charset) for route in ("account_login", "reports:import-create")] == [400, 400]
    assert sent("reports:import-create", "UTF-8") == 422


def test_nothing_that_somebody_signed_in_receives_is_ever_stored(world):
    routes = {
        "ada": ["home", "account", "account_logout", "account_change_password", "clients:client-list",
                "clients:client-create", "clients:client-edit", "sessions_app:today", "sessions_app:session",
                "sessions_app:session-edit", "sessions_app:session-log", "sessions_app:process-notes",
                "sessions_app:process-note-create", "sessions_app:process-note-edit",
                "sessions_app:process-note-delete", "measures:comment", "dashboards:episode-figure",
                "measures:risk-now", "measures:risk-of-episode", "measures:risk-answer",
                "measures:paper", "measures:episode-battery", "reports:export-list", "reports:export",
                "reports:export-progress"],
        "ruth": ["dashboards:caseload", "dashboards:caseload-figure", "dashboards:episode", "supervision:overview",
                 "supervision:therapist", "supervision:meeting", "supervision:pack"],
        "sam": ["accounts:person-list", "accounts:person-edit", "accounts:organisation-edit",
                "accounts:supervision-list", "administration:overview", "administration:texts",
                "administration:thresholds", "administration:priors", "administration:priors-progress",
                "administration:job-list", "administration:job-put-away",
                "measures:instrument-list", "measures:instrument", "measures:wording-create", "measures:battery",
                "accounts:person-create", "ruptures:trends", "reports:import-list", "reports:import-create",
                "reports:import", "reports:import-progress", "reports:import-columns",
                "reports:import-mapping", "reports:import-undo",
                "reports:import-mapping-file", "reports:import-problems", "reports:import-discard"],
    }  # fmt: skip
    for who, names in routes.items():
        for name in names:
            response = world.browser(who).get(address(world, name))
            assert response.status_code in {200, 302}
            assert {"no-store", "private"} <= set(response["Cache-Control"].split(", ")), name
    link = world.browser("sam").post(address(world, "accounts:person-password-link"))
    assert link.status_code == 200 and "/welcome/" in link.content.decode()
    assert link["Cache-Control"] == PRIVATE


def test_a_static_file_may_be_kept_and_is_not_sniffed(world):
    (django_settings.STATIC_ROOT / "kept.css").write_text("p { color: black }")
    response = factories.Browser().get("/static/kept.css")
    assert b"".join(response.streaming_content) == b"p { color: black }"
    assert response.status_code == 200
    assert response["Content-Type"] == 'text/css; charset="utf-8"'
    assert response["Cache-Control"] == "max-age=60, public"
    assert {name: response.get(name) for name in EVERYWHERE} == EVERYWHERE
    assert "Set-Cookie" not in response.headers and not response.cookies


def test_no_page_brings_a_script_or_style_of_its_own(world):
    """The policy would refuse it; this finds it before a reader does."""
    for kind in GOLDEN:
        body = visit(world, kind).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", body), kind
        assert not re.search(r"\son[a-z]+=|\sstyle=|<style|javascript:|hx-on|js:", body), kind


# --- Cookies ----------------------------------------------------------------------------------------------


def flags(cookie) -> tuple[bool, str, bool, str]:
    return bool(cookie["httponly"]), cookie["samesite"], bool(cookie["secure"]), cookie["path"]


def sign_in(person, **extra):
    browser = factories.Browser()
    browser.post(reverse("account_login"), {"login": person.email, "password": PASSWORD}, **extra)
    return browser


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(world):
    browser = sign_in(world.service.tom)
    assert set(browser.cookies) == {"sessionid", "csrftoken"}
    assert flags(browser.cookies["sessionid"]) == flags(browser.cookies["csrftoken"]) == (True, "Lax", False, "/")
    assert browser.cookies["sessionid"]["expires"] == "", "ends with the browser"
    link = open_link(world).cookies[f"rating-{world.request.pk.hex}"]
    assert flags(link) == (True, "Lax", False, address(world, "measures:rate"))
    assert link["max-age"] == 2 * 60 * 60


def test_opening_a_link_begins_no_session(world):
    world.browser("ada")
    before = Session.objects.count()
    browser = open_link(world)
    browser.get(address(world, "measures:rate"))
    browser.post(address(world, "measures:rate"), {"submission": world.request.pk, "item-1": "5"})
    assert browser.get(address(world, "measures:thanks")).status_code == 200
    assert "sessionid" not in browser.cookies
    assert Session.objects.count() == before


def test_the_token_of_a_link_is_in_no_page_behind_it(world):
    browser = open_link(world)
    form = browser.get(address(world, "measures:rate"))
    assert world.token not in form.content.decode() + str(form.headers)


# --- Behind HTTPS -------------------------------------------------------------------------------------------

FOLLOW_HTTPS = (
    "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD", "SECURE_REDIRECT_EXEMPT",
)  # fmt: skip


@pytest.fixture
def https(monkeypatch):
    """The settings as the file gives them where HTTPS=1."""
    monkeypatch.setenv("HTTPS", "1")
    spec = importlib.util.spec_from_file_location("settings_behind_https", settings_module.__file__)
    read = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(read)
    with override_settings(**{name: getattr(read, name) for name in FOLLOW_HTTPS}):
        yield


def test_behind_https_every_cookie_is_for_https_alone(world, https):
    browser = sign_in(world.service.tom, secure=True)
    assert flags(browser.cookies["sessionid"]) == flags(browser.cookies["csrftoken"]) == (True, "Lax", True, "/")
    browser.get(address(world, "measures:link"), secure=True)
    assert flags(browser.cookies[f"rating-{world.request.pk.hex}"])[:3] == (True, "Lax", True)


def test_behind_https_the_browser_is_told_to_stay_there_for_a_year(world, https):
    response = factories.Browser().get(reverse("account_login"), secure=True)
    assert response["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


def test_behind_https_plain_requests_are_sent_on_but_for_the_health_check(world, https):
    response = factories.Browser().get(reverse("account_login"))
    assert (response.status_code, response["Location"]) == (301, "https://testserver/sign-in/")
    assert factories.Browser().get(reverse("health")).status_code == 200
