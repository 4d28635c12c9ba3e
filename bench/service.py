"""`make bench-service`: whether pages stay as quick when a service is a hundred times as large.

Two services, of 2 and of 200 therapists, are written by COPY one after the other into throw-away engines. For each:
median and 95th percentile of the pages, their queries and the ratio to a bare page of the same run; then, of the large
one, how long all that is summarised takes, how long one session takes until what follows from it is there, and what
eight signed-in people at once get for a minute. Ends with an error where a bound is missed.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from . import exports
from .__main__ import Visitor
from .product import engines, free_port, machine, manage, processes, superuser_of

SMALL, LARGE = 2, 200
SAMPLE = 60
WRITTEN_WITHIN, SUMMARISED_WITHIN, FOLLOWED_WITHIN = 300, 120, 1.0  # seconds
MOST_QUERIES, GROWTH, OF_BARE = 15, 1.3, 10
PAGE_REQUESTS = 40
# Around every request, and no query.
FRAME = ("BEGIN", "COMMIT", "SELECT set_config")
LOGGED = 30
USERS, SECONDS = 8, 60

# One line per page: what it is called, its route, who looks. Of an episode: the one with the most sessions.
PAGES = (
    ("bare page, one SELECT 1", "bare", "supervisor"),
    ("caseload of a supervisor", "dashboards:caseload", "supervisor"),
    ("service dashboard", "dashboards:service", "administrator"),
    ("episode page", "dashboards:episode", "therapist"),
    ("client list", "clients:client-list", "therapist"),
    ("form of the log", "sessions_app:session-log", "therapist"),
)
BOUND = {"dashboards:caseload", "dashboards:service", "dashboards:episode"}
# One line per job that summarises a whole service: what it is called, its task, and those that it asks for in turn.
SUMMARIES = (
    ("summaries of all episodes", "dashboards.sweep_summaries", ()),
    ("summaries of the service", "dashboards.start_service_run", ("dashboards.service_run_next",)),
    ("what is usual in the service", "measures.estimate_priors", ()),
)


@dataclass
class Figure:
    times: list[float]
    queries: int

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.times, n=20)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--therapists", type=int, default=LARGE, help="of the large service")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for which eight people work")
    wanted = parser.parse_args()
    missed: list[str] = []
    with engines("bench.settings") as started:
        manage("collectstatic", "--noinput", "--verbosity", "0", "--ignore", "plotly.min.js")
        print(f"{machine()}\n")
        port = free_port()
        visitor = Visitor(port)
        small = write("small", SMALL, started.owner_url, missed)
        with processes(["web", "worker", "relay"], port):
            summarise(small)
            of_small = pages(small, visitor)
        large = write("large", wanted.therapists, started.owner_url, missed)
        with processes(["web", "worker", "relay", "beat"], port) as running:
            report_summaries(summarise(large), missed)
            report_pages(of_small, pages(large, visitor), missed)
            report_one_session(large, visitor, missed)
            report_crowd(large, port, running, missed, seconds=wanted.seconds)
        exports.report(large, superuser_of(started), missed)
    if missed:
        sys.exit("\nMissed: " + "; ".join(missed))
    print("\nEvery bound is kept.")


def check(is_kept: bool, what: str, missed: list[str]) -> None:
    if not is_kept:
        missed.append(what)


# --- Writing the service --------------------------------------------------------------------------------


def write(name: str, therapists: int, owner_url: str, missed: list[str]) -> Any:
    from django.utils import timezone

    from bench import service_data

    begun = time.perf_counter()
    service = service_data.fill(name, therapists=therapists, today=timezone.localdate(), owner_url=owner_url)
    took = time.perf_counter() - begun
    print(f"{therapists} therapists, written in {took:.0f} s")
    print("  " + ", ".join(f"{count:,} {model}" for model, count in service.counts.items()))
    print(f"  {service_data.check_sample(service, size=SAMPLE)} episodes computed again: all as they were written\n")
    check(took < WRITTEN_WITHIN, f"{name} written in {took:.0f} s", missed)
    return service


# --- Pages ----------------------------------------------------------------------------------------------


def pages(service: Any, visitor: Visitor) -> dict[str, Figure]:
    """By name of the page; one whose route is not there is left out."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.urls import NoReverseMatch, reverse

    from bench import data
    from jobs.organisation import acting_in

    with acting_in(service.organisation.pk):
        episode = longest_episode(service.therapists[0])
    found = {}
    for name, route, kind in PAGES:
        of_episode = route in {"dashboards:episode", "sessions_app:session-log"}
        try:
            url = reverse(route, args=[episode] if of_episode else [])
        except NoReverseMatch:
            continue
        person = service.therapists[0] if kind == "therapist" else getattr(service, kind)
        browser = data.browser_of(person)
        browser.get(url)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(url).status_code == 200, url
        asked = [one for one in captured.captured_queries if not one["sql"].startswith(FRAME)]
        found[name] = Figure(visitor.pages(url, data.cookie_of(person), PAGE_REQUESTS), len(asked))
    return found


def longest_episode(therapist: Any) -> Any:
    from django.db.models import Count

    from clients.models import Episode

    of_therapist = Episode.objects.open().filter(therapist=therapist).annotate(length=Count("sessions"))
    return of_therapist.order_by("-length", "client__code")[0].pk


def report_pages(small: dict[str, Figure], large: dict[str, Figure], missed: list[str]) -> None:
    bare = large[PAGES[0][0]].median
    print(f"{'':<30}{'a hundredth':>18}{'whole size':>18}")
    print(
        f"{'milliseconds':<30}{'median':>9}{'p95':>9}{'median':>9}{'p95':>9}{'growth':>9}{'of bare':>9}{'queries':>9}"
    )
    for name, route, _ in PAGES:
        if name not in large:
            continue
        before, now = small[name], large[name]
        growth, of_bare = now.median / before.median, now.median / bare
        print(
            f"{name:<30}{before.median:>9.1f}{before.p95:>9.1f}{now.median:>9.1f}{now.p95:>9.1f}"
            f"{growth:>9.2f}{of_bare:>9.1f}{now.queries:>9}"
        )
        if route in BOUND:
            check(growth <= GROWTH, f"{name} takes {growth:.2f} times as long", missed)
            check(of_bare < OF_BARE, f"{name} takes {of_bare:.1f} times a bare page", missed)
            check(now.queries <= MOST_QUERIES, f"{name} asks {now.queries} queries", missed)
    print()


# --- What follows from one session -----------------------------------------------------------------------


def report_one_session(service: Any, visitor: Visitor, missed: list[str]) -> None:
    """Log a session with the therapist's own rating through the form, until trends and signals are of it."""
    from bench import data
    from bench.crowd import Person, open_episodes
    from jobs.organisation import acting_in
    from measures.models import EpisodeSeries

    therapist = service.therapists[-1]
    person = Person("one", data.cookie_of(therapist), open_episodes(therapist), visitor.port)
    data.ORGANISATION[:] = [service.organisation.pk]
    times = []
    for number in range(LOGGED):
        episode = person.episodes[number % len(person.episodes)]
        with acting_in(service.organisation.pk):
            before = EpisodeSeries.objects.get(episode=episode).input_version
        begun = time.perf_counter()
        person.log(episode)
        wait_until(partial(is_there, service, episode, after=before), seconds=60, every=0.01)
        times.append(time.perf_counter() - begun)
    figure = Figure(times, 0)
    print(f"log of a session to finished trend and summary: median {figure.median:.2f} s, p95 {figure.p95:.2f} s")
    check(figure.median < FOLLOWED_WITHIN, f"one session is followed after {figure.median:.2f} s", missed)


def is_there(service: Any, episode: Any, *, after: int) -> bool:
    """Whether what follows from a rating is computed, and none of its jobs is left."""
    from jobs.models import Job
    from jobs.organisation import acting_in
    from measures.models import EpisodeSeries

    with acting_in(service.organisation.pk):
        series = EpisodeSeries.objects.get(episode=episode)
    is_computed = series.input_version > after and series.computed_version == series.input_version
    return is_computed and not Job.objects.filter(object_id=episode, finished_at=None, failed_at=None).exists()


# --- Eight people at once ---------------------------------------------------------------------------------


def report_crowd(service: Any, port: int, running: Sequence[psutil.Popen], missed: list[str], *, seconds: int) -> None:
    from bench import crowd, data

    supervisors = service.supervisors[:2]
    people = [
        crowd.Person(one.name, data.cookie_of(one), crowd.open_episodes(one), port, logs=one.is_therapist)
        for one in [*service.therapists[: USERS - len(supervisors)], *supervisors]
    ]
    names = ("web", "worker", "relay", "beat")
    print(
        f"\n{len(people)} signed-in people for {seconds} s, without a pause: list, episode, caseload, log of a session"
    )
    asked = crowd.mix(people, seconds=seconds)
    memory = crowd.memory(dict(zip(names, running, strict=True)))
    for kind, times in sorted(asked.times.items()):
        figure = Figure(times, 0)
        print(f"  {kind:<20}{len(times):>7} answers, median {figure.median:>7.1f} ms, p95 {figure.p95:>7.1f} ms")
    every = Figure([one for times in asked.times.values() for one in times], 0)
    print(
        f"  {'all':<20}{len(every.times):>7} answers, median {every.median:>7.1f} ms, p95 {every.p95:>7.1f} ms, "
        f"{len(every.times) / asked.seconds:.1f} a second, {len(asked.errors)} errors"
    )
    for error in asked.errors[:10]:
        print(f"    {error}")
    check(not asked.errors, f"{len(asked.errors)} errors of the eight", missed)
    print("  memory, MB          resident    shared counted once")
    for name, (count, rss, pss) in memory.items():
        print(f"  {f'{name} ({count})':<20}{rss:>8.0f}{f'{pss:.0f}' if pss else '?':>20}")
    print()


# --- Everything that is summarised -------------------------------------------------------------------------


def summarise(service: Any) -> list[tuple[str, float, int, float]]:
    """Each job by itself, asked for as the product asks; its steps are the jobs that it asks for in turn.

    By job: what it is called, seconds in all, jobs, and the seconds of the longest.
    """
    from alliance_site.celery import app
    from dashboards.models import EpisodeSummary
    from jobs import actions as jobs
    from jobs.organisation import acting_in

    app.loader.import_default_modules()
    organisation, found = service.organisation.pk, []
    with acting_in(organisation):
        EpisodeSummary.objects.update(computed_version=0)
    for name, task, following in SUMMARIES:
        if task not in app.tasks:
            continue
        tasks = (task, *following)
        wait_until(lambda tasks=tasks: not open_jobs(tasks).exists())
        last = latest_finish(tasks)
        begun = time.perf_counter()
        with acting_in(organisation):
            jobs.request_job(task=task, object_id=organisation, organisation_id=organisation)
        wait_until(lambda tasks=tasks: not open_jobs(tasks).exists())
        took, done = time.perf_counter() - begun, finished_after(last, tasks)
        longest = max((one.finished_at - one.started_at).total_seconds() for one in done)
        found.append((name, took, len(done), longest))
    return found


def report_summaries(found: list[tuple[str, float, int, float]], missed: list[str]) -> None:
    print(f"{'all summaries':<34}{'seconds':>9}{'jobs':>7}{'longest, s':>12}")
    for name, took, count, longest in found:
        print(f"{name:<34}{took:>9.1f}{count:>7}{longest:>12.2f}")
    total = sum(took for _, took, _, _ in found)
    print(f"{'together':<34}{total:>9.1f}\n")
    check(total < SUMMARISED_WITHIN, f"all summaries took {total:.0f} s", missed)


def open_jobs(tasks: Sequence[str]) -> Any:
    from jobs.models import Job

    assert not Job.objects.failed().exists()
    return Job.objects.filter(task__in=tasks, finished_at=None, failed_at=None)


def latest_finish(tasks: Sequence[str]) -> Any:
    from django.db.models import Max

    from jobs.models import Job

    return Job.objects.filter(task__in=tasks).aggregate(last=Max("finished_at"))["last"]


def finished_after(moment: Any, tasks: Sequence[str]) -> list[Any]:
    from jobs.models import Job

    done = Job.objects.filter(task__in=tasks, started_at__isnull=False, finished_at__isnull=False)
    return list(done.filter(finished_at__gt=moment) if moment else done)


def wait_until(is_so: Callable[[], bool], *, seconds: float = 900, every: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("the worker did not finish in time")
        time.sleep(every)


if __name__ == "__main__":
    main()
