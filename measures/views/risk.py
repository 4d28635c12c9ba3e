"""Answers about harm: at the top of the pages where they are met, and acknowledged there."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.audit import record_events
from accounts.forms import carry_out
from accounts.http import SignedInRequest
from accounts.idempotency import write_once
from clients.models import Episode
from clients.selectors import episodes

from .. import risk
from ..actions import risk as actions
from ..forms.risk import AcknowledgeForm
from ..models import RiskAnswer

# Pages with notices, by what their forms say of where they stand.
TODAY, CASELOAD, EPISODE, SESSION = "today", "caseload", "episode", "session"
# On a page of many clients.
IN_FULL = 3


@dataclass(frozen=True)
class Notice:
    """One risk answer with what a page says of it; `form` where it is the reader's to acknowledge."""

    answer: RiskAnswer
    said: risk.Answered
    passed_on_by: datetime
    form: AcknowledgeForm | None


@dataclass(frozen=True)
class Notices:
    """What stands at the top of a page, and where it asks for what is new. `record` guards against mixing two up.

    Of a long list the first `most` stand there in full, the others with whose they are.
    """

    request: SignedInRequest
    waiting: Sequence[RiskAnswer]
    past: Sequence[RiskAnswer]
    url: str
    record: uuid.UUID
    back: str
    most: int | None = None

    @cached_property
    def open(self) -> list[Notice]:
        return notices_of(self.request, self.waiting[: self.most])

    @property
    def further(self) -> Sequence[RiskAnswer]:
        return self.waiting[self.most :] if self.most else []

    @cached_property
    def settled(self) -> list[Notice]:
        return notices_of(self.request, self.past)

    @property
    def stamp(self) -> str:
        return risk.stamp(self.waiting)


def notices_of(request: SignedInRequest, answers: Sequence[RiskAnswer]) -> list[Notice]:
    hours = timedelta(hours=request.user.organisation.risk_hours)
    return [
        Notice(
            answer,
            said,
            answer.raised_at + hours,
            AcknowledgeForm(answer_id=answer.pk) if answer.is_open and answer.may_acknowledge else None,
        )
        for answer, said in zip(answers, risk.in_words(answers), strict=True)
    ]


def notices_now(request: SignedInRequest, *, back: str) -> Notices:
    """What waits for the reader, or on the caseload for those whom they supervise."""
    answers = risk.of_caseload(request.user) if back == CASELOAD else risk.to_act_on(request.user)
    url = f"{reverse('measures:risk-now')}?back={back}"
    return Notices(request, answers, [], url, request.user.pk, back, most=IN_FULL)


def notices_of_episode(request: SignedInRequest, episode: Episode, *, back: str, has_any: bool = True) -> Notices:
    """`has_any` is False where the caller knows that there never was any."""
    answers = risk.of_episode(request.user, episode.pk) if has_any else []
    waiting = [answer for answer in answers if answer.is_open]
    settled = [answer for answer in reversed(answers) if not answer.is_open]
    url = f"{reverse('measures:risk-of-episode', args=[episode.pk])}?back={back}"
    return Notices(request, waiting, settled, url, episode.pk, back)


def record_viewed(request: SignedInRequest, notices: Sequence[Notice]) -> None:
    """For pages that are no client's own: those record that they were opened by themselves."""
    record_events(
        "risk-answer.viewed",
        [(notice.answer, notice.answer.rating.session.episode.client_id) for notice in notices],
        organisation_id=request.user.organisation_id,
        by=request.user,
    )


@require_GET
def risk_now(request: SignedInRequest) -> HttpResponse:
    """What an open page of today or the caseload asks for every few seconds; empty unless there is something new."""
    back = CASELOAD if request.GET.get("back") == CASELOAD else TODAY
    return fragment(request, notices_now(request, back=back))


@require_GET
def risk_of_episode(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    episode = get_object_or_404(episodes(request.user), pk=episode_id)
    back = SESSION if request.GET.get("back") == SESSION else EPISODE
    return fragment(request, notices_of_episode(request, episode, back=back))


def fragment(request: SignedInRequest, notices: Notices) -> HttpResponse:
    if request.GET.get("seen") == notices.stamp:
        response = HttpResponse(status=204)
    else:
        record_viewed(request, notices.open)
        response = render(request, "measures/_risk_notices.html", {"risk": notices, "is_new": True})
    response["X-Record"] = str(notices.record)
    return response


@require_http_methods(["GET", "POST"])
def risk_answer(request: SignedInRequest, answer_id: uuid.UUID) -> HttpResponse:
    """One of them on a page of its own: where a form that was refused is mended."""
    answer = risk.answer_of(request.user, answer_id)
    if answer is None:
        raise Http404
    if request.method != "POST":
        return page(request, answer)
    actions.check_may_acknowledge(request.user, answer)
    form = AcknowledgeForm(request.POST, answer_id=answer.pk)

    def write() -> str:
        actions.acknowledge_risk(answer=answer, done=form.cleaned_data["done"], by=request.user)
        return address_of(request.POST.get("back", ""), answer)

    location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    if location:
        messages.success(request, "Acknowledged. What was done is kept with the session.")
        return redirect(location)
    return page(request, risk.answer_of(request.user, answer_id) or answer, form)


def page(request: SignedInRequest, answer: RiskAnswer, form: AcknowledgeForm | None = None) -> HttpResponse:
    """Where somebody else was quicker, both texts: what is kept, and what was typed here."""
    (notice,) = notices_of(request, [answer])
    record_viewed(request, [notice])
    back = (request.POST if request.method == "POST" else request.GET).get("back", "")
    context = {"notice": replace(notice, form=form or notice.form), "back": back}
    if form is not None and not answer.is_open:
        typed = {"typed": form["done"].value()}
        return render(request, "measures/risk_answer.html", {**context, **typed}, status=409)
    return render(request, "measures/risk_answer.html", context, status=422 if form is not None else 200)


def address_of(back: str, answer: RiskAnswer) -> str:
    """The page that the form stood on."""
    session = answer.rating.session
    if back == TODAY:
        return reverse("sessions_app:today")
    if back == CASELOAD:
        return reverse("dashboards:caseload")
    if back == EPISODE:
        return reverse("dashboards:episode", args=[session.episode_id])
    return reverse("sessions_app:session", args=[session.pk])
