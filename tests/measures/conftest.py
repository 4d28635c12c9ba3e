from dataclasses import replace

import pytest

from measures import instruments


@pytest.fixture
def phq_9_in_words(monkeypatch):
    """PHQ-9 with some words, as a service records them: clients can be asked by a link."""
    shipped = instruments.instruments()
    edition = shipped["phq-9"].editions["client"]
    items = tuple(
        replace(item, text=f"Words of <i>{item.number}</i>.", low="never", high="often") for item in edition.items
    )
    worded = replace(shipped["phq-9"], editions={"client": replace(edition, items=items)})
    for place in ("measures.instruments.instruments", "measures.catalogue.instruments"):
        monkeypatch.setattr(place, lambda: {**shipped, "phq-9": worded})
