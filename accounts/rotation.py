"""A new key for every encrypted text, while people go on reading and writing."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connection, models

from jobs.actions import organisation_ids
from jobs.organisation import acting_in

from . import encryption
from .audit import record_event
from .encryption import EncryptedTextField, EncryptionProblem, Sealed
from .models import Organisation
from .second_factor import SECRETS, parts_of, seal, unseal

ROWS_IN_A_STEP = 50
LOCK = 7_210_434


class KeysLost(Exception):
    """There are encrypted texts and no file of keys."""


class AlreadyUnderWay(Exception):
    """Somebody else is rotating the keys."""


@dataclass
class Rotation:
    """What was done. `closed` are the rows that no key of the file opens: they stay as they are."""

    key_id: str
    is_new: bool
    encrypted: int = 0
    closed: list[str] = field(default_factory=list)


def has_file() -> bool:
    return Path(settings.FIELD_KEYS_FILE).exists()


def make_first_key(*, keys_are_lost: bool = False) -> str:
    """Make the file of keys. Raises KeysLost where it must have been there before, unless that is what one means."""
    if not keys_are_lost and any(count_texts(organisation_id) for organisation_id in organisation_ids()):
        raise KeysLost
    return encryption.add_key()


def count_texts(organisation_id: uuid.UUID) -> int:
    with acting_in(organisation_id):
        texts = sum(model._base_manager.count() for model, _field in encryption.encrypted_fields())
        return texts + int(Authenticator.objects.filter(type__in=SECRETS).count())


def rotate() -> Rotation:
    """Add a key and encrypt every text with it, some rows in a transaction.

    Stopped at any moment, every text stays readable, as the older keys stay in the file; the next run adds no key, and
    goes on with what is left. Raises KeysLost, KeysMissing and AlreadyUnderWay.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise AlreadyUnderWay
    try:
        is_new = not has_file() or not any(has_older(organisation_id) for organisation_id in organisation_ids())
        key_id = (encryption.add_key() if has_file() else make_first_key()) if is_new else encryption.keys().current
        rotation = Rotation(key_id, is_new)
        for organisation_id in organisation_ids():
            encrypt_anew(organisation_id, rotation)
        return rotation
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def has_older(organisation_id: uuid.UUID) -> bool:
    """Whether a text waits for the newest key: an earlier rotation was stopped."""
    known = encryption.keys()
    older = set(known.by_id) - {known.current}
    with acting_in(organisation_id):
        seeds = Authenticator.objects.filter(type__in=SECRETS)
        return any(key_of_seed(factor) in older for factor in seeds) or any(
            key_of(sealed) in older
            for model, name in encryption.encrypted_fields()
            for sealed in model._base_manager.values_list(name.attname, flat=True).iterator()
        )


def key_of(sealed: Sealed) -> str:
    try:
        return encryption.key_id_of(sealed)
    except EncryptionProblem:
        return ""


def key_of_seed(factor: Authenticator) -> str:
    try:
        return encryption.key_id_of(parts_of(factor.data[SECRETS[factor.type]])[1])
    except EncryptionProblem:
        return ""


def encrypt_seed(factor: Authenticator, rotation: Rotation) -> None:
    """The row is held: a code that is used meanwhile is written into it, too."""
    if key_of_seed(factor) == rotation.key_id:
        return
    name = SECRETS[factor.type]
    try:
        factor.data[name] = seal(unseal(factor.data[name]), factor.user_id)
    except EncryptionProblem:
        rotation.closed.append(f"{factor._meta.label} {factor.pk}")
        return
    factor.save(update_fields=["data"])
    rotation.encrypted += 1


def encrypt_anew(organisation_id: uuid.UUID, rotation: Rotation) -> None:
    before = rotation.encrypted
    for model, text in encryption.encrypted_fields():
        last = uuid.UUID(int=0)
        while True:
            with acting_in(organisation_id):
                rows = list(model._base_manager.filter(pk__gt=last).order_by("pk")[:ROWS_IN_A_STEP])
                for row in rows:
                    encrypt_row(row, text, rotation)
            if not rows:
                break
            last = rows[-1].pk
    with acting_in(organisation_id):
        seeds = list(Authenticator.objects.filter(type__in=SECRETS).order_by("pk").values_list("pk", flat=True))
    for pk in seeds:
        with acting_in(organisation_id):
            for factor in Authenticator.objects.select_for_update().filter(pk=pk):
                encrypt_seed(factor, rotation)
    if rotation.encrypted > before:
        with acting_in(organisation_id):
            organisation = Organisation.objects.get(pk=organisation_id)
            record_event("field-keys.rotated", organisation, organisation_id=organisation_id, by=None)


def encrypt_row(row: models.Model, text: EncryptedTextField, rotation: Rotation) -> None:
    """Unless somebody has saved it meanwhile, who then did so with the newest key."""
    sealed = text.stored_in(row)
    if key_of(sealed) == rotation.key_id:
        return
    try:
        anew = text.seal(row, getattr(row, text.attname))
    except EncryptionProblem:
        rotation.closed.append(f"{row._meta.label} {row.pk}")
        return
    unchanged = type(row)._base_manager.filter(pk=row.pk, **{text.attname: sealed})
    rotation.encrypted += unchanged.update(**{text.attname: anew})
