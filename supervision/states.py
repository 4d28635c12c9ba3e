"""What may become of a supervision meeting, a next step and a learning target: as data."""

from collections.abc import Mapping
from types import MappingProxyType

PLANNED, UNDER_WAY, FINISHED, CALLED_OFF = "planned", "under-way", "finished", "called-off"
MEETINGS: Mapping[str, str] = MappingProxyType(
    {PLANNED: "Planned", UNDER_WAY: "Under way", FINISHED: "Finished", CALLED_OFF: "Called off"}
)
# Each way has its way back: nothing that somebody does by mistake is for good.
WAYS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (PLANNED, UNDER_WAY): "Start",
        (PLANNED, CALLED_OFF): "Call it off",
        (UNDER_WAY, FINISHED): "Finish",
        (UNDER_WAY, PLANNED): "It has not started yet",
        (FINISHED, UNDER_WAY): "Open it again",
        (CALLED_OFF, PLANNED): "It takes place after all",
    }
)

OPEN, DONE, NOT_NEEDED = "open", "done", "not-needed"
STEPS: Mapping[str, str] = MappingProxyType({OPEN: "To do", DONE: "Done", NOT_NEEDED: "Not needed any more"})

RECOGNISING, REPAIRING = "recognising", "repairing"
TARGETS: Mapping[str, str] = MappingProxyType({RECOGNISING: "Recognising strain", REPAIRING: "Kinds of repair"})


def may(before: str, after: str) -> bool:
    """Whether a meeting goes from one state to the other. Raises ValueError for a state that there is not."""
    if not {before, after} <= set(MEETINGS):
        raise ValueError(f"there is no change from {before!r} to {after!r}")
    return (before, after) in WAYS


def ways(before: str) -> dict[str, str]:
    """The states a meeting may be put into, each with the words of its button."""
    return {after: words for (earlier, after), words in WAYS.items() if earlier == before}
