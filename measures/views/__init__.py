"""A client's link from making it to thanks. The pages for clients need no account and no JavaScript."""

import uuid

import segno
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors as accounts
from accounts.access import check_own
from accounts.http import SignedInRequest, form_page
from sessions_app.selectors import sessions

from .. import actions, instruments, selectors, tokens
from ..forms import ClientRatingForm
from ..models import RatingRequest

COOKIE_LASTS = 2 * 60 * 60


@require_POST
def request_create(request: SignedInRequest, session_id: uuid.UUID) -> HttpResponse:
    session = get_object_or_404(sessions(request.user), pk=session_id)
    check_own(request.user, session.episode.responsible_id)
    choices = {instrument.code for instrument in selectors.instruments_for(session)}
    if request.POST.get("instrument") not in choices:
        raise Http404
    try:
        actions.request_rating(session=session, instrument=request.POST["instrument"], by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(reverse("sessions_app:session", args=[session.pk]) + "#link")


@require_POST
def request_revoke(request: SignedInRequest, request_id: uuid.UUID) -> HttpResponse:
    rating_request = selectors.request_of(request.user, request_id)
    if rating_request is None:
        raise Http404
    actions.revoke_request(request=rating_request, by=request.user)
    messages.success(request, "The link no longer works.")
    return redirect("sessions_app:session", rating_request.session_id)


@require_POST
def rating_show(request: SignedInRequest, session_id: uuid.UUID) -> HttpResponse:
    """Show the client's rating to a therapist who chooses not to rate."""
    session = get_object_or_404(sessions(request.user), pk=session_id)
    actions.waive_own_rating(session=session, by=request.user)
    return redirect("sessions_app:session", session.pk)


@require_POST
def baseline(request: SignedInRequest, episode_id: uuid.UUID) -> HttpResponse:
    """Let what is expected of the episode be learnt anew from the session chosen."""
    number = request.POST.get("session", "")
    of_episode = sessions(request.user).filter(episode_id=episode_id)
    session = get_object_or_404(of_episode, number=int(number) if number.isdecimal() and len(number) < 5 else 0)
    actions.set_baseline(session=session, by=request.user)
    messages.success(request, f"What to expect is learnt from {session} on. The chart follows in a moment.")
    return redirect("dashboards:episode", episode_id)


def link_of(request: HttpRequest, rating_request: RatingRequest) -> str | None:
    """The full address of an open link; None when the site's key changed since it was made."""
    token = tokens.token_of(rating_request.pk, rating_request.nonce)
    if not tokens.is_same(tokens.hash_of(token), rating_request.token_hash):
        return None
    return request.build_absolute_uri(reverse("measures:link", args=[token]))


def qr_of(link: str) -> SafeString:
    svg = segno.make(link, error="m").svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None)
    return mark_safe(svg)  # noqa: S308 — made of numbers alone


# --- For clients ------------------------------------------------------------------------------------


def cookie_name(request_id: uuid.UUID) -> str:
    return f"rating-{request_id.hex}"


def unusable(request: HttpRequest) -> HttpResponse:
    """One answer for every link that can't be used, whatever the reason."""
    return private(render(request, "measures/link_unusable.html", status=404))


def private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address bar. Opening a link, by whatever scanner, uses nothing up."""
    rating_request = selectors.open_request(token)
    if rating_request is None:
        return unusable(request)
    response = redirect("measures:rate", rating_request.pk)
    response.set_cookie(
        cookie_name(rating_request.pk),
        token,
        max_age=COOKIE_LASTS,
        path=reverse("measures:rate", args=[rating_request.pk]),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return private(response)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def rate(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """The questions, and what was answered.

    These pages send no referrer, so browsers post with the origin "null", which Django's token check refuses. Another
    site still can't post here: the link's own cookie is not sent along with a request that starts elsewhere.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") == "cross-site" and request.method == "POST":
        return unusable(request)
    token = request.COOKIES.get(cookie_name(request_id), "")
    if request.method == "POST":
        return save_rating(request, request_id, token)
    rating_request = selectors.open_request(token)
    if rating_request is None or rating_request.pk != request_id:
        return unusable(request)
    edition = instruments.edition(rating_request.instrument, "client")
    return render_form(request, rating_request, ClientRatingForm(edition=edition))


def save_rating(request: HttpRequest, request_id: uuid.UUID, token: str) -> HttpResponse:
    rating_request = selectors.any_request(token, request_id)
    if rating_request is None:
        return unusable(request)
    form = ClientRatingForm(request.POST, edition=instruments.edition(rating_request.instrument, "client"))
    if not form.is_valid():
        return render_form(request, rating_request, form) if rating_request.is_open else unusable(request)
    try:
        actions.redeem_request(
            request_id=request_id,
            token=token,
            key=form.cleaned_data["submission"],
            answers=form.answers,
            **form.words,
        )
    except actions.OtherAnswers:
        context = {
            "organisation": rating_request.organisation,
            "demo_banner": rating_request.organisation.is_demo,
            "therapist": rating_request.session.episode.therapist.name,
        }
        return private(render(request, "measures/first_answers_kept.html", context, status=422))
    except (actions.LinkUnusable, ValidationError):
        return unusable(request)
    return private(redirect("measures:thanks", request_id))


def render_form(request: HttpRequest, rating_request: RatingRequest, form: ClientRatingForm) -> HttpResponse:
    episode = rating_request.session.episode
    items = form.items_to_show()
    context = {
        "form": form,
        "items": items,
        "organisation": rating_request.organisation,
        "demo_banner": rating_request.organisation.is_demo,
        "construct": instruments.instruments()[rating_request.instrument].construct,
        "therapist": episode.therapist.name,
        "is_supervised": bool(accounts.supervisors_of(episode.therapist)),
        "stand_ins": [person.name for person in accounts.standing_in_for(episode.therapist)],
        "count": len(items) + ("ending_view" in form.fields),
    }
    return private(form_page(request, "measures/rate.html", context))


@require_safe
def thanks(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    rating_request = selectors.used_request(request.COOKIES.get(cookie_name(request_id), ""), request_id)
    if rating_request is None:
        return unusable(request)
    context = {
        "organisation": rating_request.organisation,
        "demo_banner": rating_request.organisation.is_demo,
        "is_ending": rating_request.instrument == selectors.ENDING,
    }
    return private(render(request, "measures/thanks.html", context))
