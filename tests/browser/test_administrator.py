import json
import os
import subprocess
import sys

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import ROOT

pytestmark = pytest.mark.browser

PASSWORD = "harbour lights at dusk"
GIVE_UP = """
import uuid
from django.utils import timezone
from accounts.selectors import organisation_with_slug
from jobs.models import Job
now = timezone.now()
for error in ("lost", "OperationalError"):
    Job.objects.create(
        organisation_id=organisation_with_slug("demo"), task="measures.sweep_trends", object_id=uuid.uuid4(),
        handed_at=now, failed_at=now, attempts=5, last_error=error,
    )
"""


def test_a_new_therapist_chooses_a_password_and_is_supervised(open_page):
    admin = open_page(steps.ADMINISTRATOR)
    email = f"{steps.new_code().lower()}@demo.example"
    admin.goto("/people/")
    admin.get_by_role("link", name="Add a person").click()
    admin.get_by_label("Name", exact=True).fill("Nora Vance")
    admin.get_by_label("E-mail address").fill(email)
    admin.get_by_label("Therapist", exact=True).check()
    admin.get_by_role("button", name="Add person").click()
    admin.get_by_role("button", name="link to choose a password").click()
    link = admin.locator("#link").inner_text()
    assert "/welcome/" in link

    nora = open_page(None, width=768)
    nora.goto(link)
    expect(nora.get_by_role("heading", name="Welcome, Nora Vance")).to_be_visible()
    nora.get_by_label("Password", exact=True).fill(PASSWORD)
    nora.get_by_label("The same password again").fill(PASSWORD)
    nora.get_by_role("button", name="Set password").click()
    expect(nora.get_by_text("Your password is set.")).to_be_visible()
    steps.sign_in(nora, email, PASSWORD)
    code = steps.new_client(nora)
    nora.context.new_page().goto(link)
    expect(nora.context.pages[-1].get_by_role("heading", name="This link can’t be used")).to_be_visible()

    supervisor = open_page(steps.SUPERVISOR)
    supervisor.goto(f"/caseload/?q={code}")
    expect(supervisor.get_by_role("link", name=code, exact=True)).to_have_count(0)

    admin.goto("/people/")
    admin.get_by_role("link", name="Supervision and cover").click()
    admin.get_by_label("Supervisor").select_option(label="Ruth Lindqvist")
    admin.get_by_label("Therapist", exact=True).select_option(label="Nora Vance")
    admin.get_by_role("button", name="Start supervision").click()
    expect(admin.get_by_role("button", name="supervision of Nora Vance by Ruth Lindqvist")).to_be_visible()

    supervisor.reload()
    supervisor.get_by_role("link", name=code, exact=True).click()
    expect(supervisor.get_by_role("heading", name=code, level=1)).to_be_visible()

    admin.get_by_role("button", name="supervision of Nora Vance by Ruth Lindqvist").click()
    expect(admin.get_by_role("button", name="supervision of Nora Vance by Ruth Lindqvist")).to_have_count(0)
    supervisor.reload()
    expect(supervisor.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_an_administrator_is_refused_a_clients_record(open_page):
    therapist, admin = open_page(), open_page(steps.ADMINISTRATOR)
    code = steps.new_client(therapist)
    admin.goto(therapist.url)
    expect(admin.get_by_role("heading", name="This page is not part of your role")).to_be_visible()
    assert code not in admin.content()
    admin.get_by_role("link", name="Go to the start page").click()
    expect(admin.get_by_role("heading", name="Administration", level=1)).to_be_visible()


def test_what_the_service_says_in_an_emergency_reaches_the_clients_page(open_page):
    admin, therapist, client = open_page(steps.ADMINISTRATOR), open_page(), open_page(None, width=390)
    admin.goto("/administration/texts/")
    field = admin.get_by_label("What to do in an emergency")
    before = field.input_value()
    field.fill("Call 0800 000 111, day and night.")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Saved.", exact=True)).to_be_visible()

    steps.new_client(therapist)
    client.goto(steps.log_session(therapist, therapist.url))
    expect(client.get_by_text("Call 0800 000 111, day and night.")).to_be_visible()
    admin.goto("/administration/texts/")
    field.fill(before)
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Saved.", exact=True)).to_be_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_an_administrator_finds_every_area_from_one_page_and_works_out_what_is_usual(open_page, width):
    admin = open_page(steps.ADMINISTRATOR, width=width)
    admin.goto("/")
    expect(admin.get_by_role("heading", name="Administration", level=1)).to_be_visible()
    assert admin.get_by_role("navigation", name="Main").get_by_role("link").count() == 4
    titles = admin.locator(".area h2").all_inner_texts()
    assert len(titles) >= 12 and not steps.is_wider_than_its_window(admin)
    for title in titles:
        admin.goto("/administration/")
        admin.locator(".area").get_by_role("link", name=title, exact=True).click()
        expect(admin.get_by_role("heading", level=1)).to_be_visible()
        assert not steps.is_wider_than_its_window(admin), title

    admin.goto("/administration/priors/")
    admin.get_by_role("button", name="Work them out now").click()
    expect(admin.get_by_text("It is being worked out.")).to_be_visible()
    expect(admin.get_by_text("Last on ")).to_be_visible(timeout=30_000)
    expect(admin.get_by_role("button", name="Work them out now")).to_be_visible()


def test_texts_are_looked_at_without_being_saved(open_page):
    admin = open_page(steps.ADMINISTRATOR, width=390)
    admin.goto("/administration/texts/")
    field = admin.get_by_label("What to do about a risk answer")
    before = field.input_value()
    field.fill("Ring them today, and write down what was said.")
    admin.get_by_role("button", name="Look at it first").click()
    shown = admin.get_by_role("region", name="Beside every answer about harm")
    expect(shown).to_contain_text("Ring them today, and write down what was said.")
    expect(admin.get_by_text("Not saved yet.")).to_be_visible()
    admin.goto("/administration/texts/")
    assert field.input_value() == before


def test_people_are_found_by_role_and_name(open_page):
    admin = open_page(steps.ADMINISTRATOR, width=390)
    admin.goto("/people/")
    admin.get_by_label("Role").select_option(label="Supervisors")
    admin.get_by_role("button", name="Search").click()
    expect(admin.get_by_role("link", name="Ruth Lindqvist")).to_be_visible()
    expect(admin.get_by_role("link", name="Tom Abara")).to_have_count(0)
    admin.get_by_role("searchbox").fill("abara")
    admin.get_by_role("button", name="Search").click()
    expect(admin.get_by_role("heading", name="Nobody found")).to_be_visible()
    admin.get_by_role("link", name="Show all").click()
    expect(admin.get_by_role("link", name="Tom Abara", exact=True)).to_be_visible()


def test_jobs_that_were_given_up_are_said_in_words_tried_again_and_put_away(open_page, home, product):
    environment = os.environ | json.loads((home / "environment.json").read_text())

    def give_up():
        command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", GIVE_UP]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
        admin.goto("/administration/jobs/")
        expect(given_up).to_contain_text("The database was out of reach")

    admin = open_page(steps.ADMINISTRATOR, width=390)
    given_up = admin.get_by_role("region", name="Given up after five attempts")
    give_up()
    assert not steps.is_wider_than_its_window(admin)
    found = Axe().run(admin, options={"resultTypes": ["violations"]}).response["violations"]
    assert not [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]

    given_up.get_by_role("button", name="Try again").click()
    expect(admin.get_by_text("2 jobs are being tried again")).to_be_visible()
    expect(given_up).to_contain_text("Nothing.")

    give_up()
    given_up.get_by_role("link", name="Put away").click()
    expect(admin.get_by_text("2 jobs of this kind were given up")).to_be_visible()
    admin.get_by_role("button", name="Put away").click()
    expect(admin.get_by_text("2 put away")).to_be_visible()
    expect(given_up).to_contain_text("Nothing.")
