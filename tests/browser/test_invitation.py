"""A link that reaches its client by e-mail, and how the client ends that."""

import email
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser


def mail_to(home, address):
    """The words of the one e-mail to an address, once it is there."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        messages = [email.message_from_bytes(path.read_bytes()) for path in (home / "mail").glob("[!.]*.eml")]
        found = [message for message in messages if message["To"] == address]
        if found:
            (message,) = found
            return message.get_payload()
        time.sleep(0.1)
    raise AssertionError(f"no e-mail to {address}")


def assert_accessible(page):
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(50)
            assert violations(page, scheme) == [], (scheme, width)
    page.set_viewport_size({"width": 320, "height": 640})
    assert not steps.is_wider_than_its_window(page)


def test_a_client_who_agreed_gets_the_link_by_e_mail_answers_and_later_stops_them(open_page, product, home):
    page, phone = open_page(), open_page(None, width=390)
    address = f"{steps.new_client(page).lower()}@post.example"
    episode = page.url
    page.get_by_role("link", name="Change code, name or e-mail").click()
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Agreed to get links by e-mail").check()
    assert_accessible(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()

    page.goto(f"{episode}log/")
    expect(page.get_by_label("Send it by e-mail")).to_be_checked()
    assert steps.log_session(page, episode)
    expect(page.get_by_role("heading", name="By e-mail")).to_be_visible()
    session = page.url
    link, stop = re.findall(rf"{product}/\S+", mail_to(home, address))
    expect(page.locator("[data-client-link]")).to_have_attribute("href", link)

    def reload_until_sent():
        page.goto(session)
        return page.get_by_text(re.compile(r"^\s*Sent on ")).count() == 1

    deadline = time.monotonic() + 15
    while not reload_until_sent():
        assert time.monotonic() < deadline
    expect(page.get_by_text(re.compile("Reminder on .*, unless the answer has arrived"))).to_be_visible()
    assert_accessible(page)

    steps.rate_as_client(phone, link, [7, 7, 7, 7, 7, 7])

    phone.goto(stop)
    expect(phone.get_by_role("heading", name="Stop these e-mails?")).to_be_visible()
    assert_accessible(phone)
    page.goto(f"{episode}log/")
    expect(page.get_by_label("Send it by e-mail"), "opening it stops nothing").to_be_visible()
    phone.get_by_role("button", name="Stop the e-mails").press("Enter")
    expect(phone.get_by_role("heading", name="No more e-mails")).to_be_visible()
    assert_accessible(phone)

    steps.log_session(page, episode)
    expect(page.get_by_text(re.compile("asked for no more e-mails"))).to_be_visible()
    page.get_by_role("link", name="Change this").click()
    expect(page.get_by_text(re.compile("asked for no more e-mails on"))).to_be_visible()
    expect(page.get_by_label("Agreed to get links by e-mail")).not_to_be_checked()


def test_a_link_is_sent_from_the_session_page_without_javascript(open_page, product, home):
    page = open_page(java_script_enabled=False)
    setup = open_page()
    address = f"{steps.new_client(setup).lower()}@post.example"
    steps.log_session(setup, setup.url)
    page.goto(setup.url)
    page.get_by_role("link", name="Change this").click()
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Agreed to get links by e-mail").check()
    page.get_by_role("button", name="Save").click()
    page.goto(setup.url)
    page.get_by_role("button", name="Send by e-mail").click()
    expect(page.get_by_text("The e-mail is on its way.")).to_be_visible()
    link, _stop = re.findall(rf"{product}/\S+", mail_to(home, address))
    assert link == page.locator("[data-client-link]").get_attribute("href")
