import csv
import re
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .cells import harmless
from .models import User
from .signed_in import follow_key

# In the session of somebody whose device is in a client's hands: `pages`, the paths that answer, and `leads_to`, where
# every other one leads. Whoever hands it over may keep more there.
HANDED_OVER = "handed-over"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SignedInRequest(HttpRequest):
    """A request behind the page table: somebody is signed in. For type checkers only."""

    user: User


def handed_over(request: HttpRequest) -> dict[str, Any] | None:
    """What this device was handed over for; None where it was not, or where nobody is signed in on it any more."""
    lock: dict[str, Any] | None = request.session.get(HANDED_OVER)
    return lock if lock is not None and isinstance(request.user, User) else None


def hand_over(request: HttpRequest, lock: dict[str, Any]) -> None:
    """Lock the session. Under a new key, so that no tab that is still loading can save the unlocked one over it."""
    new_key(request)
    request.session[HANDED_OVER] = lock


def take_back(request: HttpRequest) -> None:
    """Unlock the session, under a new key again: whoever held the device may have copied the old one."""
    del request.session[HANDED_OVER]
    new_key(request)


def new_key(request: HttpRequest) -> None:
    before = request.session.session_key
    request.session.cycle_key()
    follow_key(request, before)


def one_line(typed: str) -> str:
    """What somebody searches for. The database takes no NUL, and nobody searches for the other control characters."""
    return CONTROL.sub("", typed).strip()


def form_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A page with a form, perhaps with the own rating in it: 422 when something was refused, so that nobody takes
    it for saved."""
    forms = [context[name] for name in ("form", "own") if name in context]
    return render(request, template, context, status=422 if any(form.errors for form in forms) else 200)


def csv_file(name: str, rows: Sequence[Sequence[str]]) -> HttpResponse:
    """UTF-8 with its mark, as spreadsheets read it right only so; no cell is taken for a formula."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    csv.writer(response).writerows([[harmless(cell) for cell in row] for row in rows])
    return response
