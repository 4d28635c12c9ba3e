"""Hands waiting jobs to Celery, four times a second, and takes back those that got lost."""

import signal
import threading
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from alliance_site.logs import log_what_ends_this_process
from jobs import actions
from jobs.organisation import refuse_unsafe_database_role

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        log_what_ends_this_process()
        refuse_unsafe_database_role()
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        next_look_for_lost = time.monotonic()
        while not stop.is_set():
            try:
                if time.monotonic() >= next_look_for_lost:
                    actions.put_back_lost_jobs()
                    next_look_for_lost = time.monotonic() + 15
                jobs = actions.take_waiting_jobs()
                all_taken = actions.hand_over(jobs) == len(jobs)
            except DatabaseError as error:
                log.warning("database out of reach", error=type(error).__name__)
                close_old_connections()
                jobs, all_taken = [], False
            if not all_taken:
                stop.wait(1)
            elif not jobs:
                stop.wait(0.25)
