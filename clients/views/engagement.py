"""The agreement log, and the pages of the engagement phase."""

import uuid
from functools import partial

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import may_write
from accounts.http import SignedInRequest
from sessions_app import actions as sessions
from sessions_app import selectors as told
from sessions_app.forms import ChallengeForm

from .. import actions, engagement, selectors
from ..forms import ExpectationsForm, NeedsForm, ObjectiveForm
from ..models import Episode
from .parts import FormPage, own_episode, record_view, tabs, values_of


@require_GET
def agreement_log(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = get_object_or_404(selectors.episodes(request.user), pk=episode_id)
    record_view(request, episode, "agreement-log")
    context = {
        "episode": episode,
        "tabs": tabs(episode, "clients:agreement-log"),
        "is_own": episode.therapist_id == request.user.pk,
        "parts": told.agreement_log(episode),
    }
    return render(request, "clients/agreement_log.html", context)


@require_GET
def engagement_phase(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = get_object_or_404(selectors.episodes(request.user), pk=episode_id)
    record_view(request, episode, "engagement")
    saved = selectors.objectives_of(episode)
    levels = {code: objective.level for code, objective in saved.items()}
    phase = told.engagement_state(told.sessions_of(episode), levels, of=request.user.organisation.engagement_sessions)
    context = {
        "episode": episode,
        "tabs": tabs(episode, "clients:engagement"),
        "is_own": episode.therapist_id == request.user.pk,
        "may_change": episode.is_open and may_write(request.user, episode.responsible_id),
        "phase": phase,
        "objectives": [(objective, saved.get(objective.code)) for objective in engagement.OBJECTIVES],
        "levels": engagement.LEVELS,
        "expectations": selectors.expectations_of(episode),
        "needs": selectors.needs_of(episode),
    }
    return render(request, "clients/engagement.html", context)


def back_to(episode: Episode, part: str) -> str:
    return reverse("clients:engagement", args=[episode.pk]) + part


@require_http_methods(["GET", "POST"])
def objective_edit(request: SignedInRequest, episode_id: uuid.UUID, code: str) -> HttpResponse:
    episode = own_episode(request, episode_id)
    objective = engagement.BY_CODE.get(code)
    if objective is None:
        raise Http404
    saved = selectors.objectives_of(episode).get(code)
    page = FormPage(
        episode,
        title=engagement.capital(objective.name),
        form=partial(ObjectiveForm, objective=objective),
        shown=values_of(saved, without="assessed_on") if saved else {},
        button="Save",
        said="Saved.",
        back=back_to(episode, f"#{code}"),
        intro=objective.asks,
    )
    return page.answer(
        request,
        lambda values: actions.assess_objective(episode=episode, objective=code, **values, by=request.user),
    )


@require_http_methods(["GET", "POST"])
def expectations_edit(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = own_episode(request, episode_id)
    saved = selectors.expectations_of(episode)
    page = FormPage(
        episode,
        title="What you expect of each other",
        form=ExpectationsForm,
        shown=values_of(saved) if saved else {},
        button="Save",
        said="Saved.",
        back=back_to(episode, "#expectations"),
    )
    return page.answer(request, lambda values: actions.save_expectations(episode=episode, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def needs_edit(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = own_episode(request, episode_id)
    saved = selectors.needs_of(episode)
    page = FormPage(
        episode,
        title="What is needed",
        form=NeedsForm,
        shown=values_of(saved, without="assessed_on") if saved else {},
        button="Save",
        said="Saved.",
        back=back_to(episode, "#needs"),
    )
    return page.answer(request, lambda values: actions.save_needs(episode=episode, **values, by=request.user))


@require_http_methods(["GET", "POST"])
def first_challenge(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = own_episode(request, episode_id)
    held = [session for session in told.sessions_of(episode) if session.took_place]
    saved = told.first_challenge_of(episode)
    page = FormPage(
        episode,
        title="The first challenge",
        form=partial(ChallengeForm, sessions=held),
        shown={**values_of(saved), "session": str(saved.session_id)} if saved else {},
        button="Save",
        said="Saved.",
        back=back_to(episode, "#first-challenge"),
        intro="The session in which you challenged behaviour for the first time. The second phase begins with it, and "
        "strain is to be expected.",
    )
    return page.answer(
        request, lambda values: sessions.mark_first_challenge(episode=episode, **values, by=request.user)
    )
