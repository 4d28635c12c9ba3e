"""Supervision from what a therapist brings to what they find there afterwards."""

from datetime import date

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def plan_meeting(page):
    """Of the supervisor with Tom, with whom the demo has planned none."""
    page.goto("/supervision/")
    page.get_by_role("link", name="Plan one with Tom Abara").click()
    page.get_by_label("Day").fill(date.today().isoformat())
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_role("heading", name="Agenda")).to_be_visible()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def test_from_what_is_brought_to_what_came_of_it(open_page):
    tom = open_page(steps.OTHER_THERAPIST)
    code = steps.new_client(tom)
    steps.log_session(tom, tom.url)
    tom.goto("/caseload/?q=" + code)
    tom.get_by_role("link", name=f"Bring to supervision {code}").click()
    tom.get_by_label("What you would like to talk about").fill("I lose the thread.")
    press(tom, "Put it on the agenda")
    expect(tom.get_by_role("region", name="What you bring")).to_contain_text(f"{code} “I lose the thread.”")

    ruth = open_page(steps.SUPERVISOR)
    plan_meeting(ruth)
    expect(ruth.get_by_role("region", name="Agenda")).to_contain_text("“I lose the thread.”")
    address = ruth.url
    ruth.get_by_role("link", name=f"Pack of {code}").click()
    questions = ruth.get_by_role("region", name="Three questions to rehearse").get_by_role("listitem")
    expect(questions).to_have_count(3)

    ruth.goto(address)
    press(ruth, "Start")
    press(ruth, f"Talked about {code}")
    ruth.get_by_role("link", name=f"Next step about {code}").click()
    expect(ruth.get_by_label("About")).to_contain_text(code)
    ruth.get_by_label("Next step").fill(f"Ask {code} what it was like.")
    press(ruth, "Agree on it")
    ruth.get_by_role("textbox", name="Notes").fill("We rehearsed the first sentence.")
    press(ruth, "Save notes")
    expect(ruth.get_by_role("status")).to_contain_text("The notes are saved.")
    press(ruth, "Finish")

    ruth.goto("/supervision/")
    ruth.get_by_role("link", name="Tom Abara", exact=True).click()
    ruth.get_by_role("link", name="Set a target").click()
    ruth.get_by_text("Changed the topic", exact=True).click()
    press(ruth, "Set it")
    expect(ruth.get_by_role("region", name="Learning targets")).to_contain_text("changed the topic")

    tom.goto("/supervision/")
    expect(tom.get_by_role("region", name="Learning targets")).to_contain_text("changed the topic")
    steps_of = tom.get_by_role("region", name="Next steps")
    expect(steps_of).to_contain_text(f"Ask {code} what it was like.")
    expect(steps_of).to_contain_text("No rating of this client can be followed.")
    steps_of.get_by_role("link", name=f"What came of it Ask {code} what it was like.").click()
    tom.get_by_text("Done", exact=True).click()
    tom.get_by_label("What came of it").fill("It was quiet, and then it was not.")
    press(tom, "Save")
    expect(tom.get_by_role("region", name="Notes")).to_contain_text("We rehearsed the first sentence.")
    expect(tom.get_by_role("region", name="Next steps")).to_contain_text("It was quiet, and then it was not.")
