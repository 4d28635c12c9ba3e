"""Text that the database holds and cannot read: AES-GCM, with keys in a file that the database never sees.

What is stored says with which key it was encrypted:

    | version | length of key id | key id | nonce    | ciphertext and tag |
    | 1 byte  | 1 byte           |        | 12 bytes |                    |

The tag also covers that header and the text's place: table, column, row and organisation. What was moved to another
place, or changed, does not decrypt.

The file has a line `id key` for each key, the key in base64. The first one encrypts; the others still decrypt.

Whatever is wrong raises an EncryptionProblem. There is no way to be given an empty text, or what is stored, instead.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils import timezone

VERSION = 1
KEY_BYTES, NONCE_BYTES = 32, 12
KEY_ID = re.compile(r"[A-Za-z0-9-]{1,40}")


class EncryptionProblem(Exception):
    """A text stays closed. `advice` is for whoever wanted to read or write it, and says nothing of what is in it."""

    advice = ""


class KeysMissing(EncryptionProblem):
    advice = (
        "The file with the keys is missing on the server, or can’t be read. Nothing is lost as long as there is a copy "
        "of it: tell whoever runs Alliance to put it back."
    )


class KeyUnknown(EncryptionProblem):
    advice = (
        "It is encrypted with a key that the server’s file of keys does not hold. Nothing is lost as long as there is "
        "a copy of the file that does: tell whoever runs Alliance to add that key."
    )


class NotGenuine(EncryptionProblem):
    advice = (
        "What is stored here is not what Alliance wrote in this place: it was changed or moved. Tell whoever runs "
        "Alliance; a backup from before may have it."
    )


class Sealed(bytes):
    """A text as it is stored: encrypted, for one place."""


# --- The file of keys -------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Keys:
    """By id, in the order of the file."""

    by_id: dict[str, bytes]

    @property
    def current(self) -> str:
        return next(iter(self.by_id))


def keys() -> Keys:
    """The keys as the file has them now, so that one that was added is known to every process. Raises KeysMissing."""
    path = Path(settings.FIELD_KEYS_FILE)
    try:
        state = path.stat()
        return _keys_of(path, state.st_ino, state.st_size, state.st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        raise KeysMissing(f"The file of keys {path} can't be read: {type(error).__name__}.") from None


@lru_cache(maxsize=1)
def _keys_of(path: Path, *_state: int) -> Keys:
    by_id: dict[str, bytes] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            key_id, key = _key_in(line)
            if len(key) != KEY_BYTES or not KEY_ID.fullmatch(key_id) or key_id in by_id:
                raise KeysMissing(f"Line {number} of the file of keys {path} is not a new id and a key.")
            by_id[key_id] = key
    if not by_id:
        raise KeysMissing(f"The file of keys {path} is empty.")
    return Keys(by_id)


def _key_in(line: str) -> tuple[str, bytes]:
    key_id, _, encoded = line.partition(" ")
    try:
        return key_id, base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return key_id, b""


def add_key() -> str:
    """Put a new key first in the file, which is made where there is none. Returns its id."""
    path = Path(settings.FIELD_KEYS_FILE)
    before = path.read_text() if path.exists() else ""
    key_id = f"{timezone.now():%Y%m%d}-{secrets.token_hex(4)}"
    draft = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{key_id} {base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n{before}")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    # Nothing may be encrypted with a key that a power cut could still take back.
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    return key_id


def refuse_missing_keys() -> None:
    """Without its keys the service would start and then show nobody their notes: refuse to start."""
    try:
        keys()
    except KeysMissing as error:
        raise ImproperlyConfigured(f"{error} docs/field-keys.md says how it is made and put back.") from None


# --- Closing and opening ------------------------------------------------------------------------------------


def encrypt(text: str, place: tuple[str, ...]) -> Sealed:
    """Close a text for one place. Raises KeysMissing."""
    known = keys()
    header = bytes([VERSION, len(known.current)]) + known.current.encode()
    nonce = secrets.token_bytes(NONCE_BYTES)
    cipher = AESGCM(known.by_id[known.current])
    return Sealed(header + nonce + cipher.encrypt(nonce, text.encode(), _bound(header, place)))


def decrypt(sealed: Sealed, place: tuple[str, ...]) -> str:
    """Open a text in its place. Raises EncryptionProblem."""
    header, key_id = _header_of(sealed)
    key = keys().by_id.get(key_id)
    if key is None:
        raise KeyUnknown(f"There is no key {key_id} in the file of keys.")
    start = len(header) + NONCE_BYTES
    try:
        return AESGCM(key).decrypt(sealed[len(header) : start], sealed[start:], _bound(header, place)).decode()
    except (InvalidTag, ValueError):  # a nonce or a tag that is cut short is a ValueError
        raise NotGenuine("The text is not what was encrypted for this place.") from None


def key_id_of(sealed: Sealed) -> str:
    """The key that a text was closed with. Raises NotGenuine."""
    return _header_of(sealed)[1]


def _header_of(sealed: Sealed) -> tuple[bytes, str]:
    size = sealed[1] if len(sealed) > 1 and sealed[0] == VERSION else 0
    header = bytes(sealed[: 2 + size])
    key_id = header[2:].decode("ascii", errors="replace")
    if len(header) < 2 + size or not KEY_ID.fullmatch(key_id):
        raise NotGenuine("The text does not begin as an encrypted one does.")
    return header, key_id


def _bound(header: bytes, place: tuple[str, ...]) -> bytes:
    """What the tag covers beside the text; no part can hold a NUL, so two places never look alike."""
    return b"\0".join([header, *(part.encode() for part in place)])


# --- The field ------------------------------------------------------------------------------------------------


class _Text(DeferredAttribute):
    """Opens what was read from the database when somebody asks for it, and not before."""

    field: "EncryptedTextField"

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Sealed):
            return value
        return decrypt(value, self.field.place_of(instance))

    def __set__(self, instance: models.Model, value: str | Sealed) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.Field):  # type: ignore[type-arg]
    """Text, encrypted for its row. It can be neither searched nor copied to another row, and `update()` takes only
    what `seal` has closed for the row in question.
    """

    descriptor_class = _Text
    # What type checkers take the attribute for.
    _pyi_private_get_type: str
    _pyi_private_set_type: str

    def get_internal_type(self) -> str:
        return "BinaryField"

    def place_of(self, instance: models.Model) -> tuple[str, ...]:
        organisation_id = instance.organisation_id  # type: ignore[attr-defined]
        return (self.model._meta.db_table, self.attname, str(instance.pk), str(organisation_id))

    def seal(self, instance: models.Model, text: str) -> Sealed:
        return encrypt(text, self.place_of(instance))

    def stored_in(self, instance: models.Model) -> Sealed:
        """What the row holds, still closed."""
        value: Sealed = instance.__dict__[self.attname]
        return value

    def pre_save(self, model_instance: models.Model, add: bool) -> Sealed:
        value = model_instance.__dict__[self.attname]
        return value if isinstance(value, Sealed) else self.seal(model_instance, value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name not in {"exact", "isnull"}:
            raise TypeError(f"{self.name} is stored encrypted: it can't be searched or compared.")
        return super().get_lookup(lookup_name)

    def get_prep_value(self, value: Any) -> Sealed:
        if not isinstance(value, Sealed):
            raise TypeError(f"{self.name} is stored encrypted: it can't be looked for, or written past its row.")
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return connection.Database.Binary(super().get_db_prep_value(value, connection, prepared))

    def from_db_value(self, value: memoryview | None, *_: Any) -> Sealed | None:
        return None if value is None else Sealed(value)

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError(f"{self.name} is encrypted for its row, and goes into no file.")


def stored_values(instance: models.Model, names: Collection[str]) -> dict[str, Any]:
    """Some fields of a row as `update()` takes them: a text closed for this row."""
    fields = (field for field in instance._meta.concrete_fields if field.attname in names)
    return {field.attname: field.pre_save(instance, False) for field in fields}


def encrypted_fields() -> list[tuple[type[models.Model], EncryptedTextField]]:
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField)
    ]
