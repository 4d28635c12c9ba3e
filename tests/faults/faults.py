"""What dies, hangs or runs full in a round, each while something is being written, and how it comes back."""

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import psycopg2

from tests.faults.product import Product, kill, send, wait_until

WAITED = 3
WRITING = "SELECT pid FROM pg_stat_activity WHERE usename = 'alliance_app' AND backend_xid IS NOT NULL"
AT_WORK = "SELECT 1 FROM jobs_job WHERE started_at IS NOT NULL AND finished_at IS NULL AND failed_at IS NULL LIMIT 1"
HANDED = "SELECT 1 FROM jobs_job WHERE handed_at IS NOT NULL AND finished_at IS NULL AND failed_at IS NULL LIMIT 1"
Fault = Callable[[Product, random.Random, float], None]


def in_the_midst(product: Product, query: str = WRITING) -> list[object]:
    """Wait for the moment in which something is written and not yet committed; what the query found then."""
    connection = product.database.connect()
    try:
        with connection.cursor() as cursor:
            end = time.monotonic() + WAITED
            while time.monotonic() < end:
                cursor.execute(query)
                found = [row[0] for row in cursor.fetchall()]
                if found:
                    return found
        return []
    finally:
        connection.close()


def killed(name: str, query: str) -> Fault:
    def fault(product: Product, rng: random.Random, pause: float) -> None:
        program = product.programs[name]
        in_the_midst(product, query)
        program.kill()
        time.sleep(pause)
        program.start()

    return fault


def one_forked(name: str, query: str) -> Fault:
    """One of the processes that a program forked; the program is to replace it by itself."""

    def fault(product: Product, rng: random.Random, pause: float) -> None:
        program = product.programs[name]
        wait_until(lambda: len(program.children) >= 2, what=f"{name} has forked", seconds=60)
        in_the_midst(product, query)
        kill([rng.choice(program.children)])
        time.sleep(pause)
        wait_until(lambda: len(program.children) >= 2, what=f"{name} has forked again", seconds=60)

    return fault


def broker_killed(*, keeps: bool) -> Fault:
    def fault(product: Product, rng: random.Random, pause: float) -> None:
        in_the_midst(product, HANDED)
        product.broker.kill()
        time.sleep(pause)
        product.broker.start(keeps=keeps)

    return fault


def broker_hung(product: Product, rng: random.Random, pause: float) -> None:
    in_the_midst(product, HANDED)
    with stopped(product.broker.family):
        time.sleep(2 * pause)


def database_killed(product: Product, rng: random.Random, pause: float) -> None:
    in_the_midst(product)
    product.database.kill()
    time.sleep(pause)
    product.database.start()


def database_process_killed(product: Product, rng: random.Random, pause: float) -> None:
    """The server then ends all its others, and recovers as after a crash."""
    for pid in in_the_midst(product)[:1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            kill([psutil.Process(pid)])
    wait_until(product.database.is_answering, what="the database recovered by itself", seconds=60)


def database_hung(product: Product, rng: random.Random, pause: float) -> None:
    in_the_midst(product)
    with stopped(product.database.family):
        time.sleep(2 * pause)


@contextmanager
def stopped(family: list[psutil.Process]) -> Iterator[None]:
    send(family, signal.SIGSTOP)
    try:
        yield
    finally:
        send(family, signal.SIGCONT)


def no_connection_left(product: Product, rng: random.Random, pause: float) -> None:
    """Somebody else takes every place, and those who had one lose it."""
    taken = []
    in_the_midst(product)
    end = time.monotonic() + 2 * pause
    try:
        while time.monotonic() < end:
            try:
                taken.append(psycopg2.connect(product.database.url("alliance_app")))
            except psycopg2.OperationalError:
                own = ", ".join(str(connection.info.backend_pid) for connection in taken)
                others = f"usename = 'alliance_app' AND pid NOT IN ({own or 0})"
                product.database.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
                time.sleep(0.05)
    finally:
        for connection in taken:
            connection.close()


def disk_full(product: Product, rng: random.Random, pause: float) -> None:
    """Rows find no room, and then the log of what is written finds none: the server ends, and can't start again."""
    in_the_midst(product)
    with product.database.full_disk():
        time.sleep(pause)
        for _ in range(6):
            with contextlib.suppress(psycopg2.Error):
                product.database.ask("SELECT pg_switch_wal()")
        time.sleep(pause)
    end = time.monotonic() + 5
    while product.database.family and not product.database.is_answering() and time.monotonic() < end:
        time.sleep(0.1)
    if not product.database.is_answering():
        product.database.kill()
        product.database.start()


def all_killed(product: Product, rng: random.Random, pause: float) -> None:
    in_the_midst(product)
    families = [one for program in product.programs.values() for one in program.family]
    kill([*families, *product.broker.family, *product.database.family])
    product.database.stop()
    for program in product.programs.values():
        program.kill()
    product.broker.kill()
    time.sleep(pause)
    product.database.start()
    product.broker.start(keeps=rng.random() < 0.5)
    product.start()


FAULTS: dict[str, Fault] = {
    "web server killed": killed("web", WRITING),
    "one web process killed": one_forked("web", WRITING),
    "worker killed": killed("worker", AT_WORK),
    "one worker process killed": one_forked("worker", AT_WORK),
    "beat killed": killed("beat", WRITING),
    "relay killed": killed("relay", HANDED),
    "broker killed, comes back empty": broker_killed(keeps=False),
    "broker killed, comes back as it was": broker_killed(keeps=True),
    "broker hung": broker_hung,
    "database killed": database_killed,
    "one database process killed": database_process_killed,
    "database hung": database_hung,
    "no connection left": no_connection_left,
    "disk full": disk_full,
    "everything killed at once": all_killed,
}
