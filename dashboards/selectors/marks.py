"""What the alliance chart marks: falls and ruptures, repair attempts, and the sessions in which a score was back."""

from dataclasses import replace

from ruptures.aftermath import Return
from ruptures.vocabulary import NOTICED_BY, words_of

from ..figures import Mark
from ..sentences import came_back_at, listed
from .episode import EpisodeState, RuptureNow, value_range


def marks_of(state: EpisodeState) -> list[Mark]:
    """One mark for what fell in a session, whether a rule noticed it, a person, or both."""
    marks = noticed_marks(state)
    noticed = {mark.session for mark in marks if mark.role == "attention"}
    for one in state.standing_ruptures:
        if one.rupture.session.number not in noticed:
            marks += rupture_marks(state, one)
    for session, one in sorted(tried_in(state).items()):
        marks = with_attempt(state, marks, session, one)
    return marks


def noticed_marks(state: EpisodeState) -> list[Mark]:
    """What was noticed before an earlier fall of the same scale had come back belongs to that one, and has no word of
    its own."""
    found = []
    back_at: dict[tuple[str, str], int | None] = {}
    named = {one.rupture.session.number: one.rupture.name.lower() for one in state.standing_ruptures}
    for one in sorted(state.noticed, key=lambda one: one.session):
        key = (one.rater, one.scale)
        points = state.series.get((state.alliance.code, *key), [])
        back = came_back_at(one, [(point.session, point.value) for point in points if point.value is not None])
        is_part = key in back_at and ((before := back_at[key]) is None or before > one.session)
        word = named.get(one.session) or ("" if is_part else one.word)
        found.append(Mark(one.session, one.observed, one.scale, one.rater, "attention", word, one.sentence))
        if is_part:
            continue
        back_at[key] = back.session if back else None
        if back:
            found.append(back_mark(back, one.scale, one.rater, since=one.session))
    return found


def rupture_marks(state: EpisodeState, one: RuptureNow) -> list[Mark]:
    rupture, session = one.rupture, one.rupture.session.number
    seen = f": {listed(rupture.marker_words)}" if rupture.markers else ""
    sentence = f"{rupture.name}, noticed by {words_of(NOTICED_BY, [rupture.noticed_by])[0].lower()}{seen}."
    value = score_in(state, one, session)
    marks = [Mark(session, value, rupture.component, "client", "attention", rupture.name.lower(), sentence)]
    back = one.followed.back if one.followed else None
    return [*marks, back_mark(back, rupture.component, "client", since=session)] if back else marks


def back_mark(back: Return, scale: str, rater: str, *, since: int) -> Mark:
    words = f"Back after the fall in session {since}, {back.after} rated later."
    return Mark(back.session, back.value, scale, rater, "settled", "back", words)


def tried_in(state: EpisodeState) -> dict[int, RuptureNow]:
    """By session of a repair attempt its rupture; of several in one session the latest."""
    return {attempt.session.number: one for one in state.standing_ruptures for attempt in one.attempts}


def with_attempt(state: EpisodeState, marks: list[Mark], session: int, one: RuptureNow) -> list[Mark]:
    """A mark more, or where the score was back in that very session, or the rupture was in it and it is unrated, one
    mark for both."""
    strategies = [
        words for attempt in one.attempts if attempt.session.number == session for words in attempt.strategy_words
    ]
    sentence = f"Repair attempt: {listed([words[0].lower() + words[1:] for words in strategies])}."
    value = score_in(state, one, session)
    for at, mark in enumerate(marks):
        if mark.session == session and mark.role == "settled":
            both = replace(
                mark, role="repair", word="repair, back", sentence=f"{sentence} {mark.sentence}", is_above=True
            )
            return [*marks[:at], both, *marks[at + 1 :]]
        if mark.session == session and mark.value == value == floor(state):
            both = replace(mark, word=f"{mark.word}, repair", sentence=f"{mark.sentence} {sentence}")
            return [*marks[:at], both, *marks[at + 1 :]]
    return [*marks, Mark(session, value, one.rupture.component, "client", "repair", "repair", sentence)]


def score_in(state: EpisodeState, one: RuptureNow, session: int) -> float:
    """The client's score of the component in a session; the foot of the chart where there is none."""
    scored = dict(one.followed.scored) if one.followed else {}
    return scored.get(session, floor(state))


def floor(state: EpisodeState) -> float:
    return value_range(state.alliance)[0]
