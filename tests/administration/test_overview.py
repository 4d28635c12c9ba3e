"""The overview: every area with its state in one line, what needs somebody first, and nothing of a client."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import AuditCheck, Organisation
from administration.selectors import areas
from jobs.models import Job, PeriodicRun
from measures.models import RiskAnswer
from tests import factories
from tests.access.world import CANARIES

pytestmark = pytest.mark.django_db

OVERVIEW = "/administration/"


@pytest.fixture
def sam(service, browser_of):
    PeriodicRun.objects.create(name="sweep", period_start=timezone.now())
    return browser_of(service.sam)


def area(browser, route: str) -> areas.Area:
    return next(one for one in browser.get(OVERVIEW).context["areas"] if one.route == route)


def give_up(organisation, task: str, error: str = "KeyError") -> Job:
    now = timezone.now()
    return Job.objects.create(
        organisation_id=organisation.pk,
        task=task,
        object_id=organisation.pk,
        handed_at=now,
        failed_at=now,
        attempts=5,
        last_error=error,
    )


def change(service, **values) -> None:
    organisation = Organisation.objects.get()
    accounts.update_organisation(organisation=organisation, version=organisation.version, by=service.sam, **values)


def test_every_area_has_a_card_with_its_state_and_a_page(service, sam):
    shown = sam.get(OVERVIEW).context["areas"]
    assert len(shown) == len(areas.AREAS) + 2 >= 12
    for one in shown:
        assert one.state and one.title and sam.get(reverse(one.route)).status_code == 200


def test_the_state_of_people_and_supervision_is_in_figures(service, sam):
    assert area(sam, "accounts:person-list").state == "6 people, 2 therapists, 2 supervisors"
    assert area(sam, "accounts:supervision-list").state == "2 of 2 therapists supervised, 0 covered today"
    factories.make_cover(service.ada, by=service.tom)
    accounts.update_person(person=service.nils, version=service.nils.version, is_active=False, by=service.sam)
    assert area(sam, "accounts:person-list").state.endswith("1 more may not sign in")
    assert area(sam, "accounts:supervision-list").state.endswith("1 covered today")


def test_what_needs_somebody_comes_first_with_what_to_do(service, sam):
    change(service, emergency_text="Call 0800 000 111.")
    assert not area(sam, "accounts:supervision-list").attention
    accounts.end_supervision(supervision=service.ruth.supervisions_given.get(), by=service.sam)
    first, second, *_ = sam.get(OVERVIEW).context["areas"]
    assert first.route == "accounts:supervision-list" and first.attention.startswith("1 therapist without a supervisor")
    assert not second.attention
    assert f"1 of {len(areas.AREAS) + 2} areas needs somebody" in sam.get(OVERVIEW).content.decode()


def test_open_episodes_of_somebody_who_left_are_to_be_handed_over(service, sam):
    factories.make_episode(service.ada)
    accounts.update_person(person=service.ada, version=service.ada.version, is_active=False, by=service.sam)
    assert area(sam, "accounts:person-list").attention.startswith("1 person with open episodes")


def test_the_emergency_text_is_asked_for_until_it_is_the_services_own(service, sam):
    assert "names no number" in area(sam, "administration:texts").attention
    change(service, emergency_text="Call 0800 000 111.", risk_text="Ring them.")
    card = area(sam, "administration:texts")
    assert card.state.startswith("2 of 2 texts your own (emergency and risk)") and not card.attention


def test_an_empty_battery_and_one_with_what_is_off_are_said(service, sam):
    assert not area(sam, "measures:instrument-list").attention
    factories.make_battery(service)
    assert area(sam, "measures:instrument-list").attention == "Nothing is rated: the battery is empty."


def test_thresholds_are_said_as_they_are_in_force(service, sam):
    assert area(sam, "administration:thresholds").state.startswith("1 false alarm in 120 looks; engagement phase 5")
    change(service, signal_preset="gumz-strict", risk_hours=1)
    state = area(sam, "administration:thresholds").state
    assert state.startswith("Signals after Gumz et al. 2012, 2 SD") and state.endswith("after 1 hour")


def test_trends_and_usual_values_are_counted(service, sam):
    assert area(sam, "ruptures:trends").state == "No session has been rated yet"
    factories.make_course(factories.make_episode(service.ada), [7, 8])
    assert area(sam, "ruptures:trends").state == "1 of 1 episode up to date"
    assert area(sam, "administration:priors").state == "0 of 6 scales from your own clients; starting values stand in"


def test_jobs_that_were_given_up_need_somebody_and_those_elsewhere_do_not(service, other_service, sam):
    give_up(other_service.organisation, "measures.sweep_trends")
    assert not area(sam, "administration:job-list").attention
    give_up(service.organisation, "measures.sweep_trends")
    card = area(sam, "administration:job-list")
    assert (card.state[:11], card.attention) == ("1 given up,", "1 job given up after five attempts.")


def test_a_clock_that_stands_still_needs_somebody(service, browser_of):
    assert "The clock is not heard of" in area(browser_of(service.sam), "administration:job-list").attention


def test_imports_and_exports_are_counted(service, sam):
    assert area(sam, "reports:import-list").state == "No file has come in yet"
    factories.make_import(service)
    assert area(sam, "reports:import-list").state == "0 written, 1 not written yet, 0 with errors"
    factories.make_episode(service.ada)
    factories.make_export(service.sam, finish=True)
    assert area(sam, "reports:export-list").state.startswith("1 ready, 0 being made; the latest of 1")


def test_the_services_figures_say_when_they_were_worked_out(service, sam):
    assert area(sam, "dashboards:service").state == "Not worked out yet"
    factories.make_summaries(service)
    assert area(sam, "dashboards:service").state.startswith("Worked out on")


def test_nothing_of_a_client_and_nothing_of_another_service_is_on_it(service, other_service, sam):
    session = factories.make_session(
        factories.make_episode(service.ada, code=CANARIES["code"], name=CANARIES["name"]), note=CANARIES["note"]
    )
    factories.make_risk_answer(session)
    page = sam.get(OVERVIEW).content.decode()
    assert not [word for word in [*CANARIES.values(), "Elsewhere"] if word in page]


def test_risk_answers_that_nobody_reads_stand_above_everything(service, sam):
    factories.make_risk_answer(factories.make_session(factories.make_episode(service.ada)))
    accounts.end_supervision(supervision=service.ruth.supervisions_given.get(), by=service.sam)
    RiskAnswer.objects.update(passed_on_at=timezone.now())
    page = sam.get(OVERVIEW).content.decode()
    assert "Risk answers wait unread" in page and page.index("wait unread") < page.index("People and roles")


def test_the_overview_needs_the_same_queries_whatever_the_size(service, sam):
    few = factories.queries_of(sam, OVERVIEW)
    for number in range(5):
        factories.make_course(factories.make_episode(service.ada, code=f"C-{number}"), [7, 8])
        give_up(service.organisation, "measures.sweep_trends")
        factories.make_export(service.sam)
    assert len(factories.queries_of(sam, OVERVIEW)) == len(few) <= 20, few


def test_the_navigation_of_an_administrator_has_few_entries(service, sam):
    entries = [entry["label"] for entry in sam.get(OVERVIEW).context["navigation"]]
    assert entries == ["Administration", "People", "How the service is doing", "Exports"]


@pytest.mark.parametrize("route", ["measures:instrument-list", "ruptures:trends", "reports:import-list"])
def test_the_pages_of_areas_belong_to_administration_in_the_navigation(service, sam, route):
    page = sam.get(reverse(route))
    assert [entry["label"] for entry in page.context["navigation"] if entry["current"]] == ["Administration"]


def test_first_steps_are_there_until_all_are_done(service, sam, settings):
    settings.DEFAULT_FROM_EMAIL = ""
    page = sam.get(OVERVIEW)
    done = {step.label: step.is_done for step in page.context["steps"]}
    assert done == {
        "Add the therapists": True,
        "Say who supervises whom": True,
        "Say what a client does in an emergency": False,
        "Say what to do about a risk answer": False,
        "Let links go by e-mail": False,
    }
    body = page.content.decode()
    assert "First steps: 2 of 5 done" in body and "No mail server is set." in body
    change(service, emergency_text="Call 000.", risk_text="Ring them.")
    settings.DEFAULT_FROM_EMAIL, settings.PUBLIC_URL = "post@harbour.example", "https://harbour.example"
    assert "First steps" not in sam.get(OVERVIEW).content.decode()


def test_that_the_audit_trail_is_not_as_it_was_sealed_is_said_with_what_to_do(service, sam):
    check = AuditCheck(id=service.organisation.pk, organisation=service.organisation, checked_at=timezone.now())
    check.save()
    shown = area(sam, "reports:audit")
    assert "held against its seals on" in shown.state and not shown.attention
    AuditCheck.objects.update(faults=2)
    shown = area(sam, "reports:audit")
    assert shown.attention.startswith("2 faults: ") and "verify_audit" in shown.attention
