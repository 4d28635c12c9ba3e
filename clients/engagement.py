"""The engagement phase: three objectives in order, what stands in their way, and the gate before the second phase.

Objectives, their order and the barriers are those of the field. The words of the levels are ours: an objective is there
when the therapist chose a level that says so, which is no measured cut-off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LEVELS: Mapping[int, str] = MappingProxyType(
    {0: "not seen yet", 1: "first signs", 2: "partly there", 3: "there", 4: "there, and steady"}
)
THERE = 3


@dataclass(frozen=True)
class Objective:
    """One of the three, with the codes of what may stand in its way."""

    code: str
    name: str
    asks: str
    barriers: Mapping[str, str]


SAFE_SPACE = Objective(
    "safe-space",
    "a safe space",
    "Can the client say what is on their mind here, without being judged?",
    MappingProxyType(
        {
            "judgemental": "Judgemental attitude",
            "confrontational": "Confrontational attitude",
            "not-confidential": "Setting not confidential",
            "distrust-practitioner": "Distrust of the practitioner",
            "distrust-service": "Distrust of the service",
        }
    ),
)
PARTNERSHIP = Objective(
    "partnership",
    "a collaborative partnership",
    "Do you look at things together, as two people who each know something?",
    MappingProxyType(
        {
            "power": "Power difference",
            "persuading": "Persuading, not exploring",
            "expert": "Expert stance",
            "deficit": "Deficit view",
            "against": "Working against each other",
        }
    ),
)
PROBLEM = Objective(
    "problem",
    "agreement that a problem exists",
    "Do you both see something that is worth changing, and name it alike?",
    MappingProxyType({"no-problem": "No perceived problem", "goals-apart": "Goals not aligned"}),
)
OBJECTIVES = (SAFE_SPACE, PARTNERSHIP, PROBLEM)
BY_CODE: Mapping[str, Objective] = MappingProxyType({objective.code: objective for objective in OBJECTIVES})


def missing(levels: Mapping[str, int]) -> tuple[Objective, ...]:
    """The objectives that are not there, in order; one that nobody has looked at is not among `levels`."""
    return tuple(objective for objective in OBJECTIVES if levels.get(objective.code, 0) < THERE)


def gate_in_words(levels: Mapping[str, int], *, session: int, of: int, challenged_in: int | None = None) -> str:
    """Where the engagement phase stands at `session` of the first `of`, naming the first objective that is missing.

    `challenged_in` is the session of the first challenge, with which the second phase begins.
    """
    without = missing(levels)
    if challenged_in is not None:
        back = f" {capital(without[0].name)} is still missing: worth going back to." if without else ""
        second = f"Second phase since session {challenged_in}. Strain is to be expected now, and worth asking about."
        return second + back
    where = place_in_words(session, of)
    if not levels:
        return f"{where}: the three objectives have not been looked at yet."
    if not without:
        return f"{where}: all three objectives are there. The second phase can begin."
    first, *later = without
    said = "is still missing" if first.code in levels else "has not been looked at yet"
    names = " and ".join(objective.name for objective in later)
    after = f"; {names} {'come' if later[1:] else 'comes'} after it" if later else ""
    return f"{where}: {first.name} {said}{after}."


def place_in_words(session: int, of: int) -> str:
    if session < 1:
        return f"Before the first of {of} session{'' if of == 1 else 's'}"
    return f"Session {session} of {of}" if session <= of else f"Session {session}, after the first {of}"


def capital(text: str) -> str:
    return text[0].upper() + text[1:]
