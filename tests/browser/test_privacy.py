"""What is held about a client: handed out, erased, kept, and found on the audit trail, with the real worker."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.test_import import check_page

pytestmark = pytest.mark.browser


def client_data(page):
    """Of a client with two sessions, one rated. Returns the code."""
    code = steps.new_client(page)
    episode = page.url
    other = page.context.new_page()
    steps.rate_as_client(other, steps.log_session(page, episode), [8, 8, 7, 7, 8, 9], "Fewer questions at the start.")
    other.close()
    steps.log_session(page, episode)
    page.goto(episode)
    page.get_by_role("link", name=f"Data held about {code}").click()
    return code


@pytest.mark.parametrize("width", [1280, 390])
def test_a_client_gets_everything_and_is_erased_with_proof(open_page, width):
    therapist, admin = open_page(width=width), open_page(steps.ADMINISTRATOR, width=width)
    code = client_data(therapist)
    address = therapist.url
    check_page(therapist)
    therapist.get_by_role("button", name="Make the pack").click()
    expect(therapist.get_by_role("alert").first).to_contain_text("Enter your password.")
    check_page(therapist)
    therapist.get_by_label("Your password, again").fill(steps.PASSWORD)
    therapist.get_by_role("button", name="Make the pack").click()
    download = therapist.get_by_role("link", name=re.compile("^Download"))
    expect(download).to_be_visible(timeout=30_000)
    check_page(therapist)
    with therapist.expect_download() as coming:
        download.click()
    with zipfile.ZipFile(io.BytesIO(Path(coming.value.path()).read_bytes())) as pack:
        texts = {name: pack.read(name).decode(errors="replace") for name in pack.namelist()}
    assert any(code in text for text in texts.values())
    assert any("Fewer questions at the start." in text for text in texts.values())

    therapist.goto(address)
    therapist.get_by_role("button", name="Ask for erasure").click()
    expect(therapist.get_by_text("An administrator is asked to erase this record.").first).to_be_visible()
    check_page(therapist)

    admin.goto("/erasures/")
    check_page(admin)
    admin.get_by_role("link", name=code, exact=True).click()
    expect(admin.get_by_role("row", name=re.compile("^Sessions? 2$"))).to_be_visible()
    check_page(admin)
    admin.get_by_label("The client’s code").fill("somebody else")
    admin.get_by_role("button", name="Erase for good").click()
    expect(admin.get_by_role("alert").first).to_be_visible()
    admin.get_by_label("The client’s code").fill(code)
    admin.get_by_role("button", name="Erase for good").click()
    expect(admin.get_by_role("heading", name="A record that is erased")).to_be_visible(timeout=60_000)
    expect(admin.get_by_role("heading", name="Proof")).to_be_visible(timeout=60_000)
    assert code not in admin.content()
    check_page(admin)

    therapist.goto(address)
    expect(therapist.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_a_hold_keeps_a_record_and_what_would_be_due_is_only_shown(open_page):
    therapist, admin = open_page(), open_page(steps.ADMINISTRATOR, width=390)
    code = client_data(therapist)
    admin.goto("/retention/?years=1")
    expect(admin.get_by_text("Nothing is erased: this period is not saved.")).to_be_visible()
    check_page(admin)
    admin.get_by_label("The client’s code").fill(code)
    admin.get_by_role("button", name="Set the hold").click()
    expect(admin.get_by_role("alert").first).to_contain_text("Say why the record has to stay.")
    admin.get_by_label("Why").fill("A case at court.")
    admin.get_by_role("button", name="Set the hold").click()
    lift = admin.get_by_role("button", name=f"Lift the hold on {code}")
    expect(lift).to_be_visible()
    check_page(admin)
    therapist.reload()
    expect(therapist.get_by_text("A legal hold stands on this record.")).to_be_visible()
    lift.click()
    therapist.reload()
    expect(therapist.get_by_role("button", name="Ask for erasure")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_who_saw_a_client_is_found_on_the_audit_trail(open_page, width):
    therapist, supervisor = open_page(), open_page(steps.SUPERVISOR)
    admin = open_page(steps.ADMINISTRATOR, width=width)
    code = steps.new_client(therapist)
    supervisor.goto(therapist.url)

    admin.goto("/audit/")
    check_page(admin)
    admin.get_by_label("Client’s code").fill(code)
    admin.get_by_label("What").select_option(label="Read, or taken out")
    admin.get_by_role("button", name="Show").click()
    events = admin.locator("#events tbody tr")
    expect(events.filter(has_text="Ruth Lindqvist")).to_have_count(1)
    assert set(events.locator("[data-label=Client]").all_inner_texts()) == {code}
    check_page(admin)
    with admin.expect_download() as coming:
        admin.get_by_role("link", name="For a spreadsheet").click()
    assert Path(coming.value.path()).read_text().count(code) == events.count()

    admin.get_by_label("From (optional)").fill("2026-05-02T10:00")
    admin.get_by_label("Up to, not including").fill("2026-05-01T10:00")
    admin.get_by_role("button", name="Show").click()
    expect(admin.get_by_role("alert").first).to_contain_text("This is not after the beginning.")
    check_page(admin)
