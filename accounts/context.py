"""What every page of the application shows around its content."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from .access import PAGES, may_open
from .models import User

NAVIGATION = [
    ("Today", "sessions_app:today", ("sessions_app:today",)),
    (
        "Clients",
        "clients:client-list",
        (
            "clients:",
            "dashboards:episode",
            "dashboards:before-session",
            "dashboards:timeline",
            "sessions_app:session",
            "sessions_app:process-note",
            "measures:paper",
            "measures:episode",
            "measures:risk",
            "measures:comment",
            "ruptures:rupture",
            "ruptures:attempt",
        ),
    ),
    ("Caseload", "dashboards:caseload", ("dashboards:caseload",)),
    ("Supervision", "supervision:overview", ("supervision:",)),
    ("How the service is doing", "dashboards:service", ("dashboards:service",)),
    ("People", "accounts:person-list", ("accounts:person", "accounts:supervision", "clients:person")),
    ("Service", "accounts:organisation-edit", ("accounts:organisation",)),
    (
        "Instruments",
        "measures:instrument-list",
        ("measures:instrument", "measures:licence", "measures:wording", "measures:battery"),
    ),
    ("Trends", "ruptures:trends", ("ruptures:trends",)),
    ("Imports", "reports:import-list", ("reports:import", "reports:template")),
    ("Exports", "reports:export-list", ("reports:export",)),
]
SHORTCUTS = {"Today": "g t", "Clients": "g l", "Caseload": "g c", "Supervision": "g s"}


def page(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {}
    route = request.resolver_match.view_name if request.resolver_match else ""
    # The longest beginning of the route's name says which it belongs to.
    closest = max(
        (prefix for _, _, prefixes in NAVIGATION for prefix in prefixes if route.startswith(prefix)),
        key=len,
        default=None,
    )
    navigation = [
        {
            "label": label,
            "url": reverse(name),
            "current": closest in prefixes,
            "shortcut": SHORTCUTS.get(label, ""),
        }
        for label, name, prefixes in NAVIGATION
        if may_open(user, PAGES[name]) and (label != "Supervision" or is_in_supervision(user))
    ]
    return {"navigation": navigation, "demo_banner": user.organisation.is_demo}


def is_in_supervision(user: User) -> bool:
    """Supervises, or is or was supervised, which the sign-in's backend has asked with the person."""
    return user.is_supervisor or getattr(user, "has_supervision", False)
