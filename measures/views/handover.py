"""The therapist's own device in the client's hands: locked to the session's ratings until the therapist's password."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions as accounts
from accounts import http as device
from accounts.forms import PasswordAgainForm
from accounts.http import SignedInRequest
from sessions_app.selectors import sessions

from .. import actions, selectors, tokens
from ..http import client_page, forget_form, language_of, open_on_device


@require_POST
def hand_over(request: SignedInRequest, session_id: uuid.UUID) -> HttpResponse:
    session = get_object_or_404(sessions(request.user), pk=session_id)
    try:
        requests = actions.hand_over_device(session=session, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("sessions_app:session", session.pk)
    leads_to = reverse("measures:hand-back")
    pages = [reverse(f"measures:{name}", args=[found.pk]) for found in requests for name in ("rate", "thanks")]
    lock = {
        "pages": [leads_to, *pages],
        "leads_to": leads_to,
        "requests": [str(found.pk) for found in requests],
        "session": str(session.pk),
    }
    device.hand_over(request, lock)
    response = redirect("measures:rate", requests[0].pk)
    for found in requests:
        open_on_device(request, response, found.pk, tokens.token_of(found.pk, found.nonce))
    return response


@require_http_methods(["GET", "POST"])
def hand_back(request: SignedInRequest) -> HttpResponse:
    """Where every other address leads while the device is handed over. The therapist's password ends that.

    A wrong one answers 200, as sign-in does, so that what is kept of it stays.
    """
    lock = device.handed_over(request)
    if lock is None:
        return redirect("home")
    form = PasswordAgainForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        return given_back(request, lock["session"], [uuid.UUID(found) for found in lock["requests"]])
    session = sessions(request.user).filter(pk=lock["session"]).first()
    open_ids = {str(found.pk) for found in selectors.open_requests(session)} if session else set()
    due = next((found for found in lock["requests"] if found in open_ids), None)
    organisation = request.user.organisation
    context = {
        "form": form,
        "organisation": organisation,
        "emergency_text": organisation.emergency_text,
        "therapist": request.user.name,
        "due_url": reverse("measures:rate", args=[due]) if due else "",
    }
    page = client_page(request, "measures/hand_back.html", context, language=language_of(request))
    page["Referrer-Policy"] = "same-origin"  # or Django would not take the form's post for one of its own
    return page


def given_back(request: SignedInRequest, session_id: str, request_ids: list[uuid.UUID]) -> HttpResponse:
    accounts.take_back_device(by=request.user)
    device.take_back(request)
    messages.success(request, "The device is yours again.")
    response = redirect("sessions_app:session", session_id)
    for request_id in request_ids:
        forget_form(response, request_id)
    return response
