"""What speaks for a signal: sessions below what was expected, or falls after the preset that the service chose."""

import math
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from accounts.models import Organisation
from measures.models import Trend
from measures.priors import Judgement
from measures.statistics.expectation import RULE
from measures.statistics.joint import JointLook

from .detection import PRESETS, Preset, fall_limits, rupture_episodes
from .wording import Number

Key = tuple[str, str]


@dataclass(frozen=True)
class Evidence:
    """A noticed session of one instrument. `observed` has every score that was judged, `later` counts rated sessions
    after it; the other fields are those of the signal."""

    session: int
    instrument: str
    rule: str
    rater: str
    scale: str
    rate: str
    tail: float | None
    group: tuple[Key, ...]
    numbers: tuple[Number, ...]
    later: int

    @property
    def values(self) -> dict[str, Any]:
        return {
            "instrument": self.instrument,
            "rule": self.rule,
            "rater": self.rater,
            "scale": self.scale,
            "rate": self.rate,
            "tail": self.tail,
            "group": [list(key) for key in self.group],
            "numbers": [asdict(number) for number in self.numbers],
        }


def preset_of(organisation_id: uuid.UUID) -> Preset | None:
    """The preset that signals follow in place of our own rule; None where it is ours."""
    return PRESETS.get(Organisation.objects.values_list("signal_preset", flat=True).get(pk=organisation_id))


def of_looks(judgements: Iterable[Judgement]) -> list[Evidence]:
    """Sessions below what was expected of them, all scales and raters of a session judged together."""
    return [
        Evidence(
            session=look.session,
            instrument=judgement.instrument,
            rule=RULE,
            rater=leading_rater(look),
            scale=look.lowest[1],
            rate=judgement.rate.name,
            tail=look.tail,
            group=look.group,
            numbers=tuple(
                Number(
                    rater=key[0],
                    scale=key[1],
                    observed=single.observed,
                    low=single.low,
                    high=single.high,
                    earlier_n=single.earlier_n,
                    is_starting=judgement.priors[key].is_starting,
                )
                for key, single in look.looks.items()
            ),
            later=sum(other.session > look.session for other in judgement.looks),
        )
        for judgement in judgements
        for look in judgement.looks
        if look.is_signal
    ]


def leading_rater(look: JointLook) -> str:
    """Whose rating the sentence is about: the client's, where it is among what fell."""
    rater, scale = look.lowest
    return "client" if ("client", scale) in look.group else rater


def of_falls(preset: Preset, episode_id: uuid.UUID) -> list[Evidence]:
    """Falls of a judged scale from one scored session to the next.

    Of a session with several the deepest leads, as the client rates it where that one fell too.
    """
    falls: dict[tuple[str, int], list[tuple[float, Number, int]]] = {}
    for trend in Trend.objects.filter(episode_id=episode_id, prior__isnull=False).select_related("prior"):
        assert trend.prior is not None
        scored = [(session, value) for session, value in trend.points if value is not None and session > 0]
        sessions, values = [session for session, _ in scored], [value for _, value in scored]
        sizes = {"sd_of_change": math.sqrt(2) * trend.prior.within_sd, "reliable_change": trend.reliable_criterion}
        limits = fall_limits(values, preset, **sizes)
        if limits is None:
            continue
        for found in rupture_episodes(sessions, values, preset, **sizes) or ():
            at = sessions.index(found.session)
            number = Number(
                rater=trend.rater,
                scale=trend.scale,
                observed=values[at],
                low=found.peak - limits.tolerance,
                high=found.peak,
                earlier_n=at,
                is_starting=trend.prior.is_starting,
                from_session=sessions[at - 1],
                smallest_fall=limits.smallest,
            )
            depth = found.drop / limits.smallest
            falls.setdefault((trend.instrument, found.session), []).append((depth, number, len(values) - at - 1))
    return [evidence_of_falls(preset, *key, found) for key, found in falls.items()]


def evidence_of_falls(
    preset: Preset, instrument: str, session: int, falls: list[tuple[float, Number, int]]
) -> Evidence:
    scale = max(falls, key=lambda fall: fall[0])[1].scale
    of_scale = sorted((fall for fall in falls if fall[1].scale == scale), key=lambda fall: fall[1].rater != "client")
    _depth, deepest, later = of_scale[0]
    numbers = tuple(number for _, number, _ in falls)
    return Evidence(
        session=session,
        instrument=instrument,
        rule=preset.name,
        rater=deepest.rater,
        scale=deepest.scale,
        rate="",
        tail=None,
        group=tuple((number.rater, number.scale) for number in numbers),
        numbers=numbers,
        later=later,
    )
