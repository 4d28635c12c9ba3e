"""The product's own processes on throw-away engines, for benchmarks."""

import os
import platform
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from alliance_site import embedded
from alliance_site.stack import PROCESS_ENVIRONMENT, PROCESSES

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def engines(settings: str = "alliance_site.settings") -> Iterator[embedded.Engines]:
    """An empty, migrated database and a queue; Django is set up when this begins. They end with a SIGTERM, too."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as started:
        os.environ.update(
            DJANGO_SETTINGS_MODULE=settings,
            DATABASE_URL=started.database_url,
            DATABASE_OWNER_URL=started.owner_url,
            REDIS_URL=started.redis_url,
            SECRET_KEY="only-for-the-benchmark-0123456789-abcdefghijklmnopqrstuvwxyz",
            ALLOWED_HOSTS="127.0.0.1,testserver",
            HTTPS="0",
            ALLIANCE_HOME=folder,
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        )
        manage("migrate", "--database", "owner", "--verbosity", "0")
        manage("rotate_field_keys", "--if-none")
        import django

        django.setup()
        yield started


def manage(*command: str) -> None:
    subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def superuser_of(started: embedded.Engines) -> str:
    """The superuser's address of the product's own database."""
    return started.superuser_url.replace("@/postgres?", "@/alliance?")


def machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def processes(names: Sequence[str], port: int = 0) -> Iterator[list[psutil.Process]]:
    """The product's processes of these names; they end with the block."""
    common = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}
    running = []
    try:
        for name in names:
            command = shlex.split(PROCESSES[name].format(bind=f"127.0.0.1:{port}"))
            running.append(psutil.Popen(command, cwd=ROOT, env=common | PROCESS_ENVIRONMENT.get(name, {})))
        deadline = time.monotonic() + 60
        while "web" in names and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        time.sleep(5)  # the worker says nothing when it is ready
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=30)
