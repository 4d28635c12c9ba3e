"""What may be done about a rupture, in the order the literature advises, matched to its type and component.

The words are ours, the sources stand beside each; docs/ruptures.md says what was read of them and what is recalled.
That experts agree on an order does not mean that it must be kept: repairs that were studied mixed the steps (Muran et
al. 2023).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .vocabulary import CONFRONTATION, MIXED, WITHDRAWAL
from .wording import OPENINGS

ALL_TYPES = ("", WITHDRAWAL, CONFRONTATION, MIXED)
ALL_COMPONENTS = ("", "goal", "task", "bond")
READ, SECOND_HAND, RECALLED, OURS = "read", "second-hand", "recalled", "ours"


@dataclass(frozen=True)
class Source:
    """`certainty` as in docs/measures.md; `of` says what of it was seen."""

    words: str
    certainty: str
    of: str


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "eubanks-2018": Source(
            "Eubanks, Burckell & Goldfried 2018, J Psychother Integr 28:60–76", READ, "the abstract"
        ),
        "safran-2001": Source("Safran, Muran, Samstag & Stevens 2001, Psychotherapy 38:406–412", READ, "the abstract"),
        "caft": Source(
            "Center for Alliance-Focused Training, Rupture resolution strategies, therapeutic-alliance.org",
            READ,
            "the page",
        ),
        "safran-2000": Source(
            "Safran & Muran 2000, Negotiating the Therapeutic Alliance",
            SECOND_HAND,
            "the two sequences, as told by the Center",
        ),
        "aspland-2008": Source(
            "Aspland et al. 2008, Psychother Res 18:699–710", RECALLED, "that changing the task mended strains in CBT"
        ),
        "eubanks-2015": Source(
            "Eubanks, Muran & Safran 2015, Rupture Resolution Rating System: Manual",
            SECOND_HAND,
            "its strategies and markers, as others quote them",
        ),
        "muran-2023": Source("Muran et al. 2023, Psychother Res 33:16–29", READ, "the abstract"),
    }
)

FIRST, OWN_PART, AGREE, NEED, LATER = range(1, 6)
STEPS = {
    FIRST: "In the session, first",
    OWN_PART: "Then your own part",
    AGREE: "Then what you do together",
    NEED: "When there is room",
    LATER: "In a later session",
}


@dataclass(frozen=True)
class Suggestion:
    """One step; `strategies` are those of the vocabulary that it amounts to."""

    step: int
    text: str
    strategies: tuple[str, ...]
    source: str
    types: tuple[str, ...] = ALL_TYPES
    components: tuple[str, ...] = ALL_COMPONENTS

    @property
    def when(self) -> str:
        return STEPS[self.step]

    @property
    def cited(self) -> str:
        return SOURCES[self.source].words


SUGGESTIONS = (
    Suggestion(
        FIRST,
        "Say gently that something seems to have changed, and that you would like to know how it was. Silence and "
        "politeness are answers, too: leave time.",
        ("validate", "invite"),
        "eubanks-2018",
        types=(WITHDRAWAL, MIXED, ""),
    ),
    Suggestion(
        FIRST,
        "Hear the complaint out before answering it, and say what of it you can understand. It is a way of staying in "
        "touch.",
        ("validate", "invite"),
        "eubanks-2018",
        types=(CONFRONTATION, MIXED),
    ),
    Suggestion(
        FIRST,
        "Ask what it was like, here and with you, and take whatever comes as having its reasons. Explaining can wait.",
        ("invite", "validate"),
        "safran-2001",
    ),
    Suggestion(
        OWN_PART,
        "Look for what you did, missed or misjudged, and say it plainly, without “but”. Where you do not know, ask.",
        ("own-part", "clarify"),
        "caft",
    ),
    Suggestion(
        AGREE,
        "Say again what the task is for. Then make it smaller, change it or leave it, together.",
        ("rationale", "change-task"),
        "caft",
        components=("task",),
    ),
    Suggestion(
        AGREE,
        "If the task has lost what matters to the client just now, turn to that first.",
        ("change-task",),
        "aspland-2008",
        components=("task",),
    ),
    Suggestion(
        AGREE,
        "Say the goals as you understand them, and let the client put them in their own words, or change them.",
        ("change-goal", "clarify"),
        "caft",
        components=("goal",),
    ),
    Suggestion(
        AGREE,
        "Say what you notice between you now, as your own impression, and ask whether it is the same for the client.",
        ("disclose", "invite"),
        "caft",
        components=("bond",),
    ),
    Suggestion(
        AGREE,
        "Ask about goals, tasks and being together one by one: which of them is it?",
        ("invite",),
        "eubanks-2015",
        components=("",),
    ),
    Suggestion(
        NEED,
        "Help to say more directly what was held back, and welcome it when it comes, also when it is against you.",
        ("invite", "validate"),
        "safran-2000",
        types=(WITHDRAWAL, MIXED),
    ),
    Suggestion(
        NEED,
        "Stay with the anger until what hurt can be said, and what the client would have needed of you.",
        ("validate", "invite"),
        "safran-2000",
        types=(CONFRONTATION, MIXED),
    ),
    Suggestion(
        LATER,
        "Only when the two of you are on firm ground again: has something like this happened between you before?",
        ("link-between",),
        "eubanks-2018",
    ),
    Suggestion(
        LATER,
        "Last, and as a question: is it like this in other relationships, too?",
        ("link-others",),
        "eubanks-2018",
    ),
)


def suggestions(type: str = "", component: str = "") -> tuple[Suggestion, ...]:
    """What fits a rupture of this type and component, both empty where they are not known, in the order advised.

    Raises ValueError for a type or a component that there is not.
    """
    if type not in ALL_TYPES or component not in ALL_COMPONENTS:
        raise ValueError(f"there is no rupture {type!r} in {component!r}")
    return tuple(one for one in SUGGESTIONS if type in one.types and component in one.components)


def opening(component: str = "") -> str:
    """A way to begin, word for word."""
    return OPENINGS[component or "total"]
