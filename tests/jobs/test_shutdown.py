"""SIGTERM, as every restart and every new version sends it: what is under way ends well, and nothing new begins."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

from alliance_site.stack import PROCESSES
from jobs.models import Job
from jobs.organisation import acting_in
from tests import factories, processes
from tests.parallel import wait_until
from tests.processes import DRAINED_WITHIN, ROOT, a_worker_waits, hold_back, make_rated_episode, worker


@contextmanager
def web(log):
    """The web server as the product starts it, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = PROCESSES["web"].format(bind=f"127.0.0.1:{port}").split()
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=os.environ | {"LOG_LEVEL": "INFO", "DEBUG": "1"},  # DEBUG: static files without a manifest
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until(lambda: answers(port), what="the web server answers", seconds=90)
        yield process, port
    finally:
        processes.end(process, signal.SIGTERM)


def answers(port) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(f"http://127.0.0.1:{port}/health/live", timeout=5).status == 200
    except OSError:
        return False


def test_a_request_under_way_is_answered_before_the_web_server_stops(committed, tmp_path):
    log = tmp_path / "web.log"
    body = b"login=canary-of-a-name%40post.example&password=canary-of-a-password"
    head = (
        "POST /sign-in/?next=/canary-of-an-address/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with web(log) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as broken:
            broken.sendall(b"GET /canary-of-a-broken-line HTTP/1.1\r\nHost 127.0.0.1 canary\r\n\r\n")
            assert broken.recv(12) == b"HTTP/1.1 400"
        with socket.create_connection(("127.0.0.1", port), timeout=60) as slow:
            slow.sendall(head.encode() + body[:20])
            time.sleep(1)  # it is read, and waits for the rest
            process.send_signal(signal.SIGTERM)
            time.sleep(1)
            assert process.poll() is None, "the web server did not wait"
            slow.sendall(body[20:])
            answer = b"".join(iter(lambda: slow.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 403"), log.read_text()  # the page for a form without its token
        assert answer.rstrip().endswith(b"</html>")
        assert process.wait(timeout=30) == 0
        assert not answers(port)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["route"], line["status"]) for line in lines if line["event"] == "answered"][-1] == (
        "account_login",
        403,
    )
    assert "canary" not in log.read_text()


def test_a_job_under_way_is_finished_before_the_worker_stops(committed):
    service = factories.make_service()
    episode = make_rated_episode(service)
    with processes.relay(), worker() as stopped:
        with acting_in(service.organisation.pk):
            hold_back(episode)
            wait_until(a_worker_waits, what="the worker is in the middle of its work", seconds=DRAINED_WITHIN)
            stopped.send_signal(signal.SIGTERM)
            time.sleep(0.4)  # shorter than a job may wait for a lock
            assert stopped.poll() is None, "the worker did not wait"
            (under_way,) = Job.objects.under_way().filter(started_at__isnull=False)
        stopped.wait(timeout=30)
    under_way.refresh_from_db()
    assert under_way.finished_at and (under_way.attempts, under_way.last_error) == (1, "")
    assert not Job.objects.under_way().filter(started_at__isnull=False).exists(), "another was begun and dropped"
