"""`make bench-scoring`: how many WAI-SR lines `manage.py score_answers` scores in a minute, its start included."""

import json
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES = 100_000


def main() -> None:
    chance = random.Random(1)
    with tempfile.TemporaryFile() as ratings:
        for _ in range(LINES):
            rating = {"instrument": "wai-sr", "edition": "client", "answers": chance.choices(range(1, 6), k=12)}
            ratings.write(json.dumps(rating).encode() + b"\n")
        ratings.seek(0)
        started = time.perf_counter()
        command = [sys.executable, "manage.py", "score_answers"]
        scored = subprocess.run(command, cwd=ROOT, stdin=ratings, stdout=subprocess.PIPE, check=True).stdout
        seconds = time.perf_counter() - started
    assert scored.count(b"\n") == LINES and b'"error"' not in scored
    print(f"{platform.machine()}, one core, Python {platform.python_version()}")
    print(f"{LINES:,} WAI-SR lines in {seconds:.1f} s: {60 * LINES / seconds:,.0f} a minute")


if __name__ == "__main__":
    main()
