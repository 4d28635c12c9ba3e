"""Pages of goals, tasks, the agreement log and the engagement phase, as a therapist and a supervisor use them."""

import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients import actions
from clients.models import Agreement, EngagementObjective, Goal, Task
from sessions_app import actions as sessions
from sessions_app.models import FirstChallenge, GoalProgress, TaskOutcome
from tests import factories

TODAY = timezone.localdate


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def session(episode):
    return factories.make_session(episode, held_on=TODAY())


@pytest.fixture
def browser(service, browser_of):
    return browser_of(service.ada)


def url(name: str, record) -> str:
    return reverse(f"clients:{name}", args=[record.pk])


def text(answer) -> str:
    return unescape(answer.content.decode())


def send(browser, name: str, record, *, follow: bool = True, **values):
    filled = {"submission": str(uuid.uuid4()), "on": TODAY().isoformat(), "agreed_by": ["client", "therapist"]}
    return browser.post(url(name, record), {**filled, **values}, follow=follow)


def write_levels(goal, day) -> None:
    texts = {"much_less": "none", "less": "one", "expected": "two", "more": "three", "much_more": "four"}
    actions.write_levels(goal=goal, written_on=day, by=goal.episode.therapist, **texts)


# --- Goals ----------------------------------------------------------------------------------------------


def test_vague_goal_is_saved_and_gently_questioned_until_it_can_be_noticed(browser, episode):
    page = text(send(browser, "goal-create", episode, text="Feel better"))
    assert "The goal is saved." in page
    assert "“better” can look different to each of you. How would you both notice?" in page
    goal = Goal.objects.get()
    values = {"version": goal.version, "metric": "panic attacks a week", "baseline": "8", "target": "-50 %"}
    page = text(send(browser, "goal-edit", goal, text="Feel better", **values))
    assert "How would you both notice?" not in page
    assert "Panic attacks a week: from 8 to 4 (−50 %)" in page
    assert [row.kind for row in Agreement.objects.all()] == ["agreed", "renegotiated"]


@pytest.mark.parametrize(
    ("target", "words"),
    [("soon", "Write a number such as 4, or a change such as −50 %."), ("50 %", "Say which way: −50 % is less")],
)
def test_target_that_cannot_be_read_is_refused_beside_it_and_nothing_typed_is_lost(browser, episode, target, words):
    answer = send(browser, "goal-create", episode, text="Sleep through", metric="nights a week", target=target)
    page = text(answer)
    assert answer.status_code == 422 and words in page
    assert "Sleep through" in page and "nights a week" in page and f'value="{target}"' in page
    assert not Goal.objects.exists()


def test_goal_sent_twice_is_one_goal(browser, episode):
    key = str(uuid.uuid4())
    answers = [send(browser, "goal-create", episode, follow=False, submission=key, text="Walk") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Goal.objects.count() == Agreement.objects.count() == 1


def test_goal_saved_in_another_tab_is_shown_beside_what_was_typed(service, browser, episode):
    goal = factories.make_goal(episode, metric="times a week", baseline=1.0, target=3.0, importance=4)
    actions.change_goal(goal=goal, version=1, on=TODAY(), text="Walk in the park", by=service.ada)
    answer = send(browser, "goal-edit", goal, text="Walk by the river", target="5", version=1)
    page = text(answer)
    assert answer.status_code == 409 and "Nothing was overwritten" in page
    assert "Walk in the park" in page and "Walk by the river" in page and "<dd>3</dd>" in page
    send(browser, "goal-edit", goal, text="Walk by the river", version=2)
    assert Goal.objects.get().text == "Walk by the river"


def test_each_agrees_and_the_page_says_who_is_waited_for(browser, episode):
    goal = factories.make_goal(episode, agreed_by=["therapist"])
    assert "waits for Rowan" in text(browser.get(url("agreements", episode)))
    page = text(send(browser, "goal-agree", goal, agreed_by=["client"], version=1))
    assert f"Rowan agreed {TODAY():%-d %B %Y}" in page
    answer = send(browser, "goal-agree", goal, agreed_by=[], version=2)
    assert answer.status_code == 422 and "Choose who agreed." in text(answer)


def test_goal_is_closed_and_taken_up_again(browser, episode):
    goal = factories.make_goal(episode)
    page = text(send(browser, "goal-settle", goal, status="reached", why="Went twice.", version=1))
    assert "Reached and dropped: 1" in page and "Take it up again" in page
    page = text(send(browser, "goal-settle", goal, version=2))
    assert "The goal is open again." in page and Goal.objects.get().status == "open"


def test_progress_is_told_of_a_session_that_is_chosen(browser, episode):
    first, second = (factories.make_session(episode, held_on=TODAY() - timedelta(days=days)) for days in (7, 0))
    goal = factories.make_goal(episode, metric="times", baseline=0.0, target=4.0)
    assert "in session 2?" in text(browser.get(url("goal-progress", goal)))
    page = text(browser.post(f"{url('goal-progress', goal)}?session={first.pk}", {"progress": 3}, follow=True))
    assert "Saved for session 1." in page and "On the way, session 1" in page
    page = text(send(browser, "goal-progress", goal, progress="", measured="3"))
    assert "Session 2: 3, 75 % of the way" in page
    assert [(row.session, row.progress, row.measured) for row in GoalProgress.objects.order_by("session__number")] == [
        (first, 3, None),
        (second, None, 3.0),
    ]
    assert browser.get(f"{url('goal-progress', goal)}?session=nonsense").status_code == 404


def test_before_the_first_session_there_is_nothing_to_tell(browser, episode):
    goal, task = factories.make_goal(episode), factories.make_task(episode)
    for name, record in (("goal-progress", goal), ("task-outcome", task)):
        assert "No session has taken place yet." in text(browser.get(url(name, record), follow=True))
    page = text(browser.get(url("agreements", episode)))
    assert "Where are you now?" not in page and "What became of it?" not in page


def test_attainment_is_shown_only_of_goals_whose_levels_were_written_beforehand(service, browser, episode, session):
    goal = factories.make_goal(episode, importance=8)
    factories.make_goal(episode, text="Without levels", importance=2)
    write_levels(goal, TODAY())
    assert "Goal attainment T" not in text(browser.get(url("agreements", episode)))
    answer = send(browser, "goal-progress", goal, progress="5", level="1")
    assert answer.status_code == 422 and "Choose a session after that day." in text(answer)
    other = factories.make_goal(episode, text="Written in time", on=TODAY() - timedelta(days=9))
    write_levels(other, TODAY() - timedelta(days=1))
    page = text(send(browser, "goal-progress", other, level="1"))
    assert "Goal attainment T 60, from 1 goal" in page and "50 is what was expected" in page
    write_levels(other, TODAY())
    assert "Goal attainment T" not in text(browser.get(url("agreements", episode))), "judged by levels since rewritten"


# --- Tasks ----------------------------------------------------------------------------------------------


def test_task_is_proposed_for_a_goal_and_agreed_with_another_difficulty(browser, episode):
    goal = factories.make_goal(episode)
    assert f'value="{goal.pk}" selected' in text(browser.get(f"{url('task-create', episode)}?goal={goal.pk}"))
    terms = {"text": "Ask one question", "goal": goal.pk, "proposed_by": "therapist", "difficulty": 7}
    page = text(send(browser, "task-create", episode, agreed_by=["therapist"], **terms))
    assert "Difficulty 7 of 10" in page and "For “Attend a small gathering”" in page
    page = text(send(browser, "task-agree", Task.objects.get(), agreed_by=["client"], difficulty=4, version=1))
    assert "Difficulty 4 of 10 (proposed: 7)" in page


def test_chain_of_steps_down_is_told_in_words(browser, episode):
    hard = factories.make_task(episode, text="Give a talk", difficulty=9)
    send(browser, "task-step-down", hard, text="Ask one question", proposed_by="both", difficulty=5)
    easier = Task.objects.get(text="Ask one question")
    page = text(send(browser, "task-step-down", easier, text="Say hello", proposed_by="client", difficulty=2))
    assert "stepped down from “Ask one question” (5), itself stepped down from “Give a talk” (9)." in page
    assert page.count("waits for an easier one") == 2
    answer = send(browser, "task-step-down", easier, text="Harder", proposed_by="both", difficulty=6)
    assert answer.status_code == 422 and "An easier task has a difficulty below 5." in text(answer)


def test_task_is_renegotiated_dropped_and_taken_up_again(browser, episode):
    task = factories.make_task(episode)
    values = {"text": task.text, "proposed_by": "therapist", "agreed_by": []}
    page = text(send(browser, "task-edit", task, difficulty=3, why="Too much.", version=1, **values))
    assert "being negotiated" in page and Agreement.objects.last().why == "Too much."
    assert "The task is dropped." in text(send(browser, "task-settle", task, version=2))
    assert "The task is open again." in text(send(browser, "task-settle", task, version=3))


def test_task_not_done_is_asked_about_on_the_episode_page_and_nothing_is_counted(browser, episode, session):
    task = factories.make_task(episode)
    send(browser, "task-outcome", task, outcome="not-done", got_in_the_way="The car broke down.")
    assert TaskOutcome.objects.get().session == session
    page = text(browser.get(reverse("dashboards:episode", args=[episode.pk])))
    assert "Also worth asking about" in page
    assert "was not done by session 1. A possible strain in the task component" in page
    assert "The car broke down." in page and "for it to be one you would choose?" in page
    assert "%" not in page.partition("Also worth asking about")[2].partition("</section>")[0]
    send(browser, "task-step-down", task, text="Say hello", proposed_by="both", difficulty=2)
    page = text(browser.get(reverse("dashboards:episode", args=[episode.pk])))
    assert "Also worth asking about" not in page and "stepped down from 7" in page


# --- What others see ------------------------------------------------------------------------------------


def test_supervisor_reads_everything_and_is_offered_no_change(service, browser_of, episode, session):
    factories.make_agreed(session)
    browser = browser_of(service.ruth)
    for name in ("agreements", "agreement-log", "engagement"):
        page = text(browser.get(url(name, episode)))
        for offer in ("Add a goal", "Renegotiate", "Look at it", "Change<", "Write down"):
            assert offer not in page, (name, offer)
    assert "Ada Okafor agreed" in text(browser.get(url("agreements", episode)))
    seen = set(AuditEvent.objects.filter(person=service.ruth).values_list("action", flat=True))
    assert {"agreements.viewed", "agreement-log.viewed", "engagement.viewed"} <= seen


def test_ended_episode_is_read_only(service, browser, episode):
    goal = factories.make_goal(episode)
    actions.end_episode(episode=episode, ended_on=TODAY(), ending="planned", by=service.ada)
    page = text(browser.get(url("agreements", episode)))
    assert goal.text in page and "Add a goal" not in page and "Renegotiate" not in page
    answer = send(browser, "goal-edit", goal, text="Too late", version=1)
    assert answer.status_code == 422 and "This episode has ended." in text(answer)


@pytest.mark.parametrize("name", ["agreements", "agreement-log", "engagement"])
def test_page_needs_the_same_few_queries_however_much_there_is(browser, episode, name):
    counts = []
    for _ in range(2):
        for _ in range(4):
            session = factories.make_session(episode)
            goal, task = factories.make_goal(episode), factories.make_task(episode)
            sessions.record_progress(goal=goal, session=session, progress=4, by=episode.therapist)
            sessions.record_outcome(task=task, session=session, outcome="partly", by=episode.therapist)
            easier = {"text": "Nod", "difficulty": 1, "proposed_by": "both", "on": TODAY(), "by": episode.therapist}
            actions.step_down(task=task, **easier)
        counts.append(len(factories.queries_of(browser, url(name, episode))))
    assert counts[0] == counts[1] and counts[0] <= factories.MOST_QUERIES, counts


def test_log_is_told_by_session_with_who_agreed_and_what_got_in_the_way(service, browser, episode, session):
    task = factories.make_task(episode, agreed_by=["client"])
    assert "Nothing agreed yet" not in text(browser.get(url("agreement-log", episode)))
    actions.agree_task(task=task, version=1, on=TODAY(), agreed_by=["therapist"], by=service.ada)
    sessions.record_outcome(task=task, session=session, outcome="not-done", got_in_the_way="It rained.", by=service.ada)
    page = text(browser.get(url("agreement-log", episode)))
    assert "agreed by Rowan" in page and "agreed by you" in page and "In the way: It rained." in page
    assert page.index("Proposed") < page.index("Agreed<") < page.index("Not done")


def test_empty_pages_say_what_will_be_there(browser, episode):
    assert "What you both work towards stands here" in text(browser.get(url("agreements", episode)))
    assert "Nothing agreed yet" in text(browser.get(url("agreement-log", episode)))
    page = text(browser.get(url("engagement", episode)))
    assert "Before the first of 5 sessions: the three objectives have not been looked at yet." in page


# --- The engagement phase -------------------------------------------------------------------------------


def assess(browser, episode, code: str, **values):
    filled = {"submission": str(uuid.uuid4()), "assessed_on": TODAY().isoformat(), "version": 0}
    return browser.post(reverse("clients:objective", args=[episode.pk, code]), {**filled, **values}, follow=True)


def test_gate_names_the_missing_objective_on_its_page_and_on_the_episodes(browser, episode, session):
    for code in ("safe-space", "partnership"):
        assess(browser, episode, code, level=3)
    page = text(assess(browser, episode, "problem", level=1, barriers=["goals-apart"], evidence="He came for her."))
    said = "Session 1 of 5: agreement that a problem exists is still missing."
    assert said in page and "Goals not aligned" in page and "He came for her." in page
    assert said in text(browser.get(reverse("dashboards:episode", args=[episode.pk])))


def test_objective_needs_a_level_and_has_barriers_of_its_own(browser, episode):
    answer = assess(browser, episode, "problem", barriers=["expert"])
    page = text(answer)
    assert answer.status_code == 422 and "Choose how far it is there." in page and "Expert stance" not in page
    assert browser.get(reverse("clients:objective", args=[episode.pk, "trust"])).status_code == 404
    assert not EngagementObjective.objects.exists()


def test_objective_saved_in_another_tab_is_shown_beside_what_was_typed(browser, episode):
    assess(browser, episode, "safe-space", level=4, evidence="Told of the flat.")
    answer = assess(browser, episode, "safe-space", level=1, evidence="Kept the coat on.")
    page = text(answer)
    assert answer.status_code == 409 and "4 · there, and steady" in page
    assert "Told of the flat." in page and "Kept the coat on." in page


def test_roles_needs_and_the_first_challenge_are_written_down(browser, episode, session):
    page = text(
        send(browser, "expectations", episode, clients_role="Says stop.", therapist_expects="A call.", version=0)
    )
    assert "Says stop." in page and "A call." in page and "Not agreed yet" in page
    page = text(send(browser, "needs", episode, needs="A room.", assessed_on=TODAY().isoformat(), version=0))
    assert "A room." in page
    page = text(send(browser, "first-challenge", episode, session=session.pk, what="Asked about it.", version=0))
    assert "Second phase since session 1." in page and "Asked about it." in page
    page = text(send(browser, "first-challenge", episode, session="", version=1))
    assert "Not yet. The second phase begins with it." in page and not FirstChallenge.objects.exists()


def test_chart_shades_the_sessions_of_the_service_and_marks_the_first_challenge(service, browser, episode, session):
    sessions.mark_first_challenge(episode=episode, session=session, version=0, by=service.ada)
    type(service.organisation).objects.update(engagement_sessions=4)
    layout = browser.get(reverse("dashboards:episode-figure", args=[episode.pk])).json()["layout"]
    assert [(shape["x0"], shape["x1"]) for shape in layout["shapes"]] == [(0.5, 4.5), (1, 1)]
    page = text(browser.get(reverse("dashboards:episode", args=[episode.pk])))
    assert "Second phase since session 1." in page
