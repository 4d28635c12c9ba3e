"""What the web server's processes write of their work: JSON lines that name pages and never people or addresses."""

import logging
import sys
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from gunicorn import glogging

log = structlog.get_logger(__name__)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestLogMiddleware:
    """A line for each answer of a page: which, how it went and how long. Never its address: that may be a link's.

    Whatever is logged on the way has the same number, which goes out as X-Request-ID and is made here: what a browser
    sends under that name could be anything.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        number = uuid.uuid4().hex
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request=number):
            response = self.get_response(request)
            match = request.resolver_match
            if match or response.status_code >= 400:
                log.info(
                    "answered",
                    route=(match.view_name if match else "") or "",
                    method=request.method if request.method in METHODS else "another",
                    status=response.status_code,
                    milliseconds=round((time.perf_counter() - began) * 1000),
                )
        response["X-Request-ID"] = number
        return response


class GunicornLogger(glogging.Logger):  # type: ignore[misc]
    """The web server's own lines go the way of all others. It writes none for a request: the middleware does."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(json_formatter())


def json_formatter() -> logging.Formatter:
    logging_settings: dict[str, Any] = settings.LOGGING
    options = {name: value for name, value in logging_settings["formatters"]["json"].items() if name != "()"}
    return structlog.stdlib.ProcessorFormatter(**options)


def log_what_ends_this_process() -> None:
    """In place of Python's own report, which quotes the error's message and with it, perhaps, a row."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            logging.getLogger(__name__).critical("stopped by an error", exc_info=(kind, error, trace))

    sys.excepthook = report
