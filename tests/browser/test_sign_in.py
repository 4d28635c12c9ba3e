"""The second step as people take it, and the bar before a session ends."""

import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser import steps
from tests.factories import code_of

pytestmark = pytest.mark.browser

PASSWORD = "harbour lights at dusk"
WARNED = {"seconds": 118, "stay": True}


@pytest.fixture
def newcomer(open_page):
    """A therapist of their own for these tests: whoever has a second step is asked for it in all others, too."""
    admin = open_page(steps.ADMINISTRATOR)
    email = f"{steps.new_code().lower()}@demo.example"
    admin.goto("/people/new/")
    admin.get_by_label("Name", exact=True).fill("Nora Vance")
    admin.get_by_label("E-mail address").fill(email)
    admin.get_by_label("Therapist", exact=True).check()
    admin.get_by_role("button", name="Add person").click()
    admin.get_by_role("button", name="link to choose a password").click()
    page = open_page(None)
    page.goto(admin.locator("#link").inner_text())
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    steps.sign_in(page, email, PASSWORD)
    return page, email


def first_step(page, email):
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()


def second_step(page, code):
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()


def check(page):
    """Nothing for axe to find, on a computer in light and on a phone in dark."""
    for width, scheme in ((1280, "light"), (320, "dark")):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == [], page.url
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


def set_up_app(page):
    page.goto("/account/security/app/")
    check(page)
    seed = page.locator("[data-seed]").text_content()
    page.get_by_label("The code that the app shows now").fill(code_of(seed, time.time()))
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    return seed


def test_an_app_is_set_up_and_then_signs_in_as_does_a_recovery_code(newcomer):
    page, email = newcomer
    page.goto("/account/")
    page.get_by_role("link", name="Set up a second step").click()
    check(page)
    seed = set_up_app(page)
    check(page)
    codes = page.locator(".codes code").all_text_contents()
    assert len(codes) == 10
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_text().split() == codes
    page.goto("/account/security/codes/")
    assert codes[0] not in page.content()

    first_step(page, email)
    check(page)
    second_step(page, "000 000")
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    second_step(page, code_of(seed, time.time() + 30))
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    first_step(page, email)
    second_step(page, codes[3])
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    page.goto("/account/security/")
    check(page)
    page.get_by_role("link", name="Remove the app").click()
    check(page)
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("The app is removed.")).to_be_visible()


def test_a_passkey_is_added_and_then_signs_in(newcomer, product, watch):
    page, email = newcomer
    # Passkeys belong to a name, which an address of numbers is not.
    site = product.replace("127.0.0.1", "localhost")
    watch.hosts.add(site.partition("//")[2])
    keys = page.context.new_cdp_session(page)
    keys.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}
    keys.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    page.goto(f"{site}/sign-in/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{site}/account/security/passkey/")
    check(page)
    page.get_by_label("Name").fill("Key on my ring")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto(f"{site}/account/security/")
    expect(page.get_by_text("Key on my ring").first).to_be_visible()
    check(page)

    first_step(page, email)
    check(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.goto(f"{site}/account/again/passkey/?next=/account/sessions/")
    check(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_visible()
    check(page)


def test_without_javascript_an_app_is_set_up_and_signs_in(newcomer, open_page):
    _page, email = newcomer
    page = open_page(None, java_script_enabled=False)
    steps.sign_in(page, email, PASSWORD)
    page.goto("/account/security/app/")
    seed = page.locator("[data-seed]").text_content()
    page.get_by_label("The code that the app shows now").fill(code_of(seed, time.time()))
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    first_step(page, email)
    second_step(page, code_of(seed, time.time() + 30))
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


# --- The end of a session ---------------------------------------------------------------------------------------


@pytest.fixture
def long_open(open_page):
    """A page with something typed, open until two minutes before the end."""
    page = open_page()
    page.clock.install()
    episode = steps.new_client(page)
    assert episode
    page.goto(f"{page.url}log/")
    page.get_by_label("Note").fill("typed before it ended")
    page.answer = WARNED
    page.route("**/account/session/left/", lambda route: route.fulfill(json=page.answer))
    return page


def wait_for_the_bar(page):
    bar = page.get_by_role("alertdialog")
    page.clock.fast_forward("11:59:00")
    page.clock.run_for(40_000)
    expect(bar).to_be_visible()
    return bar


def test_two_minutes_before_its_end_a_session_offers_to_stay(long_open):
    page = long_open
    bar = wait_for_the_bar(page)
    expect(bar).to_contain_text("You will be signed out in 2 minutes")
    check(page)
    page.answer = {"seconds": 1800, "stay": True}
    with page.expect_request("**/account/session/stay/"):
        bar.get_by_role("button", name="Stay signed in").click()
    expect(bar).to_be_hidden()
    expect(page.get_by_label("Note")).to_have_value("typed before it ended")


def test_what_was_typed_is_there_after_signing_in_again(long_open):
    page = long_open
    bar = wait_for_the_bar(page)
    page.answer = {"seconds": 60, "stay": False}
    page.clock.run_for(31_000)
    expect(bar).to_contain_text("Save what you have typed")
    expect(bar.get_by_role("button")).to_be_hidden()
    page.context.clear_cookies()
    page.answer = {"seconds": 0, "stay": False}
    page.clock.run_for(31_000)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Email").fill(steps.THERAPIST)
    page.get_by_label("Password", exact=True).fill(steps.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Note")).to_have_value("typed before it ended")
