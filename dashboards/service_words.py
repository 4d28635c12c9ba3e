"""What the service's charts say in words: question, sentence, of how many, and the table of their numbers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from measures.instruments import COMPONENTS
from measures.statistics.early_alliance import THIRDS
from measures.statistics.proportions import proportion

from .figures import LABELS
from .service_charts import (
    BOTH,
    CLIENT_ONLY,
    CONTENT,
    LAST_EARLY,
    LATER,
    LEFT,
    NEITHER,
    NONE,
    NOT_BACK,
    SOON,
    SOON_IS,
    STAYED,
    THERAPIST_ONLY,
    TRIED,
    UNTOLD,
    UNTRIED,
)
from .service_figures import THIRD_NAMES

Body = Mapping[str, Any]
HIDDEN = "not shown"
TOO_FEW = "Fewer than five people stand behind this, or it would tell of so few by subtraction. It is not shown."
WHY_NO_RANKING = (
    "There is no ranking, and the order is drawn by lot: who comes to whom is no accident, the numbers are uncertain, "
    "and a place in a list would tell of chance more than of anybody’s work."
)
OF_EVERYBODY_ALONE = "Shown for all years and all modalities alone: of fewer clients it would tell less."
NO_THERAPISTS = "There are not yet two therapists with ten clients who have rated."
NOBODY_SUPERVISED = "No therapist whom you supervise has ten clients who have rated, or there is nobody to compare."
RATED_WORDS = {
    BOTH: "Rated by client and therapist",
    CLIENT_ONLY: "By the client alone",
    THERAPIST_ONLY: "By the therapist alone",
    NEITHER: "By nobody",
}
RUPTURE_WORDS = {
    NONE: "No rupture on record",
    TRIED: "A rupture, and something tried",
    UNTRIED: "A rupture, and nothing tried about it",
}
RETURN_WORDS = {
    SOON: f"Back within {SOON_IS} rated sessions",
    LATER: "Back later",
    NOT_BACK: "Not back so far",
    UNTOLD: "The ratings do not tell",
}
CONTENT_WORDS = {kind: f"{kind} of 10" for kind in CONTENT}
QUESTIONS = {
    "completeness": "Are the sessions rated?",
    "alliance": "How does the alliance go, of those who stayed and of those who left?",
    "ruptures": "How often is there a rupture, and is something tried about it?",
    "returns": "Does the rating come back after a rupture, and how soon?",
    "retention": "How long do clients stay?",
    "outcome": "Does the early alliance go with how much better clients are later?",
    "lag": "Is life better in the week after a session that was rated higher than usual?",
    "content": "How content are clients, looking back?",
    "therapists": "How far apart are therapists in the alliance that their clients rate?",
}


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Shown:
    """One chart as the page has it; without a table where nothing may be shown, and the sentence says why."""

    key: str
    question: str
    sentence: str
    n: str = ""
    table: Table | None = None


def shown(key: str, body: Body | None) -> Shown:
    if body is None:
        return Shown(key, QUESTIONS[key], TOO_FEW)
    words: Callable[[Body], Shown] = {
        "completeness": completeness,
        "alliance": alliance,
        "ruptures": ruptures,
        "returns": returns,
        "retention": retention,
        "outcome": outcome,
        "lag": lag,
        "content": content,
    }[key]
    return words(body)


def completeness(body: Body) -> Shown:
    n, rows = body["n"], body["rows"]
    said = []
    for name, alone in (("clients", CLIENT_ONLY), ("therapists", THERAPIST_ONLY)):
        if rows[BOTH] is not None and rows[alone] is not None:
            said.append(f"{name} rated {share(rows[BOTH] + rows[alone], n)}")
    if rows[BOTH] is not None:
        said.append(f"both {share(rows[BOTH], n)}")
    sentence = f"Of the sessions that took place {listed(said)}." if said else f"{n} sessions took place."
    return of_parts("completeness", sentence, count(n, "session"), rows, RATED_WORDS, n, "Sessions")


def alliance(body: Body) -> Shown:
    rows = body["rows"]
    compared = [row for row in rows if STAYED in row and LEFT in row]
    if compared:
        row = compared[-1]
        gaps = [
            f"{LABELS[component].lower()} {number(abs(gap))} {'lower' if gap < 0 else 'higher'}"
            for place, component in enumerate(COMPONENTS)
            if (gap := round(row[LEFT]["means"][place] - row[STAYED]["means"][place], 1))
        ]
        sentence = (
            f"In session {row['session']}, the last with enough of both, those who left alone rated {listed(gaps)} "
            "than those who stayed."
            if gaps
            else f"In session {row['session']}, the last with enough of both, there is no difference."
        )
    else:
        sentence = "Too few left alone to put the two groups side by side."
    within = [
        f"{LABELS[one].lower()} by {hundredths(body['within'][one]['slope'])}"
        for one in COMPONENTS
        if one in body["within"]
    ]
    if within:
        sentence += f" Within clients, from one session to the next, {listed(within)} points."
    sentence += " Fewer and fewer people stand behind later sessions."
    parts = [
        f"{count(body['n'][group], 'course')} of those who {group}" for group in (STAYED, LEFT) if body["n"][group]
    ]
    columns = ["Session"]
    for group in (STAYED, LEFT):
        columns += [f"n, {group}", *(f"{LABELS[component]}, {group}" for component in COMPONENTS)]
    cells = []
    for row in rows:
        line = [str(row["session"])]
        for group in (STAYED, LEFT):
            there = row.get(group)
            line += [str(there["n"]), *map(number, there["means"])] if there else [HIDDEN, "", "", ""]
        cells.append(tuple(line))
    return Shown("alliance", QUESTIONS["alliance"], sentence, listed(parts), Table(tuple(columns), tuple(cells)))


def ruptures(body: Body) -> Shown:
    n, rows = body["n"], body["rows"]
    if rows[NONE] is None:
        sentence = f"Of {count(n, 'course')} of therapy some have a rupture on record."
    else:
        some = n - rows[NONE]
        sentence = f"In {some} of {count(n, 'course')} of therapy ({share(some, n)}) a rupture is on record."
        if some and rows[TRIED] is not None:
            sentence += f" In {rows[TRIED]} of these ({share(rows[TRIED], some)}) something was tried about it."
    of = f"{count(n, 'course')} of therapy"
    return of_parts("ruptures", sentence, of, rows, RUPTURE_WORDS, n, "Courses", has_interval=True)


def returns(body: Body) -> Shown:
    n, rows = body["n"], body["rows"]
    if rows[SOON] is None or rows[LATER] is None:
        sentence = f"{count(n, 'rupture')} on record; too few of a kind to say how many ratings came back."
    else:
        back = rows[SOON] + rows[LATER]
        sentence = f"After {back} of {count(n, 'rupture')} ({share(back, n)}) the client’s rating came back"
        after = body["median"]
        sentence += f"; half of those that can be followed within {count(after, 'rated session')}." if after else "."
    return of_parts("returns", sentence, count(n, "rupture"), rows, RETURN_WORDS, n, "Ruptures", has_interval=True)


def retention(body: Body) -> Shown:
    curves = body["curves"]
    everybody = curves["all"]
    at = max((one for one in everybody["grid"] if one <= min(everybody["last"], 12)), default=everybody["last"])
    value, low, high = still_there(everybody, at)
    sentence = f"After session {at}, {value} %{between(low, high, ' %')} had not left alone."
    ends = [third for third in (THIRDS[0], THIRDS[-1]) if third in curves]
    if len(ends) > 1:
        together = min(curves[third]["last"] for third in ends)
        said = [f"{still_there(curves[third], together)[0]} % of the {THIRD_NAMES[third]}" for third in ends]
        sentence += f" By early alliance, after session {together}: {listed(said)}."
    columns = ["Session", "All", "n"]
    thirds = [third for third in THIRDS if third in curves]
    for third in thirds:
        columns += [capital(THIRD_NAMES[third]), f"n, {THIRD_NAMES[third]}"]
    rows = []
    for session in everybody["grid"]:
        line = [str(session), *cells_of_curve(everybody, session)]
        for third in thirds:
            line += cells_of_curve(curves[third], session)
        if any(cell not in {"", HIDDEN} for cell in line[1:]):
            rows.append(tuple(line))
    n = f"{count(everybody['n'], 'course')} of therapy with a session"
    return Shown("retention", QUESTIONS["retention"], sentence, n, Table(tuple(columns), tuple(rows)))


def still_there(curve: Body, session: int) -> tuple[int, int | None, int | None]:
    """After a session, in per cent, with the ends of the interval."""
    steps = [point for point in curve["points"] if point[0] <= session]
    return (100, None, None) if not steps else (steps[-1][1], steps[-1][2], steps[-1][3])


def cells_of_curve(curve: Body, session: int) -> list[str]:
    if session > curve["last"] or session < curve["from"]:
        return ["", ""]
    value, low, high = still_there(curve, session)
    n = curve["at_risk"][curve["grid"].index(session)]
    return [f"{value} %{between(low, high, ' %')}", HIDDEN if n is None else str(n)]


def outcome(body: Body) -> Shown:
    r = body["r"]
    if r is None:
        sentence = "There is nothing to hold against each other yet."
    else:
        way = "together" if r["low"] > 0 else "in opposite directions" if r["high"] < 0 else ""
        sentence = (
            f"They go {way}: r = {decimals(r['r'])}{between_r(r)}. That is no cause, and nothing for one client."
            if way
            else f"It is open whether they go together: r = {decimals(r['r'])}{between_r(r)}."
        )
    rows = tuple(
        (
            capital(THIRD_NAMES[third]),
            *(
                (str(row["n"]), signed(row["mean"]), f"{signed(row['low'])} to {signed(row['high'])}")
                if (row := body["rows"].get(third)) and row["low"] is not None
                else (HIDDEN, "", "")
            ),
        )
        for third in THIRDS
    )
    n = f"{count(body['n'], 'course')} of therapy with an outcome up to session {LAST_EARLY} and after it"
    table = Table(("Early alliance", "n", "Change in outcome", "95 % interval"), rows)
    return Shown("outcome", QUESTIONS["outcome"], sentence, n, table)


def lag(body: Body) -> Shown:
    rows = body["rows"]
    clear = [component for component in COMPONENTS if component in rows and rows[component]["low"] > 0]
    names = [LABELS[component].lower() for component in clear]
    sentence = (
        f"After sessions that a client rated higher than usual in {listed(names)}, the next outcome tends to be better "
        "than usual. "
        if names
        else "It is open: the intervals hold 0. "
    )
    sentence += "To look at, not to infer from."
    table = Table(
        ("Component", "Next outcome, for a point more", "95 % interval", "Pairs of sessions"),
        tuple(
            (
                LABELS[one],
                hundredths(row["slope"]),
                f"{hundredths(row['low'])} to {hundredths(row['high'])}",
                str(row["n"]),
            )
            for one in COMPONENTS
            if (row := rows.get(one))
        ),
    )
    n = f"{count(body['n'], 'course')} of therapy with ten sessions or more of which both were rated"
    return Shown("lag", QUESTIONS["lag"], sentence, n, table)


def content(body: Body) -> Shown:
    mean = body["mean"]
    sentence = f"On average {number(mean['mean'])} of 10"
    sentence += "." if mean["low"] is None else f" ({number(mean['low'])} to {number(mean['high'])})."
    sentence += " Who left alone seldom answers, so this flatters."
    n = count(body["n"], "answer")
    return of_parts("content", sentence, n, body["rows"], CONTENT_WORDS, body["n"], "Answers", has_interval=True)


def therapists(rows: Sequence[tuple[str, Body]], *, is_whole: bool, is_named: bool) -> Shown:
    """`rows` are those the reader may see, in the order to show; `is_whole` where the page shows all years and
    modalities, for which alone there are means."""
    question = QUESTIONS["therapists"]
    if not is_whole:
        return Shown("therapists", question, OF_EVERYBODY_ALONE)
    if not rows:
        return Shown("therapists", question, NOBODY_SUPERVISED if is_named else NO_THERAPISTS)
    columns = ["Therapist", "Clients"]
    for component in COMPONENTS:
        columns += [LABELS[component], f"{LABELS[component]}, 95 % interval"]
    cells = []
    for name, row in rows:
        line = [name, str(row["n"])]
        for component in COMPONENTS:
            mean, low, high = row[component]
            line += [number(mean), f"{number(low)} to {number(high)}"]
        cells.append(tuple(line))
    who = "whom you supervise" if is_named else "of the service"
    n = f"{count(len(rows), 'therapist')} {who} with ten clients or more"
    return Shown("therapists", question, WHY_NO_RANKING, n, Table(tuple(columns), tuple(cells)))


def of_parts(
    key: str,
    sentence: str,
    n: str,
    rows: Body,
    words: Mapping[str, str],
    total: int,
    unit: str,
    *,
    has_interval: bool = False,
) -> Shown:
    """A table of parts that add up to the total in its last row; with Wilson's intervals where what is counted is a
    sample and not all there is."""
    lines = []
    for kind, word in words.items():
        part = rows[kind]
        cells = [HIDDEN, "", ""] if part is None else [str(part), share(part, total), interval(part, total)]
        lines.append((word, *(cells if has_interval else cells[:2])))
    lines.append(("All", str(total), "100 %", "")[: 4 if has_interval else 3])
    columns = ("", unit, "Share", "95 % interval")[: 4 if has_interval else 3]
    return Shown(key, QUESTIONS[key], sentence, n, Table(columns, tuple(lines)))


def interval(part: int, total: int) -> str:
    found = proportion(part, total)
    return "" if found is None else f"{100 * found.low:.0f} to {100 * found.high:.0f} %"


def share(part: int, total: int) -> str:
    return f"{100 * part / total:.0f} %"


def count(n: int | None, unit: str) -> str:
    return f"{n} {unit}{'' if n == 1 else 's'}"


def between(low: float | None, high: float | None, unit: str) -> str:
    return "" if low is None or high is None else f" ({low:g} to {high:g}{unit})"


def between_r(row: Body) -> str:
    return f" ({decimals(row['low'])} to {decimals(row['high'])})"


def number(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")


def signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def hundredths(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def decimals(value: float) -> str:
    """Of what lies between −1 and 1, without the 0 before the point."""
    return f"{value:.2f}".replace("0.", ".", 1).replace("-", "−")


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
