"""A client's own device and the therapist's in the client's hands: what stays on it, what is sent, what it shows."""

import re

import pytest
from playwright.sync_api import Error, expect

from tests.browser import steps

pytestmark = pytest.mark.browser

TEXT = "Slower, please."
STORED = "Object.keys(localStorage).filter((key) => key.startsWith('rating:'))"
DAY = 24 * 60 * 60 * 1000


def stored(page):
    """The drafts on the device; asked once more where the page was just being loaded anew."""
    try:
        return page.evaluate(STORED)
    except Error:
        page.wait_for_load_state()
        return page.evaluate(STORED)


@pytest.fixture
def therapist_page(open_page):
    page = open_page()
    steps.new_client(page)
    page.link = steps.log_session(page, page.url)
    page.session = page.url.partition("#")[0]
    return page


@pytest.fixture
def form(open_page, therapist_page):
    page = open_page(None, width=390, has_touch=True)
    page.goto(therapist_page.link)
    return page


def fill(page, answers=(8, 6, None, None, 9, 10)):
    steps.rate(page, answers)
    page.locator("textarea").fill(TEXT)


def expect_filled(page):
    assert [steps.answer(page, number) for number in range(1, 7)] == ["8", "6", "", "", "9", "10"]
    expect(page.locator("textarea")).to_have_value(TEXT)
    expect(steps.slider(page, 2)).to_have_attribute("aria-valuetext", "6")


def send(page):
    page.locator("[data-send]").click()


def expect_sent(page):
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def ratings_by_client(page):
    page.goto(page.session)
    return page.get_by_role("heading", name=re.compile("Session check-in by Y-")).count()


# --- Layouts ----------------------------------------------------------------------------------------


def test_one_question_at_a_time_is_chosen_once_and_goes_back_without_loss(form, therapist_page, open_page):
    form.get_by_role("button", name="One at a time").click()
    expect(form.get_by_text("Question 1 of 6")).to_be_visible()
    questions = form.locator("[data-rating]:visible")
    next_, back = form.get_by_role("button", name="Next"), form.get_by_role("button", name="Back")
    for number in range(1, 7):
        expect(questions).to_have_count(1)
        expect(form.get_by_text(f"Question {number} of 6")).to_be_visible()
        expect(back).to_be_visible(visible=number > 1)
        expect(form.locator("[data-send]")).to_be_hidden()
        steps.slider(form, number).focus()
        form.keyboard.type(str(number))
        form.keyboard.press("Enter")  # leads on, and sends nothing
    expect(form.locator("[data-send]")).to_be_visible()
    expect(form.get_by_text("Answered: 6 of 6")).to_be_visible()
    form.locator("textarea").fill(TEXT)
    form.go_back()
    expect(form.get_by_text("Question 6 of 6")).to_be_visible()
    back.click()
    expect(form.locator("#id_item-5")).to_be_focused()
    assert [steps.answer(form, number) for number in range(1, 7)] == list("123456")
    form.reload()
    expect(form.get_by_text("Question 5 of 6")).to_be_visible()
    assert steps.answer(form, 6) == "6"
    next_.click()
    next_.click()
    send(form)
    expect_sent(form)
    assert ratings_by_client(therapist_page) == 1
    therapist_page.get_by_role("button", name="Make a link for Outcome").click()
    link = therapist_page.locator("[data-client-link]").get_attribute("href")
    form.goto(link)
    expect(form.get_by_text("Question 1 of 4")).to_be_visible()
    stranger = open_page(None, width=390)
    stranger.goto(link)
    expect(stranger.locator("[data-rating]:visible")).to_have_count(4)
    form.get_by_role("button", name="All on one page").click()
    expect(form.locator("[data-rating]:visible")).to_have_count(4)


def test_a_refused_form_leads_to_the_question_in_either_layout(form, watch):
    form.get_by_role("button", name="One at a time").click()
    form.goto(form.url.partition("#")[0] + "#last")
    send(form)
    expect(form.get_by_role("alert")).to_contain_text("Nothing is answered yet.")
    form.evaluate("document.querySelector('[name=item-3][value=\"5\"]').value = '55'")
    form.evaluate("document.querySelector('[name=item-3][value=\"55\"]').checked = true")
    send(form)
    expect(form.get_by_role("alert")).to_contain_text("Please choose a whole number from 0 to 10.")
    form.get_by_role("alert").get_by_role("link").click()
    expect(form.get_by_text("Question 3 of 6")).to_be_visible()


# --- Draft ------------------------------------------------------------------------------------------


def test_a_draft_comes_back_after_a_reload_and_is_gone_once_it_is_sent(form, therapist_page):
    expect(form.get_by_text("kept on this device only")).to_be_hidden()
    fill(form)
    expect(form.get_by_text("kept on this device only")).to_be_visible()
    form.reload()
    expect_filled(form)
    form.goto(therapist_page.link)
    expect_filled(form)
    (key,) = stored(form)
    assert form.url.split("/")[-2] == key.removeprefix("rating:")
    send(form)
    expect_sent(form)
    assert form.evaluate("JSON.stringify([localStorage, sessionStorage])") == "[{},{}]"
    assert ratings_by_client(therapist_page) == 1


def test_a_draft_is_erased_on_demand_after_a_day_and_when_its_link_expires(form, open_page, therapist_page):
    fill(form)
    form.get_by_role("button", name="Erase them").click()
    expect(form.get_by_text("kept on this device only")).to_be_hidden()
    assert [steps.answer(form, number) for number in range(1, 7)] == [""] * 6
    assert stored(form) == []

    later = open_page(None, width=390)
    later.clock.install()
    later.goto(therapist_page.link)
    fill(later)
    assert len(stored(later)) == 1
    later.clock.fast_forward(DAY + 1000)
    assert stored(later) == [], "the page was left open"

    def nearly_expired(route):
        answer = route.fetch()
        body = re.sub(r'data-lasts="\d+"', 'data-lasts="60"', answer.text())
        return route.fulfill(response=answer, body=body)

    short = open_page(None, width=390)
    short.clock.install()
    short.goto(therapist_page.link)
    short.route("**/rate/**", nearly_expired)
    short.reload()
    fill(short)
    assert len(stored(short)) == 1
    short.clock.fast_forward(61_000)
    assert stored(short) == []

    other = open_page(None, width=390)
    other.goto(therapist_page.link)
    fill(other)
    other.evaluate("key => localStorage.setItem(key, JSON.stringify({ until: Date.now() - 1 }))", "rating:old")
    other.evaluate("key => localStorage.setItem(key, 'what is this?')", "rating:odd")
    other.goto("/r/nothing")
    assert "rating:old" not in stored(other) and "rating:odd" not in stored(other)
    assert len(stored(other)) == 1, "that of the link which may still be opened again"


# --- Sending ----------------------------------------------------------------------------------------


def test_what_is_sent_offline_waits_in_the_page_says_so_and_arrives_once(form, therapist_page, watch):
    watch.forgive("net::ERR_")
    fill(form)
    form.context.set_offline(True)
    send(form)
    status = form.get_by_role("status")
    expect(status).to_contain_text("Not sent yet. You are offline; keep this page open")
    expect(form.locator("#id_item-1")).to_have_attribute("inert", "")
    send(form)
    expect(status).to_contain_text("Not sent yet.")
    assert ratings_by_client(therapist_page) == 0
    form.context.set_offline(False)
    expect_sent(form)
    assert ratings_by_client(therapist_page) == 1
    therapist_page.get_by_text("The answers, item by item").first.click()
    expect(therapist_page.get_by_text(TEXT)).to_be_visible()
    expect(therapist_page.get_by_text("Filled in within")).to_have_count(0)


def test_an_answer_lost_on_its_way_back_is_asked_for_again_and_counts_once(form, watch, therapist_page):
    watch.forgive("net::ERR_")
    arrived = []

    def lose(route):
        if route.request.method != "POST":
            return route.continue_()
        arrived.append(route.request.post_data)
        if len(arrived) > 1:
            return route.continue_()
        assert route.fetch(max_redirects=0).status == 302
        return route.abort("aborted")

    form.route("**/rate/**", lose)
    fill(form)
    send(form)
    expect(form.get_by_role("status")).to_contain_text("Not confirmed yet: the connection broke off.")
    form.evaluate("dispatchEvent(new Event('online'))")
    expect_sent(form)
    first, second = (re.search("submission=[^&]+", sent)[0] for sent in arrived)
    assert first == second
    assert ratings_by_client(therapist_page) == 1


def test_a_server_that_breaks_is_tried_again_by_itself(form, watch, therapist_page):
    watch.forgive("503")
    form.clock.install()
    form.reload()

    def break_it(route):
        return route.fulfill(status=503) if route.request.method == "POST" else route.continue_()

    form.route("**/rate/**", break_it)
    fill(form)
    send(form)
    expect(form.get_by_role("status")).to_contain_text("Not confirmed yet")
    form.unroute("**/rate/**")
    form.clock.fast_forward(5000)
    expect_sent(form)
    assert ratings_by_client(therapist_page) == 1


# --- Languages --------------------------------------------------------------------------------------


def test_the_language_is_switched_without_loss_and_arabic_runs_from_right_to_left(form, therapist_page, watch):
    fill(form)
    form.get_by_role("button", name="Deutsch").click()
    expect(form.get_by_role("heading", name="Wie war es heute für Sie?")).to_be_visible()
    expect_filled(form)
    form.get_by_role("button", name="العربي").click()
    expect(form.locator("html[lang=ar][dir=rtl]")).to_be_attached()
    expect_filled(form)
    expect(form.locator("#id_item-3").get_by_text("الإجابة بلمس الخط")).to_be_visible()
    line = steps.touch_line(form, 3)
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    for part, value in ((0.02, "10"), (0.5, "5"), (0.98, "0")):
        form.touchscreen.tap(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        assert steps.answer(form, 3) == value
    steps.slider(form, 3).focus()
    for key, value in (("ArrowLeft", "1"), ("ArrowLeft", "2"), ("ArrowRight", "1"), ("ArrowUp", "2"), ("End", "10")):
        form.keyboard.press(key)
        assert steps.answer(form, 3) == value
    steps.slider(form, 3).dispatch_event("keydown", {"key": "٧"})
    assert steps.answer(form, 3) == "7"
    thumb, fill_ = (form.locator(f"#id_item-3 .slider__{part}").bounding_box() for part in ("thumb", "fill"))
    assert thumb["x"] < box["x"] + box["width"] / 2 < fill_["x"] + fill_["width"]
    form.goto(therapist_page.link)
    expect(form.locator("html[lang=ar]")).to_be_attached()
    send(form)
    expect(form.get_by_role("heading", name="شكرًا لك")).to_be_visible()
    assert ratings_by_client(therapist_page) == 1


def test_the_language_is_switched_without_loss_without_javascript(open_page, therapist_page):
    page = open_page(None, width=390, java_script_enabled=False, locale="de-DE")
    page.goto(therapist_page.link)
    page.locator("#id_item-1").get_by_label("9", exact=True).check()
    page.locator("textarea").fill(TEXT)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="How was it for you today?")).to_be_visible()
    expect(page.locator("#id_item-1").get_by_label("9", exact=True)).to_be_checked()
    page.locator("#id_item-2").get_by_label("8", exact=True).check()
    page.keyboard.press("Enter")  # in a form with several buttons: it must send, not switch
    expect_sent(page)
    assert ratings_by_client(therapist_page) == 1


# --- In the client's hands --------------------------------------------------------------------------


@pytest.fixture
def tablet(open_page):
    """Signed in on its own, as handing over changes the session; with a session of two due ratings open."""
    page = open_page(None)
    steps.sign_in(page, steps.THERAPIST)
    steps.new_client(page)
    page.episode = page.url
    steps.log_session(page, page.url)
    page.session = page.url.partition("#")[0]
    return page


def test_a_device_that_was_handed_over_leads_nowhere_else_until_the_password(tablet):
    other = tablet.context.new_page()
    other.goto(tablet.episode)
    expect(other.get_by_role("heading", level=1)).to_contain_text("Y-")
    tablet.get_by_role("button", name="Hand over this device").click()
    expect(tablet.get_by_text("How was it for you today?")).to_be_visible()
    rating = tablet.url

    closed = "Please give the device back"
    expect(other.get_by_role("heading", name=closed)).to_be_visible()
    assert "Y-" not in other.content()
    other.close()

    tablet.go_back()
    expect(tablet.get_by_role("heading", name=closed)).to_be_visible()
    assert "Y-" not in tablet.content()
    for address in ("/", "/clients/", tablet.session, tablet.episode, "/sign-out/", "/sign-in/", "/r/nothing"):
        tablet.goto(address)
        expect(tablet.get_by_role("heading", name=closed)).to_be_visible()
    tab = tablet.context.new_page()
    tab.goto("/today/")
    expect(tab.get_by_role("heading", name=closed)).to_be_visible()
    tab.close()

    tablet.get_by_role("link", name="Back to the questions").click()
    assert tablet.url == rating
    fill(tablet)
    assert stored(tablet) == []
    tablet.reload()
    expect(tablet.get_by_text("How was it for you today?")).to_be_visible()
    assert [steps.answer(tablet, number) for number in range(1, 7)] == [""] * 6
    expect(tablet.locator("textarea")).to_have_value("")
    tablet.get_by_role("button", name="One at a time").click()
    tablet.goto(f"{rating}#last")
    tablet.locator("textarea").fill(TEXT)
    send(tablet)
    expect_sent(tablet)
    tablet.go_back()
    expect(tablet.get_by_text(TEXT)).to_have_count(0)
    tablet.goto(f"{rating}thanks/")
    tablet.get_by_role("link", name="Go on: 4 more questions").click()
    expect(tablet.locator("[data-rating]:visible")).to_have_count(4)
    steps.rate(tablet, [5, 5, 5, 5])
    send(tablet)
    expect(tablet.get_by_text("Please give the device back to Ada Okafor.")).to_be_visible()
    kept = tablet.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert TEXT not in kept and "rating" not in kept

    tablet.get_by_role("link", name="Give the device back").click()
    tablet.get_by_label("Password").fill("not the password")
    tablet.get_by_role("button", name="Take the device back").click()
    expect(tablet.get_by_text("This password is not correct.")).to_be_visible()
    tablet.get_by_label("Password").fill(steps.PASSWORD)
    tablet.get_by_role("button", name="Take the device back").click()
    expect(tablet.get_by_text("The device is yours again.")).to_be_visible()
    assert tablet.url.startswith(tablet.session)
    tablet.goto(rating)
    expect(tablet.get_by_text(TEXT)).to_have_count(0)
    assert ratings_by_client(tablet) == 1
    expect(tablet.get_by_role("link", name="Clients").first).to_be_visible()
