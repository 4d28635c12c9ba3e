"""The rows about one client, table by table, by the ways that `accounts.classification.ABOUT` knows."""

import uuid
from collections.abc import Iterable
from functools import cache, reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.db.models import Count, Model, Q, QuerySet, Value

from accounts.classification import ABOUT

CLIENT, SUMMARY, ERASURE = "clients.Client", "dashboards.EpisodeSummary", "reports.Erasure"
# What the rows of a table are called on a page: one, and several.
WORDS: dict[str, tuple[str, str]] = {
    "clients.Client": ("code, name and address", "codes, names and addresses"),
    "clients.Episode": ("episode", "episodes"),
    "clients.Goal": ("goal", "goals"),
    "clients.Task": ("task", "tasks"),
    "clients.Agreement": ("entry of the agreement log", "entries of the agreement log"),
    "clients.AttainmentScale": ("set of levels of a goal", "sets of levels of a goal"),
    "clients.EngagementObjective": ("objective of the engagement phase", "objectives of the engagement phase"),
    "clients.Expectations": ("record of what both expect", "records of what both expect"),
    "clients.NeedsAssessment": ("assessment of needs", "assessments of needs"),
    "sessions_app.LogDraft": ("draft of a log", "drafts of a log"),
    "sessions_app.TherapySession": ("session", "sessions"),
    "sessions_app.GoalProgress": ("progress of a goal", "steps of progress of a goal"),
    "sessions_app.TaskOutcome": ("outcome of a task", "outcomes of a task"),
    "sessions_app.FirstChallenge": ("mark of the first challenge", "marks of the first challenge"),
    "sessions_app.CoreConditions": ("rating of the core conditions", "ratings of the core conditions"),
    "sessions_app.ProcessNote": ("process note", "process notes"),
    "measures.Rating": ("rating", "ratings"),
    "measures.RiskAnswer": ("answer about harm", "answers about harm"),
    "measures.CommentFollowUp": ("follow-up of a comment", "follow-ups of comments"),
    "measures.Score": ("score", "scores"),
    "measures.RatingRequest": ("link for a rating", "links for ratings"),
    "measures.Invitation": ("e-mail with a link", "e-mails with a link"),
    "measures.EpisodeSeries": ("state of the trends", "states of the trends"),
    "measures.Trend": ("trend", "trends"),
    "measures.BatteryOverride": ("choice of what is rated", "choices of what is rated"),
    "ruptures.Signal": ("signal", "signals"),
    "ruptures.Rupture": ("rupture", "ruptures"),
    "ruptures.RepairAttempt": ("repair attempt", "repair attempts"),
    "dashboards.EpisodeSummary": ("summary of an episode", "summaries of an episode"),
    "dashboards.EpisodeFacts": ("count of an episode for the service", "counts of an episode for the service"),
    "supervision.AgendaItem": ("place on an agenda of supervision", "places on an agenda of supervision"),
    "supervision.NextStep": ("step agreed in supervision", "steps agreed in supervision"),
    "reports.LegalHold": ("legal hold, lifted", "legal holds, lifted"),
    "reports.RetentionNotice": ("notice that it is due", "notices that it is due"),
    "reports.Erasure": ("earlier request to erase", "earlier requests to erase"),
    "reports.Export": ("pack for the client", "packs for the client"),
    "reports.ExportPart": ("piece of a pack", "pieces of packs"),
}


def model_of(label: str) -> Any:
    return apps.get_model(label)


def references(model: type[Model]) -> list[str]:
    """The tables about a client that this one points at, itself left out."""
    fields = (field.related_model for field in model._meta.concrete_fields if field.is_relation)
    found = {other._meta.label for other in fields if other and not isinstance(other, str)}
    return sorted(found & set(ABOUT) - {model._meta.label})


@cache
def order() -> tuple[str, ...]:
    """Every table about a client, whatever points at another before that one.

    Deleted in this order, the way from a row to its client is there as long as the row is. The database begins a
    summary anew whenever sessions change: it goes after them.
    """
    pointing: dict[str, list[str]] = {label: [] for label in ABOUT}
    for label in ABOUT:
        for other in references(model_of(label)):
            pointing[other].append(label)
    pointing["sessions_app.TherapySession"] = [one for one in pointing["sessions_app.TherapySession"] if one != SUMMARY]
    found: list[str] = []

    def visit(label: str) -> None:
        if label not in found:
            for other in sorted(pointing[label], key=lambda other: (other == SUMMARY, other)):
                visit(other)
            found.append(label)

    visit(CLIENT)
    return tuple(found)


def rows_about(label: str, client_id: uuid.UUID) -> QuerySet[Any]:
    """An erasure is no row about the client while it is asked for or carried out: it ends as the proof."""
    ways = reduce(or_, (Q(**{path: client_id}) for path in ABOUT[label]))
    found: QuerySet[Any] = model_of(label)._base_manager.filter(ways)
    if label == ERASURE:
        return found.exclude(state__in=["requested", "erasing"])
    return found


def counts(client_id: uuid.UUID) -> dict[str, int]:
    """How many rows each table has about the client, those without any left out, in one query."""
    first, *others = (
        rows_about(label, client_id)
        .order_by()
        .annotate(table=Value(label))
        .values("table")
        .annotate(rows=Count("pk"))
        .values_list("table", "rows")
        for label in order()
    )
    found = dict(first.union(*others, all=True))
    return {label: found[label] for label in order() if found.get(label)}


def ids_of(label: str, client_id: uuid.UUID) -> list[str]:
    return [str(pk) for pk in rows_about(label, client_id).values_list("pk", flat=True)]


def in_words(numbers: dict[str, int]) -> list[tuple[str, int]]:
    """For a page: the record from its head down, each kind in words with its number."""
    return [(WORDS[label][numbers[label] != 1], numbers[label]) for label in reversed(order()) if label in numbers]


def existing(ids: dict[str, Iterable[str]]) -> dict[str, int]:
    """How many of some rows are there, by table, whomever they are about now."""
    return {label: model_of(label)._base_manager.filter(pk__in=list(some)).count() for label, some in ids.items()}
