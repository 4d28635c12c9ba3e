"""Pages of what becomes of a task."""

import uuid
from functools import partial

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.http import SignedInRequest
from sessions_app import actions as sessions
from sessions_app import selectors as told
from sessions_app.forms import OutcomeForm

from .. import actions, selectors
from ..forms import EasierTaskForm, SettleForm, TaskAgreeForm, TaskEditForm, TaskForm
from ..models import Task
from .parts import FormPage, back_to, chosen_session, log_first, own_episode, own_task, values_of


def described(task: Task) -> str:
    difficulty = "" if task.difficulty is None else f", difficulty {task.difficulty}"
    return f"“{task.text}”{difficulty}"


@require_http_methods(["GET", "POST"])
def task_create(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """?goal= is the goal that the task is for, unless another one is chosen."""
    episode = own_episode(request, episode_id)
    page = FormPage(
        episode,
        title=f"A task with {episode.client}",
        form=partial(TaskForm, client=episode.client.label, goals=selectors.open_goals(episode)),
        shown={"goal": request.GET.get("goal", "")},
        button="Save task",
        said="The task is saved.",
        back=back_to(episode, "#tasks"),
    )
    return page.answer(request, lambda values: actions.propose_task(episode=episode, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def task_edit(request: SignedInRequest, task_id: uuid.UUID) -> HttpResponse:
    task = own_task(request, task_id)
    goals = selectors.open_goals(task.episode, or_of=task)
    page = FormPage(
        task.episode,
        title="Renegotiate the task" if task.is_agreed else "Change the task",
        form=partial(TaskEditForm, client=task.episode.client.label, goals=goals),
        shown=values_of(task),
        button="Save task",
        said="The task is saved. What it was before stays in the agreement log.",
        back=back_to(task.episode, f"#task-{task.pk}"),
        intro="Another text or difficulty waits for both of you to agree again." if task.is_agreed else "",
    )
    return page.answer(request, lambda values: actions.change_task(task=task, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def task_agree(request: SignedInRequest, task_id: uuid.UUID) -> HttpResponse:
    task = own_task(request, task_id)
    page = FormPage(
        task.episode,
        title="Who agreed to this task?",
        form=partial(TaskAgreeForm, client=task.episode.client.label),
        shown={"version": task.version, "difficulty": task.difficulty},
        button="Save agreement",
        said="The agreement is saved.",
        back=back_to(task.episode, f"#task-{task.pk}"),
        intro=described(task),
    )
    return page.answer(request, lambda values: actions.agree_task(task=task, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def task_settle(request: SignedInRequest, task_id: uuid.UUID) -> HttpResponse:
    """Drop a task that is open, or take one up again that is not."""
    task = own_task(request, task_id)
    is_drop = task.is_open
    page = FormPage(
        task.episode,
        title="Drop the task" if is_drop else "Take the task up again",
        form=SettleForm,
        shown={"version": task.version},
        button="Drop task" if is_drop else "Take it up again",
        said="The task is dropped. It can be taken up again at any time." if is_drop else "The task is open again.",
        back=back_to(task.episode, f"#task-{task.pk}"),
        intro=described(task),
    )
    action = actions.drop_task if is_drop else actions.take_up_task
    return page.answer(request, lambda values: action(task=task, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def task_step_down(request: SignedInRequest, task_id: uuid.UUID) -> HttpResponse:
    task = own_task(request, task_id)
    page = FormPage(
        task.episode,
        title="Make an easier task of it",
        form=partial(EasierTaskForm, client=task.episode.client.label),
        shown={"rationale": task.rationale},
        button="Save easier task",
        said="The easier task is saved. The harder one waits, and comes back when this one is done or dropped.",
        back=back_to(task.episode, "#tasks"),
        intro=f"From {described(task)}",
    )
    return page.answer(request, lambda values: actions.step_down(task=task, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def task_outcome(request: SignedInRequest, task_id: uuid.UUID) -> HttpResponse:
    """What became of a task by a session; ?session= chooses one, otherwise it is the latest."""
    task = own_task(request, task_id)
    session, links = chosen_session(request, task.episode)
    if session is None:
        return log_first(request, task.episode)
    rows = {row.session_id: row for row in told.outcomes_of(task.episode).get(task.pk, [])}
    page = FormPage(
        task.episode,
        title=f"What became of the task by {session}?",
        form=OutcomeForm,
        shown=values_of(rows[session.pk]) if session.pk in rows else {},
        button="Save",
        said=f"Saved for {session}.",
        back=back_to(task.episode, f"#task-{task.pk}"),
        intro=described(task),
        sessions=links,
    )
    return page.answer(
        request, lambda values: sessions.record_outcome(task=task, session=session, by=request.user, **values)
    )
