"""What a signal says: the sentence, how it was worked out, and a conversation to have. Numbers in, words out.

The suggestions are our own wording. Their order is what experts advise: ask and validate in the session first, own
contribution next, then the component; links to a pattern are kept for later (docs/signals.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from measures.statistics.rates import RATES

NAMES = {"goal": "goal", "task": "task", "bond": "bond", "total": "the alliance"}
OPENINGS = {
    "goal": "I would like to check whether what we are working on is still what matters most to you.",
    "task": "How do the things we do here, and in between, fit with what you hoped for?",
    "bond": "How was it for you to be here with me last time? Anything that did not sit right is welcome.",
    "total": "How was our last session for you? I would like to hear what could have been better.",
}
THEN = {
    "goal": "Say the goals as you understand them, and let the client put them in their own words, or change them.",
    "task": "Say again what the task is for. Make it smaller, change it, or leave it, together.",
    "bond": "Say what you notice between you now, and what you may have missed or misjudged.",
    "total": "Ask about goals, tasks and being together one by one.",
}
LISTEN = "Listen first: whatever comes is understandable. Own your part in it before explaining anything."
LATER = "Links to other relationships or to a pattern can wait for a later session."


@dataclass(frozen=True)
class Number:
    """One score of the session held against what was expected of it, in item means.

    `earlier_n` sessions were learnt from; `is_starting` means that the service's usual is not estimated yet. Of a fall
    after a preset `high` is the score before it, in `from_session`, `low` what counts as back, and `smallest_fall` the
    smallest that counts.
    """

    rater: str
    scale: str
    observed: float
    low: float
    high: float
    earlier_n: int
    is_starting: bool = False
    from_session: int | None = None
    smallest_fall: float | None = None

    @property
    def is_below(self) -> bool:
        return self.observed < self.low


def sentence(lowest: Number, group: Sequence[tuple[str, str]], *, rate: str) -> str:
    """The signal in words; `group` are the (rater, scale) that are lower than expected together."""
    usual = (
        "starting values, until your service has enough courses"
        if lowest.is_starting
        else "what is usual in your service"
    )
    low = places(lowest.low, lowest.observed)
    expected = f"expected {low} to {lowest.high:.1f} from {sessions(lowest.earlier_n)} and {usual}."
    together = ""
    if len(group) > 1:
        fell = "lower than expected together" if lowest.is_below else "each a little lower than expected, and together"
        together = f" {capital(joined(group))}: {fell}{'' if lowest.is_below else ' more than chance makes likely'}."
    return (
        f"{capital(NAMES[lowest.scale])} {lowest.observed:.1f}{by(lowest.rater)}; {expected}{together} "
        f"About 1 look in {RATES[rate].one_in} is this low in a steady course."
    )


def sentence_of_fall(deepest: Number, group: Sequence[tuple[str, str]], *, label: str) -> str:
    """The signal of a preset in words; `group` are the (rater, scale) that fell in this session."""
    assert deepest.smallest_fall is not None
    also = f" In this session: {joined(group)}." if len(group) > 1 else ""
    return (
        f"{capital(NAMES[deepest.scale])} {deepest.observed:.1f}{by(deepest.rater)}, after {deepest.high:.1f} in "
        f"session {deepest.from_session}.{also} A fall of {deepest.smallest_fall:.1f} or more counts ({label})."
    )


def conversation(scale: str) -> tuple[str, ...]:
    """What to do with a possible rupture in this component, in order; the first is a way to open."""
    return f"For example: “{OPENINGS[scale]}”", LISTEN, THEN[scale], LATER


def by(rater: str) -> str:
    return "" if rater == "client" else f" as the {rater} rates it"


def sessions(n: int) -> str:
    return "1 earlier session" if n == 1 else f"{n} earlier sessions"


def places(limit: float, against: float) -> str:
    """A limit as precise as it must be to differ from what lies beyond it."""
    return f"{limit:.2f}" if f"{limit:.1f}" == f"{against:.1f}" and limit != against else f"{limit:.1f}"


def joined(group: Sequence[tuple[str, str]]) -> str:
    scales = list(dict.fromkeys(NAMES[scale] for _, scale in group))
    raters = sorted({rater for rater, _ in group})
    return f"{listed(scales)} by {listed(raters)}"


def listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def capital(text: str) -> str:
    return text[0].upper() + text[1:]
