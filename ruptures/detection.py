"""Possible ruptures in a course of scores: sudden falls and their repair, slow erosion, and hints beside the scores.

There is no standard criterion (Lipner et al. 2022). One algorithm with the families' numbers as presets: Gumz et al.
(2012) run 1 SD and 2 SD side by side and take the stricter of a client's own and the clients' common variability; the
third preset is ours. Falls and repairs are counted in scored sessions; missed ones are skipped.

    36 37 36 |28| 33 36     a fall of 8 from the peak 36, the score before it; repaired two scored sessions later
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from types import MappingProxyType
from typing import Literal

from measures.statistics import finite
from measures.statistics.congruence import usual_gap_limit
from measures.statistics.expectation import check_rising
from measures.statistics.minimum_n import MINIMUM_N

Status = Literal["repaired", "open", "unrepaired"]


@dataclass(frozen=True)
class Preset:
    """The parameters of one family. A fall counts from `k` SD, and from the reliable change where `is_reliable`.

    The SD is the client's own, of the whole series, or with `is_stricter` the larger of it and the service's SD of
    the change from one session to the next. Repaired means back to within `tolerance` SD of the peak, or with `is_half`
    half the fall made good, within `window` scored sessions.
    """

    name: str
    label: str
    k: float
    is_stricter: bool
    is_reliable: bool
    window: int = 3
    tolerance: float = 0.5
    is_half: bool = False


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset("gumz-lenient", "after Gumz et al. 2012, 1 SD", k=1, is_stricter=True, is_reliable=False),
            Preset("gumz-strict", "after Gumz et al. 2012, 2 SD", k=2, is_stricter=True, is_reliable=False),
            Preset("own-series", "1.5 SD of the client's own, if reliable", k=1.5, is_stricter=False, is_reliable=True),
        )
    }
)


@dataclass(frozen=True)
class RuptureEpisode:
    """A possible rupture, in units of the score: it begins at `session`, with a `drop` from `peak`, the score before.

    `lowest` is the lowest score from there to the repair, or to the end of the window. `status`: repaired at
    `repaired_session`; open while the window reaches beyond the latest scored session; else unrepaired.
    """

    preset: str
    session: int
    peak: float
    drop: float
    lowest: float
    repaired_session: int | None
    status: Status


def rupture_episodes(
    sessions: Sequence[int],
    scores: Sequence[float],
    preset: Preset,
    *,
    sd_of_change: float | None = None,
    reliable_change: float | None = None,
) -> tuple[RuptureEpisode, ...] | None:
    """The possible ruptures of a series in its order of sessions, or None below five scores.

    `sd_of_change` is the service's SD of the change from one session to the next, `reliable_change` the criterion of
    `measures.statistics.reliable_change`, both in units of the score; a preset that needs one which is None gives None.
    A fall within an earlier episode, up to its repair or the end of its window, belongs to that one. Raises ValueError
    for lengths that differ, sessions that do not rise from 1, and a score that is not finite.
    """
    values = _checked(sessions, scores)
    limits = fall_limits(values, preset, sd_of_change=sd_of_change, reliable_change=reliable_change)
    if limits is None:
        return None
    found = []
    last_of_earlier = -1
    for t in range(1, len(values)):
        drop = values[t - 1] - values[t]
        if t <= last_of_earlier or drop <= 0 or drop < limits.smallest:
            continue
        repaired = _repair(values, t, preset, limits.tolerance)
        last_of_earlier = t + preset.window if repaired is None else repaired
        is_open = last_of_earlier >= len(values)
        status: Status = "repaired" if repaired is not None else "open" if is_open else "unrepaired"
        found.append(
            RuptureEpisode(
                preset=preset.name,
                session=sessions[t],
                peak=values[t - 1],
                drop=drop,
                lowest=min(values[t : last_of_earlier + 1]),
                repaired_session=None if repaired is None else sessions[repaired],
                status=status,
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class FallLimits:
    """In units of the score: the `smallest` fall that counts, and how far below the peak is back, the `tolerance`."""

    smallest: float
    tolerance: float


def fall_limits(
    values: Sequence[float],
    preset: Preset,
    *,
    sd_of_change: float | None = None,
    reliable_change: float | None = None,
) -> FallLimits | None:
    """What a preset asks of a fall in this series; None where `rupture_episodes` gives none."""
    if len(values) < MINIMUM_N["rupture_episodes"].n:
        return None
    if (preset.is_stricter and sd_of_change is None) or (preset.is_reliable and reliable_change is None):
        return None
    sd = max(_sd(values), sd_of_change or 0) if preset.is_stricter else _sd(values)
    smallest = max(preset.k * sd, (reliable_change or 0) if preset.is_reliable else 0)
    return FallLimits(smallest, preset.tolerance * sd)


def _repair(values: Sequence[float], t: int, preset: Preset, tolerance: float) -> int | None:
    peak, drop = values[t - 1], values[t - 1] - values[t]
    for s in range(t + 1, min(t + preset.window, len(values) - 1) + 1):
        made_good = values[s] - min(values[t:s])
        if values[s] >= peak - tolerance or (preset.is_half and made_good >= drop / 2):
            return s
    return None


@dataclass(frozen=True)
class Erosion:
    """A run of `falls` falls, each from one scored session to the next: from `first_session`, the score before the
    first of them, to `last_session`; together `fall`, in units of the score."""

    first_session: int
    last_session: int
    falls: int
    fall: float


def gradual_erosion(sessions: Sequence[int], scores: Sequence[float], *, k: float = 1.0) -> Erosion | None:
    """The longest run of falls that together are at least `k` of the series' own SD; the latest of equally long ones.

    A single fall is sudden, not gradual. None below five scores. Raises ValueError as `rupture_episodes` does.
    """
    values = _checked(sessions, scores)
    if len(values) < MINIMUM_N["rupture_episodes"].n:
        return None
    smallest = k * _sd(values)
    best: Erosion | None = None
    start = 0
    for t, (earlier, later) in enumerate(pairwise(values), start=1):
        if later >= earlier:
            start = t
            continue
        falls, fall = t - start, values[start] - later
        if falls > 1 and fall >= smallest and (best is None or falls >= best.falls):
            best = Erosion(sessions[start], sessions[t], falls, fall)
    return best


@dataclass(frozen=True)
class Component:
    """The scale that fell most, `falls` in its own usual within-client SD, without unit."""

    scale: str
    falls: float


def component(
    before: Mapping[str, float | None], now: Mapping[str, float | None], within_sd: Mapping[str, float]
) -> Component | None:
    """Which of goal, task and bond fell most from `before` to `now`, each in its `within_sd`; None if none fell.

    Scales without both scores are left out. Of equal falls the first named stands. Raises ValueError for an SD ≤ 0.
    """
    if not all(math.isfinite(sd) and sd > 0 for sd in within_sd.values()):
        raise ValueError("every SD must be greater than 0")
    found: Component | None = None
    for scale, sd in within_sd.items():
        earlier, later = before.get(scale), now.get(scale)
        if earlier is None or later is None:
            continue
        falls = (earlier - later) / sd
        if falls > (0 if found is None else found.falls):
            found = Component(scale, falls)
    return found


@dataclass(frozen=True)
class TherapistAbove:
    """The therapist rates higher than the client, and by more than this pair's usual gap; rescaled, 0..1."""

    gap: float
    usual_at_most: float
    earlier_n: int


def therapist_above(gaps: Sequence[float]) -> TherapistAbove | None:
    """Judge the last of a pair's `gaps`, therapist minus client on rescaled scores, by the ones before it.

    None where the therapist is not above the client, or not beyond the usual, or fewer than five earlier sessions were
    rated by both. A conversation starter; the gap predicts no outcome.
    """
    if not gaps:
        return None
    *earlier, gap = gaps
    limit = usual_gap_limit(earlier)
    if limit is None or gap <= 0 or gap <= limit:
        return None
    return TherapistAbove(gap, limit, len(earlier))


AFTER_A_DROP = 2
OF_THE_LAST = 4
ENOUGH_MISSED = 2


@dataclass(frozen=True)
class PossibleWithdrawal:
    """Sessions that the client missed or cancelled late, and the session of the fall they followed, if any.

    A hint, worded as such; the reason is asked first.
    """

    missed: tuple[int, ...]
    after_drop: int | None


def possible_withdrawal(
    sessions: Sequence[int], missed: Collection[int], drops: Collection[int]
) -> PossibleWithdrawal | None:
    """Missed or cancelled late within two sessions after a fall, or two of the last four sessions.

    `sessions` are the numbers of all planned sessions so far, rising from 1; `missed` those the client missed or
    cancelled late; `drops` those with a possible rupture. Of several falls the latest counts. The rule is ours.
    """
    check_rising(sessions)
    for drop in sorted(drops, reverse=True):
        following = [session for session in sessions if session > drop][:AFTER_A_DROP]
        away = tuple(session for session in following if session in missed)
        if away:
            return PossibleWithdrawal(away, drop)
    away = tuple(session for session in sessions[-OF_THE_LAST:] if session in missed)
    return PossibleWithdrawal(away, None) if len(away) >= ENOUGH_MISSED else None


def _sd(values: Sequence[float]) -> float:
    """Sample SD; statistics.stdev is exact, and ten times as slow."""
    mean = fmean(values)
    return math.sqrt(math.fsum((value - mean) * (value - mean) for value in values) / (len(values) - 1))


def _checked(sessions: Sequence[int], scores: Sequence[float]) -> tuple[float, ...]:
    values = finite(scores)
    if len(sessions) != len(values):
        raise ValueError("every score needs its session")
    check_rising(sessions)
    return values
