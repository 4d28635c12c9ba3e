"""What the caseload shows, in a number of queries that does not grow with it."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from accounts.access import supervised_by, writing_for
from accounts.models import User
from clients import engagement
from clients.models import EngagementObjective, Episode, EpisodeQuerySet
from measures.instruments import COMPONENTS, Instrument
from measures.models import Trend
from measures.risk import clients_with_risk
from measures.schedule import STILL_DUE
from measures.selectors import alliance_of, waiting_ratings
from ruptures.lifecycle import SUSPECTED
from ruptures.models import Signal, State
from ruptures.selectors import open_in_many, standing_signals
from sessions_app.models import FirstChallenge
from sessions_app.rhythm import Rhythm

from .. import need
from ..figures import Dot
from ..need import LATEST, Reason
from ..sentences import Change, change_in_words
from ..sparkline import Sparkline, sparkline
from .episode import noticed_of, scale_trends, stands, value_range


class Listed(NamedTuple):
    """An episode and its summary, as far as the list asks for them: to load all of each takes most of its time."""

    pk: uuid.UUID
    client_id: uuid.UUID
    code: str
    name: str
    therapist_id: uuid.UUID
    therapist_name: str
    started_on: date
    session_count: int
    session_number: int
    last_planned_on: date | None
    last_seen_on: date | None
    usual_gap: int | None
    asked: list[tuple[str, bool | None]]
    bond: float | None
    bond_change: float | None
    worth_a_look: str
    is_updating: bool

    @property
    def label(self) -> str:
        return self.name or self.code


SUMMED = (
    "session_count", "session_number", "last_planned_on", "last_seen_on", "usual_gap", "asked", "bond", "bond_change",
    "worth_a_look",
)  # fmt: skip
# Sessions or ratings have changed since what is kept of them was computed.
IS_UPDATING = Case(
    When(summary__computed_version__lt=F("summary__input_version"), then=True),
    When(series__computed_version__lt=F("series__input_version"), then=True),
    When(~Q(summary__series_version=Coalesce(F("series__computed_version"), 0)), then=True),
    default=False,
)


@dataclass(frozen=True)
class CaseloadRow:
    """One episode with why it is worth talking about."""

    episode: Listed
    has_risk: bool
    signals: Sequence[Signal]
    reasons: list[Reason]

    @property
    def place(self) -> tuple[int, int, str]:
        return need.place(self.reasons, self.episode.code)

    @cached_property
    def kinds(self) -> list[str]:
        return list(dict.fromkeys(reason.kind for reason in self.reasons))


@dataclass(frozen=True)
class Caseload:
    rows: list[CaseloadRow]
    is_supervised: bool

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(kind for row in self.rows for kind in row.kinds)

    @cached_property
    def therapists(self) -> int:
        return len({row.episode.therapist_id for row in self.rows})

    def shown(self, *, kind: str, search: str) -> list[CaseloadRow]:
        """Those with a reason of this kind, whose client's code or therapist's name has these words in it."""
        words = search.casefold()
        return [
            row
            for row in self.rows
            if (not kind or kind in row.kinds)
            and (words in row.episode.code.casefold() or words in row.episode.therapist_name.casefold())
        ]


def caseload(user: User, *, own: bool = False) -> Caseload:
    """Open episodes of the therapists a supervisor supervises; of a therapist's own, and of those they cover."""
    is_supervised = user.is_supervisor and not (own and user.is_therapist)
    whose: QuerySet[User] = supervised_by(user) if is_supervised else writing_for(user)
    rows = rows_of(Episode.objects.listed_for(user).filter(therapist__in=whose), user)
    return Caseload(sorted(rows, key=lambda row: row.place), is_supervised)


def rows_of(episodes: EpisodeQuerySet, user: User) -> list[CaseloadRow]:
    """Of those of them that are open, in six queries however many there are."""
    values = episodes.open().values_list(
        "pk", "client_id", "client__code", "client__name", "therapist_id", "therapist__name", "started_on",
        *(f"summary__{name}" for name in SUMMED), IS_UPDATING,
    )  # fmt: skip
    found = [Listed(*row) for row in values]
    known = Known(found, of=user.organisation.engagement_sessions, today=timezone.localdate())
    return [known.row(episode) for episode in found]


class Known:
    """What is asked of each of these episodes on top of its summary."""

    def __init__(self, found: Sequence[Listed], *, of: int, today: date) -> None:
        self.of, self.today = of, today
        ids = [episode.pk for episode in found]
        self.signals = standing_signals(ids)
        self.with_risk = clients_with_risk({episode.client_id for episode in found})
        self.levels: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
        assessed = EngagementObjective.objects.filter(episode__in=ids)
        for episode_id, objective, level in assessed.values_list("episode_id", "objective", "level"):
            self.levels[episode_id][objective] = level
        self.challenged = set(FirstChallenge.objects.filter(episode__in=ids).values_list("episode_id", flat=True))
        self.ruptures: dict[uuid.UUID, list[need.OpenRupture]] = defaultdict(list)
        for rupture in open_in_many(ids):
            days = (today - rupture.session.held_on).days
            is_suspected = rupture.state == SUSPECTED
            told = need.OpenRupture(
                rupture.name, str(rupture.session), days, rupture.get_state_display(), is_suspected=is_suspected
            )
            self.ruptures[rupture.session.episode_id].append(told)

    def row(self, episode: Listed) -> CaseloadRow:
        signals = self.signals.get(episode.pk, [])
        has_risk = (episode.client_id, episode.therapist_id) in self.with_risk
        reasons = [
            *need.of_risk(has_risk),
            *self.strain(episode, signals),
            *self.engagement(episode),
            *self.absence(episode),
            *need.of_missing(self.rated(episode)),
        ]
        return CaseloadRow(episode, has_risk, signals, reasons)

    def strain(self, episode: Listed, signals: Sequence[Signal]) -> list[Reason]:
        new = [signal for signal in signals if signal.state == State.NEW]
        asked = {str(signal.session) for signal in new}
        # What the client suspects of a session is answered with the signal of that session.
        ruptures = [one for one in self.ruptures[episode.pk] if not (one.is_suspected and one.session in asked)]
        sentences = [
            f"Possible rupture in {signal.session}: {signal.scale}."
            if signal.scale in COMPONENTS
            else f"Possible rupture in {signal.session}."
            for signal in new
        ]
        if not sentences and not ruptures and episode.worth_a_look:
            sentences = [episode.worth_a_look]
        return [*need.of_signals(list(dict.fromkeys(sentences))), *need.of_ruptures(ruptures)]

    def rated(self, episode: Listed) -> list[bool]:
        """Of the latest sessions whose ratings are no longer on their way, and that asked for any."""
        settled = (self.today - STILL_DUE).isoformat()
        latest = [is_rated for day, is_rated in episode.asked if day < settled][-LATEST:]
        return [is_rated for is_rated in latest if is_rated is not None]

    def absence(self, episode: Listed) -> list[Reason]:
        seen = episode.last_seen_on or episode.started_on
        rhythm = Rhythm(episode.last_planned_on, seen, episode.usual_gap)
        since = (self.today - seen).days if rhythm.is_missed(self.today) else 0
        return need.of_absence(since, rhythm.usual_in_words)

    def engagement(self, episode: Listed) -> list[Reason]:
        levels, session = self.levels[episode.pk], episode.session_number
        return need.of_engagement(
            engagement.gate_in_words(levels, session=session, of=self.of),
            session=session,
            of=self.of,
            is_looked_at=bool(levels),
            is_missing=bool(engagement.missing(levels)) and episode.pk not in self.challenged,
        )


# --- What is shown of a row besides ---------------------------------------------------------------------


@dataclass(frozen=True)
class ShownRow:
    """A row with its change in words, its numbers and the line of the component in question."""

    row: CaseloadRow
    instrument: Instrument
    scales: dict[str, Trend]
    change: Change

    @property
    def episode(self) -> Listed:
        return self.row.episode

    @property
    def scale(self) -> str:
        """The component that the sentence is about; bond where it is about none."""
        return self.change.scale or "bond"

    @cached_property
    def line(self) -> Sparkline | None:
        trend = self.scales.get(self.scale)
        if trend is None or not trend.n:
            return None
        low, high = value_range(self.instrument)
        return sparkline([value for _, value in trend.points], low=low, high=high)

    @property
    def headline(self) -> str:
        """What changed, where the reasons do not say it already."""
        return "" if need.SIGNAL in self.row.kinds else self.change.headline

    @property
    def words(self) -> list[str]:
        """Why it stands where it does; what changed where there is no reason to talk about it."""
        return [reason.words for reason in self.row.reasons] or [self.change.headline]


def shown_rows(rows: Sequence[CaseloadRow]) -> list[ShownRow]:
    """In two queries."""
    ids = [row.episode.pk for row in rows]
    alliance, waiting = alliance_of(ids), waiting_ratings(ids)
    found = []
    for row in rows:
        instrument, scales = alliance[row.episode.pk]
        standing = [one for one in row.signals if stands(one, instrument.code) and not is_settled(one)]
        change = change_in_words(
            scale_trends(scales, value_range(instrument)),
            client=row.episode.label,
            waiting=waiting[row.episode.pk],
            noticed=[noticed_of(one) for one in standing],
        )
        found.append(ShownRow(row, instrument, scales, change))
    return found


def is_settled(signal: Signal) -> bool:
    return signal.rupture is not None and not signal.rupture.is_open


def table_of(rows: Sequence[ShownRow]) -> list[list[str]]:
    """What is shown, for a spreadsheet."""
    head = ["client", "therapist", "sessions", *COMPONENTS, "instrument", "why", "last seen"]
    return [head, *(cells_of(row) for row in rows)]


def cells_of(shown: ShownRow) -> list[str]:
    latest = [trend.latest if (trend := shown.scales.get(scale)) else None for scale in COMPONENTS]
    seen = shown.episode.last_seen_on
    return [
        shown.episode.code,
        shown.episode.therapist_name,
        str(shown.episode.session_count),
        *("" if value is None else f"{value:.1f}" for value in latest),
        shown.instrument.name,
        " ".join(shown.words),
        seen.isoformat() if seen else "",
    ]


def caseload_dots(rows: Sequence[CaseloadRow]) -> list[Dot]:
    """Bond and its change, on 0 to 10 so that services with several instruments see one picture."""
    return [
        Dot(
            row.episode.code,
            reverse("dashboards:episode", args=[row.episode.pk]),
            row.episode.bond,
            row.episode.bond_change,
            bool({need.SIGNAL, need.RUPTURE} & set(row.kinds)),
        )
        for row in rows
        if row.episode.bond is not None and row.episode.bond_change is not None
    ]
