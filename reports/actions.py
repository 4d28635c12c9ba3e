"""A file of ratings into the record: everything or nothing, the same file twice adds nothing, and all of it undone.

One import goes through the same four actions from the command and from the browser: start, map, check, write.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.audit import record_event, record_events
from accounts.models import User
from clients.models import ORIGIN_LENGTH, Client, Episode
from jobs import actions as jobs
from measures.actions import define_measure, make_all_stale, sweep_trends
from measures.catalogue import measure_as_defined
from measures.models import OwnMeasure, Rating, Score
from sessions_app.models import Attendance, Format, TherapySession

from .mapping import ImportedRating, Interpretation, MappingError, Problem, interpret, mapping_of
from .models import ImportBatch, ImportChunk
from .plan import Plan, Terms, answers_of, plan_of
from .reading import Limits, Table, Unreadable, read_table

CHECK, WRITE, UNDO = "reports.check_import", "reports.write_import", "reports.undo_import"
RATINGS_IN_A_STEP = 2_000
LINES_KEPT = 1_000
CONTENT_KEPT = timedelta(days=7)
State = ImportBatch.State
TASKS = {State.CHECKING: CHECK, State.WRITING: WRITE, State.UNDOING: UNDO}


class WrongState(ValidationError):
    """The import is not where this step belongs: somebody else has taken it further, or it is under way."""


@transaction.atomic
def start_import(
    *, file_name: str, content: bytes, reading: dict[str, str] | None = None, limits: Limits | None = None, by: User
) -> ImportBatch:
    """Keep a file and read its columns. Raises Unreadable when it is not a table."""
    table = table_of(content, reading or {}, limits)
    batch = ImportBatch(
        organisation_id=by.organisation_id,
        file_name=file_name[:200],
        file_hash=hashlib.sha256(content).hexdigest(),
        content=content,
        columns=list(table.columns),
        reading=reading or {},
        report={"notes": list(table.notes)},
        created_by=by,
    )
    batch.save(force_insert=True)
    record_event("import.started", batch, organisation_id=by.organisation_id, by=by)
    return batch


def table_of(content: bytes, reading: dict[str, str], limits: Limits | None = None) -> Table:
    known = {name: reading.get(name) or None for name in ("delimiter", "encoding", "sheet")}
    return read_table(content, limits=limits or Limits(), **known)


@transaction.atomic
def map_columns(
    *, batch: ImportBatch, mapping: dict[str, Any], therapist: User, start_date: date | None, by: User
) -> None:
    """Say what the columns are. Raises MappingError, ValidationError, and WrongState once the file is being written."""
    if not therapist.is_therapist:
        raise ValidationError(f"{therapist.name} does not have the role of therapist.")
    mapping_of(mapping)
    move(
        batch,
        (State.UPLOADED, State.REFUSED, State.READY),
        State.CHECKING,
        mapping=mapping,
        therapist=therapist,
        start_date=start_date,
        step=0,
        steps=0,
    )
    record_event("import.mapped", batch, organisation_id=by.organisation_id, by=by)
    jobs.request_job(task=CHECK, object_id=batch.pk, organisation_id=batch.organisation_id)


def move(batch: ImportBatch, sources: Iterable[str], target: str, **values: Any) -> None:
    """Take a batch on from one of some states. Of two who try, one succeeds; raises WrongState for the other."""
    moved = ImportBatch.objects.filter(pk=batch.pk, state__in=list(sources)).update(state=target, **values)
    if not moved:
        raise WrongState("This import has gone on meanwhile. Look at where it is now.")
    batch.state = target
    for name, value in values.items():
        setattr(batch, name, value)


@transaction.atomic
def check_import(*, batch_id: uuid.UUID) -> ImportBatch:
    """Read the whole file and work out what writing it would do. Writes nothing but the report and the chunks."""
    batch = check_next_step(batch_id=batch_id)
    while batch.state == State.CHECKING:
        batch = check_next_step(batch_id=batch_id)
    return batch


@transaction.atomic
def check_next_step(*, batch_id: uuid.UUID) -> ImportBatch:
    """The first step reads the file into chunks, each of the others plans one: no step outlasts its worker."""
    batch = ImportBatch.objects.defer("content").select_for_update(no_key=True).get(pk=batch_id)
    if batch.state != State.CHECKING:
        return batch
    try:
        own = own_measures(batch)
        return check_chunk(batch, own) if batch.steps else read_chunks(batch)
    except (Unreadable, MappingError) as error:
        return close_check(batch, {"failure": str(error)}, steps=0)
    except ValidationError as error:
        return close_check(batch, {"failure": " ".join(error.messages)}, steps=0)


def read_chunks(batch: ImportBatch) -> ImportBatch:
    ImportChunk.objects.filter(batch=batch).delete()
    assert batch.content is not None
    table = table_of(bytes(batch.content), batch.reading)
    found = interpret(table, mapping_of(batch.mapping))
    report = {**counts_of(found), "notes": list(table.notes)}
    if found.problems:
        add_problems(report, found.problems, found.more_problems)
        return close_check(batch, report, steps=0)
    report["first_session"] = min((rating.session for rating in found.ratings), default=1)
    steps = 0
    for steps, part in enumerate(chunks_of(found.ratings), start=1):
        ImportChunk(
            organisation_id=batch.organisation_id,
            batch=batch,
            position=steps - 1,
            ratings=[as_list(rating) for rating in part],
        ).save(force_insert=True)
    if not steps:
        return close_check(batch, report, steps=0)
    move(batch, [State.CHECKING], State.CHECKING, report=report, step=0, steps=steps)
    return batch


def check_chunk(batch: ImportBatch, own: Iterable[OwnMeasure]) -> ImportBatch:
    report = dict(batch.report)
    chunk = ImportChunk.objects.get(batch=batch, position=batch.step)
    plan = plan_of([from_list(kept) for kept in chunk.ratings or []], terms_of(batch, report["first_session"], own))
    add_up(report, plan)
    add_problems(report, plan.problems)
    if batch.step + 1 == batch.steps:
        return close_check(batch, report, steps=batch.steps)
    move(batch, [State.CHECKING], State.CHECKING, report=report, step=batch.step + 1)
    return batch


def add_problems(report: dict[str, Any], problems: Sequence[Problem], more: int = 0) -> None:
    """Keep the first lines and count the rest."""
    kept = [*report["problems"], *([p.row, p.column, p.value, p.message] for p in problems)]
    report["problems"] = kept[:LINES_KEPT]
    report["more_problems"] += more + max(0, len(kept) - LINES_KEPT)


def close_check(batch: ImportBatch, report: dict[str, Any], *, steps: int) -> ImportBatch:
    is_refused = bool(report.get("problems") or report.get("failure"))
    if is_refused:
        ImportChunk.objects.filter(batch=batch).delete()
    move(
        batch,
        [State.CHECKING],
        State.REFUSED if is_refused else State.READY,
        report=report,
        step=0,
        steps=0 if is_refused else steps,
    )
    return batch


def counts_of(found: Interpretation) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "rows_without_rating": found.rows_without_rating,
        "ratings": len(found.ratings),
        "clients": found.clients,
        "gaps": len(found.gaps),
        "unused": list(found.unused[:LINES_KEPT]),
        "written": 0,
        "superseded": 0,
        "unchanged": 0,
        "new_clients": 0,
        "new_sessions": 0,
        "mismatches": 0,
        "mismatch_lines": [],
        "problems": [],
        "more_problems": 0,
    }


def add_up(report: dict[str, Any], plan: Plan) -> None:
    report["written"] += len(plan.ratings) - len(plan.superseding)
    report["superseded"] += len(plan.superseding)
    report["unchanged"] += plan.unchanged
    report["new_clients"] += len(plan.clients)
    report["new_sessions"] += len(plan.meetings)
    report["mismatches"] += len(plan.mismatches)
    report["mismatch_lines"] = [*report["mismatch_lines"], *plan.mismatches][:LINES_KEPT]


def own_measures(batch: ImportBatch) -> list[OwnMeasure]:
    """The measures that a mapping defines, saved or not. Raises ValidationError where one is defined otherwise."""
    by = batch.written_by or batch.created_by
    return [measure_as_defined(**vars(spec), by=by) for spec in mapping_of(batch.mapping).own_measures]


def terms_of(batch: ImportBatch, first_session: int, own: Iterable[OwnMeasure]) -> Terms:
    mapping = mapping_of(batch.mapping)
    assert batch.therapist is not None
    by = batch.written_by or batch.created_by
    therapists = {user.email.lower(): user for user in User.objects.filter(is_therapist=True, is_active=True)}
    return Terms(
        by=by,
        therapist=batch.therapist,
        therapists=therapists if mapping.therapist else {},
        own={measure.code: measure.as_instrument() for measure in own},
        start_date=batch.start_date,
        first_session=first_session,
        origin=f"From the file {batch.file_name}. {mapping.source or ''}".strip()[:ORIGIN_LENGTH],
        client_column=mapping.client,
        session_column=mapping.session_date or mapping.session_number or mapping.client,
        today=timezone.localdate(),
        now=timezone.now(),
    )


def chunks_of(ratings: Sequence[ImportedRating]) -> Iterator[list[ImportedRating]]:
    """The ratings in parts of about two thousand, each client's all in one part."""
    by_client: dict[str, list[ImportedRating]] = {}
    for rating in ratings:
        by_client.setdefault(rating.client, []).append(rating)
    part: list[ImportedRating] = []
    for of_client in by_client.values():
        part += of_client
        if len(part) >= RATINGS_IN_A_STEP:
            yield part
            part = []
    if part:
        yield part


def as_list(rating: ImportedRating) -> list[Any]:
    return [
        *(rating.client, rating.session, rating.phase, rating.label),
        rating.held_on.isoformat() if rating.held_on else None,
        *(rating.instrument, rating.rater, rating.given, rating.totals, rating.expected, rating.row, rating.therapist),
    ]


def from_list(kept: list[Any]) -> ImportedRating:
    client, session, phase, label, held_on, instrument, rater, given, totals, expected, row, therapist = kept
    day = date.fromisoformat(held_on) if held_on else None
    answers = None if given is None else tuple(given)
    return ImportedRating(
        client, session, phase, label, day, instrument, rater, answers, totals, expected, row, therapist
    )


@transaction.atomic
def write_import(*, batch: ImportBatch, by: User) -> None:
    """Write what was checked, in steps. Raises WrongState when it is not checked, or written already."""
    move(batch, [State.READY], State.WRITING, written_by=by, written_at=Now(), step=0)
    for measure in own_measures(batch):
        define_measure(measure=measure, by=by)
    record_event("import.written", batch, organisation_id=by.organisation_id, by=by)
    jobs.request_job(task=WRITE, object_id=batch.pk, organisation_id=batch.organisation_id)


@transaction.atomic
def write_next_step(*, batch_id: uuid.UUID) -> ImportBatch:
    """Write one chunk. Where the record has changed since the check and it no longer fits, undo what was written."""
    batch = ImportBatch.objects.defer("content").select_for_update(no_key=True).get(pk=batch_id)
    if batch.state != State.WRITING:
        return batch
    chunk = ImportChunk.objects.filter(batch=batch, ratings__isnull=False).order_by("position").first()
    if chunk is None:
        ImportBatch.objects.filter(pk=batch.pk).update(state=State.WRITTEN, content=None)
        batch.state = State.WRITTEN
        sweep_trends(organisation_id=batch.organisation_id)
        return batch
    terms = terms_of(batch, batch.report["first_session"], own_measures(batch))
    plan = plan_of([from_list(kept) for kept in chunk.ratings or []], terms)
    if plan.problems:
        failure = f"The record has changed since the check. {plan.problems[0]}"
        ImportBatch.objects.filter(pk=batch.pk).update(report={**batch.report, "failure": failure})
        start_undoing(batch, by=batch.written_by)
        return batch
    write(plan, batch)
    chunk.ratings, chunk.made = None, made_by(plan)
    chunk.save(update_fields=["ratings", "made"])
    batch.step += 1
    batch.save(update_fields=["step"])
    return batch


def write(plan: Plan, batch: ImportBatch) -> None:
    by, now = batch.written_by, timezone.now()
    assert by is not None
    Client.objects.bulk_create(plan.clients)
    Episode.objects.bulk_create(plan.episodes)
    insert(
        TherapySession,
        (
            {
                "id": str(meeting.id),
                "episode_id": str(meeting.episode.pk),
                "number": meeting.number,
                "held_on": meeting.held_on.isoformat(),
                "is_date_assumed": meeting.is_date_assumed,
                "phase": meeting.phase,
                "label": meeting.label,
            }
            for meeting in plan.meetings
        ),
        organisation_id=batch.organisation_id,
        attendance=Attendance.ATTENDED.value,
        format=Format.NOT_RECORDED.value,
        note="",
        version=1,
        created_at=now,
        created_by_id=by.pk,
        # Nobody will rate these from the therapist's chair any more: there is nothing to keep independent.
        waived_at=now,
        waived_by_id=by.pk,
    )
    replaced = [rating.replaces for rating in plan.superseding if rating.replaces]
    Rating.objects.filter(pk__in=replaced).update(superseded_at=Now())
    noon = f"T12:00 {batch.organisation.time_zone}"  # of that day, where the service is: the file knows no hour
    insert(
        Rating,
        (
            {
                "id": str(rating.id),
                "session_id": str(rating.meeting.id),
                "instrument": rating.source.instrument,
                "rater": rating.source.rater,
                "edition_version": rating.edition.version,
                "answers": answers_of(rating.source),
                "submitted_at": rating.meeting.held_on.isoformat() + noon,
            }
            for rating in plan.ratings
        ),
        organisation_id=batch.organisation_id,
        comment="",
        do_not_raise=False,
        submitted_by_id=by.pk,
    )
    for before, rating in zip(replaced, plan.superseding, strict=True):
        Rating.objects.filter(pk=before).update(superseded_by=rating.id)
    insert(
        Score,
        (
            {
                "rating_id": str(rating.id),
                "scale": score.scale,
                "value": score.value,
                "mean": score.mean,
                "is_prorated": score.prorated,
                "reason": score.reason or "",
            }
            for rating in plan.ratings
            for score in rating.scores.values()
        ),
        organisation_id=batch.organisation_id,
    )
    episodes = {rating.meeting.episode for rating in plan.ratings}
    record_events(
        "ratings.imported",
        [(episode, episode.client_id) for episode in episodes],
        organisation_id=batch.organisation_id,
        by=by,
    )
    make_all_stale([episode.pk for episode in episodes], organisation_id=batch.organisation_id, ask_later=True)


def insert(model: type[models.Model], rows: Iterable[dict[str, Any]], **same: Any) -> None:
    """Add rows without an object for each: a file of a hundred thousand ratings has half a million scores.

    `same` are the columns with one value in all rows; a row without an id gets one.
    """
    kept = list(rows)
    if not kept:
        return
    columns = {field.column: field.db_type(connection) for field in model._meta.concrete_fields}
    typed = ", ".join(f"{name} {columns[name]}" for name in kept[0])
    names = ", ".join([*kept[0], *same, *([] if "id" in kept[0] else ["id"])])
    values = ", ".join([*kept[0], *(["%s"] * len(same)), *([] if "id" in kept[0] else ["gen_random_uuid()"])])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({names}) SELECT {values} "  # noqa: S608 — names of our own columns  # nosec B608
            f"FROM jsonb_to_recordset(%s) AS row ({typed})",
            [*same.values(), json.dumps(kept)],
        )


def made_by(plan: Plan) -> dict[str, list[str]]:
    return {
        "rating": [str(rating.id) for rating in plan.ratings],
        "session": [str(meeting.id) for meeting in plan.meetings],
        "episode": [str(episode.pk) for episode in plan.episodes],
        "client": [str(client.pk) for client in plan.clients],
    }


@transaction.atomic
def undo_import(*, batch: ImportBatch, by: User) -> None:
    """Take back, in steps, what an import wrote; also one that stopped half-way. Raises WrongState."""
    start_undoing(batch, by=by)


def start_undoing(batch: ImportBatch, *, by: User | None) -> None:
    ImportChunk.objects.filter(batch=batch, ratings__isnull=False).delete()
    move(
        batch,
        [State.WRITTEN, State.WRITING],
        State.UNDOING,
        undone_by=by,
        undone_at=Now(),
        step=0,
        steps=ImportChunk.objects.filter(batch=batch).count(),
        content=None,
    )
    record_event("import.undone", batch, organisation_id=batch.organisation_id, by=by)
    jobs.request_job(task=UNDO, object_id=batch.pk, organisation_id=batch.organisation_id)


@transaction.atomic
def undo_next_step(*, batch_id: uuid.UUID) -> ImportBatch:
    """Take back the ratings of one chunk, and what came with them and nobody has used since."""
    batch = ImportBatch.objects.defer("content").select_for_update(no_key=True).get(pk=batch_id)
    if batch.state != State.UNDOING:
        return batch
    chunk = ImportChunk.objects.filter(batch=batch).order_by("-position").first()
    if chunk is None:
        batch.state = State.UNDONE
        batch.save(update_fields=["state"])
        sweep_trends(organisation_id=batch.organisation_id)
        return batch
    withdraw_ratings([uuid.UUID(made) for made in chunk.made["rating"]], batch)
    kept = dict(batch.report.get("kept", {}))
    for kind, model in (("session", TherapySession), ("episode", Episode), ("client", Client)):
        if stayed := remove_unused(model, chunk.made[kind]):
            kept[kind] = kept.get(kind, 0) + stayed
    chunk.delete()
    batch.step += 1
    batch.report = {**batch.report, "kept": kept}
    batch.save(update_fields=["step", "report"])
    return batch


def withdraw_ratings(ids: list[uuid.UUID], batch: ImportBatch) -> None:
    """Delete imported ratings; one that they took the place of is current again, unless a later one has it."""
    ratings = Rating.objects.filter(pk__in=ids)
    episodes = dict(ratings.values_list("session__episode_id", "session__episode__client_id").distinct())
    successors = dict(ratings.filter(superseded_by__isnull=False).values_list("pk", "superseded_by_id"))
    earlier = list(Rating.objects.filter(superseded_by__in=ids).exclude(pk__in=ids))
    ratings.update(superseded_at=Now(), superseded_by=None)
    for rating in earlier:
        assert rating.superseded_by_id is not None
        rating.superseded_by_id = successors.get(rating.superseded_by_id)
        if rating.superseded_by_id is None:
            rating.superseded_at = None
        rating.save(update_fields=["superseded_at", "superseded_by"])
    Score.objects.filter(rating__in=ids)._raw_delete("default")
    ratings.delete()
    record_events(
        "ratings.import_undone",
        [(Episode(pk=episode), client) for episode, client in episodes.items()],
        organisation_id=batch.organisation_id,
        by=batch.undone_by,
    )
    make_all_stale(list(episodes), organisation_id=batch.organisation_id, ask_later=True)


def remove_unused(model: type[models.Model], ids: list[str]) -> int:
    """Delete those of some rows that nothing holds on to and nobody has changed; returns how many stay."""
    unused = model._default_manager.filter(pk__in=ids)
    if any(field.name == "version" for field in model._meta.concrete_fields):
        unused = unused.filter(version=1)
    for relation in model._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ForeignObjectRel) and relation.on_delete is models.PROTECT:
            holds = relation.related_model._default_manager.filter(**{relation.field.name: models.OuterRef("pk")})
            unused = unused.filter(~models.Exists(holds))
    going = list(unused.values_list("pk", flat=True))
    model._default_manager.filter(pk__in=going).delete()
    return len(ids) - len(going)


@transaction.atomic
def retry_import(*, batch: ImportBatch, by: User) -> None:
    """Ask anew for the step at which an import stopped. Raises WrongState when nothing is under way."""
    task = TASKS.get(State(batch.state))
    if task is None:
        raise WrongState("This import has gone on meanwhile. Look at where it is now.")
    record_event("import.retried", batch, organisation_id=batch.organisation_id, by=by)
    jobs.request_job(task=task, object_id=batch.pk, organisation_id=batch.organisation_id)


@transaction.atomic
def discard_import(*, batch: ImportBatch, by: User) -> None:
    """Forget a file that was not written; the audit trail remembers that it was there."""
    if batch.state not in (State.UPLOADED, State.REFUSED, State.READY):
        raise WrongState("Only a file that was not written can be discarded. Undo it instead.")
    record_event("import.discarded", batch, organisation_id=batch.organisation_id, by=by)
    batch.delete()


@transaction.atomic
def forget_old_files(*, organisation_id: uuid.UUID) -> int:
    """Remove the content of files that nobody has written within a week: nothing clinical waits for ever."""
    waiting = ImportBatch.objects.filter(
        organisation_id=organisation_id,
        state__in=[State.UPLOADED, State.CHECKING, State.REFUSED, State.READY],
        created_at__lt=Now() - CONTENT_KEPT,
    )
    return waiting.delete()[0]


def import_now(*, batch: ImportBatch, by: User) -> ImportBatch:
    """Check and write in the caller's transaction. Stops at a refusal, and where the file brings nothing new."""
    batch = check_import(batch_id=batch.pk)
    if batch.state != State.READY or not (batch.report["written"] or batch.report["superseded"]):
        return batch
    write_import(batch=batch, by=by)
    while batch.state == State.WRITING:
        batch = write_next_step(batch_id=batch.pk)
    return batch
