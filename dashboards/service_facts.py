"""What the service's charts need to know of one episode, and nothing that leads to a person but two keys."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from struct import Struct
from typing import Any

# By the client alone: the ending that retention counts. All others are agreed, decided by the service, or a move.
LEFT = "client"
# Session number, goal, task and bond.
Rated = tuple[int, float, float, float]


class Packed(Sequence[Any]):
    """Rows of numbers in a tenth of the memory that tuples take: a large service has a million of them."""

    __slots__ = ("data", "row")

    def __init__(self, row: str, rows: Iterable[Iterable[float]]) -> None:
        self.row = Struct(row)
        self.data = b"".join(self.row.pack(*one) for one in rows)

    def __iter__(self) -> Iterator[Any]:
        return self.row.iter_unpack(self.data)

    def __len__(self) -> int:
        return len(self.data) // self.row.size

    def __getitem__(self, place: Any) -> Any:
        return list(self)[place]


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

    `alliance` holds its number, goal, task and bond of each session of which the client's rating has all three scores;
    `outcome` the session's number and the outcome, higher is better; all placed on 0 to 10 by the range of their
    instrument. `content` is how content the client is looking back, as answered on 0 to 10.
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
    alliance: Sequence[Rated]
    outcome: Sequence[tuple[int, float]]
    ruptures: tuple[FollowedRupture, ...]
    content: float | None
    view: str

    @property
    def has_left(self) -> bool:
        return self.ending == LEFT

    def as_json(self) -> dict[str, Any]:
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        ruptures = [list(astuple(one)) for one in self.ruptures]
        both = {"alliance": list(self.alliance), "outcome": list(self.outcome)}
        return {**found, **both, "started_on": self.started_on.isoformat(), "ruptures": ruptures}

    @classmethod
    def of_json(cls, body: dict[str, Any]) -> "Facts":
        return cls(
            **{
                **body,
                "started_on": date.fromisoformat(body["started_on"]),
                "alliance": Packed("<H3d", body["alliance"]),
                "outcome": Packed("<Hd", body["outcome"]),
                "ruptures": tuple(FollowedRupture(*row) for row in body["ruptures"]),
            }
        )


def placed(mean: float, *, lowest: float, highest: float, is_higher_better: bool = True) -> float:
    """A mean of answers on 0 to 10: (mean − lowest) / (highest − lowest) · 10, turned round where less is better."""
    part = (mean - lowest) / (highest - lowest)
    return round(10 * (part if is_higher_better else 1 - part), 3)
