"""Reports as PDF: asked for where their page is, and what comes is the report of that page."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser import steps
from tests.dashboards.reading import check_form, check_is_vectors, squeezed, text_of

pytestmark = pytest.mark.browser


def downloaded(page):
    link = page.get_by_role("link", name="PDF", exact=True)
    expect(link).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    with page.expect_download() as coming:
        link.click()
    assert coming.value.suggested_filename.endswith(".pdf")
    reader = PdfReader(Path(coming.value.path()))
    check_is_vectors(reader)
    return reader


@pytest.mark.parametrize("width", [390, 1280])
def test_from_the_episode_and_the_pack_comes_what_they_show(open_page, width):
    page = open_page(steps.SUPERVISOR, width=width)
    page.goto("/caseload/")
    page.get_by_role("link", name=re.compile("^Pack ")).first.click()
    code = page.get_by_role("heading", level=1).inner_text().partition("· ")[2]
    change = page.get_by_role("region", name="What changed").locator("strong").inner_text()
    question = page.get_by_role("region", name="Three questions to rehearse").get_by_role("listitem").first.inner_text()
    reader = downloaded(page)
    check_form(reader, title=f"Supervision pack, {code}", on_each=[f"Client {code}"])
    assert squeezed(change) in text_of(reader) and squeezed(question) in text_of(reader)

    page.get_by_role("link", name="Open the episode").click()
    expect(page.get_by_text(change).first).to_be_visible()
    reader = downloaded(page)
    check_form(reader, title=f"Client report, {code}", on_each=[f"Client {code}"])
    assert squeezed(change) in text_of(reader)


@pytest.mark.parametrize("width", [390, 1280])
def test_from_the_service_comes_what_was_chosen_on_its_page(open_page, width):
    page = open_page(steps.SUPERVISOR, width=width)
    steps.open_service(page)
    page.get_by_label("Modality").select_option("cbt")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**period=all&modality=cbt")
    sentence = page.locator("#completeness-title + p").inner_text()
    reader = downloaded(page)
    check_form(
        reader,
        title="Service report, All years, cognitive behavioural",
        on_each=["Service report · All years, cognitive behavioural"],
    )
    assert squeezed(sentence) in text_of(reader)
