"""Somebody is away and a colleague stands in; then a client is handed over, and both sides look."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser


def open_episode(page, code):
    page.goto(f"/clients/?q={code}")
    page.get_by_role("link", name=code, exact=True).click()
    expect(page.get_by_role("heading", name=code, level=1)).to_be_visible()


def test_a_colleague_stands_in_and_later_takes_over(open_page):
    ada, tom = open_page(), open_page(steps.OTHER_THERAPIST, width=390)
    code = steps.new_client(ada)
    episode = ada.url
    steps.log_session(ada, episode, note="Before Ada went away.")
    tom.goto(episode)
    expect(tom.get_by_role("heading", name="There is nothing here")).to_be_visible()

    # Ada goes away.
    ada.goto("/account/")
    today = ada.evaluate("new Date().toLocaleDateString('sv')")
    away = ada.get_by_role("region", name="While I am away")
    away.get_by_label("Who covers").select_option(label="Tom Abara")
    away.get_by_label("First day").fill(today)
    away.get_by_label("Last day").fill(today)
    away.get_by_role("button", name="Let them cover").click()
    expect(away.get_by_text("in force")).to_be_visible()

    # Tom sees her client with her name, and logs a session that carries his.
    tom.goto("/today/")
    expect(tom.get_by_text("You cover for Ada Okafor")).to_be_visible()
    open_episode(tom, code)
    expect(tom.get_by_text("You cover for Ada Okafor")).to_be_visible()
    expect(tom.get_by_role("link", name="Hand over")).to_have_count(0)
    link = steps.log_session(tom, tom.url, own=(6, 6, 6), note="In her stead.")
    assert link, "also with a link for the client"
    expect(tom.get_by_role("region", name="Session check-in by Tom Abara for Ada Okafor")).to_be_visible()

    # Ada is back, ends it, and sees what he did.
    ada.goto("/today/")
    expect(ada.get_by_text("Tom Abara covers for you")).to_be_visible()
    ada.get_by_role("link", name="Change").click()
    away.get_by_role("button", name="End now").click()
    expect(ada.get_by_text("Tom Abara no longer covers for you.")).to_be_visible()
    tom.goto(episode)
    expect(tom.get_by_role("heading", name="There is nothing here")).to_be_visible()
    ada.goto(episode)
    ada.locator("#numbers").get_by_role("link", name="Session 2").click()
    expect(ada.get_by_text("In her stead.")).to_be_visible()
    expect(ada.get_by_role("region", name="Session check-in by Tom Abara for Ada Okafor")).to_be_visible()

    # Ada hands the client over to Tom.
    ada.goto(episode)
    ada.get_by_role("link", name="Hand over to a colleague").click()
    ada.get_by_label("New therapist").select_option(label="Tom Abara")
    ada.get_by_role("button", name="Continue").click()
    expect(ada.get_by_role("heading", name="Hand over to Tom Abara?")).to_be_visible()
    expect(ada.get_by_text("see nothing recorded afterwards").first).to_be_visible()
    ada.go_back()
    ada.get_by_label("New therapist").select_option(label="Tom Abara")
    ada.get_by_role("button", name="Continue").click()
    expect(ada.get_by_label("Title of the new therapist")).to_have_value("Counsellor")
    ada.get_by_role("button", name="Hand over").click()
    expect(ada.get_by_text("Handed over to Tom Abara.")).to_be_visible()
    expect(ada.get_by_role("link", name=re.compile("Log session|Start a new|Change code"))).to_have_count(0)
    expect(ada.get_by_text(re.compile("handed over to Tom Abara on"))).to_be_visible()

    # The client's link of before has stopped working.
    phone = open_page(None, width=390)
    phone.goto(link)
    expect(phone.get_by_role("heading", name="This link can’t be used")).to_be_visible()

    # Tom goes on, reads what came before, and changes nothing in it.
    tom.goto("/today/")
    taken_over = tom.get_by_role("region", name="Handed over to you, not seen yet").get_by_role("listitem")
    taken_over.filter(has_text=code).get_by_role("link", name=code, exact=True).click()
    expect(tom.get_by_role("heading", name="No sessions yet")).to_be_visible()
    new = tom.url
    steps.log_session(tom, new, note="After the hand-over.")
    tom.goto(new)
    tom.get_by_role("link", name="with Ada Okafor, 2 sessions").click()
    tom.locator("#numbers").get_by_role("link", name="Session 1").click()
    expect(tom.get_by_text("Before Ada went away.")).to_be_visible()
    expect(tom.get_by_role("link", name="Edit")).to_have_count(0)

    # Ada still reads her part, and nothing after it.
    ada.goto(f"/clients/?show=ended&q={code}")
    expect(ada.get_by_role("row", name=code)).to_contain_text("handed over to Tom Abara")
    ada.goto(new)
    expect(ada.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_an_ending_is_told_by_both(open_page):
    ada, phone = open_page(), open_page(None, width=390, has_touch=True)
    code = steps.new_client(ada)
    episode = ada.url
    steps.log_session(ada, episode)
    ada.goto(episode)
    ada.get_by_role("link", name="End the episode").click()
    ada.get_by_text("By the client alone", exact=True).click()
    ada.get_by_label("Who decided").fill("They wrote that the new job leaves no time.")
    ada.get_by_role("button", name="End the episode").click()
    expect(ada.get_by_text("The episode is closed.")).to_be_visible()
    looking_back = ada.get_by_role("region", name="Looking back: the client’s link")

    phone.goto(looking_back.locator("[data-client-link]").get_attribute("href"))
    expect(phone.get_by_role("heading", name="Looking back")).to_be_visible()
    steps.rate(phone, [4])
    phone.get_by_label("The service ended it").check()
    phone.get_by_label("Anything you would like to say").fill("It was cut short.")
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_role("heading", name="Thank you. It has arrived.")).to_be_visible()

    ada.goto(episode)
    ended = ada.get_by_role("region", name="How it ended")
    for words in ("By your account", "They wrote that", f"By {code}’s account", "“The service ended it”", "4 of 10"):
        expect(ended).to_contain_text(words)
    ada.get_by_role("link", name="Start a new episode").click()
    expect(ada.get_by_text(f"{code} comes back.")).to_be_visible()
    ada.get_by_role("button", name="Start the episode").click()
    expect(ada.get_by_role("link", name="with you, 1 session")).to_be_visible()
