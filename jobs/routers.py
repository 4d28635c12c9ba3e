from typing import Any


class Limits:
    """Sends the counters of the rate limits to their own connection, and migrations to the owner's alone.

    A refused sign-in rolls its request back; what it counted must stay.
    """

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "limits" if model._meta.app_label == "django_cache" else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == "limits" else None
