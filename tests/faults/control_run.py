"""The control run: without what the product does against losses, there must be some."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import check
from tests.faults.faults import FAULTS
from tests.faults.product import Product, product_from, wait_until
from tests.faults.rounds import Round, start_load
from tests.faults.world import World, make_world

# Commits are acknowledged before they are on the disk.
EARLY = {"synchronous_commit": "off", "wal_writer_delay": "10000", "wal_writer_flush_after": "1GB"}
# Saves acknowledged before something is killed.
SAVED = 8
# Nobody looks again for what is on no record: waiting longer than the worker needs changes nothing.
WAITED = 4


def run(prepared: Path, home: Path, *, seed: str) -> list[str]:
    """Returns what the harness did not see."""
    with product_from(prepared, home, settings="tests.faults.control", **EARLY) as product:
        for name in ("beat", "relay"):
            product.programs[name].kill()
        world = make_world(product)
        lost = {
            "trends": trends_lost(Round(f"{seed}-trends", "worker and broker killed", {}), product, world),
            "saves": saves_lost(Round(f"{seed}-saves", "database killed", {}), product, world),
        }
    return [f"the control run lost no {kind}: the harness is blind" for kind, found in lost.items() if not found]


@contextmanager
def at_work(one: Round, product: Product, world: World) -> Iterator[None]:
    load = start_load(one, product, world, phones=0)
    try:
        let_them_save(one)
        yield
    finally:
        load.finish()


def let_them_save(one: Round) -> None:
    wanted = one.ledger.count + SAVED
    wait_until(lambda: one.ledger.count >= wanted, what=f"{SAVED} saves are acknowledged", seconds=120)


def trends_lost(one: Round, product: Product, world: World) -> list[str]:
    one.made = world.new_episodes(one.seed)
    with at_work(one, product, world):
        product.programs["worker"].kill()
        let_them_save(one)
    product.broker.kill()
    product.broker.start(keeps=False)
    product.programs["worker"].start()
    time.sleep(WAITED)
    return told(one, check.wrong_trends(world.organisation_id, one.episodes), "trends")


def saves_lost(one: Round, product: Product, world: World) -> list[str]:
    one.made = world.new_episodes(one.seed)
    with at_work(one, product, world):
        FAULTS[one.fault](product, random.Random(one.seed), 0.2)
    check.connect_anew()
    return told(one, check.differences(world.organisation_id, one.ledger, one.episodes), "saves")


def told(one: Round, found: list[str], kind: str) -> list[str]:
    print(f"{one.fault}: {one.ledger.count} saves acknowledged, and of {kind} {len(found)} faults found")
    print("\n".join(f"         {lost}" for lost in found[:3]), flush=True)
    return found
