"""The service's page: which periods and modalities there are, and the summary of one; nothing is worked out here."""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.access import supervised_by
from accounts.models import User
from clients.models import Modality
from jobs.models import Job

from .. import service_figures as drawn
from ..figures import Figure
from ..models import ServiceRun, ServiceSummary
from ..service_charts import CHARTS, CONTENT, NONE, RATED, RETURNS, TRIED, UNTRIED
from ..service_periods import ALL, KINDS, Period
from ..service_words import CONTENT_WORDS, RATED_WORDS, RETURN_WORDS, RUPTURE_WORDS, Shown, shown, therapists

Row = tuple[str, Mapping[str, Any]]
Draw = Callable[[Mapping[str, Any]], Figure]
RUN_NEXT = "dashboards.service_run_next"


def bars(words: dict[str, str], kinds: tuple[str, ...]) -> Draw:
    return lambda body: drawn.bars_figure([(words[kind], body["rows"][kind]) for kind in kinds], of=body["n"])


DRAW: dict[str, Draw] = {
    "completeness": bars(RATED_WORDS, RATED),
    "alliance": drawn.alliance_figure,
    "ruptures": bars(RUPTURE_WORDS, (NONE, TRIED, UNTRIED)),
    "returns": bars(RETURN_WORDS, RETURNS),
    "retention": drawn.retention_figure,
    "outcome": drawn.outcome_figure,
    "lag": drawn.lag_figure,
    "content": bars(CONTENT_WORDS, CONTENT),
}


@dataclass(frozen=True)
class RunState:
    """The latest working out: under way, given up after five attempts, or done; None in `run` before the first."""

    run: ServiceRun | None
    is_given_up: bool

    @property
    def is_under_way(self) -> bool:
        return self.run is not None and self.run.finished_at is None and not self.is_given_up


def run_state(user: User) -> RunState:
    run = ServiceRun.objects.filter(organisation_id=user.organisation_id).order_by("-started_at").first()
    if run is None or run.finished_at is not None:
        return RunState(run, is_given_up=False)
    jobs = Job.objects.filter(task=RUN_NEXT, object_id=run.pk, finished_at=None)
    failed = [failed_at is not None for failed_at in jobs.values_list("failed_at", flat=True)]
    return RunState(run, is_given_up=bool(failed) and all(failed))


@dataclass(frozen=True)
class Choice:
    """One entry of a list to choose from, as it stands in the address."""

    key: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Choices:
    """What there is to choose from; `period` and `modality` are chosen, `summary` is empty where nobody is in both."""

    periods: list[Choice]
    modalities: list[Choice]
    period: str
    modality: str
    period_label: str
    modality_label: str

    @property
    def is_whole(self) -> bool:
        return self.period == ALL and not self.modality


def choices(user: User, *, period: str, modality: str) -> Choices | None:
    """None where there is no such period or modality; with nothing worked out there is all, and no more."""
    rows = list(
        ServiceSummary.objects.visible_to(user)
        .filter(organisation_id=user.organisation_id)
        .values_list("kind", "starts_on", "ends_on", "modality")
    )
    order = list(KINDS)
    periods = sorted({Period(*row[:3]) for row in rows}, key=lambda one: (order.index(one.kind), -ordinal(one)))
    labels = {ALL: KINDS[ALL]} | {one.key: one.label for one in periods}
    names = {"": "All modalities"} | {
        value: str(label) for value, label in Modality.choices if value in {row[3] for row in rows}
    }
    if period not in labels or modality not in names:
        return None
    return Choices(
        periods=[Choice(key, label, key == period) for key, label in labels.items()],
        modalities=[Choice(key, label, key == modality) for key, label in names.items()],
        period=period,
        modality=modality,
        period_label=labels[period],
        modality_label=names[modality],
    )


def ordinal(period: Period) -> int:
    return period.starts_on.toordinal() if period.starts_on else 0


def summary_of(user: User, *, period: str, modality: str) -> ServiceSummary | None:
    """The summary of a period by its key, in one query."""
    found = ServiceSummary.objects.visible_to(user).filter(organisation_id=user.organisation_id, modality=modality)
    kind = ALL if period == ALL else "quarter" if "-q" in period else "year"
    of_kind = found.filter(kind=kind)
    if kind != ALL:
        year = period.partition("-q")[0]
        of_kind = of_kind.filter(starts_on__year=year)
    if kind == "quarter":
        of_kind = of_kind.filter(starts_on__quarter=period.partition("-q")[2])
    return of_kind.first()


def charts_of(user: User, summary: ServiceSummary, chosen: Choices) -> list[Shown]:
    found = []
    for chart in CHARTS:
        if chart.key == "therapists":
            rows = therapist_rows(user, summary)
            is_named = not user.is_administrator
            found.append(therapists(rows, is_whole=chosen.is_whole, is_named=is_named))
        else:
            found.append(shown(chart.key, summary.body.get(chart.key)))
    return found


def figure_of(user: User, summary: ServiceSummary, chosen: Choices, chart: str) -> Figure | None:
    """What is drawn of a chart, on the page as on paper; None where the page shows none."""
    if chart == "therapists":
        rows = therapist_rows(user, summary) if chosen.is_whole else []
        return drawn.therapists_figure(rows) if rows else None
    body = summary.body.get(chart)
    return DRAW[chart](body) if chart in DRAW and body is not None else None


def therapist_rows(user: User, summary: ServiceSummary) -> list[Row]:
    """Those whom the reader supervises by name; to an administrator the others without one; nobody else's.

    In an order that is drawn anew with every working out, the same for everybody and on every visit.
    """
    body = summary.body.get("therapists")
    if not body:
        return []
    names = {str(pk): name for pk, name in supervised_by(user).values_list("pk", "name")}
    found = []
    for therapist, row in body["rows"].items():
        if therapist in names:
            found.append((therapist, (names[therapist], row)))
        elif user.is_administrator:
            found.append((therapist, (f"A therapist with {row['n']} clients", row)))
    return [row for _, row in sorted(found, key=lambda one: lot(summary.pk, one[0]))]


def lot(summary: uuid.UUID, therapist: str) -> str:
    return hashlib.sha256(f"{summary}:{therapist}".encode()).hexdigest()
