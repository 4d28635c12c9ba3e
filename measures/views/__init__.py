"""A client's link from making it to thanks. The pages for clients need no account and no JavaScript."""

import uuid
from collections.abc import Mapping
from typing import Any

import segno
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors as accounts
from accounts.access import check_own
from accounts.http import SignedInRequest, handed_over
from accounts.models import EMERGENCY_TEXT
from sessions_app.models import TherapySession
from sessions_app.selectors import sessions

from .. import actions, catalogue, schedule, selectors, tokens, wordings
from ..forms import ClientRatingForm
from ..http import (
    PAGE_LANGUAGES,
    client_page,
    cookie_name,
    language_choices,
    language_of,
    note_opening,
    open_on_device,
    opened_name,
    private,
    remember_language,
    words_around,
)
from ..instruments import Edition
from ..models import RatingRequest


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
    token = rating_request.token
    return request.build_absolute_uri(reverse("measures:link", args=[token])) if token else None


def qr_of(link: str) -> SafeString:
    svg = segno.make(link, error="m").svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None)
    return mark_safe(svg)  # noqa: S308 — made of numbers alone  # nosec B308 B703


# --- For clients ------------------------------------------------------------------------------------


def unusable(request: HttpRequest) -> HttpResponse:
    """One answer for every link that can't be used, whatever the reason."""
    context = {"emergency_text": EMERGENCY_TEXT}
    return client_page(request, "measures/link_unusable.html", context, language=language_of(request), status=404)


def about(rating_request: RatingRequest) -> dict[str, Any]:
    """What every page of a request that may be seen says: whose it is, and what to do in an emergency."""
    organisation = rating_request.organisation
    return {
        "organisation": organisation,
        "emergency_text": organisation.emergency_text,
        "demo_banner": organisation.is_demo,
        "therapist": rating_request.session.episode.therapist.name,
    }


@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address bar. Opening a link, by whatever scanner, uses nothing up."""
    rating_request = selectors.open_request(token)
    if rating_request is None:
        return unusable(request)
    response = redirect("measures:rate", rating_request.pk)
    open_on_device(request, response, rating_request.pk, token)
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
    if rating_request is not None and rating_request.pk == request_id:
        editions = wordings.for_clients(rating_request.instrument)
        if not editions:
            return unusable(request)
        response = render_form(request, rating_request, editions)
        note_opening(request, response, request_id)
        return response
    if selectors.used_request(token, request_id):
        return private(redirect("measures:thanks", request_id))  # opened again, perhaps as the answer was lost
    return unusable(request)


def save_rating(request: HttpRequest, request_id: uuid.UUID, token: str) -> HttpResponse:
    rating_request = selectors.any_request(token, request_id)
    if rating_request is None:
        return unusable(request)
    editions = wordings.for_clients(rating_request.instrument)
    if not editions:  # sent again perhaps, as the answer was lost
        is_used = rating_request.redeemed_at is not None
        return private(redirect("measures:thanks", request_id)) if is_used else unusable(request)
    if request.POST.get("language") in editions and rating_request.is_open:
        return in_other_language(request, rating_request, editions, request.POST["language"])
    language = language_of(request, tuple(editions))
    with words_around(language):
        form = ClientRatingForm(request.POST, edition=editions[language])
        is_valid = form.is_valid()
    if not is_valid:
        if not rating_request.is_open:
            return unusable(request)
        return render_form(request, rating_request, editions, form)
    opened = "" if form.cleaned_data["paused"] else request.COOKIES.get(opened_name(request_id), "")
    try:
        actions.redeem_request(
            request_id=request_id,
            token=token,
            key=form.cleaned_data["submission"],
            answers=form.answers,
            wording_id=form.cleaned_data["wording"],
            seconds_taken=tokens.seconds_since_opened(opened, request_id),
            **form.words,
        )
    except actions.OtherAnswers:
        page = "measures/first_answers_kept.html"
        return client_page(request, page, about(rating_request), language=language, status=422)
    except (actions.LinkUnusable, ValidationError):
        return unusable(request)
    return private(redirect("measures:thanks", request_id))


def in_other_language(
    request: HttpRequest, rating_request: RatingRequest, editions: Mapping[str, Edition], language: str
) -> HttpResponse:
    """The same form with everything that was typed, checked only when it is sent."""
    typed = {**request.POST.dict(), "wording": editions[language].wording}
    form = ClientRatingForm(edition=editions[language], initial=typed)
    response = render_form(request, rating_request, editions, form, language)
    remember_language(request, response, language)
    return response


def render_form(
    request: HttpRequest,
    rating_request: RatingRequest,
    editions: Mapping[str, Edition],
    form: ClientRatingForm | None = None,
    language: str = "",
) -> HttpResponse:
    """`editions` are what is asked, by language."""
    languages = tuple(editions)
    language = language or language_of(request, languages)
    edition = editions[language]
    form = form or ClientRatingForm(edition=edition, initial={"wording": edition.wording})
    context = {
        **about(rating_request),
        "form": form,
        "items": form.items_to_show(),
        "count": edition.number_of_items + ("ending_view" in form.fields),
        "edition": edition,
        "construct": catalogue.known([rating_request.instrument])[rating_request.instrument].construct,
        "is_supervised": bool(accounts.supervisors_of(rating_request.session.episode.therapist)),
        "asks_about_harm": bool(edition.risk_items),
        "language": next(choice for choice in language_choices(languages) if choice["code"] == language),
        "languages": language_choices(languages) if len(languages) > 1 else [],
        "is_our_translation": wordings.is_our_translation(rating_request.instrument, language),
        "thanks_url": reverse("measures:thanks", args=[rating_request.pk]),
        "seconds_left": int((rating_request.expires_at - rating_request.now).total_seconds()),
        "stand_ins": [person.name for person in accounts.standing_in_for(rating_request.session.episode.therapist)],
    }
    status = 422 if form.errors else 200
    return client_page(request, "measures/rate.html", context, language=language, status=status)


@require_safe
def thanks(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    rating_request = selectors.used_request(request.COOKIES.get(cookie_name(request_id), ""), request_id)
    if rating_request is None:
        return unusable(request)
    language = language_of(request, wordings.languages_of(rating_request.instrument) or PAGE_LANGUAGES)
    following = None
    if handed_over(request) is None:
        following = schedule.asked_after(rating_request.session, rating_request.instrument)
    context = {
        **about(rating_request),
        "request_id": request_id,
        "is_ending": rating_request.instrument == selectors.ENDING,
        "following": following.editions["client"].number_of_items if following else 0,
        "next_due": next_due(request, rating_request.session),
    }
    return client_page(request, "measures/thanks.html", context, language=language)


def next_due(request: HttpRequest, session: TherapySession) -> dict[str, Any] | None:
    """On a device that was handed over: what the client can still rate of this session."""
    lock = handed_over(request)
    due = [found for found in selectors.open_requests(session) if str(found.pk) in lock["requests"]] if lock else []
    if not due:
        return None
    edition = catalogue.edition(due[0].instrument, "client")
    return {"url": reverse("measures:rate", args=[due[0].pk]), "count": edition.number_of_items}


@csrf_exempt
@require_POST
def rate_next(request: HttpRequest, request_id: uuid.UUID) -> HttpResponse:
    """From thanks on to what else the session asks for, behind the same cookie as the form before it."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") == "cross-site":
        return unusable(request)
    token = request.COOKIES.get(cookie_name(request_id), "")
    used = selectors.used_request(token, request_id)
    try:
        following = actions.go_on(request_id=request_id, token=token) if used else None
    except actions.LinkUnusable:
        following = None
    if following is None:
        return unusable(request)
    response = redirect("measures:rate", following.pk)
    open_on_device(request, response, following.pk, tokens.token_of(following.pk, following.nonce))
    return private(response)
