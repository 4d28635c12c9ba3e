"""What may become of a task and of a goal.

                negotiate    agree    done   partly   not-done   drop
    proposed    negotiated   agreed   –      –        –          dropped
    negotiated  negotiated   agreed   –      –        –          dropped
    agreed      negotiated   –        done   partly   not-done   dropped
    done        negotiated   agreed   done   partly   not-done   –
    partly      negotiated   agreed   done   partly   not-done   dropped
    not-done    negotiated   agreed   done   partly   not-done   dropped
    dropped     negotiated   –        –      –        –          –

Only what both have agreed can be asked about. Nothing is final: a task that was done or dropped can be taken up again.
"""

from collections.abc import Mapping
from types import MappingProxyType

PROPOSED, NEGOTIATED, AGREED, DROPPED = "proposed", "negotiated", "agreed", "dropped"
# Reported of a session; each is also the state it leads to.
DONE, PARTLY, NOT_DONE = "done", "partly", "not-done"
NEGOTIATE, AGREE, DROP = "negotiate", "agree", "drop"
STATES = (PROPOSED, NEGOTIATED, AGREED, DONE, PARTLY, NOT_DONE, DROPPED)
MOVES = (NEGOTIATE, AGREE, DONE, PARTLY, NOT_DONE, DROP)
# Both have agreed to these; the first two of the others wait for one or both of them.
AGREED_BY_BOTH = (AGREED, DONE, PARTLY, NOT_DONE)
# Still to be done, or to be talked about.
OPEN = (PROPOSED, NEGOTIATED, AGREED, PARTLY, NOT_DONE)


def _row(*states: str | None) -> Mapping[str, str | None]:
    return MappingProxyType(dict(zip(MOVES, states, strict=True)))


NEXT: Mapping[str, Mapping[str, str | None]] = MappingProxyType(
    {
        PROPOSED: _row(NEGOTIATED, AGREED, None, None, None, DROPPED),
        NEGOTIATED: _row(NEGOTIATED, AGREED, None, None, None, DROPPED),
        AGREED: _row(NEGOTIATED, None, DONE, PARTLY, NOT_DONE, DROPPED),
        DONE: _row(NEGOTIATED, AGREED, DONE, PARTLY, NOT_DONE, None),
        PARTLY: _row(NEGOTIATED, AGREED, DONE, PARTLY, NOT_DONE, DROPPED),
        NOT_DONE: _row(NEGOTIATED, AGREED, DONE, PARTLY, NOT_DONE, DROPPED),
        DROPPED: _row(NEGOTIATED, None, None, None, None, None),
    }
)

OPEN_GOAL, REACHED = "open", "reached"
GOAL_NEXT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        OPEN_GOAL: frozenset({REACHED, DROPPED}),
        REACHED: frozenset({OPEN_GOAL}),
        DROPPED: frozenset({OPEN_GOAL}),
    }
)


def after(state: str, move: str) -> str | None:
    """The state a move leads to; None where it cannot be made. Raises ValueError for an unknown state or move."""
    if state not in NEXT or move not in MOVES:
        raise ValueError(f"there is no {move!r} from {state!r}")
    return NEXT[state][move]
