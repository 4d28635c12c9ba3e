"""Pages of an episode's goals and tasks, and of what becomes of a goal."""

import uuid
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import may_write
from accounts.http import SignedInRequest
from measures.statistics.goal_attainment import attainment_t
from sessions_app import actions as sessions
from sessions_app import selectors as told
from sessions_app.forms import StandingForm
from sessions_app.models import GoalProgress

from .. import actions, selectors
from ..forms import AgreeForm, GoalEditForm, GoalForm, LevelsForm, SettleForm
from ..models import Goal, GoalStatus
from .parts import (
    FormPage,
    back_to,
    chosen_session,
    log_first,
    own_episode,
    own_goal,
    record_view,
    tabs,
    values_of,
)

WRITE_BEFORE = "Write what would be seen at each level before it is judged: only then does it say how far you came."
AGREE_AGAIN = "Other words or another target wait for both of you to agree again."


@require_GET
def agreements(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = get_object_or_404(selectors.episodes(request.user), pk=episode_id)
    record_view(request, episode, "agreements")
    state = told.agreement_state(episode)
    context = {
        "episode": episode,
        "tabs": tabs(episode, "clients:agreements"),
        "is_own": episode.therapist_id == request.user.pk,
        "may_change": episode.is_open and may_write(request.user, episode.responsible_id),
        "state": state,
        "attainment": attainment_of([(shown.goal, shown.judged) for shown in state.goals if shown.judged]),
    }
    return render(request, "clients/agreements.html", context)


def attainment_of(judged: list[tuple[Goal, GoalProgress]]) -> dict[str, object] | None:
    """T of the goals whose five levels were written before the session that judged them; None without one.

    Weighted by importance where every goal has one.
    """
    levels = [row.level for _, row in judged if row.level is not None]
    importances = [goal.importance for goal, _ in judged]
    weights = None if None in importances else [float(importance) for importance in importances if importance]
    t = attainment_t(levels, weights)
    return None if t is None else {"t": t, "n": len(levels), "is_weighted": weights is not None}


@require_http_methods(["GET", "POST"])
def goal_create(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = own_episode(request, episode_id)
    page = FormPage(
        episode,
        title=f"A goal with {episode.client}",
        form=partial(GoalForm, client=episode.client.label),
        shown={},
        button="Save goal",
        said="The goal is saved.",
        back=back_to(episode, "#goals"),
    )
    return page.answer(request, lambda values: actions.create_goal(episode=episode, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def goal_edit(request: SignedInRequest, goal_id: uuid.UUID) -> HttpResponse:
    goal = own_goal(request, goal_id)
    page = FormPage(
        goal.episode,
        title="Renegotiate the goal" if goal.is_agreed else "Change the goal",
        form=partial(GoalEditForm, client=goal.episode.client.label),
        shown=values_of(goal),
        button="Save goal",
        said="The goal is saved. What it was before stays in the agreement log.",
        back=back_to(goal.episode, f"#goal-{goal.pk}"),
        intro=goal.question or (AGREE_AGAIN if goal.is_agreed else ""),
    )
    return page.answer(request, lambda values: actions.change_goal(goal=goal, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def goal_agree(request: SignedInRequest, goal_id: uuid.UUID) -> HttpResponse:
    goal = own_goal(request, goal_id)
    page = FormPage(
        goal.episode,
        title="Who agreed to this goal?",
        form=partial(AgreeForm, client=goal.episode.client.label),
        shown={"version": goal.version},
        button="Save agreement",
        said="The agreement is saved.",
        back=back_to(goal.episode, f"#goal-{goal.pk}"),
        intro=f"“{goal.text}”",
    )
    return page.answer(request, lambda values: actions.agree_goal(goal=goal, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def goal_settle(request: SignedInRequest, goal_id: uuid.UUID) -> HttpResponse:
    goal = own_goal(request, goal_id)
    is_open = goal.is_open
    ends = [(GoalStatus.REACHED.value, "Reached"), (GoalStatus.DROPPED.value, "Dropped")]
    page = FormPage(
        goal.episode,
        title="Close the goal" if is_open else "Take the goal up again",
        form=partial(SettleForm, choices=ends if is_open else None),
        shown={"version": goal.version},
        button="Close goal" if is_open else "Take it up again",
        said="The goal is closed. It can be taken up again at any time." if is_open else "The goal is open again.",
        back=back_to(goal.episode, f"#goal-{goal.pk}"),
        intro=f"“{goal.text}”",
    )

    def settle(values: dict[str, Any]) -> None:
        actions.settle_goal(goal=goal, **{"status": GoalStatus.OPEN, **values}, by=request.user)

    return page.answer(request, settle)


@require_http_methods(["GET", "POST"])
def goal_levels(request: SignedInRequest, goal_id: uuid.UUID) -> HttpResponse:
    goal = own_goal(request, goal_id)
    scale = selectors.scale_of(goal)
    page = FormPage(
        goal.episode,
        title="Five levels of this goal",
        form=LevelsForm,
        shown=values_of(scale, without="written_on") if scale else {},
        button="Save levels",
        said="The five levels are saved. Sessions after that day can be judged by them.",
        back=back_to(goal.episode, f"#goal-{goal.pk}"),
        intro=f"“{goal.text}” {WRITE_BEFORE}",
    )
    return page.answer(request, lambda values: actions.write_levels(goal=goal, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def goal_progress(request: SignedInRequest, goal_id: uuid.UUID) -> HttpResponse:
    """Where the goal stands by a session; ?session= chooses one, otherwise it is the latest."""
    goal = own_goal(request, goal_id)
    session, links = chosen_session(request, goal.episode)
    if session is None:
        return log_first(request, goal.episode)
    scale = selectors.scale_of(goal)
    rows = {row.session_id: row for row in told.progress_of(goal.episode).get(goal.pk, [])}
    page = FormPage(
        goal.episode,
        title=f"Where were you with this goal in {session}?",
        form=partial(StandingForm, metric=goal.metric, levels=scale.levels if scale else []),
        shown=values_of(rows[session.pk]) if session.pk in rows else {},
        button="Save",
        said=f"Saved for {session}.",
        back=back_to(goal.episode, f"#goal-{goal.pk}"),
        intro=f"“{goal.text}” {goal.aim_in_words}",
        sessions=links,
    )
    return page.answer(
        request, lambda values: sessions.record_standing(goal=goal, session=session, by=request.user, **values)
    )
