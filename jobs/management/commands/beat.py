"""Celery's beat behind a PostgreSQL advisory lock: however many are started, one beats."""

import time
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from alliance_site.celery import app
from alliance_site.logs import log_what_ends_this_process
from jobs.organisation import refuse_unsafe_database_role

LOCK = 7_210_433


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        log_what_ends_this_process()
        refuse_unsafe_database_role()
        while not self.has_lock():
            time.sleep(5)
        app.Beat(scheduler_cls="celery.beat:Scheduler", loglevel="WARNING", quiet=True, max_interval=5).run()

    def has_lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            return bool(cursor.fetchone()[0])
