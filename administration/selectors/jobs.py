"""The organisation's own background work. Nobody sees another's: `jobs.selectors` is asked by organisation."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from jobs import selectors as jobs

from ..words import Kind, error_in_words, kind_of


@dataclass(frozen=True)
class Problem:
    """What ended attempts, in words, with the name that whoever runs the service can look for."""

    words: str
    name: str
    count: int


@dataclass(frozen=True)
class Line:
    """One kind of work that is not done."""

    kind: Kind
    standing: jobs.Standing
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Periodic:
    """Work that the clock asks for: when it did last, and when it was done last, where either is known."""

    kind: Kind
    asked_at: datetime | None
    done_at: datetime | None


@dataclass(frozen=True)
class Work:
    given_up: list[Line]
    open: list[Line]
    periodic: list[Periodic]
    heart: jobs.Heart


def work(user: User, periodic: dict[str, str]) -> Work:
    """All of it, in three queries. `periodic` leads from the names of the clock to the kinds of work."""
    standing = jobs.standing(user.organisation_id)
    heart = jobs.heart(user.organisation_id, periodic.values())
    rows = [
        Periodic(kind_of(task), heart.asked.get(name), heart.done.get(task)) for name, task in sorted(periodic.items())
    ]
    return Work(
        given_up=[line(one, one.given_up) for one in standing if one.given_up],
        open=[line(one, one.again) for one in standing if one.open],
        periodic=sorted(rows, key=lambda row: (row.kind.repeats, row.kind.name)),
        heart=heart,
    )


def line(standing: jobs.Standing, wrong: tuple[jobs.Wrong, ...]) -> Line:
    problems = tuple(Problem(error_in_words(one.error), one.error, one.count) for one in wrong)
    return Line(kind_of(standing.task), standing, problems)


def given_up(user: User, task: str) -> int:
    """How many jobs of one kind were given up."""
    return next((one.number_given_up for one in jobs.standing(user.organisation_id) if one.task == task), 0)
