"""The client's page: one hand, a bad connection, no account, perhaps no JavaScript."""

import http.client
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser

BYTES = 30_000


@pytest.fixture
def therapist_page(open_page):
    return open_page()


@pytest.fixture
def link(therapist_page):
    steps.new_client(therapist_page)
    therapist_page.episode = therapist_page.url
    link = steps.log_session(therapist_page, therapist_page.url)
    therapist_page.session = therapist_page.url
    return link


@pytest.fixture
def form(open_page, link):
    page = open_page(None, width=390, has_touch=True)
    page.goto(link)
    return page


def ratings_by_client(page):
    """The client's ratings that the session page shows, each as goal, task and bond."""
    page.goto(page.session)
    return page.locator("section:has(h2:has-text('by Y-')) table:first-of-type").evaluate_all(
        """tables => tables.filter((table) => table.tHead).map((table) =>
            [...table.tBodies[0].rows].slice(0, 3).map((row) => row.cells[1].textContent.trim()))"""
    )


def press_send(page):
    page.get_by_role("button", name="Send").click()


def test_an_untouched_line_is_not_answered_and_posts_nothing(form, therapist_page):
    assert [steps.answer(form, number) for number in range(1, 7)] == [""] * 6
    expect(steps.slider(form, 1)).to_have_attribute("aria-valuetext", "not answered")
    steps.rate(form, [6, 8])
    with form.expect_request(lambda request: request.method == "POST") as sent:
        press_send(form)
    expect(form.get_by_role("heading", name="Thank you")).to_be_visible()
    posted = [part.split("=") for part in sent.value.post_data.split("&")]
    assert {name: value for name, value in posted if name.startswith("item-")} == {
        "item-1": "6", "item-2": "8", "item-3": "", "item-4": "", "item-5": "", "item-6": "",
    }  # fmt: skip
    goal, task, bond = ratings_by_client(therapist_page)[0]
    assert goal == "7.0"
    assert not task[:1].isdigit() and not bond[:1].isdigit()


def test_nothing_answered_is_asked_about_kindly(form):
    press_send(form)
    expect(form.get_by_role("alert")).to_contain_text("Nothing is answered yet.")


def test_keys_set_move_and_clear_an_answer(form):
    line = steps.slider(form, 3)
    line.focus()
    after = {}
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight", "Home", "ArrowRight", "End", "Delete", "ArrowRight"):
        form.keyboard.press(key)
        after.setdefault(key, []).append(steps.answer(form, 3))
    assert after == {
        "ArrowLeft": ["10", "9"],
        "ArrowRight": ["10", "1", "0"],
        "Home": ["0"],
        "End": ["10"],
        "Delete": [""],
    }
    form.keyboard.type("10")
    assert steps.answer(form, 3) == "10"
    form.keyboard.press("Tab")
    form.keyboard.press("Shift+Tab")
    form.wait_for_timeout(1100)  # "1", "0" is ten only within a second
    form.keyboard.type("4")
    assert steps.answer(form, 3) == "4"
    expect(line).to_have_attribute("aria-valuetext", "4")
    form.locator("#id_item-3").get_by_role("button", name="clear").click()
    assert steps.answer(form, 3) == ""
    expect(line).to_have_attribute("aria-valuetext", "not answered")


@pytest.mark.parametrize(("part", "value"), [(0.02, "0"), (0.5, "5"), (0.98, "10")])
def test_a_tap_answers_where_it_lands(form, part, value):
    box = steps.touch_line(form, 1).bounding_box()
    form.touchscreen.tap(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
    assert steps.answer(form, 1) == value


def test_a_finger_that_scrolls_over_a_line_does_not_answer_it(form):
    swipe(form, steps.touch_line(form, 1).bounding_box(), down=-250)
    form.wait_for_function("scrollY > 50")
    assert steps.answer(form, 1) == ""


def test_a_finger_that_draws_along_a_line_answers_it(form):
    swipe(form, steps.touch_line(form, 1).bounding_box(), across=100)
    assert steps.answer(form, 1) in {"7", "8", "9"}


def swipe(page, box, *, across=0, down=0):
    session = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    session.send("Input.dispatchTouchEvent", touch)
    for part in range(1, 11):
        points = [{"x": x + across * part / 10, "y": y + down * part / 10}]
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
        page.wait_for_timeout(16)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_the_form_can_be_filled_and_sent_without_javascript(open_page, link, therapist_page):
    page = open_page(None, width=390, java_script_enabled=False)
    page.goto(link)
    for number, value in ((1, "9"), (2, "7"), (5, "0"), (6, "4")):
        page.locator(f"#id_item-{number}").get_by_label(value, exact=True).check()
    press_send(page)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    goal, _, bond = ratings_by_client(therapist_page)[0]
    assert (goal, bond) == ("8.0", "2.0")


def test_send_pressed_twice_gives_one_rating(form, therapist_page):
    steps.rate(form, [5, 5, 5, 5, 5, 5])
    form.get_by_role("button", name="Send").dblclick(no_wait_after=True)
    expect(form.get_by_role("heading", name="Thank you")).to_be_visible()
    assert ratings_by_client(therapist_page) == [["5.0", "5.0", "5.0"]]


def test_going_back_after_sending_shows_that_it_arrived_and_nothing_that_was_answered(form, therapist_page):
    link = form.url
    steps.rate(form, [5, 5, 5, 5, 5, 5])
    form.get_by_label("Anything that should be different").fill("Slower, please.")
    press_send(form)
    expect(form.get_by_role("heading", name="Thank you")).to_be_visible()
    form.goto(link)
    expect(form.get_by_role("heading", name="Thank you")).to_be_visible()
    assert "Slower" not in form.content()
    form.go_back()
    expect(form.get_by_text("Slower, please.")).to_have_count(0)
    assert ratings_by_client(therapist_page) == [["5.0", "5.0", "5.0"]]


def test_a_scanner_that_opens_the_link_first_uses_nothing_up(open_page, link):
    address = urlsplit(link)
    for method in ("HEAD", "GET", "HEAD", "GET"):
        scanner = http.client.HTTPConnection(address.netloc)
        scanner.request(method, address.path)
        assert scanner.getresponse().status == 302
        scanner.close()
    page = open_page(None, width=390)
    steps.rate_as_client(page, link, [5, 5, 5, 5, 5, 5])


def test_an_unknown_link_says_nothing_about_anybody(open_page, link):
    page = open_page(None, width=390)
    page.goto(link[:-4] + "AAAA")
    expect(page.get_by_role("heading", name="This link can’t be used")).to_be_visible()
    assert "Y-" not in page.content() and "Okafor" not in page.content()


def test_the_whole_page_is_small_and_comes_from_one_host(open_page, link):
    page = open_page(None, width=390)
    answers = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(link, wait_until="networkidle")
    sizes = {answer.url: answer.request.sizes()["responseBodySize"] for answer in answers if answer.status == 200}
    assert {url.rpartition(".")[2] for url in sizes} >= {"css", "js"}
    assert sum(sizes.values()) < BYTES, sizes
    assert {urlsplit(url).netloc for url in sizes} == {urlsplit(link).netloc}


def test_the_page_says_who_reads_the_answers_and_what_to_do_in_an_emergency(form):
    expect(form.get_by_text("Ada Okafor reads your answers")).to_contain_text(
        "A supervisor of Ada Okafor may read them"
    )
    expect(form.get_by_text("Nobody watches these answers")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "ar-EG"])
def test_nothing_scrolls_sideways_at_320_px_which_is_1280_px_four_times_enlarged(open_page, link, locale):
    page = open_page(None, width=320, locale=locale)
    page.goto(link)
    steps.rate(page, [5])
    for _layout in ("all", "one"):
        expect(steps.slider(page, 1)).to_be_visible()
        assert not steps.is_wider_than_its_window(page)
        page.locator("[data-layout]").click()


def test_everything_to_touch_is_at_least_44_px_high_and_wide(form):
    steps.rate(form, [5])
    touched = ".slider, .rating__clear, textarea, .field__check label, .link, main button:visible"
    for _layout in ("all", "one"):
        boxes = [target.bounding_box() for target in form.locator(touched).all() if target.is_visible()]
        assert len(boxes) >= 8
        assert [box for box in boxes if box["height"] < 43.9 or box["width"] < 43.9] == []
        form.get_by_role("button", name="One at a time").or_(form.get_by_role("button", name="All on")).click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reader_who_asks_for_more_contrast_gets_black_and_white(open_page, link, scheme):
    page = open_page(None, width=390, scheme=scheme, contrast="more")
    page.goto(link)
    steps.rate(page, [5])
    ink, ground = ("rgb(0, 0, 0)", "rgb(255, 255, 255)")[:: 1 if scheme == "light" else -1]
    assert page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor") == ground
    assert page.locator(".muted").first.evaluate("one => getComputedStyle(one).color") == ink
    page.emulate_media(forced_colors="active")
    drawn = page.locator("#id_item-1 .slider__thumb").evaluate("one => getComputedStyle(one).borderTopColor")
    assert drawn != page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
