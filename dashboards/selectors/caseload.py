"""What the caseload shows, in a number of queries that does not grow with it."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.access import supervised_by, writing_for
from accounts.models import User
from clients import engagement
from clients.models import EngagementObjective, Episode
from clients.selectors import episodes
from measures.instruments import COMPONENTS
from measures.models import Rater, Rating
from measures.schedule import STILL_DUE, owed
from measures.selectors import EpisodeRow, with_latest_change
from ruptures.lifecycle import SUSPECTED
from ruptures.models import Signal, State
from ruptures.selectors import open_in_many, standing_signals
from sessions_app.models import TOOK_PLACE, FirstChallenge, Phase, TherapySession
from sessions_app.rhythm import Rhythm, usual_gap

from .. import need
from ..figures import Dot
from ..need import LATEST, Reason
from ..sentences import CHANGE_N, Change, change_in_words
from ..sparkline import Sparkline, sparkline
from .episode import noticed_of, scale_trends, stands, value_range


@dataclass(frozen=True)
class CaseloadRow:
    """One episode with why it is worth talking about, its change in words and the line of the component in question."""

    row: EpisodeRow
    change: Change
    session_count: int
    last_seen: date | None
    reasons: list[Reason]

    @property
    def place(self) -> tuple[int, int, str]:
        return need.place(self.reasons, self.row.episode.client.code)

    @property
    def kinds(self) -> list[str]:
        return list(dict.fromkeys(reason.kind for reason in self.reasons))

    @property
    def scale(self) -> str:
        """The component that the sentence is about; bond where it is about none."""
        return self.change.scale or "bond"

    @property
    def line(self) -> Sparkline | None:
        trend = self.row.scales.get(self.scale)
        if trend is None or not trend.n:
            return None
        low, high = value_range(self.row.instrument)
        return sparkline([value for _, value in trend.points], low=low, high=high)

    @property
    def headline(self) -> str:
        """What changed, where the reasons do not say it already."""
        return "" if need.SIGNAL in self.kinds else self.change.headline

    @property
    def words(self) -> list[str]:
        """Why it stands where it does; what changed where there is no reason to talk about it."""
        return [reason.words for reason in self.reasons] or [self.change.headline]


@dataclass(frozen=True)
class Caseload:
    rows: list[CaseloadRow]
    is_supervised: bool

    @property
    def counts(self) -> Counter[str]:
        return Counter(kind for row in self.rows for kind in row.kinds)

    @property
    def therapists(self) -> int:
        return len({row.row.episode.therapist_id for row in self.rows})

    def shown(self, *, kind: str, search: str) -> list[CaseloadRow]:
        """Those with a reason of this kind, whose client's code or therapist's name has these words in it."""
        words = search.casefold()
        return [
            row
            for row in self.rows
            if (not kind or kind in row.kinds)
            and (words in row.row.episode.client.code.casefold() or words in row.row.episode.therapist.name.casefold())
        ]


def caseload(user: User, *, own: bool = False) -> Caseload:
    """Open episodes of the therapists a supervisor supervises; of a therapist's own, and of those they cover."""
    is_supervised = user.is_supervisor and not (own and user.is_therapist)
    whose: QuerySet[User] = supervised_by(user) if is_supervised else writing_for(user)
    found = list(episodes(user).filter(ended_on=None, therapist__in=whose))
    return Caseload(sorted(rows_of(found, user), key=lambda row: row.place), is_supervised)


def rows_of(found: Sequence[Episode], user: User) -> list[CaseloadRow]:
    signals = standing_signals(found)
    known = Known(found, of=user.organisation.engagement_sessions, today=timezone.localdate())
    return [row_of(row, signals.get(row.episode.pk, []), known) for row in with_latest_change(found)]


def row_of(row: EpisodeRow, signals: Sequence[Signal], known: "Known") -> CaseloadRow:
    episode = row.episode
    change = change_in_words(
        scale_trends(row.scales, value_range(row.instrument)),
        client=episode.client.label,
        waiting=row.waiting_ratings,
        noticed=[noticed_of(one) for one in signals if stands(one, row.instrument.code) and not is_settled(one)],
    )
    asked = {str(signal.session) for signal in signals if signal.state == State.NEW}
    # What the client suspects of a session is answered with the signal of that session.
    ruptures = [one for one in known.ruptures[episode.pk] if not (one.is_suspected and one.session in asked)]
    new = [
        f"Possible rupture in {signal.session}: {signal.scale}."
        if signal.scale in COMPONENTS
        else f"Possible rupture in {signal.session}."
        for signal in signals
        if signal.state == State.NEW
    ]
    if not new and not ruptures and change.tone == "attention":
        new = [change.headline]
    reasons = [
        *need.of_risk(row.has_risk),
        *need.of_signals(list(dict.fromkeys(new))),
        *need.of_ruptures(ruptures),
        *known.engagement(episode),
        *known.absence(episode),
        *need.of_missing(known.rated(episode)),
    ]
    held = known.sessions[episode.pk]
    return CaseloadRow(row, change, len(held), known.last_seen(episode), reasons)


class Meeting(NamedTuple):
    """What the list asks of every session; to load all of each would be most of the page’s time."""

    pk: uuid.UUID
    number: int
    held_on: date
    attendance: str
    phase: str


def is_settled(signal: Signal) -> bool:
    return signal.rupture is not None and not signal.rupture.is_open


class Known:
    """What else is asked of each of these episodes, in ten queries however many there are."""

    def __init__(self, found: Sequence[Episode], *, of: int, today: date) -> None:
        self.of, self.today = of, today
        ids = [episode.pk for episode in found]
        self.sessions: dict[uuid.UUID, list[Meeting]] = defaultdict(list)
        planned = TherapySession.objects.filter(episode__in=ids).order_by("number")
        for episode_id, *values in planned.values_list("episode_id", *Meeting._fields):
            self.sessions[episode_id].append(Meeting(*values))
        latest = [session.pk for held in self.sessions.values() for session in asked(held, today)]
        by_id = {episode.pk: episode for episode in found}
        sessions = list(TherapySession.objects.filter(pk__in=latest).defer("note"))
        for session in sessions:
            session.episode = by_id[session.episode_id]
        self.owed = owed(sessions)
        rated = Rating.objects.current().filter(rater=Rater.CLIENT, session__in=self.owed)
        self.given = set(rated.values_list("session_id", "instrument"))
        self.levels: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
        for row in EngagementObjective.objects.filter(episode__in=ids):
            self.levels[row.episode_id][row.objective] = row.level
        self.challenged = set(FirstChallenge.objects.filter(episode__in=ids).values_list("episode_id", flat=True))
        self.ruptures: dict[uuid.UUID, list[need.OpenRupture]] = defaultdict(list)
        for rupture in open_in_many(found):
            days = (today - rupture.session.held_on).days
            is_suspected = rupture.state == SUSPECTED
            told = need.OpenRupture(
                rupture.name, str(rupture.session), days, rupture.get_state_display(), is_suspected=is_suspected
            )
            self.ruptures[rupture.session.episode_id].append(told)

    def last_seen(self, episode: Episode) -> date | None:
        return max((session.held_on for session in took_place(self.sessions[episode.pk])), default=None)

    def rated(self, episode: Episode) -> list[bool]:
        """Of the latest sessions that owed something by the client, whether any of it is there."""
        found = []
        for session in asked(self.sessions[episode.pk], self.today):
            owed_here = [entry.instrument for entry in self.owed[session.pk] if entry.rater == Rater.CLIENT]
            if owed_here:
                found.append(any((session.pk, instrument) in self.given for instrument in owed_here))
        return found

    def absence(self, episode: Episode) -> list[Reason]:
        days = [session.held_on for session in self.sessions[episode.pk]]
        seen = self.last_seen(episode) or episode.started_on
        rhythm = Rhythm(max(days, default=None), seen, usual_gap(days))
        since = (self.today - seen).days if rhythm.is_missed(self.today) else 0
        return need.of_absence(since, rhythm.usual_in_words)

    def engagement(self, episode: Episode) -> list[Reason]:
        levels = self.levels[episode.pk]
        numbers = [session.number for session in self.sessions[episode.pk] if session.phase == Phase.THERAPY]
        session = max(numbers, default=0)
        return need.of_engagement(
            engagement.gate_in_words(levels, session=session, of=self.of),
            session=session,
            of=self.of,
            is_looked_at=bool(levels),
            is_missing=bool(engagement.missing(levels)) and episode.pk not in self.challenged,
        )


def took_place(sessions: Sequence[Meeting]) -> list[Meeting]:
    return [session for session in sessions if session.attendance in TOOK_PLACE]


def asked(sessions: Sequence[Meeting], today: date) -> list[Meeting]:
    """The latest sessions whose ratings are no longer on their way."""
    return [session for session in took_place(sessions) if session.held_on < today - STILL_DUE][-LATEST:]


def table_of(rows: Sequence[CaseloadRow]) -> list[list[str]]:
    """What is shown, for a spreadsheet."""
    head = ["client", "therapist", "sessions", *COMPONENTS, "instrument", "why", "last seen"]
    return [head, *(cells_of(row) for row in rows)]


def cells_of(row: CaseloadRow) -> list[str]:
    latest = [trend.latest if (trend := row.row.scales.get(scale)) else None for scale in COMPONENTS]
    return [
        row.row.episode.client.code,
        row.row.episode.therapist.name,
        str(row.session_count),
        *("" if value is None else f"{value:.1f}" for value in latest),
        row.row.instrument.name,
        " ".join(row.words),
        row.last_seen.isoformat() if row.last_seen else "",
    ]


def caseload_dots(rows: Sequence[CaseloadRow]) -> list[Dot]:
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
