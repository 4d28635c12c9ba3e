"""Signed-in people at once, through the real forms: each asks for one page after the other, without a pause."""

import http.client
import random
import threading
import time
import urllib.parse
from collections import defaultdict
from dataclasses import dataclass, field
from html.parser import HTMLParser
from uuid import UUID

import psutil

from accounts.models import User
from clients.models import Episode
from jobs.organisation import acting_in

FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """An answer that is neither 2xx nor 3xx, or none at all."""


@dataclass
class Asked:
    seconds: float = 0
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)


class Fields(HTMLParser):
    """What a browser would send of the page's main form with nothing typed, and the names of the items to rate."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self.items: set[str] = set()
        self.is_within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.is_within = "data-draft" in given
        name, kind = given.get("name"), given.get("type", "text")
        if not (self.is_within and name and tag in {"input", "textarea"}):
            return
        if name.startswith("item-"):
            self.items.add(name)
        elif kind not in {"radio", "checkbox"} or "checked" in given:
            self.sent.append((name, given.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.is_within = False


@dataclass
class Person:
    name: str
    cookie: str
    episodes: list[UUID]
    port: int
    logs: bool = True
    csrf: str = ""
    asked: Asked = field(default_factory=Asked)

    def ask(self, kind: str, path: str, body: str | None = None) -> tuple[str, str]:
        """The page and where it leads. Raises Refused."""
        cookie = f"{self.cookie}; csrftoken={self.csrf}" if self.csrf else self.cookie
        headers = {"Cookie": cookie} | ({"Content-Type": FORM} if body is not None else {})
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET" if body is None else "POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except OSError as error:
            raise Refused(f"{path}: {type(error).__name__}") from error
        finally:
            connection.close()
        self.asked.times[kind].append(1000 * (time.perf_counter() - begun))
        for header in answer.headers.get_all("Set-Cookie") or []:
            if header.startswith("csrftoken="):
                self.csrf = header.split(";")[0].partition("=")[2]
        if not 200 <= answer.status < 400:
            raise Refused(f"{path}: {answer.status}")
        return text, urllib.parse.urlsplit(answer.getheader("Location") or "").path

    def log(self, episode: UUID) -> None:
        """Log a session of today that took place, with the therapist's own rating, as the form asks for it."""
        path = f"/episodes/{episode}/log/"
        page, _ = self.ask("form of a log", path)
        fields = Fields()
        fields.feed(page)
        values = dict(fields.sent) | dict.fromkeys(fields.items, "7") | {"attendance": "attended"}
        values.setdefault("format", "in-person")
        _, location = self.ask("log of a session", path, urllib.parse.urlencode(values))
        if not location.startswith("/sessions/"):
            raise Refused(f"{path}: led to {location}")
        self.ask("session", location)

    def go_round(self, rng: random.Random) -> None:
        episode = rng.choice(self.episodes)
        self.ask("client list", "/clients/")
        self.ask("episode", f"/episodes/{episode}/")
        self.ask("caseload", "/caseload/")
        if self.logs:
            self.log(episode)

    def work(self, until: float) -> None:
        rng = random.Random(self.name)
        while time.monotonic() < until:
            try:
                self.go_round(rng)
            except Refused as error:
                self.asked.errors.append(f"{self.name}: {error}")


def mix(people: list[Person], *, seconds: float) -> Asked:
    """All of them at work for so long; what they asked for, together."""
    begun = time.monotonic()
    threads = [threading.Thread(target=one.work, args=(begun + seconds,)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Asked(time.monotonic() - begun)
    for one in people:
        found.errors += one.asked.errors
        for kind, times in one.asked.times.items():
            found.times[kind] += times
    return found


def open_episodes(person: User) -> list[UUID]:
    """A therapist's own, or those that a supervisor sees."""
    with acting_in(person.organisation_id):
        found = Episode.objects.open().visible_to(person).order_by("client__code")
        return list(found.values_list("pk", flat=True))


def memory(running: dict[str, psutil.Popen]) -> dict[str, tuple[int, float, float]]:
    """By name: how many processes, resident MB, and MB with what is shared counted once (0 where that is not told)."""
    groups: dict[str, list[psutil.Process]] = {
        name: [process, *process.children(recursive=True)] for name, process in running.items()
    }
    for child in psutil.Process().children():
        kind = {"postgres": "PostgreSQL", "valkey-server": "queue"}.get(child.name())
        if kind:
            groups[kind] = [child, *child.children(recursive=True)]
    return {name: weight(group) for name, group in groups.items()}


def weight(group: list[psutil.Process]) -> tuple[int, float, float]:
    rss, pss = 0.0, 0.0
    for process in group:
        try:
            rss += process.memory_info().rss / 1e6
            pss += getattr(process.memory_full_info(), "pss", 0) / 1e6
        except psutil.Error:
            continue
    return len(group), rss, pss
