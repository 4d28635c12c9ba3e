"""The service's charts: of whom each tells, and its figures where enough people stand behind them.

Each counts its people (or sessions, or ruptures) in one table of periods × modalities × categories, from which
`suppression` decides what may be seen; figures are formed of what it shows and of nothing else. Scores are the
client's, placed on 0 to 10 by the range of their instrument. A chart of too few people has no figures: None.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles, stdev
from typing import Any, Protocol

from measures.instruments import COMPONENTS
from measures.statistics.correlation import Correlation
from measures.statistics.early_alliance import EARLY, HIGH, LOW, MIDDLE, THIRDS, early_and_later, later_change
from measures.statistics.expectation import quantile
from measures.statistics.minimum_n import MINIMUM_N, SERVICE_N
from measures.statistics.partial_pooling import MINIMUM_CLIENTS, pooled_means
from measures.statistics.proportions import sessions_to_return
from measures.statistics.retention import retention
from measures.statistics.suppression import LEAST
from measures.statistics.within_between import Course, successive
from measures.statistics.within_client import WithinSlope, within_slope

from .service_facts import Facts

Body = dict[str, Any]
# The sessions whose means are shown: fewer and fewer people stand behind later ones.
SESSIONS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20)
# Curves by early alliance begin with the last of the sessions whose ratings it is.
LAST_EARLY = EARLY[-1]
# The sessions at which the number of clients who came so far is printed.
GRID = (1, LAST_EARLY, 8, 12, 16, 20)
UNKNOWN = "unknown"
STAYED, LEFT = "stayed", "left"
NONE, TRIED, UNTRIED = "none", "tried", "untried"
BOTH, CLIENT_ONLY, THERAPIST_ONLY, NEITHER = "both", "client", "therapist", "neither"
RATED = (BOTH, CLIENT_ONLY, THERAPIST_ONLY, NEITHER)
SOON, LATER, NOT_BACK, UNTOLD = "soon", "later", "not", "untold"
RETURNS = (SOON, LATER, NOT_BACK, UNTOLD)
# A score that is back after so many rated sessions was so soon.
SOON_IS = 2
CONTENT = ("0 to 5", "6 to 8", "9 to 10")
COURSES = "courses"
LAG_SESSIONS = MINIMUM_N["lag_one"].n


@dataclass(frozen=True)
class Cuts:
    """Where the low and the middle third of the early alliance end, over the whole service: the same in every period,
    so that a year's thirds are the sum of its quarters'."""

    low: float
    middle: float

    def third(self, value: float) -> str:
        return LOW if value <= self.low else MIDDLE if value <= self.middle else HIGH


def early_mean(facts: Facts) -> float | None:
    """The mean of goal, task and bond over the early ratings that have all three."""
    values = [fmean(scores) for number, *scores in facts.alliance if number in EARLY]
    return fmean(values) if values else None


def cuts_of(everybody: Sequence[Facts]) -> Cuts | None:
    early = [value for facts in everybody if (value := early_mean(facts)) is not None]
    if len(early) < SERVICE_N["thirds"].n:
        return None
    return Cuts(*quantiles(early, n=3, method="inclusive"))


def third_of(facts: Facts, cuts: Cuts | None) -> str:
    early = early_mean(facts)
    return UNKNOWN if cuts is None or early is None else cuts.third(early)


def change_in_outcome(facts: Facts) -> float | None:
    """The last outcome minus the last early one, where there are both."""
    numbers, values = [number for number, _ in facts.outcome], [value for _, value in facts.outcome]
    return later_change(numbers, values, higher_is_better=True)


# --- Of whom each chart tells: table, category, and how many ----------------------------------------------

Counted = Iterator[tuple[str, str, int]]


def count_completeness(facts: Facts, cuts: Cuts | None) -> Counted:
    held, client, therapist, both = facts.held, facts.by_client, facts.by_therapist, facts.by_both
    yield "completeness", BOTH, both
    yield "completeness", CLIENT_ONLY, client - both
    yield "completeness", THERAPIST_ONLY, therapist - both
    yield "completeness", NEITHER, held - client - therapist + both


def count_alliance(facts: Facts, cuts: Cuts | None) -> Counted:
    group = LEFT if facts.has_left else STAYED
    sessions = [number for number, *_ in facts.alliance]
    if sessions:
        yield "alliance", group, 1
    for number in sessions:
        if number in SESSIONS:
            yield f"alliance-{number}", group, 1


def count_ruptures(facts: Facts, cuts: Cuts | None) -> Counted:
    """Courses with a session, by what is on record of ruptures: this table is that of all courses, too."""
    if facts.held:
        known = facts.ruptures
        tried = TRIED if all(one.was_tried for one in known) else UNTRIED
        yield COURSES, tried if known else NONE, 1


def count_returns(facts: Facts, cuts: Cuts | None) -> Counted:
    for rupture in facts.ruptures:
        after = rupture.back_after
        came = NOT_BACK if after is None else SOON if after <= SOON_IS else LATER
        yield "returns", came if rupture.is_followed else UNTOLD, 1


def count_retention(facts: Facts, cuts: Cuts | None) -> Counted:
    for session in GRID[1:]:
        if facts.held >= session:
            yield f"stay-{session}", third_of(facts, cuts), 1


def count_outcome(facts: Facts, cuts: Cuts | None) -> Counted:
    third = third_of(facts, cuts)
    if third != UNKNOWN and change_in_outcome(facts) is not None:
        yield "outcome", third, 1


def count_lag(facts: Facts, cuts: Cuts | None) -> Counted:
    if len(both_scored(facts)) >= LAG_SESSIONS:
        yield "lag", "", 1


def count_content(facts: Facts, cuts: Cuts | None) -> Counted:
    if facts.content is not None:
        yield "content", CONTENT[0 if facts.content < 6 else 1 if facts.content < 9 else 2], 1


# --- The figures of one period and one modality ----------------------------------------------------------


class Look(Protocol):
    """What may be seen of one period and one modality: None for a count that may not, False for too few people.

    `is_whole` is that of all years and all modalities.
    """

    @property
    def is_whole(self) -> bool: ...

    def count(self, table: str, category: str | None = None) -> int | None: ...

    def shows(self, table: str, category: str | None = None) -> bool: ...


def completeness(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    if not look.shows("completeness") or not look.shows(COURSES):
        return None
    return {"n": look.count("completeness"), "rows": {kind: look.count("completeness", kind) for kind in RATED}}


def alliance(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    """By session and group how many rated it, and their means of goal, task and bond."""
    sums: dict[tuple[int, str], list[float]] = {}
    for one in facts:
        group = LEFT if one.has_left else STAYED
        for number, *scores in one.alliance:
            if number in SESSIONS:
                there = sums.setdefault((number, group), [0.0] * len(COMPONENTS))
                for place, score in enumerate(scores):
                    there[place] += score
    rows = []
    for number in sorted({number for number, _ in sums}):
        row: dict[str, Any] = {"session": number}
        for group in (STAYED, LEFT):
            if (number, group) in sums and look.shows(f"alliance-{number}", group):
                n = look.count(f"alliance-{number}", group) or 0
                row[group] = {"n": n, "means": [rounded(total / n) for total in sums[number, group]]}
        rows.append(row)
    while rows and not {STAYED, LEFT} & set(rows[-1]):
        rows.pop()
    if not rows:
        return None
    counts = {group: look.count("alliance", group) for group in (STAYED, LEFT)}
    return {
        "n": counts,
        "rows": rows,
        "within": changes_within(facts) if look.is_whole and look.shows("alliance") else {},
    }


def changes_within(facts: Sequence[Facts]) -> Body:
    """By component the change per session within clients, with its 95 % interval. Of everybody alone: it takes long."""
    found = {}
    for place, component in enumerate(COMPONENTS):
        slope = within_slope([[(row[0], row[place + 1]) for row in one.alliance] for one in facts])
        if slope is not None:
            found[component] = slope_of(slope)
    return found


def ruptures(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    if not look.shows(COURSES):
        return None
    return {"n": look.count(COURSES), "rows": {kind: look.count(COURSES, kind) for kind in (NONE, TRIED, UNTRIED)}}


def returns(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    """What the ratings say after ruptures; `median` in rated sessions, those that are not back yet censored."""
    people = {one.client for one in facts if one.ruptures}
    if not look.shows("returns") or not look.shows(COURSES) or len(people) < LEAST:
        return None
    rows = {kind: look.count("returns", kind) for kind in RETURNS}
    followed = [one for each in facts for one in each.ruptures if one.is_followed]
    until = [one.rated_after if one.back_after is None else one.back_after for one in followed]
    found = sessions_to_return(until, [one.back_after is not None for one in followed])
    is_told = found is not None and look.shows("returns", SOON) and look.shows("returns", LATER)
    return {"n": look.count("returns"), "rows": rows, "median": found.median if found and is_told else None}


def stay(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    """Retention of all, and by early alliance of those who came to the last of its sessions."""
    everybody = [one for one in facts if one.held]
    counts = [look.count(COURSES), *(look.count(f"stay-{session}") for session in GRID[1:])]
    curves = {"all": curve_of(everybody, GRID, counts)}
    for third in THIRDS:
        of_third = [one for one in everybody if one.held >= LAST_EARLY and third_of(one, cuts) == third]
        sessions = [session for session in GRID if session >= LAST_EARLY]
        curves[third] = curve_of(of_third, sessions, [look.count(f"stay-{session}", third) for session in sessions])
    found = {name: curve for name, curve in curves.items() if curve is not None}
    return {"curves": found} if "all" in found else None


def curve_of(facts: Sequence[Facts], grid: Sequence[int], counts: Sequence[int | None]) -> Body | None:
    """A curve in whole per cent, up to the last session of the grid to which enough people came to be told of.

    Whole per cent, so that the steps do not tell of one person in many.
    """
    told = [None if count is None or count < LEAST else count for count in counts]
    if not told or told[0] is None:
        return None
    last = 0
    printed: list[int | None] = []
    for session, count in zip(grid, told, strict=True):
        if count is None:
            break
        before = next((one for one in reversed(printed) if one is not None), count)
        printed.append(count if count == before or before - count >= LEAST else None)
        last = session
    found = retention([one.held for one in facts], [one.has_left for one in facts])
    if found is None:
        return None
    points = [
        [step.session, percent(step.survival), percent(step.low), percent(step.high)]
        for step in found.shown
        if step.session <= max(last, grid[0])
    ]
    return {
        "n": told[0],
        "from": grid[0],
        "last": last,
        "points": points,
        "at_risk": [*printed, *[None] * (len(grid) - len(printed))],
        "grid": list(grid),
    }


def outcome(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    """How much better the client is, by thirds of the early alliance, and how the two go together."""
    if not look.shows("outcome"):
        return None
    pairs = [
        (early, change)
        for one in facts
        if third_of(one, cuts) != UNKNOWN
        and (early := early_mean(one)) is not None
        and (change := change_in_outcome(one)) is not None
    ]
    rows = {}
    for third in THIRDS:
        if cuts is not None and look.shows("outcome", third):
            rows[third] = interval_of([change for early, change in pairs if cuts.third(early) == third])
    together = early_and_later([early for early, _ in pairs], [change for _, change in pairs])
    return {"n": look.count("outcome"), "rows": rows, "r": None if together is None else in_two_places(together)}


def lag(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    if not look.shows("lag"):
        return None
    enough = [one for one in facts if len(both_scored(one)) >= LAG_SESSIONS]
    rows = {}
    for place, component in enumerate(COMPONENTS):
        # As `within_client.lagged_slope` does, without holding every course at once.
        found = within_slope([successive(course_of(one, place)) for one in enough])
        if found is not None:
            rows[component] = slope_of(found)
    return {"n": look.count("lag"), "rows": rows} if rows else None


def course_of(facts: Facts, place: int) -> Course:
    """The component at a place, and the outcome, of the sessions that have both."""
    rows = both_scored(facts)
    return Course([row[0] for row in rows], [row[1][place] for row in rows], [row[2] for row in rows])


def both_scored(facts: Facts) -> list[tuple[int, tuple[float, ...], float]]:
    """Sessions with a score of goal, task, bond and the outcome."""
    by_session = dict(facts.outcome)
    return [(row[0], row[1:], by_session[row[0]]) for row in facts.alliance if row[0] in by_session]


def content(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    if not look.shows("content"):
        return None
    answers = [one.content for one in facts if one.content is not None]
    rows = {kind: look.count("content", kind) for kind in CONTENT}
    return {"n": look.count("content"), "rows": rows, "mean": interval_of(answers)}


def therapists(facts: Sequence[Facts], look: Look, cuts: Cuts | None) -> Body | None:
    """Of each therapist with enough clients the partially pooled mean of goal, task and bond; by the therapist's id.

    Of everybody alone, so that no two of them can be subtracted.
    """
    if not look.is_whole:
        return None
    clients: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    for one in facts:
        rated = [row[1:] for row in one.alliance]
        if rated:
            clients.setdefault(one.therapist, {}).setdefault(one.client, []).append(means_of(rated))
    enough = {
        therapist: [means_of(courses) for courses in of_therapist.values()]
        for therapist, of_therapist in clients.items()
        if len(of_therapist) >= MINIMUM_CLIENTS
    }
    rows: dict[str, Body] = {therapist: {"n": len(values)} for therapist, values in enough.items()}
    for place, component in enumerate(COMPONENTS):
        pooled = pooled_means({therapist: [value[place] for value in values] for therapist, values in enough.items()})
        for therapist, mean in pooled.items():
            rows[therapist][component] = [rounded(mean.mean), rounded(mean.low), rounded(mean.high)]
    rows = {therapist: row for therapist, row in rows.items() if set(COMPONENTS) <= set(row)}
    return {"n": len(rows), "rows": rows} if rows else None


def means_of(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(fmean(column) for column in zip(*rows, strict=True))


def interval_of(values: Sequence[float]) -> Body:
    """The mean with its 95 % interval by Student's t, in units of the values."""
    mean, n = fmean(values), len(values)
    reach = quantile(float(n - 1), 0.025) * stdev(values) / math.sqrt(n) if n > 1 else None
    ends = (None, None) if reach is None else (rounded(mean - reach), rounded(mean + reach))
    return {"n": n, "mean": rounded(mean), "low": ends[0], "high": ends[1]}


def slope_of(found: WithinSlope) -> Body:
    return {"slope": rounded(found.slope), "low": rounded(found.low), "high": rounded(found.high), "n": found.n}


def in_two_places(found: Correlation) -> Body:
    return {"r": rounded(found.r), "low": rounded(found.low), "high": rounded(found.high), "n": found.n}


def rounded(value: float) -> float:
    return round(value, 2)


def percent(part: float | None) -> int | None:
    return None if part is None else round(100 * part)


@dataclass(frozen=True)
class Chart:
    """`count` says of whom it tells, `form` its figures, None where too few people stand behind them."""

    key: str
    count: Callable[[Facts, Cuts | None], Counted]
    form: Callable[[Sequence[Facts], Look, Cuts | None], Body | None]


CHARTS = (
    Chart("completeness", count_completeness, completeness),
    Chart("alliance", count_alliance, alliance),
    Chart("ruptures", count_ruptures, ruptures),
    Chart("returns", count_returns, returns),
    Chart("retention", count_retention, stay),
    Chart("outcome", count_outcome, outcome),
    Chart("lag", count_lag, lag),
    Chart("content", count_content, content),
    Chart("therapists", lambda facts, cuts: iter(()), therapists),
)
