"""The e-mail that brings a client a link: whether there may be one, what it says, and handing it over."""

import enum
import smtplib
from contextlib import suppress
from datetime import datetime
from email.utils import formataddr
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Organisation

from .models import Invitation, RatingRequest

log = structlog.get_logger(__name__)

# Stands in a specimen where an e-mail has the client's own.
UNKNOWN_TOKEN = "of-this-client"  # noqa: S105 — leads nowhere  # nosec B105


class Outcome(enum.Enum):
    TAKEN = "the mail server has it"
    LATER = "it surely has not, and may take it later"
    REFUSED = "it surely has not, and never will"
    UNKNOWN = "it may have it"


def why_not(request: RatingRequest) -> str:
    """Why the client is not mailed about a link, in words; empty when they may be."""
    episode = request.session.episode
    client = episode.client
    if not request.is_open or request.token is None:
        return "This link no longer works."
    if not episode.is_open:
        return "The episode has ended, so no more e-mails are sent."
    if client.unsubscribed_at:
        return f"{client} asked for no more e-mails."
    if not client.wants_invitations:
        return f"{client} has not agreed to get links by e-mail."
    return ""


def written(invitation: Invitation) -> EmailMessage:
    """The e-mail, ready to be handed over. Its Message-ID is the invitation's own, however often it is written."""
    request, organisation = invitation.request, invitation.organisation
    stop = public_address("measures:stop", invitation.stop_token)
    body = body_of(
        organisation,
        is_reminder=invitation.kind == Invitation.Kind.REMINDER,
        link=public_address("measures:link", request.token or ""),
        expires_at=request.expires_at,
        stop=stop,
    )
    message = EmailMessage(
        subject=organisation.mail_subject,
        body=body,
        from_email=formataddr((organisation.mail_name, settings.DEFAULT_FROM_EMAIL)),
        to=[request.session.episode.client.email],
        headers={
            "Message-ID": f"<{invitation.pk}@{urlsplit(settings.PUBLIC_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    message.message()  # what can't be written breaks here, and not when it is half handed over
    return message


def body_of(organisation: Organisation, *, is_reminder: bool, link: str, expires_at: datetime, stop: str) -> str:
    context = {
        "is_reminder": is_reminder,
        "link": link,
        "until": date_format(timezone.localtime(expires_at, organisation.zone), "l j F, H:i"),
        "stop": stop,
        "name": organisation.mail_name,
    }
    return render_to_string("measures/invitation.txt", context)


def specimen(organisation: Organisation, *, is_reminder: bool, expires_at: datetime) -> EmailMessage:
    """An e-mail as the organisation's settings make it, saved or not, with links that lead nowhere and to nobody."""
    origin = settings.PUBLIC_URL or "https://…"
    return EmailMessage(
        subject=organisation.mail_subject,
        body=body_of(
            organisation,
            is_reminder=is_reminder,
            link=f"{origin}{reverse('measures:link', args=[UNKNOWN_TOKEN])}",
            expires_at=expires_at,
            stop=f"{origin}{reverse('measures:stop', args=[UNKNOWN_TOKEN])}",
        ),
        from_email=formataddr((organisation.mail_name, settings.DEFAULT_FROM_EMAIL)),
    )


def public_address(route: str, token: str) -> str:
    return settings.PUBLIC_URL + reverse(route, args=[token])


def takes_once() -> bool:
    """Whether handing over the same Message-ID again would add nothing. A folder can tell; a mail server can't."""
    return getattr(get_connection(), "takes_once", False)


def hand_over(message: EmailMessage) -> Outcome:
    """Give an e-mail to the mail server, and say what is known of it. Nothing of it or of its address is logged."""
    connection = get_connection()
    try:
        connection.open()
    except Exception as error:
        log.warning("mail server out of reach", error=type(error).__name__)
        return Outcome.LATER
    try:
        connection.send_messages([message])
    except Exception as error:
        outcome = meaning_of(error)
        log.warning("e-mail not taken", error=type(error).__name__, status=outcome.name)
        return outcome
    finally:
        with suppress(Exception):
            connection.close()
    return Outcome.TAKEN


def meaning_of(error: Exception) -> Outcome:
    """What the mail server said no to, it does not have: for now (4xx) or for good. Silence may mean either."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        ((code, _words),) = error.recipients.values()
    elif isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
    else:
        return Outcome.UNKNOWN
    return {4: Outcome.LATER, 5: Outcome.REFUSED}.get(code // 100, Outcome.UNKNOWN)
