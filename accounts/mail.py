"""Whether e-mails can be sent from here, and which words may stand in one."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError

# An e-mail is seen by whoever looks over a shoulder: none of these stands in one, not even in a service's name.
TELLING = re.compile(
    r"therap|\bpsy|counsel|\bmental|clinic|patient|session|treatment|trauma|depress|anxi|addict|rehab", re.I
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def check_neutral(value: str) -> None:
    """One line that does not tell what kind of service it comes from."""
    if CONTROL.search(value):
        raise ValidationError("Write it in one line.")
    if TELLING.search(value):
        raise ValidationError("A word in it tells what kind of service this is. Find one that could be about anything.")


def what_is_missing() -> str:
    """Why no e-mail can be sent, in words for an administrator; empty when e-mails can be sent."""
    if not settings.DEFAULT_FROM_EMAIL:
        return "No mail server is set. Whoever runs the service sets SMTP_URL and MAIL_FROM."
    if not settings.PUBLIC_URL:
        return "The address for links in e-mails is not set. Whoever runs the service sets PUBLIC_URL."
    return ""
