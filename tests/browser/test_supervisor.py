import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser

WORTH_A_LOOK = ("Possible rupture in session", "has not come back", "been slipping")


@pytest.fixture
def caseload(open_page):
    page = open_page(steps.SUPERVISOR)
    page.goto("/caseload/")
    for _ in range(60):  # The worker may still be at the trends of the demo.
        if page.get_by_text("updating", exact=True).count() == 0:
            break
        page.wait_for_timeout(1000)
        page.reload()
    return page


def test_the_caseload_starts_with_those_worth_a_look_and_says_why(caseload):
    rows = caseload.locator("#caseload tbody tr").all_inner_texts()
    at_risk = ["risk answer waits" in row for row in rows]
    assert any(at_risk) and at_risk == sorted(at_risk, reverse=True)
    rows = rows[sum(at_risk) :]
    worth_a_look = ["worth a look" in row for row in rows]
    assert any(worth_a_look) and not all(worth_a_look)
    assert worth_a_look == sorted(worth_a_look, reverse=True)
    for row, marked in zip(rows, worth_a_look, strict=True):
        assert not marked or any(words in row for words in WORTH_A_LOOK), row


def test_a_click_on_a_mark_opens_that_episode(caseload):
    steps.drawn(caseload, "caseload-chart")
    caseload.locator("#caseload-chart").scroll_into_view_if_needed()
    # The mark that stands furthest from its neighbours, so that the click can mean no other.
    mark = caseload.evaluate(
        """() => {
            const plot = document.querySelector("#caseload-chart [data-chart-plot]");
            const traces = [...plot.querySelectorAll(".scatterlayer .trace")];
            const marks = traces.flatMap((trace, at) => [...trace.querySelectorAll("path.point")].map((path, index) => {
                const { left, top, width, height } = path.getBoundingClientRect();
                const { text, customdata } = plot.data[at];
                return { x: left + width / 2, y: top + height / 2, code: text[index], url: customdata[index].url };
            }));
            const room = (one) => Math.min(...marks.filter((other) => other !== one)
                .map((other) => Math.hypot(other.x - one.x, other.y - one.y)));
            return marks.sort((a, b) => room(b) - room(a))[0];
        }"""
    )
    caseload.mouse.move(mark["x"], mark["y"])
    caseload.mouse.down()
    caseload.mouse.up()
    caseload.wait_for_url(f"**{mark['url']}")
    expect(caseload.get_by_role("navigation", name="Breadcrumb")).to_contain_text(mark["code"])


def test_a_supervisor_reads_an_episode_and_changes_nothing_in_it(caseload):
    caseload.locator("#caseload tbody a").first.click()
    expect(caseload.get_by_role("heading", name="The numbers behind the chart")).to_be_visible()
    expect(caseload.get_by_role("link", name="Log session")).to_have_count(0)
    expect(caseload.get_by_role("link", name="End the episode")).to_have_count(0)
    caseload.locator("#numbers tbody a").first.click()
    expect(caseload.get_by_role("heading", name="Note", exact=True)).to_be_visible()
    expect(caseload.get_by_role("link", name="Edit")).to_have_count(0)
    caseload.goto(f"{caseload.url}edit/")
    expect(caseload.get_by_role("heading", name="This page is not part of your role")).to_be_visible()


def test_a_filter_and_a_search_show_fewer_and_the_spreadsheet_has_what_is_shown(caseload):
    caseload.get_by_role("navigation", name="Why they are shown").get_by_role("link", name="Open rupture").click()
    rows = caseload.locator("#caseload tbody tr")
    chip = caseload.get_by_role("navigation", name="Why they are shown").locator("[aria-current]")
    expect(chip).to_have_text(f"Open rupture {rows.count()}")
    code = rows.first.locator("th a").inner_text()
    caseload.keyboard.press("/")
    caseload.keyboard.type(code)
    caseload.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    with caseload.expect_download() as download:
        caseload.get_by_role("link", name="For a spreadsheet").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2 and lines[1].startswith(code)
