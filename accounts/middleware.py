import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import resolve
from django.utils import timezone

from jobs.organisation import acting_in, set_organisation

from .access import PAGES, Who, may_open
from .actions import note_token_used
from .api.problems import is_api
from .audit import record_event
from .http import handed_over
from .models import User
from .selectors import token_with

log = structlog.get_logger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponseBase]
SESSION_KEY = "organisation"


def route_of(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.view_name if match else "") or ""


class PrivateHeadersMiddleware:
    """Pages are nobody's but the reader's: never stored by a browser, a proxy or a shared computer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store, private"
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        return response


class HealthMiddleware:
    """Answers whoever watches the machines before a transaction is opened: that the database is away is an answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/health/"):
            return self.get_response(request)
        match = resolve(request.path_info)
        answer: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return answer


class OrganisationMiddleware:
    """One request, one transaction, one organisation.

    The organisation comes from the signed-in session. Sign-in and links set it themselves once they know it.
    An answer that tells of an error takes back everything the request wrote.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with transaction.atomic():
            stored = request.session.get(SESSION_KEY)
            set_organisation(uuid.UUID(stored) if stored else None)
            response = self.get_response(request)
            if response.status_code >= 400:
                transaction.set_rollback(True)
        denied = getattr(request, "denied", None)
        if denied is not None:
            self.record_denied(*denied)
        return response

    def record_denied(self, user: User, route: str) -> None:
        """The request was rolled back; that it was refused is kept."""
        log.warning("refused", route=route)
        with acting_in(user.organisation_id):
            record_event("page.refused", user, organisation_id=user.organisation_id, by=user, fields=[route])


def load_again() -> HttpResponse:
    """To a part of a page that renews itself: htmx loads the whole page again, which then leads where it must."""
    return HttpResponse(status=204, headers={"HX-Refresh": "true"})


class TokenMiddleware:
    """Whoever asks the API is who its token says, whatever cookies come with it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request):
            kind, _, text = request.headers.get("Authorization", "").partition(" ")
            token = token_with(text.strip()) if kind.lower() == "bearer" else None
            if token is not None:
                note_token_used(token=token)
            request.token = token  # type: ignore[attr-defined]
            request.user = token.person if token else AnonymousUser()
        return self.get_response(request)


class HandedOverMiddleware:
    """A device in a client's hands answers only the pages it was handed over for, until it is taken back.

    Whatever else is asked for, from whichever tab, is not looked at and leads to the page on which it is given back.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        lock = None if is_api(request) else handed_over(request)
        if lock is None or request.path in lock["pages"]:
            return self.get_response(request)
        return load_again() if request.headers.get("HX-Request") == "true" else redirect(lock["leads_to"])


class AccessMiddleware:
    """Asks the page table before any view runs, and puts the reader's clock on the wall.

    Whatever is refused to somebody signed in, by the table or by a view, is kept for the record.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User):
            timezone.activate(user.organisation.zone)
        else:
            timezone.deactivate()
        response = self.get_response(request)
        if response.status_code == 403 and isinstance(user, User):
            request.denied = (user, route_of(request))  # type: ignore[attr-defined]
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if is_api(request):
            return None  # its views ask the table themselves, for the pages that they stand for
        who = PAGES.get(route_of(request), Who.NOBODY)
        if may_open(request.user, who):
            return None
        if isinstance(request.user, AnonymousUser) and who is not Who.NOBODY:
            if request.headers.get("HX-Request") == "true":
                return load_again()
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
        raise PermissionDenied("This page is not part of your role.")
