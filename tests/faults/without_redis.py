"""Without a broker, first hung and then gone: every page opens, everything is saved, and what waits is soon done."""

import re
import time
import uuid
from collections import Counter
from pathlib import Path

from django.urls import Resolver404, resolve

from tests.faults import check
from tests.faults.browser import LEFT, Browser
from tests.faults.load import Ledger, Load, Phone, Therapist
from tests.faults.product import Product, product_from
from tests.faults.world import THERAPISTS, World, make_world
from tests.measures.mail_server import mail_server

DRAINED_WITHIN = 60
ANSWERED_WITHIN = 10
OF_A_ROUTE = 2
HREF = re.compile(r'href="(/[^"#?]*)')
# What ends a visit, or is no page of the product's.
NOT_VISITED = ("/static/", "/sign-out/", "/sign-in/")
WORKS_EVERY = 0.3


def run(prepared: Path, home: Path, *, seconds: float, seed: str) -> list[str]:
    """`seconds` without a broker: half of them it hangs, half of them it is gone, and then it comes back empty."""
    lost: list[str] = []
    with mail_server() as server, product_from(prepared, home, mail=server.url) as product:
        world = make_world(product)
        episodes = world.new_episodes(seed)
        every = [one for made in episodes.values() for one in made]
        readers = {name: world.new_browser(name) for name in ("ada", "ruth", "sam")}
        ledger = Ledger()
        warm_up(product, world, episodes, ledger, seed)
        ledger.unanswered.clear()
        load = start_load(product, world, episodes, ledger, f"{seed} without")
        visited: Counter[str] = Counter()
        began = time.monotonic()
        for state, begin in (("hung", product.broker.family[0].suspend), ("gone", product.broker.kill)):
            begin()
            phase = time.monotonic()
            for name, browser in readers.items():
                lost += visit(browser, f"{name}, broker {state}", visited, until=phase + 2 * seconds)
            time.sleep(max(0.0, phase + seconds / 2 - time.monotonic()))
        load.finish()
        without = time.monotonic() - began
        check.connect_anew()
        waiting = check.unfinished(world.organisation_id)["jobs"]
        lost += ledger.faults
        lost += [f"{count} times no answer: {why}" for why, count in ledger.unanswered.items() if why != LEFT]
        browsers = [*readers.values(), *world.browsers.values()]
        slowest = max(browser.slowest for browser in browsers)
        if slowest > ANSWERED_WITHIN:
            lost.append(f"an answer took {slowest:.1f} s")
        product.broker.start(keeps=False)
        product.start_what_ended()
        try:
            drained = check.wait_until_right(world.organisation_id, seconds=DRAINED_WITHIN, time_passes=False)
            print(f"{waiting} jobs waited; all was done {drained:.1f} s after the broker came back")
        except AssertionError as error:
            lost.append(str(error))
        lost += check.differences(world.organisation_id, ledger, every)
        lost += check.wrong_trends(world.organisation_id, every)
        lost += check.wrong_mails(world.organisation_id, every, server.taken)
        lost += check.failed_jobs()
        if not waiting:
            lost.append("nothing waited: the broker was there after all")
    print(
        f"{without:.0f} s without a broker: {sum(visited.values())} visits of {len(visited)} pages, "
        f"{ledger.kept} saved, slowest answer {slowest:.1f} s, {len(lost)} errors"
    )
    for one in lost:
        print(f"         {one}")
    return lost


def start_load(product: Product, world: World, episodes: dict[str, list[uuid.UUID]], ledger: Ledger, seed: str) -> Load:
    load = Load(ledger, seed, pause=WORKS_EVERY)
    for therapist in THERAPISTS:
        load.add(Therapist(world.browsers[therapist], episodes[therapist]).work)
    load.add(Phone(product.port).work)
    return load


def warm_up(product: Product, world: World, episodes: dict[str, list[uuid.UUID]], ledger: Ledger, seed: str) -> None:
    """Everything has run once before the broker goes: something is there to look at, the worker is connected."""
    load = start_load(product, world, episodes, ledger, f"{seed} before")
    time.sleep(2)
    load.finish()
    check.wait_until_right(world.organisation_id, seconds=120, time_passes=False)


def visit(browser: Browser, who: str, visited: Counter[str], *, until: float) -> list[str]:
    """Follow every link from the start page on, at most so many to each kind of page."""
    waiting, seen, of_route, found = ["/"], {"/"}, Counter[str](), []
    while waiting and time.monotonic() < until:
        path = waiting.pop(0)
        try:
            route = resolve(path).view_name
        except Resolver404:
            continue
        if of_route[route] >= OF_A_ROUTE:
            continue
        of_route[route] += 1
        answer = browser.ask(path)
        visited[route] += 1
        if answer.status not in {200, 302}:
            found.append(f"{who}: {path} answers {answer.status}")
        for link in [*HREF.findall(answer.text), *([answer.location] if answer.status == 302 else [])]:
            if link not in seen and not link.startswith(NOT_VISITED):
                seen.add(link)
                waiting.append(link)
    return found
