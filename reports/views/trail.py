"""Who saw or changed what: the audit trail, for administrators."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.audit import record_event
from accounts.http import SignedInRequest, csv_file

from .. import trail
from ..forms.trail import TrailForm


@require_GET
def audit(request: SignedInRequest) -> HttpResponse:
    form = TrailForm(request.GET, request=request)
    if not form.is_valid():
        return render(request, "reports/audit.html", {"form": form}, status=422)
    kept = request.GET.copy()
    after = kept.pop("after", [""])[-1]
    found = trail.page(trail.events(request.user, form.asked), after=after)
    context = {
        "form": form,
        "page": found,
        "query": kept.urlencode(),
        "is_first": not after,
        "has_asked": any(kept.values()),
        "sealed": trail.sealed_up_to(request.user),
    }
    return render(request, "reports/audit.html", context)


@require_GET
def audit_csv(request: SignedInRequest) -> HttpResponse:
    """What the page shows, all pages of it, for a spreadsheet; that it was taken out is an event itself."""
    form = TrailForm(request.GET, request=request)
    if not form.is_valid():
        return render(request, "reports/audit.html", {"form": form}, status=422)
    rows = list(trail.table(trail.events(request.user, form.asked), request.user))
    organisation = request.user.organisation
    record_event("audit.exported", organisation, organisation_id=organisation.pk, by=request.user)
    return csv_file(f"audit-{organisation.today}.csv", rows)
