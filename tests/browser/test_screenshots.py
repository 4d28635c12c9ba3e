"""The pictures of the documentation. ALLIANCE_SCREENSHOTS=1 writes them to docs/screenshots."""

import base64
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = [pytest.mark.browser, pytest.mark.screenshots]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"


@pytest.fixture
def folder(tmp_path):
    return FOLDER if os.environ.get("ALLIANCE_SCREENSHOTS") == "1" else tmp_path


@pytest.fixture
def repaired(open_page):
    """A demo client whose alliance fell below its usual range and came back."""
    return steps.demo_episode(open_page(), "came back")


def take(page, path):
    page.evaluate("document.fonts.ready")
    page.screenshot(path=path)
    size = page.viewport_size
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    assert [int.from_bytes(header[16:20], "big"), int.from_bytes(header[20:24], "big")] == list(size.values())
    colours = page.evaluate(
        """async (picture) => {
            const image = new Image();
            image.src = `data:image/png;base64,${picture}`;
            await image.decode();
            const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
            const paper = canvas.getContext("2d");
            paper.drawImage(image, 0, 0);
            const points = new Uint32Array(paper.getImageData(0, 0, image.width, image.height).data.buffer);
            return new Set(points).size;
        }""",
        base64.b64encode(path.read_bytes()).decode(),
    )
    assert colours > 50, "an empty page"


@pytest.mark.parametrize(("name", "address"), [("today", "/today/"), ("clients", "/clients/")])
def test_pages_of_a_therapist(open_page, folder, name, address):
    page = open_page()
    page.goto(address)
    take(page, folder / f"{name}.png")


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [("episode", 1280, "light"), ("episode-dark", 1280, "dark"), ("episode-phone", 390, "light")],
)
def test_the_episode_of_a_repaired_rupture(open_page, folder, repaired, name, width, scheme):
    page = open_page(width=width, scheme=scheme)
    page.goto(repaired)
    steps.drawn(page)
    expect(page.get_by_text("came back").first).to_be_visible()
    take(page, folder / f"{name}.png")


def test_logging_a_session(open_page, folder, repaired):
    page = open_page()
    page.goto(f"{repaired}log/")
    steps.rate(page, [8, 7, 8])
    take(page, folder / "log.png")


def test_the_clients_form(open_page, folder):
    page, phone = open_page(), open_page(None, width=390)
    steps.new_client(page)
    phone.goto(steps.log_session(page, page.url))
    steps.rate(phone, [8, 6])
    take(phone, folder / "client-form.png")


def test_the_caseload(open_page, folder):
    page = open_page(steps.SUPERVISOR)
    page.goto("/caseload/")
    steps.drawn(page, "caseload-chart")
    take(page, folder / "caseload.png")
