"""Therapists who log sessions and clients who rate them, over HTTP, and the ledger of what they were told is saved.

Whoever gets no answer, or an error, sends the very same form again until there is one, as people and phones do; some
give up. Of what was given up nothing is known but this: it is saved as a whole or not at all.
"""

import queue
import random
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.browser import LINK, Answer, Browser, Fields, Lost, form_with

PAUSE = 0.1
GIVES_UP = 0.15
ANSWERED_WITHIN = 60
SESSION = re.compile(r"/sessions/([0-9a-f-]{36})/")


@dataclass
class Log:
    """A session with the therapist's own rating, a note, perhaps a rupture, and a link for the client."""

    episode: uuid.UUID
    key: str
    answers: list[int]
    has_rupture: bool
    is_kept: bool = False
    is_refused: bool = False
    session: str = ""
    note: str = ""
    # Notes of which it is not known whether they were saved over it.
    perhaps: list[str] = field(default_factory=list)


@dataclass
class Note:
    """A process note."""

    episode: uuid.UUID
    text: str
    is_kept: bool = False


@dataclass
class Sent:
    """One form of a client's rating; two tabs are two of them with the same request."""

    request: str
    key: str
    answers: dict[str, str]
    comment: str
    is_kept: bool = False


@dataclass
class Ledger:
    logs: list[Log] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    ratings: list[Sent] = field(default_factory=list)
    # What a person was told that nobody should be told, whatever dies.
    faults: list[str] = field(default_factory=list)
    # What was answered by an error or by nothing, and was sent again.
    unanswered: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> str:
        logs, notes, ratings = (
            sum(one.is_kept for one in kind)  # type: ignore[attr-defined]
            for kind in (self.logs, self.notes, self.ratings)
        )
        return f"{logs} logs, {ratings} ratings, {notes} notes"

    @property
    def count(self) -> int:
        return sum(one.is_kept for kind in (self.logs, self.notes, self.ratings) for one in kind)  # type: ignore[attr-defined]


class Load:
    """So many people at work until they are told to finish; each then waits for the answer that is still due."""

    def __init__(self, ledger: Ledger, seed: str, *, pause: float = 0) -> None:
        """`pause`: seconds between one thing that a person does and the next."""
        self.ledger, self.seed, self.pause = ledger, seed, pause
        self.links: queue.Queue[str] = queue.Queue()
        self.is_over = threading.Event()
        self.deadline = float("inf")
        self.threads: list[threading.Thread] = []

    def add(self, work: Callable[["Load", random.Random], None]) -> None:
        rng = random.Random(f"{self.seed} {len(self.threads)}")
        thread = threading.Thread(target=self.go_on, args=(work, rng), daemon=True)
        self.threads.append(thread)
        thread.start()

    def go_on(self, work: Callable[["Load", random.Random], None], rng: random.Random) -> None:
        while not self.is_over.is_set():
            try:
                work(self, rng)
            except (Lost, Refused) as error:
                self.ledger.unanswered[str(error)] += 1
                time.sleep(PAUSE)
            except queue.Empty:
                pass
            except Exception as error:
                self.ledger.faults.append(f"the harness met {type(error).__name__}: {error}")
                return
            self.is_over.wait(self.pause)

    def finish(self) -> None:
        self.deadline = time.monotonic() + ANSWERED_WITHIN
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def look(self, browser: Browser, path: str) -> Answer:
        answer = browser.ask(path)
        if answer.status != 200:
            raise Refused(f"a page: {answer.status}")
        return answer

    def deliver(
        self, browser: Browser, path: str, fields: Fields, rng: random.Random, *, leaves: bool = False
    ) -> Answer | None:
        """Send a form until it is answered; None for one who gave up."""
        while True:
            try:
                answer = browser.ask(path, fields, leaves=leaves)
                if not answer.is_error:
                    return answer
                self.ledger.unanswered[f"{answer.status}"] += 1
            except Lost as error:
                self.ledger.unanswered[str(error)] += 1
            leaves = False
            if rng.random() < GIVES_UP:
                return None
            if time.monotonic() > self.deadline:
                self.ledger.faults.append(f"no answer to {path} within {ANSWERED_WITHIN} s of the end")
                return None
            time.sleep(PAUSE)


class Refused(Exception):
    """A page that is not what was asked for."""


# --- A therapist ---------------------------------------------------------------------------------------------------


class Therapist:
    def __init__(self, browser: Browser, episodes: list[uuid.UUID]) -> None:
        self.browser, self.episodes = browser, episodes

    def work(self, load: Load, rng: random.Random) -> None:
        log = self.log(load, rng, rng.choice(self.episodes))
        if log is None:
            return
        page = load.look(self.browser, f"/sessions/{log.session}/")
        for token in set(LINK.findall(page.text)):
            load.links.put(token)
        if rng.random() < 0.4:
            self.edit(load, rng, log)
        if rng.random() < 0.3:
            self.write_process_note(load, rng, log.episode)

    def log(self, load: Load, rng: random.Random, episode: uuid.UUID) -> Log | None:
        path = f"/episodes/{episode}/log/"
        fields = form_with(load.look(self.browser, path).text, "held_on").fields
        (key,) = fields["submission"]
        log = Log(episode, key, [rng.randint(0, 10) for _ in range(3)], rng.random() < 0.25, note=f"{key} as it was")
        fields |= {f"item-{number}": [str(answer)] for number, answer in enumerate(log.answers, start=1)}
        fields |= {"attendance": ["attended"], "format": ["in-person"], "note": [log.note]}
        if log.has_rupture:
            fields |= {"rupture-type": ["withdrawal"], "rupture-withdrawal": ["appeasing"]}
        load.ledger.logs.append(log)
        answer = load.deliver(self.browser, path, fields, rng)
        if answer is None:
            return None
        found = SESSION.search(answer.location) if answer.status == 302 else None
        if found is None:
            log.is_refused = True
            if answer.status != 422:  # what was given up has taken its number meanwhile
                load.ledger.faults.append(f"a log led to {answer.status} {answer.location}")
            return None
        log.session, log.is_kept = found[1], True
        if rng.random() < 0.2:  # pressed again
            again = load.deliver(self.browser, path, fields, rng)
            if again is not None and again.location != answer.location:
                load.ledger.faults.append(f"a log sent again led to {again.status} {again.location}")
        return log

    def edit(self, load: Load, rng: random.Random, log: Log) -> None:
        path = f"/sessions/{log.session}/edit/"
        fields = form_with(load.look(self.browser, path).text, "held_on").fields
        note = f"{log.key} changed {uuid.uuid4()}"
        log.perhaps.append(note)
        answer = load.deliver(self.browser, path, fields | {"note": [note]}, rng)
        if answer is not None and answer.status == 302 and log.session in answer.location:
            log.note, log.perhaps = note, []
        elif answer is not None:
            log.perhaps.remove(note)
            load.ledger.faults.append(f"a change of a note led to {answer.status} {answer.location}")

    def write_process_note(self, load: Load, rng: random.Random, episode: uuid.UUID) -> None:
        path = f"/episodes/{episode}/process-notes/new/"
        fields = form_with(load.look(self.browser, path).text, "text").fields
        note = Note(episode, f"A hunch {uuid.uuid4()}")
        load.ledger.notes.append(note)
        answer = load.deliver(self.browser, path, fields | {"text": [note.text]}, rng)
        if answer is not None:
            note.is_kept = answer.status == 302 and answer.location.endswith("/process-notes/")
            if not note.is_kept:
                load.ledger.faults.append(f"a process note led to {answer.status} {answer.location}")


# --- A client's phone ----------------------------------------------------------------------------------------------

HABITS = ("once", "loses the answer", "sends again", "goes back", "two tabs")


class Phone:
    """A client with a link; each a phone of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def work(self, load: Load, rng: random.Random) -> None:
        token = load.links.get(timeout=PAUSE)
        habit = rng.choice(HABITS)
        browser = Browser(self.port)
        try:
            opened = browser.ask(f"/r/{token}")
            if opened.status != 302:
                raise Refused(f"a link: {opened.status}")
            path = opened.location
            tabs = [self.fill(load, rng, browser, path) for _ in range(2 if habit == "two tabs" else 1)]
        except (Lost, Refused):
            load.links.put(token)
            raise
        if habit == "two tabs":
            self.send_both(load, rng, browser, path, tabs)
            return
        ((sent, fields),) = tabs
        answer = load.deliver(browser, path, fields, rng, leaves=habit == "loses the answer")
        if answer is None:
            return
        self.note(load, sent, answer, path)
        if habit == "sends again":
            again = load.deliver(browser, path, fields, rng)
            if again is not None and again.location != answer.location:
                load.ledger.faults.append(f"a rating sent again led to {again.status} {again.location}")
        elif habit == "goes back" and sent.is_kept:
            changed = fields | {"comment": ["Something else."]}
            refused = load.deliver(browser, path, changed, rng)
            if refused is not None and refused.status != 422:
                load.ledger.faults.append(f"other answers to a used link led to {refused.status}")

    def fill(self, load: Load, rng: random.Random, browser: Browser, path: str) -> tuple[Sent, Fields]:
        form = form_with(load.look(browser, path).text, "submission")
        items = {
            name: rng.choice([value for value in values if value])
            for name, values in form.choices.items()
            if name.startswith("item-")
        }
        fields = form.fields | {name: [value] for name, value in items.items()}
        (key,) = fields["submission"]
        sent = Sent(path.split("/")[2], key, items, f"{key} said this.")
        fields["comment"] = [sent.comment]
        load.ledger.ratings.append(sent)
        return sent, fields

    def send_both(
        self, load: Load, rng: random.Random, browser: Browser, path: str, tabs: list[tuple[Sent, Fields]]
    ) -> None:
        """Both at the same moment: one is thanked, the other told that the link does not work any more."""
        answers: list[Answer | None] = [None, None]

        def send(place: int) -> None:
            answers[place] = load.deliver(browser, path, tabs[place][1], random.Random(tabs[place][0].key))

        threads = [threading.Thread(target=send, args=(place,)) for place in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for (sent, _), answer in zip(tabs, answers, strict=True):
            if answer is not None and answer.status == 302:
                sent.is_kept = True
        if None not in answers and sum(sent.is_kept for sent, _ in tabs) != 1:
            load.ledger.faults.append(f"of two tabs {sum(sent.is_kept for sent, _ in tabs)} were thanked")

    def note(self, load: Load, sent: Sent, answer: Answer, path: str) -> None:
        sent.is_kept = answer.status == 302 and answer.location.startswith(path)
        if not sent.is_kept:
            load.ledger.faults.append(f"a rating led to {answer.status} {answer.location}")
