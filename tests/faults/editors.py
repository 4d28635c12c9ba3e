"""Eight devices save the same record at the same moment, round after round: what each of them typed has to stand."""

import random
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from jobs.organisation import acting_in
from tests import factories
from tests.faults.browser import Browser, Lost, form_with
from tests.faults.product import product_from
from tests.faults.world import World, make_world

WRITERS = 8
PATIENCE = 60
MARK = re.compile(r"mark-[0-9a-f]{12}")


@dataclass(frozen=True)
class Record:
    name: str
    path: str
    field: str


@dataclass
class Edited:
    lost: list[str] = field(default_factory=list)
    saves: int = 0
    conflicts: int = 0
    # Answers of the kind "try again": the record was held for longer than the database waits.
    busy: int = 0


def run(prepared: Path, home: Path, *, rounds: int, seed: str) -> list[str]:
    rng, began = random.Random(seed), time.monotonic()
    total = Edited()
    with product_from(prepared, home) as product:
        print(f"{WRITERS} writers, {rounds} rounds of each record", flush=True)
        world = make_world(product)
        devices = [world.new_browser("ada") for _ in range(WRITERS)]
        for record in make_records(world):
            before = Counter(saves=total.saves, conflicts=total.conflicts, busy=total.busy)
            for _ in range(rounds):
                one_round(record, devices, rng, total)
            print(
                f"{record.name:<14} {total.saves - before['saves']:>6} saves, "
                f"{total.conflicts - before['conflicts']:>6} conflicts shown with both texts, "
                f"{total.busy - before['busy']} times told to try again",
                flush=True,
            )
    print(f"{rounds} rounds in {time.monotonic() - began:.0f} s: {len(total.lost)} texts lost")
    for one in total.lost:
        print(f"         {one}")
    return total.lost


def make_records(world: World) -> list[Record]:
    with acting_in(world.organisation_id):
        session = factories.make_session(factories.make_episode(world.service.ada, code="edited"))
        factories.rate_as_therapist(session)
        note = factories.make_process_note(session)
        rupture = factories.make_rupture(session)
    return [
        Record("session", f"/sessions/{session.pk}/edit/", "note"),
        Record("process note", f"/process-notes/{note.pk}/", "text"),
        Record("rupture", f"/ruptures/{rupture.pk}/edit/", "what_happened"),
    ]


def one_round(record: Record, devices: list[Browser], rng: random.Random, total: Edited) -> None:
    marks = [f"mark-{rng.getrandbits(48):012x}" for _ in devices]
    start, lock = threading.Barrier(len(devices)), threading.Lock()

    def write(browser: Browser, mark: str) -> None:
        try:
            fields = form_with(browser.ask(record.path).text, record.field).fields
            fields[record.field] = [mark]
            start.wait(PATIENCE)
            found = save(record, browser, fields, mark, total, lock)
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
            start.abort()
        with lock:
            total.lost += [f"{record.name}: {one}" for one in found]

    threads = [threading.Thread(target=write, args=pair) for pair in zip(devices, marks, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (saved,) = form_with(devices[0].ask(record.path).text, record.field).fields[record.field]
    total.lost += [f"{record.name}: {mark} is lost" for mark in marks if mark not in saved]


def save(
    record: Record, browser: Browser, fields: dict[str, list[str]], mark: str, total: Edited, lock: threading.Lock
) -> list[str]:
    """Send it until it is saved; where somebody else was first, both texts are brought together and sent."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            answer = browser.ask(record.path, fields)
        except Lost:
            continue
        if answer.status == 302:
            with lock:
                total.saves += 1
            return []
        if answer.status == 503:
            with lock:
                total.busy += 1
            time.sleep(0.2)
            continue
        if answer.status != 409:
            return [f"saving answers {answer.status}"]
        form = form_with(answer.text, record.field)
        (typed,) = form.fields[record.field]
        there = set(MARK.findall(answer.text))
        others = there - set(MARK.findall(fields[record.field][0]))
        if mark not in typed or not others:
            return [f"the page of the conflict does not offer both: typed {typed!r}, saved {sorted(others)}"]
        with lock:
            total.conflicts += 1
        fields = form.fields | {record.field: [" ".join(sorted(there))]}
    return [f"not saved within {PATIENCE} s"]
