"""Errors as RFC 9457 has them: what is wrong, and with which field."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

MEDIA_TYPE = "application/problem+json"
WHOLE = {NON_FIELD_ERRORS, api_settings.NON_FIELD_ERRORS_KEY}


class BadQuery(exceptions.ValidationError):
    """Something in the address or in a header."""


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def problem(status: int, detail: str = "", errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """`errors` name a field each; an empty name is the request as a whole."""
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = errors
    return body


def problem_response(status: int, detail: str) -> JsonResponse:
    """For what is refused before or behind every view."""
    return JsonResponse(problem(status, detail), status=status, content_type=MEDIA_TYPE)


def messages_of(detail: Any, field: str = "") -> Iterator[dict[str, str]]:
    """Nested messages of serializers, the field as a path: `answers.3`."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            part = "" if name in WHOLE else str(name)
            yield from messages_of(inner, ".".join(filter(None, [field, part])))
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from messages_of(inner, field)
    else:
        yield {"field": field, "message": str(detail)}


def answer_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """None for what is our own fault: that is logged, and answered as a 500."""
    headers: dict[str, str] = {}
    if isinstance(error, ValidationError):
        found = error.message_dict if hasattr(error, "error_dict") else error.messages
        status = 409 if isinstance(error, context["view"].conflicts) else 422
        body = problem(status, "Nothing was changed.", list(messages_of(found)))
    elif isinstance(error, exceptions.ValidationError):
        status = 400 if isinstance(error, BadQuery) else 422
        body = problem(status, "Nothing was changed.", list(messages_of(error.detail)))
    elif isinstance(error, Http404):
        status, body = 404, problem(404, "There is nothing here, or it is not yours to see.")
    elif isinstance(error, PermissionDenied):
        status, body = 403, problem(403, str(error))
    elif isinstance(error, exceptions.NotAuthenticated):
        status, body = 401, problem(401, "Send a token that works, as “Authorization: Bearer …”.")
        headers["WWW-Authenticate"] = "Bearer"
    elif isinstance(error, exceptions.APIException):
        status, body = error.status_code, problem(error.status_code, str(error.detail))
        if getattr(error, "wait", None):
            headers["Retry-After"] = str(int(error.wait) + 1)  # type: ignore[attr-defined]
    else:
        return None
    return Response(body, status=status, headers=headers, content_type=MEDIA_TYPE)
