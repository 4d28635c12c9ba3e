"""Questions that help two people to agree. They ask, and never stand in the way of saving anything.

The patterns are ours, few and plain: words that many goals begin with and that two people may understand differently.
Nothing is claimed about a goal that matches none of them.
"""

import re

VAGUE = (
    "better", "improve", "improving", "more confident", "confidence", "self-esteem", "happier", "be happy", "calmer",
    "more relaxed", "stronger", "more positive", "more motivated", "motivation", "more balance", "be normal",
    "be okay", "be myself", "feel good", "feel well", "less anxious", "less anxiety", "less stress", "less worry",
    "less worried", "less angry", "less depressed", "cope with", "coping", "deal with", "handle", "manage my",
    "work on", "work through", "move on", "sort out", "get over", "communicate", "understand myself",
    "look after myself",
)  # fmt: skip
PATTERN = re.compile(rf"\b(?:{'|'.join(map(re.escape, VAGUE))})\w*", re.I)
QUESTION = (
    "“{}” can look different to each of you. How would you both notice? "
    "A count, a situation or a first small sign will do."
)
STRAIN = (
    "“{task}” was not done by {session}. A possible strain in the task component: "
    "perhaps it was too hard, or not the right task."
)
STRAIN_QUESTION = "What was it about this task, or about how we chose it, that did not fit?"
STRAIN_QUESTION_KNOWN = "What would have to be different about this task for it to be one you would choose?"


def vague_words(text: str) -> str:
    """The first words of a goal that leave open how it would be noticed; none where it has a number in it."""
    found = None if any(character.isdigit() for character in text) else PATTERN.search(" ".join(text.split()))
    return found.group() if found else ""


def question_about(text: str, *, is_measured: bool) -> str:
    """What to ask about a goal's wording; empty once there is something to measure it by."""
    words = "" if is_measured else vague_words(text)
    return QUESTION.format(words) if words else ""


def strain_in_words(task: str, session: str) -> str:
    return STRAIN.format(task=task, session=session)


def strain_question(*, is_reason_known: bool) -> str:
    """A way to open; what got in the way is not asked again where it was told."""
    return STRAIN_QUESTION_KNOWN if is_reason_known else STRAIN_QUESTION
