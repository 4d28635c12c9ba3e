"""Whatever goes wrong between typing and saving, what was typed is still there."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_page):
    page = open_page()
    steps.new_client(page)
    page.episode = page.url
    page.goto(f"{page.episode}log/")
    return page


def fill(page):
    steps.rate(page, [6, 7, 8])
    page.get_by_label("Note").fill("Talked about the evening walk.")


def expect_filled(page):
    expect(page.get_by_label("Note")).to_have_value("Talked about the evening walk.")
    assert [steps.answer(page, number) for number in (1, 2, 3)] == ["6", "7", "8"]
    expect(steps.slider(page, 2)).to_have_attribute("aria-valuetext", "7")


def save(page):
    page.get_by_role("button", name="Save session").click()


def sessions(page):
    page.goto(page.episode)
    return list(steps.numbers_table(page))


def test_a_refused_form_keeps_text_and_lines(page):
    fill(page)
    date = page.get_by_label("Date").input_value()
    page.get_by_label("Date").fill("")
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("There is a problem")
    expect(page.get_by_role("alert")).to_be_focused()
    expect_filled(page)
    page.get_by_label("Date").fill(date)
    save(page)
    expect(page.get_by_text("Session 1 is saved.")).to_be_visible()
    assert sessions(page) == [1]


def test_a_reloaded_form_says_that_it_restored_what_was_typed(page):
    fill(page)
    page.reload()
    expect(page.get_by_text("Restored what you had typed.")).to_be_visible()
    expect_filled(page)
    save(page)
    expect(page.get_by_text("Session 1 is saved.")).to_be_visible()
    page.goto(f"{page.episode}log/")
    expect(page.get_by_label("Note")).to_have_value("")
    expect(page.get_by_text("Restored what you had typed.")).to_have_count(0)


def test_a_sign_in_that_ran_out_while_typing_costs_nothing(page):
    fill(page)
    page.context.clear_cookies()
    save(page)
    expect(page.get_by_text("Session 1 is saved.")).to_have_count(0)
    steps.sign_in(page, steps.THERAPIST)
    page.goto(f"{page.episode}log/")
    expect_filled(page)
    save(page)
    expect(page.get_by_text("Session 1 is saved.")).to_be_visible()


def test_somebody_else_in_the_same_tab_finds_nothing_of_it(page):
    fill(page)
    page.context.clear_cookies()
    steps.sign_in(page, steps.OTHER_THERAPIST)
    steps.new_client(page)
    assert (
        page.evaluate("Object.keys(sessionStorage).filter(key => sessionStorage[key].includes('evening walk'))") == []
    )


def test_save_pressed_twice_saves_one_session(page):
    fill(page)
    page.get_by_role("button", name="Save session").dblclick(no_wait_after=True)
    expect(page.get_by_text("Session 1 is saved.")).to_be_visible()
    assert sessions(page) == [1]


def test_the_same_form_sent_from_two_tabs_saves_one_session(page):
    fill(page)
    body = page.evaluate("new URLSearchParams(new FormData(document.querySelector('form[data-keep]'))).toString()")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": page.url}
    answers = [page.request.post(page.url, data=body, headers=headers, max_redirects=0) for _ in range(2)]
    assert [answer.status for answer in answers] == [302, 302]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert sessions(page) == [1]


def test_a_second_tab_that_saves_later_is_shown_both_texts(page):
    fill(page)
    save(page)
    expect(page.get_by_text("Session 1 is saved.")).to_be_visible()
    edit = re.sub("[?#].*", "", page.url) + "edit/"
    second = page.context.new_page()
    page.goto(edit)
    second.goto(edit)
    page.get_by_label("Note").fill("Written in the first tab.")
    save(page)
    expect(page.get_by_text("Written in the first tab.")).to_be_visible()

    second.get_by_label("Note").fill("Written in the second tab.")
    save(second)
    expect(second.get_by_role("heading", name="Session 1 was saved meanwhile")).to_be_visible()
    expect(second.get_by_role("region", name="Saved now")).to_contain_text("Written in the first tab.")
    expect(second.get_by_label("Note")).to_have_value("Written in the second tab.")
    assert [steps.answer(second, number) for number in (1, 2, 3)] == ["6", "7", "8"]

    second.get_by_label("Note").fill("Written in the first tab, and in the second.")
    save(second)
    expect(second.get_by_text("Written in the first tab, and in the second.")).to_be_visible()


def test_a_link_pressed_while_typing_leads_back_to_what_was_typed(page):
    fill(page)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
    page.goto(f"{page.episode}log/")
    expect_filled(page)
