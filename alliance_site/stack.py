"""Starts the product on one machine: its database and queue if none are given, then its four processes."""

import argparse
import fcntl
import hashlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from honcho.manager import Manager

from alliance_site import embedded

BASE_DIR = Path(__file__).resolve().parent.parent

# docker-compose.yml runs the same commands, on another address.
PROCESSES = {
    "web": (
        "gunicorn alliance_site.wsgi --bind {bind} --workers 2 --threads 4"
        " --graceful-timeout 20 --no-control-socket --log-level warning"
        " --logger-class alliance_site.logs.GunicornLogger"
    ),
    "worker": (
        "celery --quiet -A alliance_site worker --concurrency 2 --without-gossip --without-mingle --loglevel WARNING"
    ),
    "beat": "python manage.py beat",
    "relay": "python manage.py relay",
}
PROCESS_ENVIRONMENT = {"worker": {"STATEMENT_TIMEOUT": "60"}}
ENVIRONMENT_FILE = "environment.json"
PRINTED = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "HTTPS",
    "ALLIANCE_HOME",
    "FIELD_KEYS_FILE",
    "TOMBSTONES_FILE",
    "ALLIANCE_DEMO",
    "PUBLIC_URL",
)
STOP_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m alliance_site.stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start with your own data")
    commands.add_parser("demo", help="start with invented clients to look at")
    commands.add_parser("migrate", help="bring the database up to date and stop")
    commands.add_parser("env", help="print the environment of the running product, for use in another terminal")
    tests = commands.add_parser("test-engines", help="run a command on throw-away servers")
    tests.add_argument("argv", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()

    os.umask(0o077)  # whatever is written is this user's alone
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        if arguments.command == "env":
            print_environment(data_folder())
        elif arguments.command == "test-engines":
            run_on_test_engines(arguments.argv)
        else:
            start(arguments.command)
    except KeyboardInterrupt:
        sys.exit(130)
    except embedded.EngineError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"`{' '.join(map(str, error.cmd))}` failed with exit code {error.returncode}.")


def start(command: str) -> None:
    home = data_folder()
    with only_one(home):
        port = os.environ.get("PORT", "8000")
        if command != "migrate":
            check_free(port)
        with running_engines(home) as engines:
            environment = application_environment(home, engines, demo=command == "demo", port=port)
            owner_environment = environment | {"DATABASE_OWNER_URL": engines.owner_url}
            manage("migrate --database owner --verbosity 0", owner_environment)
            if command == "migrate":
                return
            manage("rotate_field_keys --if-none --skip-checks", environment)
            collect_static(home, environment)
            welcome = f"Alliance is at http://127.0.0.1:{port}/   (stop: Ctrl-C)"
            if command == "demo":
                manage("load_demo --skip-checks", environment | PROCESS_ENVIRONMENT["worker"])
                embedded.gather_statistics(engines.owner_url)
                welcome += "\n\n" + manage("demo_accounts --skip-checks", environment, stdout=subprocess.PIPE)
            else:
                manage("create_administrator --if-none --skip-checks", environment)
            (home / ENVIRONMENT_FILE).write_text(
                json.dumps({name: owner_environment.get(name, "") for name in PRINTED})
            )
            supervise(environment, port, welcome)


# --- The data folder, and one run at a time in it ------------------------------------------------------


def data_folder() -> Path:
    home = Path(os.environ.get("ALLIANCE_HOME") or BASE_DIR / ".alliance").resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            return home
    except OSError as error:
        sys.exit(f"The data folder {home} can't be written to ({error.strerror}); choose another with ALLIANCE_HOME.")


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Every process of a run carries the run's id in its environment, by which the next finds what a crash left."""
    with (home / "run").open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock, not kept alive by forked children
        except OSError:
            sys.exit(f"Alliance is already running from {home}.")
        file.seek(0)
        end_leftovers(file.read())
        run = os.environ["ALLIANCE_RUN"] = uuid.uuid4().hex
        file.truncate(0)
        file.write(run)
        file.flush()
        try:
            yield
        finally:
            ignore_stop_signals()
            end_leftovers(run)
            (home / ENVIRONMENT_FILE).unlink(missing_ok=True)


def is_running(home: Path) -> bool:
    with (home / "run").open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def end_leftovers(run: str) -> None:
    if not run:
        return
    leftovers = [process for process in psutil.process_iter() if is_of(run, process)]
    for process in leftovers:
        process.terminate()
    _, stubborn = psutil.wait_procs(leftovers, timeout=STOP_SECONDS)
    for process in stubborn:
        process.kill()
    psutil.wait_procs(stubborn, timeout=STOP_SECONDS)


def is_of(run: str, process: psutil.Process) -> bool:
    try:
        return bool(process.environ().get("ALLIANCE_RUN") == run)
    except (psutil.Error, OSError):
        return False


def check_free(port: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except (OSError, ValueError, OverflowError):
            sys.exit(f"Port {port} can't be used, perhaps because something else uses it; choose another with PORT.")


# --- What the processes are given -----------------------------------------------------------------------


@contextmanager
def running_engines(home: Path) -> Iterator[embedded.Engines]:
    given = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")}
    if bool(given["DATABASE_URL"]) != bool(given["DATABASE_OWNER_URL"]):
        sys.exit("Give both DATABASE_URL and DATABASE_OWNER_URL, or neither.")
    with embedded.start(home, database=not given["DATABASE_URL"], redis=not given["REDIS_URL"]) as engines:
        engines.database_url = engines.database_url or given["DATABASE_URL"]
        engines.owner_url = engines.owner_url or given["DATABASE_OWNER_URL"]
        engines.redis_url = engines.redis_url or given["REDIS_URL"]
        try:
            yield engines
        finally:
            ignore_stop_signals()


def application_environment(home: Path, engines: embedded.Engines, *, demo: bool, port: str) -> dict[str, str]:
    """The owner's address is left out: only migrations and tests may have it."""
    defaults = {
        "SECRET_KEY": embedded.kept_secret(home, "secret_key"),
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "HTTPS": "0",
        "FIELD_KEYS_FILE": str(home / "field.keys"),
        "TOMBSTONES_FILE": str(home / "tombstones.jsonl"),
        "PYTHONUNBUFFERED": "1",
    }
    if demo:
        defaults["PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    fixed = {
        "DATABASE_URL": engines.database_url,
        "REDIS_URL": engines.redis_url,
        "ALLIANCE_HOME": str(home),
        "ALLIANCE_DEMO": "1" if demo else "0",
        "PORT": port,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    environment = defaults | os.environ | fixed
    environment.pop("DATABASE_OWNER_URL", None)
    return environment


def print_environment(home: Path) -> None:
    try:
        environment = json.loads((home / ENVIRONMENT_FILE).read_text())
    except FileNotFoundError:
        sys.exit(f"Alliance is not running from {home}.")
    for name, value in environment.items():
        print(f"export {name}={shlex.quote(value)}")


# --- One-off commands -----------------------------------------------------------------------------------


def manage(command: str, environment: dict[str, str], *, stdout: int | None = None) -> str:
    argv = [sys.executable, "manage.py", *command.split()]
    done = subprocess.run(argv, env=environment, cwd=BASE_DIR, stdout=stdout, check=True, text=True)  # nosec B603
    return done.stdout


def collect_static(home: Path, environment: dict[str, str]) -> None:
    stamp, state = home / "static.sha256", static_state()
    if stamp.exists() and stamp.read_text() == state:
        return
    manage("collectstatic --noinput --verbosity 0", environment)
    stamp.write_text(state)


def static_state() -> str:
    files = ("requirements.lock", "alliance_site/settings.py", "dashboards/plotly_bundle.py")
    patterns = (*files, "static/**/*", "[!.]*/static/**/*")
    sources = {path for pattern in patterns for path in BASE_DIR.glob(pattern) if path.is_file()}
    state = hashlib.sha256()
    for path in sorted(sources):
        state.update(str(path).encode() + hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()


def run_on_test_engines(argv: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as engines:
        environment = application_environment(Path(folder), engines, demo=False, port="0")
        environment |= {"DATABASE_OWNER_URL": engines.owner_url}
        sys.exit(subprocess.run(argv, env=environment, check=False).returncode)  # nosec B603 # what it was called with


# --- The processes ----------------------------------------------------------------------------------------


def supervise(environment: dict[str, str], port: str, welcome: str) -> None:
    manager = Manager()
    for name, command in PROCESSES.items():
        command = command.format(bind=f"127.0.0.1:{port}")
        own = PROCESS_ENVIRONMENT.get(name, {})
        manager.add_process(name, f"exec {command}", env=environment | own, cwd=str(BASE_DIR))
    threading.Thread(target=announce, args=(f"http://127.0.0.1:{port}/", welcome), daemon=True).start()
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    manager.loop()
    was_asked_to = manager.returncode in {130, 143}
    if not was_asked_to:
        sys.exit("A process ended by itself (named above), so all were stopped.")


def announce(address: str, welcome: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        time.sleep(0.2)
        try:
            direct.open(address, timeout=5).close()
        except urllib.error.HTTPError:
            pass  # an answer, too: what is wrong with it is in the log
        except OSError:
            continue
        print(f"\n{welcome}\n", flush=True)
        return


def ignore_stop_signals() -> None:
    """Stopping is not interrupted by a second, impatient Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
