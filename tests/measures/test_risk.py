"""Answers about harm: raised with the rating, acknowledged with what was done, passed on when nobody has."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import DateTimeField, Value
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import actions as accounts
from accounts.models import AuditEvent
from clients import actions as clients
from jobs import actions as jobs
from jobs.models import Job
from jobs.organisation import acting_in
from measures import actions, instruments, risk
from measures.actions import risk as acts
from measures.models import Rating, RiskAnswer
from measures.tasks import pass_on_risk_answers
from reports import actions as imports
from tests import factories

EDITIONS = {
    code: instrument.editions["client"]
    for code, instrument in instruments.instruments().items()
    if "client" in instrument.editions
}
ABOUT_HARM = [(code, number) for code, edition in EDITIONS.items() for number in edition.risk_items]
CANARY = "the tide was out all week"


@pytest.fixture
def session(service):
    return factories.make_session(factories.make_episode(service.ada))


@pytest.fixture
def answer(session) -> RiskAnswer:
    return factories.make_risk_answer(session)


def rate(session, code: str, answers: dict[int, float]) -> Rating:
    return actions.record_rating(session=session, instrument=code, rater="client", answers=answers, by=None)


def events(action: str) -> int:
    return AuditEvent.objects.filter(action=f"risk-answer.{action}").count()


def as_it_is(answer: RiskAnswer) -> RiskAnswer:
    return RiskAnswer.objects.get(pk=answer.pk)


# --- Which answers ------------------------------------------------------------------------------------


@given(st.sampled_from(sorted(EDITIONS)), st.data())
def test_risk_is_an_answer_above_the_lowest_to_an_item_about_harm_and_nothing_else(code, data):
    edition = EDITIONS[code]
    number = data.draw(st.sampled_from([item.number for item in edition.items]))
    answer = data.draw(st.sampled_from([None, edition.minimum, edition.minimum + edition.step, edition.maximum]))
    is_risk = number in edition.risk_items and answer is not None and answer > 0
    assert edition.risk_in({number: answer}) == ((number,) if is_risk else ())


@pytest.mark.parametrize(("code", "number"), ABOUT_HARM)
def test_each_item_about_harm_raises_itself_alone(session, code, number):
    edition = EDITIONS[code]
    rating = rate(session, code, {item.number: 0 for item in edition.items} | {number: 1})
    raised = RiskAnswer.objects.get()
    assert (raised.rating, raised.answers, raised.is_open) == (rating, {str(number): 1.0}, True)
    assert events("raised") == 1


@pytest.mark.parametrize("code", sorted({code for code, _number in ABOUT_HARM}))
def test_every_other_item_at_its_highest_raises_none(session, code):
    edition = EDITIONS[code]
    highest = {item.number: edition.maximum for item in edition.items}
    rate(session, code, highest | dict.fromkeys(edition.risk_items, 0.0))
    rate(session, code, highest | dict.fromkeys(edition.risk_items))
    assert not RiskAnswer.objects.exists()


def test_the_doc_names_the_shipped_items():
    rows = (Path(__file__).parents[2] / "docs" / "risk.md").read_text()
    for code, edition in EDITIONS.items():
        row = f"| `{code}` | {', '.join(map(str, edition.risk_items))} |"
        assert (row in rows) is bool(edition.risk_items)


def test_several_items_of_one_rating_are_one_risk_answer(session):
    rate(session, "core-om", {6: 1, 16: 4, 24: 0})
    assert RiskAnswer.objects.get().answers == {"6": 1.0, "16": 4.0}


def test_questionnaire_without_items_about_harm_raises_none(session):
    factories.rate_as_client(session, goal=0, task=0, bond=0, comment=CANARY)
    factories.rate_as_therapist(session, bond=0)
    assert not RiskAnswer.objects.exists()


def test_please_do_not_raise_this_yet_does_not_hold_it_back(service, session):
    factories.rate_by_phq_9(session, harm=1, comment=CANARY, do_not_raise=True)
    assert [found.answers for found in risk.to_act_on(service.ada)] == [{"9": 1.0}]


def test_it_is_raised_in_the_transaction_of_its_rating(session):
    with transaction.atomic():
        factories.rate_by_phq_9(session, harm=1)
        assert RiskAnswer.objects.exists()
        transaction.set_rollback(True)
    assert not Rating.objects.exists() and not RiskAnswer.objects.exists()


def test_scores_entered_by_the_therapist_raise_it_too(service, session):
    rating = actions.submit_rating(
        session=session, instrument="phq-9", rater="client", answers={9: 3}, by=session.episode.therapist
    )
    assert rating.risk_answer.is_open
    assert AuditEvent.objects.get(action="risk-answer.raised").person == service.ada


def test_event_holds_neither_the_item_nor_the_answer(answer):
    event = AuditEvent.objects.get(action="risk-answer.raised")
    assert event.fields == [] and event.client_id == answer.rating.session.episode.client_id


# --- Corrections ----------------------------------------------------------------------------------------


def test_the_same_answers_given_again_change_nothing(service, session, answer):
    acts.acknowledge_risk(answer=answer, done="Rang.", by=service.ada)
    factories.rate_by_phq_9(session, harm=2, other=3)
    (kept,) = RiskAnswer.objects.all()
    assert (kept.pk, kept.done, kept.withdrawn_at) == (answer.pk, "Rang.", None)


def test_correction_that_removes_it_takes_it_back_with_a_note_and_keeps_the_row(service, session, answer):
    factories.rate_by_phq_9(session, harm=0)
    kept = as_it_is(answer)
    assert (kept.is_open, kept.answers, kept.note) == (False, {"9": 2.0}, acts.CORRECTED)
    assert risk.to_act_on(service.ada) == []
    assert (RiskAnswer.objects.count(), events("withdrawn")) == (1, 1)


def test_correction_that_changes_it_postpones_nothing(session, answer):
    RiskAnswer.objects.update(raised_at=Now() - timedelta(hours=30), passed_on_at=Now())
    before = as_it_is(answer)
    after = factories.rate_by_phq_9(session, harm=3).risk_answer
    after.refresh_from_db()
    assert (after.raised_at, after.passed_on_at) == (before.raised_at, before.passed_on_at)
    assert not as_it_is(answer).is_open and after.is_open


def test_acknowledged_answer_that_is_corrected_to_another_is_one_to_act_on_anew(service, session, answer):
    RiskAnswer.objects.update(raised_at=Now() - timedelta(hours=30))
    acts.acknowledge_risk(answer=answer, done="Rang.", by=service.ada)
    after = factories.rate_by_phq_9(session, harm=3).risk_answer
    after.refresh_from_db()
    assert after.is_open and after.raised_at > as_it_is(answer).raised_at
    assert (as_it_is(answer).done, as_it_is(answer).note) == ("Rang.", acts.CORRECTED)


# --- Links ----------------------------------------------------------------------------------------------


def test_link_used_raises_it_and_the_same_form_sent_twice_raises_it_once(service, session, phq_9_in_words):
    request, token = factories.make_request(session, "phq-9")
    for _ in range(2):
        actions.redeem_request(request_id=request.pk, token=token, key=request.pk, answers={9: 1})
    assert len(risk.to_act_on(service.ada)) == events("raised") == 1


# --- Acknowledging --------------------------------------------------------------------------------------


def test_acknowledged_with_what_was_done(service, answer):
    acts.acknowledge_risk(answer=answer, done="  Rang the same day.  ", by=service.ada)
    kept = as_it_is(answer)
    assert (kept.done, kept.acknowledged_by, kept.is_open) == ("Rang the same day.", service.ada, False)
    event = AuditEvent.objects.get(action="risk-answer.acknowledged")
    assert (event.person, event.fields, event.object_id) == (service.ada, [], answer.pk)


@pytest.mark.parametrize("done", ["", "   ", "x" * 2001])
def test_not_acknowledged_without_saying_what_was_done_nor_at_any_length(service, answer, done):
    with pytest.raises(ValidationError):
        acts.acknowledge_risk(answer=answer, done=done, by=service.ada)
    assert as_it_is(answer).is_open


def test_second_one_to_acknowledge_is_told(service, answer):
    acts.acknowledge_risk(answer=answer, done="Rang.", by=service.ada)
    with pytest.raises(acts.SettledMeanwhile):
        acts.acknowledge_risk(answer=answer, done="Wrote.", by=service.ada)
    assert (as_it_is(answer).done, events("acknowledged")) == ("Rang.", 1)


def who_may(service, answer) -> set[str]:
    """By the list of what is to be done, and by the action itself: the same people."""
    listed, let_through = set(), set()
    for name in ("ada", "tom", "ruth", "otto", "sam", "nils"):
        person = getattr(service, name)
        if risk.to_act_on(person):
            listed.add(name)
        try:
            acts.check_may_acknowledge(person, answer)
            let_through.add(name)
        except PermissionDenied:
            pass
    assert listed == let_through
    return listed


def test_it_is_the_therapists_and_once_passed_on_the_supervisors_too(service, answer):
    assert who_may(service, answer) == {"ada"}
    assert [found.may_acknowledge for found in risk.of_caseload(service.ruth)] == [False]
    RiskAnswer.objects.update(passed_on_at=Now())
    assert who_may(service, answer) == {"ada", "ruth"}
    assert [found.may_acknowledge for found in risk.of_caseload(service.ruth)] == [True]
    supervision = service.ruth.supervisions_given.get()
    accounts.end_supervision(supervision=supervision, by=service.sam)
    assert who_may(service, answer) == {"ada"}


def test_of_an_ended_episode_it_still_waits(service, answer):
    episode = answer.rating.session.episode
    clients.end_episode(episode=episode, ended_on=answer.rating.session.held_on, ending="client", by=service.ada)
    assert risk.to_act_on(service.ada) == [answer]


# --- Passing on -----------------------------------------------------------------------------------------


def pass_on(service) -> int:
    return acts.pass_on_risk_answers(organisation_id=service.organisation.pk)


def let_wait(answer: RiskAnswer, time: timedelta) -> None:
    """Time can't be waited for: only when it was raised is moved."""
    RiskAnswer.objects.filter(pk=answer.pk).update(raised_at=Now() - time)


@pytest.fixture
def stopped_clock(monkeypatch):
    """The database's clock, standing still."""
    stopped = Value(timezone.now(), output_field=DateTimeField())
    for place in ("measures.actions.risk.Now", "measures.risk.Now", f"{__name__}.Now"):
        monkeypatch.setattr(place, lambda: stopped)


def test_passed_on_at_exactly_the_hour_and_once(service, answer, stopped_clock):
    let_wait(answer, timedelta(hours=24) - timedelta(microseconds=1))
    assert pass_on(service) == 0
    let_wait(answer, timedelta(hours=24))
    assert pass_on(service) == 1
    passed_on_at = as_it_is(answer).passed_on_at
    assert passed_on_at is not None
    assert pass_on(service) == 0
    assert (as_it_is(answer).passed_on_at, events("passed-on")) == (passed_on_at, 1)


def test_the_service_says_after_how_many_hours(service, answer):
    organisation = service.organisation
    accounts.update_organisation(organisation=organisation, version=organisation.version, risk_hours=2, by=service.sam)
    let_wait(answer, timedelta(hours=2))
    assert pass_on(service) == 1


@pytest.mark.parametrize("hours", [0, 169])
def test_hours_out_of_reach_are_refused(service, hours):
    organisation = service.organisation
    with pytest.raises(ValidationError):
        accounts.update_organisation(
            organisation=organisation, version=organisation.version, risk_hours=hours, by=service.sam
        )


def test_what_is_settled_is_not_passed_on(service, session, answer):
    let_wait(answer, timedelta(days=9))
    acts.acknowledge_risk(answer=answer, done="Rang.", by=service.ada)
    taken_back = factories.make_risk_answer(factories.make_session(session.episode))
    let_wait(taken_back, timedelta(days=9))
    factories.rate_by_phq_9(taken_back.rating.session, harm=0)
    assert pass_on(service) == 0


def test_of_a_therapist_who_left_it_is_passed_on_without_waiting(service, answer):
    accounts.update_person(person=service.ada, version=service.ada.version, is_active=False, by=service.sam)
    assert pass_on(service) == 1


def test_the_clock_of_one_service_passes_on_nothing_of_another(service, other_service, answer):
    with acting_in(other_service.organisation.pk):
        theirs = factories.make_risk_answer(factories.make_session(factories.make_episode(other_service.ada)))
        let_wait(theirs, timedelta(days=2))
    assert pass_on(service) == 0
    with acting_in(other_service.organisation.pk):
        assert as_it_is(theirs).passed_on_at is None


def test_the_periodic_job_passes_on(service, answer):
    let_wait(answer, timedelta(hours=24))
    asked = {"task": "measures.pass_on_risk_answers", "object_id": service.organisation.pk}
    jobs.request_job(**asked, organisation_id=service.organisation.pk)
    pass_on_risk_answers.run(str(Job.objects.get(**asked).pk))
    assert Job.objects.get(**asked).finished_at and as_it_is(answer).passed_on_at


# --- For administrators -----------------------------------------------------------------------------------


def counted(service) -> list[tuple[str, int, bool]]:
    return [(one.therapist, one.count, one.has_supervisor) for one in risk.unread(service.sam)]


def test_administrators_are_told_of_none_that_a_supervisor_still_has_time_for(service, answer, stopped_clock):
    assert counted(service) == []
    RiskAnswer.objects.update(passed_on_at=Now() - timedelta(hours=24) + timedelta(microseconds=1))
    assert counted(service) == []
    RiskAnswer.objects.update(passed_on_at=Now() - timedelta(hours=24))
    assert counted(service) == [("Ada Okafor", 1, True)]
    acts.acknowledge_risk(answer=answer, done="Rang.", by=service.ruth)
    assert counted(service) == []


@pytest.mark.parametrize("how", ["ended", "may not sign in", "is none any more"])
def test_administrators_are_told_how_many_no_supervisor_can_read(service, session, answer, how):
    factories.make_risk_answer(factories.make_session(session.episode))
    RiskAnswer.objects.update(passed_on_at=Now())
    ruth = {"person": service.ruth, "version": service.ruth.version, "by": service.sam}
    if how == "ended":
        accounts.end_supervision(supervision=service.ruth.supervisions_given.get(), by=service.sam)
    elif how == "may not sign in":
        accounts.update_person(**ruth, is_active=False)
    else:
        accounts.update_person(**ruth, is_supervisor=False)
    assert counted(service) == [("Ada Okafor", 2, False)]


# --- Files ----------------------------------------------------------------------------------------------


def bring_in(service, rows: str) -> None:
    mapping = {
        "client": {"column": "who"},
        "session": {"number": "nr", "date": "day", "order": "ymd"},
        "rating": [{"instrument": "phq-9", "rater": "client", "items": "q{n}"}],
    }
    head = "who,nr,day," + ",".join(f"q{n}" for n in range(1, 10))
    batch = imports.start_import(file_name="old.csv", content=f"{head}\n{rows}\n".encode(), by=service.sam)
    imports.map_columns(batch=batch, mapping=mapping, therapist=service.ada, start_date=None, by=service.sam)
    assert imports.import_now(batch=batch, by=service.sam).state == "written"


def test_rating_of_the_past_from_a_file_raises_none_and_is_told_as_such(service, browser_of):
    bring_in(service, "I-1,1,2024-01-01,1,1,1,1,1,1,1,1,3")
    assert not RiskAnswer.objects.exists()
    url = reverse("sessions_app:session", args=[Rating.objects.get().session_id])
    page = browser_of(service.ada).get(url).content.decode()
    assert "Item 9: answered 3" in page and "Of the past" in page and "waits to be acknowledged" not in page


def test_file_that_corrects_a_rating_takes_no_risk_answer_back(service, answer):
    session = answer.rating.session
    day = session.held_on.isoformat()
    bring_in(service, f"{session.episode.client.code},{session.number},{day},1,1,1,1,1,1,1,1,0")
    assert Rating.objects.current().get(instrument="phq-9").answers["9"] == 0.0
    assert risk.to_act_on(service.ada) == [answer]


def test_rating_that_raised_one_is_not_of_the_past(session, answer):
    factories.rate_by_phq_9(session, harm=2, other=3)
    assert risk.of_the_past(list(Rating.objects.current())) == []
