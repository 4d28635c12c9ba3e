import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.views.decorators.http import require_GET, require_http_methods

from accounts import selectors as accounts
from accounts.access import check_own, writes_for
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page, one_line
from accounts.idempotency import sent_before, write_once
from accounts.models import User
from measures import actions as links
from measures import schedule
from measures import selectors as measures
from measures.risk import open_in
from ruptures import lifecycle
from ruptures.actions import repair as ruptures
from ruptures.models import Reason
from ruptures.selectors import count_open, open_ruptures, unanswered
from sessions_app.models import TherapySession
from sessions_app.selectors import with_last_session

from .. import actions, selectors
from ..forms import (
    SETTLED,
    WAS_NONE,
    ClientEditForm,
    EndEpisodeForm,
    EpisodeForm,
    HandOverForm,
    HandOverManyForm,
    NewClientForm,
)
from ..models import Client, Episode

PER_PAGE = 50


@require_GET
def client_list(request: SignedInRequest) -> HttpResponse:
    search = one_line(request.GET.get("q", ""))
    show_ended = request.GET.get("show") == "ended"
    found = selectors.client_list(request.user, search=search, show_ended=show_ended)
    page = Paginator(with_last_session(found), PER_PAGE).get_page(request.GET.get("page"))
    counts = selectors.counts(request.user)
    writes = writes_for(request.user)
    url = reverse("clients:client-list")
    kept = {"show": "ended" if show_ended else "", "q": search}
    context = {
        "page": page,
        "rows": measures.with_latest_change(list(page)),
        "writes_for": writes,
        "shows_therapist": request.user.is_supervisor or len(writes) > 1,
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
    check_own(request.user, episode.responsible_id)
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
    episode = get_object_or_404(selectors.episodes(request.user), pk=episode_id)
    if not episode.is_open:
        return as_before(request)
    check_own(request.user, episode.responsible_id)
    session = measures.session_for_ending(episode)
    form = EndEpisodeForm(
        request.POST or None,
        can_ask=session is not None,
        ruptures=[
            (str(rupture.pk), capfirst(str(rupture)), rupture.confirmed_at is not None)
            for rupture in open_ruptures(episode)
        ],
    )
    if request.method == "POST":
        location = carry_out(
            form,
            lambda: write_once(
                request.POST,
                lambda: write_ending(form, episode, session, by=request.user),
                by=request.user,
            ),
        )
        if location:
            messages.success(request, "The episode is closed. Everything recorded in it stays readable.")
            return redirect(location)
    context = {"form": form, "episode": episode, "is_own": episode.therapist_id == request.user.pk}
    return form_page(request, "clients/episode_end.html", context)


def as_before(request: SignedInRequest) -> HttpResponse:
    """Where the form led that ended the episode, when this is that form again; there is nothing else to end."""
    location = sent_before(request.POST, by=request.user)
    if location is None:
        raise Http404
    return redirect(location)


def write_ending(form: EndEpisodeForm, episode: Episode, session: TherapySession | None, *, by: User) -> str:
    """Everything the page asks about, in one transaction; returns where to go next.

    In this order: what is still open in the episode, its ending, the link for how the client sees it.
    """
    for rupture in open_ruptures(episode):
        how = form.ruptures.get(str(rupture.pk))
        if how is None:
            raise ValidationError(f"Meanwhile a {rupture} was noted. Send this again to be asked about it too.")
        if how == SETTLED:
            ruptures.change_state(rupture=rupture, to=lifecycle.RESOLVED, by=by)
        elif how == WAS_NONE:
            ruptures.change_state(rupture=rupture, to=lifecycle.DISMISSED, reason=Reason.OTHER, by=by)
        else:
            ruptures.close_at_ending(rupture=rupture, by=by)
    values = form.values
    wants_link = values.pop("wants_link", False)
    ended = actions.end_episode(episode=episode, **values, by=by)
    if session and wants_link:
        links.request_rating(session=session, instrument=measures.ENDING, by=by)
    elif session is None or schedule.asked_by_the_ending(ended) is None:
        return reverse("dashboards:episode", args=[episode.pk])
    return reverse("sessions_app:session", args=[session.pk]) + "#link"


# --- Hand-over --------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def episode_hand_over(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """By the therapist alone: who covers for them does not give their clients away."""
    episode = get_object_or_404(selectors.episodes(request.user), pk=episode_id)
    if not episode.is_open:
        return as_before(request)
    if episode.therapist_id != request.user.pk:
        raise PermissionDenied("Only the therapist of this episode hands it over.")
    location = reverse("dashboards:episode", args=[episode.pk])
    form = HandOverForm(request.POST or None, colleagues=accounts.therapists(request.user).exclude(pk=request.user.pk))
    context = {"episode": episode, "person": request.user, "is_own": True, "cancel_url": location}
    return hand_over(request, form, lambda: [episode], context, location=location)


@require_http_methods(["GET", "POST"])
def person_episodes(request: SignedInRequest, person_id: uuid.UUID) -> HttpResponse:
    """A therapist's open episodes by code, for an administrator who hands them over."""
    person = get_object_or_404(accounts.people(request.user), pk=person_id)
    if location := sent_before(request.POST, by=request.user):
        return redirect(location)
    coded = selectors.coded_episodes(person)
    form = HandOverManyForm(
        request.POST or None,
        choices=[(str(one.pk), one) for one in coded],
        initial={"episodes": [str(one.pk) for one in coded]},
        colleagues=accounts.therapists(request.user).exclude(pk=person.pk),
    )
    context = {"person": person, "has_any": bool(coded), "cancel_url": reverse("accounts:person-list")}

    def chosen() -> list[Episode]:
        return list(selectors.episodes_of(person).filter(pk__in=form.cleaned_data["episodes"]))

    return hand_over(request, form, chosen, context, location=reverse("accounts:person-list"))


def hand_over(
    request: SignedInRequest,
    form: HandOverForm,
    chosen: Callable[[], list[Episode]],
    context: dict[str, Any],
    *,
    location: str,
) -> HttpResponse:
    """First to whom and when, then what each person will and will not see, then the deed."""

    def check() -> bool:
        for episode in chosen():
            actions.check_hand_over(episode, to=form.values["to"], on=form.values["on"], user=request.user)
        return True

    def write() -> str:
        for episode in chosen():
            links.hand_over_episode_with_links(episode=episode, **form.values, by=request.user)
        return location

    context["form"] = form
    if request.method == "POST":
        if "confirmed" not in request.POST:
            carry_out(form, check)
        elif carry_out(form, lambda: write_once(request.POST, write, by=request.user)):
            messages.success(request, f"Handed over to {form.values['to'].name}.")
            return redirect(location)
        if form.is_settled:
            return form_page(request, "clients/hand_over_confirm.html", context | what_follows(form, chosen()))
    return form_page(request, "clients/hand_over.html", context)


def what_follows(form: HandOverForm, episodes: list[Episode]) -> dict[str, Any]:
    """What the second step says of each person, with the title the new therapist used last proposed."""
    to = form.cleaned_data["to"]
    form.data = form.data.copy()  # type: ignore[attr-defined]
    form.data.setdefault("practitioner_title", selectors.last_title(to))  # type: ignore[attr-defined]
    form.fields["practitioner_title"].required = True
    next_supervisors = accounts.supervisors_of(to)
    return {
        "to": to,
        "on": form.cleaned_data["on"],
        "episodes": episodes,
        "next_supervisors": next_supervisors,
        "supervisors": [one for one in accounts.supervisors_of(episodes[0].therapist) if one not in next_supervisors],
        "left_open": measures.left_open(episodes),
        "unanswered": unanswered(episodes),
        "open_ruptures": count_open(episodes),
        "risk": open_in(episodes),
    }
