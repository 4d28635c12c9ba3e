"""The product as it is started: real processes, real servers, a data folder of its own."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import psycopg2
import pytest

from alliance_site import embedded
from alliance_site.stack import PROCESSES

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, "-m", "alliance_site.stack", "demo"]
INHERITED = ("PATH", "HOME", "LANG")


class Product:
    def __init__(self, home, port=None, command=DEMO, log=None, **variables):
        self.home = home
        self.port = port or free_port()
        self.log = log or home.with_suffix(".log")
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {"ALLIANCE_HOME": str(home), "PORT": str(self.port), **variables}
        self.environment = environment
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def wait_until_up(self):
        deadline = time.monotonic() + 240
        while "Alliance is at" not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)
        return self

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    @property
    def output(self):
        return self.log.read_text()

    @property
    def first_page(self):
        return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10)

    @property
    def processes(self):
        return [process for process in psutil.process_iter() if names(self.home, process)]

    def query(self, sql):
        command = [sys.executable, "-m", "alliance_site.stack", "env"]
        printed = subprocess.check_output(command, cwd=ROOT, env=self.environment, text=True)
        connection = psycopg2.connect(re.search("DATABASE_OWNER_URL='(.*)'", printed)[1])
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()


def names(home, process):
    try:
        return str(home) in " ".join([*process.cmdline(), *process.environ().values()])
    except psutil.Error:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The data folder after a first start, which takes longest."""
    product = Product(tmp_path_factory.mktemp("filled") / "data").wait_until_up()
    product.stop()
    return product.home


@pytest.fixture
def home(filled, tmp_path):
    subprocess.run(["cp", "-a", filled, tmp_path / "data"], check=True)
    return tmp_path / "data"


@pytest.fixture
def new_home(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def start():
    started = []

    def _start(*args, **kwargs):
        started.append(Product(*args, **kwargs))
        return started[-1]

    yield _start
    for product in started:
        if product.process.poll() is None:
            product.stop()
        for process in product.processes:
            process.kill()


def test_make_demo_serves_and_leaves_nothing_behind(start, home):
    product = start(home, command=["make", "demo"]).wait_until_up()

    assert product.first_page.status == 200
    web = next(process for process in product.processes if any("gunicorn" in word for word in process.cmdline()))
    assert "DATABASE_URL" in web.environ()
    assert "DATABASE_OWNER_URL" not in web.environ()
    product.stop()
    assert product.processes == []


def test_first_start_makes_the_file_of_keys_for_this_user_alone(filled):
    assert stat.S_IMODE((filled / "field.keys").stat().st_mode) == 0o600


def test_start_without_the_file_that_encrypted_something_is_refused_in_a_sentence(start, home):
    (home / "field.keys").unlink()
    product = start(home)
    assert product.process.wait(timeout=120) == 1
    assert "Put it back from its safe copy" in product.output
    assert not (home / "field.keys").exists()
    assert product.processes == []


def test_second_start_keeps_the_data(start, home):
    first = start(home).wait_until_up()
    first.query("CREATE TABLE kept ()")
    assert first.stop() == 0

    second = start(home).wait_until_up()
    second.query("SELECT FROM kept")
    assert second.stop(signal.SIGINT) == 0
    assert second.processes == []


def test_start_after_a_kill_ends_what_was_left(start, home):
    killed = start(home).wait_until_up()
    killed.query("CREATE TABLE kept ()")
    killed.stop(signal.SIGKILL)
    assert killed.processes != []

    after = start(home, port=killed.port).wait_until_up()
    after.query("SELECT FROM kept")
    assert after.first_page.status == 200
    after.stop()
    assert after.processes == []


def test_two_run_side_by_side(start, home, tmp_path):
    subprocess.run(["cp", "-a", home, tmp_path / "other"], check=True)
    one, two = start(home), start(tmp_path / "other")
    one.wait_until_up()
    two.wait_until_up()
    one.stop()
    assert two.first_page.status == 200


def test_given_servers_replace_the_private_ones(start, new_home, tmp_path):
    with embedded.start(tmp_path / "elsewhere") as engines:
        product = start(
            new_home,
            DATABASE_URL=engines.database_url,
            DATABASE_OWNER_URL=engines.owner_url,
            REDIS_URL=engines.redis_url,
        ).wait_until_up()
        assert product.first_page.status == 200
        assert not (new_home / "postgres").exists()
        assert not (new_home / "redis").exists()
        product.stop()


def test_database_without_its_owner_is_refused_in_a_sentence(start, new_home):
    product = start(new_home, DATABASE_URL="postgresql://alliance_app@/alliance")
    assert product.process.wait(timeout=30) == 1
    assert product.output == "Give both DATABASE_URL and DATABASE_OWNER_URL, or neither.\n"


def test_one_data_folder_has_one_run(start, home, tmp_path):
    first = start(home)
    while not (home / "sockets").is_symlink():
        time.sleep(0.05)
    second = start(home, log=tmp_path / "second.log")
    assert second.process.wait(timeout=30) == 1
    assert "already running" in second.output
    assert first.process.poll() is None


@pytest.mark.parametrize("delay", [0.3, 1, 2, 4, 10])
def test_stop_while_starting_leaves_nothing_behind(start, new_home, delay):
    product = start(new_home)
    time.sleep(delay)
    product.stop()
    assert product.processes == []


def test_busy_port_is_told_in_a_sentence(start, new_home):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        product = start(new_home, port=other.getsockname()[1])
        assert product.process.wait(timeout=30) == 1
    assert re.fullmatch(rf"Port {product.port} can't be used, .*PORT\.\n", product.output)
    assert product.processes == []


def test_unwritable_data_folder_is_told_in_a_sentence(start, tmp_path):
    (tmp_path / "file").touch()
    product = start(tmp_path / "file" / "data", log=tmp_path / "log")
    assert product.process.wait(timeout=30) == 1
    assert re.fullmatch(r"The data folder .* can't be written to .*ALLIANCE_HOME\.\n", product.output)


@pytest.mark.parametrize("name", PROCESSES)
def test_end_of_one_process_ends_all_and_is_told(start, home, name):
    product = start(home).wait_until_up()
    words = PROCESSES[name].format(bind=f"127.0.0.1:{product.port}").split()[-1]
    oldest = min(
        (process for process in product.processes if words in process.cmdline()), key=psutil.Process.create_time
    )
    oldest.kill()

    assert product.process.wait(timeout=60) == 1
    assert f"{name} stopped (rc=-9)" in product.output
    assert product.processes == []
