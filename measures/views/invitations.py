"""Sending a client's link by e-mail, and the page on which a client ends such e-mails."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import SignedInRequest
from clients.actions import unsubscribe

from .. import actions, selectors
from ..http import client_page, language_of
from ..models import Invitation


@require_POST
def invitation_send(request: SignedInRequest, request_id: uuid.UUID) -> HttpResponse:
    rating_request = selectors.request_of(request.user, request_id)
    kind = request.POST.get("kind", Invitation.Kind.FIRST)
    if rating_request is None or kind not in Invitation.Kind:
        raise Http404
    try:
        actions.invite(request=rating_request, due_at=timezone.now(), kind=kind, by=request.user)
        messages.success(request, "The e-mail is on its way.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(reverse("sessions_app:session", args=[rating_request.session_id]) + "#link")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Asks first: scanners open links. A post ends the e-mails, from the page or from a mail program (RFC 8058).

    That program has no cookie, and whoever knows the token may do this one thing: nothing is left to forge.
    """
    invitation = selectors.invitation_with(token)
    if invitation is None:
        return client_page(request, "measures/stop_unusable.html", {}, language=language_of(request), status=404)
    client = invitation.request.session.episode.client
    if request.method == "POST":
        unsubscribe(client=client)
    context = {
        "name": invitation.organisation.mail_name,
        "demo_banner": invitation.organisation.is_demo,
        "is_stopped": request.method == "POST" or not client.wants_invitations,
    }
    return client_page(request, "measures/stop.html", context, language=language_of(request))
