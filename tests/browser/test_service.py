"""How the service is doing, in the browser: charts that can be read, filters, and a working out with its progress."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser

CHARTS = ("completeness", "alliance", "ruptures", "returns", "retention", "outcome", "lag", "content", "therapists")
# Words of a chart that reach beyond its frame.
CUT_OFF = """() => [...document.querySelectorAll("[data-chart]")].flatMap((frame) => {
    const edge = frame.getBoundingClientRect();
    return [...frame.querySelectorAll(".annotation-text, .xtick text")]
        .map((word) => [word.getBoundingClientRect(), word.textContent])
        .filter(([at]) => at.right > edge.right + 1 || at.left < edge.left - 1)
        .map(([, text]) => `${frame.id}: ${text}`);
})"""


@pytest.mark.parametrize("width", [390, 1280])
def test_every_chart_is_drawn_and_no_word_of_it_is_cut_off(open_page, width):
    page = open_page(steps.SUPERVISOR, width=width)
    steps.open_service(page)
    shown = page.locator("[data-chart]").evaluate_all("frames => frames.map((frame) => frame.id.replace('-chart', ''))")
    assert shown == list(CHARTS), "the demo has enough people for all of them"
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_filters_stay_in_the_address_and_say_what_they_hold(open_page):
    page = open_page(steps.SUPERVISOR)
    steps.open_service(page)
    page.get_by_label("Modality").select_option("cbt")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**period=all&modality=cbt")
    expect(page.get_by_text("All years, cognitive behavioural")).to_be_visible()
    expect(page.get_by_label("Modality")).to_have_value("cbt")


def test_working_out_shows_how_far_it_is_and_then_the_new_numbers(open_page):
    page = open_page(steps.ADMINISTRATOR)
    steps.open_service(page)
    page.get_by_role("button", name="Work out now").click()
    expect(page.get_by_text("It is being worked out anew")).to_be_visible()
    expect(page.get_by_text("It is being worked out anew")).to_have_count(0, timeout=90_000)
    expect(page.locator(".service-chart")).to_have_count(9)
