"""The Celery application: JSON messages that carry a job's id and nothing else."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alliance_site.settings")

app = Celery("alliance")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_the_logging_of_the_settings(**_: object) -> None:
    """Connected, it stops Celery from adding handlers that write errors with their messages."""


@worker_process_init.connect
def check_database_role(**_: object) -> None:
    from jobs.organisation import refuse_unsafe_database_role

    refuse_unsafe_database_role()
