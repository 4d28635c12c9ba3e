"""From a licence to a client who reads the words: an administrator, a therapist and a client on three devices."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser

LICENCE = "Group licence 12, electronic use, 40 therapists."
# Invented, as every word here: four questions for the four lines of the SRS.
WORDS = [f"Invented question {number} <b>about</b> today" for number in range(1, 5)]


def card(page, title):
    return page.get_by_role("region", name=title)


def choose(page, measure, when, every=""):
    page.get_by_label("What, and by whom?").select_option(measure)
    page.get_by_label("When?").select_option(when)
    page.get_by_label("n, for every n-th session").fill(every)


@pytest.fixture
def as_it_was(open_page):
    """The demo serves other tests, too: what was added to the battery goes out again."""
    yield
    admin = open_page(steps.ADMINISTRATOR)
    admin.goto("/battery/")
    remove = admin.get_by_role("button", name="Remove Session Rating Scale by the client")
    if remove.count():
        remove.click()
    admin.goto("/instruments/srs/")
    off = admin.get_by_role("button", name="Switch off")
    if off.count():
        off.click()


def test_words_recorded_under_a_licence_reach_a_client_through_the_battery(open_page, as_it_was):
    admin, therapist, phone = open_page(steps.ADMINISTRATOR), open_page(), open_page(None, width=390, has_touch=True)
    admin.goto("/instruments/")
    admin.get_by_role("link", name="Session Rating Scale").click()
    expect(admin.get_by_role("button", name="Switch on")).to_have_count(0)
    admin.get_by_label("What the licence allows").fill(LICENCE)
    admin.get_by_label("Name of the person").fill("Sam Pereira")
    admin.get_by_role("button", name="Record the licence").click()
    admin.get_by_role("button", name="Switch on").click()
    expect(admin.get_by_text("Session Rating Scale is on.")).to_be_visible()

    admin.get_by_role("link", name="Add words in a language").click()
    expect(admin.get_by_label("What the licence allows")).to_have_value(
        "Group licence 12, electronic use, 40 therapists."
    )
    admin.get_by_label("Language").select_option("en")
    admin.get_by_label("What stands above the questions").fill("Mark each line.")
    admin.get_by_label("The items, one line each").fill("\n".join(WORDS[:3]))
    admin.get_by_role("button", name="Look at it").click()
    expect(admin.get_by_role("alert")).to_contain_text("There are 3 lines; the questionnaire has 4 items")
    expect(admin.get_by_role("row", name=re.compile("^4"))).to_contain_text("has no line yet.")
    admin.get_by_label("The items, one line each").fill("\n".join(f"{words} | low | high" for words in WORDS))
    admin.get_by_role("button", name="Look at it again").click()
    expect(card(admin, "This is how it will be read").get_by_text(WORDS[3])).to_be_visible()
    admin.get_by_role("button", name="Save these words").click()
    expect(admin.get_by_text("The words in English are recorded.")).to_be_visible()

    admin.goto("/battery/")
    choose(admin, "srs:client", "nth", "3")
    admin.get_by_role("button", name="Add", exact=True).click()
    asked = re.compile(r"Session 1\b.*Session Rating Scale.*Sessions 2 and 3", re.DOTALL)
    expect(card(admin, "So this is asked")).to_contain_text(asked)

    steps.new_client(therapist)
    link = steps.log_session(therapist, therapist.url)
    expect(card(therapist, "What is rated in this session")).to_contain_text("Session Rating Scale")
    expect(therapist.get_by_text(re.compile("It leads on to: .*Session Rating Scale"))).to_be_visible()

    steps.rate_as_client(phone, link, [7, 7, 7, 7, 7, 7])
    phone.get_by_role("button", name="Go on: 4 more questions").click()
    steps.rate(phone, [5])
    phone.get_by_role("button", name="Send").click()
    phone.get_by_role("button", name="Go on: 4 more questions").click()
    expect(phone.get_by_text("Mark each line.")).to_be_visible()
    expect(phone.get_by_text(WORDS[3])).to_be_visible()
    expect(phone.get_by_text("high").first).to_be_visible()
    assert not phone.locator("legend b").count()
    steps.rate(phone, [8, 8, 9, 10])
    phone.get_by_role("button", name="Send").click()
    expect(phone.get_by_text("The link has done its work")).to_be_visible()

    therapist.reload()
    rating = card(therapist, re.compile("Session Rating Scale by"))
    expect(rating).to_contain_text("35.0")
    rating.get_by_text("The answers, item by item").click()
    expect(rating.get_by_text(WORDS[0])).to_be_visible()
    rating.get_by_text("How this was scored").click()
    expect(rating.get_by_text("The sum of all 4 items: 0 to 40, higher is better.")).to_be_visible()


def test_a_rating_on_paper_is_entered_by_its_total_on_a_phone_and_corrected(open_page):
    page = open_page(width=390)
    steps.new_client(page)
    steps.log_session(page, page.url)
    page.get_by_text("Something else").click()
    page.get_by_role("link", name="Enter another rating from paper").click()
    page.get_by_label("What was filled in").select_option("phq-9:client")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Total, 0 to 27").fill("40")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("must be between 0 and 27")
    page.get_by_label("Total, 0 to 27").fill("14")
    page.get_by_role("button", name="Save").click()
    rating = card(page, re.compile("Patient Health Questionnaire"))
    expect(rating).to_contain_text("Entered from paper by Ada Okafor")
    expect(rating).to_contain_text("14.0")
    rating.get_by_role("link", name="Correct").click()
    page.get_by_label("Total, 0 to 27").fill("")
    for number in range(1, 10):
        page.get_by_label(f"Item {number}", exact=True).fill("2")
    page.get_by_role("button", name="Save").click()
    expect(rating).to_contain_text("18.0")
    assert not steps.is_wider_than_its_window(page)


def test_a_therapist_leaves_something_out_for_one_client(open_page):
    page = open_page()
    steps.new_client(page)
    episode = page.url
    page.get_by_role("link", name="What is rated when").click()
    page.get_by_role("button", name="Leave out Outcome check-in by the client").click()
    expect(page.get_by_role("status")).to_contain_text("Outcome check-in, not at all.")
    steps.log_session(page, episode)
    expect(card(page, "What is rated in this session")).not_to_contain_text("Outcome check-in")
    page.goto(f"{episode}battery/")
    page.get_by_role("button", name=re.compile("As in the service.*Outcome check-in")).click()
    expect(page.get_by_role("button", name="Leave out Outcome check-in by the client")).to_be_visible()


def wording_with_problems(page):
    page.goto("/instruments/gad-7/wording/")
    page.get_by_label("The items, one line each").fill("One. | low\nTwo.\nTwo.")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("alert")).to_be_visible()


def wording_looked_at(page):
    page.goto("/instruments/gad-7/wording/")
    page.get_by_label("Language").select_option("ar")
    page.get_by_label("The items, one line each").fill("\n".join(f"جملة {number}" for number in range(1, 8)))
    page.get_by_label("What the licence allows").fill("Free to use.")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("button", name="Save these words")).to_be_visible()


def new_session(page):
    steps.new_client(page)
    steps.log_session(page, page.url, own=())
    page.get_by_text("Something else").click()


def paper_with_problems(page):
    new_session(page)
    page.goto(f"{page.url.partition('#')[0]}paper/?measure=wai-36:observer")
    page.get_by_label("Item 7", exact=True).fill("9")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()


def paper_choice(page):
    new_session(page)
    page.goto(f"{page.url.partition('#')[0]}paper/")


def own_battery(page):
    steps.new_client(page)
    page.get_by_role("link", name="What is rated when").click()


PAGES = {
    "instruments": (steps.ADMINISTRATOR, lambda page: page.goto("/instruments/")),
    "instrument": (steps.ADMINISTRATOR, lambda page: page.goto("/instruments/session-check-in/")),
    "instrument that needs a licence": (steps.ADMINISTRATOR, lambda page: page.goto("/instruments/ors/")),
    "wording with problems": (steps.ADMINISTRATOR, wording_with_problems),
    "wording looked at": (steps.ADMINISTRATOR, wording_looked_at),
    "battery": (steps.ADMINISTRATOR, lambda page: page.goto("/battery/")),
    "battery of one client": (steps.THERAPIST, own_battery),
    "session": (steps.THERAPIST, new_session),
    "paper": (steps.THERAPIST, paper_with_problems),
    "which paper": (steps.THERAPIST, paper_choice),
}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, name):
    person, arrive = PAGES[name]
    page = open_page(person)
    arrive(page)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(50)
            found[scheme, width] = violations(page, scheme)
    assert not any(found.values()), found
    page.set_viewport_size({"width": 320, "height": 640})
    assert not steps.is_wider_than_its_window(page)
