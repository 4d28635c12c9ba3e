"""axe-core on every page in every width and scheme, and the main job without a mouse."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser

# Between the schemes only colours change.
RULES = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"resultTypes": ["violations"], "runOnly": ["color-contrast"]},
}


def violations(page, scheme):
    found = Axe().run(page, options=RULES[scheme]).response["violations"]
    return [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]


def goto(address):
    return lambda page, _: page.goto(address)


def new_client_with_errors(page, _):
    page.goto("/clients/new/")
    page.get_by_role("button", name="Add client").click()
    expect(page.get_by_role("alert")).to_be_visible()


def log_with_errors(page, episode):
    page.goto(f"{episode}log/")
    page.get_by_label("Date").fill("")
    page.get_by_role("button", name="Save session").click()
    expect(page.get_by_role("alert")).to_be_visible()


def episode_with_chart(page, episode):
    page.goto(episode)
    steps.drawn(page)


def ratings_together(page, episode):
    page.goto(f"{episode}together/")
    steps.drawn(page, "own-chart")


def session_with_link(page, _):
    steps.new_client(page)
    assert steps.log_session(page, page.url)


def rate_form(page, _):
    session_with_link(page, _)
    page.goto(page.locator("[data-client-link]").get_attribute("href"))
    steps.rate(page, [7])


def thanks(page, _):
    session_with_link(page, _)
    steps.rate_as_client(page, page.locator("[data-client-link]").get_attribute("href"), [7, 7, 7, 7, 7, 7])


def risk_answer_with_error(page, _):
    page.goto("/today/")
    page.get_by_role("button", name="Acknowledge").first.click()
    expect(page.get_by_role("alert")).to_be_visible()


def open_rupture(page, _):
    page.goto("/today/")
    page.get_by_role("region", name="Open repairs").get_by_role("link", name="Open the").first.click()
    expect(page.get_by_role("heading", name="What was tried")).to_be_visible()


def rupture_with_suggestions(page, _):
    open_rupture(page, _)
    page.get_by_text("What the literature advises").click()
    expect(page.get_by_text("In a later session")).to_be_visible()


def rupture_to_resolve(page, _):
    open_rupture(page, _)
    page.get_by_role("link", name="It has settled").click()
    expect(page.get_by_role("heading", name="Has it settled?")).to_be_visible()


def new_rupture_with_errors(page, episode):
    page.goto(f"{episode}ruptures/new/")
    page.get_by_text("Withdrawal", exact=True).click()
    page.get_by_text("Pressed the therapist").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()


def rupture_saved_meanwhile(page, _):
    open_rupture(page, _)
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"{page.url.split('edit/')[0]}edit/")
    for tab, words in ((other, "Saved in another tab."), (page, "Typed here.")):
        tab.get_by_label("What happened").fill(words)
        tab.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing was overwritten.")).to_be_visible()


def attempt_with_errors(page, _):
    open_rupture(page, _)
    page.get_by_role("link", name="Note a repair attempt").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()


def agreed(page, episode, part=""):
    """The pages of what is agreed, of a demo client who has agreed on something."""
    steps.demo_agreements(page)
    page.goto(f"{page.url.split('agreements/')[0]}{part}")
    return page


def episode_with_agreements(page, episode):
    agreed(page, episode)
    steps.drawn(page)
    page.get_by_text("The numbers by session").click()


def goals_and_tasks(page, episode):
    agreed(page, episode, "agreements/")
    expect(page.get_by_role("progressbar").first).to_be_visible()
    for summary in page.locator("details > summary").all():
        summary.click()


def goal_with_errors(page, episode):
    agreed(page, episode, "goals/new/")
    page.get_by_label("Target").fill("soon")
    page.get_by_role("button", name="Save goal").click()
    expect(page.get_by_role("alert")).to_be_visible()


def levels(page, episode):
    goals_and_tasks(page, episode)
    page.get_by_role("link", name="Where are you now?").first.click()
    expect(page.get_by_role("group", name="Which of the five levels?")).to_be_visible()


def engagement_form(page, episode):
    agreed(page, episode, "engagement/safe-space/")
    page.get_by_label("Judgemental attitude").check()


def conditions(page, episode):
    agreed(page, episode)
    page.locator("#numbers a").first.click()
    page.get_by_text("Core conditions").first.click()
    expect(page.get_by_role("button", name="Save core conditions")).to_be_visible()


def one_at_a_time(page, _):
    rate_form(page, _)
    page.get_by_role("button", name="One at a time").click()
    page.get_by_role("button", name="Next").click()


def rate_form_in_arabic(page, _):
    rate_form(page, _)
    page.get_by_role("button", name="العربي").click()
    expect(page.locator("html[dir=rtl]")).to_be_attached()


def rate_form_not_sent(page, _):
    rate_form(page, _)
    page.context.set_offline(True)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("Not sent yet.")


def handed_over(page, _):
    """Signed in anew: handing over ends the session that the other tests share."""
    steps.sign_in(page, steps.THERAPIST)
    session_with_link(page, _)
    page.get_by_role("button", name="Hand over this device").click()
    expect(page.get_by_role("link", name="Give the device back")).to_be_visible()


def thanks_on_it(page, _):
    handed_over(page, _)
    steps.rate(page, [7, 7, 7, 7, 7, 7])
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def hand_back(page, _):
    handed_over(page, _)
    page.goto("/today/")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Take the device back").click()
    expect(page.get_by_text("This password is not correct.")).to_be_visible()


def caseload_with_chart(page, _):
    page.goto("/caseload/")
    steps.drawn(page, "caseload-chart")


def tokens_with_errors(page, _address):
    token_made(page, _address)
    page.goto("/account/tokens/")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()


def token_made(page, _address):
    page.goto("/account/tokens/")
    page.get_by_label("What it is for").fill("Waiting list")
    page.get_by_label("Your password").fill(steps.PASSWORD)
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("it is shown only this once")).to_be_visible()


def absence_with_errors(page, _):
    page.goto("/account/")
    page.get_by_role("button", name="Let them cover").click()
    expect(page.get_by_role("alert")).to_be_visible()


def end_with_errors(page, episode):
    page.goto(f"{episode}end/")
    page.get_by_role("button", name="End the episode").click()
    expect(page.get_by_role("alert")).to_be_visible()


def who_will_see_what(page, episode):
    page.goto(f"{episode}hand-over/")
    page.get_by_label("New therapist").select_option(label="Tom Abara")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Hand over to Tom Abara?")).to_be_visible()


def service_with_charts(page, _):
    steps.open_service(page)
    for method in page.get_by_text("How this is worked out").all():
        method.click()


def ended_episode(page, _):
    """Tom covers for Ines, whose clients are among those that have ended."""
    page.goto("/clients/?show=ended")
    page.locator("main table tbody a").first.click()
    expect(page.get_by_role("heading", name="How it ended")).to_be_visible()


def episodes_by_code(page, _):
    page.goto("/people/")
    page.get_by_role("link", name="open episodes of Tom Abara").click()
    expect(page.get_by_role("heading", name="Open episodes of Tom Abara")).to_be_visible()


def texts_looked_at(page, _):
    page.goto("/administration/texts/")
    page.get_by_label("What to do about a risk answer").fill("Ring them.")
    page.get_by_role("button", name="Look at it first").click()
    expect(page.get_by_text("Not saved yet.")).to_be_visible()


def texts_with_errors(page, _):
    page.goto("/administration/texts/")
    page.get_by_label("Subject of the e-mails").fill("Your therapy session")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()


def looking_back(page, _):
    session_with_link(page, _)
    page.get_by_role("link", name="Go to the chart").click()
    page.goto(f"{page.url}end/")
    page.get_by_text("By the client alone", exact=True).click()
    page.get_by_role("button", name="End the episode").click()
    page.get_by_role("region", name="Looking back").locator("[data-client-link]").click()
    expect(page.get_by_role("heading", name="Looking back")).to_be_visible()


def supervision_of_ada(page, _):
    page.goto("/supervision/")
    page.get_by_role("link", name="Ada Okafor", exact=True).click()
    expect(page.get_by_role("heading", name="Learning targets")).to_be_visible()
    for summary in page.locator("main details > summary").all():
        summary.click()


def planned_meeting(page, _):
    page.goto("/supervision/")
    page.get_by_role("link", name="with Ada Okafor").first.click()
    expect(page.get_by_role("heading", name="Agenda")).to_be_visible()


def finished_meeting(page, _):
    supervision_of_ada(page, _)
    page.get_by_role("region", name="Meetings").get_by_role("link").last.click()
    expect(page.get_by_text("In the ratings since:").first).to_be_visible()


def supervision_pack(page, _):
    planned_meeting(page, _)
    page.get_by_role("link", name="Pack of").first.click()
    expect(page.get_by_role("heading", name="Three questions to rehearse")).to_be_visible()


def target_with_errors(page, _):
    supervision_of_ada(page, _)
    page.get_by_role("link", name="Set a target").click()
    page.get_by_role("button", name="Set it").click()
    expect(page.get_by_role("alert")).to_be_visible()


def what_came_of_a_step(page, _):
    page.goto("/supervision/")
    page.get_by_role("link", name="What came of it").first.click()
    expect(page.get_by_role("heading", name="What came of it")).to_be_visible()


PAGES = {
    "sign-in": (None, goto("/sign-in/")),
    "today": (steps.THERAPIST, goto("/today/")),
    "client list": (steps.THERAPIST, goto("/clients/")),
    "new client with errors": (steps.THERAPIST, new_client_with_errors),
    "risk answer with error": (steps.THERAPIST, risk_answer_with_error),
    "episode": (steps.THERAPIST, episode_with_chart),
    "before the session": (steps.THERAPIST, lambda page, episode: page.goto(f"{episode}before-session/")),
    "timeline": (steps.THERAPIST, lambda page, episode: page.goto(f"{episode}timeline/")),
    "ratings together": (steps.THERAPIST, ratings_together),
    "episode with agreements": (steps.THERAPIST, episode_with_agreements),
    "goals and tasks": (steps.THERAPIST, goals_and_tasks),
    "agreement log": (steps.THERAPIST, lambda page, episode: agreed(page, episode, "agreements/log/")),
    "goal with errors": (steps.THERAPIST, goal_with_errors),
    "progress of a goal": (steps.THERAPIST, levels),
    "engagement phase": (steps.THERAPIST, lambda page, episode: agreed(page, episode, "engagement/")),
    "engagement objective": (steps.THERAPIST, engagement_form),
    "core conditions": (steps.THERAPIST, conditions),
    "log with errors": (steps.THERAPIST, log_with_errors),
    "session with link": (steps.THERAPIST, session_with_link),
    "rate form": (steps.THERAPIST, rate_form),
    "one question at a time": (steps.THERAPIST, one_at_a_time),
    "rate form in Arabic": (steps.THERAPIST, rate_form_in_arabic),
    "rate form not sent": (steps.THERAPIST, rate_form_not_sent),
    "thanks": (steps.THERAPIST, thanks),
    "rupture with suggestions": (steps.THERAPIST, rupture_with_suggestions),
    "rupture to resolve": (steps.THERAPIST, rupture_to_resolve),
    "rupture saved meanwhile": (steps.THERAPIST, rupture_saved_meanwhile),
    "new rupture with errors": (steps.THERAPIST, new_rupture_with_errors),
    "repair attempt with errors": (steps.THERAPIST, attempt_with_errors),
    "handed over": (None, handed_over),
    "thanks on a device handed over": (None, thanks_on_it),
    "hand back": (None, hand_back),
    "unusable link": (None, goto("/r/nothing")),
    "link that stops nothing": (None, goto("/stop/nothing")),
    "supervision": (steps.SUPERVISOR, goto("/supervision/")),
    "supervision of a therapist": (steps.SUPERVISOR, supervision_of_ada),
    "planned meeting of supervision": (steps.SUPERVISOR, planned_meeting),
    "finished meeting of supervision": (steps.SUPERVISOR, finished_meeting),
    "supervision pack": (steps.SUPERVISOR, supervision_pack),
    "learning target with errors": (steps.SUPERVISOR, target_with_errors),
    "own supervision": (steps.THERAPIST, goto("/supervision/")),
    "what came of a next step": (steps.THERAPIST, what_came_of_a_step),
    "caseload": (steps.SUPERVISOR, caseload_with_chart),
    "how the service is doing": (steps.SUPERVISOR, service_with_charts),
    "how the service is doing, to an administrator": (steps.ADMINISTRATOR, service_with_charts),
    "method notes": (steps.THERAPIST, goto("/methods/")),
    "people": (steps.ADMINISTRATOR, goto("/people/")),
    "service": (steps.ADMINISTRATOR, goto("/service/")),
    "administration": (steps.ADMINISTRATOR, goto("/administration/")),
    "nobody found among people": (steps.ADMINISTRATOR, goto("/people/?q=nobody of this name")),
    "supervision and cover": (steps.ADMINISTRATOR, goto("/people/supervision-and-cover/")),
    "texts": (steps.ADMINISTRATOR, texts_looked_at),
    "texts with errors": (steps.ADMINISTRATOR, texts_with_errors),
    "thresholds": (steps.ADMINISTRATOR, goto("/administration/thresholds/")),
    "what is usual": (steps.ADMINISTRATOR, goto("/administration/priors/")),
    "background jobs": (steps.ADMINISTRATOR, goto("/administration/jobs/")),
    "put away": (steps.ADMINISTRATOR, goto("/administration/jobs/measures.sweep_trends/put-away/")),
    "trends": (steps.ADMINISTRATOR, goto("/trends/")),
    "account": (steps.THERAPIST, goto("/account/")),
    "token made": (steps.THERAPIST, token_made),
    "tokens with errors": (steps.THERAPIST, tokens_with_errors),
    "absence with errors": (steps.THERAPIST, absence_with_errors),
    "end with errors": (steps.THERAPIST, end_with_errors),
    "hand over: who will see what": (steps.THERAPIST, who_will_see_what),
    "today of who covers": (steps.OTHER_THERAPIST, goto("/today/")),
    "ended episode": (steps.OTHER_THERAPIST, ended_episode),
    "episodes by code": (steps.ADMINISTRATOR, episodes_by_code),
    "looking back": (steps.THERAPIST, looking_back),
    "refused": (steps.ADMINISTRATOR, goto("/today/")),
    "not found": (steps.THERAPIST, goto("/episodes/00000000-0000-0000-0000-000000000000/")),
    "components": (steps.THERAPIST, goto("/gallery/")),
}


@pytest.fixture(scope="module")
def known_episode(product):
    return {}


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(open_page, known_episode, name):
    person, arrive = PAGES[name]
    if person == steps.THERAPIST and not known_episode:
        known_episode["address"] = steps.demo_episode(open_page(person))
    page = open_page(person)
    arrive(page, known_episode.get("address"))
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(50)
            found[scheme, width] = violations(page, scheme)
    assert not any(found.values()), found
    page.set_viewport_size({"width": 320, "height": 640})
    page.wait_for_timeout(300)  # a chart is drawn anew
    assert not steps.is_wider_than_its_window(page)


def test_the_main_job_needs_no_mouse(open_page):
    setup = open_page()
    steps.new_client(setup)
    page = open_page(None)
    page.goto("/sign-in/")
    steps.tab_to(page, page.get_by_label("E-mail").or_(page.get_by_label("Email")))
    page.keyboard.type(steps.THERAPIST)
    page.keyboard.press("Tab")
    page.keyboard.type(steps.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()

    page.goto(setup.url)
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Log session 1 with")).to_be_visible()
    steps.tab_to(page, steps.slider(page, 1))
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    steps.tab_to(page, page.get_by_label("Note"))
    page.keyboard.type("Without a mouse.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Session 1 is saved.")).to_be_visible()
    expect(page.get_by_role("region", name="Session check-in by Ada Okafor")).to_contain_text("9.0")

    link = page.locator("[data-client-link]")
    steps.tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.get_by_text("reads your answers")).to_be_visible()
    for number in range(1, 7):
        steps.tab_to(page, steps.slider(page, number))
        page.keyboard.press("5")
    steps.tab_to(page, page.get_by_role("button", name="Send"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_a_question_mark_opens_the_list_of_shortcuts(open_page):
    page = open_page()
    page.goto("/clients/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Search")
    expect(dialog).to_contain_text("New client")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("?")
    expect(dialog).to_be_hidden()
    page.get_by_role("searchbox").blur()
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
