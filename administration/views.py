"""The pages of administrators that are no other app's: overview, texts, thresholds, what is usual, background jobs."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.forms import OrganisationPart
from accounts.http import SignedInRequest
from accounts.mail import what_is_missing
from accounts.models import EMERGENCY_TEXT
from accounts.selectors import first_steps
from accounts.views import edit_organisation
from dashboards import methods
from jobs import selectors as jobs
from jobs.tasks import PERIODIC
from measures import mail, risk
from measures.actions import LINK_LASTS
from measures.statistics.prior import STARTING_VALUES
from measures.statistics.rates import RATES
from measures.statistics.service_prior import MINIMUM_CLIENTS
from ruptures.detection import PRESETS
from ruptures.selectors import trend_state

from . import actions, effects
from .forms import TextsForm, ThresholdsForm
from .selectors import areas
from .selectors import jobs as work
from .selectors import priors as usual
from .words import KINDS, kind_of


@require_GET
def overview(request: SignedInRequest) -> HttpResponse:
    staff = areas.staff(request.user)
    found = areas.areas(request.user, staff)
    steps = first_steps(request.user.organisation, **staff.begun)
    context = {
        "areas": found,
        "waiting": sum(bool(area.attention) for area in found),
        "steps": steps,
        "steps_done": sum(step.is_done for step in steps),
        "risk_unread": risk.unread(request.user),
    }
    return render(request, "administration/overview.html", context)


# --- What a service sets ----------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def texts(request: SignedInRequest) -> HttpResponse:
    return edit_organisation(request, TextsForm, "administration:texts", "administration/texts.html", as_shown)


def as_shown(form: OrganisationPart) -> dict[str, Any]:
    """What the texts look like where they are read: those typed as far as they can be, else those saved."""
    organisation = form.instance
    expires_at = timezone.now() + LINK_LASTS
    return {
        "shown": organisation,
        "emergency_text": organisation.emergency_text,
        "is_ours": organisation.emergency_text.strip() == EMERGENCY_TEXT,
        "mails": [
            (name, mail.specimen(organisation, is_reminder=is_reminder, expires_at=expires_at))
            for name, is_reminder in (("The e-mail with a link", False), ("The reminder", True))
            if not is_reminder or organisation.mail_reminder_hours
        ],
        "mail_missing": what_is_missing(),
    }


@require_http_methods(["GET", "POST"])
def thresholds(request: SignedInRequest) -> HttpResponse:
    return edit_organisation(
        request, ThresholdsForm, "administration:thresholds", "administration/thresholds.html", what_follows
    )


def what_follows(form: OrganisationPart) -> dict[str, Any]:
    """What the thresholds do, as far as it is known."""
    return {
        "rates": RATES.values(),
        "default": effects.DEFAULT_RATE,
        "presets": [(PRESETS[name], effect) for name, effect in effects.PRESETS.items()],
        "source": effects.SOURCE,
        "saved": form.initial,
    }


# --- What is usual in the service -------------------------------------------------------------------------


@require_GET
def priors(request: SignedInRequest) -> HttpResponse:
    return render(request, "administration/priors.html", priors_context(request))


@require_GET
def priors_progress(request: SignedInRequest) -> HttpResponse:
    """The part of the page that renews itself while the values are being worked out."""
    response = render(request, "administration/_priors_body.html", priors_context(request))
    response["X-Record"] = str(request.user.organisation_id)
    return response


def priors_context(request: SignedInRequest) -> dict[str, Any]:
    user = request.user
    organisation = user.organisation
    return {
        "priors": usual.priors(user),
        "work": jobs.work_on(task=actions.PRIORS, object_id=organisation.pk, organisation_id=organisation.pk),
        "trends": trend_state(user),
        "needed": MINIMUM_CLIENTS,
        "starting": STARTING_VALUES,
        "note": methods.NOTES["usual"],
        "rate": RATES[organisation.signal_rate],
        "preset": PRESETS.get(organisation.signal_preset),
    }


@require_POST
def priors_work_out(request: SignedInRequest) -> HttpResponse:
    actions.work_out_priors(by=request.user)
    messages.success(request, "It is being worked out. You can leave this page; it goes on without you.")
    return redirect("administration:priors")


# --- Background jobs --------------------------------------------------------------------------------------


@require_GET
def job_list(request: SignedInRequest) -> HttpResponse:
    context = {"work": work.work(request.user, PERIODIC), "now": timezone.now()}
    return render(request, "administration/job_list.html", context)


@require_POST
def job_retry(request: SignedInRequest, task: str) -> HttpResponse:
    count = actions.try_jobs_again(task=task, by=request.user)
    if count:
        words = "1 job is" if count == 1 else f"{count} jobs are"
        messages.success(request, f"{words} being tried again: {kind_of(task).name}.")
    else:
        messages.success(request, "There is nothing of this kind to try again any more.")
    return redirect("administration:job-list")


@require_http_methods(["GET", "POST"])
def job_put_away(request: SignedInRequest, task: str) -> HttpResponse:
    """What it means to put it away is said first."""
    kind = KINDS.get(task)
    if kind is None or not kind.loses:
        raise Http404
    if request.method == "POST":
        count = actions.put_jobs_away(task=task, by=request.user)
        messages.success(request, f"{count} put away: {kind.name}." if count else "There is nothing to put away.")
        return redirect("administration:job-list")
    context = {"kind": kind, "count": work.given_up(request.user, task)}
    return render(request, "administration/job_put_away.html", context)
