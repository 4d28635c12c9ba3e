"""All that is held about one client: handed out and erased; and for how long a service keeps it."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import StaleVersion, write_once
from clients import selectors as clients
from clients.models import Client

from ..exports.selectors import is_stopped as pack_is_stopped
from ..forms.privacy import CodeForm, ErasureRequestForm, HoldForm, PackForm, RetentionForm
from ..models import Erasure
from ..privacy import erasure as actions
from ..privacy import packs, retention, selectors

PER_PAGE = 20


# --- One client --------------------------------------------------------------------------------------------


def client_or_404(request: SignedInRequest, client_id: uuid.UUID) -> Client:
    """Not yours: 404. Yours to see and not to decide about: 403."""
    client = get_object_or_404(clients.clients(request.user), pk=client_id)
    actions.check_responsible(client, request.user)
    return client


def data_page(request: SignedInRequest, client: Client, **forms: Any) -> HttpResponse:
    made = list(selectors.packs(request.user, client)[:PER_PAGE])
    context = {
        "client": client,
        "episode": clients.latest_episode(client),
        "packs": [(pack, pack_is_stopped(pack)) for pack in made],
        "erasure": selectors.erasure_of(client),
        "is_held": actions.is_held(client.pk),
        "form": PackForm(request=request),
        "own": ErasureRequestForm(),
    }
    return form_page(request, "reports/client_data.html", context | forms)


@require_GET
def client_data(request: SignedInRequest, client_id: uuid.UUID) -> HttpResponse:
    return data_page(request, client_or_404(request, client_id))


@require_http_methods(["POST"])
def pack_create(request: SignedInRequest, client_id: uuid.UUID) -> HttpResponse:
    client = client_or_404(request, client_id)
    form = PackForm(request.POST, request=request)

    def write() -> str:
        pack = packs.ask_pack(client=client, **form.values, by=request.user)
        return reverse("reports:export", args=[pack.pk])

    # The password is no content: nothing is kept of it, not even a digest.
    sent = request.POST.copy()
    sent.pop("password", None)
    location = carry_out(form, lambda: write_once(sent, write, by=request.user))
    return redirect(location) if location else data_page(request, client, form=form)


@require_http_methods(["POST"])
def erasure_request(request: SignedInRequest, client_id: uuid.UUID) -> HttpResponse:
    client = client_or_404(request, client_id)
    form = ErasureRequestForm(request.POST)

    def write() -> str:
        actions.request_erasure(client=client, **form.values, by=request.user)
        return reverse("reports:client-data", args=[client.pk])

    location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    if location:
        messages.success(request, "An administrator is asked to erase this record. Until then nothing changes.")
        return redirect(location)
    return data_page(request, client, own=form)


# --- Erasures ----------------------------------------------------------------------------------------------


@require_GET
def erasure_list(request: SignedInRequest) -> HttpResponse:
    found = selectors.erasures(request.user)
    context = {
        "waiting": selectors.to_decide(request.user),
        "page": Paginator(found.exclude(state=Erasure.State.REQUESTED), PER_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "reports/erasure_list.html", context)


def erasure_or_404(request: SignedInRequest, erasure_id: uuid.UUID) -> Erasure:
    return get_object_or_404(selectors.erasures(request.user), pk=erasure_id)


def erasure_context(request: SignedInRequest, erasure: Erasure) -> dict[str, Any]:
    done, total = selectors.part_done(erasure)
    is_decider = request.user.is_administrator
    shows = erasure.is_open and is_decider and erasure.client is not None
    return {
        "erasure": erasure,
        "is_stopped": selectors.is_stopped(erasure),
        "is_decider": is_decider,
        "is_own": erasure.requested_by_id == request.user.pk,
        "done": done,
        "total": total,
        "preview": selectors.preview(erasure.client) if shows and erasure.client else None,
        "proof": selectors.proof(erasure),
        "form": CodeForm(),
    }


@require_GET
def erasure_page(request: SignedInRequest, erasure_id: uuid.UUID) -> HttpResponse:
    """What would go, how far it is, and the proof, as far as it has come."""
    erasure = erasure_or_404(request, erasure_id)
    return render(request, "reports/erasure.html", erasure_context(request, erasure))


@require_GET
def erasure_progress(request: SignedInRequest, erasure_id: uuid.UUID) -> HttpResponse:
    """The part of the page that renews itself while it is under way; then the page, whose head names the client."""
    erasure = erasure_or_404(request, erasure_id)
    response = render(request, "reports/_erasure_body.html", erasure_context(request, erasure))
    response["X-Record"] = str(erasure.pk)
    if not erasure.is_under_way:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def erasure_carry_out(request: SignedInRequest, erasure_id: uuid.UUID) -> HttpResponse:
    erasure = erasure_or_404(request, erasure_id)
    form = CodeForm(request.POST)

    def write() -> bool:
        actions.carry_out(erasure=erasure, code=form.cleaned_data["code"], by=request.user)
        return True

    if carry_out(form, write):
        return redirect("reports:erasure", erasure.pk)
    erasure.refresh_from_db()
    return form_page(request, "reports/erasure.html", erasure_context(request, erasure) | {"form": form})


def moved_on(request: HttpRequest, erasure: Erasure) -> HttpResponse:
    messages.warning(request, "This has gone on meanwhile. This is where it is now.")
    return redirect("reports:erasure", erasure.pk)


def deed(request: SignedInRequest, erasure: Erasure, do: Callable[[], None]) -> HttpResponse:
    try:
        do()
    except actions.WrongState:
        return moved_on(request, erasure)
    return redirect("reports:erasure", erasure.pk)


@require_POST
def erasure_close(request: SignedInRequest, erasure_id: uuid.UUID) -> HttpResponse:
    """Declined by an administrator, or taken back by whoever asked."""
    erasure = erasure_or_404(request, erasure_id)
    return deed(request, erasure, lambda: actions.close_request(erasure=erasure, by=request.user))


@require_POST
def erasure_retry(request: SignedInRequest, erasure_id: uuid.UUID) -> HttpResponse:
    erasure = erasure_or_404(request, erasure_id)
    return deed(request, erasure, lambda: actions.retry_erasure(erasure=erasure, by=request.user))


# --- Retention ---------------------------------------------------------------------------------------------


def retention_context(request: SignedInRequest, years: int | None) -> dict[str, Any]:
    organisation = request.user.organisation
    due = selectors.due_records(organisation, years)
    initial = {
        "years": years,
        "notice_days": organisation.retention_notice_days,
        "version": organisation.version,
    }
    return {
        "organisation": organisation,
        "years": years,
        "is_set": years is not None and years == organisation.retention_years,
        "due_count": len(due),
        "page": Paginator(due, PER_PAGE).get_page(request.GET.get("page")),
        "query": f"years={years}&" if years else "",
        "holds": selectors.holds(request.user),
        "form": RetentionForm(initial=initial),
        "own": HoldForm(request=request),
    }


@require_http_methods(["GET", "POST"])
def retention_page(request: SignedInRequest) -> HttpResponse:
    """What is due by the number that is set; with `?years=` by another one, which changes nothing."""
    organisation = request.user.organisation
    if request.method == "POST":
        form = RetentionForm(request.POST)

        def write() -> str:
            values = form.values
            retention.set_retention(organisation=organisation, **values, by=request.user)
            return reverse("reports:retention")

        try:
            location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        except StaleVersion:
            messages.warning(request, "The service’s settings were changed meanwhile. Look at them and save again.")
            return redirect("reports:retention")
        if location:
            messages.success(request, "Saved.")
            return redirect(location)
        return form_page(request, "reports/retention.html", retention_context(request, None) | {"form": form})
    return form_page(request, "reports/retention.html", retention_context(request, years_asked(request)))


def years_asked(request: SignedInRequest) -> int | None:
    asked = request.GET.get("years", "")
    is_number = asked.isascii() and asked.isdecimal() and len(asked) <= 3 and 1 <= int(asked) <= 100
    return int(asked) if is_number else request.user.organisation.retention_years


@require_POST
def hold_set(request: SignedInRequest) -> HttpResponse:
    form = HoldForm(request.POST, request=request)

    def write() -> str:
        if form.client is None:
            raise ValidationError({"code": "There is no client with this code."})
        actions.set_hold(client=form.client, reason=form.cleaned_data["reason"], by=request.user)
        return reverse("reports:retention") + "#holds"

    location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    if location:
        messages.success(request, "The hold is set. Nothing of this record is erased while it stands.")
        return redirect(location)
    return form_page(
        request,
        "reports/retention.html",
        retention_context(request, request.user.organisation.retention_years) | {"own": form},
    )


@require_POST
def hold_lift(request: SignedInRequest, hold_id: uuid.UUID) -> HttpResponse:
    hold = get_object_or_404(selectors.holds(request.user), pk=hold_id)
    actions.lift_hold(hold=hold, by=request.user)
    messages.success(request, "The hold is lifted.")
    return redirect("reports:retention")
