"""What the service's charts need to know of one episode, and nothing that leads to a person but two keys."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from datetime import date
from typing import Any

from measures.instruments import COMPONENTS

# By the client alone: the ending that retention counts. All others are agreed, decided by the service, or a move.
LEFT = "client"
RANGE = (0.0, 10.0)


@dataclass(frozen=True)
class FollowedRupture:
    """A rupture that is on record as one: whether something was tried, whether the therapist says that it has settled,
    and after how many rated sessions the client's rating of its component was back; `is_followed` where the ratings
    tell, and how many there are after it."""

    was_tried: bool
    is_settled: bool
    is_followed: bool
    back_after: int | None
    rated_after: int


@dataclass(frozen=True)
class Facts:
    """`held` sessions took place, of which the client, the therapist and both have rated the alliance.

    `alliance` holds of each rated session its number, goal, task and bond as the client rates them; `outcome` the
    session's number and the outcome, higher is better; all placed on 0 to 10 by the range of their instrument, None
    where there is no score. `content` is how content the client is looking back, as answered on 0 to 10.
    """

    client: str
    therapist: str
    modality: str
    started_on: date
    ending: str
    held: int
    by_client: int
    by_therapist: int
    by_both: int
    alliance: tuple[tuple[int, float | None, float | None, float | None], ...]
    outcome: tuple[tuple[int, float], ...]
    ruptures: tuple[FollowedRupture, ...]
    content: float | None
    view: str

    @property
    def has_left(self) -> bool:
        return self.ending == LEFT

    def scored(self, component: str) -> Iterator[tuple[int, float]]:
        """Session and score of each session with one."""
        place = COMPONENTS.index(component)
        return ((number, value) for number, *values in self.alliance if (value := values[place]) is not None)

    def as_json(self) -> dict[str, Any]:
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        ruptures = [list(astuple(one)) for one in self.ruptures]
        return {**found, "started_on": self.started_on.isoformat(), "ruptures": ruptures}

    @classmethod
    def of_json(cls, body: dict[str, Any]) -> "Facts":
        return cls(
            **{
                **body,
                "started_on": date.fromisoformat(body["started_on"]),
                "alliance": tuple(tuple(row) for row in body["alliance"]),
                "outcome": tuple(tuple(row) for row in body["outcome"]),
                "ruptures": tuple(FollowedRupture(*row) for row in body["ruptures"]),
            }
        )


def placed(mean: float, *, lowest: float, highest: float, is_higher_better: bool = True) -> float:
    """A mean of answers on 0 to 10: (mean − lowest) / (highest − lowest) · 10, turned round where less is better."""
    part = (mean - lowest) / (highest - lowest)
    return round(10 * (part if is_higher_better else 1 - part), 3)
