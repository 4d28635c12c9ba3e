"""Sessions in the database. That it is out of reach is said as it is."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import OperationalError


class SessionStore(db.SessionStore):
    """Django takes any failure to save for a session that was ended meanwhile, and answers 400: as if nothing of the
    request had been kept, although the session is saved after the rest is.
    """

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, OperationalError):
                raise error.__context__ from None
            raise
