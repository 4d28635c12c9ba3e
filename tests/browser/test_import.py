"""A file's way into the record and back, in the browser, with the real worker."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser

DATA = Path(__file__).parent.parent / "data"
WAI = DATA / "wai36_items_simulated.csv"
GAINS = DATA / "suddengains_sgdata.csv"
HEAD = "who,nr,day,q1,q2,q3,q4\n"


def upload(page, file):
    page.goto("/imports/")
    page.get_by_role("link", name="Import a file").click()
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page).to_have_url(re.compile(r"/columns/$"))


def with_terms(page):
    page.get_by_label("Whose clients are they?").select_option(label="Ada Okafor")
    page.get_by_label("First day for sessions without a date").fill("2024-01-01")


def check_page(page):
    """No violation in either scheme, and nothing to scroll sideways at 320 px."""
    size = page.viewport_size
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_timeout(50)
        assert violations(page, scheme) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert not steps.is_wider_than_its_window(page)
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_file_is_uploaded_checked_written_and_undone(open_page, width):
    page = open_page(steps.ADMINISTRATOR, width=width)
    upload(page, WAI)
    expect(page.get_by_label("Item 36", exact=True)).to_have_value("i36")
    expect(page.get_by_label("Client’s code")).to_have_value("pairing_id")
    page.get_by_label("Put before each code").fill(f"W{width}-")
    check_page(page)
    page.get_by_label("Whose clients are they?").select_option("")
    page.get_by_label("First day for sessions without a date").fill("")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose the therapist.")
    expect(page.get_by_label("Put before each code")).to_have_value(f"W{width}-")
    check_page(page)

    with_terms(page)
    page.get_by_role("button", name="Check the file").click()
    write = page.get_by_role("button", name="Write 277 ratings")
    expect(write).to_be_visible(timeout=30_000)
    report = page.get_by_role("region", name="What will be written")
    expect(report).to_contain_text(re.compile(r"New clients\s*150"))
    expect(report).to_contain_text(re.compile(r"Scores that differ from the file’s own\s*0"))
    check_page(page)

    write.click()
    expect(page.get_by_text("277 ratings of 150 clients written")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("region", name="Report")).to_contain_text(re.compile(r"New ratings\s*277"))
    check_page(page)
    therapist = open_page()
    therapist.goto(f"/clients/?q=W{width}-1")
    expect(therapist.get_by_role("link", name=f"W{width}-1", exact=True)).to_be_visible()

    page.get_by_role("link", name="Undo this import").click()
    expect(page.get_by_text("277 ratings, 277 sessions, 150 episodes, 150 clients")).to_be_visible()
    check_page(page)
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_text("Everything that it wrote is taken back.")).to_be_visible(timeout=30_000)
    check_page(page)
    page.get_by_role("link", name="Imports", exact=True).first.click()
    row = page.get_by_role("row").filter(has_text=WAI.name).first
    expect(row).to_contain_text("Undone")
    check_page(page)
    therapist.reload()
    expect(therapist.get_by_text("Nobody found")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_refused_file_names_each_cell_and_a_corrected_one_comes_in(open_page, tmp_path, width):
    code = steps.new_code()
    bad, good = tmp_path / "bad.csv", tmp_path / "corrected.csv"
    bad.write_text(f"{HEAD}{code},1,5.3.2024,5,5,5,5\n{code},2,13.3.2024,6,6,6,66\n")
    good.write_text(f"{HEAD}{code},1,5.3.2024,5,5,5,5\n{code},2,13.3.2024,6,6,6,6\n")
    page = open_page(steps.ADMINISTRATOR, width=width)
    upload(page, bad)
    if page.get_by_role("heading", name="What does the file hold?").is_visible():
        check_page(page)
        page.get_by_label("One row for each session").check()
        page.get_by_label("Outcome check-in, by the client").check()
        page.get_by_role("button", name="Go on to the columns").click()
        expect(page.get_by_label("Order of the date")).to_have_value("")
    expect(page.get_by_label("Item 4", exact=True)).to_have_value("q4")
    page.get_by_label("Order of the date").select_option("mdy")
    page.get_by_label("Whose clients are they?").select_option(label="Ada Okafor")
    page.get_by_role("button", name="Check the file").click()
    problems = page.get_by_role("region", name="What to correct")
    expect(problems).to_contain_text("There is no day 3 in month 13", timeout=30_000)
    check_page(page)
    with page.expect_download() as download:
        problems.get_by_role("link", name="Download as CSV").click()
    assert "q4,66,must be between 0 and 10" in Path(download.value.path()).read_text("utf-8-sig")

    page.get_by_role("link", name="Change the columns").click()
    page.get_by_label("Order of the date").select_option("dmy")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("1 cell can’t be taken as it is.")).to_be_visible(timeout=30_000)
    row = page.get_by_role("row").filter(has_text="66")
    expect(row).to_contain_text("q4")
    page.get_by_role("link", name="Upload a corrected file").click()
    page.get_by_label("File", exact=True).set_input_files(good)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Filled in from an earlier import.")).to_be_visible()
    expect(page.get_by_label("Order of the date")).to_have_value("dmy")
    page.get_by_role("button", name="Check the file").click()
    page.get_by_role("button", name="Write 2 ratings").click(timeout=30_000)
    expect(page.get_by_text("2 ratings of 1 client written")).to_be_visible(timeout=30_000)


def test_a_wide_file_is_filled_in_and_can_be_discarded(open_page):
    page = open_page(steps.ADMINISTRATOR, width=390)
    upload(page, GAINS)
    expect(page.get_by_label("Session of bdi_fu1")).to_have_value("13")
    page.get_by_label("Session of rq_s3").fill("2")
    with_terms(page)
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("alert")).to_contain_text("rq_s3: “rq_s2” is session 2 of this measure already.")
    check_page(page)
    page.get_by_role("link", name="Use a mapping file").click()
    expect(page.get_by_label("Mapping", exact=True)).to_have_value(re.compile("suddengains"))
    check_page(page)
    page.get_by_role("link", name="Answer questions instead").click()
    expect(page.get_by_label("One row for each client, with the sessions side by side")).to_be_checked()
    page.get_by_role("link", name="Discard the file").click()
    check_page(page)
    page.get_by_role("button", name="Discard the file").click()
    expect(page.get_by_text("suddengains_sgdata.csv is discarded.")).to_be_visible()


def test_uploading_nothing_or_a_picture_says_so_beside_the_field(open_page, tmp_path):
    page = open_page(steps.ADMINISTRATOR, width=390)
    page.goto("/imports/new/")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a file.")
    check_page(page)
    picture = tmp_path / "table.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    page.get_by_label("File", exact=True).set_input_files(picture)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("This is a picture, not a table.")
    page.goto("/imports/templates/")
    check_page(page)


def test_without_javascript_a_file_comes_in_too(open_page, tmp_path):
    code = steps.new_code()
    file = tmp_path / "old.csv"
    file.write_text(f"{HEAD}{code},1,2024-03-05,5,5,5,5\n")
    open_page(steps.ADMINISTRATOR)  # signed in before, where it needs to be the first
    page = open_page(steps.ADMINISTRATOR, java_script_enabled=False)
    upload(page, file)
    page.goto(f"{page.url}?shape=long&measures=outcome-check-in_client")
    page.get_by_label("Order of the date").select_option("ymd")
    page.get_by_label("Whose clients are they?").select_option(label="Ada Okafor")
    page.get_by_role("button", name="Check the file").click()
    write = page.get_by_role("button", name="Write 1 rating")
    for _ in range(60):
        if write.is_visible():
            break
        page.get_by_role("link", name="See how far it is").click()
        page.wait_for_timeout(500)
    write.click()
    expect(page.get_by_role("region", name=re.compile("Report|What is being written|Progress")).first).to_be_visible()
