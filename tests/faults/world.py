"""A service with therapists who are signed in over HTTP, and new clients for each round."""

import uuid
from dataclasses import dataclass
from typing import Any

from jobs.organisation import acting_in
from tests import factories
from tests.faults.browser import Browser
from tests.faults.product import Product

THERAPISTS = ("ada", "tom")


@dataclass
class World:
    service: Any
    product: Product
    browsers: dict[str, Browser]

    @property
    def organisation_id(self) -> uuid.UUID:
        found: uuid.UUID = self.service.organisation.pk
        return found

    def new_episodes(self, prefix: str, *, each: int = 2) -> dict[str, list[uuid.UUID]]:
        """By therapist; every other client has agreed to get the link by e-mail."""
        made: dict[str, list[uuid.UUID]] = {}
        with acting_in(self.organisation_id):
            for name in THERAPISTS:
                therapist = getattr(self.service, name)
                for number in range(each):
                    code = f"{prefix}-{name}-{number}"
                    episode = factories.make_episode(therapist, code=code)
                    if number % 2 == 0:
                        factories.agree_to_mails(episode.client, f"{code}@post.example")
                    made.setdefault(name, []).append(episode.pk)
        return made

    def new_browser(self, name: str) -> Browser:
        """One more device of this person, signed in."""
        browser = Browser(self.product.port)
        browser.sign_in(getattr(self.service, name).email, factories.PASSWORD)
        return browser


def make_world(product: Product) -> World:
    world = World(factories.make_service(), product, {})
    world.browsers = {name: world.new_browser(name) for name in THERAPISTS}
    return world
