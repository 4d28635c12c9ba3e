"""`make faults`: does what was acknowledged stay, whatever dies, and does the harness see it when it doesn't?

Four parts, each on engines of its own: rounds in which something dies; the same without the product's precautions,
which has to lose something; a time without a broker; eight writers on one record. FULL=1 is the whole measurement,
otherwise it is what CI runs. SEED repeats a run as far as its choices go: the moment in which something dies is the
machine's.
"""

import argparse
import fcntl
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path

from tests.faults.product import prepare, version_of_database

PARTS = ("rounds", "control", "without-redis", "editors")


def main() -> None:
    is_full = os.environ.get("FULL") == "1"
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--seed", default=os.environ.get("SEED", "1"))
    parser.add_argument("--rounds", type=int, default=400 if is_full else 20)
    parser.add_argument("--waits", action="store_true", help="wait for the 75 seconds after which a lost job is missed")
    parser.add_argument("--seconds", type=float, default=600 if is_full else 60, help="without a broker")
    parser.add_argument("--edits", type=int, default=200 if is_full else 3, help="rounds of the eight writers")
    parser.add_argument("--prepared", type=Path, help="a folder that is filled on first use and copied from then on")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="alliance-faults-") as folder:
        prepared = wanted.prepared or Path(folder) / "prepared"
        prepared.mkdir(exist_ok=True)
        with (prepared / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (prepared / "prepared").exists():
                prepare(prepared)
        machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        print(f"{machine}, {version_of_database()}; seed {wanted.seed}", flush=True)
        missed = carry_out(wanted, prepared, Path(folder) / "home", is_full=is_full)
    if missed:
        sys.exit(f"{wanted.part}: {len(missed)} missed, seed {wanted.seed}.")


def carry_out(wanted: argparse.Namespace, prepared: Path, home: Path, *, is_full: bool) -> list[str]:
    """Imported late: what looks into the database needs Django, which is set up for the database of this run."""
    from tests.faults.product import set_up_django

    set_up_django(prepared)
    from tests.faults import control_run, editors, rounds, without_redis

    if wanted.part == "rounds":
        pace = rounds.WHOLE if is_full else rounds.Pace(waits=wanted.waits)
        return rounds.run(prepared, home, rounds=wanted.rounds, seed=wanted.seed, pace=pace)
    if wanted.part == "control":
        return control_run.run(prepared, home, seed=wanted.seed)
    if wanted.part == "without-redis":
        return without_redis.run(prepared, home, seconds=wanted.seconds, seed=wanted.seed)
    return editors.run(prepared, home, rounds=wanted.edits, seed=wanted.seed)


if __name__ == "__main__":
    main()
