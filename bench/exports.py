"""The exports of the large service of `make bench-service`, beside `psql \\copy` of the same rows in the same run.

For each format a worker of its own: seconds from asking until the file is there, its size, and the most memory that one
process of the worker ever had. Then the same rows of the four tables that make up the file, by psql into files.
"""

import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from alliance_site.embedded import POSTGRES

from .product import processes

OF_COPY = 4
COPY = "psql \\copy of the same rows"
MOST_MEMORY = {"csv": 200, "xlsx": 300}  # MB
RATINGS = """
    FROM measures_rating r JOIN sessions_app_therapysession s ON s.id = r.session_id
    JOIN clients_episode e ON e.id = s.episode_id"""
OF_A_RATING = """e.client_id, e.id, s.number, s.held_on, r.id, r.instrument, r.edition_version, r.rater,
    (r.submitted_at AT TIME ZONE 'Europe/London')::date"""
OF_SERVICE = "e.organisation_id = 'SERVICE'"
# A client's rating that waits for the therapist's own is not in the file.
SEALED = """r.waits_for_therapist AND s.waived_at IS NULL AND NOT EXISTS (
    SELECT FROM measures_rating o WHERE o.session_id = s.id AND o.rater = 'therapist' AND o.superseded_at IS NULL)"""
IN_FORCE = f"{OF_SERVICE} AND r.superseded_at IS NULL AND NOT ({SEALED})"
IN_ORDER = "ORDER BY e.id, s.number, r.instrument, r.rater"
# The rows of a table of the export, in its columns and its order; ids stand where the export has pseudonyms.
COPIED = {
    "episodes": f"""
        SELECT e.client_id, e.id, e.therapist_id, e.modality, e.started_on, e.ended_on, e.ending, e.continues_id
        FROM clients_episode e WHERE {OF_SERVICE} ORDER BY e.id""",
    "sessions": f"""
        SELECT e.client_id, e.id, s.number, s.held_on, s.is_date_assumed::int, s.phase, s.attendance, s.format
        FROM sessions_app_therapysession s JOIN clients_episode e ON e.id = s.episode_id
        WHERE {OF_SERVICE} ORDER BY e.id, s.number""",
    "scores": f"""SELECT {OF_A_RATING}, c.scale, c.value, c.mean, c.is_prorated::int, c.reason
        {RATINGS} JOIN measures_score c ON c.rating_id = r.id WHERE {IN_FORCE} {IN_ORDER}, c.scale""",
    "answers": f"""SELECT {OF_A_RATING}, a.key::int, a.value
        {RATINGS} CROSS JOIN LATERAL jsonb_each_text(r.answers) a WHERE {IN_FORCE} {IN_ORDER}, a.key::int""",
}


class Peak:
    """The most memory (MB, resident) that any process of a worker has while this is on."""

    def __init__(self, worker: psutil.Process) -> None:
        self.worker, self.megabytes, self.is_over = worker, 0.0, threading.Event()
        self.watcher = threading.Thread(target=self.watch)

    def watch(self) -> None:
        while not self.is_over.wait(0.05):
            for process in [self.worker, *self.worker.children(recursive=True)]:
                try:
                    self.megabytes = max(self.megabytes, process.memory_info().rss / 1e6)
                except psutil.Error:
                    continue

    def __enter__(self) -> "Peak":
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.watcher.join()


def report(service: Any, superuser_url: str, missed: list[str]) -> None:
    from reports.models import Export

    seconds = {}
    print(f"\n{'exports of the whole service':<34}{'seconds':>9}{'file, MB':>10}{'worker, MB':>12}{'rows':>12}")
    for kind, most in MOST_MEMORY.items():
        with processes(["worker", "relay"]) as running, Peak(running[0]) as peak:
            begun = time.perf_counter()
            export = made(service, kind)
            seconds[kind] = time.perf_counter() - begun
        print(
            f"{Export.Format(kind).label:<34}{seconds[kind]:>9.1f}{export.size / 1e6:>10.1f}{peak.megabytes:>12.0f}"
            f"{sum(export.rows.values()):>12,}"
        )
        if peak.megabytes >= most:
            missed.append(f"{kind} takes {peak.megabytes:.0f} MB")
    took = copied(superuser_url, service.organisation.pk, export.rows)
    print(f"{COPY:<34}{took:>9.1f}\nCSV files take {seconds['csv'] / took:.1f} times as long")
    if seconds["csv"] > OF_COPY * took:
        missed.append(f"CSV takes {seconds['csv'] / took:.1f} times as long as psql")


def made(service: Any, kind: str) -> Any:
    """The export, once its file is there."""
    from jobs.organisation import acting_in
    from reports.exports.actions import ask_export
    from reports.models import Export

    organisation = service.organisation.pk
    with acting_in(organisation):
        asked = ask_export(format=kind, scope=Export.Scope.SERVICE, by=service.administrator)
    deadline = time.monotonic() + 1_800
    while time.monotonic() < deadline:
        with acting_in(organisation):
            export = Export.objects.get(pk=asked.pk)
        if export.is_ready:
            return export
        time.sleep(0.1)
    raise TimeoutError("the export was not ready in time")


def copied(superuser_url: str, organisation_id: Any, rows: dict[str, int]) -> float:
    """Seconds that psql takes. Ends with an error where it finds other rows than the export."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.csv" for name in COPIED}
        begun = time.perf_counter()
        for name, select in COPIED.items():
            of_service = " ".join(select.replace("SERVICE", str(organisation_id)).split())
            command = f"\\copy ({of_service}) TO '{files[name]}' WITH (FORMAT csv)"
            subprocess.run([POSTGRES / "psql", superuser_url, "-qc", command], check=True)
        took = time.perf_counter() - begun
        for name, file in files.items():
            with file.open("rb") as lines:
                found = sum(1 for _ in lines)
            assert found == rows[name], f"{name}: {found} rows of psql, {rows[name]} of the export"
    return took
