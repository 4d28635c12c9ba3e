"""Files out of the record: one place to ask for them, see how far they are, fetch them and take them back."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import write_once

from ..exports import actions, selectors
from ..exports.codebook import period_in_words
from ..exports.formats import FORMATS
from ..exports.tables import TABLES
from ..forms.exports import ExportForm
from ..models import Export
from ..privacy.about import in_words

PER_PAGE = 20
ASKED_AGAIN = ("scope", "format", "since", "until", "has_mark", "purpose")


@require_http_methods(["GET", "POST"])
def export_list(request: SignedInRequest) -> HttpResponse:
    """What was asked for, and the form that asks. `?again=` fills it in as an earlier one was."""
    found = selectors.exports(request.user)
    if request.method == "POST":
        form = ExportForm(request.POST, request=request)

        def write() -> str:
            export = actions.ask_export(**form.values, by=request.user)
            return reverse("reports:export", args=[export.pk])

        # The password is no content: nothing is kept of it, not even a digest.
        sent = request.POST.copy()
        sent.pop("password", None)
        location = carry_out(form, lambda: write_once(sent, write, by=request.user))
        if location:
            return redirect(location)
    else:
        form = ExportForm(request=request, initial=asked_again(request))
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return form_page(request, "reports/export_list.html", {"form": form, "page": page})


def asked_again(request: SignedInRequest) -> dict[str, Any]:
    try:
        before = selectors.exports(request.user).filter(client=None, pk=uuid.UUID(request.GET.get("again", ""))).first()
    except ValueError:
        return {}
    return {name: getattr(before, name) for name in ASKED_AGAIN} if before else {}


def export_or_404(request: SignedInRequest, export_id: uuid.UUID) -> Export:
    return get_object_or_404(selectors.exports(request.user), pk=export_id)


def progress_context(export: Export) -> dict[str, Any]:
    is_stopped, is_here = selectors.is_stopped(export), export.is_ready and actions.may_have(export)
    return {
        "export": export,
        "is_stopped": is_stopped,
        "is_here": is_here,
        "file_state": file_state(export, is_stopped=is_stopped, is_here=is_here),
        "is_over": export.state == Export.State.READY and not export.is_ready,
        "period": period_in_words(export),
        # As the files come: what is stored comes back in another order.
        "rows": [
            (table.name.replace("_", " "), export.rows[table.name]) for table in TABLES if table.name in export.rows
        ]
        or [(words, number) for words, number in in_words(export.rows) if number],
    }


def file_state(export: Export, *, is_stopped: bool, is_here: bool) -> str:
    """What other pages of whoever asked for the file are told of it; empty where there is nothing to tell."""
    if is_stopped:
        return "stopped"
    if export.is_under_way:
        return "making"
    return "ready" if is_here else ""


@require_GET
def export_page(request: SignedInRequest, export_id: uuid.UUID) -> HttpResponse:
    return render(request, "reports/export.html", progress_context(export_or_404(request, export_id)))


@require_GET
def export_progress(request: SignedInRequest, export_id: uuid.UUID) -> HttpResponse:
    """The part of the page that renews itself while the file is being made."""
    export = export_or_404(request, export_id)
    context = progress_context(export)
    response = render(request, "reports/_export_body.html", context)
    response["X-Record"] = str(export.pk)
    response["X-State"] = context["file_state"]
    return response


@require_GET
def export_file(request: SignedInRequest, export_id: uuid.UUID) -> HttpResponseBase:
    """The file; 404 with what to do instead where it has expired or was taken back."""
    export = export_or_404(request, export_id)
    try:
        file = actions.download_export(export=export, by=request.user)
    except actions.WrongState:
        return render(request, "reports/export_gone.html", progress_context(export), status=404)
    day = timezone.localtime(export.ready_at).date()
    # A pack for a client is a zip like the CSV files, and the name of the file says nothing of whom it is about.
    kind = FORMATS.get(export.format, FORMATS[Export.Format.CSV])
    name = f"alliance-{export.format}-{day.isoformat()}.{kind.suffix}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=kind.content_type)


def moved_on(request: HttpRequest, export: Export) -> HttpResponse:
    messages.warning(request, "This export has gone on meanwhile. This is where it is now.")
    return redirect("reports:export", export.pk)


@require_POST
def export_cancel(request: SignedInRequest, export_id: uuid.UUID) -> HttpResponse:
    export = export_or_404(request, export_id)
    try:
        actions.cancel_export(export=export, by=request.user)
    except actions.WrongState:
        return moved_on(request, export)
    return redirect("reports:export", export.pk)


@require_POST
def export_retry(request: SignedInRequest, export_id: uuid.UUID) -> HttpResponse:
    export = export_or_404(request, export_id)
    try:
        actions.retry_export(export=export, by=request.user)
    except actions.WrongState:
        return moved_on(request, export)
    return redirect("reports:export", export.pk)
