"""Everything of an episode in one scroll: what happened in each session and between two, by kind."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.urls import reverse

from clients.models import EngagementObjective
from measures.instruments import COMPONENTS
from ruptures.aftermath import NAMES
from ruptures.lifecycle import DISMISSED
from ruptures.models import RepairAttempt, Rupture, Signal, State
from ruptures.vocabulary import NOTICED_BY, words_of
from sessions_app.models import GoalProgress, TherapySession
from sessions_app.selectors import agreement_log
from sessions_app.selectors.engagement import challenge_in
from sessions_app.selectors.log import LogPart, heading_of, in_order, place_of

from ..sentences import capital, listed
from .episode import EpisodeState, NumbersRow, RuptureNow

RATINGS, RUPTURES, AGREED, ENGAGEMENT, MEETINGS = "ratings", "ruptures", "agreed", "engagement", "meetings"
KINDS = {
    RATINGS: "Ratings",
    RUPTURES: "Ruptures and repair",
    AGREED: "Goals and tasks",
    ENGAGEMENT: "Engagement",
    MEETINGS: "Not held, or late",
}
TONES = {"resolved": "settled", "dismissed": "neutral", "unresolved": "neutral"}


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `scores` are the three components of a rating by name, for which there are colours."""

    kind: str
    label: str
    text: str = ""
    detail: str = ""
    tone: str = "neutral"
    url: str = ""
    scores: Sequence[tuple[str, float]] = ()


@dataclass(frozen=True)
class Part:
    """A session, or the days between two, with what happened then."""

    heading: str
    day: date | None
    days: str
    session: TherapySession | None
    entries: list[Entry]


@dataclass(frozen=True)
class Timeline:
    parts: list[Part]
    counts: dict[str, int]

    def only(self, kind: str) -> list[Part]:
        """The parts in which something of this kind happened, with that alone."""
        parts = (replace(part, entries=[entry for entry in part.entries if entry.kind == kind]) for part in self.parts)
        return [part for part in parts if part.entries]


def timeline(state: EpisodeState, *, engagement_sessions: int, is_own: bool) -> Timeline:
    """From what the episode page has already, with the agreement log and the engagement phase in a few queries more."""
    rows = {row.session.pk: row for row in state.rows}
    of_session = ruptures_by_session(state)
    ordered = in_order(state.sessions)
    assessed = defaultdict(list)
    for objective in EngagementObjective.objects.filter(episode=state.episode):
        assessed[place_of(objective.assessed_on, ordered)].append(objective)
    logged = {part.place: part for part in agreement_log(state.episode, sessions=ordered)}
    parts = []
    for place in range(2 * len(ordered) + 1):
        session = ordered[place // 2] if place % 2 else None
        part = logged.get(place)
        entries = list(of_objectives(assessed[place]))
        if session:
            entries = [
                *of_meeting(session),
                *of_engagement(session, engagement_sessions),
                *entries,
                *of_ratings(state, rows[session.pk], is_own=is_own),
                *of_session[session.number],
            ]
        entries += of_agreements(part) if part else []
        if session:
            heading = capital(str(session))
            parts.append(Part(heading, session.held_on, "", session, entries))
        elif entries:
            days = in_words([row.happened_on for row in part.said] if part else [], assessed[place])
            parts.append(Part(capital(heading_of(place, ordered)), None, days, None, entries))
    return Timeline(parts, Counter(entry.kind for part in parts for entry in part.entries))


def in_words(agreed_on: Sequence[date], assessed: Sequence[EngagementObjective]) -> str:
    """The first and the last of the days on which something was agreed or looked at."""
    days = sorted({*agreed_on, *(objective.assessed_on for objective in assessed)})
    return " and ".join(f"{day:%-d %B %Y}" for day in dict.fromkeys((days[0], days[-1]))) if days else ""


def of_meeting(session: TherapySession) -> Iterator[Entry]:
    if session.attendance != "attended":
        yield Entry(MEETINGS, session.get_attendance_display())


def of_engagement(session: TherapySession, engagement_sessions: int) -> Iterator[Entry]:
    if session.number == 1:
        yield Entry(ENGAGEMENT, "Engagement phase begins", f"It is given {engagement_sessions} sessions here.")
    if challenge := challenge_in(session):
        yield Entry(ENGAGEMENT, "First challenge", challenge.what, "The second phase begins.", tone="accent")


def of_objectives(objectives: Iterable[EngagementObjective]) -> Iterator[Entry]:
    for objective in objectives:
        yield Entry(
            ENGAGEMENT,
            objective.get_objective_display(),
            objective.level_in_words,
            objective.evidence,
            url=reverse("clients:engagement", args=[objective.episode_id]),
        )


def of_ratings(state: EpisodeState, row: NumbersRow, *, is_own: bool) -> Iterator[Entry]:
    url = reverse("sessions_app:session", args=[row.session.pk])
    therapist = "You" if is_own else state.episode.therapist.name
    for who, values in ((state.episode.client.label, row.client), (therapist, row.therapist)):
        scores = [(name, value) for name, value in zip(COMPONENTS, values, strict=True) if value is not None]
        if scores:
            yield Entry(RATINGS, f"{who} rated", scores=scores, url=url)
    totals = [
        f"{found.name} {value:.1f}"
        for found, value in zip(state.by_total, row.totals, strict=True)
        if value is not None
    ]
    if totals:
        yield Entry(RATINGS, "Other measures", listed(totals), url=url)
    if row.is_sealed:
        yield Entry(RATINGS, f"{state.episode.client.label} rated", "Shown once the therapist has rated, too", url=url)


def ruptures_by_session(state: EpisodeState) -> dict[int, list[Entry]]:
    """What a rule noticed, what was noted, what was tried and what came back, by number of the session."""
    found: dict[int, list[Entry]] = defaultdict(list)
    for signal in state.signals:
        found[signal.session.number].append(of_signal(signal))
    for one in state.ruptures:
        found[one.rupture.session.number].append(of_rupture(one.rupture))
    for one in state.ruptures:
        for attempt in one.attempts:
            found[attempt.session.number].append(of_attempt(one.rupture, attempt))
        if (back := returned(one)) is not None:
            found[back[0]].append(back[1])
    return found


def of_signal(signal: Signal) -> Entry:
    tone = "attention" if signal.state == State.NEW else "neutral"
    answered = "" if signal.state == State.NEW else signal.get_state_display()
    page = reverse("dashboards:episode", args=[signal.session.episode_id])
    return Entry(RUPTURES, "Noticed in the ratings", signal.sentence, answered, tone, f"{page}#signal-{signal.pk}")


def of_rupture(rupture: Rupture) -> Entry:
    noticed = f"Noticed by {words_of(NOTICED_BY, [rupture.noticed_by])[0].lower()}"
    seen = f": {listed([words.lower() for words in rupture.marker_words])}." if rupture.markers else "."
    return Entry(
        RUPTURES,
        rupture.name,
        noticed + seen,
        rupture.get_state_display(),
        TONES.get(rupture.state, "attention"),
        reverse("ruptures:rupture", args=[rupture.pk]),
    )


def of_attempt(rupture: Rupture, attempt: RepairAttempt) -> Entry:
    said = [attempt.get_client_response_display(), f"resolved {attempt.resolved} of 5" if attempt.resolved else ""]
    return Entry(
        RUPTURES,
        "Repair attempt",
        f"About the {rupture}: {listed([words.lower() for words in attempt.strategy_words])}.",
        ", ".join(words for words in said if words),
        "accent",
        reverse("ruptures:rupture", args=[rupture.pk]),
    )


def returned(one: RuptureNow) -> tuple[int, Entry] | None:
    back = one.followed.back if one.followed and one.rupture.state != DISMISSED else None
    if back is None:
        return None
    name = capital(NAMES[one.rupture.component])
    words = f"{name} is back at {back.value:.1f} after the fall in {one.rupture.session}."
    return back.session, Entry(RUPTURES, "Came back", words, tone="settled")


def of_agreements(part: LogPart) -> Iterator[Entry]:
    for said in part.said:
        what = "Task" if said.task_id else "Goal"
        agreed = [who for who, has in (("client", said.by_client), ("therapist", said.by_therapist)) if has]
        detail = [said.terms, f"agreed by {listed(agreed)}" if agreed else "", said.why]
        words = "; ".join(one for one in detail if one)
        yield Entry(AGREED, f"{what}: {said.get_kind_display().lower()}", f"“{said.text}”", words, said.tone)
    for outcome in part.outcomes:
        way = f"In the way: {outcome.got_in_the_way}" if outcome.got_in_the_way else ""
        yield Entry(AGREED, f"Task: {outcome.get_outcome_display().lower()}", f"“{outcome.task.text}”", way)
    for row in part.progress:
        yield Entry(AGREED, "Progress", f"“{row.goal.text}”", standing(row))


def standing(row: GoalProgress) -> str:
    told = [
        f"{row.progress} of 10" if row.progress is not None else "",
        f"{row.goal.metric}: {row.measured_in_words}" if row.measured is not None else "",
        f"level {row.level_in_words}" if row.level is not None else "",
    ]
    return ", ".join(words for words in told if words)
