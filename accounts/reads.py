"""Which pages show a client's record, and of which client: what the middleware puts on record when one was opened.

A page whose view says itself what was looked at is not put down twice. A new argument of an address needs a row here.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .access import PAGES, Who

# An argument of an address → the kind of record it names, and the way from there to its client; | is “or else”.
RECORDS: dict[str, tuple[str, str]] = {
    "client_id": ("clients.Client", "pk"),
    "episode_id": ("clients.Episode", "client_id"),
    "goal_id": ("clients.Goal", "episode__client_id"),
    "task_id": ("clients.Task", "episode__client_id"),
    "session_id": ("sessions_app.TherapySession", "episode__client_id"),
    "note_id": ("sessions_app.ProcessNote", "session__episode__client_id|episode__client_id"),
    "rating_id": ("measures.Rating", "session__episode__client_id"),
    "request_id": ("measures.RatingRequest", "session__episode__client_id"),
    "answer_id": ("measures.RiskAnswer", "rating__session__episode__client_id"),
    "override_id": ("measures.BatteryOverride", "episode__client_id"),
    "signal_id": ("ruptures.Signal", "session__episode__client_id"),
    "rupture_id": ("ruptures.Rupture", "session__episode__client_id"),
    "attempt_id": ("ruptures.RepairAttempt", "rupture__session__episode__client_id"),
    "item_id": ("supervision.AgendaItem", "episode__client_id"),
    "step_id": ("supervision.NextStep", "episode__client_id"),
    "erasure_id": ("reports.Erasure", "client_id"),
    "hold_id": ("reports.LegalHold", "client_id"),
}
# Arguments that name no client's record.
NO_RECORD = {
    "person_id", "token", "supervision_id", "cover_id", "token_id", "wording_id", "meeting_id", "target_id",
    "batch_id", "export_id", "code", "to", "chart", "instrument", "rater", "holds", "task", "pk", "row_id",
}  # fmt: skip
# Pages that name many clients: one event for the list.
LISTS = {
    "clients:client-list",
    "clients:person-episodes",
    "sessions_app:today",
    "dashboards:caseload",
    "dashboards:caseload-figure",
    "supervision:overview",
    "supervision:therapist",
    "supervision:meeting",
    "supervision:meeting-notes",
    "supervision:step-create",
}
# Lists whose views record an event for each client on them.
EACH_CLIENT = {"supervision:overview", "supervision:therapist", "supervision:meeting"}
# Parts that a page asks for by itself, and again: on record once for each client and person in `ONCE_IN`, the longest
# that a sign-in lasts, unless the page itself was.
PARTS = {
    "dashboards:episode-change",
    "dashboards:episode-figure",
    "dashboards:caseload-figure",
    "measures:risk-of-episode",
}
ONCE_IN = timedelta(hours=12)


@dataclass(frozen=True)
class Shown:
    """What a page shows: one record, or for a list none in particular. `path` leads from it to its client."""

    route: str
    kind: str
    pk: Any
    path: str

    @property
    def action(self) -> str:
        return "record.viewed" if self.path else "list.viewed"

    @property
    def is_said_by_view(self) -> bool:
        """Whether an event with a client that the view has recorded says all."""
        return bool(self.path) or self.route in EACH_CLIENT

    @property
    def is_part(self) -> bool:
        return self.route in PARTS


def shown_on(route: str, arguments: dict[str, Any], reader_id: Any) -> Shown | None:
    """What this page shows of clients' records to somebody who is signed in; None for all other pages."""
    if PAGES.get(route, Who.NOBODY) in {Who.NOBODY, Who.ANYONE}:
        return None
    # The most particular comes last in an address, but for the episode that a meeting talks about.
    for name in reversed(arguments):
        if name in RECORDS:
            kind, path = RECORDS[name]
            return Shown(route, kind, arguments[name], path)
    return Shown(route, "accounts.User", reader_id, "") if route in LISTS else None
