"""Which episodes a supervision meeting has on its agenda, in which order, and why, in words. Values in, values out.

    risk answer · brought by the therapist · possible rupture · open rupture, longest first · engagement

The order is that of the caseload (`dashboards.need`), with what the therapist wants to bring before everything but a
risk answer: supervision is theirs. It orders what may need talking about, and nobody's work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dashboards.need import ENGAGEMENT, ORDER, RISK, RUPTURE, SIGNAL, Reason, days

# What the program proposes by itself. That somebody was not seen, or that ratings are missing, is said beside these and
# puts nobody on the agenda.
PROPOSED = (RISK, SIGNAL, RUPTURE, ENGAGEMENT)
BROUGHT = "brought"
Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Entry(Generic[Subject]):
    """One episode. `why` are the words of whoever put it on the agenda; `subject` is what the caller hangs on it.

    `talked_days_ago` are days since it was talked about last, None where it never was.
    """

    code: str
    subject: Subject
    reasons: Sequence[Reason] = field(default=())
    is_brought: bool = False
    why: str = ""
    talked_days_ago: int | None = None

    @property
    def is_proposed(self) -> bool:
        return any(reason.kind in PROPOSED for reason in self.reasons)

    @property
    def belongs(self) -> bool:
        return self.is_brought or self.is_proposed

    @property
    def kind(self) -> str:
        """What puts it where it stands."""
        kinds = {reason.kind for reason in self.reasons}
        if RISK in kinds:
            return RISK
        if self.is_brought:
            return BROUGHT
        return next((kind for kind in ORDER if kind in kinds), "")

    @property
    def place(self) -> tuple[int, int, str]:
        first = [RISK, BROUGHT, *(kind for kind in ORDER if kind != RISK)]
        weight = max((reason.weight for reason in self.reasons if reason.kind == self.kind), default=0)
        return (first.index(self.kind) if self.kind else len(first), -weight, self.code)

    @property
    def last_talked(self) -> str:
        """When it was on the table before, in words; empty where it was not."""
        ago = self.talked_days_ago
        if ago is None:
            return ""
        return f"Last talked about {days(ago)} ago." if ago else "Talked about earlier today."


def in_order(entries: Iterable[Entry[Subject]]) -> list[Entry[Subject]]:
    """Those that belong on the agenda, in the order of need."""
    return sorted((entry for entry in entries if entry.belongs), key=lambda entry: entry.place)


def waiting_in_words(count: int, brought: int) -> str:
    """How much is on an agenda: "5 clients to talk about, 2 of them brought"."""
    if not count:
        return "Nothing on the agenda yet"
    clients = "1 client" if count == 1 else f"{count} clients"
    if not brought:
        return f"{clients} to talk about"
    of = "brought" if brought == count else f"{brought} of them brought"
    return f"{clients} to talk about, {of}"
