"""What may become of a signal.

    new ──► confirmed     the therapist takes it for a rupture
     │ └──► dismissed     the therapist does not, and says why
     ├────► expired       nobody answered, and three more sessions have been rated
     └────► withdrawn     what it rested on is gone; it comes back with it

A person's answer stands: the machine changes only what nobody has answered.
"""

from collections.abc import Mapping
from types import MappingProxyType

NEW, CONFIRMED, DISMISSED, EXPIRED, WITHDRAWN = "new", "confirmed", "dismissed", "expired", "withdrawn"
STATES = (NEW, CONFIRMED, DISMISSED, EXPIRED, WITHDRAWN)
ANSWERED = frozenset({CONFIRMED, DISMISSED})
# By a person. An expired signal can still be answered: it was only late.
ANSWERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        NEW: frozenset(ANSWERED),
        EXPIRED: frozenset(ANSWERED),
        CONFIRMED: frozenset({DISMISSED}),
        DISMISSED: frozenset({CONFIRMED}),
        WITHDRAWN: frozenset(),
    }
)
# Rated sessions after which nobody is asked any more. Ours.
EXPIRES_AFTER = 3


def state_now(state: str, *, has_evidence: bool, later_sessions: int) -> str:
    """The state after a computation; `later_sessions` have been rated since. Raises ValueError for an unknown state."""
    if state not in STATES:
        raise ValueError(f"there is no state {state!r}")
    if state in ANSWERED:
        return state
    if not has_evidence:
        return WITHDRAWN
    return EXPIRED if later_sessions >= EXPIRES_AFTER else NEW


def answerable(answer: str) -> list[str]:
    """The states in which a signal can be given this answer."""
    return [state for state, answers in ANSWERS.items() if answer in answers]
