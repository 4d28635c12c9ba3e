"""What the caseload shows, in a number of queries that does not grow with it."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import Case, F, Func, IntegerField, Q, TextField, When
from django.db.models.functions import Cast, Coalesce
from django.urls import reverse
from django.utils import timezone

from accounts.access import supervised_ids, writes_for
from accounts.models import User
from clients import engagement
from clients.models import EngagementObjective, Episode, EpisodeQuerySet
from measures.instruments import COMPONENTS, Instrument, instruments
from measures.risk import concerned
from measures.schedule import STILL_DUE
from measures.selectors import usual_instrument
from ruptures.lifecycle import SUSPECTED
from ruptures.models import Signal
from ruptures.selectors import open_in_many, waiting_signals
from sessions_app.rhythm import Rhythm

from .. import need
from ..figures import Dot
from ..need import LATEST, Reason
from ..sparkline import Sparkline, sparkline
from .episode import value_range
from .summaries import of_trends


class Told(NamedTuple):
    """As much of an open episode as decides whether and where it is in the list: it is read of all of them, its ids as
    texts, which are there without being made."""

    pk: str
    client_id: str
    code: str
    therapist_id: str
    therapist_name: str
    started_on: date
    session_number: int
    last_planned_on: date | None
    last_seen_on: date | None
    usual_gap: int | None
    new_signals: int
    rupture_since: date | None
    has_objective: bool
    lacks_objective: bool
    is_worth_a_look: bool
    bond: float | None
    bond_change: float | None
    missing: int


class Placed(NamedTuple):
    """An open episode with the kinds of reason to talk about it."""

    told: Told
    weights: dict[str, int]
    place: tuple[int, int, str]


class Listed(NamedTuple):
    """What a row shows of an episode and its summary: to load all of each takes most of its time."""

    pk: uuid.UUID
    client_id: uuid.UUID
    code: str
    therapist_id: uuid.UUID
    therapist_name: str
    session_count: int
    session_number: int
    last_seen_on: date | None
    asked: list[tuple[str, bool | None]]
    worth_a_look: str
    shown: Mapping[str, Any]
    is_updating: bool


# Sessions or ratings have changed since what is kept of them was computed.
IS_UPDATING = Case(
    When(summary__computed_version__lt=F("summary__input_version"), then=True),
    When(series__computed_version__lt=F("series__input_version"), then=True),
    When(~Q(summary__series_version=Coalesce(F("series__computed_version"), 0)), then=True),
    default=False,
)
# Of the latest sessions whose ratings are no longer on their way, how many asked the client for one and have none.
MISSING = (
    "(SELECT count(*) FILTER (WHERE rated->>1 = 'false') FROM (SELECT rated FROM"
    " jsonb_array_elements(%(expressions)s) WITH ORDINALITY AS asked(rated, position)"
    " WHERE rated->>0 < '%(settled)s' ORDER BY position DESC LIMIT %(latest)s) AS latest)"
)


def settled_before(today: date) -> str:
    return (today - STILL_DUE).isoformat()


@dataclass(frozen=True)
class CaseloadRow:
    """One episode with why it is worth talking about."""

    episode: Listed
    kinds: list[str]
    reasons: list[Reason]

    @property
    def has_risk(self) -> bool:
        return need.RISK in self.kinds


@dataclass(frozen=True)
class Caseload:
    """Open episodes in the order of need. `of` is the session of the gate of the engagement phase."""

    placed: list[Placed]
    is_supervised: bool
    of: int

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(kind for placed in self.placed for kind in placed.weights)

    @cached_property
    def therapists(self) -> int:
        return len({placed.told.therapist_id for placed in self.placed})

    def shown(self, *, kind: str, search: str) -> list[Placed]:
        """Those with a reason of this kind, whose client's code or therapist's name has these words in it."""
        words = search.casefold()
        return [
            placed
            for placed in self.placed
            if (not kind or kind in placed.weights)
            and (words in placed.told.code.casefold() or words in placed.told.therapist_name.casefold())
        ]

    def rows(self, placed: Sequence[Placed] | None = None) -> list[CaseloadRow]:
        return rows_of(self.placed if placed is None else placed, of=self.of)


def caseload(user: User, *, own: bool = False) -> Caseload:
    """Open episodes of the therapists a supervisor supervises; of a therapist's own, and of those they cover."""
    is_supervised = user.is_supervisor and not (own and user.is_therapist)
    whose = supervised_ids(user) if is_supervised else writes_for(user)
    of = user.organisation.engagement_sessions
    return Caseload(placed_in(Episode.objects.filter(therapist__in=whose), of=of), is_supervised, of)


def placed_in(episodes: EpisodeQuerySet, *, of: int) -> list[Placed]:
    """Those of them that are open, in the order of need; two queries however many there are."""
    today = timezone.localdate()
    settled = settled_before(today)
    missing = Func(F("summary__asked"), template=MISSING, settled=settled, latest=LATEST, output_field=IntegerField())
    values = episodes.open().values_list(
        as_text("pk"), as_text("client"), "client__code", as_text("therapist"), "therapist__name", "started_on",
        "summary__session_number",
        "summary__last_planned_on", "summary__last_seen_on", "summary__usual_gap", "summary__new_signals",
        "summary__rupture_since", "summary__has_objective", "summary__lacks_objective",
        Case(When(summary__worth_a_look="", then=False), default=True), "summary__bond", "summary__bond_change",
        missing,
    )  # fmt: skip
    told = list(map(Told._make, values))
    with_risk = {(str(client), str(to)) for client, to in concerned({one.therapist_id for one in told})}
    found = []
    for one in told:
        has_risk = (one.client_id, one.therapist_id) in with_risk
        weights = need.weights(standing_of(one, has_risk=has_risk, today=today), of=of)
        found.append(Placed(one, weights, need.place(weights, one.code)))
    return sorted(found, key=attrgetter("place"))


def as_text(name: str) -> Cast:
    return Cast(name, TextField())


def standing_of(told: Told, *, has_risk: bool, today: date) -> need.Standing:
    seen = told.last_seen_on or told.started_on
    is_missed = Rhythm(told.last_planned_on, seen, told.usual_gap).is_missed(today)
    return need.Standing(
        has_risk,
        told.new_signals,
        told.is_worth_a_look,
        None if told.rupture_since is None else (today - told.rupture_since).days,
        told.session_number,
        told.has_objective,
        told.lacks_objective,
        (today - seen).days if is_missed else 0,
        told.missing,
    )


def rows_of(placed: Sequence[Placed], *, of: int) -> list[CaseloadRow]:
    """Their rows, in their order; four queries however many there are."""
    ids = [one.told.pk for one in placed]
    values = Episode.objects.filter(pk__in=ids).values_list(
        "pk", "client_id", "client__code", "therapist_id", "therapist__name", "summary__session_count",
        "summary__session_number", "summary__last_seen_on", "summary__asked", "summary__worth_a_look",
        "summary__shown", IS_UPDATING,
    )  # fmt: skip
    listed = {str(episode.pk): episode for episode in map(Listed._make, values)}
    known = Known(list(map(uuid.UUID, ids)), of=of, today=timezone.localdate())
    return [known.row(one, listed[one.told.pk]) for one in placed]


class Known:
    """What the reasons of these episodes say."""

    def __init__(self, ids: Sequence[uuid.UUID], *, of: int, today: date) -> None:
        self.of, self.today = of, today
        self.signals = waiting_signals(ids)
        self.levels: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
        assessed = EngagementObjective.objects.filter(episode__in=ids)
        for episode_id, objective, level in assessed.values_list("episode_id", "objective", "level"):
            self.levels[episode_id][objective] = level
        self.ruptures: dict[uuid.UUID, list[need.OpenRupture]] = defaultdict(list)
        for rupture in open_in_many(ids):
            days = (today - rupture.session.held_on).days
            is_suspected = rupture.state == SUSPECTED
            told = need.OpenRupture(
                rupture.name, str(rupture.session), days, rupture.get_state_display(), is_suspected=is_suspected
            )
            self.ruptures[rupture.session.episode_id].append(told)

    def row(self, placed: Placed, episode: Listed) -> CaseloadRow:
        new = self.signals[episode.pk]
        said: dict[str, Callable[[], list[Reason]]] = {
            need.RISK: need.of_risk,
            need.SIGNAL: lambda: need.of_signals(noticed_in(new) or list(filter(None, [episode.worth_a_look]))),
            need.RUPTURE: lambda: need.of_ruptures(self.open_ruptures(episode, new)),
            need.ENGAGEMENT: lambda: need.of_engagement(
                engagement.gate_in_words(self.levels[episode.pk], session=episode.session_number, of=self.of)
            ),
            need.NOT_SEEN: lambda: need.of_absence(
                placed.weights[need.NOT_SEEN],
                Rhythm(None, placed.told.started_on, placed.told.usual_gap).usual_in_words,
            ),
            need.MISSING: lambda: need.of_missing(self.rated(episode)),
        }
        reasons = [reason for kind in placed.weights for reason in said[kind]()]
        return CaseloadRow(episode, list(placed.weights), reasons)

    def open_ruptures(self, episode: Listed, new: Sequence[Signal]) -> list[need.OpenRupture]:
        """What the client suspects of a session is answered with the signal of that session."""
        asked = {str(signal.session) for signal in new}
        return [one for one in self.ruptures[episode.pk] if not (one.is_suspected and one.session in asked)]

    def rated(self, episode: Listed) -> list[bool]:
        """Of the latest sessions whose ratings are no longer on their way, and that asked for any."""
        settled = settled_before(self.today)
        latest = [is_rated for day, is_rated in episode.asked if day < settled][-LATEST:]
        return [is_rated for is_rated in latest if is_rated is not None]


def noticed_in(signals: Iterable[Signal]) -> list[str]:
    found = [
        f"Possible rupture in {signal.session}: {signal.scale}."
        if signal.scale in COMPONENTS
        else f"Possible rupture in {signal.session}."
        for signal in signals
    ]
    return list(dict.fromkeys(found))


# --- What is shown of a row besides ---------------------------------------------------------------------


@dataclass(frozen=True)
class ShownRow:
    """A row with its numbers, what changed in words, and the line of the component that the words are about."""

    row: CaseloadRow
    instrument: Instrument
    latest: Sequence[float | None]
    scale: str
    points: Sequence[float | None]
    change: str

    @property
    def episode(self) -> Listed:
        return self.row.episode

    @property
    def is_rated(self) -> bool:
        return any(value is not None for value in self.latest)

    @cached_property
    def line(self) -> Sparkline | None:
        if not any(value is not None for value in self.points):
            return None
        low, high = value_range(self.instrument)
        return sparkline(self.points, low=low, high=high)

    @property
    def headline(self) -> str:
        """What changed, where the reasons do not say it already."""
        return "" if need.SIGNAL in self.row.kinds else self.change

    @property
    def words(self) -> list[str]:
        """Why it stands where it does; what changed where there is no reason to talk about it."""
        return [reason.words for reason in self.row.reasons] or [self.change]


def shown_rows(rows: Sequence[CaseloadRow]) -> list[ShownRow]:
    return [shown_row(row) for row in rows]


def shown_row(row: CaseloadRow) -> ShownRow:
    """An episode of which nothing has been computed yet is one without a rating."""
    kept = row.episode.shown or of_trends(usual_instrument(), {}, [], waiting=0)["shown"]
    instrument = instruments()[kept["instrument"]]
    return ShownRow(row, instrument, kept["latest"], kept["scale"], kept["points"], kept["headline"])


def table_of(rows: Sequence[ShownRow]) -> list[list[str]]:
    """What is shown, for a spreadsheet."""
    head = ["client", "therapist", "sessions", *COMPONENTS, "instrument", "why", "last seen"]
    return [head, *(cells_of(row) for row in rows)]


def cells_of(shown: ShownRow) -> list[str]:
    seen = shown.episode.last_seen_on
    return [
        shown.episode.code,
        shown.episode.therapist_name,
        str(shown.episode.session_count),
        *("" if value is None else f"{value:.1f}" for value in shown.latest),
        shown.instrument.name,
        " ".join(shown.words),
        seen.isoformat() if seen else "",
    ]


def caseload_dots(placed: Sequence[Placed]) -> list[Dot]:
    """Bond and its change, on 0 to 10 so that services with several instruments see one picture."""
    return [
        Dot(
            one.told.code,
            reverse("dashboards:episode", args=[one.told.pk]),
            one.told.bond,
            one.told.bond_change,
            bool({need.SIGNAL, need.RUPTURE} & one.weights.keys()),
        )
        for one in placed
        if one.told.bond is not None and one.told.bond_change is not None
    ]
