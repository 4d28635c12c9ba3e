"""What each session owes: the service's battery as it was when the session was logged, and as it is for its client."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Max, Min
from django.utils import timezone

from accounts.models import User
from clients.models import Episode
from sessions_app.models import TOOK_PLACE, Format, Phase, TherapySession
from sessions_app.selectors import last_that_took_place

from . import catalogue, wordings
from .battery import DEFAULT, Entry, Pair, Rhythm, at_the_last, due, overridden
from .instruments import Instrument, instruments
from .models import BatteryEntry, BatteryOverride, Rater, Rating

# So long after a session a rating of it may still come.
STILL_DUE = timedelta(days=7)
# What clients are asked when the episode ends, with how they see the ending.
ENDING = "ending-satisfaction"


def rows() -> list[BatteryEntry]:
    """The lines of the service's battery that hold now; none where it has not chosen yet."""
    return list(BatteryEntry.objects.filter(removed_at=None))


def has_chosen() -> bool:
    return BatteryEntry.objects.exists()


def battery() -> list[Entry]:
    """What the service rates now, whether or not each instrument is on."""
    return [row.entry for row in rows()] if has_chosen() else list(DEFAULT)


def raters_among(entries: Sequence[tuple[str, object]]) -> set[str]:
    """Who of client and therapist rates at all, by the rater of each entry of the battery and when it was removed."""
    return {rater for rater, removed in entries if removed is None} if entries else {entry.rater for entry in DEFAULT}


def overrides(episode: Episode) -> list[BatteryOverride]:
    return list(BatteryOverride.objects.filter(episode=episode).select_related("changed_by"))


def override_of(user: User, override_id: uuid.UUID) -> BatteryOverride | None:
    return BatteryOverride.objects.visible_to(user).filter(pk=override_id).select_related("episode__client").first()


def merged(own: Sequence[Entry]) -> list[Entry]:
    """The service's battery now with what is otherwise for a client, instruments that are off included."""
    return overridden(battery(), own)


@dataclass(frozen=True)
class Batteries:
    """The service's battery through time, with what is otherwise for some clients."""

    rows: Sequence[BatteryEntry]
    own: Mapping[uuid.UUID, Sequence[BatteryOverride]]
    on: Mapping[str, Instrument]

    def at(self, moment: datetime, episode_id: uuid.UUID) -> list[Entry]:
        """What is rated in an episode, as of a moment: of instruments that are on, by raters they have."""
        of_service = [row.entry for row in self.rows if held(row, moment)] if self.rows else DEFAULT
        # What is left out is left out at once; another rhythm holds from then on, and before it the service's.
        own = [
            entry
            for override in self.own.get(episode_id, ())
            if (entry := override.entry).rhythm == Rhythm.NEVER or override.changed_at <= moment
        ]
        return [
            entry
            for entry in overridden(of_service, own)
            if entry.instrument in self.on and entry.rater in self.on[entry.instrument].editions
        ]


def held(row: BatteryEntry, moment: datetime) -> bool:
    return row.added_at <= moment and (row.removed_at is None or row.removed_at > moment)


def batteries(episode_ids: Iterable[uuid.UUID]) -> Batteries:
    """The batteries of some episodes, with all that is on: what ships, and of the service's own what they name."""
    found = list(BatteryEntry.objects.all())
    own: dict[uuid.UUID, list[BatteryOverride]] = defaultdict(list)
    for override in BatteryOverride.objects.filter(episode__in=list(episode_ids)):
        own[override.episode_id].append(override)
    named = {row.instrument for row in found} | {one.instrument for of_one in own.values() for one in of_one}
    return Batteries(found, own, catalogue.those_on({**instruments(), **catalogue.known(named)}))


def battery_of(episode: Episode) -> list[Entry]:
    """What is rated with this client now."""
    return batteries([episode.pk]).at(timezone.now(), episode.pk)


def owed(sessions: Sequence[TherapySession], held_in: Batteries | None = None) -> dict[uuid.UUID, list[Entry]]:
    """What each of some sessions owes, in four queries. Nothing where it did not take place or came from a file.

    The first session that took place counts as the first, whatever its number; the last is known once the episode has
    ended.
    """
    episodes = {session.episode_id for session in sessions}
    held_in = held_in or batteries(episodes)
    of_therapy = TherapySession.objects.filter(episode__in=episodes, attendance__in=TOOK_PLACE, phase=Phase.THERAPY)
    bounds = {
        episode: (first, last)
        for episode, first, last in of_therapy.order_by().values_list("episode").annotate(Min("number"), Max("number"))
    }
    found = {}
    for session in sessions:
        owes = session.took_place and session.phase == Phase.THERAPY and session.format != Format.NOT_RECORDED
        first, last = bounds.get(session.episode_id, (1, 1))
        found[session.pk] = (
            due(
                held_in.at(session.created_at, session.episode_id),
                1 if session.number == first else session.number,
                session.episode.ended_on is not None and session.number == last,
            )
            if owes
            else []
        )
    return found


def owed_by(session: TherapySession) -> list[Entry]:
    return owed([session])[session.pk]


def owed_next(episode: Episode, number: int) -> list[Entry]:
    """What a session that is about to be logged will owe."""
    return due(battery_of(episode), number if episode.sessions.filter(attendance__in=TOOK_PLACE).exists() else 1)


@dataclass(frozen=True)
class Wanted:
    """One line of what a session owes, and where it has got to."""

    entry: Entry
    name: str
    is_done: bool
    is_asked: bool
    is_late: bool
    has_words: bool
    # The link that is open, or would be made first, leads on to it.
    follows: bool = False

    @property
    def state(self) -> str:
        if self.is_done:
            return "done"
        return "asked" if self.is_asked else "missing" if self.is_late else "due"

    def can_follow(self, instrument: str, *, is_before: bool) -> bool:
        """Whether a link to this instrument leads on to it."""
        is_open = self.has_words and not self.is_done
        return is_open and self.entry.instrument != instrument and self.entry.is_before == is_before


@dataclass(frozen=True)
class Asking:
    """What a session owes, line by line, and what its client can be asked besides."""

    lines: list[Wanted]
    others: list[Instrument]

    @property
    def names_for_client(self) -> list[str]:
        """What the client can still be asked in words, now that the session has been."""
        return [line.name for line in self.lines if line.has_words and not line.is_done and not line.entry.is_before]


def asking(session: TherapySession, *, rated: set[Pair], asked: set[str]) -> Asking:
    """`rated` is what was rated by whom in this session, `asked` the instruments of its open links."""
    held_in = batteries([session.episode_id])
    entries = owed([session], held_in)[session.pk]
    in_words = wordings.codes_in_words(set(held_in.on))
    answered = {instrument for instrument, rater in rated if rater == Rater.CLIENT}
    can_ask = (in_words if looks_back(session) else in_words - {ENDING}) - asked - answered
    others = [one for code, one in held_in.on.items() if code in can_ask]
    return Asking(wanted(session, entries, held_in.on, in_words, rated=rated, asked=asked), others)


def wanted(
    session: TherapySession,
    entries: Sequence[Entry],
    on: Mapping[str, Instrument],
    in_words: set[str],
    *,
    rated: set[Pair],
    asked: set[str],
) -> list[Wanted]:
    is_late = session.held_on < timezone.localdate() - STILL_DUE
    begun = {entry.is_before for entry in entries if entry.rater == Rater.CLIENT and entry.instrument in asked}
    found = []
    for entry in entries:
        is_clients = entry.rater == Rater.CLIENT
        line = Wanted(
            entry,
            on[entry.instrument].name,
            is_done=entry.pair in rated,
            is_asked=is_clients and entry.instrument in asked,
            is_late=is_late,
            has_words=is_clients and entry.instrument in in_words,
        )
        if line.has_words and not line.is_done and not line.is_asked:
            line = replace(line, follows=entry.is_before in begun)
            begun.add(entry.is_before)
        found.append(line)
    return found


@dataclass(frozen=True)
class Owing:
    """A session, and the names of what its client and its therapist have still to rate."""

    session: TherapySession
    by_client: list[str]
    by_therapist: list[str]


def owing(sessions: Sequence[TherapySession], *, asked: set[uuid.UUID], to_rate: set[uuid.UUID]) -> list[Owing]:
    """Those of some sessions that owe something nobody is about to give.

    A client is about to where a link is open, in the sessions of `asked`; `to_rate` are those whose therapist is told
    already that a rating waits for theirs.
    """
    rated: dict[uuid.UUID, set[Pair]] = defaultdict(set)
    current = Rating.objects.current().filter(session__in=sessions)
    for session_id, instrument, rater in current.values_list("session_id", "instrument", "rater"):
        rated[session_id].add((instrument, rater))
    owes = owed(sessions)
    names = catalogue.known(entry.instrument for entries in owes.values() for entry in entries)
    found = []
    for session in sessions:
        told = {Rater.CLIENT: session.pk in asked, Rater.THERAPIST: session.pk in to_rate}
        open_ones: dict[str, list[str]] = {Rater.CLIENT: [], Rater.THERAPIST: []}
        for entry in owes[session.pk]:
            if entry.pair not in rated[session.pk] and not told[Rater(entry.rater)]:
                open_ones[entry.rater].append(names[entry.instrument].name)
        if any(open_ones.values()):
            found.append(Owing(session, open_ones[Rater.CLIENT], open_ones[Rater.THERAPIST]))
    return found


def rated_pairs(session: TherapySession) -> set[Pair]:
    return set(Rating.objects.current().filter(session=session).values_list("instrument", "rater"))


def to_ask(session: TherapySession, *, before: bool = False) -> list[Instrument]:
    """What a client can still be asked in words, in order: of what comes before the session, or of the rest.

    One link leads through all of it.
    """
    rated = rated_pairs(session)
    owes = [entry for entry in owed_by(session) if entry.rater == Rater.CLIENT and entry.is_before == before]
    codes = [entry.instrument for entry in owes if entry.pair not in rated]
    in_words = wordings.codes_in_words(set(codes))
    known = catalogue.known(in_words)
    return [known[code] for code in codes if code in in_words]


def names_to_ask(entries: Sequence[Entry]) -> list[str]:
    """The names of what a client can be asked in words, of what a session is going to owe after it."""
    codes = [entry.instrument for entry in entries if entry.rater == Rater.CLIENT and not entry.is_before]
    in_words = wordings.codes_in_words(set(codes))
    known = catalogue.known(in_words)
    return [known[code].name for code in codes if code in in_words]


def asked_after(session: TherapySession, instrument: str) -> Instrument | None:
    """What a client who has answered one questionnaire is asked next; after looking back, of the ending alone."""
    owes = owed_by(session)
    is_before = any(entry.is_before for entry in owes if entry.instrument == instrument)
    of_ending = {entry.instrument for entry in at_the_last(owes)}
    left = to_ask(session, before=is_before)
    return next((one for one in left if instrument != ENDING or one.code in of_ending), None)


def looks_back(session: TherapySession) -> bool:
    """Whether the client can be asked about the ending with this session: it was the last of an episode that ended."""
    return not session.episode.is_open and last_that_took_place(session.episode) == session


def asked_by_the_ending(episode: Episode) -> TherapySession | None:
    """The last session of an ended episode, where the ending asks for something that is not rated yet."""
    held_here = episode.sessions.filter(attendance__in=TOOK_PLACE, phase=Phase.THERAPY).select_related("episode")
    last = held_here.order_by("-number").first()
    if last is None:
        return None
    rated = rated_pairs(last)
    return last if any(entry.pair not in rated for entry in at_the_last(owed_by(last))) else None


def waits_for_therapist(session: TherapySession, instrument: Instrument) -> bool:
    """Whether a client's rating is kept back: it is of the alliance, and so is one that the therapist owes."""
    if instrument.construct != "alliance":
        return False
    own = {entry.instrument for entry in owed_by(session) if entry.rater == Rater.THERAPIST}
    return any(found.construct == "alliance" for found in catalogue.known(own).values())
