import re
import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import check_own
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import write_once
from measures import schedule
from measures import selectors as measures
from sessions_app.selectors import with_last_session

from .. import actions, selectors
from ..forms import ClientEditForm, EndEpisodeForm, EpisodeForm, NewClientForm
from ..models import Client, Episode

PER_PAGE = 50
# The database takes no NUL, and nobody searches for the others.
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@require_GET
def client_list(request: SignedInRequest) -> HttpResponse:
    search = CONTROL.sub("", request.GET.get("q", "")).strip()
    show_ended = request.GET.get("show") == "ended"
    found = selectors.client_list(request.user, search=search, show_ended=show_ended)
    page = Paginator(with_last_session(found), PER_PAGE).get_page(request.GET.get("page"))
    counts = selectors.counts(request.user)
    url = reverse("clients:client-list")
    kept = {"show": "ended" if show_ended else "", "q": search}
    context = {
        "page": page,
        "rows": measures.with_latest_change(list(page)),
        "search": search,
        "show_ended": show_ended,
        "query": "".join(f"{urlencode({name: value})}&" for name, value in kept.items() if value),
        "tabs": [
            {"label": "Open", "url": url, "current": not show_ended, "count": counts["open"]},
            {"label": "Ended", "url": f"{url}?show=ended", "current": show_ended, "count": counts["ended"]},
        ],
        "has_any": bool(counts["open"] or counts["ended"]),
    }
    return render(request, "clients/client_list.html", context)


@require_http_methods(["GET", "POST"])
def client_create(request: SignedInRequest) -> HttpResponse:
    form = NewClientForm(request.POST or None, initial={"practitioner_title": selectors.last_title(request.user)})
    if request.method == "POST":

        def write() -> str:
            values = form.values
            client = actions.create_client(code=values.pop("code"), name=values.pop("name"), by=request.user)
            episode = actions.start_episode(client=client, **values, by=request.user)
            return reverse("dashboards:episode", args=[episode.pk])

        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            messages.success(request, "The client is added. Log the first session when it has taken place.")
            return redirect(location)
    return form_page(request, "clients/client_form.html", {"form": form})


@require_http_methods(["GET", "POST"])
def client_edit(request: SignedInRequest, client_id: uuid.UUID) -> HttpResponse:
    client = get_object_or_404(selectors.clients(request.user), pk=client_id)
    episode = selectors.latest_episode(client)
    check_own(request.user, episode.therapist_id)
    fields = ("code", "name", "email", "wants_invitations", "version")
    shown = {name: getattr(client, name) for name in fields}
    form = ClientEditForm(
        request.POST or None, initial={**shown, "mail_agreed_on": client.mail_agreed_on or timezone.localdate()}
    )
    if request.method == "POST":

        def write() -> str:
            actions.update_client(client=client, by=request.user, **form.values)
            return reverse("dashboards:episode", args=[episode.pk])

        try:
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
            if location:
                messages.success(request, "Saved.")
                return redirect(location)
        except actions.StaleVersion as conflict:
            return conflict_page(request, form, conflict.current, episode)
    return form_page(request, "clients/client_edit.html", {"form": form, "client": client, "episode": episode})


def conflict_page(request: HttpRequest, form: ClientEditForm, current: Client, episode: Episode) -> HttpResponse:
    """What is saved and what was typed, side by side; saving again says which one is meant."""
    typed = {name: value for name, value in form.cleaned_data.items() if name != "submission"}
    again = ClientEditForm(initial={**typed, "version": current.version})
    cancel_url = reverse("dashboards:episode", args=[episode.pk])
    context = {"form": again, "current": current, "cancel_url": cancel_url}
    return render(request, "clients/client_conflict.html", context, status=409)


@require_http_methods(["GET", "POST"])
def episode_create(request: SignedInRequest, client_id: uuid.UUID) -> HttpResponse:
    client = get_object_or_404(selectors.clients(request.user), pk=client_id)
    actions.check_own_client(client, request.user)
    form = EpisodeForm(request.POST or None, initial={"practitioner_title": selectors.last_title(request.user)})
    if request.method == "POST":

        def write() -> str:
            episode = actions.start_episode(client=client, **form.values, by=request.user)
            return reverse("dashboards:episode", args=[episode.pk])

        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            return redirect(location)
    return form_page(request, "clients/episode_form.html", {"form": form, "client": client})


@require_http_methods(["GET", "POST"])
def episode_end(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = get_object_or_404(selectors.episodes(request.user).open(), pk=episode_id)  # type: ignore[attr-defined]
    check_own(request.user, episode.therapist_id)
    form = EndEpisodeForm(request.POST or None)
    if request.method == "POST":

        def write() -> str:
            ended = actions.end_episode(episode=episode, **form.values, by=request.user)
            last = schedule.asked_by_the_ending(ended)
            if last is not None:
                return reverse("sessions_app:session", args=[last.pk])
            return reverse("dashboards:episode", args=[episode.pk])

        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            messages.success(request, "The episode is closed. Everything recorded in it stays readable.")
            return redirect(location)
    return form_page(request, "clients/episode_end.html", {"form": form, "episode": episode})
