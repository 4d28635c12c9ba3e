"""What the pages of goals, tasks and the engagement phase share: whose record it is, and how a form is saved."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import formats

from accounts.access import check_own
from accounts.audit import record_event
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import StaleVersion, write_once
from sessions_app.models import TherapySession
from sessions_app.selectors import sessions_of

from .. import selectors
from ..models import Episode, Goal, Task

Values = Mapping[str, Any]


def own_episode(request: SignedInRequest, episode_id: uuid.UUID) -> Episode:
    episode = get_object_or_404(selectors.episodes(request.user), pk=episode_id)
    check_own(request.user, episode.responsible_id)
    return episode


def own_goal(request: SignedInRequest, goal_id: uuid.UUID) -> Goal:
    goal = get_object_or_404(selectors.goals(request.user), pk=goal_id)
    check_own(request.user, goal.episode.responsible_id)
    return goal


def own_task(request: SignedInRequest, task_id: uuid.UUID) -> Task:
    task = get_object_or_404(selectors.tasks(request.user), pk=task_id)
    check_own(request.user, task.episode.responsible_id)
    return task


def back_to(episode: Episode, part: str = "") -> str:
    return reverse("clients:agreements", args=[episode.pk]) + part


def log_first(request: SignedInRequest, episode: Episode) -> HttpResponse:
    messages.error(request, "No session has taken place yet. Log one, then say how it went.")
    return redirect(back_to(episode))


def record_view(request: SignedInRequest, episode: Episode, what: str) -> None:
    record_event(
        f"{what}.viewed", episode, organisation_id=episode.organisation_id, client_id=episode.client_id, by=request.user
    )


def tabs(episode: Episode, current: str) -> list[dict[str, Any]]:
    names = {
        "dashboards:episode": "Course",
        "clients:agreements": "Goals and tasks",
        "clients:agreement-log": "Agreement log",
        "clients:engagement": "Engagement",
        "dashboards:timeline": "Timeline",
    }
    return [
        {"label": label, "url": reverse(name, args=[episode.pk]), "current": name == current}
        for name, label in names.items()
    ]


def chosen_session(request: SignedInRequest, episode: Episode) -> tuple[TherapySession | None, list[dict[str, Any]]]:
    """The session that ?session= names, or the latest that took place; and the way to each of the others."""
    held = [session for session in reversed(sessions_of(episode)) if session.took_place]
    wanted = request.GET.get("session") or (str(held[0].pk) if held else "")
    chosen = next((session for session in held if str(session.pk) == wanted), None)
    if chosen is None and wanted:
        raise Http404
    links = [{"label": session.name, "url": f"?session={session.pk}", "current": session == chosen} for session in held]
    return chosen, links


@dataclass(frozen=True)
class FormPage:
    """One form on one page. `form` makes it; `shown` is what is saved now; `sessions` are those it can be told of."""

    episode: Episode
    title: str
    form: Callable[..., forms.Form]
    shown: Values
    button: str
    said: str
    back: str
    intro: str = ""
    sessions: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: SignedInRequest, write: Callable[[dict[str, Any]], object]) -> HttpResponse:
        """Show the form, or do what it says and go back. What cannot be done stands beside the field."""
        form: Any = self.form(request.POST or None, initial=dict(self.shown))
        if request.method == "POST":

            def once() -> str:
                write(form.values)
                return self.back

            try:
                location = carry_out(form, lambda: write_once(request.POST, once, by=request.user))
            except StaleVersion as conflict:
                return self.conflict(request, form, conflict.current)
            if location:
                messages.success(request, self.said)
                return redirect(location)
        else:
            record_view(request, self.episode, "agreement-form")
        return form_page(request, "clients/agreement_form.html", {"form": form, "page": self})

    def conflict(self, request: SignedInRequest, form: forms.Form, current: Any) -> HttpResponse:
        """What is saved and what was typed, side by side; saving again says which one is meant."""
        typed = {one.name: one.value() for one in form if one.name != "submission"}
        again = self.form(initial={**typed, "version": current.version})
        now = values_of(current)
        saved = [
            (shown.label, in_words(shown, now[shown.name])) for shown in again.visible_fields() if shown.name in now
        ]
        context = {"form": again, "current": f"“{current}”", "saved": saved, "cancel_url": self.back}
        return render(request, "accounts/conflict.html", context, status=409)


def values_of(record: Any, *, without: str = "") -> dict[str, Any]:
    """A saved record as its form shows it; a day that is to be today again is left out by its name."""
    values = {
        field.name: without_zeros(field.value_from_object(record))
        for field in record._meta.concrete_fields
        if field.name != without
    }
    if isinstance(record, Goal):
        values["target"] = str(record.aim) if record.aim else ""
    if isinstance(record, Task):
        values["difficulty"] = record.difficulty
        values["goal"] = str(record.goal_id or "")
    return values


def without_zeros(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def in_words(field: forms.BoundField, value: Any) -> str:
    """A value as its field words it."""
    choices = getattr(field.field, "choices", None)
    if choices is not None:
        labels = {str(key): str(label) for key, label in choices}
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(labels.get(str(one), str(one)) for one in chosen)
    if isinstance(value, date):
        return formats.date_format(value, "j F Y")
    return "" if value is None else str(value)
