"""Sessions in the database. That it is out of reach is said as it is, and a key that is none is no fault of ours."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError


class SessionStore(db.SessionStore):
    """Django takes any failure to save for a session that was ended meanwhile, and answers 400: as if nothing of the
    request had been kept, although the session is saved after the rest is.

    A key that we gave nobody is none: a cookie may hold characters that the database takes in no text.
    """

    def __init__(self, session_key: str | None = None) -> None:
        is_like_ours = session_key is not None and session_key.isascii() and session_key.isalnum()
        super().__init__(session_key if is_like_ours else None)

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError):
                raise error.__context__ from None
            raise
