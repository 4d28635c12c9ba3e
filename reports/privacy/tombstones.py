"""What remains of an erasure so that a backup cannot undo it: a keyed hash, in the database and in a file beside it.

A backup that is restored is older than the erasure, and so is its table of erasures. The file therefore lives outside
the database, a line of JSON for each erasure, added before the erasure is done: whatever dies in between, a client may
stand in it whose erasure goes on later, and never the other way round.

The hash is made with a key out of the file of field keys, which is kept apart from database and backups and holds every
earlier key for as long as a backup may need it: docs/field-keys.md. An id is random: without the key nobody finds out
whose it was; with the key and a backup that still holds the client, the program can.
"""

import hmac
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from accounts import encryption

SALT = b"reports.tombstone"


class OtherKey(Exception):
    """A tombstone was made with a key that the file of field keys does not hold: it could name anybody."""


@dataclass(frozen=True)
class Tombstone:
    organisation_id: uuid.UUID
    hash: str
    # The id of the key with which the hash was made.
    key: str

    @property
    def text(self) -> str:
        """As an erasure keeps it."""
        return f"{self.key}:{self.hash}"

    @property
    def line(self) -> str:
        return json.dumps({"organisation": str(self.organisation_id), "tombstone": self.hash, "key": self.key}) + "\n"


def keys() -> dict[str, bytes]:
    """By their ids, the one that is used now first. Made of the field keys. Raises KeysMissing."""
    return {name: hmac.digest(key, SALT, "sha256") for name, key in encryption.keys().by_id.items()}


def hash_with(key: bytes, client_id: uuid.UUID) -> str:
    return hmac.digest(key, client_id.bytes, "sha256").hex()


def tombstone_of(client_id: uuid.UUID, organisation_id: uuid.UUID) -> Tombstone:
    name, key = next(iter(keys().items()))
    return Tombstone(organisation_id, hash_with(key, client_id), name)


def keep(tombstone: Tombstone) -> None:
    """Add a line to the file, and be sure that it is on the disk."""
    path = Path(settings.TOMBSTONES_FILE)
    is_new = not path.exists()
    # Whatever died here before may have left half a line.
    is_torn = not is_new and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(("\n" if is_torn else "") + tombstone.line)
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def kept(path: Path) -> Iterator[Tombstone]:
    """Every line of a file. Raises ValueError, naming the line, where one is none."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            row = json.loads(line)
            yield Tombstone(uuid.UUID(row["organisation"]), str(row["tombstone"]), str(row["key"]))
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"Line {number} of {path} is no tombstone.") from None
