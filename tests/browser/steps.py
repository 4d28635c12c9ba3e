"""What people do on the pages, for tests that need it done before their own question starts."""

import itertools
import re

from playwright.sync_api import expect

THERAPIST = "therapist@demo.example"
OTHER_THERAPIST = "therapist2@demo.example"
SUPERVISOR = "supervisor@demo.example"
ADMINISTRATOR = "admin@demo.example"
PASSWORD = "alliance-demo-1"
COMPONENTS = ("goal", "task", "bond")

numbers = itertools.count(1)


def sign_in(page, email, password=PASSWORD):
    page.goto("/sign-in/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def new_code():
    return f"Y-{next(numbers):04d}"


def new_client(page):
    """Add a client with an episode; the episode page is open afterwards. Returns the client's code."""
    code = new_code()
    page.goto("/clients/new/")
    page.get_by_label("Code").fill(code)
    page.get_by_label("Your title").fill("Counsellor")
    page.get_by_role("button", name="Add client and start the episode").click()
    expect(page.get_by_role("heading", name=code, level=1)).to_be_visible()
    return code


def slider(page, number):
    return page.locator(f"#id_item-{number}").get_by_role("slider")


def touch_line(page, number):
    return page.locator(f"#id_item-{number} .slider")


def answer(page, number):
    """What would be posted for an item; None when nothing would."""
    return page.evaluate(
        "name => new FormData(document.querySelector('form[method=post]:has([data-rating])')).get(name)",
        f"item-{number}",
    )


def rate(page, answers):
    for number, value in enumerate(answers, start=1):
        if value is not None:
            slider(page, number).focus()
            page.keyboard.type(str(value))


def log_session(page, episode, *, own=(7, 7, 7), attendance=None, note=""):
    """Log the next session. Returns the link for the client, if one was made."""
    page.goto(f"{episode}log/")
    if attendance:
        page.get_by_text(attendance, exact=True).click()
    if own:
        rate(page, own)
    page.get_by_label("Note").fill(note)
    page.get_by_role("button", name="Save session").click()
    expect(page.get_by_role("status").get_by_text(re.compile(r"Session \d+ is saved"))).to_be_visible()
    link = page.locator("[data-client-link]")
    return link.get_attribute("href") if link.count() else None


def rate_as_client(page, link, answers, comment=""):
    page.goto(link)
    rate(page, answers)
    page.get_by_label("Anything that should be different").fill(comment)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def demo_episode(page, words=""):
    """The address of an open demo episode with a long course, and with these words in its sentence."""
    page.goto("/clients/")
    rows = page.locator("main table tbody tr").evaluate_all(
        """rows => rows.map((row) => [
            row.querySelector("a").getAttribute("href"), Number(row.querySelector(".num").textContent),
        ])"""
    )
    for address, sessions in rows:
        if sessions >= 12:
            page.goto(address)
            if words in page.locator("#episode-body .notice strong").first.inner_text():
                return address
    raise AssertionError(f"No demo client has a sentence with “{words}”.")


def demo_agreements(page):
    """Open the goals and tasks of the first demo client who has a goal, a task, and sessions they were told of."""
    page.goto("/clients/")
    rows = page.locator("main table tbody tr a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for address in dict.fromkeys(rows):
        page.goto(f"{address}agreements/")
        if page.get_by_role("progressbar").count() and page.get_by_text("stepped down from").count():
            return
    raise AssertionError("No demo client has agreed on anything.")


def open_service(page):
    """How the service is doing, as soon as it has been worked out, with its charts drawn."""
    for _ in range(60):
        page.goto("/service/summary/")
        if page.locator(".service-chart").count():
            break
        page.wait_for_timeout(1000)
    for note in page.locator("[data-chart-note]").all():
        expect(note).to_be_hidden()


def drawn(page, frame="alliance-chart"):
    """Wait for a chart; what is visible in it."""
    expect(page.locator(f"#{frame} .scatterlayer .trace").first).to_be_attached()
    return page.evaluate(
        """frame => document.querySelector(`#${frame} [data-chart-plot]`).data
             .filter((trace) => trace.visible !== false)
             .map(({ name, x, y, meta, line, marker }) => ({ name, x, y, meta, line, marker }))""",
        frame,
    )


def is_of_ratings(trace):
    """A line of scores, not an expected range, a mark or a meeting that did not take place."""
    return "rater" in trace["meta"] and "kind" not in trace["meta"]


def rated(page):
    return [trace for trace in drawn(page) if is_of_ratings(trace)]


def shown_traces(page, frame="alliance-chart"):
    return page.locator(f"#{frame} .scatterlayer .trace")


def numbers_table(page):
    """The table beneath the chart: session → its cells as text."""
    rows = page.locator("#numbers tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )
    return {int(cells[0]): cells[2:] for cells in rows}


def tab_to(page, locator):
    """Without a mouse, as far as the keyboard takes one."""
    for _ in range(60):
        if locator.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {locator}.")


def is_wider_than_its_window(page):
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
