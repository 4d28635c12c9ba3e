"""A file out of the record, in the browser, with the real worker."""

import csv
import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pyreadstat
import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.test_import import check_page

pytestmark = pytest.mark.browser


def codes_in(download):
    """Of the clients in a file, read by the csv module or by openpyxl."""
    if download.suggested_filename.endswith(".xlsx"):
        # As it is kept by the browser, it has no ending.
        book = openpyxl.load_workbook(io.BytesIO(Path(download.path()).read_bytes()))
        head, *rows = book["episodes"].iter_rows(values_only=True)
        return [row[head.index("client_code")] for row in rows]
    with zipfile.ZipFile(download.path()) as archive:
        if "episodes.sav" in archive.namelist():
            archive.extract("episodes.sav", Path(download.path()).parent / "files")
            frame, _about = pyreadstat.read_sav(Path(download.path()).parent / "files" / "episodes.sav")
            return frame.client_code.tolist()
        text = archive.read("episodes.csv").decode("utf-8-sig")
    return [row["client_code"] for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize(
    ("person", "width", "chosen"),
    [
        (steps.ADMINISTRATOR, 1280, "CSV files"),
        (steps.THERAPIST, 390, "Excel workbook"),
        (steps.ADMINISTRATOR, 390, "SPSS files"),
    ],
)
def test_a_file_is_asked_for_made_downloaded_and_removed(open_page, person, width, chosen):
    page = open_page(person, width=width)
    page.goto("/exports/")
    check_page(page)
    page.get_by_role("form", name="New export").get_by_text(chosen, exact=True).click()
    page.get_by_text("If you need to know who the clients are").click()
    page.get_by_label(re.compile("^Include")).check()
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what you need codes or names for.")
    expect(page.get_by_label("Your password, again")).to_be_visible()
    check_page(page)

    page.get_by_label("What you need them for").fill("Audit of the year")
    page.get_by_label("Your password, again").fill(steps.PASSWORD)
    page.get_by_role("button", name="Make the file").click()
    download = page.get_by_role("link", name=re.compile("^Download"))
    expect(download).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Identified, for this purpose: Audit of the year")).to_be_visible()
    check_page(page)
    with page.expect_download() as coming:
        download.click()
    codes = codes_in(coming.value)
    assert len(codes) > 5 and all(codes)

    page.reload()
    expect(page.get_by_text("Last downloaded")).to_be_visible()
    address = page.url
    page.get_by_role("button", name="Remove the file").click()
    expect(page.get_by_text("There is no file any more.")).to_be_visible()
    page.goto(f"{address}file/")
    check_page(page)
    page.get_by_role("link", name="Ask for it again").click()
    expect(page.get_by_role("row", name=re.compile("Cancelled")).first).to_be_visible()
    check_page(page)


def test_it_works_without_javascript(open_page):
    page = open_page(steps.ADMINISTRATOR, java_script_enabled=False)
    page.goto("/exports/")
    page.get_by_role("button", name="Make the file").click()
    for _ in range(60):
        page.wait_for_timeout(500)
        page.reload()
        if page.get_by_role("link", name=re.compile("^Download")).count():
            break
    expect(page.get_by_role("link", name=re.compile("^Download"))).to_be_visible()


def test_whoever_goes_on_with_their_work_is_told_that_the_file_is_ready(open_page):
    page = open_page(steps.ADMINISTRATOR, width=390)
    page.goto("/exports/")
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.goto("/people/")
    told = page.get_by_role("status").filter(has_text="The file that you asked for is ready.")
    expect(told).to_be_visible(timeout=40_000)
    check_page(page)
    told.get_by_role("link", name="Look at it").click()
    expect(page.get_by_role("link", name=re.compile("^Download"))).to_be_visible()
    page.goto("/people/")
    page.wait_for_timeout(6_000)
    expect(told).to_be_hidden()
