"""From a new client to a chart that says something, as two people do it on two devices."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 390])
def test_a_session_is_logged_rated_and_seen_on_the_open_chart(open_page, width):
    page = open_page(width=width)
    page.goto("/")
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Clients").click()
    page.get_by_role("link", name="New client").click()
    page.get_by_label("Code").fill(steps.new_code())
    page.get_by_label("Name").fill("Robin")
    page.get_by_label("Your title").fill("Counsellor")
    page.get_by_role("button", name="Add client and start the episode").click()
    expect(page.get_by_role("heading", name="No sessions yet")).to_be_visible()
    episode = page.url

    page.get_by_role("link", name="Log the first session").click()
    steps.slider(page, 1).focus()
    for _ in range(7):
        page.keyboard.press("ArrowRight")  # the first one answers with the lowest
    steps.rate(page, [None, 5, 8])
    page.get_by_label("Note").fill("We looked at the week.")
    page.get_by_role("button", name="Save session").click()

    expect(page.get_by_text("Session 1 is saved.")).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    link = page.locator("[data-client-link]").get_attribute("href")
    assert link.startswith(episode.split("/episodes/")[0] + "/r/")

    page.goto(episode)
    expect(page.locator("#numbers")).to_contain_text("6.0")
    page.evaluate("window.openedBefore = true")

    phone = open_page(None, width=390, has_touch=True)
    phone.goto(link)
    expect(phone.get_by_text("reads your answers")).to_be_visible()
    assert "/r/" not in phone.url
    line = steps.touch_line(phone, 1).bounding_box()
    phone.touchscreen.tap(line["x"] + line["width"] - 12, line["y"] + line["height"] / 2)
    steps.rate(phone, [None, 8, 7, None, 3, 4])
    assert [steps.answer(phone, number) for number in range(1, 7)] == ["10", "8", "7", "", "3", "4"]
    phone.get_by_label("Anything that should be different").fill("A little slower, please.")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_role("heading", name="Thank you. It has arrived.")).to_be_visible()

    # The page that was open all the time; a skipped question leaves its component without a score.
    expect(page.locator("#numbers")).to_contain_text("9.0", timeout=30_000)
    expect(page.locator("#episode-body").get_by_text("updating", exact=True)).to_have_count(0, timeout=30_000)
    expect(page.get_by_text("Latest: goal 9.0, bond 3.5.")).to_be_visible()
    expect(page.get_by_text("A little slower, please.")).to_be_visible()
    assert steps.numbers_table(page)[1] == ["9.0", "–no score", "3.5", "6.0", "5.0", "8.0"]
    expect(page.locator("#alliance-chart [data-chart-note]")).to_be_hidden()
    values = {trace["name"]: trace["y"] for trace in steps.drawn(page)}
    assert values["Goal, client"] == [9]
    assert values["Task, client"] == [None]
    assert values["Bond, client"] == [3.5]
    assert values["Bond, therapist"] == [8]
    assert page.evaluate("window.openedBefore") is True


def test_after_six_ratings_the_sentence_names_the_component_that_dropped(open_page):
    page, phone = open_page(), open_page(None, width=390)
    steps.new_client(page)
    episode = page.url
    for level in (7, 8, 7, 8, 7):
        link = steps.log_session(page, episode)
        steps.rate_as_client(phone, link, [8, 8, level, 7, level, 8])
    link = steps.log_session(page, episode)
    page.goto(episode)
    steps.rate_as_client(phone, link, [8, 8, 8, 7, 2, 1], comment="I felt pushed.")

    headline = page.get_by_text("The bond is lower than expected: a possible rupture.")
    expect(headline).to_be_visible(timeout=30_000)
    notice = page.locator("#episode-body .notice").first
    expect(notice).to_contain_text(re.compile(r"Session 6: 1\.5, where [\d.]+ to [\d.]+ was expected"))
    assert [name for name in steps.COMPONENTS if f"{name} is lower" in page.locator("main").inner_text()] == ["bond"]
    notice.get_by_text("How this was worked out").click()
    expect(notice.get_by_text(re.compile("worked out from this client’s earlier ratings"))).to_be_visible()
    expect(page.get_by_role("region", name="Possible rupture, session 6")).to_contain_text("Bond 1.5; expected")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Today").click()
    expect(page.get_by_role("region", name="Ratings received this week")).to_contain_text("comment")
