"""Rounds of work in which something dies, and after each: is what was acknowledged there, once, whole, and right?"""

import random
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import check
from tests.faults.browser import Lost
from tests.faults.faults import FAULTS, WRITING
from tests.faults.load import Ledger, Load, Phone, Therapist
from tests.faults.product import Gone, Product, product_from, wait_until
from tests.faults.world import THERAPISTS, World, make_world
from tests.measures.mail_server import MailServer, mail_server

PHONES = 2
# At least, before something dies.
SAVED = 4
RIGHT_WITHIN = 120
NO_ERROR_AFTER = 30
Made = dict[str, list[uuid.UUID]]


@dataclass(frozen=True)
class Pace:
    """Seconds: of work before something dies, of the pause until it comes back, of work after that.

    `waits`: whether the 75 seconds are waited for after which a job is missed that its worker or the broker lost, and
    the pauses between attempts; otherwise they pass at once.
    """

    before: tuple[float, float] = (0.3, 0.9)
    pause: tuple[float, float] = (0.2, 0.6)
    after: float = 0.3
    waits: bool = False


WHOLE = Pace(before=(0.5, 3), pause=(0.2, 4), after=2, waits=True)


@dataclass
class Round:
    seed: str
    fault: str
    made: Made
    ledger: Ledger = field(default_factory=Ledger)
    lost: list[str] = field(default_factory=list)
    # When the web server and the database answered again, and seconds from then on.
    back: float = 0
    pages: float = 0
    trends: float = 0

    @property
    def episodes(self) -> list[uuid.UUID]:
        return [one for made in self.made.values() for one in made]

    def __str__(self) -> str:
        return (
            f"{self.seed:<8} {self.fault:<36} {self.ledger.kept} kept, "
            f"{self.ledger.unanswered.total()} times no answer; "
            f"pages after {self.pages:.1f} s, trends right after {self.trends:.1f} s"
        )


def order_of(rng: random.Random, rounds: int) -> list[str]:
    """Each fault once before any comes again."""
    names = list(FAULTS)
    return [name for _ in range(-(-rounds // len(names))) for name in rng.sample(names, len(names))][:rounds]


def run(prepared: Path, home: Path, *, rounds: int, seed: str, pace: Pace) -> list[str]:
    """Returns what was lost, doubled, halved or wrong."""
    began, done = time.monotonic(), []
    with mail_server() as server, product_from(prepared, home, mail=server.url) as product:
        world = make_world(product)
        for number, fault in enumerate(order_of(random.Random(seed), rounds), start=1):
            check.connect_anew()
            one = Round(f"{seed}-{number}", fault, world.new_episodes(f"{seed}-{number}"))
            carry_out(one, product, world, pace)
            look_for_losses(one, product, world, server, pace)
            done.append(one)
            print("\n         ".join([str(one), *one.lost]), flush=True)
        late = [
            f"at the end: {lost}"
            for one in done
            for lost in check.differences(world.organisation_id, one.ledger, one.episodes)
        ]
        for program in product.programs.values():
            if program.ended_by_itself:
                print(f"{program.name} ended by itself {program.ended_by_itself} times and was started again")
    lost = [*(lost for one in done for lost in one.lost), *late]
    print("\n".join(late))
    print(
        f"{rounds} rounds in {time.monotonic() - began:.0f} s: {sum(one.ledger.count for one in done):,} saves "
        f"acknowledged, {len(lost)} of them lost, doubled, halved or wrong; longest until pages were without an error "
        f"{max(one.pages for one in done):.1f} s, until every trend was right {max(one.trends for one in done):.1f} s"
    )
    return lost


def start_load(one: Round, product: Product, world: World, *, phones: int = PHONES) -> Load:
    load = Load(one.ledger, one.seed)
    for therapist in THERAPISTS:
        load.add(Therapist(world.browsers[therapist], one.made[therapist]).work)
    for _ in range(phones):
        load.add(Phone(product.port).work)
    return load


def carry_out(one: Round, product: Product, world: World, pace: Pace) -> None:
    """People work; something dies and comes back; they go on, until each has the answer that is due."""
    rng = random.Random(one.seed)
    load = start_load(one, product, world)
    try:
        time.sleep(rng.uniform(*pace.before))
        wait_until(lambda: one.ledger.count >= SAVED, what=f"{SAVED} saves are acknowledged", seconds=RIGHT_WITHIN)
        FAULTS[one.fault](product, rng, rng.uniform(*pace.pause))
        product.start_what_ended()
        product.wait_until_up()
        one.back = time.monotonic()
        try:
            one.pages = wait_until(
                lambda: not errors_now(world, one.episodes), what="pages without an error", seconds=NO_ERROR_AFTER
            )
        except Gone as error:
            one.lost += [str(error), *errors_now(world, one.episodes)]
        time.sleep(pace.after)
    finally:
        load.finish()
    product.start_what_ended()
    wait_until(lambda: not product.database.ask(WRITING), what="nobody writes any more", seconds=RIGHT_WITHIN)


def look_for_losses(one: Round, product: Product, world: World, server: MailServer, pace: Pace) -> None:
    check.connect_anew()
    try:
        left = one.back + RIGHT_WITHIN - time.monotonic()
        check.wait_until_right(world.organisation_id, seconds=left, time_passes=not pace.waits)
        one.trends = time.monotonic() - one.back
    except AssertionError as error:
        one.lost.append(str(error))
    one.lost += one.ledger.faults
    one.lost += check.differences(world.organisation_id, one.ledger, one.episodes)
    one.lost += check.wrong_trends(world.organisation_id, one.episodes)
    one.lost += check.wrong_mails(world.organisation_id, one.episodes, server.taken)
    one.lost += check.failed_jobs()
    one.lost += errors_now(world, one.episodes)
    try:
        product.check_no_process_is_left()
    except Gone as error:
        one.lost.append(str(error))


def errors_now(world: World, episodes: list[uuid.UUID]) -> list[str]:
    """Of the pages that the first therapist opens all day; the first episodes are theirs."""
    browser, found = world.browsers[THERAPISTS[0]], []
    about = [f"/episodes/{episodes[0]}/{rest}" for rest in ("", "log/", "figure.json", "timeline/", "process-notes/")]
    for path in ["/today/", "/clients/", *about, "/health/ready"]:
        try:
            status = browser.ask(path).status
        except Lost as lost:
            found.append(f"{path} does not answer: {lost}")
        else:
            if status != 200:
                found.append(f"{path} answers {status}")
    return found
