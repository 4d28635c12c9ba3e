import hashlib
import json
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors as accounts
from accounts.audit import record_event
from accounts.forms import carry_out
from accounts.http import SignedInRequest, csv_file, form_page
from accounts.idempotency import write_once
from measures import catalogue
from measures import selectors as measures

from .. import actions, selectors
from ..fhir import bundle_of
from ..forms import ChoosingForm, ColumnsForm, MappingForm, Measure, UploadForm, known_measures
from ..forms.filled import Known, filled_from, known_mapping, suggested, suggested_shape
from ..mapping import template_rows, toml_of
from ..models import ImportBatch
from ..reading import Unreadable

PER_PAGE = 50
SHOWN = 50
State = ImportBatch.State
CAN_BE_MAPPED = (State.UPLOADED, State.REFUSED, State.READY)


class MovedOn(Exception):
    """Somebody else has taken the import further: not a mistake of the form."""


# --- One rating out


@require_GET
def rating_fhir(request: SignedInRequest, rating_id: uuid.UUID) -> HttpResponse:
    """A rating for whoever may see it, as FHIR R4B. The name of the file says nothing of the client."""
    rating = measures.rating_to_see(request.user, rating_id)
    if rating is None:
        raise Http404
    bundle = bundle_of(selectors.completed_rating(rating), catalogue.known([rating.instrument])[rating.instrument])
    record_event(
        "rating.exported",
        rating,
        organisation_id=rating.organisation_id,
        client_id=rating.session.episode.client_id,
        by=request.user,
        fields=["fhir"],
    )
    name = f"{rating.instrument}-{rating.rater}-session-{rating.session.number}.fhir.json"
    response = HttpResponse(json.dumps(bundle, ensure_ascii=False, indent=2), content_type="application/fhir+json")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# --- The list, a new file, templates


@require_GET
def import_list(request: SignedInRequest) -> HttpResponse:
    page = Paginator(selectors.imports(request.user), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "reports/import_list.html", {"page": page})


@require_http_methods(["GET", "POST"])
def import_create(request: SignedInRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "reports/import_form.html", {"form": UploadForm()})
    form = UploadForm(request.POST, request.FILES)

    def write() -> str:
        batch = actions.start_import(file_name=form.file_name, content=content, reading=form.reading, by=request.user)
        return reverse("reports:import-columns", args=[batch.pk])

    if form.is_valid():
        content = form.cleaned_data["file"].read()
        # The same form with another file is not the same form.
        sent = request.POST.copy()
        sent["file"] = hashlib.sha256(content).hexdigest()
        try:
            location = carry_out(form, lambda: write_once(sent, write, by=request.user))
        except Unreadable as error:
            form.add_error("file", str(error))
        else:
            if location:
                return redirect(location)
    return form_page(request, "reports/import_form.html", {"form": form})


@require_GET
def template_list(request: SignedInRequest) -> HttpResponse:
    known = known_measures(measures.own_measures())
    return render(request, "reports/template_list.html", {"measures": known})


@require_GET
def template(request: SignedInRequest, instrument: str, rater: str, holds: str) -> HttpResponse:
    known = {(one.code, one.rater): one for one in known_measures(measures.own_measures())}
    measure = known.get((instrument, rater))
    if measure is None or measure.edition is None or holds not in ("items", "scores"):
        raise Http404
    if holds == "items" and not measure.items:
        raise Http404
    rows = template_rows(measure.edition, holds_items=holds == "items")
    return csv_file(f"{instrument}-{rater}-{holds}.csv", rows)


# --- Which column is what


def import_or_404(request: SignedInRequest, batch_id: uuid.UUID) -> ImportBatch:
    return get_object_or_404(selectors.imports(request.user), pk=batch_id)


def moved_on(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    messages.warning(request, "This import has gone on meanwhile. This is where it is now.")
    return redirect("reports:import", batch.pk)


@require_http_methods(["GET", "POST"])
def import_columns(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    """What the file holds, then which column is what. What is known of such a file is filled in."""
    batch = selectors.import_to_map(request.user, batch_id)
    if batch is None:
        raise Http404
    if batch.state not in CAN_BE_MAPPED and request.method != "POST":
        return moved_on(request, batch)
    known = known_measures(measures.own_measures())
    source = source_of(batch)
    filled = filled_from(source.mapping, batch.columns, known) if source else None
    choosing = ChoosingForm(request.GET if "shape" in request.GET else None, known=known)
    if choosing.is_valid():
        shape, chosen = choosing.cleaned_data["shape"], choosing.chosen
    elif choosing.is_bound or not filled or "again" in request.GET:
        if source and not filled and "again" not in request.GET and not choosing.is_bound:
            return redirect("reports:import-mapping", batch.pk)
        return choosing_page(request, batch, choosing, known, filled.shape if filled else "")
    else:
        shape, chosen = filled.shape, filled.measures
    initial = suggested(batch.columns, shape, chosen)
    if filled and filled.shape == shape:
        initial |= filled.initial
    initial |= terms_known(batch, source)
    form = ColumnsForm(
        request.POST if request.method == "POST" else None,
        shape=shape,
        measures=chosen,
        columns=selectors.columns_of(batch),
        therapists=accounts.therapists(request.user),
        by=request.user,
        initial=initial,
    )
    if request.method == "POST" and (answer := map_by(request, batch, form)):
        return answer
    context = {
        "batch": batch,
        "form": form,
        "shape": shape,
        "source": source if filled and filled.shape == shape else None,
        "again": choosing_address(batch, shape, chosen),
    }
    return form_page(request, "reports/import_columns.html", context)


def source_of(batch: ImportBatch) -> Known | None:
    """The mapping to start from: the import's own, or that of a file like it."""
    if batch.mapping:
        return Known("own", batch.mapping, batch.file_name, batch)
    return known_mapping(batch.columns, selectors.remembered(batch))


def terms_known(batch: ImportBatch, source: Known | None) -> dict[str, Any]:
    """Whose clients they were and from which day on, where such a file was here before."""
    before = batch if batch.therapist_id else source.batch if source else None
    if before is None:
        return {}
    return {"therapist": before.therapist_id, "start_date": before.start_date}


def choosing_page(
    request: HttpRequest, batch: ImportBatch, form: ChoosingForm, known: list[Measure], shape: str
) -> HttpResponse:
    if not form.is_bound:
        form.initial = {"shape": shape or suggested_shape(batch.columns, known)}
        asked = request.GET.getlist("measures")
        form.initial |= {"measures": asked, "new": request.GET.get("new", 0)}
        if request.GET.get("kind"):
            form.initial["shape"] = request.GET["kind"]
    context = {"batch": batch, "form": form, "columns": selectors.columns_of(batch)}
    return form_page(request, "reports/import_choosing.html", context)


def choosing_address(batch: ImportBatch, shape: str, chosen: list[Measure]) -> str:
    """Back to what the file holds, with what was said of it."""
    said = "".join(f"&measures={one.key}" for one in chosen if not one.key.startswith("new_"))
    new = sum(one.key.startswith("new_") for one in chosen)
    return f"{reverse('reports:import-columns', args=[batch.pk])}?again=1&kind={shape}{said}&new={new}"


def map_by(request: SignedInRequest, batch: ImportBatch, form: ColumnsForm | MappingForm) -> HttpResponse | None:
    """Check what a form says about a file. None when it is refused."""

    def write() -> str:
        try:
            actions.map_columns(
                batch=batch,
                mapping=form.mapping,
                therapist=form.cleaned_data["therapist"],
                start_date=form.cleaned_data["start_date"],
                by=request.user,
            )
        except actions.WrongState as error:
            raise MovedOn from error
        return reverse("reports:import", args=[batch.pk])

    try:
        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    except MovedOn:
        return moved_on(request, batch)
    return redirect(location) if location else None


@require_http_methods(["GET", "POST"])
def import_mapping(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The mapping as a text, for what the form can't say."""
    batch = selectors.import_to_map(request.user, batch_id)
    if batch is None:
        raise Http404
    if batch.state not in CAN_BE_MAPPED and request.method != "POST":
        return moved_on(request, batch)
    source = source_of(batch)
    initial = {"text": toml_of(source.mapping) if source else "", **terms_known(batch, source)}
    form = MappingForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        therapists=accounts.therapists(request.user),
        columns=batch.columns,
        initial=initial,
    )
    if request.method == "POST" and (answer := map_by(request, batch, form)):
        return answer
    context = {"batch": batch, "form": form, "source": source, "columns": selectors.columns_of(batch)}
    return form_page(request, "reports/import_mapping.html", context)


@require_GET
def import_mapping_file(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = import_or_404(request, batch_id)
    if not batch.mapping:
        raise Http404
    response = HttpResponse(toml_of(batch.mapping), content_type="application/toml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="mapping.toml"'
    return response


# --- Where it has got to


def progress_context(batch: ImportBatch) -> dict[str, Any]:
    problems = batch.report.get("problems", [])
    more = batch.report.get("more_problems", 0)
    mismatches = batch.report.get("mismatch_lines", [])
    unused = batch.report.get("unused", [])
    return {
        "batch": batch,
        "is_stopped": selectors.is_stopped(batch),
        "brings_news": bool(batch.report.get("written") or batch.report.get("superseded")),
        "problems": [dict(zip(("row", "column", "value", "message"), kept, strict=True)) for kept in problems[:SHOWN]],
        "problem_count": len(problems) + more,
        "kept_count": len(problems),
        "mismatch_lines": mismatches[:SHOWN],
        "more_mismatches": batch.report.get("mismatches", 0) - len(mismatches[:SHOWN]),
        "unused": unused[:SHOWN],
        "more_unused": len(unused) - len(unused[:SHOWN]),
        "kept_rows": selectors.in_order(batch.report.get("kept", {})),
    }


@require_GET
def import_page(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = import_or_404(request, batch_id)
    return render(request, "reports/import.html", progress_context(batch))


@require_GET
def import_progress(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    """The part of the page that renews itself while the import is under way."""
    batch = import_or_404(request, batch_id)
    response = render(request, "reports/_import_body.html", progress_context(batch))
    response["X-Record"] = str(batch.pk)
    return response


@require_GET
def import_problems(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = import_or_404(request, batch_id)
    problems = [["" if cell is None else str(cell) for cell in kept] for kept in batch.report.get("problems", [])]
    return csv_file("problems.csv", [["row", "column", "value", "what to do"], *problems])


@require_POST
def import_write(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = import_or_404(request, batch_id)
    try:
        actions.write_import(batch=batch, by=request.user)
    except actions.WrongState:
        return moved_on(request, batch)
    except ValidationError as error:
        # A measure of the file was defined otherwise since the check.
        messages.error(request, " ".join(error.messages))
    return redirect("reports:import", batch.pk)


@require_POST
def import_retry(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = import_or_404(request, batch_id)
    try:
        actions.retry_import(batch=batch, by=request.user)
    except actions.WrongState:
        return moved_on(request, batch)
    return redirect("reports:import", batch.pk)


@require_http_methods(["GET", "POST"])
def import_undo(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = import_or_404(request, batch_id)
    if request.method != "POST":
        if batch.state not in (State.WRITTEN, State.WRITING):
            return moved_on(request, batch)
        return render(request, "reports/import_undo.html", {"batch": batch, "undoing": selectors.undoing_of(batch)})
    try:
        actions.undo_import(batch=batch, by=request.user)
    except actions.WrongState:
        return moved_on(request, batch)
    return redirect("reports:import", batch.pk)


@require_http_methods(["GET", "POST"])
def import_discard(request: SignedInRequest, batch_id: uuid.UUID) -> HttpResponse:
    batch = import_or_404(request, batch_id)
    if request.method != "POST":
        if batch.state not in CAN_BE_MAPPED:
            return moved_on(request, batch)
        return render(request, "reports/import_discard.html", {"batch": batch})
    name = batch.file_name
    try:
        actions.discard_import(batch=batch, by=request.user)
    except actions.WrongState:
        return moved_on(request, batch)
    messages.success(request, f"{name} is discarded. Nothing of it was written.")
    return redirect("reports:import-list")
