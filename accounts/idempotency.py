"""A form sent twice writes once: phones repeat, people press again, browsers go back."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils.crypto import salted_hmac

from .models import Submission, User

FIELD = "submission"
NOT_CONTENT = {FIELD, "csrfmiddlewaretoken"}


class OtherContent(ValidationError):
    """The same form key came with different content: somebody went back and changed what was already saved."""

    def __init__(self) -> None:
        super().__init__("This form was already saved with other content. Open the saved record and edit it there.")


class StaleVersion(Exception):
    """Somebody saved this record after the page was opened. Carries the record as it is now."""

    def __init__(self, current: Any) -> None:
        super().__init__("saved by somebody else meanwhile")
        self.current = current


def digest_of(data: QueryDict) -> str:
    """Tells one form from another. Made with the site's key: a short text could be guessed from a bare hash."""
    content = sorted((key, values) for key, values in data.lists() if key not in NOT_CONTENT)
    return salted_hmac("accounts.submission-digest", json.dumps(content), algorithm="sha256").hexdigest()


def key_of(data: QueryDict) -> uuid.UUID | None:
    try:
        return uuid.UUID(data.get(FIELD, ""))
    except ValueError:
        return None


def earlier_answer(data: QueryDict, *, by: User) -> str | None:
    """Where this very form led when it was sent before. Raises OtherContent when it said something else then."""
    key = key_of(data)
    earlier = Submission.objects.filter(key=key).first() if key else None
    if earlier is None:
        return None
    if earlier.digest != digest_of(data) or earlier.created_by_id != by.pk:
        raise OtherContent
    return earlier.location


def sent_before(data: QueryDict, *, by: User) -> str | None:
    """As `earlier_answer`, for a page whose record may have gone on since: other content is no answer there."""
    try:
        return earlier_answer(data, by=by)
    except OtherContent:
        return None


def was_sent(data: QueryDict, *, by: User) -> bool:
    """Whether this form, by its key, was carried out before, whatever is in it now."""
    key = key_of(data)
    return key is not None and Submission.objects.filter(key=key, created_by=by).exists()


def remember_answer(data: QueryDict, location: str, *, by: User) -> None:
    """Keep where this form led, in the transaction of what it wrote. A second one at the same moment fails here."""
    key = key_of(data)
    if key:
        Submission.objects.create(
            organisation_id=by.organisation_id, key=key, digest=digest_of(data), location=location, created_by=by
        )


def write_once(data: QueryDict, write: Callable[[], str], *, by: User) -> str:
    """Run `write`, which returns where to go next, unless this form has been here before.

    Two at the same moment: the later one waits, fails, and is given the answer of the first.
    """
    earlier = earlier_answer(data, by=by)
    if earlier is not None:
        return earlier
    try:
        with transaction.atomic():
            location = write()
            remember_answer(data, location, by=by)
    except Exception:
        # Whatever stopped this one: when it is the second of the same form, the first has done its work.
        earlier = earlier_answer(data, by=by)
        if earlier is None:
            raise
        return earlier
    return location


@contextmanager
def taken_means(error: ValidationError) -> Iterator[None]:
    """A row that somebody else wrote in the same moment becomes the error a person can act on."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise error from None
