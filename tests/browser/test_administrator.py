import pytest
from playwright.sync_api import expect

from tests.browser import steps

pytestmark = pytest.mark.browser

PASSWORD = "harbour lights at dusk"


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
    expect(admin.get_by_role("heading", name="People", level=1)).to_be_visible()


def test_what_the_service_says_in_an_emergency_reaches_the_clients_page(open_page):
    admin, therapist, client = open_page(steps.ADMINISTRATOR), open_page(), open_page(None, width=390)
    admin.goto("/service/")
    field = admin.get_by_label("What to do in an emergency")
    before = field.input_value()
    field.fill("Call 0800 000 111, day and night.")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Saved.", exact=True)).to_be_visible()

    steps.new_client(therapist)
    client.goto(steps.log_session(therapist, therapist.url))
    expect(client.get_by_text("Call 0800 000 111, day and night.")).to_be_visible()
    admin.goto("/service/")
    field.fill(before)
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("Saved.", exact=True)).to_be_visible()
