"""Ratings that were filled in on paper."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import check_own
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import write_once
from sessions_app.selectors import sessions

from .. import catalogue, selectors, wordings
from ..actions import clients
from ..forms.paper import PaperForm, paper_choices
from ..models import Rater


@require_http_methods(["GET", "POST"])
def paper(request: SignedInRequest, session_id: uuid.UUID) -> HttpResponse:
    """One page for one measure by one rater; without any it asks which."""
    session = get_object_or_404(sessions(request.user), pk=session_id)
    check_own(request.user, session.episode.responsible_id)
    choices = dict(paper_choices(catalogue.in_use()))
    measure = (request.POST if request.method == "POST" else request.GET).get("measure", "")
    context = {"session": session, "episode": session.episode, "choices": choices.items()}
    if measure not in choices:
        return render(request, "measures/paper_choose.html", context, status=422 if measure else 200)
    code, _, rater = measure.rpartition(":")
    edition = catalogue.edition(code, rater)
    worded = next(iter(wordings.in_words(edition).values()), edition)
    there = selectors.current_rating(session, code, rater)
    is_open = there is None or there.entered_at is not None or rater == Rater.THERAPIST
    rating = there if is_open else None
    filled_in_on = timezone.localdate(there.submitted_at) if there and there.entered_at else session.held_on
    initial = {"measure": measure, "filled_in_on": filled_in_on}
    form = PaperForm(request.POST or None, edition=worded, rating=rating, initial=initial)
    if request.method == "POST":

        def write() -> str:
            clients.enter_from_paper(
                session=session,
                instrument=code,
                rater=rater,
                filled_in_on=form.cleaned_data["filled_in_on"],
                answers=form.answers,
                totals=form.totals,
                by=request.user,
            )
            return reverse("sessions_app:session", args=[session.pk])

        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
        if location:
            messages.success(request, f"Entered: {choices[measure]}.")
            return redirect(location)
    context |= {"form": form, "name": choices[measure], "edition": worded, "is_open": is_open, "there": there}
    return form_page(request, "measures/paper.html", context)
