"""A log that is not saved yet survives crashes and lost connections; two tabs or devices never overwrite another."""

import re
import signal
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser
SAVED = re.compile(r"Draft saved \d+ s ago")
AT_MOST = 3_000  # ms of typing that a crash may cost


@pytest.fixture
def page(open_page, watch):
    watch.forgive("status of 409")
    page = open_page()
    steps.new_client(page)
    page.episode = page.url
    page.goto(f"{page.episode}log/")
    return page


def note_of(page):
    return page.get_by_label("Note")


def expect_kept(page):
    expect(page.locator("[data-draft-status]")).to_have_text(SAVED)


def command_of(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def kill_web_workers(product):
    """kill -9 of every process that answers requests; their master starts others."""
    address = urlsplit(product).netloc
    web = {one.pid: one for one in psutil.process_iter() if address in command_of(one)}
    killed = [one for one in web.values() if one.ppid() in web]
    assert killed
    for worker in killed:
        worker.send_signal(signal.SIGKILL)


def test_what_was_typed_is_on_the_other_device(page, open_page):
    note_of(page).fill("Begun at the desk.")
    steps.rate(page, [6, 7])
    expect_kept(page)
    phone = open_page(width=390)
    phone.goto(f"{page.episode}log/")
    expect(note_of(phone)).to_have_value("Begun at the desk.")
    assert [steps.answer(phone, number) for number in (1, 2, 3)] == ["6", "7", ""]
    note_of(phone).fill("Begun at the desk, ended on the phone.")
    expect_kept(phone)
    phone.get_by_role("button", name="Save session").click()
    expect(phone.get_by_text("Session 1 is saved.")).to_be_visible()

    note_of(page).press_sequentially(" And typed on.")
    conflict = page.get_by_role("region", name=re.compile("was saved or thrown away in another tab"))
    expect(conflict).to_be_focused()
    expect(note_of(page)).to_have_value("Begun at the desk. And typed on.")


def test_web_process_killed_while_typing_costs_three_seconds_at_most(page, open_page, product, watch):
    watch.forgive("Failed to load resource")
    for word in ("one ", "two ", "three ", "four ", "five ", "six "):
        note_of(page).press_sequentially(word, delay=60)
    page.wait_for_timeout(AT_MOST - 500)
    kill_web_workers(product)
    note_of(page).press_sequentially("seven", delay=30)
    page.close()  # a crash of the browser: nothing but the server's draft is left
    elsewhere = open_page()
    elsewhere.goto(f"{page.episode}log/")
    expect(note_of(elsewhere)).to_have_value(re.compile("^one two three four five six"))


def test_two_tabs_are_shown_side_by_side(page):
    second = page.context.new_page()
    second.goto(page.url)
    note_of(page).fill("In the first tab.")
    expect_kept(page)
    note_of(second).fill("In the second tab.")
    conflict = second.get_by_role("region", name=re.compile("was changed in another tab"))
    expect(conflict).to_contain_text("In the first tab.")
    expect(conflict).to_contain_text("In the second tab.")
    expect(note_of(second)).to_have_value("In the second tab.")

    conflict.get_by_role("button", name="Go on with what is here").click()
    expect_kept(second)
    note_of(page).fill("In the first tab, later.")
    conflict = page.get_by_role("region", name=re.compile("was changed in another tab"))
    conflict.get_by_role("link", name="Take what is there").click()
    expect(note_of(page)).to_have_value("In the second tab.")
    expect(page.locator("[data-draft-conflict] > *")).to_have_count(0)


def test_reloaded_tab_that_is_behind_asks_before_it_overwrites(page):
    note_of(page).fill("Typed first, in this tab.")
    expect_kept(page)
    second = page.context.new_page()
    second.goto(page.url)
    note_of(second).fill("Typed later, in the other.")
    expect_kept(second)
    page.reload()
    conflict = page.get_by_role("region", name=re.compile("was changed in another tab"))
    expect(conflict).to_contain_text("Typed first, in this tab.")
    expect(conflict).to_contain_text("Typed later, in the other.")


def test_typed_without_a_connection_is_kept_when_it_is_back(page, open_page, watch):
    watch.forgive("net::ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    note_of(page).fill("Typed in a tunnel.")
    expect(page.locator("[data-draft-status]")).to_have_text(re.compile("no connection. What you typed stays"))
    page.context.set_offline(False)
    expect_kept(page)
    elsewhere = open_page()
    elsewhere.goto(f"{page.episode}log/")
    expect(note_of(elsewhere)).to_have_value("Typed in a tunnel.")


def test_draft_can_be_thrown_away(page):
    note_of(page).fill("Wrong client.")
    expect_kept(page)
    page.reload()
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_text("The draft is thrown away.")).to_be_visible()
    expect(note_of(page)).to_have_value("")
    expect(page.get_by_text("Restored what you had typed.")).to_have_count(0)
