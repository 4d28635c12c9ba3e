"""After a backup is restored: what was erased since it was made is in the record again, and goes again."""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from clients.models import Client
from jobs.actions import organisation_ids
from jobs.organisation import acting_in

from ..models import Erasure
from . import tombstones
from .erasure import begin_by_itself, is_held, take_step


@dataclass
class Found:
    tombstones: int = 0
    erased: int = 0
    held: int = 0


def erase_again(*, path: Path | None) -> Found:
    """Whoever a tombstone of the file or of the database names, in every organisation. Done twice, it finds nobody.

    Raises OtherKey where the file has a tombstone that none of the keys made, and ValueError where a line is
    none: it can't be told whom it names, so that nobody could say that all are erased.
    """
    by_organisation: dict[uuid.UUID, set[str]] = defaultdict(set)
    known = tombstones.keys()
    for tombstone in tombstones.kept(path) if path else ():
        if tombstone.key not in known:
            raise tombstones.OtherKey(
                f"A tombstone was made with the key {tombstone.key}, which is not in the file of field keys. "
                "Put the copy of that file back, and try again."
            )
        by_organisation[tombstone.organisation_id].add(tombstone.text)
    found = Found()
    for organisation_id in organisation_ids():
        with acting_in(organisation_id):
            kept = Erasure.objects.filter(state=Erasure.State.DONE).values_list("tombstone", flat=True)
            named = by_organisation[organisation_id] | set(kept)
            back = [pk for pk in Client.objects.values_list("pk", flat=True) if names_of(pk, known) & named]
        found.tombstones += len(named)
        for client_id in back:
            erase_one(client_id, organisation_id, found)
    return found


def names_of(client_id: uuid.UUID, known: dict[str, bytes]) -> set[str]:
    """A client's tombstone by each of the keys."""
    return {f"{name}:{tombstones.hash_with(key, client_id)}" for name, key in known.items()}


def erase_one(client_id: uuid.UUID, organisation_id: uuid.UUID, found: Found) -> None:
    """Its steps at once, as nobody works yet; one that was under way in the backup goes on."""
    with acting_in(organisation_id):
        if is_held(client_id):
            found.held += 1
            return
        client = Client.objects.get(pk=client_id)
        under_way = Erasure.objects.filter(client=client, state=Erasure.State.ERASING).first()
        erasure = under_way or begin_by_itself(client, Erasure.Reason.RESTORED)
    while take_step(erasure_id=erasure.pk, organisation_id=organisation_id):
        pass
    found.erased += 1
