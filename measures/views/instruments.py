"""What is on, under which licence and in which words; for administrators."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import write_once

from .. import catalogue, schedule, wordings
from ..actions import service
from ..forms.service import LicenceForm, WordingForm
from ..instruments import Edition, Instrument
from ..instruments.explanation import how_scored, scale_name, sources
from ..languages import name_of


@require_GET
def instrument_list(request: SignedInRequest) -> HttpResponse:
    battery = schedule.battery()
    rows = [
        (row, [entry for entry in battery if entry.instrument == row.instrument.code]) for row in wordings.overview()
    ]
    return render(request, "measures/instrument_list.html", {"rows": rows})


def instrument_or_404(code: str) -> Instrument:
    found = catalogue.known([code]).get(code)
    if found is None:
        raise Http404
    return found


def key_of(edition: Edition) -> dict[str, object]:
    """The edition's key as the page shows it."""
    scales = [(scale_name(scale), how_scored(edition, scale)) for scale in edition.scored_scales]
    return {"edition": edition, "scales": scales, "sources": sources(edition)}


def instrument_page(request: HttpRequest, instrument: Instrument, form: LicenceForm) -> HttpResponse:
    code = instrument.code
    licences = wordings.licences_of(code)
    recorded = wordings.wordings_of(code)
    shipped = {
        rater: [name_of(language) for language in edition.languages]
        for rater, edition in instrument.editions.items()
        if edition.items and edition.languages
    }
    context = {
        "instrument": instrument,
        "form": form,
        "is_on": catalogue.is_on(code),
        "needs_licence": not instrument.is_on_by_default and not licences,
        "licences": licences,
        "shipped": shipped,
        "in_force": [(one, name_of(one.language)) for one in recorded if one.ended_at is None],
        "ended": [(one, name_of(one.language)) for one in recorded if one.ended_at is not None],
        "has_items": any(edition.items for edition in instrument.editions.values()),
        "keys": [key_of(edition) for edition in instrument.editions.values()],
        "entries": [entry for entry in schedule.battery() if entry.instrument == code],
    }
    return form_page(request, "measures/instrument.html", context)


@require_GET
def instrument(request: SignedInRequest, code: str) -> HttpResponse:
    return instrument_page(request, instrument_or_404(code), LicenceForm(initial={"name": request.user.name}))


@require_POST
def instrument_switch(request: SignedInRequest, code: str) -> HttpResponse:
    found = instrument_or_404(code)
    is_on = request.POST.get("is_on") == "1"
    try:
        service.switch_instrument(instrument=code, is_on=is_on, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        off = f"{found.name} is off: nobody is asked for it any more. Its ratings stay."
        messages.success(request, f"{found.name} is on." if is_on else off)
    return redirect("measures:instrument", code)


@require_POST
def licence_record(request: SignedInRequest, code: str) -> HttpResponse:
    found = instrument_or_404(code)
    form = LicenceForm(request.POST)

    def write() -> str:
        service.record_licence(instrument=code, **form.values, by=request.user)
        return reverse("measures:instrument", args=[code])

    location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    if location:
        messages.success(request, f"The licence for {found.name} is recorded.")
        return redirect(location)
    return instrument_page(request, found, form)


@require_http_methods(["GET", "POST"])
def wording_create(request: SignedInRequest, code: str) -> HttpResponse:
    """Paste or upload, look at it as clients will see it, and save what was looked at."""
    found = instrument_or_404(code)
    if not any(edition.items for edition in found.editions.values()):
        raise Http404
    initial = {"name": request.user.name, **wording_initial(found, request.GET)}
    form = WordingForm(request.POST or None, request.FILES or None, instrument=found, initial=initial)

    def write() -> str:
        values = form.cleaned_data
        stated = {name: values[name] for name in ("statement", "dated_on", "name")}
        service.record_wording(
            edition=form.edition,
            language=values["language"],
            items=form.items,
            introduction=values["introduction"],
            notice=values["notice"],
            licence=service.record_licence(instrument=code, **stated, by=request.user),
            by=request.user,
        )
        return reverse("measures:instrument", args=[code])

    wants_to_save = request.POST.get("do") == "save"
    is_fit = request.method == "POST" and form.is_valid()
    if is_fit and wants_to_save and form.is_looked_at:
        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            words = name_of(form.cleaned_data["language"])
            messages.success(request, f"The words in {words} are recorded. Ratings from now on are made with them.")
            return redirect(location)
    context = {"form": form, "instrument": found, "is_fit": is_fit, "was_changed": is_fit and wants_to_save}
    return form_page(request, "measures/wording_form.html", context)


def wording_initial(instrument: Instrument, asked: Mapping[str, str]) -> dict[str, Any]:
    """The words that are to be changed, where the address names some; else what is known of the licence."""
    edition = instrument.editions.get(asked.get("rater", ""))
    before = wordings.in_force_of(edition, asked.get("language", "")) if edition else None
    licence = before.licence if before else next(iter(wordings.licences_of(instrument.code)), None)
    initial: dict[str, Any] = {"rater": edition.rater if edition else next(iter(instrument.editions))}
    if licence is not None:
        initial |= {"statement": licence.statement, "dated_on": licence.dated_on, "name": licence.name}
    if before is not None:
        lines = "\n".join(" | ".join(part for part in words if part) for words in before.items)
        initial |= {"language": before.language, "introduction": before.introduction, "notice": before.notice}
        initial["text"] = lines
    return initial


@require_POST
def wording_end(request: SignedInRequest, wording_id: uuid.UUID) -> HttpResponse:
    wording = wordings.wording_of(request.user, wording_id)
    if wording is None:
        raise Http404
    service.end_wording(wording=wording, by=request.user)
    messages.success(request, f"The words in {name_of(wording.language)} are shown to nobody any more.")
    return redirect("measures:instrument", wording.instrument)
