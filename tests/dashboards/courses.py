"""Invented facts of courses of therapy, for what is worked out of a service without a database."""

import random
from datetime import date, timedelta

from dashboards.service_facts import Facts, FollowedRupture

TODAY = date(2026, 11, 30)
MODALITIES = ("cbt", "psychodynamic", "person-centred", "support")


def course(number: int = 0, **values) -> Facts:
    """Six sessions, all rated by both, with life getting better; nothing else happened."""
    sessions = range(1, 7)
    defaults = {
        "client": f"client-{number}",
        "therapist": f"therapist-{number % 2}",
        "modality": "cbt",
        "started_on": date(2026, 2, 1),
        "ending": "planned",
        "held": 6,
        "by_client": 6,
        "by_therapist": 6,
        "by_both": 6,
        "alliance": tuple((one, 7.0, 6.0, 8.0) for one in sessions),
        "outcome": tuple((one, 4.0 + one / 2) for one in sessions),
        "ruptures": (),
        "content": 8.0,
        "view": "planned",
    }
    return Facts(**{**defaults, **values})


def service(seed: int, *, clients: int) -> list[Facts]:
    """Uneven on purpose: few in some modalities and quarters, as services are."""
    rng = random.Random(seed)
    return [random_course(rng, number) for number in range(clients)]


def random_course(rng: random.Random, number: int) -> Facts:
    held = rng.randint(1, 20)
    rated = sorted(rng.sample(range(1, held + 1), rng.randint(0, held)))
    level = [rng.uniform(4, 9) for _ in range(3)]
    both = rng.randint(0, len(rated))
    ruptures = [
        FollowedRupture(rng.random() < 0.6, rng.random() < 0.5, is_followed, after if is_followed else None, 4)
        for is_followed, after in [(rng.random() < 0.8, rng.choice([None, 1, 2, 4]))] * rng.choice([0, 0, 1, 2])
    ]
    return course(
        number,
        therapist=f"therapist-{number % 5}",
        modality=rng.choices(MODALITIES, [8, 4, 2, 1])[0],
        started_on=TODAY - timedelta(days=int(rng.expovariate(1 / 400)) % 1400),
        ending=rng.choice(["client", "planned", "mutual", "", "transferred"]),
        held=held,
        by_client=len(rated),
        by_therapist=both + rng.randint(0, held - len(rated)),
        by_both=both,
        alliance=tuple((one, *(min(10.0, max(0.0, x + rng.gauss(0, 1))) for x in level)) for one in rated),
        outcome=tuple((one, min(10.0, 3 + one / 5 + rng.random())) for one in rated),
        ruptures=tuple(ruptures),
        content=rng.choice([None, 2.0, 5.0, 8.0, 9.0]),
    )
