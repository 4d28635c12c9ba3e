"""What a component did in the sessions after a supervision meeting. Numbers in, words out.

    7.2 5.1 | 6.0 7.4     5.1 before the meeting, then 6.0 and 7.4

Whatever was agreed in the meeting, the words say what came after it and never that it came from it: one course, no
comparison, and much else happens between two sessions.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ruptures.aftermath import NAMES, Unsaid, number
from ruptures.wording import capital, listed

Scored = Sequence[tuple[int, float]]
# As many as can be read in a sentence; of more the first and the latest are told.
FEW = 4
NO_COMPONENT = "It was not about one client, so no rating is followed."
NOT_YET = "No session after it has been rated yet."
NOT_RATED = "No rating of this client can be followed."


@dataclass(frozen=True)
class Since:
    """`before` is the last rating before it, None where there is none; `after` those after it, not empty.

    `lows` are the lower ends of what was expected, by session.
    """

    scale: str
    before: tuple[int, float] | None
    after: tuple[tuple[int, float], ...]
    lows: Mapping[int, float]

    @property
    def words(self) -> str:
        name = capital(NAMES[self.scale])
        first, last = self.after[0], self.after[-1]
        if len(self.after) > FEW:
            then = f"{number(first[1])} in session {first[0]}, and {number(last[1])} now, in session {last[0]}"
        elif len(self.after) == 1:
            then = f"{number(first[1])} in session {first[0]}"
        else:
            then = f"{listed([number(value) for _, value in self.after])} in {sessions([at for at, _ in self.after])}"
        if self.before is None:
            return f"{name}: {then}. Nothing was rated before it. {self.held_against}".strip()
        at, value = self.before
        return f"{name}: {number(value)} in session {at}, before it; then {then}. {self.held_against}".strip()

    @property
    def held_against(self) -> str:
        """Which of them were lower than expected; empty where nothing was expected."""
        judged = [at for at, _ in self.after if at in self.lows]
        below = [at for at, value in self.after if at in self.lows and value < self.lows[at]]
        if not judged:
            return ""
        if not below:
            return "None was lower than expected." if len(judged) > 1 else "That is no lower than expected."
        return f"Lower than expected in {sessions(below)}."


def since(
    scored: Scored, *, later: Collection[int], scale: str, lows: Mapping[int, float] | None = None
) -> Since | Unsaid:
    """What the client's series (session, score) of a component says after a meeting; `later` are the sessions after it.

    A session on the day itself is not among them: nobody knows which came first. Without a component, or without a
    rating after the meeting, the reason in words.
    """
    if not scale:
        return Unsaid(NO_COMPONENT)
    if not scored:
        return Unsaid(NOT_RATED)
    before = [point for point in scored if point[0] not in later]
    after = [point for point in scored if point[0] in later]
    if not after:
        return Unsaid(NOT_YET)
    return Since(scale, before[-1] if before else None, tuple(after), lows or {})


def sessions(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"session {numbers[0]}"
    return f"sessions {listed([str(number) for number in numbers])}"
