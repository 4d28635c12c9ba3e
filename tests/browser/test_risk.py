"""A client's answer about harm, from its sending to what was done."""

import json
import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import ROOT

pytestmark = pytest.mark.browser

DONE = "Rang at once; we meet tomorrow."
# Through the action, as from a link: a service has yet to record the words in which clients are asked.
RATE = """
from accounts.selectors import organisation_with_slug
from jobs.organisation import acting_in
from measures.actions import record_rating
from sessions_app.models import TherapySession
with acting_in(organisation_with_slug("demo")):
    session = TherapySession.objects.get(episode__client__code="{code}", number=1)
    record_rating(session=session, instrument="phq-9", rater="client", answers={{9: {harm}}}, by=None)
"""


@pytest.fixture
def send_phq_9(home, product):
    environment = json.loads((home / "environment.json").read_text())

    def send(code, harm):
        command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", RATE.format(code=code, harm=harm)]
        subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=True)

    return send


def notice_of(page, code):
    return page.locator(".risk__item").filter(has_text=code)


@pytest.fixture
def code(open_page):
    page = open_page()
    code = steps.new_client(page)
    steps.log_session(page, page.url)
    return code


def test_it_stands_at_the_top_of_an_open_page_within_seconds_and_is_acknowledged(open_page, send_phq_9, code):
    page = open_page()
    page.goto("/today/")
    expect(notice_of(page, code)).to_have_count(0)
    unfinished = page.get_by_label("What was done").first
    unfinished.fill("Rang, and then")
    unfinished.focus()

    send_phq_9(code, 2)
    notice = notice_of(page, code)
    expect(notice).to_contain_text("Item 9: answered 2", timeout=8_000)
    expect(page.locator("#risk-status")).to_contain_text("risk answers wait to be acknowledged")
    expect(page.locator("main section").first).to_contain_text(code)
    assert unfinished.input_value() == "Rang, and then", "what is being typed stays"
    expect(unfinished).to_be_focused()

    notice.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("alert")).to_contain_text("Write what was done")
    page.get_by_label("What was done").fill(DONE)
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    expect(notice_of(page, code)).to_have_count(0)
    assert page.get_by_label("What was done").first.input_value() == "Rang, and then", "also after leaving the page"

    page.goto(f"/clients/?q={code}")
    page.get_by_role("link", name=code).click()
    page.get_by_text("1 earlier risk answer").click()
    expect(page.get_by_text(DONE)).to_be_visible()
    page.get_by_role("link", name="Session 1").first.click()
    expect(page.get_by_role("region", name="Risk answers of this session")).to_contain_text(DONE)


def test_what_a_colleague_settled_meanwhile_leaves_the_page_and_not_what_was_typed(open_page, send_phq_9, code):
    send_phq_9(code, 1)
    page, other = open_page(), open_page()
    page.goto("/today/")
    notice_of(page, code).get_by_label("What was done").fill("Wrote to them")
    other.goto("/today/")
    notice_of(other, code).get_by_label("What was done").fill(DONE)
    notice_of(other, code).get_by_role("button", name="Acknowledge").click()
    expect(notice_of(page, code)).to_have_count(0, timeout=8_000)
    expect(page.get_by_text("What you had typed: Wrote to them")).to_be_visible()


def test_it_is_acknowledged_on_a_phone_without_javascript(open_page, send_phq_9, code):
    send_phq_9(code, 3)
    page = open_page(width=390, java_script_enabled=False)
    page.goto("/today/")
    assert not steps.is_wider_than_its_window(page)
    notice_of(page, code).get_by_label("What was done").fill(DONE)
    notice_of(page, code).get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Acknowledged. What was done is kept with the session.")).to_be_visible()
    expect(notice_of(page, code)).to_have_count(0)
