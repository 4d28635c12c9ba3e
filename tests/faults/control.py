"""What the product would be without its outbox: the settings of the control run, which has to lose something.

Work is sent to the broker once the transaction has ended, instead of being written in it, and a worker acknowledges a
task before it does it. A harness that finds nothing lost here is blind.
"""

import uuid
from collections.abc import Callable, Collection

from django.apps import AppConfig

from tests.faults.settings import *  # noqa: F403
from tests.faults.settings import INSTALLED_APPS

INSTALLED_APPS += [f"{__name__}.Control"]
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 4


class Control(AppConfig):
    name = "tests.faults"
    label = "control"

    def ready(self) -> None:
        from jobs import actions

        actions.request_jobs = send_after_commit
        actions.run_job = run_at_once


def send_after_commit(*, task: str, object_ids: Collection[uuid.UUID], organisation_id: uuid.UUID) -> None:
    from celery import current_app
    from django.db import transaction

    for object_id in object_ids:
        transaction.on_commit(lambda one=object_id: current_app.send_task(task, args=[str(one)]), robust=True)


def run_at_once(object_id: uuid.UUID, work: Callable[[uuid.UUID], object]) -> None:
    from jobs.actions import organisation_ids
    from jobs.organisation import acting_in

    (only,) = organisation_ids()
    with acting_in(only):
        work(object_id)
