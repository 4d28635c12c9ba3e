"""Error pages: what happened, and what to do next. They need no database and no signed-in person."""

from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from accounts.api.problems import is_api, problem_response
from accounts.encryption import EncryptionProblem
from accounts.middleware import route_of

log = structlog.get_logger(__name__)
PAGES: dict[int, tuple[str, str]] = {
    400: ("This request could not be read", "Go back, reload the page and try again."),
    403: (
        "This page is not part of your role",
        "Ask an administrator of your service if you think that it should be.",
    ),
    404: (
        "There is nothing here",
        "The address may be mistyped, or it leads to a record that is not yours to see.",
    ),
    405: (
        "This address only takes what a form sends",
        "Nothing was changed. Go back, reload the page and use the button there.",
    ),
    500: (
        "Something went wrong on our side",
        "What you had saved before is safe. Go back and try again; if it happens again, tell your administrator.",
    ),
}


class NotAllowedMiddleware:
    """Gives an empty answer to a wrong method its page. `Allow` stays, as the protocol asks for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.streaming or response.content:
            return response
        page = error_page(405)
        page["Allow"] = response["Allow"]
        return page


class Utf8Middleware:
    """Forms are sent as our pages are written. Django asks it of those without files alone, and decodes the others by
    whatever a header names, a compression among it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_form = request.content_type == "multipart/form-data"
        if is_form and (request.encoding or "utf-8").lower() not in {"utf-8", "utf8"}:
            return bad_request(request)
        return self.get_response(request)


class ClosedTextMiddleware:
    """A text that can't be decrypted ends every page that asks for it, with what to do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, EncryptionProblem):
            return None
        log.error("text stays closed", error=type(exception).__name__, route=route_of(request))
        return error_page(503, title="This text can’t be read", text=exception.advice)


def error_page(status: int, *, title: str = "", text: str = "") -> HttpResponse:
    if not title:
        title, text = PAGES[status]
    context = {"title": title, "text": text, "action_url": "/", "action_label": "Go to the start page"}
    return HttpResponse(render_to_string("error.html", context), status=status)


def page_or_problem(request: HttpRequest, status: int) -> HttpResponse:
    return problem_response(status, PAGES[status][0] + ".") if is_api(request) else error_page(status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page_or_problem(request, 400)


def permission_denied(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page_or_problem(request, 403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page_or_problem(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return page_or_problem(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    context = {
        "title": "This page was open for too long",
        "text": "Nothing was saved. Go back in your browser: what you typed is still there. Reload and send it again.",
        "action_url": "/",
        "action_label": "Go to the start page",
    }
    return HttpResponse(render_to_string("error.html", context), status=403)
