"""From a signal to a rupture that is resolved, without a mouse, with axe on every page of the way."""

import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser
# Nobody supervises her, and no other test looks at her clients.
MINA = "therapist4@demo.example"


@pytest.fixture
def signalled(open_page):
    """The page of an invented client whose last session is far below what was expected, and who has not been asked."""
    page = open_page(MINA)
    page.goto("/today/")
    page.get_by_role("region", name="Possible ruptures").get_by_role("link").first.click()
    expect(page.get_by_role("region", name=re.compile("^Possible rupture, session"))).to_be_visible()
    return page


def assert_usable_by_everyone(page):
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(50)
        assert violations(page, "light") == []
        assert not steps.is_wider_than_its_window(page)


def activate(page, role, name, key="Enter"):
    one = page.get_by_role(role, name=name)
    steps.tab_to(page, one)
    page.keyboard.press(key)


def wait_for(page, words):
    """Until the ratings are judged; the page is opened anew, as a person would."""
    deadline = time.monotonic() + 30
    while page.get_by_text(words).count() == 0:
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.wait_for_timeout(500)
        page.reload()


def test_signal_becomes_a_rupture_is_repaired_and_resolved_by_keyboard(open_page, signalled):
    page, phone = signalled, open_page(None, width=390)
    episode = page.url.split("#")[0]
    activate(page, "button", re.compile("^It was a rupture"))
    expect(page.get_by_role("heading", name=re.compile(r"Rupture · session \d+"), level=1)).to_be_visible()
    session = int(page.get_by_role("heading", level=1).inner_text().split()[-1])
    expect(page.get_by_role("region", name="What pointed to it")).to_contain_text("; expected")
    expect(page.get_by_text("It has not been rated since.").first).to_be_visible()
    rupture = page.url
    assert_usable_by_everyone(page)

    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Note a repair attempt with")).to_be_visible()
    assert_usable_by_everyone(page)
    activate(page, "checkbox", "Owned a part in it", "Space")
    activate(page, "checkbox", "Changed the task", "Space")
    steps.tab_to(page, page.get_by_role("group", name="How far it is resolved").get_by_label("Not said"))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    steps.tab_to(page, page.get_by_label("Note"))
    page.keyboard.type("I had hurried, and said so.")
    page.keyboard.press("Control+Enter")
    tried = page.get_by_role("region", name=f"Session {session}")
    expect(tried).to_contain_text("Own part acknowledged.")
    expect(tried).to_contain_text("Resolved: 3 of 5.")
    expect(tried).to_contain_text(re.compile(r"Not back yet: \d\.\d in this session’s own rating"))

    link = steps.log_session(page, episode, own=(9, 9, 9))
    steps.rate_as_client(phone, link, [9] * 6)
    page.goto(rupture)
    wait_for(page, re.compile("came back"))
    expect(tried).to_contain_text(f"Back in session {session + 1}, 1 rated session later: 9.0.")
    activate(page, "link", "It has settled")
    expect(page.get_by_text("You can open it again.")).to_be_visible()
    assert_usable_by_everyone(page)
    activate(page, "button", "It has settled")
    expect(page.get_by_text("It is on record as resolved.")).to_be_visible()

    page.goto(episode)
    marks = {trace["name"]: trace["x"] for trace in steps.drawn(page) if trace["meta"].get("kind") == "mark"}
    assert session in marks["Noticed"] and marks["Repair attempt"] == [session] and session + 1 in marks["Came back"]
    expect(page.locator("#episode-body .notice").first).to_contain_text(f"A repair was tried in session {session}.")
    expect(page.get_by_role("region", name="Open")).to_contain_text("No rupture is open.")
