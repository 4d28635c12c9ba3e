import ipaddress
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django.utils import timezone

from jobs.organisation import acting_in, set_organisation

from .access import PAGES, Who, may_open
from .actions import note_token_used
from .api.problems import is_api
from .audit import WHENCE, coming_from, record_event, record_shown
from .http import handed_over
from .models import User, Via
from .reads import Shown, shown_on
from .second_factor import must_set_up
from .selectors import token_with
from .signed_in import ends_at, is_by_hand, is_over, note_seen, row_of

log = structlog.get_logger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponseBase]
SESSION_KEY = "organisation"


# A page with a form that was refused, or that somebody else has saved meanwhile, shows the record, too.
SHOWS = {200, 409, 422}


def address_of(request: HttpRequest) -> str | None:
    """The machine that asks: behind our proxy the last entry of X-Forwarded-For, which the proxy adds."""
    given = request.META.get("REMOTE_ADDR", "")
    if settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        given = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        return None


def way_of(request: HttpRequest) -> str:
    if is_api(request):
        return Via.API
    is_link = PAGES.get(resolve_route(request)) is Who.ANYONE and resolve_route(request).startswith("measures:")
    return Via.LINK if is_link else Via.PAGE


def resolve_route(request: HttpRequest) -> str:
    """The name of the page, before Django has looked for it; empty where there is none."""
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


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
        if not (request.path_info.startswith("/health/") or request.path_info == "/metrics"):
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
        with coming_from(way_of(request), address_of(request)):
            with transaction.atomic():
                stored = request.session.get(SESSION_KEY)
                set_organisation(uuid.UUID(stored) if stored else None)
                response = self.get_response(request)
                seen_in = getattr(request, "seen_in", None)
                if response.status_code >= 400:
                    transaction.set_rollback(True)
                elif seen_in is not None:
                    note_seen(request)
            if response.status_code >= 400 and seen_in is not None:
                with acting_in(seen_in):
                    note_seen(request)
            user, shown = getattr(request, "reader", (None, None))
            if user is not None and response.status_code >= 400:
                self.record_after(response.status_code, user, route_of(request), shown)
        return response

    def record_after(self, status: int, user: User, route: str, shown: Shown | None) -> None:
        """The request was taken back; that it was refused, or that its page was shown all the same, is kept."""
        with acting_in(user.organisation_id):
            if status == 403:
                log.warning("refused", route=route)
                record_event("page.refused", user, organisation_id=user.organisation_id, by=user, fields=[route])
            elif shown is not None and status in SHOWS:
                record_shown(shown, by=user)
            elif shown is not None and shown.path and status == 404:
                record_shown(shown, by=user, action="record.refused")


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


class SessionLimitsMiddleware:
    """Ends a session that was left alone for long, or that has lasted for long, and notes the use of the others."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if isinstance(user, User) and not is_api(request):
            row = row_of(request)
            end, could_stay = ends_at(request, row) if row else (None, False)
            if end is None or is_over(end):
                self.end(request, user, by_time=end is not None, was_idle=could_stay)
        response = self.get_response(request)
        if isinstance(request.user, User) and not is_api(request) and is_by_hand(request):
            request.seen_in = request.user.organisation_id  # type: ignore[attr-defined]
        return response

    def end(self, request: HttpRequest, user: User, *, by_time: bool, was_idle: bool) -> None:
        record_event("person.session-ended", user, organisation_id=user.organisation_id, by=user)
        logout(request)
        set_organisation(None)
        if by_time:
            why = "nothing was done here for a while" if was_idle else "you had been signed in for long"
            messages.info(request, f"You were signed out, as {why}. What you had typed is kept in this tab.")


# Where whoever must set up a second factor may go before they have.
TO_SET_UP = {
    "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "account_reauthenticate", "account_logout",
    "accounts:session-left", "accounts:session-stay",
}  # fmt: skip


class SecondStepMiddleware:
    """Whoever must have a second factor and has none sets one up before anything else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user = request.user
        # A device in a client's hands is locked until it is taken back, which comes first.
        is_elsewhere = is_api(request) or handed_over(request) is not None or route_of(request) in TO_SET_UP
        if is_elsewhere or not isinstance(user, User) or not must_set_up(user):
            return None
        return load_again() if request.headers.get("HX-Request") == "true" else redirect("mfa_index")


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

    Whatever is refused to somebody signed in, by the table or by a view, is kept for the record, and so is every page
    that shows them a client's; see `reads`.
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
        if isinstance(user, User):
            match = request.resolver_match
            shown = shown_on(route_of(request), match.kwargs, user.pk) if match else None
            request.reader = (user, shown)  # type: ignore[attr-defined]
            whence = WHENCE.get()
            if shown is not None and response.status_code == 200:
                is_said = shown.is_said_by_view and whence is not None and whence.clients
                if not is_said:
                    record_shown(shown, by=user)
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
