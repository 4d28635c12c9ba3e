"""The second step of sign-in: it can't be skipped, a code counts once, and nobody is locked out by somebody else."""

import os
import re
import time
from contextlib import suppress

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import CommonPasswordValidator, validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import NoReverseMatch, reverse

from accounts import actions, second_factor
from accounts.encryption import NotGenuine
from accounts.models import AuditEvent, Organisation
from accounts.passwords import LengthValidator
from accounts.second_factor import digits_of, unseal
from accounts.signed_in import device_in_words
from tests.access.world import route_names
from tests.factories import PASSWORD, Browser, Program, code_of, make_app, make_passkey, make_sign_in, make_token

pytestmark = pytest.mark.django_db

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOON = 1_780_000_020.0  # in the midst of a half minute
API = "/api/v1/schema"
STEP, SECURITY = "/sign-in/second-step/", "/account/security/"


@pytest.fixture
def clock(monkeypatch):
    """Now, for codes; tests move it on."""
    now = {"at": NOON}
    monkeypatch.setattr(second_factor, "clock", lambda: now["at"])
    return now


@pytest.fixture
def ada(service, clock):
    """Ada, whose app has the seed above."""
    make_app(service.ada, SEED)
    return service.ada


def ask(service, whom: str) -> None:
    Organisation.objects.filter(pk=service.organisation.pk).update(second_factor_for=whom)


def first_step(person, browser: Browser | None = None, **extra) -> Browser:
    browser = browser or Browser()
    answer = browser.post("/sign-in/", {"login": person.email, "password": PASSWORD}, **extra)
    assert answer.status_code == 302
    return browser


def second_step(browser: Browser, code: str, **extra) -> bool:
    answer = browser.post(STEP, {"code": code}, **extra)
    assert answer.status_code in (200, 302)
    return is_in(browser)


def is_in(browser: Browser) -> bool:
    return browser.get(reverse("account")).status_code == 200


def recovery_codes_of(person) -> list[str]:
    return Authenticator.objects.get(user=person, type="recovery_codes").wrap().get_unused_codes()


# --- Signing in -----------------------------------------------------------------------------------------------


def test_the_computation_of_the_tests_is_that_of_rfc_6238():
    """Appendix B: the seed is the ASCII string 12345678901234567890; of its eight digits, the last six."""
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [code_of(seed, at) for at in (59, 1111111109, 20000000000)] == ["287082", "081804", "353130"]


def test_with_the_password_alone_nobody_with_a_second_factor_is_in(ada):
    browser = first_step(ada)
    assert browser.get("/", follow=False)["Location"].startswith("/sign-in/")
    assert not is_in(browser)
    assert second_step(browser, code_of(SEED, NOON))
    assert AuditEvent.objects.filter(action="person.signed-in", person=ada).count() == 1


def test_a_wrong_code_is_refused_and_on_record(ada):
    browser = first_step(ada)
    assert not second_step(browser, "000000")
    assert AuditEvent.objects.filter(action="person.second-step-failed").count() == 1
    assert second_step(browser, code_of(SEED, NOON)), "the next try counts"


@pytest.mark.parametrize("off", [-30, 0, 30])
def test_a_phone_may_be_half_a_minute_off(ada, off):
    assert second_step(first_step(ada), code_of(SEED, NOON + off))


@pytest.mark.parametrize("off", [-60, 60])
def test_and_not_a_whole_one(ada, off):
    assert not second_step(first_step(ada), code_of(SEED, NOON + off))


WRITINGS = {
    "plain": "{}",
    "with spaces": " {0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]} ",
    "with a no-break space": "{0[0]}{0[1]}{0[2]}\u00a0{0[3]}{0[4]}{0[5]}",
    "with a hyphen": "{0[0]}{0[1]}{0[2]}-{0[3]}{0[4]}{0[5]}",
}


def in_script(code: str, zero: int) -> str:
    return "".join(chr(zero + int(digit)) for digit in code)


@pytest.mark.parametrize("later", [0, 30])
def test_a_code_works_once_in_any_writing(ada, clock, later):
    code = code_of(SEED, NOON)
    assert second_step(first_step(ada), code)
    clock["at"] += later
    again = [how.format(code) for how in WRITINGS.values()]
    again += [in_script(code, zero) for zero in (0x0660, 0x0966, 0xFF10, 0x1D7CE)]
    for typed in again:
        assert digits_of(typed) == code
        assert not second_step(first_step(ada), typed), typed


@pytest.mark.parametrize("how", WRITINGS)
def test_however_a_code_is_written_it_is_read(ada, how):
    assert second_step(first_step(ada), WRITINGS[how].format(code_of(SEED, NOON)))


def test_after_a_code_none_from_before_it_works(ada, clock):
    assert second_step(first_step(ada), code_of(SEED, NOON))
    assert not second_step(first_step(ada), code_of(SEED, NOON - 30))
    clock["at"] += 30
    assert second_step(first_step(ada), code_of(SEED, NOON + 30))


def test_a_recovery_code_works_once(ada):
    first, second, *_ = recovery_codes_of(ada)
    assert second_step(first_step(ada), first)
    assert not second_step(first_step(ada), first)
    assert not second_step(first_step(ada), f" {first[:4]} {first[4:]} ")
    assert second_step(first_step(ada), in_script(second, 0xFF10))


@pytest.mark.parametrize("typed", ["", " ", "١٢", "0", "½½½½½½", "\x00", "9" * 60, "9" * 5000, "(1=1)"])
def test_nonsense_is_no_code(ada, typed):
    assert not second_step(first_step(ada), typed)


# --- Nothing is skipped -----------------------------------------------------------------------------------------


PAGES = ["home", "account", "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_change_password",
         "account_reauthenticate", "mfa_reauthenticate", "accounts:session-list", "accounts:token-list",
         "sessions_app:today"]  # fmt: skip


def test_between_the_steps_every_page_leads_to_sign_in(ada):
    browser = first_step(ada)
    for page in PAGES:
        assert browser.get(reverse(page))["Location"].startswith("/sign-in/"), page
        assert browser.post(reverse(page)).status_code in (302, 405), page
    assert browser.get(STEP).status_code == 200


def test_a_password_set_anew_does_not_skip_the_second_step(service, ada, browser_of):
    link = browser_of(service.sam).post(reverse("accounts:person-password-link", args=[ada.pk])).context["link"]
    new = "a new and rather long one"
    browser = Browser()
    browser.post(link.replace("http://testserver", ""), {"password": new, "again": new})
    browser.post("/sign-in/", {"login": ada.email, "password": new})
    assert not is_in(browser)


def test_an_abandoned_sign_in_leaves_nothing_to_go_on_with(ada):
    browser = first_step(ada)
    browser.post("/sign-out/")
    assert not second_step(browser, code_of(SEED, NOON))


def test_a_sign_in_left_for_long_begins_again(ada, monkeypatch):
    browser = first_step(ada)
    later = time.time() + 3600
    monkeypatch.setattr("allauth.account.internal.stagekit.time.time", lambda: later)
    assert not second_step(browser, code_of(SEED, NOON))


def test_of_two_mingled_sign_ins_each_needs_its_own_code(service, ada):
    other = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"
    make_app(service.tom, other)
    browser = first_step(ada)
    assert not second_step(browser, code_of(other, NOON)), "Tom's code for Ada"
    begun = browser.post("/sign-in/", {"login": service.tom.email, "password": PASSWORD})
    assert begun["Location"] == STEP, "Ada's sign-in waits, and Tom's password is not looked at"
    assert not second_step(browser, code_of(other, NOON))
    browser.post("/sign-out/")
    first_step(service.tom, browser)
    assert not second_step(browser, code_of(SEED, NOON)), "Ada's code, after Tom began in the same browser"
    assert second_step(browser, code_of(other, NOON))
    assert browser.get(reverse("account")).context["user"] == service.tom


def test_signing_in_as_somebody_without_a_factor_does_not_finish_for_who_has_one(service, ada, other_service):
    for person in (service.nils, other_service.nils):
        browser = first_step(ada)
        browser.post("/sign-out/")
        first_step(person, browser)
        assert browser.get(reverse("account")).context["user"] == person
        browser.post("/sign-out/")
        assert not is_in(browser) and not second_step(browser, code_of(SEED, NOON))


def test_what_is_removed_between_the_steps_does_not_let_in(service, ada):
    """An administrator removes it: the sign-in that waited for it begins again."""
    browser = first_step(ada)
    actions.remove_second_factor(person=ada, by=service.sam)
    assert browser.get(STEP)["Location"] == "/sign-in/"
    assert not is_in(browser)


def test_somebody_deactivated_between_the_steps_is_not_in(service, ada):
    browser = first_step(ada)
    actions.update_person(person=ada, version=1, is_active=False, by=service.sam)
    second_step(browser, code_of(SEED, NOON))
    assert not is_in(browser)


# --- Guesses ----------------------------------------------------------------------------------------------------


def test_many_wrong_codes_stop_the_guesser_and_not_the_person_elsewhere(ada):
    here, elsewhere = {"REMOTE_ADDR": "192.0.2.66"}, {"REMOTE_ADDR": "192.0.2.7"}
    guesser = first_step(ada, **here)
    for number in range(21):
        assert not second_step(guesser, f"{number:06}", **here)
    assert not second_step(guesser, code_of(SEED, NOON), **here), "even the right one comes too late"
    assert second_step(first_step(ada, **elsewhere), code_of(SEED, NOON), **elsewhere)


def test_whoever_has_the_password_and_many_machines_guesses_a_hundred_times_a_day(ada):
    browser = first_step(ada)
    for number in range(101):
        machine = {"REMOTE_ADDR": f"192.0.2.{number}"}
        browser.post(STEP, {"code": f"{number:06}"}, **machine)
    elsewhere = {"REMOTE_ADDR": "198.51.100.1"}
    stopped = browser.post(STEP, {"code": code_of(SEED, NOON)}, **elsewhere)
    assert "somebody may know your password" in stopped.content.decode()


def test_a_hundred_wrong_passwords_from_one_machine_leave_the_person_free_elsewhere(ada):
    """A thousand with FAILURES=1000."""
    here, elsewhere = {"REMOTE_ADDR": "192.0.2.66"}, {"REMOTE_ADDR": "192.0.2.7"}
    guesser = Browser()
    for number in range(int(os.environ.get("FAILURES", "100"))):
        guesser.post("/sign-in/", {"login": ada.email, "password": f"guess {number}"}, **here)
    assert Browser().post("/sign-in/", {"login": ada.email, "password": PASSWORD}, **here).status_code != 302
    assert second_step(first_step(ada, **elsewhere), code_of(SEED, NOON), **elsewhere)


# --- Setting up and removing --------------------------------------------------------------------------------------


def set_up(browser: Browser, clock: dict) -> str:
    """Returns the seed that the page showed."""
    page = browser.get(reverse("mfa_activate_totp")).content.decode()
    seed = re.search(r"<code data-seed>([A-Z2-7]+)</code>", page)[1]
    answer = browser.post(reverse("mfa_activate_totp"), {"code": code_of(seed, clock["at"])})
    assert answer["Location"] == reverse("mfa_view_recovery_codes")
    return seed


def test_an_app_is_set_up_and_its_codes_are_shown_once(service, browser_of, clock):
    browser = browser_of(service.tom)
    assert is_in(elsewhere := browser_of(service.tom))
    seed = set_up(browser, clock)
    shown = browser.get(reverse("mfa_view_recovery_codes")).content.decode()
    codes = recovery_codes_of(service.tom)
    assert len(codes) == 10 and all(code in shown for code in codes)
    again = browser.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert not any(code in again for code in codes)
    assert AuditEvent.objects.get(action="person.second-factor-added").fields == ["app"]
    assert is_in(browser) and not is_in(elsewhere), "a session that began without it is over"
    assert not second_step(first_step(service.tom), code_of(seed, clock["at"])), "the code that set it up is used"
    clock["at"] += 30
    assert second_step(first_step(service.tom), code_of(seed, clock["at"]))


def test_a_page_loaded_again_shows_the_same_key(service, browser_of, clock):
    browser = browser_of(service.tom)
    seen = {browser.get(reverse("mfa_activate_totp")).context["form"].secret for _ in range(2)}
    refused = browser.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert refused.status_code == 422 and "not right" in refused.content.decode()
    assert seen == {refused.context["form"].secret}


def test_no_seed_stands_readable_in_the_database(service, browser_of, clock):
    browser = browser_of(service.tom)
    browser.get(reverse("mfa_activate_totp"))
    assert not any("secret" in key for key, _value in browser.session.items())
    seed = set_up(browser, clock)
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        stored = " ".join(text for (text,) in cursor.fetchall())
    assert seed not in stored and not any(code in stored for code in recovery_codes_of(service.tom))


def test_a_seed_opens_for_its_person_alone(service, ada):
    stolen = Authenticator.objects.get(user=ada, type="totp").data
    Authenticator.objects.create(user=service.tom, type="totp", data=stolen)
    with pytest.raises(NotGenuine):
        second_factor.use_code(service.tom, code_of(SEED, NOON))
    assert not second_step(first_step(service.tom), code_of(SEED, NOON))
    relabelled = stolen["secret"].replace(str(ada.pk), str(service.tom.pk))
    with pytest.raises(NotGenuine):
        unseal(relabelled)


def test_without_its_key_a_code_is_refused_in_words(ada, settings, tmp_path):
    settings.FIELD_KEYS_FILE = tmp_path / "none"
    answer = first_step(ada).post(STEP, {"code": code_of(SEED, NOON)})
    assert answer.status_code == 200 and "can’t be checked" in answer.content.decode()


def test_a_factor_is_removed_only_by_who_showed_lately_that_it_is_them(ada, browser_of):
    browser = browser_of(ada)
    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 901}]
    session.save()
    page = reverse("mfa_deactivate_totp")
    asked = browser.post(page)
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert Authenticator.objects.filter(user=ada, type="totp").exists()
    assert browser.post(asked["Location"], {"password": "not it at all, really"}).status_code == 200
    assert Authenticator.objects.filter(user=ada, type="totp").exists()
    assert browser.post(f"{reverse('account_reauthenticate')}?next={page}", {"password": PASSWORD}).status_code == 302
    browser.post(page)
    assert not Authenticator.objects.filter(user=ada).exists(), "and its recovery codes with it"
    assert AuditEvent.objects.filter(action="person.second-factor-removed", person=ada).count() == 1


def test_an_administrator_removes_what_a_colleague_lost_and_not_their_own(service, ada, browser_of):
    make_passkey(ada)
    make_app(service.sam)
    hers, sams = browser_of(ada), browser_of(service.sam)
    assert "Remove the second step" in sams.get(reverse("accounts:person-edit", args=[ada.pk])).content.decode()
    sams.post(reverse("accounts:second-factor-remove", args=[ada.pk]))
    assert not Authenticator.objects.filter(user=ada).exists()
    assert not is_in(hers), "whoever has the phone is out, too"
    event = AuditEvent.objects.get(action="person.second-factor-removed")
    assert (event.person, event.object_id, event.fields) == (
        service.sam,
        ada.pk,
        ["recovery_codes", "totp", "webauthn"],
    )
    assert sams.post(reverse("accounts:second-factor-remove", args=[service.sam.pk])).status_code == 403
    assert Authenticator.objects.filter(user=service.sam).exists()


def test_only_administrators_of_the_service_remove_a_second_step(service, other_service, ada):
    for person in (service.tom, service.ruth, other_service.sam):
        with pytest.raises(PermissionDenied):
            actions.remove_second_factor(person=ada, by=person)


def test_whoever_runs_the_service_removes_that_of_its_only_administrator(service, capsys):
    make_app(service.sam)
    call_command("remove_second_step", service.sam.email.upper())
    assert not Authenticator.objects.filter(user=service.sam).exists()
    assert AuditEvent.objects.get(action="person.second-factor-removed").person is None
    with pytest.raises(CommandError, match="Nobody"):
        call_command("remove_second_step", "who@harbour.example")


# --- Of whom it is asked --------------------------------------------------------------------------------------------


def test_a_new_organisation_asks_it_of_supervisors_and_administrators():
    organisation = actions.create_organisation(name="New", slug="new")
    assert organisation.second_factor_for == "overseers"


@pytest.mark.parametrize(
    ("asked", "led"),
    [("nobody", set()), ("overseers", {"ruth", "otto", "sam"}),
     ("everybody", {"ada", "ruth", "tom", "otto", "sam", "nils"})],
)  # fmt: skip
def test_whoever_must_and_has_none_is_led_to_set_it_up(service, browser_of, asked, led):
    ask(service, asked)
    found = set()
    for name in ("ada", "ruth", "tom", "otto", "sam", "nils"):
        answer = browser_of(getattr(service, name)).get(reverse("account"))
        found |= {name} if answer.status_code == 302 and answer["Location"] == SECURITY else set()
    assert found == led


ALLOWED = (
    "/sign-in/",
    "/sign-out/",
    "/account/again/",
    "/account/session/",
    "/health/",
    "/metrics",
    "/account/security/",
)
ELSEWHERE = {(302, SECURITY)}


def address_with(route: str, anything) -> str:
    """An address of a page that is about something: what, is not asked before the second step."""
    one, two, three = (
        ([anything], ["wai-sr"], [1]),
        ([anything, "resolved"], [anything] * 2),
        ["wai-sr", "client", "items"],
    )
    for words in (*one, *two, three):
        with suppress(NoReverseMatch):
            return reverse(route, args=words)
    raise NoReverseMatch(route)


def test_before_it_is_set_up_there_is_nowhere_else_to_go(service, clock):
    ask(service, "overseers")
    browser = first_step(service.sam)
    for route in sorted(route_names()):
        try:
            page = reverse(route)
        except NoReverseMatch:
            page = address_with(route, service.ada.pk)
        if page.startswith(ALLOWED):
            continue
        for answer in (browser.get(page), browser.post(page)):
            assert (answer.status_code, answer.headers.get("Location")) in ELSEWHERE, page
    assert "asks you for a second step" in browser.get(SECURITY).content.decode()
    set_up(browser, clock)
    assert browser.get(reverse("accounts:person-list")).status_code == 200


def test_a_program_of_somebody_who_must_and_has_none_is_refused(service, clock):
    _token, text = make_token(service.sam)
    assert Program(text).get(API).status_code == 200
    ask(service, "overseers")
    refused = Program(text).get(API)
    assert refused.status_code == 403 and "second step" in refused.json()["detail"]
    make_app(service.sam)
    assert Program(text).get(API).status_code == 200


# --- Passwords ------------------------------------------------------------------------------------------------------


def test_a_password_is_15_characters_or_12_beside_a_second_factor(service, ada):
    rule = LengthValidator()
    rule.validate("x" * 15, service.tom)
    rule.validate("x" * 12, ada)
    for password, person in (("x" * 14, service.tom), ("x" * 11, ada), ("x" * 14, None)):
        with pytest.raises(ValidationError):
            rule.validate(password, person)


@pytest.mark.parametrize(
    "password", ["correct horse battery", "ПарольКоторыйНикто", "1234 5678 9012 3456", "y" * 128, "…" * 15]
)
def test_nothing_is_asked_of_the_signs_of_a_password(service, password):
    validate_password(password, service.tom)


def test_common_passwords_are_refused(service):
    long_ones = sorted(word for word in CommonPasswordValidator().passwords if len(word) >= 15)
    assert long_ones
    for password in long_ones[:20]:
        with pytest.raises(ValidationError, match="too common"):
            validate_password(password, service.tom)


# --- Where somebody is signed in --------------------------------------------------------------------------------------

KHTML, CHROME = "AppleWebKit/537.36 (KHTML, like Gecko)", "Chrome/124.0"
AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0": "Firefox on Windows",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KHTML} Version/17.4 Safari/605.1": "Safari on a Mac",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) {KHTML} CriOS/123.0 Safari/604": "Chrome on an iPhone",
    f"Mozilla/5.0 (Windows NT 10.0; Win64) {KHTML} {CHROME} Safari/537.36 Edg/124.0": "Edge on Windows",
    f"Mozilla/5.0 (Linux; Android 14) {KHTML} SamsungBrowser/24.0 {CHROME} Safari/537.36": (
        "Samsung Internet on an Android device"
    ),
    "": "A browser that does not say which",
    "<script>alert(1)</script>": "A browser that does not say which",
}


@pytest.mark.parametrize("agent", AGENTS)
def test_a_device_is_named_in_plain_words(agent):
    assert device_in_words(agent) == AGENTS[agent]


def test_own_sessions_are_listed_and_ended(service, browser_of):
    here, there, toms = browser_of(service.ada), browser_of(service.ada), browser_of(service.tom)
    make_sign_in(service.ada, next(iter(AGENTS)))
    page = here.get(reverse("accounts:session-list")).content.decode()
    assert page.count('data-label="Last used"') == 3 and "Firefox on Windows" in page
    row = UserSession.objects.get(session_key=there.session.session_key)
    assert here.post(reverse("accounts:session-end", args=[row.pk])).status_code == 302
    assert is_in(here) and not is_in(there)
    here.post(reverse("accounts:session-end-others"))
    assert is_in(here) and is_in(toms)
    assert here.get(reverse("accounts:session-list")).content.decode().count('data-label="Last used"') == 1
    assert AuditEvent.objects.filter(action="person.sessions-ended", person=service.ada).count() == 2
