import time
import uuid
from collections.abc import Callable

from jobs import actions as jobs
from jobs.tasks import job_task, stepwise_job_task

from . import actions
from .exports import actions as exports
from .models import ImportBatch
from .privacy import erasure, retention

State = ImportBatch.State
SECONDS_AT_A_TIME = 3
# Each step of an export is kept by itself; other work of the queue waits no longer than this.
SECONDS_OF_AN_EXPORT = 10


@job_task(actions.CHECK)
def check_import(batch_id: uuid.UUID) -> None:
    go_on(actions.check_next_step, batch_id, actions.CHECK, State.CHECKING)


@job_task(actions.WRITE)
def write_import(batch_id: uuid.UUID) -> None:
    go_on(actions.write_next_step, batch_id, actions.WRITE, State.WRITING)


@job_task(actions.UNDO)
def undo_import(batch_id: uuid.UUID) -> None:
    go_on(actions.undo_next_step, batch_id, actions.UNDO, State.UNDOING)


@job_task("reports.forget_old_files")
def forget_old_files(organisation_id: uuid.UUID) -> None:
    actions.forget_old_files(organisation_id=organisation_id)
    exports.forget_old_exports(organisation_id=organisation_id)


@stepwise_job_task(exports.MAKE)
def make_export(export_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    started = time.monotonic()
    goes_on = exports.take_step(export_id=export_id, organisation_id=organisation_id)
    while goes_on and time.monotonic() - started < SECONDS_OF_AN_EXPORT:
        goes_on = exports.take_step(export_id=export_id, organisation_id=organisation_id)
    if goes_on:
        jobs.request_job(task=exports.MAKE, object_id=export_id, organisation_id=organisation_id)


@stepwise_job_task(erasure.ERASE)
def erase_client(erasure_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    started = time.monotonic()
    goes_on = erasure.take_step(erasure_id=erasure_id, organisation_id=organisation_id)
    while goes_on and time.monotonic() - started < SECONDS_OF_AN_EXPORT:
        goes_on = erasure.take_step(erasure_id=erasure_id, organisation_id=organisation_id)
    if goes_on:
        jobs.request_job(task=erasure.ERASE, object_id=erasure_id, organisation_id=organisation_id)


@job_task("reports.keep_retention")
def keep_retention(organisation_id: uuid.UUID) -> None:
    retention.keep_retention(organisation_id=organisation_id)


@job_task(exports.TELL)
def tell_export_ready(export_id: uuid.UUID) -> None:
    exports.tell_export_ready(export_id=export_id)


def go_on(step: Callable[..., ImportBatch], batch_id: uuid.UUID, task: str, state: str) -> None:
    """Take steps for some seconds, then ask for the next ones in the same transaction, so that progress shows."""
    started = time.monotonic()
    batch = step(batch_id=batch_id)
    while batch.state == state and time.monotonic() - started < SECONDS_AT_A_TIME:
        batch = step(batch_id=batch_id)
    if batch.state == state:
        jobs.request_job(task=task, object_id=batch.pk, organisation_id=batch.organisation_id)
