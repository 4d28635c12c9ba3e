"""What the caseload shows, in a number of queries that does not grow with it."""

from dataclasses import dataclass

from django.db.models import Count, Max, Q
from django.urls import reverse

from accounts.access import supervised_by
from accounts.models import User
from clients.selectors import episodes
from measures.selectors import EpisodeRow, with_latest_change
from ruptures.selectors import standing_signals
from sessions_app.models import TOOK_PLACE

from ..figures import Dot
from ..sentences import CHANGE_N, Change, change_in_words
from .episode import noticed_of, scale_trends, stands, value_range


@dataclass(frozen=True)
class CaseloadRow:
    """One episode of a supervised therapist, with the change in words."""

    row: EpisodeRow
    change: Change
    session_count: int
    last_seen: object

    @property
    def order(self) -> tuple[int, str]:
        """Risk answers, then possible ruptures, then the rest by code: need before name, and no ranking of people."""
        need = 0 if self.row.has_risk else 1 if self.change.tone == "attention" else 2
        return (need, self.row.episode.client.code)


def caseload(user: User) -> list[CaseloadRow]:
    """Open episodes of the therapists a supervisor supervises, those with a reason to talk about first."""
    found = list(
        episodes(user)
        .filter(ended_on=None, therapist__in=supervised_by(user))
        .annotate(
            session_count=Count("sessions"),
            last_seen=Max("sessions__held_on", filter=Q(sessions__attendance__in=TOOK_PLACE)),
        )
    )
    rows = []
    standing = standing_signals(found)
    for row in with_latest_change(found):
        signals = standing.get(row.episode.pk, [])
        change = change_in_words(
            scale_trends(row.scales, value_range(row.instrument)),
            client=row.episode.client.label,
            waiting=row.waiting_ratings,
            noticed=[noticed_of(signal) for signal in signals if stands(signal, row.instrument.code)],
        )
        rows.append(CaseloadRow(row, change, row.episode.session_count, row.episode.last_seen))  # type: ignore[attr-defined]
    return sorted(rows, key=lambda row: row.order)


def caseload_dots(rows: list[CaseloadRow]) -> list[Dot]:
    """Bond and its change, rescaled to 0 to 10 so that services with several instruments see one picture."""
    dots = []
    for row in rows:
        bond = row.row.scales.get("bond")
        if bond is not None and bond.n >= CHANGE_N and bond.latest is not None and bond.change is not None:
            episode = row.row.episode
            url = reverse("dashboards:episode", args=[episode.pk])
            low, high = value_range(row.row.instrument)
            scale = 10 / (high - low)
            needs_a_look = row.change.tone == "attention"
            dots.append(Dot(episode.client.code, url, (bond.latest - low) * scale, bond.change * scale, needs_a_look))
    return dots
