"""The summary of an episode: what it holds, when it is older than what happened, and who makes it new again."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients import engagement
from clients.actions.engagement import assess_objective
from dashboards import need
from dashboards.actions import episodes as actions
from dashboards.actions import keep_summaries, sweep_summaries
from dashboards.models import EpisodeSummary
from dashboards.need import LATEST
from dashboards.selectors.caseload import caseload
from dashboards.selectors.summaries import stale_summaries
from jobs.models import Job
from measures.schedule import STILL_DUE
from ruptures import actions as ruptures
from ruptures.actions.repair import change_state
from ruptures.models import Rupture
from ruptures.tasks import judge_episode
from sessions_app.actions import KEEP_SUMMARY, mark_first_challenge, update_session
from tests import factories

pytestmark = pytest.mark.django_db


def days_ago(days):
    return timezone.localdate() - timedelta(days=days)


def stale(service):
    return stale_summaries(service.organisation.pk)


def kept(episode):
    keep_summaries(episode_ids=[episode.pk])
    return EpisodeSummary.objects.get(episode=episode)


def test_episode_that_has_just_begun_has_a_summary_that_says_so(service):
    episode = factories.make_episode(service.ada)
    assert not stale(service)
    (row,) = caseload(service.ada).rows()
    assert not row.episode.is_updating and row.episode.session_count == 0 and row.episode.last_seen_on is None
    assert row.episode.pk == episode.pk


def test_summary_holds_the_days_of_the_meetings_and_how_often_they_are(service):
    episode = factories.make_episode(service.ada)
    for day in (28, 21, 14):
        factories.make_session(episode, held_on=days_ago(day))
    factories.make_session(episode, held_on=days_ago(7), attendance="did-not-attend")
    summary = kept(episode)
    assert (summary.session_count, summary.session_number, summary.usual_gap) == (4, 4, 7)
    assert (summary.last_planned_on, summary.last_seen_on) == (days_ago(7), days_ago(14))


def test_summary_knows_which_sessions_asked_the_client_and_have_no_answer(service):
    episode = factories.make_episode(service.ada)
    days = [50, 43, 36, 29, 22, 15, STILL_DUE.days]
    for position, day in enumerate(days):
        session = factories.make_session(episode, held_on=days_ago(day))
        if position % 2:
            factories.rate_as_client(session)
    # The latest five that are settled, and the one whose rating may still come.
    assert kept(episode).asked == [
        [days_ago(day).isoformat(), bool(position % 2)] for position, day in enumerate(days) if position > 0
    ]


def test_bond_is_placed_on_0_to_10_once_there_is_a_change_to_speak_of(service):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 8])
    assert kept(episode).bond is None
    factories.make_course(episode, [6])
    summary = kept(episode)
    assert (summary.bond, summary.bond_change) == (6, -2)


@pytest.mark.parametrize("change", ["log", "edit", "delete"])
def test_whatever_changes_the_sessions_leaves_the_summary_older_at_once(service, change):
    episode = factories.make_episode(service.ada)
    session = factories.make_session(episode)
    kept(episode)
    if change == "log":
        factories.make_session(episode)
    elif change == "edit":
        update_session(session=session, version=session.version, attendance="cancelled-late", by=service.ada)
    else:
        session.delete()
    assert stale(service) == [episode.pk]
    assert caseload(service.ada).rows()[0].episode.is_updating
    assert kept(episode).session_count == {"log": 2, "edit": 1, "delete": 0}[change]
    assert not stale(service) and not caseload(service.ada).rows()[0].episode.is_updating


def test_logging_a_session_asks_for_the_summary_in_the_same_transaction(service):
    episode = factories.make_episode(service.ada)
    factories.make_session(episode)
    assert Job.objects.waiting().filter(task=KEEP_SUMMARY, object_id=episode.pk).count() == 1


def test_job_that_keeps_the_trends_keeps_the_summary(service):
    episode = factories.make_episode(service.ada)
    factories.rate_as_client(factories.make_session(episode))
    job = Job.objects.get(task="ruptures.judge_episode", object_id=episode.pk)
    judge_episode(str(job.pk))
    assert not stale(service) and not caseload(service.ada).rows()[0].episode.is_updating


def test_rating_leaves_the_row_updating_until_the_trend_is_there(service, browser_of):
    episode = factories.make_episode(service.ada)
    factories.make_course(episode, [7, 7, 7])
    kept(episode)
    page = reverse("dashboards:caseload")
    assert "updating" not in browser_of(service.ruth).get(page).content.decode()
    factories.rate_as_client(factories.make_session(episode))
    assert "updating" in browser_of(service.ruth).get(page).content.decode()


def test_what_happens_while_a_summary_is_worked_out_leaves_it_older(service, monkeypatch):
    episode = factories.make_episode(service.ada)
    factories.make_session(episode)
    work_out = actions.summaries_of

    def interrupted(episodes):
        values = work_out(episodes)
        factories.make_session(episode)
        return values

    monkeypatch.setattr(actions, "summaries_of", interrupted)
    keep_summaries(episode_ids=[episode.pk])
    assert stale(service) == [episode.pk]


def test_sweep_works_out_what_was_forgotten_in_steps_and_asks_for_the_rest(service, other_service, monkeypatch):
    monkeypatch.setattr(actions, "EPISODES_IN_A_STEP", 2)
    for number in range(3):
        factories.make_session(factories.make_episode(service.ada, code=f"S-{number}"))
    organisation = service.organisation.pk
    assert sweep_summaries(organisation_id=organisation) == 3 and not stale(service)
    assert sweep_summaries(organisation_id=organisation) == 0
    monkeypatch.setattr(actions, "SWEPT", 0)
    assert not Job.objects.filter(task=actions.SWEEP).exists()
    sweep_summaries(organisation_id=organisation)
    assert Job.objects.get(task=actions.SWEEP).object_id == organisation


def test_keeping_many_summaries_takes_as_many_reads_as_keeping_one(service, django_assert_num_queries):
    episodes = [factories.make_episode(service.ada, code=f"S-{number}") for number in range(3)]
    for episode in episodes:
        factories.make_course(episode, [7, 7, 7])
    reads, own = 12, 2
    for some in (episodes[:1], episodes):
        with django_assert_num_queries(reads + own + len(some)):
            keep_summaries(episode_ids=[episode.pk for episode in some])


def test_pages_of_a_long_caseload_hold_everybody_once(service, browser_of, monkeypatch):
    monkeypatch.setattr("dashboards.views.ROWS_ON_A_PAGE", 2)
    for number in range(5):
        factories.make_episode(service.ada, code=f"S-{number}")
    ruth = browser_of(service.ruth)
    url = reverse("dashboards:caseload")
    pages = [ruth.get(url, {"page": page}).context["rows"] for page in (1, 2, 3)]
    assert [row.episode.code for rows in pages for row in rows] == [f"S-{number}" for number in range(5)]
    assert "5 open episodes" in ruth.get(url).content.decode()


# --- What somebody decided, in the list at once and without the job ----------------------------------------


def standing(episode):
    summary = EpisodeSummary.objects.get(episode=episode)
    return summary.new_signals, summary.rupture_since, summary.has_objective, summary.lacks_objective


def test_answer_to_a_signal_and_the_state_of_its_rupture_are_there_at_once(service):
    episode = factories.make_episode(service.ada)
    signal = factories.make_signal(episode)
    assert standing(episode)[:2] == (1, None)
    ruptures.confirm_signal(signal=signal, by=service.ada)
    assert standing(episode)[:2] == (0, signal.session.held_on)
    signal.refresh_from_db()
    change_state(rupture=signal.rupture, to="resolved", by=service.ada)
    assert standing(episode)[:2] == (0, None)


def test_judging_again_what_is_as_it_was_leaves_no_summary_older(service):
    episode = factories.make_episode(service.ada)
    factories.make_signal(episode)
    version = kept(episode).input_version
    ruptures.judge_episode(episode_id=episode.pk)
    assert EpisodeSummary.objects.get(episode=episode).input_version == version


def test_words_about_a_signal_are_updating_from_its_answer_on_until_the_job_has_found_others(service):
    episode = factories.make_episode(service.ada)
    signal = factories.make_signal(episode)
    before = kept(episode).shown["headline"]
    Job.objects.filter(task=KEEP_SUMMARY).delete()
    ruptures.dismiss_signal(signal=signal, reason="usual", by=service.ada)
    assert caseload(service.ada).rows()[0].episode.is_updating
    assert Job.objects.waiting().filter(task=KEEP_SUMMARY, object_id=episode.pk).exists()
    assert kept(episode).shown["headline"] != before
    assert not caseload(service.ada).rows()[0].episode.is_updating


def test_what_a_client_suspects_is_answered_with_the_signal_of_the_same_session_where_there_is_one(service):
    noticed, unnoticed = (factories.make_episode(service.ada, code=code) for code in ("S-1", "S-2"))
    session = factories.make_signal(noticed).session
    other = factories.make_course(unnoticed, [8, 8])[-1]
    for one in (session, other):
        factories.check_strain(one, tension=9)
        factories.judge(one.episode)
        assert Rupture.objects.get(session=one).state == "suspected"
    assert standing(noticed)[:2] == (1, None)
    assert standing(unnoticed)[:2] == (0, other.held_on)


def test_objectives_are_lacking_until_all_are_there_or_something_was_challenged(service):
    first, second = (factories.make_episode(service.ada, code=code) for code in ("S-1", "S-2"))
    assert standing(first)[2:] == (False, True)
    for objective in engagement.OBJECTIVES:
        assert standing(first)[3]
        assess_objective(
            episode=first,
            objective=objective.code,
            version=0,
            level=engagement.THERE,
            assessed_on=timezone.localdate(),
            by=service.ada,
        )
    assert standing(first)[2:] == (True, False)
    session = factories.make_session(second)
    mark_first_challenge(episode=second, session=session, version=0, what="The drinking.", by=service.ada)
    assert standing(second)[2:] == (False, False)


@pytest.mark.parametrize(
    "rated",
    [
        [],
        [False],
        [None, False, False],
        [False, True, False, None, None, None],
        [False, False, True, True, True, True, None],
        [True, False, False, False, False, False],
    ],
)
def test_missing_ratings_are_counted_by_the_database_as_they_are_told_in_words(service, rated):
    episode = factories.make_episode(service.ada)
    days = [days_ago(100 - position).isoformat() for position in range(len(rated))]
    on_their_way = [[days_ago(1).isoformat(), False]] * 3
    asked = [*map(list, zip(days, rated, strict=True)), *on_their_way]
    EpisodeSummary.objects.filter(episode=episode).update(asked=asked)
    whole = caseload(service.ada)
    latest = [one for one in rated[-LATEST:] if one is not None]
    assert whole.placed[0].told.missing == latest.count(False)
    told = need.of_missing(latest)
    assert [reason for reason in whole.rows()[0].reasons if reason.kind == need.MISSING] == told
