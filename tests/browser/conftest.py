"""The whole product, started as a person would, and Chromium to look at it.

Every test ends with the same question: did any console report an error, did the content security policy refuse
something, or did a page ask another host for anything?
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.steps import THERAPIST, sign_in

ROOT = Path(__file__).resolve().parents[2]
INHERITED = ("PATH", "HOME", "LANG")
START_SECONDS = 240
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
HEIGHTS = {320: 640, 390: 844, 768: 1024, 1280: 900}
# A page that refuses something says so by its status, which Chromium repeats in the console.
REFUSAL = re.compile(r"the server responded with a status of (403|404|409|422) ")
# A job that nothing will try again.
GIVEN_UP = re.compile(r'"attempts": 5, .*"event": "job failed"')


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """The running demo's folder."""
    return tmp_path_factory.mktemp("browser") / "data"


@pytest.fixture(scope="session")
def product(home):
    """The address of a running demo: web server, worker, beat, relay, database and queue of its own."""
    log = home.with_suffix(".log")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment |= {"ALLIANCE_HOME": str(home), "PORT": str(port)}
    # Each person signs in once, for all tests: nobody is signed out, or asked again, in the midst of another question.
    environment |= dict.fromkeys(("SESSION_IDLE_SECONDS", "REAUTHENTICATION_SECONDS"), "43200")
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "alliance_site.stack", "demo"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "Alliance is at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        assert process.poll() is None, log.read_text()
        assert "Traceback" not in log.read_text(), log.read_text()
        assert not GIVEN_UP.search(log.read_text()), log.read_text()
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def chromium(product):
    """A browser for one file of tests. Playwright's event loop ends with it: Django refuses its database beside one."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.fail("The browser tests need Chromium: apt-get install chromium fonts-dejavu-core", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        expect.set_options(timeout=10_000)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def kept_sign_ins():
    """Cookies by person: each signs in once, as sign-ins are counted."""
    return {}


class Watch:
    """What went wrong behind the pages of one test."""

    def __init__(self, product):
        self.hosts = {urlsplit(product).netloc}
        self.refused = set()
        self.errors = []
        self.strangers = []
        self.forgiven = []

    def over(self, context):
        context.on("request", self.request)
        context.on("response", self.response)
        context.on("console", self.console)
        context.on("weberror", lambda error: self.errors.append((str(error.error), "")))

    def request(self, request):
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc not in self.hosts:
            self.strangers.append(request.url)

    def response(self, response):
        if response.request.is_navigation_request() and response.status >= 400:
            self.refused.add(response.url)

    def console(self, message):
        if message.type == "error":
            self.errors.append((message.text, message.location.get("url", "")))

    def forgive(self, words):
        """Let pass what a test provokes itself."""
        self.forgiven.append(words)

    def check(self):
        serious = [
            f"{text} {url}"
            for text, url in self.errors
            if not (REFUSAL.search(text) and url.split("#")[0] in self.refused)
            and not any(words in text for words in self.forgiven)
        ]
        assert serious == []
        assert self.strangers == []


@pytest.fixture
def watch(product):
    return Watch(product)


@pytest.fixture
def open_page(chromium, product, kept_sign_ins, watch):
    """Opens a page in a browser window of its own, signed in as somebody or as nobody."""
    contexts = []

    def _open(person=THERAPIST, *, width=1280, scheme="light", **options):
        context = chromium.new_context(
            base_url=product,
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme=scheme,
            reduced_motion="reduce",
            storage_state=kept_sign_ins.get(person),
            **{"locale": "en-GB", **options},
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        watch.over(context)
        page = context.new_page()
        if person and person not in kept_sign_ins:
            sign_in(page, person)
            kept_sign_ins[person] = context.storage_state()
        return page

    yield _open
    for context in contexts:
        context.close()
    watch.check()
