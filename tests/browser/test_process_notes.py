"""A process note from writing to sharing, and a client's comment from delivery to what came of it."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser

NOTE = "I was bored, and then angry with myself for it."
WORDS = "It felt rushed today."


@pytest.fixture
def page(open_page):
    """A therapist at one of her sessions, which the client has rated, too."""
    page = open_page()
    page.code = steps.new_client(page)
    page.episode = page.url
    link = steps.log_session(page, page.episode)
    page.session = re.sub("[?#].*", "", page.url)
    client = open_page(None)
    steps.rate_as_client(client, link, [7, 7, 7, 7, 7, 7], comment=WORDS)
    return page


def write_note(page):
    page.goto(page.session)
    page.get_by_role("region", name="Process notes: only you read them").get_by_role("link").click()
    expect(page.get_by_label("About one session")).to_contain_text("Session 1")
    page.get_by_label("Process note").fill(NOTE)


def expect_accessible(page):
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page, "light") == []
        assert not steps.is_wider_than_its_window(page)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert violations(page, "dark") == []
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_note_is_the_authors_until_it_is_shared_and_then_the_supervisors_too(open_page, page):
    write_note(page)
    expect(page.get_by_text("Only you can read this; your supervisor only if you say so below.")).to_be_visible()
    expect_accessible(page)
    page.get_by_role("button", name="Save process note").click()
    note = page.get_by_role("article")
    expect(note).to_contain_text(NOTE)
    expect(note).to_contain_text("only you")
    expect_accessible(page)
    notes = page.url

    supervisor, colleague, administrator = (
        open_page(person) for person in (steps.SUPERVISOR, steps.OTHER_THERAPIST, steps.ADMINISTRATOR)
    )
    supervisor.goto(notes)
    expect(supervisor.get_by_text("None that you may read")).to_be_visible()
    note.get_by_role("link", name="Edit").click()
    page.get_by_label("My supervisor may read this note").check()
    page.get_by_role("button", name="Save process note").click()
    expect(page.get_by_role("article")).to_contain_text("your supervisor may read it")
    supervisor.goto(page.session)
    supervisor.get_by_role("link", name="Read 1 about this session").click()
    expect(supervisor.get_by_role("article")).to_contain_text(NOTE)
    expect(supervisor.get_by_role("article").get_by_role("link")).to_have_count(0)
    for stranger in (colleague, administrator):
        stranger.goto(notes)
        expect(stranger.get_by_role("heading", level=1)).to_have_text(
            re.compile("There is nothing here|This page is not part of your role")
        )
        assert NOTE not in stranger.content()

    page.emulate_media(media="print")
    expect(page.get_by_text("Process notes are not printed.")).to_be_visible()
    expect(page.get_by_text(NOTE)).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("article").get_by_role("link", name="Delete").click()
    expect_accessible(page)
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("No process notes yet")).to_be_visible()


def stored(page):
    return page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")


def test_what_is_typed_is_kept_in_the_tab_and_can_not_be_read_there(open_page, page):
    write_note(page)
    page.wait_for_function("Object.keys(sessionStorage).some(key => key.startsWith('keep:process-note'))")
    kept = json.loads(stored(page))
    entry = next(value for key, value in kept.items() if key.startswith("keep:process-note"))
    assert "bored" not in entry and not re.search("bored", "".join(map(chr, json.loads(entry)["values"][1])))

    page.context.clear_cookies()
    page.get_by_role("button", name="Save process note").click()
    steps.sign_in(page, steps.THERAPIST)
    page.goto(f"{page.session}")
    page.get_by_role("region", name="Process notes: only you read them").get_by_role("link").click()
    expect(page.get_by_text("Restored what you had typed.")).to_be_visible()
    expect(page.get_by_label("Process note")).to_have_value(NOTE)
    page.get_by_role("button", name="Save process note").click()
    expect(page.get_by_role("article")).to_contain_text(NOTE)
    assert "process-note" not in stored(page)


def test_a_comment_is_delivered_talked_about_and_followed_up(page):
    page.goto("/today/")
    waiting = page.get_by_role("region", name="In clients’ words, not talked about yet").get_by_role("listitem")
    mine = waiting.filter(has_text=page.code)
    expect(mine).to_contain_text(WORDS)
    page.goto(page.session)
    expect(page.get_by_text("Not talked about yet.")).to_contain_text("You read it")
    page.goto("/today/")
    mine.get_by_role("link", name="Mark as discussed").click()
    expect_accessible(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose who brought it up.")
    page.get_by_text("I did", exact=True).click()
    page.get_by_label("What was said").fill("I asked what slower would look like.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    expect(mine).to_have_count(0)

    page.goto(page.episode)
    card = page.get_by_role("region", name=f"In {page.code}’s words")
    expect(card).to_contain_text("you brought it up")
    card.get_by_role("link", name="Follow up").click()
    page.get_by_label("Followed up on").fill(page.get_by_label("Talked about on").input_value())
    page.get_by_label("What came of it").fill("We begin with a quiet minute.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("We begin with a quiet minute.")).to_be_visible()
    expect(page.get_by_text("I asked what slower would look like.")).to_be_visible()
