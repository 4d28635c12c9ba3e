"""When a reminder is due, and when an e-mail that was not taken is tried again. Times in, times out."""

from datetime import datetime, timedelta

DAY = timedelta(days=1)


def reminder_at(first_at: datetime, ends_at: datetime, hours_before: int) -> datetime | None:
    """So many hours before the link ends, and never sooner than a day after the first e-mail.

    None for 0 hours, and where a day after the first the link has ended.
    """
    if hours_before == 0:
        return None
    due = max(ends_at - timedelta(hours=hours_before), first_at + DAY)
    return due if due < ends_at else None


def pause_after(attempts: int) -> timedelta:
    """Between two attempts: 5 minutes after the first, twice as long each time, and an hour at most."""
    return min(timedelta(minutes=5 * 2 ** min(attempts - 1, 4)), timedelta(hours=1))
