"""Three questions to rehearse before the next session, from the kind of rupture, its component and how far it is.

Ours, worded as a colleague would ask. Their order is what experts advise: say what you notice and ask, then your own
part, then what the two of you can do about the component; what it may have to do with other relationships is kept for
when it has settled (`ruptures.suggestions` has the sources, docs/ruptures.md what of them was read).
"""

from dataclasses import dataclass

from ruptures.suggestions import ALL_COMPONENTS, ALL_TYPES, SOURCES
from ruptures.vocabulary import CONFRONTATION, MIXED, WITHDRAWAL

# How far it is: nobody has talked about it, something was tried and the score is not back, it is back or resolved.
UNTOUCHED, TRIED, SETTLED, NONE = "untouched", "tried", "settled", "none"
STAGES = (UNTOUCHED, TRIED, SETTLED, NONE)

NOTICE = {
    WITHDRAWAL: "What tells you that the client moves away? Say it aloud, in one sentence, as something you notice and "
    "not as something they do wrong.",
    CONFRONTATION: "What is the complaint, in the client’s own words? Say what of it you can understand before you "
    "answer any of it.",
    MIXED: "What of it moves away, and what against you? Say the one that is easier to hear first, in one sentence.",
    "": "What is different between you since then? Say it aloud, in one sentence, and end with a question.",
}
TRY_AGAIN = {
    WITHDRAWAL: "Something was tried, and the rating is not back. How would you ask once more, leaving more silence "
    "than last time?",
    CONFRONTATION: "Something was tried, and the rating is not back. What would the client say is still missing in "
    "your answer?",
    MIXED: "Something was tried, and the rating is not back. Which half of it has not been heard yet?",
    "": "Something was tried, and the rating is not back. How would you ask what is still in the way?",
}
OWN_PART = {
    UNTOUCHED: "What did you do, miss or misjudge just before? Say it plainly, without “but”, and stop there.",
    TRIED: "What of your own part is still unsaid? Say it plainly, and let the client correct you.",
}
TOGETHER = {
    "goal": "How would you offer to look at the goal again, so that the client could say: that is no longer mine?",
    "task": "How would you offer to make the task smaller, to change it or to leave it, and mean each of the three?",
    "bond": "How would you ask what it is like to be here with you, and what would you do with an answer that hurts?",
    "": "How would you ask which it is: what you work towards, how you do it, or being together?",
}
WHEN_SETTLED = (
    "What was different between you when it came back, on both sides? Tell the client what you noticed.",
    "What would be the first sign that it begins again, and what would you say then?",
    "Is there room to wonder together whether it has been like this elsewhere, too? Ask it so that “no” is an answer.",
)
WHEN_NONE = (
    "What would you notice first if this client began to move away? How would you ask about it?",
    "What have the two of you not said about working together? Begin the sentence aloud.",
)
IN_ORDER = ("eubanks-2018", "caft")


@dataclass(frozen=True)
class Rehearsal:
    questions: tuple[str, str, str]
    method: str


def rehearsal(*, type: str = "", component: str = "", stage: str = NONE) -> Rehearsal:
    """Three questions, and where their order comes from; type and component are empty where they are not known.

    Raises ValueError for a type, a component or a stage that there is not.
    """
    if type not in ALL_TYPES or component not in ALL_COMPONENTS or stage not in STAGES:
        raise ValueError(f"there is no rupture {type!r} in {component!r} that is {stage!r}")
    sources = "; ".join(SOURCES[code].words for code in IN_ORDER)
    method = (
        f"Our wording; the order is what experts advise: notice and ask first, then your own part, then what can "
        f"change ({sources}). Links to other relationships are kept for later."
    )
    return Rehearsal(questions(type, component, stage), method)


def questions(type: str, component: str, stage: str) -> tuple[str, str, str]:
    if stage == SETTLED:
        return WHEN_SETTLED
    if stage == NONE:
        return (*WHEN_NONE, TOGETHER[component])
    first = NOTICE[type] if stage == UNTOUCHED else TRY_AGAIN[type]
    return (first, OWN_PART[stage], TOGETHER[component])
