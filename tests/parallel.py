"""Several people at the same moment: each works on a thread and a database connection of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

PATIENCE = 60


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Start all of them together; each one's result, or the exception it ended with."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            start.wait(PATIENCE)
            return work()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@contextmanager
def meanwhile(work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Run `work` on another connection during the block; calling what it yields waits for the result."""

    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        yield lambda: future.result(PATIENCE)


def wait_until(is_so: Callable[[], Any], *, what: str, seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        found = is_so()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
