"""Signing in and out: who gets in, what strangers learn, when it ends."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse

from accounts import actions
from accounts.models import AuditEvent, User
from tests.factories import PASSWORD, Browser, make_episode

pytestmark = pytest.mark.django_db

SIGN_IN = "/sign-in/"


def try_to_sign_in(email: str, password: str = PASSWORD, browser: Browser | None = None, **extra):
    return (browser or Browser()).post(SIGN_IN, {"login": email, "password": password}, **extra)


def without_what_was_typed(response, email: str) -> str:
    body = response.content.decode().replace(email, "…")
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", body)


def test_a_therapist_signs_in_and_is_on_record(service):
    browser = Browser()
    answer = try_to_sign_in(service.ada.email, browser=browser)
    assert (answer.status_code, answer["Location"]) == (302, reverse("home"))
    assert browser.get(reverse("sessions_app:today")).status_code == 200
    assert AuditEvent.objects.filter(action="person.signed-in", person=service.ada).count() == 1


def test_the_address_may_be_typed_in_capitals(service):
    assert try_to_sign_in(service.ada.email.upper()).status_code == 302


def test_sign_in_leads_to_the_page_that_was_asked_for_and_never_to_another_site(service):
    wanted = reverse("clients:client-list")
    asked = Browser().get(wanted)
    assert asked["Location"] == f"{SIGN_IN}?next={wanted}"
    answer = Browser().post(asked["Location"], {"login": service.ada.email, "password": PASSWORD})
    assert answer["Location"] == wanted
    lured = Browser().post(f"{SIGN_IN}?next=https://evil.example/", {"login": service.ada.email, "password": PASSWORD})
    assert lured["Location"] == reverse("home")


def test_each_role_starts_on_its_own_page(service):
    starts = {
        "ada": "sessions_app:today",
        "ruth": "dashboards:caseload",
        "sam": "administration:overview",
        "nils": "account",
    }
    for name, page in starts.items():
        browser = Browser()
        try_to_sign_in(getattr(service, name).email, browser=browser)
        assert browser.get(reverse("home"))["Location"] == reverse(page)


def test_a_wrong_password_and_an_unknown_address_answer_alike(service):
    wrong = try_to_sign_in(service.ada.email, "not the password at all")
    unknown = try_to_sign_in("who@harbour.example", "not the password at all")
    assert wrong.status_code == unknown.status_code == 200
    assert "not correct" in wrong.content.decode()
    assert without_what_was_typed(wrong, service.ada.email) == without_what_was_typed(unknown, "who@harbour.example")
    assert not AuditEvent.objects.filter(action="person.signed-in").exists()


def test_somebody_deactivated_is_refused_as_if_unknown(service):
    actions.update_person(person=service.ada, version=1, is_active=False, by=service.sam)
    refused = try_to_sign_in(service.ada.email)
    unknown = try_to_sign_in("who@harbour.example")
    assert refused.status_code == unknown.status_code == 200
    assert without_what_was_typed(refused, service.ada.email) == without_what_was_typed(unknown, "who@harbour.example")


def test_somebody_deactivated_is_out_on_the_next_request(service, browser_of):
    browser = browser_of(service.ada)
    assert browser.get(reverse("sessions_app:today")).status_code == 200
    actions.update_person(person=service.ada, version=1, is_active=False, by=service.sam)
    for page in ("sessions_app:today", "account", "dashboards:caseload-figure"):
        assert browser.get(reverse(page))["Location"].startswith(SIGN_IN)


def test_somebody_without_a_password_cannot_sign_in(service):
    actions.create_person(organisation=service.organisation, email="new@harbour.example", name="New", by=service.sam)
    for guess in ("", "!", PASSWORD):
        assert try_to_sign_in("new@harbour.example", guess).status_code == 200


def test_signing_out_ends_the_session_on_the_server(service):
    browser = Browser()
    try_to_sign_in(service.ada.email, browser=browser)
    kept = browser.cookies["sessionid"].value
    assert browser.get("/sign-out/").status_code == 200, "a page that is only looked at signs nobody out"
    assert browser.get(reverse("account")).status_code == 200
    assert browser.post("/sign-out/")["Location"] == SIGN_IN
    thief = Browser()
    thief.cookies["sessionid"] = kept
    assert thief.get(reverse("account"))["Location"].startswith(SIGN_IN)
    assert not Session.objects.filter(pk=kept).exists()


def test_sign_in_gives_a_new_session(service):
    """Whoever planted a session in a browser must not be inside it afterwards."""
    planted = Browser()
    planted.session.save()
    before = planted.session.session_key
    planted.cookies["sessionid"] = before
    assert try_to_sign_in(service.ada.email, browser=planted).status_code == 302
    assert planted.cookies["sessionid"].value != before


def test_many_failures_stop_the_guesser_and_nobody_elsewhere(service):
    guesser, elsewhere = {"REMOTE_ADDR": "192.0.2.66"}, {"REMOTE_ADDR": "192.0.2.7"}
    guesses = [try_to_sign_in(service.ada.email, f"guess number {n} of many", **guesser) for n in range(21)]
    assert guesses[0].status_code == 200
    stopped = try_to_sign_in(service.ada.email, **guesser)
    assert stopped.status_code != 302, "even the right password comes too late"
    assert "oo many" in stopped.content.decode()
    assert try_to_sign_in(service.tom.email, **elsewhere).status_code == 302
    assert try_to_sign_in(service.ada.email, **elsewhere).status_code == 302, "her own place is not locked"


def test_a_forged_forwarding_header_does_not_hide_the_guesser(service):
    for number in range(21):
        forged = {"REMOTE_ADDR": "192.0.2.66", "HTTP_X_FORWARDED_FOR": f"198.51.100.{number}"}
        try_to_sign_in(service.ada.email, f"guess number {number} of many", **forged)
    stopped = try_to_sign_in(service.ada.email, REMOTE_ADDR="192.0.2.66", HTTP_X_FORWARDED_FOR="198.51.100.99")
    assert stopped.status_code != 302


def test_behind_a_proxy_a_guesser_is_stopped_and_the_others_are_not(service, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    proxy = {"REMOTE_ADDR": "10.0.0.1"}
    for number in range(21):
        # What the guesser forges stands first; the proxy adds from where it came.
        forged = {"HTTP_X_FORWARDED_FOR": f"198.51.100.{number}, 192.0.2.66"}
        try_to_sign_in(service.ada.email, f"guess number {number} of many", **proxy, **forged)
    stopped = try_to_sign_in(service.ada.email, **proxy, HTTP_X_FORWARDED_FOR="192.0.2.66")
    assert stopped.status_code != 302
    assert try_to_sign_in(service.ada.email, **proxy, HTTP_X_FORWARDED_FOR="192.0.2.7").status_code == 302


@pytest.mark.parametrize(
    "path",
    ["signup/", "sign-up/", "accounts/signup/", "accounts/login/", "login/", "password/reset/", "account/signup/",
     "account/password/reset/", "account/email/", "account/login/code/", "account/confirm-email/", "admin/",
     "accounts/password/reset/"],
)  # fmt: skip
def test_there_is_no_sign_up_and_no_other_way_in(service, browser_of, path):
    assert Browser().get(f"/{path}").status_code == 404
    assert browser_of(service.sam).post(f"/{path}", {"email": "x@y.example"}).status_code == 404


def test_a_form_from_another_site_is_refused(service):
    browser = Browser(enforce_csrf_checks=True)
    refused = try_to_sign_in(service.ada.email, browser=browser)
    assert refused.status_code == 403
    assert "This page was open for too long" in refused.content.decode()


def test_the_password_is_changed_only_by_who_knows_the_old_one(service, browser_of):
    page = reverse("account_change_password")
    new = "quite another long password"
    browser = browser_of(service.ada)
    wrong = browser.post(page, {"oldpassword": "not the old one", "password1": new, "password2": new})
    assert wrong.status_code == 200
    assert try_to_sign_in(service.ada.email).status_code == 302
    assert browser.post(page, {"oldpassword": PASSWORD, "password1": new, "password2": new}).status_code == 302
    assert try_to_sign_in(service.ada.email).status_code == 200
    assert try_to_sign_in(service.ada.email, new).status_code == 302


def test_shipped_passwords_are_hashed_with_argon2id_at_its_full_cost():
    from django.contrib.auth.hashers import Argon2PasswordHasher
    from django.utils.module_loading import import_string

    from alliance_site import settings as shipped

    hashers = [import_string(path) for path in shipped.PASSWORD_HASHERS]
    assert hashers == [Argon2PasswordHasher]


def test_a_changed_password_is_on_record_and_changes_nothing_else(service, browser_of, monkeypatch):
    """While Ada's request is under way, Sam takes a role from her."""

    def takes_a_while(password, user=None):
        person = User.objects.get(pk=service.ada.pk)
        actions.update_person(person=person, version=person.version, is_supervisor=True, by=service.sam)

    browser = browser_of(service.ada)
    monkeypatch.setattr("allauth.account.adapter.validate_password", takes_a_while)
    form = {"oldpassword": PASSWORD, "password1": "quite another one", "password2": "quite another one"}
    assert browser.post(reverse("account_change_password"), form).status_code == 302
    saved = User.objects.get(pk=service.ada.pk)
    assert saved.check_password("quite another one") and saved.is_supervisor and saved.version == 2
    assert AuditEvent.objects.get(action="person.password-changed").person == service.ada
    assert browser.get(reverse("account")).status_code == 200, "the own session goes on"


def test_signing_out_is_on_record(service, browser_of):
    assert browser_of(service.ada).post("/sign-out/").status_code == 302
    assert AuditEvent.objects.get(action="person.signed-out").person == service.ada


def test_a_failed_sign_in_is_on_record_for_those_who_are_known(service):
    try_to_sign_in(service.ada.email.upper(), "not the password at all")
    try_to_sign_in("who@harbour.example", "not the password at all")
    event = AuditEvent.objects.get(action="person.sign-in-failed")
    assert (event.person, event.object_id) == (None, service.ada.pk)


def test_what_a_view_refuses_is_on_record_like_what_the_page_table_refuses(service, browser_of):
    """Vera supervises Ada and has clients herself: she may log sessions, and not Ada's."""
    vera = actions.create_person(
        organisation=service.organisation,
        email="vera@harbour.example",
        name="Vera",
        is_therapist=True,
        is_supervisor=True,
        by=service.sam,
    )
    actions.start_supervision(supervisor=vera, therapist=service.ada, by=service.sam)
    browser = browser_of(vera)
    assert browser.get(reverse("sessions_app:session-log", args=[make_episode(service.ada).pk])).status_code == 403
    assert browser.get(reverse("accounts:person-list")).status_code == 403
    events = AuditEvent.objects.filter(action="page.refused", person=vera).order_by("happened_at")
    assert [event.fields for event in events] == [["sessions_app:session-log"], ["accounts:person-list"]]


def test_a_page_that_renews_itself_is_loaded_again_once_its_reader_is_signed_out(service, browser_of):
    episode = make_episode(service.ada)
    part = reverse("dashboards:episode-change", args=[episode.pk])
    browser = browser_of(service.ada)
    assert "HX-Refresh" not in browser.get(part, headers={"HX-Request": "true"})
    browser.post("/sign-out/")
    answer = browser.get(part, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Refresh"], answer.content) == (204, "true", b"")
    whole = reverse("dashboards:episode", args=[episode.pk])
    assert browser.get(whole)["Location"] == f"{SIGN_IN}?next={whole}"
