"""What is rated when: for the service, and for one client."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import check_own
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import write_once
from clients.selectors import episodes

from .. import catalogue, schedule
from ..actions import clients, service
from ..battery import Entry, at_the_last, preview
from ..forms.service import EntryForm, entry_of, measure_choices, rhythm_choices
from ..instruments import Instrument


def lines_of(entries: list[Entry], found: dict[str, Instrument]) -> dict[str, Any]:
    """A battery in words: its lines, what the first sessions ask for, and what the last one asks for besides."""
    on = catalogue.those_on(found)
    in_use = [entry for entry in entries if entry.instrument in on]
    named = {entry: found[entry.instrument].name for entry in entries}
    return {
        "lines": [(entry, named[entry], entry in in_use) for entry in entries],
        "stretches": [(stretch, by_rater(stretch.entries, named)) for stretch in preview(in_use)],
        "at_the_last": by_rater(at_the_last(in_use), named),
    }


def by_rater(entries: Any, named: dict[Entry, str]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for entry in entries:
        found.setdefault(entry.rater, []).append(named[entry] + (" (before)" if entry.is_before else ""))
    return list(found.items())


@require_http_methods(["GET", "POST"])
def battery(request: SignedInRequest) -> HttpResponse:
    found = catalogue.every()
    form = EntryForm(
        request.POST or None, measures=measure_choices(catalogue.those_on(found)), rhythms=rhythm_choices()
    )
    if request.method == "POST":

        def write() -> str:
            service.add_entry(entry=form.entry, by=request.user)
            return reverse("measures:battery")

        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            messages.success(request, f"Added: {found[form.entry.instrument].name}, {form.entry.in_words}.")
            return redirect(location)
    context = {"form": form, **lines_of(schedule.battery(), found)}
    return form_page(request, "measures/battery.html", context)


@require_POST
def battery_remove(request: SignedInRequest) -> HttpResponse:
    entry = entry_of(request.POST)
    if entry is None:
        raise Http404
    service.remove_entry(entry=entry, by=request.user)
    messages.success(request, "Taken out of the battery. Ratings that are there stay.")
    return redirect("measures:battery")


@require_POST
def battery_move(request: SignedInRequest) -> HttpResponse:
    entry = entry_of(request.POST)
    if entry is None:
        raise Http404
    service.move_entry(entry=entry, by=request.user)
    return redirect("measures:battery")


@require_http_methods(["GET", "POST"])
def episode_battery(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """What is otherwise with this client: added, left out, another rhythm."""
    episode = get_object_or_404(episodes(request.user), pk=episode_id)
    check_own(request.user, episode.responsible_id)
    found = catalogue.every()
    choices = measure_choices(catalogue.those_on(found))
    form = EntryForm(request.POST or None, measures=choices, rhythms=rhythm_choices(with_never=True))
    if request.method == "POST":

        def write() -> str:
            clients.set_override(episode=episode, entry=form.entry, by=request.user)
            return reverse("measures:episode-battery", args=[episode.pk])

        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            said = f"{found[form.entry.instrument].name}, {form.entry.in_words}"
            messages.success(request, f"For {episode.client}: {said}.")
            return redirect(location)
    overrides = {override.entry: override for override in schedule.overrides(episode)}
    shown = lines_of(schedule.merged(list(overrides)), found)
    shown["lines"] = [(*line, overrides.get(line[0])) for line in shown["lines"]]
    context = {"form": form, "episode": episode, **shown}
    return form_page(request, "measures/episode_battery.html", context)


@require_POST
def episode_battery_reset(request: SignedInRequest, override_id: uuid.UUID) -> HttpResponse:
    override = schedule.override_of(request.user, override_id)
    if override is None:
        raise Http404
    clients.remove_override(override=override, by=request.user)
    messages.success(request, "As in the service’s battery again.")
    return redirect("measures:episode-battery", override.episode_id)
