"""Did the score come back after a rupture, to what, after how many sessions. Numbers in, words out.

    7.6 7.9 |4.6| 6.1 8.4     expected 6.6 or more; back two rated sessions later, and further than before

The level to come back to is the lower end of what was expected of the session; where nothing was expected yet, the
rating before; after a preset, what the preset calls back. Clients rate at the end of a session, so that the rating of
the session in which something was tried already counts as after it. What comes after something has not come from it:
the words only say when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from .wording import capital, places

NAMES = {"goal": "agreement on goals", "task": "agreement on tasks", "bond": "the bond"}
Scored = Sequence[tuple[int, float]]

NO_COMPONENT = "Name the component, and what became of its rating is said here."
NOTHING_BEFORE = "No rating before it tells where the score would come back to."
NOT_SEEN = "Neither this session nor a later one has been rated."


@dataclass(frozen=True)
class Return:
    """The first later session in which a score is back, and how many rated sessions later that is."""

    session: int
    value: float
    after: int


def first_return(scored: Scored, *, after: int, level: float) -> Return | None:
    """The first (session, score) behind session `after` that is `level` or more."""
    later = [(session, value) for session, value in scored if session > after]
    for count, (session, value) in enumerate(later, start=1):
        if value >= level:
            return Return(session, value, count)
    return None


@dataclass(frozen=True)
class Level:
    """A score of `value` or more is back; it was expected of the session, or else is left of the rating before."""

    value: float
    is_expected: bool


@dataclass(frozen=True)
class Unsaid:
    """Nothing can be said, and why."""

    reason: str


@dataclass(frozen=True)
class Aftermath:
    """A fall and what followed, in the units of the score; sessions and values are those that were rated.

    `fell` is the score of the rupture's session, or of the next rated one where that was not rated; `before` the last
    one before it, where there is one.
    """

    session: int
    fell: tuple[int, float]
    level: Level
    before: float | None
    best_before: float | None
    back: Return | None
    latest: tuple[int, float]

    @property
    def went_further(self) -> bool:
        return self.back is not None and self.best_before is not None and self.latest[1] > self.best_before


def aftermath(scored: Scored, *, session: int, level: Level | None = None) -> Aftermath | Unsaid:
    """What one series says after a rupture in `session`; without a `level` the rating before is what to come back to.

    `scored` are the (session, score) of the component by one rater, in their order.
    """
    before = [point for point in scored if point[0] < session]
    since = [point for point in scored if point[0] >= session]
    if level is None and not before:
        return Unsaid(NOTHING_BEFORE)
    level = level or Level(before[-1][1], is_expected=False)
    if not since:
        return Unsaid(NOT_SEEN)
    fell = since[0]
    if fell[1] >= level.value:
        where = "In this session" if fell[0] == session else f"In session {fell[0]}, the next one rated,"
        than = f"the {places(level.value, fell[1])} expected then" if level.is_expected else "before"
        return Unsaid(f"{where} it was {number(fell[1])}, no lower than {than}.")
    return Aftermath(
        session=session,
        fell=fell,
        level=level,
        before=before[-1][1] if before else None,
        best_before=max((value for _, value in before), default=None),
        back=first_return(scored, after=session, level=level.value),
        latest=since[-1],
    )


@dataclass(frozen=True)
class Words:
    headline: str
    detail: str


@dataclass(frozen=True)
class Followed:
    """The series of a rupture's component by one rater, and what it says after the rupture."""

    scale: str
    rater: str
    scored: Scored
    found: Aftermath | Unsaid

    @property
    def is_told(self) -> bool:
        """Whether the ratings say anything of what came after."""
        return not isinstance(self.found, Unsaid)

    @property
    def back(self) -> Return | None:
        return None if isinstance(self.found, Unsaid) else self.found.back

    @property
    def words(self) -> Words:
        return aftermath_in_words(self.found, scale=self.scale, rater=self.rater)

    @property
    def tone(self) -> str:
        return "neutral" if isinstance(self.found, Unsaid) else "settled" if self.found.back else "attention"


def follow(scored: Scored, *, scale: str, rater: str, session: int, level: Level | None = None) -> Followed:
    return Followed(scale, rater, scored, aftermath(scored, session=session, level=level))


def aftermath_in_words(found: Aftermath | Unsaid, *, scale: str, rater: str) -> Words:
    """`rater` is named where it is not the client."""
    by = "" if rater == "client" else f", as the {rater} rates it"
    name = f"{capital(NAMES[scale])}{by}"
    if isinstance(found, Unsaid):
        return Words(f"{name}:", found.reason)
    at, value = found.fell
    against = (
        f"where {places(found.level.value, value)} or more was expected"
        if found.level.is_expected
        else f"after {number(found.before)} in the rating before"
    )
    fall = f"It was {number(value)} in session {at}, {against}."
    name += "," if by else ""
    session, now = found.latest
    if found.back is None:
        since = "It has not been rated since." if session == at else f"Now it is {number(now)}, in session {session}."
        return Words(f"{name} has not come back.", f"{fall} {since}")
    further = f", above anything before ({number(found.best_before)} at most)" if found.went_further else ""
    back = f"It was back at {number(found.back.value)} in session {found.back.session}, {later(found.back.after)}"
    today = "" if session == found.back.session else f", and is {number(now)} now"
    return Words(
        f"{name} came back{', and went further' if found.went_further else ''}.", f"{fall} {back}{today}{further}."
    )


def attempts_in_words(followed: Sequence[Followed], sessions: Sequence[int]) -> dict[int, list[str]]:
    """By session of a repair attempt what came after it, up to the next session with one; whose rating it is, where
    both people's can be followed."""
    numbers = sorted(set(sessions))
    said: dict[int, list[str]] = {}
    for number, following in zip_longest(numbers, numbers[1:]):
        each = [
            (one, attempt_in_words(one.scored, one.found, session=number, next_session=following)) for one in followed
        ]
        known = [(one, words) for one, words in each if words]
        said[number] = [f"{capital(one.rater)}: {words}" if len(known) > 1 else words for one, words in known]
    return said


def attempt_in_words(
    scored: Scored, found: Aftermath | Unsaid, *, session: int, next_session: int | None = None
) -> str:
    """What came after a repair attempt in `session`, up to the session of the next one; empty where nothing can be said
    of the rupture."""
    if isinstance(found, Unsaid):
        return ""
    back = found.back
    if back and back.session < session:
        return f"The rating was back before, in session {back.session}."
    if back and (next_session is None or back.session < next_session):
        count = sum(session < at <= back.session for at, _ in scored)
        when = f"in session {back.session}, {later(count)}" if count else "in this session’s own rating"
        return f"Back {when}: {number(back.value)}."
    rated = [point for point in scored if point[0] >= session and (next_session is None or point[0] < next_session)]
    if not rated:
        return "Not rated since." if next_session is None else "Not rated before the next attempt."
    at, value = rated[-1]
    where = "in this session’s own rating" if at == session else f"in session {at}"
    return f"Not back {'yet' if next_session is None else 'before the next attempt'}: {number(value)} {where}."


def later(count: int) -> str:
    return "1 rated session later" if count == 1 else f"{count} rated sessions later"


def number(value: float | None) -> str:
    assert value is not None
    return f"{value:.1f}".replace("-", "−")
