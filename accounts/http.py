from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .models import User


class SignedInRequest(HttpRequest):
    """A request behind the page table: somebody is signed in. For type checkers only."""

    user: User


def form_page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A page with a form, perhaps with the own rating in it: 422 when something was refused, so that nobody takes
    it for saved."""
    forms = [context[name] for name in ("form", "own") if name in context]
    return render(request, template, context, status=422 if any(form.errors for form in forms) else 200)
