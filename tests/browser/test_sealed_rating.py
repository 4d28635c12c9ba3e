"""A client who rates first is not shown before the therapist has rated, and nowhere."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser

COMMENT = "The second half was hard."


@pytest.fixture
def sealed(open_page):
    """A therapist's page about a session that the client alone has rated, with numbers that stand nowhere else."""
    page = open_page()
    page.code = steps.new_client(page)
    page.episode = page.url
    link = steps.log_session(page, page.episode, own=None)
    page.session = page.url
    steps.rate_as_client(open_page(None, width=390), link, [3, 4, 3, 4, 3, 4], COMMENT)
    return page


def seen(page):
    """Everything about the client that reaches the therapist: pages as sent, and the figure."""
    figure = page.request.get(f"{page.episode}figure.json")
    assert figure.ok
    texts = [json.dumps([trace.get("y") for trace in figure.json()["data"]])]
    for address in ("/today/", "/clients/?q=" + page.code, page.episode, page.session, f"{page.session}edit/"):
        page.goto(address)
        texts.append(page.locator("main").inner_text())
    return "\n".join(texts)


def test_what_the_client_said_is_on_no_page_until_the_therapist_has_rated(sealed):
    sealed.goto("/today/")
    region = sealed.get_by_role("region", name="The client has rated; you have not yet")
    expect(region.get_by_role("link", name=sealed.code, exact=True)).to_be_visible()
    sealed.goto(sealed.episode)
    expect(sealed.get_by_text(f"{sealed.code} has rated session 1.")).to_be_visible()
    expect(sealed.locator("#numbers")).to_contain_text("waits for the therapist’s rating")

    before = seen(sealed)
    assert "3.5" not in before
    assert COMMENT not in before

    sealed.goto("/today/")
    region.get_by_role("listitem").filter(has_text=sealed.code).get_by_role("link", name="Rate session 1").click()
    steps.rate(sealed, [8, 8, 9])
    sealed.get_by_role("button", name="Save session").click()
    expect(sealed.get_by_text("Saved.")).to_be_visible()

    expect(sealed.get_by_role("region", name=f"Session check-in by {sealed.code}")).to_contain_text("3.5")
    expect(sealed.get_by_role("region", name="Session check-in by Ada Okafor")).to_contain_text("9.0")
    after = seen(sealed)
    assert COMMENT in after
    figure = sealed.request.get(f"{sealed.episode}figure.json").json()
    assert [trace["y"] for trace in figure["data"] if trace["name"] == "Bond, client"] == [[3.5]]


def test_it_can_be_shown_without_an_own_rating(sealed):
    sealed.goto(sealed.session)
    expect(sealed.get_by_text("3.5")).to_have_count(0)
    sealed.get_by_role("button", name="Show it without my own").click()
    expect(sealed.get_by_role("region", name=f"Session check-in by {sealed.code}")).to_contain_text("3.5")
    expect(sealed.get_by_text(COMMENT)).to_be_visible()
    sealed.goto("/today/")
    waiting = sealed.get_by_role("region", name="The client has rated; you have not yet")
    expect(waiting.get_by_role("link", name=sealed.code)).to_have_count(0)
