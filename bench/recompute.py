"""`make bench-recompute`: every trend of a service of 5,000 episodes and 100,000 sessions, with two worker processes.

Prints how long the service's priors and then all trends take, and the largest memory of each worker process.
"""

import time
from collections.abc import Callable

import psutil

from .product import engines, machine, processes, superuser_of

CLIENTS, SESSIONS, THERAPISTS = 5_000, 100_000, 100


def main() -> None:
    with engines() as started:
        from django.utils import timezone

        from accounts import actions as accounts
        from alliance_site.embedded import gather_statistics
        from bench import population
        from bench.data import make_person
        from jobs.organisation import acting_in

        organisation = accounts.create_organisation(name="Bench", slug="bench", second_factor_for="nobody")
        with acting_in(organisation.pk):
            people = [make_person(organisation, f"t{number}", is_therapist=True) for number in range(THERAPISTS)]
        begun = time.perf_counter()
        size = {"clients": CLIENTS, "sessions": SESSIONS, "today": timezone.localdate()}
        population.fill(superuser_of(started), organisation.pk, people, **size)
        gather_statistics(started.owner_url)
        print(machine())
        print(
            f"{CLIENTS:,} episodes, {SESSIONS:,} sessions rated by both, made in {time.perf_counter() - begun:.0f} s\n"
        )
        with processes(["worker", "relay"]) as (worker, _):
            largest: dict[int, float] = {}
            for name, ask, is_done in work(organisation.pk):
                ask()
                begun = time.perf_counter()
                while not is_done():
                    weigh(worker, largest)
                    time.sleep(0.2)
                print(f"{name:<40}{time.perf_counter() - begun:>8.1f} s")
            print(f"\nlargest memory of a worker process{max(largest.values()):>14.0f} MB")


def work(organisation_id: object) -> list[tuple[str, Callable[[], object], Callable[[], bool]]]:
    from django.db.models import F

    from jobs import actions as jobs
    from jobs.models import Job
    from jobs.organisation import acting_in
    from measures.models import EpisodeSeries, ServicePrior
    from ruptures.models import Recompute

    def request(task: str) -> Callable[[], None]:
        def ask() -> None:
            with acting_in(organisation_id):  # type: ignore[arg-type]
                jobs.request_job(task=task, object_id=organisation_id, organisation_id=organisation_id)  # type: ignore[arg-type]

        return ask

    def has_priors() -> bool:
        assert not Job.objects.failed().exists()
        with acting_in(organisation_id):  # type: ignore[arg-type]
            return ServicePrior.objects.filter(is_starting=False).exists()

    def has_trends() -> bool:
        assert not Job.objects.failed().exists()
        with acting_in(organisation_id):  # type: ignore[arg-type]
            stale = EpisodeSeries.objects.filter(computed_version__lt=F("input_version"))
            return Recompute.objects.filter(finished_at__isnull=False).exists() and not stale.exists()

    return [
        ("what is usual in the service", request("measures.estimate_priors"), has_priors),
        ("all trends and signals", lambda: None, has_trends),
    ]


def weigh(worker: psutil.Process, largest: dict[int, float]) -> None:
    """Note the resident memory of each of the worker's processes, in MB, where it is the largest so far."""
    for process in (worker, *worker.children(recursive=True)):
        try:
            largest[process.pid] = max(largest.get(process.pid, 0), process.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            continue


if __name__ == "__main__":
    main()
