"""What becomes of a client's comment, as its therapist records it."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.access import check_own
from accounts.audit import record_event
from accounts.forms import carry_out
from accounts.http import SignedInRequest, form_page
from accounts.idempotency import StaleVersion, write_once

from ..actions import comments as actions
from ..comments import comment_for, comment_to_follow_up
from ..forms.comments import CommentForm
from ..models import CommentFollowUp, Rating

FIELDS = ("raised_by", "answer", "followed_up_on", "outcome", "version")


def shown_in_form(follow_up: CommentFollowUp) -> dict[str, object]:
    """What is saved; today is proposed as the day of the talk until one is."""
    shown: dict[str, object] = {name: getattr(follow_up, name) for name in FIELDS}
    return shown | ({"discussed_on": follow_up.discussed_on} if follow_up.discussed_on else {})


def back_to(request: SignedInRequest, rating: Rating) -> str:
    if request.GET.get("from") == "today":
        return reverse("sessions_app:today")
    return reverse("sessions_app:session", args=[rating.session_id]) + f"#comment-{rating.pk}"


@require_http_methods(["GET", "POST"])
def comment(request: SignedInRequest, rating_id: uuid.UUID) -> HttpResponse:
    rating = comment_to_follow_up(request.user, rating_id)
    if rating is None:
        raise Http404
    check_own(request.user, rating.session.episode.responsible_id)
    shown = comment_for(request.user, rating)
    if shown is None or not shown.text:
        raise Http404
    actions.deliver_comments(ratings=[rating], by=request.user)
    shown = comment_for(request.user, rating)
    assert shown is not None and shown.follow_up is not None
    form = CommentForm(request.POST or None, initial=shown_in_form(shown.follow_up), comment=shown)
    context = {
        "form": form,
        "comment": shown,
        "episode": rating.session.episode,
        "cancel_url": back_to(request, rating),
    }
    if request.method != "POST":
        record_viewed(rating, request)
        return form_page(request, "measures/comment_form.html", context)

    def write() -> str:
        actions.follow_up_comment(rating=rating, **form.values, by=request.user)
        return back_to(request, rating)

    try:
        location = carry_out(form, lambda: write_once(request.POST, write, by=request.user))
    except StaleVersion as conflict:
        again = CommentForm(initial={**form.values, "version": conflict.current.version}, comment=shown)
        context |= {"form": again, "current": conflict.current}
        return render(request, "measures/comment_conflict.html", context, status=409)
    if location:
        messages.success(request, "Saved.")
        return redirect(location)
    return form_page(request, "measures/comment_form.html", context)


def record_viewed(rating: Rating, request: SignedInRequest) -> None:
    record_event(
        "comment.viewed",
        rating,
        organisation_id=rating.organisation_id,
        client_id=rating.session.episode.client_id,
        by=request.user,
    )
