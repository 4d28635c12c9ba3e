"""A part of an open page that renews itself takes only an answer about the record that the page is of."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser
CHANGE = "**/change/*"
OF_SOMEBODY_ELSE = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def page(open_page):
    page = open_page()
    steps.demo_episode(page)
    return page


def answer_about(page, record):
    """The next answers to the open page are about this record, whatever it asked for; returns once one has arrived."""
    body = f'<div id="episode-body" data-record="{record}">What was answered about {record}.</div>'
    page.route(CHANGE, lambda route: route.fulfill(headers={"X-Record": record}, content_type="text/html", body=body))
    with page.expect_response(CHANGE, timeout=30_000) as answer:
        pass
    answer.value.finished()


def test_an_answer_about_another_client_is_dropped(page):
    own = page.locator("#episode-body").get_attribute("data-record")
    before = page.locator("#episode-body .notice strong").first.inner_text()
    answer_about(page, OF_SOMEBODY_ELSE)
    answer_about(page, OF_SOMEBODY_ELSE)
    expect(page.get_by_text("What was answered about")).to_have_count(0)
    expect(page.locator("#episode-body")).to_have_attribute("data-record", own)
    assert page.locator("#episode-body .notice strong").first.inner_text() == before


def test_an_answer_about_the_same_client_is_taken(page):
    own = page.locator("#episode-body").get_attribute("data-record")
    answer_about(page, own)
    expect(page.get_by_text(f"What was answered about {own}.")).to_be_visible()
