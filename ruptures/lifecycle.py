"""What may become of a rupture, and who may say so: one table. The diagram in docs/ruptures.md is printed from it."""

from dataclasses import dataclass

SUSPECTED, CONFIRMED, IN_REPAIR = "suspected", "confirmed", "in-repair"
RESOLVED, UNRESOLVED, DISMISSED = "resolved", "unresolved", "dismissed"
STATES = (SUSPECTED, CONFIRMED, IN_REPAIR, RESOLVED, UNRESOLVED, DISMISSED)
OPEN = (SUSPECTED, CONFIRMED, IN_REPAIR)
CLOSED = (RESOLVED, UNRESOLVED, DISMISSED)
# Before it is on record.
NOTHING = ""

THERAPIST = "own therapist"
ATTEMPT = "own therapist, by noting a repair attempt"
ENDING = "own therapist, by ending the episode"
STRAIN_CHECK = "the client’s strain check"
WHO = (THERAPIST, ATTEMPT, ENDING, STRAIN_CHECK)


@dataclass(frozen=True)
class Transition:
    before: str
    after: str
    who: str
    when: str


TRANSITIONS = (
    Transition(NOTHING, SUSPECTED, STRAIN_CHECK, "tension above 0"),
    Transition(NOTHING, CONFIRMED, THERAPIST, "noted, or a signal confirmed"),
    Transition(SUSPECTED, CONFIRMED, THERAPIST, "it was one"),
    Transition(SUSPECTED, IN_REPAIR, ATTEMPT, "it was one, and something was tried"),
    Transition(SUSPECTED, DISMISSED, THERAPIST, "it was none, with the reason"),
    Transition(SUSPECTED, DISMISSED, STRAIN_CHECK, "corrected to no tension"),
    Transition(SUSPECTED, UNRESOLVED, ENDING, "nobody has said what it was"),
    Transition(CONFIRMED, IN_REPAIR, ATTEMPT, "something was tried"),
    Transition(CONFIRMED, RESOLVED, THERAPIST, "it has settled by itself"),
    Transition(CONFIRMED, DISMISSED, THERAPIST, "it was none after all, with the reason"),
    Transition(CONFIRMED, UNRESOLVED, ENDING, "nothing was tried"),
    Transition(IN_REPAIR, RESOLVED, THERAPIST, "it has settled"),
    Transition(IN_REPAIR, DISMISSED, THERAPIST, "it was none after all, with the reason"),
    Transition(IN_REPAIR, UNRESOLVED, ENDING, "it has not settled"),
    Transition(RESOLVED, IN_REPAIR, THERAPIST, "it has not settled after all"),
    Transition(DISMISSED, CONFIRMED, THERAPIST, "it was one after all"),
    Transition(DISMISSED, SUSPECTED, STRAIN_CHECK, "corrected back, and no person had dismissed it"),
)
LABELS = {
    SUSPECTED: "Suspected",
    CONFIRMED: "Confirmed",
    IN_REPAIR: "In repair",
    RESOLVED: "Resolved",
    UNRESOLVED: "Unresolved at the ending",
    DISMISSED: "Dismissed",
}


def may(before: str, after: str, who: str) -> bool:
    """Whether this person or rating may make the change. Raises ValueError for a word that is not in the table."""
    if not {before, after} <= {NOTHING, *STATES} or who not in WHO:
        raise ValueError(f"there is no change from {before!r} to {after!r} by {who!r}")
    return any((step.before, step.after, step.who) == (before, after, who) for step in TRANSITIONS)


def ways(before: str, who: str) -> tuple[str, ...]:
    """What this person or rating may make of a rupture in this state."""
    return tuple(step.after for step in TRANSITIONS if (step.before, step.who) == (before, who))


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    names = {state: state.replace("-", "_") for state in STATES} | {NOTHING: "[*]"}
    lines = [f'    state "{LABELS[state].lower()}" as {names[state]}' for state in STATES]
    lines += [f"    {names[step.before]} --> {names[step.after]}: {step.who}" for step in TRANSITIONS]
    return "\n".join(["stateDiagram-v2", *lines])


def table() -> str:
    """The table in Markdown."""
    words = {state: label.lower() for state, label in LABELS.items()} | {NOTHING: "–"}
    rows = [f"| {words[step.before]} | {words[step.after]} | {step.who} | {step.when} |" for step in TRANSITIONS]
    return "\n".join(["| from | to | who may | when |", "|---|---|---|---|", *rows])
