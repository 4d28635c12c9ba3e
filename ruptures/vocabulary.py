"""The field's words for ruptures and their repair, as data: the codes are stored, the short wordings are ours.

docs/ruptures.md says where each list comes from and how sure that is.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

WITHDRAWAL, CONFRONTATION, MIXED = "withdrawal", "confrontation", "mixed"
IMMEDIATE, EXPRESSIVE = "immediate", "expressive"
# From 1 to 5, for how strong a rupture was and for how far it is resolved.
LOWEST, HIGHEST = 1, 5


@dataclass(frozen=True)
class Term:
    """A code, how a page words it, and what is meant. `kind` is the type of a marker, or the group of a strategy."""

    code: str
    words: str
    meaning: str = ""
    kind: str = ""


TYPES = (
    Term(WITHDRAWAL, "Withdrawal", "moves away, from the therapist or from the work"),
    Term(CONFRONTATION, "Confrontation", "moves against, the therapist or the work"),
    Term(MIXED, "Both", "both in one rupture, at once or in turn"),
)

MARKERS = (
    Term("denial", "Said all was fine", "denies what can be seen or felt", WITHDRAWAL),
    Term("minimal-response", "Short answers", "answers that close what was opened", WITHDRAWAL),
    Term("giving-up", "Gave up", "on a task, the therapy or the therapist", WITHDRAWAL),
    Term("abstract-communication", "Spoke in general", "concepts in place of what it was like", WITHDRAWAL),
    Term("avoidant-storytelling", "Stories that led away", "about others, away from the matter", WITHDRAWAL),
    Term("topic-shift", "Changed the topic", "away from what was difficult", WITHDRAWAL),
    Term("appeasing", "Agreed too quickly", "gives way, or praises, to keep the peace", WITHDRAWAL),
    Term("content-affect-split", "Words and mood apart", "tells something hard with a smile", WITHDRAWAL),
    Term("self-criticism", "Self-criticism, hopelessness", "turned on themselves, away from the matter", WITHDRAWAL),
    Term(
        "complaint-therapist", "Complaint about the therapist", "how the therapist is, or what they do", CONFRONTATION
    ),
    Term("rejects-intervention", "Turned down what was offered", "a question, an idea, a view", CONFRONTATION),
    Term("complaint-task", "Complaint about a task", "what is done here, or in between", CONFRONTATION),
    Term("complaint-setting", "Complaint about the setting", "time, fee, place or rules", CONFRONTATION),
    Term("complaint-progress", "Complaint about progress", "too little, or too slow", CONFRONTATION),
    Term("defends-self", "Defended themselves", "against what the therapist thinks or said", CONFRONTATION),
    Term("control", "Pressed the therapist", "demands, or takes over what happens", CONFRONTATION),
)

STRATEGIES = (
    Term("clarify", "Cleared up a misunderstanding", "says what was meant, and what was heard", IMMEDIATE),
    Term("rationale", "Gave the reason again", "what the task is for", IMMEDIATE),
    Term("change-task", "Changed the task", "smaller, another one, or none", IMMEDIATE),
    Term("change-goal", "Changed the goal", "towards what matters to the client", IMMEDIATE),
    Term("redirect", "Came back to the matter", "after it had slipped away", IMMEDIATE),
    Term("invite", "Asked what it is like between us", "thoughts and feelings about therapist and therapy", EXPRESSIVE),
    Term("validate", "Took it as understandable", "the guardedness, or the anger, has its reasons", EXPRESSIVE),
    Term("own-part", "Owned a part in it", "says aloud what the therapist contributed", EXPRESSIVE),
    Term("disclose", "Said what was felt between us", "what the therapist notices in the room", EXPRESSIVE),
    Term("link-between", "Linked to a pattern between us", "this has happened here before", EXPRESSIVE),
    Term("link-others", "Linked to other relationships", "it is like this elsewhere, too", EXPRESSIVE),
)
OWNS_A_PART = "own-part"
ABOUT_THE_RELATIONSHIP = ("invite", "disclose", "link-between")

COMPONENTS = (
    Term("goal", "Goals", "what the work is for"),
    Term("task", "Tasks", "how it is done"),
    Term("bond", "Bond", "being together"),
)

NOTICED_BY = (
    Term("score", "A rating"),
    Term("client", "The client"),
    Term("therapist", "The therapist"),
    Term("supervisor", "The supervisor"),
    Term("attendance", "Attendance"),
)

RESPONSES = (
    Term("opened", "Opened up", "said more of what it was like"),
    Term("took-up", "Took it up", "went along, and meant it"),
    Term("guarded", "Stayed guarded", "was polite, or silent"),
    Term("away", "Moved further away"),
    Term("against", "Moved further against"),
    Term("unclear", "Hard to say"),
)

INTENSITY = {1: "slight", 3: "clear", 5: "very strong"}
RESOLVED = {1: "not at all", 3: "in part", 5: "completely"}


def codes(terms: Iterable[Term], kind: str = "") -> list[str]:
    return [term.code for term in terms if kind in ("", term.kind)]


def choices(terms: Iterable[Term], kind: str = "") -> list[tuple[str, str]]:
    return [(term.code, term.words) for term in terms if kind in ("", term.kind)]


def words_of(terms: Iterable[Term], chosen: Collection[str]) -> list[str]:
    """In the order of the vocabulary, whatever the order in which they were chosen."""
    return [term.words for term in terms if term.code in chosen]


def in_order(terms: Iterable[Term], chosen: Collection[str]) -> list[str]:
    """Each chosen code once, in the order of the vocabulary. Raises ValueError for a code that is not in it."""
    known = codes(terms)
    if unknown := sorted(set(chosen) - set(known)):
        raise ValueError(f"there is no {', '.join(unknown)}")
    return [code for code in known if code in chosen]


def type_of(markers: Sequence[str]) -> str:
    """The type that these markers make a rupture; empty without one."""
    kinds = {term.kind for term in MARKERS if term.code in markers}
    return MIXED if len(kinds) > 1 else "".join(kinds)


def not_of_type(markers: Sequence[str], type: str) -> list[str]:
    """The markers, in words, that are no part of a rupture of this type; all are of one that is both."""
    return [term.words for term in MARKERS if term.code in markers and type not in (term.kind, MIXED)]
