"""A vague goal made measurable, a task too hard stepped down, homework not done, and the gate of the first sessions."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def choose(page, group, *choices):
    for choice in choices:
        page.get_by_role("group", name=group).get_by_text(choice, exact=True).click()


def on_the_line(page, field, value):
    page.locator(f"#id_{field}").get_by_role("slider").focus()
    page.keyboard.type(str(value))


def test_from_a_vague_goal_to_a_possible_strain_on_a_phone(open_page):
    page = open_page(width=390)
    code = steps.new_client(page)
    episode = page.url
    steps.log_session(page, episode)

    page.goto(episode)
    page.get_by_role("link", name="Add a goal").click()
    page.get_by_label("Goal", exact=True).fill("Feel better at work")
    choose(page, "Agreed by", code, "You")
    page.get_by_role("button", name="Save goal").click()
    goal = page.get_by_role("article", name="Feel better at work")
    expect(goal).to_contain_text("How would you both notice?")
    goal.get_by_role("link", name="Say how").click()
    page.get_by_label("How you would both notice").fill("lunches with others a week")
    page.get_by_label("Where it starts").fill("4")
    page.get_by_label("Target").fill("50 %")
    page.get_by_role("button", name="Save goal").click()
    expect(page.get_by_role("alert")).to_contain_text("Say which way")
    page.get_by_label("Target").fill("+50 %")
    choose(page, "Agreed by", code, "You")
    page.get_by_role("button", name="Save goal").click()
    expect(goal).to_contain_text("Lunches with others a week: from 4 to 6 (+50 %)")
    expect(goal).not_to_contain_text("How would you both notice?")

    goal.get_by_role("link", name="Propose a task").click()
    page.get_by_label("Task", exact=True).fill("Lead the team meeting")
    on_the_line(page, "difficulty", 9)
    choose(page, "Agreed by", code, "You")
    page.get_by_role("button", name="Save task").click()
    page.get_by_role("article", name="Lead the team meeting").get_by_role("link", name="Too hard?").click()
    page.get_by_label("Task", exact=True).fill("Say one sentence in the meeting")
    on_the_line(page, "difficulty", 9)
    choose(page, "Agreed by", code, "You")
    page.get_by_role("button", name="Save easier task").click()
    expect(page.get_by_role("alert")).to_contain_text("An easier task has a difficulty below 9.")
    on_the_line(page, "difficulty", 3)
    page.get_by_role("button", name="Save easier task").click()
    easier = page.get_by_role("article", name="Say one sentence in the meeting")
    expect(easier).to_contain_text("Difficulty 3 of 10, stepped down from “Lead the team meeting” (9).")

    easier.get_by_role("link", name="What became of it?").click()
    choose(page, "What became of it?", "Not done")
    page.get_by_label("What got in the way?").fill("The meeting was cancelled.")
    page.get_by_role("button", name="Save").click()
    expect(easier).to_contain_text("Session 1: not done. In the way: The meeting was cancelled.")

    page.get_by_role("navigation", name="Record").get_by_role("link", name="Course").click()
    hints = page.get_by_role("region", name="Also worth asking about")
    expect(hints).to_contain_text("“Say one sentence in the meeting” was not done by session 1. A possible strain")
    expect(hints).to_contain_text("For example: “What would have to be different about this task")
    card = page.get_by_role("region", name="Agreed", exact=True)
    expect(card).to_contain_text("difficulty 3, stepped down from 9 · not done")
    assert not steps.is_wider_than_its_window(page)

    page.get_by_role("navigation", name="Record").get_by_role("link", name="Agreement log").click()
    for words in ("Agreed", "Renegotiated", "Stepped down", "Not done"):
        expect(page.get_by_text(words, exact=True).first).to_be_visible()


def test_engagement_phase_is_on_the_chart_and_its_gate_on_the_page(open_page):
    page = open_page()
    steps.new_client(page)
    episode = page.url
    for _ in range(2):
        steps.log_session(page, episode)
    page.goto(f"{episode}engagement/")
    for number, level in enumerate(("3 · there", "4 · there, and steady", "1 · first signs")):
        page.get_by_role("listitem").get_by_role("link", name="Look at it").nth(number).click()
        page.get_by_text(level, exact=True).click()
        page.get_by_role("button", name="Save").click()
    said = "Session 2 of 5: agreement that a problem exists is still missing."
    expect(page.get_by_text(said)).to_be_visible()
    page.get_by_role("link", name="Name the session").click()
    page.get_by_label("Session").select_option(index=2)
    page.get_by_role("button", name="Save").click()
    page.goto(episode)
    expect(page.get_by_text("Second phase since session 2.")).to_be_visible()
    steps.drawn(page)
    chart = page.locator("#alliance-chart")
    expect(chart.get_by_text("engagement", exact=True)).to_be_visible()
    expect(chart.get_by_text("first challenge", exact=True)).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)  # drawn anew
    expect(chart.get_by_text("engagement", exact=True)).to_be_visible()
    frame, word = chart.bounding_box(), chart.get_by_text("first challenge", exact=True).bounding_box()
    assert frame["x"] <= word["x"] and word["x"] + word["width"] <= frame["x"] + frame["width"]
