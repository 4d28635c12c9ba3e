"""A signal from the rating that raises it to what becomes of it."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from accounts.actions import update_organisation
from accounts.models import AuditEvent, SignalPreset
from jobs.models import Job
from jobs.organisation import acting_in
from measures import priors
from measures.actions import waive_own_rating
from measures.models import EpisodeSeries, Trend
from measures.statistics.service_prior import Series
from ruptures import actions
from ruptures.detection import PRESETS
from ruptures.models import Recompute, Signal
from tests import factories
from tests.parallel import at_once


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def judge(episode) -> None:
    actions.judge_episode(episode_id=episode.pk)


# --- Raised ------------------------------------------------------------------------------------------


def test_far_fall_raises_one_signal_with_its_component_and_numbers(episode):
    signal = factories.make_signal(episode)
    assert (signal.state, signal.rule, signal.scale, signal.rate) == ("new", "below-expected", "bond", "default")
    assert (signal.lowest.observed, signal.lowest.earlier_n, signal.lowest.is_starting) == (2.0, 6, True)
    assert signal.lowest.observed < signal.lowest.low < signal.lowest.high
    assert len(signal.numbers) == 6 and 0 < signal.tail < 0.0054
    assert signal.sentence.startswith("Bond 2.0")


def test_signal_of_both_raters_is_told_as_the_client_rates_it(episode):
    """The therapist's fall is the larger one, and stands among the numbers."""
    factories.make_course(episode, [8, 7, 8, 8, 7, 8])
    session = factories.make_session(episode)
    factories.rate_as_therapist(session, bond=0)
    factories.rate_as_client(session, bond=2)
    judge(episode)
    signal = Signal.objects.get()
    assert (signal.rater, signal.scale, signal.lowest.observed) == ("client", "bond", 2.0)
    assert ["therapist", "bond"] in signal.group and "by client and therapist" in signal.sentence


def test_steady_course_raises_none(episode):
    factories.make_course(episode, [8, 7, 8, 8, 7, 8, 7])
    judge(episode)
    assert not Signal.objects.exists()


def test_judging_again_changes_nothing(episode):
    factories.make_signal(episode)
    before = list(Signal.objects.values())
    judge(episode)
    judge(episode)
    assert list(Signal.objects.values()) == before


def test_clients_rating_that_waits_for_the_therapists_own_raises_none(service, episode):
    """Not even that something is there to be seen leaks: neither a signal, nor what was expected, nor a number."""
    factories.make_course(episode, [8, 7, 8, 8, 7, 8])
    session = factories.make_session(episode)
    factories.rate_as_client(session, goal=0, task=0, bond=0)
    judge(episode)
    assert not Signal.objects.exists()
    assert 7 not in [number for trend in Trend.objects.all() for number, _low, _high in trend.expected]
    factories.rate_as_therapist(session)
    judge(episode)
    assert Signal.objects.get().session == session


def test_waived_own_rating_lets_the_signal_be_raised(service, episode):
    factories.make_course(episode, [8, 7, 8, 8, 7, 8])
    session = factories.make_session(episode)
    factories.rate_as_client(session, bond=0, goal=0, task=0)
    waive_own_rating(session=session, by=service.ada)
    judge(episode)
    assert Signal.objects.get().session == session


def test_therapists_own_signal_says_nothing_of_a_rating_not_to_be_seen(service, episode):
    """The client's rating of another instrument waits; what the therapist rated is judged by itself."""
    factories.make_signal(episode)
    session = factories.make_session(episode)
    answers = dict.fromkeys(range(1, 13), 1)
    actions_of_ratings = factories.measures.record_rating
    actions_of_ratings(session=session, instrument="wai-s", rater="client", answers=answers, by=None)
    judge(episode)
    assert set(Signal.objects.values_list("instrument", flat=True)) == {"session-check-in"}
    assert not Trend.objects.filter(instrument="wai-s").exists()


def test_signals_are_seen_by_those_who_see_the_episode(service, other_service, episode):
    factories.make_signal(episode)
    for person, seen in ((service.ada, 1), (service.ruth, 1), (service.tom, 0), (service.otto, 0), (service.sam, 0)):
        assert Signal.objects.visible_to(person).count() == seen
    with acting_in(other_service.organisation.pk):
        assert not Signal.objects.exists()


# --- After a preset that the service chose ---------------------------------------------------------------


def choose(service, preset) -> None:
    organisation = service.organisation
    organisation.refresh_from_db()
    update_organisation(organisation=organisation, version=organisation.version, signal_preset=preset, by=service.sam)


def test_a_preset_raises_its_own_signals_and_takes_back_ours(service, episode):
    # 8 7 8 8 7 8 |2|
    ours = factories.make_signal(episode)
    choose(service, "gumz-strict")
    assert Job.objects.filter(task="ruptures.start_recompute").exists()
    judge(episode)
    ours.refresh_from_db()
    assert (ours.state, ours.note) == ("withdrawn", actions.JUDGED_ANEW)
    signal = Signal.objects.get(state="new")
    assert (signal.session, signal.rule, signal.scale, signal.rate, signal.tail) == (
        ours.session, "gumz-strict", "bond", "", None,
    )  # fmt: skip
    fall = signal.lowest
    assert (fall.observed, fall.high, fall.from_session) == (2.0, 8.0, 6)
    assert 0 < fall.smallest_fall <= 6 and fall.observed < fall.low < fall.high
    assert signal.sentence.startswith("Bond 2.0, after 8.0 in session 6.")
    assert "after Gumz et al. 2012, 2 SD" in signal.sentence
    judge(episode)
    assert Signal.objects.filter(state="new").count() == 1
    choose(service, "")
    judge(episode)
    ours.refresh_from_db()
    assert (ours.state, Signal.objects.get(rule="gumz-strict").state) == ("new", "withdrawn")


def test_a_lenient_preset_notices_what_the_strict_one_does_not(service, episode):
    # 8 |7| 8 |7| 8 |6| 7
    factories.make_course(episode, [8, 7, 8, 7, 8, 6, 7])
    found = {}
    for preset in ("gumz-lenient", "gumz-strict"):
        choose(service, preset)
        judge(episode)
        found[preset] = set(Signal.objects.filter(rule=preset).values_list("session__number", flat=True))
    assert found == {"gumz-lenient": {2, 4, 6}, "gumz-strict": {6}}


def test_the_presets_that_a_service_can_choose_are_those_there_are():
    assert {value for value in SignalPreset.values if value} == set(PRESETS)


# --- What becomes of it ---------------------------------------------------------------------------------


def test_correction_that_removes_the_evidence_withdraws_it_with_a_note(episode):
    signal = factories.make_signal(episode)
    factories.rate_as_client(signal.session, bond=8)
    factories.rate_as_therapist(signal.session, bond=8)
    judge(episode)
    signal.refresh_from_db()
    assert (signal.state, signal.note) == ("withdrawn", actions.CORRECTED)
    judge(episode)
    assert Signal.objects.get().note == actions.CORRECTED


def test_evidence_that_comes_back_brings_back_the_same_signal(episode):
    signal = factories.make_signal(episode)
    for bond, state in ((8, "withdrawn"), (1, "new")):
        factories.rate_as_client(signal.session, bond=bond)
        factories.rate_as_therapist(signal.session, bond=bond)
        judge(episode)
        signal.refresh_from_db()
        assert signal.state == state
    assert (Signal.objects.get().note, signal.lowest.observed) == ("", 1.0)


def test_other_priors_withdraw_it_with_another_note(service, episode, monkeypatch):
    signal = factories.make_signal(episode)
    wide = [Series(range(1, 9), [(i + 5 * s) % 11 for s in range(8)]) for i in range(60)]
    monkeypatch.setattr(priors, "courses_of", lambda edition, scale: dict(enumerate(wide)))
    priors.estimate_priors(organisation_id=service.organisation.pk)
    judge(episode)
    signal.refresh_from_db()
    assert (signal.state, signal.note) == ("withdrawn", actions.JUDGED_ANEW)


def test_signal_expires_when_three_more_sessions_are_rated(episode):
    signal = factories.make_signal(episode)
    for bond, state in ((7, "new"), (8, "new"), (7, "expired")):
        factories.make_course(episode, [bond])
        judge(episode)
        signal.refresh_from_db()
        assert signal.state == state


def test_confirmed_signal_stays_confirmed_whatever_the_numbers_become(service, episode):
    signal = factories.make_signal(episode)
    actions.confirm_signal(signal=signal, by=service.ada)
    assert (signal.state, signal.answered_by) == ("confirmed", service.ada)
    factories.rate_as_client(signal.session, bond=8)
    factories.rate_as_therapist(signal.session, bond=8)
    judge(episode)
    signal.refresh_from_db()
    assert (signal.state, signal.note, signal.lowest.observed) == ("confirmed", actions.CORRECTED, 2.0)


def test_dismissed_signal_needs_a_reason_and_is_never_raised_again(service, episode):
    signal = factories.make_signal(episode)
    for reason in ("", "no idea"):
        with pytest.raises(ValidationError, match="Choose why"):
            actions.dismiss_signal(signal=signal, reason=reason, by=service.ada)
    actions.dismiss_signal(signal=signal, reason="outside", by=service.ada)
    judge(episode)
    assert Signal.objects.values_list("state", "reason").get() == ("dismissed", "outside")


def test_answer_can_be_changed_and_every_one_is_on_record(service, episode):
    signal = factories.make_signal(episode)
    actions.dismiss_signal(signal=signal, reason="talked", by=service.ada)
    actions.confirm_signal(signal=signal, by=service.ada)
    assert (signal.state, signal.reason) == ("confirmed", "")
    events = AuditEvent.objects.filter(object_id=signal.pk, client_id=episode.client_id).order_by("happened_at")
    assert set(events.values_list("action", flat=True)) == {"signal.dismissed", "signal.confirmed"}


def test_answer_given_twice_or_to_what_was_taken_back_is_refused(service, episode):
    signal = factories.make_signal(episode)
    actions.confirm_signal(signal=signal, by=service.ada)
    with pytest.raises(actions.AnsweredMeanwhile):
        actions.confirm_signal(signal=signal, by=service.ada)
    Signal.objects.update(state="withdrawn", note="x", answered_at=None, answered_by=None)
    with pytest.raises(actions.AnsweredMeanwhile):
        actions.dismiss_signal(signal=signal, reason="talked", by=service.ada)


def test_nobody_but_the_therapist_answers(service, episode):
    signal = factories.make_signal(episode)
    for person in (service.ruth, service.tom, service.sam):
        with pytest.raises(PermissionDenied):
            actions.confirm_signal(signal=signal, by=person)
        with pytest.raises(PermissionDenied):
            actions.dismiss_signal(signal=signal, reason="talked", by=person)
    assert Signal.objects.get().state == "new"


# --- At once, and all at once ---------------------------------------------------------------------------


def test_workers_on_one_episode_raise_one_signal(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)
        factories.make_course(episode, [8, 7, 8, 8, 7, 8, 2])

    def work() -> None:
        from django.db import connection

        with acting_in(service.organisation.pk), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '30s'")
            judge(episode)

    assert at_once(*[work] * 4) == [None] * 4
    with acting_in(service.organisation.pk):
        assert Signal.objects.count() == 1
        assert Trend.objects.count() == 8


def test_another_rate_judges_every_episode_anew(service, episode):
    factories.make_signal(episode)
    organisation = service.organisation
    update_organisation(organisation=organisation, version=organisation.version, signal_rate="stricter", by=service.sam)
    assert Job.objects.waiting().get(task="ruptures.start_recompute").object_id == organisation.pk
    judge(episode)
    assert set(Trend.objects.exclude(prior=None).values_list("rate", flat=True)) == {"stricter"}
    assert "1 look in 240" in Signal.objects.get().sentence


def test_recompute_goes_on_step_by_step_from_where_it_was(service, monkeypatch):
    monkeypatch.setattr(actions, "EPISODES_IN_A_STEP", 2)
    episodes = [factories.make_episode(service.ada, code=f"C-{n}") for n in range(5)]
    for episode in episodes:
        factories.make_course(episode, [7])
    Job.objects.all().delete()
    recompute = actions.start_recompute(organisation_id=service.organisation.pk)
    seen = []
    while not recompute.finished_at:
        actions.recompute_next(recompute_id=recompute.pk)
        recompute.refresh_from_db()
        seen.append((recompute.done, recompute.total))
    assert seen == [(2, 5), (4, 5), (5, 5), (5, 5)]
    asked = Job.objects.waiting().filter(task="ruptures.judge_episode").values_list("object_id", flat=True)
    assert set(asked) == {episode.pk for episode in episodes}
    assert all(series.is_updating for series in EpisodeSeries.objects.all())
    actions.recompute_next(recompute_id=recompute.pk)  # delivered twice
    assert Job.objects.waiting().filter(task="ruptures.judge_episode").count() == 5


def test_recompute_asked_for_while_one_is_under_way_begins_anew(service, episode, monkeypatch):
    monkeypatch.setattr(actions, "EPISODES_IN_A_STEP", 1)
    factories.make_course(episode, [7])
    first = actions.start_recompute(organisation_id=service.organisation.pk)
    actions.recompute_next(recompute_id=first.pk)
    again = actions.start_recompute(organisation_id=service.organisation.pk)
    assert (again.pk, again.done, again.last_episode) == (first.pk, 0, None)
    assert Recompute.objects.count() == 1
