"""Tokens of links: 200 bits, shown to those who may hand them out, stored only as a hash. And when one was opened."""

import base64
import hashlib
import hmac
import math
import secrets
import time
import uuid

from django.conf import settings
from django.core import signing
from django.utils.crypto import salted_hmac

SALT = "measures.rating-request"
STOP = "measures.stop-invitations"
OPENED = "measures.opened"


def new_nonce() -> str:
    return secrets.token_hex(25)


def token_of(owner_id: uuid.UUID, nonce: str, *, salt: str = SALT) -> str:
    """The token of a request, made again whenever its link is shown: 40 characters, letters and digits.

    With the salt STOP, of an invitation: it opens the page that ends such e-mails, and nothing else.
    """
    mac = salted_hmac(salt, f"{owner_id}:{nonce}", secret=settings.SECRET_KEY, algorithm="sha256").digest()
    return base64.b32encode(mac[:25]).decode().lower()


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def is_same(first: str, second: str) -> bool:
    return hmac.compare_digest(first, second)


def opened_now(request_id: uuid.UUID) -> str:
    """That a form was opened now, signed: its holder can lose it, and can't change it."""
    return signing.dumps([request_id.hex, time.time()], salt=OPENED)


def seconds_since_opened(opened: str, request_id: uuid.UUID) -> int | None:
    """Whole seconds, rounded up, so that nobody is called quicker than they were; None where it isn't known."""
    try:
        of, at = signing.loads(opened, salt=OPENED)
    except signing.BadSignature:
        return None
    seconds = math.ceil(time.time() - at)
    return seconds if of == request_id.hex and seconds >= 0 else None
