"""Reads of imports: where each has got to, what its file holds, what taking it back would do."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import models
from django.db.models import F, Func, Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from clients.models import Client, Episode
from jobs.models import Job
from measures.instruments import TOTAL
from measures.models import Rating
from sessions_app.models import TherapySession

from .actions import TASKS, table_of
from .fhir import CompletedRating, KnownScore
from .models import ImportBatch
from .reading import Unreadable

SAMPLES = 3
ROWS_LOOKED_AT = 200
LONGEST_SAMPLE = 24
# Ratings of an import up to which a page tells exactly what of it would stay; beyond, looking would take too long.
LOOKED_INTO = 5_000
State = ImportBatch.State


def imports(user: User) -> QuerySet[ImportBatch]:
    """The organisation's imports, the latest first, without the files themselves."""
    return (
        ImportBatch.objects.filter(organisation_id=user.organisation_id)
        .defer("content", "columns", "mapping")
        .select_related("created_by", "written_by", "undone_by", "therapist")
        .order_by("-created_at")
    )


def import_of(user: User, batch_id: uuid.UUID) -> ImportBatch | None:
    return imports(user).filter(pk=batch_id).first()


def import_to_map(user: User, batch_id: uuid.UUID) -> ImportBatch | None:
    """An import with its file and its columns."""
    return imports(user).defer(None).filter(pk=batch_id).first()


@dataclass(frozen=True)
class Column:
    """A column of a file with the first values that are in it."""

    name: str
    samples: tuple[str, ...]

    @property
    def described(self) -> str:
        return f"{self.name} · {', '.join(self.samples)}" if self.samples else self.name


def columns_of(batch: ImportBatch) -> list[Column]:
    """Every column of a file that is not written yet, with up to three different values from its first rows."""
    found: dict[str, list[str]] = {column: [] for column in batch.columns}
    if batch.content is not None:
        try:
            for _number, cells in islice(table_of(bytes(batch.content), batch.reading).rows, ROWS_LOOKED_AT):
                for samples, cell in zip(found.values(), cells, strict=False):
                    if cell and len(samples) < SAMPLES and (shown := shortened(cell)) not in samples:
                        samples.append(shown)
        except Unreadable:
            pass  # The check says which row it is.
    return [Column(name, tuple(samples)) for name, samples in found.items()]


def shortened(cell: str) -> str:
    text = " ".join(cell.split())
    return text if len(text) <= LONGEST_SAMPLE else f"{text[: LONGEST_SAMPLE - 1]}…"


def remembered(batch: ImportBatch) -> ImportBatch | None:
    """The latest other import of a file with the same columns, in whichever order, whose mapping is known."""
    return (
        ImportBatch.objects.filter(
            organisation_id=batch.organisation_id,
            columns__contains=batch.columns,
            columns__contained_by=batch.columns,
        )
        .exclude(pk=batch.pk)
        .exclude(mapping={})
        .defer("content", "report")
        .select_related("therapist")
        .order_by("-created_at")
        .first()
    )


def is_stopped(batch: ImportBatch) -> bool:
    """Its work was given up after several attempts, and nobody has asked for it since."""
    task = TASKS.get(State(batch.state))
    if task is None:
        return False
    latest = Job.objects.filter(task=task, object_id=batch.pk).order_by("-requested_at", "-available_at").first()
    return latest is not None and latest.failed_at is not None


@dataclass(frozen=True)
class Undoing:
    """What undoing an import would take back and leave: numbers of rows by kind."""

    taken: dict[str, int]
    kept: dict[str, int]
    restored: int
    is_exact: bool = True


# In the order of the record: what comes later may hold on to what comes earlier.
KINDS: dict[str, type[models.Model]] = {
    "rating": Rating,
    "session": TherapySession,
    "episode": Episode,
    "client": Client,
}


def undoing_of(batch: ImportBatch) -> Undoing:
    """As `actions.remove_unused` will decide it: what has been changed, or holds something of somebody else, stays."""
    made_in_all = {kind: count_made(batch, kind) for kind in KINDS}
    if made_in_all["rating"] > LOOKED_INTO:
        return Undoing(in_order(made_in_all), {}, 0, is_exact=False)
    taken, kept = {}, {}
    going: dict[type[models.Model], QuerySet[Any]] = {}
    for kind, model in KINDS.items():
        made = model._default_manager.filter(pk__in=ids_made(batch, kind))
        going[model] = made if model is Rating else made.exclude(stays(model, going))
        if count := going[model].count():
            taken[kind] = count
        if rest := made.count() - count:
            kept[kind] = rest
    ratings = ids_made(batch, "rating")
    restored = Rating.objects.filter(superseded_by__in=ratings).exclude(pk__in=ratings)
    return Undoing(taken, kept, restored.count())


def stays(model: type[models.Model], going: Mapping[type[models.Model], QuerySet[Any]]) -> Q:
    """Changed since it was made, or held by a row that is not going itself."""
    condition = Q(pk__in=[])
    if any(field.name == "version" for field in model._meta.concrete_fields):
        condition = ~Q(version=1)
    for relation in model._meta.related_objects:
        if relation.on_delete is models.PROTECT:
            holds = relation.related_model._default_manager.filter(**{relation.field.name: models.OuterRef("pk")})
            if relation.related_model in going:
                holds = holds.exclude(pk__in=going[relation.related_model].values("pk"))
            condition |= Q(models.Exists(holds))
    return condition


def count_made(batch: ImportBatch, kind: str) -> int:
    lengths = batch.chunks.annotate(
        length=Func(F(f"made__{kind}"), function="jsonb_array_length", output_field=models.IntegerField())
    )
    return lengths.aggregate(total=models.Sum("length"))["total"] or 0


def ids_made(batch: ImportBatch, kind: str) -> RawSQL:
    return RawSQL(
        "SELECT jsonb_array_elements_text(made->%s)::uuid FROM reports_importchunk WHERE batch_id = %s",
        [kind, batch.pk],
    )


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """Numbers of rows by kind, as `KINDS` has them: what is stored comes back in another order."""
    return {kind: counts[kind] for kind in KINDS if counts.get(kind)}


def completed_rating(rating: Rating) -> CompletedRating:
    """A rating as it goes out, with its client's code and without a name."""
    session, client = rating.session, rating.session.episode.client
    scores = {score.scale: score for score in rating.scores.all()}
    whole = scores.get(TOTAL) or scores[min(scores)]
    return CompletedRating(
        id=str(rating.pk),
        rater=rating.rater,
        edition_version=rating.edition_version,
        answers={int(number): answer for number, answer in rating.answers.items()},
        scores={scale: KnownScore(score.value, score.is_prorated, score.reason) for scale, score in scores.items()},
        score_id=str(whole.pk),
        submitted_at=rating.submitted_at,
        is_correction=rating.supersedes.exists(),
        session_id=str(session.pk),
        session_number=session.number,
        held_on=session.held_on,
        is_date_assumed=session.is_date_assumed,
        client_id=str(client.pk),
        client_code=client.code,
        organisation_id=str(rating.organisation_id),
        is_from_paper=rating.entered_at is not None,
    )
