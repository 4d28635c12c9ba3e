"""The Celery application: JSON messages that carry a job's id and nothing else."""

import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "alliance_site.settings")

app = Celery("alliance")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def check_database_role(**_: object) -> None:
    from jobs.organisation import refuse_unsafe_database_role

    refuse_unsafe_database_role()
