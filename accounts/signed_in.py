"""How long somebody stays signed in, on which devices, and how recently they have shown who they are.

The row of `allauth.usersessions` that belongs to a session says since when it is and when it was used last. A session
without its row is over.
"""

import re
import time
from datetime import datetime, timedelta
from urllib.parse import urlencode

from allauth.account.internal.flows.login import get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from .models import User

# In the session: when it began, in seconds since 1970. A new key or a new password is not a new beginning.
SIGNED_IN_AT = "signed-in-at"
# What a page asks for by itself, again and again, is nobody at work.
POLLS = {"accounts:session-left"}


def clock() -> datetime:
    return timezone.now()


def row_of(request: HttpRequest) -> UserSession | None:
    row: UserSession | None = UserSession.objects.filter(session_key=request.session.session_key).first()
    return row


def ends_at(request: HttpRequest, row: UserSession) -> tuple[datetime, bool]:
    """When this session ends if nothing more is done, and whether staying could put that off."""
    began = request.session.get(SIGNED_IN_AT)
    begun_at = datetime.fromtimestamp(began, tz=timezone.get_default_timezone()) if began else row.created_at
    longest = begun_at + timedelta(seconds=settings.SESSION_LONGEST_SECONDS)
    idle = row.last_seen_at + timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    return min(idle, longest), idle < longest


def begin(request: HttpRequest) -> None:
    request.session[SIGNED_IN_AT] = clock().timestamp()


def is_over(end: datetime) -> bool:
    return clock() >= end


def seconds_left(request: HttpRequest, row: UserSession) -> int:
    return int((ends_at(request, row)[0] - clock()).total_seconds())


def note_seen(request: HttpRequest) -> None:
    """That somebody is at work in this session, to the second."""
    now = clock()
    rows = UserSession.objects.filter(session_key=request.session.session_key)
    rows.filter(last_seen_at__lte=now - timedelta(seconds=1)).update(last_seen_at=now)


def is_by_hand(request: HttpRequest) -> bool:
    """Whether a person asked for this, and not the page in front of them."""
    route = request.resolver_match.view_name if request.resolver_match else ""
    return route not in POLLS and not (request.method == "GET" and request.headers.get("HX-Request") == "true")


def follow_key(request: HttpRequest, before: str | None) -> None:
    """The session has a new key, and is the same one."""
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)


# --- The own sessions -----------------------------------------------------------------------------------------


def sessions_of(user: User) -> QuerySet[UserSession]:
    """Those that still work, the one used last first."""
    since = clock() - timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    working = Session.objects.filter(expire_date__gt=clock()).values("session_key")
    rows: QuerySet[UserSession] = UserSession.objects.filter(
        user=user, last_seen_at__gt=since, session_key__in=working
    ).order_by("-last_seen_at")
    return rows


def end(rows: QuerySet[UserSession]) -> int:
    """End these sessions at once. Returns how many there were."""
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    UserSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


BROWSERS = (
    ("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("HeadlessChrome", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "an Android device"), ("CrOS", "a Chromebook"),
    ("Windows", "Windows"), ("Macintosh", "a Mac"), ("Linux", "Linux"),
)  # fmt: skip


def device_in_words(user_agent: str) -> str:
    """“Firefox on Windows”, from what the browser says of itself; the first that fits, as many name others, too."""
    browser = next((name for sign, name in BROWSERS if re.search(rf"\b{sign}/", user_agent)), None)
    system = next((name for sign, name in SYSTEMS if sign in user_agent), None)
    if not (browser or system):
        return "A browser that does not say which"
    return f"{browser or 'A browser'} on {system or 'a device that it does not name'}"


# --- Who somebody is, once more ---------------------------------------------------------------------------------


def is_recent(request: HttpRequest) -> bool:
    """Whether this session's person showed who they are a short while ago: at sign-in, or asked again."""
    records = get_authentication_records(request, request.user)
    latest = max((record.get("at", 0) for record in records), default=0)
    return bool(time.time() - latest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def ask_again(leads_to: str) -> HttpResponseRedirect:
    """To the page that asks for the password, and back. What was sent is not kept there: it may be of a record."""
    return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': leads_to})}")
