"""`make bench-imports`: 100,000 rows of the 36-item WAI through the command, on a throw-away database.

Prints seconds and the largest memory of the process, and how long the same file takes when all of it is there already.
"""

import random
import resource
import tempfile
import time
from pathlib import Path

from .product import engines, machine, manage

ROWS, CLIENTS, ITEMS = 100_000, 5_000, 36
MAPPING = """
client = { column = "client" }
session = { number = "session" }
rating = [{ instrument = "wai-36", rater = "client", items = "i{n}" }]
"""
SETUP = """
from accounts import actions
from jobs.organisation import acting_in
organisation = actions.create_organisation(name="Bench", slug="bench", second_factor_for="nobody")
with acting_in(organisation.pk):
    actions.create_person(organisation=organisation, email="t@bench.example", name="T",
                          password="a long password for the benchmark", by=None, is_therapist=True)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, engines():
        file, mapping = Path(folder) / "ratings.csv", Path(folder) / "mapping.toml"
        write(file)
        mapping.write_text(MAPPING)
        manage("shell", "--no-imports", "-c", SETUP)
        print(machine())
        print(f"{ROWS:,} rows of {ITEMS} items, {CLIENTS:,} clients, {file.stat().st_size / 1e6:.1f} MB\n")
        print(f"{'':<24}{'seconds':>9}{'MB':>7}")
        for name in ("first import", "the same file again"):
            started = time.perf_counter()
            manage("import_ratings", str(file), "--mapping", str(mapping), "--organisation", "bench",
                   "--start-date", "2010-01-01")  # fmt: skip
            seconds = time.perf_counter() - started
            # Of the largest child so far: the first import is the largest of them.
            largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
            print(f"{name:<24}{seconds:>9.1f}{largest:>7.0f}")


def write(file: Path) -> None:
    rng = random.Random(1)
    with file.open("w") as rows:
        rows.write(",".join(["client", "session", *(f"i{n}" for n in range(1, ITEMS + 1))]) + "\n")
        for row in range(ROWS):
            answers = (str(rng.randint(1, 7)) for _ in range(ITEMS))
            rows.write(f"C-{row // (ROWS // CLIENTS)},{row % (ROWS // CLIENTS) + 1},{','.join(answers)}\n")


if __name__ == "__main__":
    main()
