"""What every page of the application shows around its content."""

from typing import Any

from django.conf import settings
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
            "reports:client",
        ),
    ),
    ("Caseload", "dashboards:caseload", ("dashboards:caseload",)),
    ("Supervision", "supervision:overview", ("supervision:",)),
    # Whatever administrators look after once in a while is on their overview, and keeps this line short on a phone.
    (
        "Administration",
        "administration:overview",
        (
            "administration:",
            "accounts:organisation",
            "measures:instrument",
            "measures:licence",
            "measures:wording",
            "measures:battery",
            "ruptures:trends",
            "reports:import",
            "reports:template",
            "reports:erasure",
            "reports:retention",
            "reports:hold",
            "reports:audit",
        ),
    ),
    (
        "People",
        "accounts:person-list",
        ("accounts:person", "accounts:supervision", "clients:person"),
    ),
    ("How the service is doing", "dashboards:service", ("dashboards:service",)),
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
    # As long as nothing is done after this page; the page's clock asks again before it says so.
    ends_in = min(settings.SESSION_IDLE_SECONDS, settings.SESSION_LONGEST_SECONDS)
    return {"navigation": navigation, "demo_banner": user.organisation.is_demo, "session_ends_in": ends_in}


def is_in_supervision(user: User) -> bool:
    """Supervises, or is or was supervised, which the sign-in's backend has asked with the person."""
    return user.is_supervisor or getattr(user, "has_supervision", False)
