"""`make bench`: the product's own processes on throw-away engines, asked over loopback, one request at a time.

Prints count, median and 95th percentile in milliseconds of each figure, and the ratio of its median to that of a bare
signed-in view with one SELECT 1 in the same run.
"""

import http.client
import statistics
import time
import urllib.parse
from collections.abc import Callable

from .product import engines, free_port, machine, manage, processes

PAGE_REQUESTS = 100
RATINGS = 200
TRENDS = 40
CASELOAD = 200
SESSIONS = 30


def main() -> None:
    with engines("bench.settings") as started:
        manage("collectstatic", "--noinput", "--verbosity", "0", "--ignore", "plotly.min.js")
        from alliance_site.embedded import gather_statistics
        from bench import data

        port = free_port()
        made = data.make(clients=CASELOAD, sessions=SESSIONS, ratings=RATINGS, trends=TRENDS)
        gather_statistics(started.owner_url)
        with processes(["web", "worker", "relay"], port):
            report(Visitor(port), made)


def report(visitor: "Visitor", made: object) -> None:
    from bench import data

    assert isinstance(made, data.Made)
    figures = {
        "bare signed-in view, one SELECT 1": visitor.pages("/bare/", made.supervisor_cookie),
        f"episode page, {SESSIONS} sessions x 2 raters": visitor.pages(made.episode_url, made.therapist_cookie),
        "its chart's JSON": visitor.pages(made.episode_url + "figure.json", made.therapist_cookie),
        f"caseload, {CASELOAD} clients": visitor.pages("/caseload/", made.supervisor_cookie),
        "client list": visitor.pages("/clients/", made.therapist_cookie),
        "submit of one client rating": [visitor.submit(link) for link in made.links],
    }
    data.wait_until_all_is_computed()
    figures["rating to finished trend"] = [visitor.submit_and_wait(link, data.is_computed) for link in made.trend_links]
    bare = statistics.median(next(iter(figures.values())))
    print(f"{machine()}\n")
    print(f"{'milliseconds':<42}{'count':>7}{'median':>9}{'p95':>9}{'ratio':>8}")
    for name, times in figures.items():
        median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        print(f"{name:<42}{len(times):>7}{median:>9.1f}{p95:>9.1f}{median / bare:>8.1f}")
    print("\nqueries")
    for name, count in data.query_counts(made).items():
        print(f"{name:<42}{count:>7}")


class Visitor:
    """Asks one thing after another over one kept connection, and times each in milliseconds."""

    def __init__(self, port: int) -> None:
        self.port = port

    def timed(self, method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[float, int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        started = time.perf_counter()
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        elapsed = 1000 * (time.perf_counter() - started)
        location = answer.getheader("Location") or ""
        connection.close()
        return elapsed, answer.status, location

    def pages(self, path: str, cookie: str, requests: int = PAGE_REQUESTS) -> list[float]:
        times = []
        for number in range(requests + 10):
            elapsed, status, _ = self.timed("GET", path, {"Cookie": cookie})
            assert status == 200, (path, status)
            if number >= 10:
                times.append(elapsed)
        return times

    def submit(self, link: tuple[str, str, str]) -> float:
        path, cookie, body = link
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        elapsed, status, location = self.timed("POST", path, headers, body)
        assert status == 302, status
        assert urllib.parse.urlsplit(location).path.endswith("/thanks/"), location
        return elapsed

    def submit_and_wait(self, link: tuple[str, str, str, str], is_computed: Callable[[str], bool]) -> float:
        *form, episode = link
        started = time.perf_counter()
        self.submit((form[0], form[1], form[2]))
        while not is_computed(episode):
            time.sleep(0.01)
        return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
