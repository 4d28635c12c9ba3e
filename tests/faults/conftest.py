"""Each part of the harness is a program: it kills servers, which must not be those of the other tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INHERITED = ("PATH", "HOME", "LANG", "SEED", "FULL")
# Of the longest part on a busy machine; with FULL=1 there is no end to wait for.
MINUTES = 20


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A migrated database to copy, the same for all workers of a test run."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "prepared-for-faults"


@pytest.fixture
def carry_out(prepared, tmp_path):
    """Carry out a part to its end; what it printed, and whether all was kept."""

    def _carry_out(part: str) -> tuple[str, bool]:
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        command = [sys.executable, "-m", "tests.faults", part, "--prepared", str(prepared)]
        log = tmp_path / "log"
        with log.open("w") as output:
            program = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                code = program.wait(timeout=None if environment.get("FULL") == "1" else MINUTES * 60)
            finally:
                if program.poll() is None:
                    program.terminate()  # it ends its children and waits for them
                    program.wait()
        print(log.read_text())
        return log.read_text(), code == 0

    return _carry_out
