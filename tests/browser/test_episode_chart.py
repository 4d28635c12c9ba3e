"""The chart of an episode: drawn under the security policy, in both colour schemes, and honest beneath."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def found():
    return {}


@pytest.fixture
def episode(open_page, found):
    """An open demo client with a long course, some of whose meetings did not take place."""
    if "episode" not in found:
        found["episode"] = find_episode(open_page())
    return found["episode"]


def find_episode(page):
    page.goto("/clients/")
    for address in page.locator("main tbody th a").evaluate_all("links => links.map(one => one.getAttribute('href'))"):
        figure = page.request.get(f"{address}figure.json").json()
        if any(trace["name"] == "Did not take place" for trace in figure["data"]):
            return address
    raise AssertionError("No demo client has missed a meeting.")


def token(page, name):
    return page.evaluate(
        "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim().toLowerCase()", name
    )


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_chart_is_drawn_in_the_colours_of_the_page(open_page, episode, width, scheme):
    page = open_page(width=width, scheme=scheme)
    page.goto(episode)
    traces = {trace["name"]: trace for trace in steps.drawn(page)}
    for scale in steps.COMPONENTS:
        assert traces[f"{scale.capitalize()}, client"]["line"]["color"] == token(page, f"--{scale}")
    dark = sum(int(token(page, "--surface")[at : at + 2], 16) for at in (1, 3, 5)) < 3 * 128
    assert dark == (scheme == "dark")
    expect(page.locator("#alliance-chart [data-chart-note]")).to_be_hidden()
    box = page.locator("#alliance-chart .main-svg").first.bounding_box()
    assert box["width"] > 0.7 * min(width, 700) and box["height"] > 200
    assert not steps.is_wider_than_its_window(page)


def test_the_chart_follows_a_change_of_colour_scheme(open_page, episode):
    page = open_page()
    page.goto(episode)
    light = steps.drawn(page)[0]["line"]["color"]
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "light => document.querySelector('#alliance-chart [data-chart-plot]').data[0].line.color !== light", arg=light
    )


def test_a_component_can_be_switched_off_and_on(open_page, episode):
    page = open_page()
    page.goto(episode)
    before = steps.drawn(page)
    goal = page.get_by_role("button", name="Goal", exact=True)
    expect(goal).to_have_attribute("aria-pressed", "true")

    goal.click()
    expect(goal).to_have_attribute("aria-pressed", "false")
    expect(steps.shown_traces(page)).to_have_count(len(before) - 2)
    assert {trace["meta"]["role"] for trace in steps.rated(page)} == {"task", "bond"}

    page.get_by_role("button", name="Therapist", exact=True).click()
    expect(steps.shown_traces(page)).to_have_count(len(before) - 4)
    assert "therapist" not in {trace["meta"].get("rater") for trace in steps.drawn(page)}

    goal.click()
    expect(steps.shown_traces(page)).to_have_count(len(before) - 3)
    expect(goal).to_have_attribute("aria-pressed", "true")


def test_meetings_that_did_not_take_place_are_marked_and_named(open_page, episode):
    page = open_page()
    page.goto(episode)
    missed = next(trace for trace in steps.drawn(page) if trace["name"] == "Did not take place")
    assert missed["marker"]["symbol"] == "x"
    assert set(missed["y"]) == {0}
    named = [number for number, cells in steps.numbers_table(page).items() if not cells[0][:1].isdigit() and cells[0]]
    assert sorted(missed["x"]) == sorted(named)


def test_the_table_says_the_same_numbers_as_the_figure(open_page, episode):
    page = open_page()
    page.goto(episode)
    table = steps.numbers_table(page)
    figure = page.request.get(f"{episode}figure.json").json()
    compared = 0
    for trace in figure["data"]:
        if not steps.is_of_ratings(trace):
            continue
        column = steps.COMPONENTS.index(trace["meta"]["role"]) + (3 if trace["meta"]["rater"] == "therapist" else 0)
        for session, value in zip(trace["x"], trace["y"], strict=True):
            if value is not None:
                assert table[session][column] == f"{value:.1f}", (trace["name"], session)
                compared += 1
    written = sum(cell.replace(".", "").isdigit() for cells in table.values() for cell in cells[:6])
    assert compared == written > 30


def test_the_chart_library_comes_compressed_for_ever_and_after_the_text(open_page, episode):
    page = open_page()
    page.goto(episode)
    steps.drawn(page)
    source = page.locator("#alliance-chart").get_attribute("data-plotly")
    answer = page.request.get(source, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["content-encoding"] in {"br", "gzip"}
    assert "immutable" in answer.headers["cache-control"]
    asked, text_was_there = page.evaluate(
        """source => [
            performance.getEntriesByType("resource").find((one) => one.name.endsWith(source)).startTime,
            performance.getEntriesByType("navigation")[0].domInteractive,
        ]""",
        source,
    )
    assert asked > text_was_there > 0
    assert source not in page.request.get(episode).text().split("data-plotly")[0]


def test_a_chart_that_can_not_be_loaded_says_so_and_can_be_tried_again(open_page, episode, watch):
    watch.forgive("net::ERR_FAILED")
    page = open_page()
    page.route("**/figure.json*", lambda route: route.abort())
    page.goto(episode)
    note = page.locator("#alliance-chart [data-chart-note]")
    expect(note).to_contain_text("The chart could not be loaded. The numbers are in the table below.")
    expect(page.locator("#numbers tbody tr")).not_to_have_count(0)
    page.unroute("**/figure.json*")
    note.get_by_role("button", name="Try again").click()
    expect(note).to_be_hidden()
    assert len(steps.drawn(page)) >= 6


def test_on_paper_there_is_the_record_and_no_navigation(open_page, episode):
    page = open_page()
    page.goto(episode)
    steps.drawn(page)
    page.emulate_media(media="print")
    for selector in (".topbar", ".footer", ".page-head__actions", "[data-chart-toggle]"):
        assert page.locator(selector).count() and not any(one.is_visible() for one in page.locator(selector).all())
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("#alliance-chart .main-svg").first).to_be_visible()
    expect(page.locator("#numbers")).to_be_visible()
    assert page.pdf().startswith(b"%PDF")


def test_without_javascript_the_numbers_are_there(open_page, episode):
    page = open_page()
    plain = open_page(java_script_enabled=False)
    plain.goto(episode)
    expect(plain.get_by_role("heading", name="The numbers behind the chart")).to_be_visible()
    page.goto(episode)
    assert plain.locator("#numbers tbody tr").count() == page.locator("#numbers tbody tr").count() > 10
