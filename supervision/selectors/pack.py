"""The pack of an episode: what is worth knowing before it is talked about."""

from collections.abc import Collection
from dataclasses import dataclass

from accounts.models import User
from clients.models import Episode
from clients.selectors import by_code
from dashboards.printed.document import number
from dashboards.selectors.episode import EpisodeState, RuptureNow, episode_state, stands, value_range
from measures.comments import Comment, comments_to_raise
from ruptures.aftermath import NAMES, Followed, attempts_in_words
from ruptures.lifecycle import RESOLVED
from ruptures.models import RepairAttempt, Rupture, Signal
from sessions_app.models import TherapySession

from ..rehearsal import NONE, SETTLED, TRIED, UNTOUCHED, Rehearsal, rehearsal
from ..shape import Shape, shape, window

WORDS_OF_A_CLIENT = 3


@dataclass(frozen=True)
class Pack:
    """What is worth knowing of an episode before it is talked about. No process note is in it, and no name.

    `focus` is the rupture in question, `signal` what points to it, or to a possible one that nobody has answered.
    """

    episode: Episode
    state: EpisodeState
    focus: RuptureNow | None
    signal: Signal | None
    component: str
    shape: Shape | None
    tried: list[tuple[RepairAttempt, list[str]]]
    comments: list[Comment]
    rehearsal: Rehearsal

    @property
    def name(self) -> str:
        """The component in words."""
        return NAMES[self.component]

    @property
    def rupture(self) -> Rupture | None:
        return self.focus.rupture if self.focus else None

    @property
    def fell(self) -> TherapySession | None:
        if self.rupture is not None:
            return self.rupture.session
        return self.signal.session if self.signal is not None else None

    @property
    def title(self) -> str:
        """Of the part with the V."""
        if self.rupture is not None:
            return f"{self.rupture.name}, {self.fell}"
        return f"Possible rupture, {self.fell}" if self.signal is not None else f"The course of {self.name}"

    @property
    def followed(self) -> Followed | None:
        """What the ratings did after it, where the change does not say so already."""
        found = self.focus.followed if self.focus else None
        return found if found and found.words.headline != self.state.change.headline else None

    @property
    def evidence(self) -> str:
        """The rule behind the signal with every number it used, or who noticed where there is no signal."""
        signal = self.signal
        if signal is None:
            by = self.rupture.get_noticed_by_display().lower() if self.rupture else ""
            return f"No rule pointed to it: noticed by {by}." if by else ""
        rule = (
            f"Rule: {signal.preset.label} ({signal.rule})."
            if signal.preset
            else f"Rule: below what was expected ({signal.rule}), at the rate “{signal.rate}” of the service."
        )
        looks = [
            f"{look.scale} by the {look.rater} {number(look.observed)} against {number(look.low)} to "
            f"{number(look.high)} from {look.earlier_n} earlier"
            for look in signal.looks
        ]
        return f"{rule} Numbers used: {'; '.join(looks)}."


def pack_of(user: User, episode: Episode) -> Pack:
    state = episode_state(by_code(episode))
    focus, signal = in_question(state)
    rupture = focus.rupture if focus else None
    component = (rupture.component if rupture else signal.component if signal else "") or state.focus
    tried = attempts_told(focus) if focus else []
    comments = comments_to_raise(user, [episode])[:WORDS_OF_A_CLIENT]
    return Pack(
        episode=episode,
        state=state,
        focus=focus,
        signal=signal,
        component=component,
        shape=shape_of(state, component, focus, signal),
        tried=tried,
        comments=comments,
        rehearsal=rehearsal(type=rupture.type if rupture else "", component=component, stage=stage_of(focus, signal)),
    )


def in_question(state: EpisodeState) -> tuple[RuptureNow | None, Signal | None]:
    """The latest that is open: a rupture with what points to it, or a signal alone; else what has settled."""
    signals = [signal for signal in state.signals_now if stands(signal, state.alliance.code)]
    latest = max(signals, key=lambda signal: signal.session.number, default=None)
    for ruptures in (state.open_ruptures, [one for one in state.standing_ruptures if not one.rupture.is_open]):
        one = max(ruptures, key=lambda one: one.rupture.session.number, default=None)
        if one is not None and (latest is None or is_part_of(latest, one)):
            points_to = [signal for signal in state.signals if signal.rupture_id == one.rupture.pk]
            return one, next(iter([*points_to, *([latest] if latest else [])]), None)
        if latest is not None:
            return None, latest
    return None, None


def is_part_of(signal: Signal, one: RuptureNow) -> bool:
    """A fall before an earlier one had come back belongs to that one, as on the chart."""
    session, back = signal.session.number, one.followed.back if one.followed else None
    return session <= one.rupture.session.number or (one.rupture.is_open and (back is None or session < back.session))


def attempts_told(focus: RuptureNow) -> list[tuple[RepairAttempt, list[str]]]:
    """What was tried, in order, each with what came after it."""
    numbers = [attempt.session.number for attempt in focus.attempts]
    said = attempts_in_words([focus.followed] if focus.followed else [], numbers)
    return [(attempt, said.get(attempt.session.number, [])) for attempt in focus.attempts]


def stage_of(focus: RuptureNow | None, signal: Signal | None) -> str:
    if focus is None:
        return UNTOUCHED if signal else NONE
    if focus.rupture.state == RESOLVED or (focus.followed is not None and focus.followed.back is not None):
        return SETTLED
    return TRIED if focus.attempts else UNTOUCHED


def shape_of(state: EpisodeState, component: str, focus: RuptureNow | None, signal: Signal | None) -> Shape | None:
    points = state.series.get((state.alliance.code, "client", component), [])
    back = focus.followed.back if focus and focus.followed else None
    fell = focus.rupture.session.number if focus else signal.session.number if signal else None
    return shape(
        {point.session: point.value for point in points},
        dict(state.expected.get(component, {})),
        span=value_range(state.alliance),
        sessions=window([point.session for point in points], around=fell, until=back.session if back else None),
        fell=fell,
        tried=tried_in(focus),
        back=back.session if back else None,
    )


def tried_in(focus: RuptureNow | None) -> Collection[int]:
    return {attempt.session.number for attempt in focus.attempts} if focus else set()
