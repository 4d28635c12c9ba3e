"""What the names of a file's columns suggest, for a person to confirm. Values and dates are never guessed from.

bdi_s0, bdi_s1, bdi_fu1   session 0 (before), session 1, follow-up 1 of "bdi"
i1 … i36                  36 items in order, where an instrument has 36
"""

import re
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, replace

from reports.mapping.definition import BEFORE, FOLLOW_UP, THERAPY

_NAMES = {
    "client": {"client", "clientid", "clientcode", "code", "id", "pairingid", "participant", "participantid",
               "patient", "patientid", "patientcode", "caseid", "case", "subject", "subjectid", "person", "who"},
    "number": {"session", "sessionid", "sessionnumber", "sessionno", "sessionnr", "nr", "number", "week", "visit"},
    "date": {"date", "day", "sessiondate", "dateofsession", "heldon", "datum", "dateyearmonthday"},
    "therapist": {"therapist", "therapistemail", "therapistaddress", "therapistmail", "email"},
}  # fmt: skip
_ENDS_IN_NUMBER = re.compile(r"(.*?)([0-9]{1,5})", re.ASCII)
_OCCASION = re.compile(
    r"(?P<stem>.*?)[ _.\-]*(?P<kind>fu|fup|follow[ _-]?up|s|t|w|session|sess|week|wk|time)?"
    r"[ _.\-]*(?P<number>[0-9]{1,4})",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_NAME = 100  # a longer one is a sentence, and would keep the patterns busy
_BEFORE = re.compile(r"(?P<stem>.+?)[ _.\-]+(?:pre|baseline|intake|bl)", re.IGNORECASE)


@dataclass(frozen=True)
class Occasion:
    """The measurement that one column of a wide file seems to hold: of what, and when."""

    stem: str
    session: int
    phase: str
    label: str


def folded(name: str) -> str:
    """A name without what people write differently: capitals, spaces and signs."""
    return re.sub(r"[\W_]+", "", name.casefold())


def named_columns(columns: Iterable[str]) -> dict[str, str]:
    """The columns whose names say "client", "number", "date" or "therapist", the first of each."""
    found: dict[str, str] = {}
    for column in columns:
        for what, names in _NAMES.items():
            if folded(column) in names:
                found.setdefault(what, column)
    return found


def item_columns(columns: Sequence[str], count: int, taken: Collection[str] = ()) -> tuple[str, ...]:
    """Columns that one name and the numbers 1 to `count` make, in that order; () where there are none.

    Of several such names, one with exactly so many numbers comes first.
    """
    groups: dict[str, dict[int, str]] = {}
    for column in columns:
        match = _ENDS_IN_NUMBER.fullmatch(column[:_LONGEST_NAME])
        if match and column not in taken and len(column) <= _LONGEST_NAME:
            groups.setdefault(match[1], {}).setdefault(int(match[2]), column)
    fitting = [group for group in groups.values() if all(number in group for number in range(1, count + 1))]
    if not fitting or not count:
        return ()
    best = min(fitting, key=lambda group: len(group) != count)
    return tuple(best[number] for number in range(1, count + 1))


def score_columns(columns: Iterable[str], scales: Collection[str], words: Collection[str]) -> dict[str, str]:
    """Columns that are called as a scale, alone or after one of some words (the code, the rater)."""
    known = {folded(column): column for column in columns}
    found = {}
    for scale in scales:
        names = [folded(f"{word} {scale}") for word in words] + [folded(scale)]
        column = next((known[name] for name in names if name in known), None)
        if column:
            found[scale] = column
    return found


def occasions(columns: Iterable[str]) -> dict[str, Occasion]:
    """What each column of a wide file seems to hold; follow-ups are numbered after the last session of all."""
    found: dict[str, Occasion] = {}
    for column in [name for name in columns if len(name) <= _LONGEST_NAME]:
        if match := _OCCASION.fullmatch(column):
            number, kind = int(match["number"]), folded(match["kind"] or "")
            if kind in {"fu", "fup", "followup"}:
                found[column] = Occasion(match["stem"], number, FOLLOW_UP, f"Follow-up {number}")
            else:
                phase = THERAPY if number else BEFORE
                found[column] = Occasion(match["stem"], number, phase, "" if number else "Before")
        elif match := _BEFORE.fullmatch(column):
            found[column] = Occasion(match["stem"], 0, BEFORE, "Before")
    last = max((one.session for one in found.values() if one.phase == THERAPY), default=0)
    return {
        column: replace(one, session=last + one.session) if one.phase == FOLLOW_UP else one
        for column, one in found.items()
    }


def stems(found: ReadOnly[str, Occasion], least: int = 2) -> list[str]:
    """What the columns of a wide file seem to measure: names that several of them share, in the order of the file."""
    counts: dict[str, int] = {}
    for one in found.values():
        counts[one.stem] = counts.get(one.stem, 0) + 1
    return [stem for stem, count in counts.items() if count >= least and stem]


def looks_wide(columns: Sequence[str], counts: Collection[int]) -> bool:
    """One row for each client: no column for a session, and names that go through sessions.

    `counts` are the numbers of items that instruments have: as many columns are items rather than sessions.
    """
    named = named_columns(columns)
    if "number" in named or "date" in named:
        return False
    found = occasions(columns)
    groups: dict[str, int] = {}
    for one in found.values():
        groups[one.stem] = groups.get(one.stem, 0) + 1
    return any(count >= 3 and count not in counts for count in groups.values())
