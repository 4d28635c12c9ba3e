"""Adds a key to the file of keys and encrypts every process note with it. Stopped half-way, it goes on next time."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import rotation
from accounts.encryption import KeysMissing

LOST = (
    "There are encrypted notes, and the file of keys is missing. Put it back from its safe copy. "
    "If there is none, --keys-are-lost makes a new one; what was encrypted before stays closed for good."
)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-none", action="store_true", help="only make the file where there is none")
        parser.add_argument("--keys-are-lost", action="store_true", help="make a new file in place of one that is lost")

    def handle(self, *args: Any, **options: Any) -> None:
        if rotation.has_file() and (options["if_none"] or options["keys_are_lost"]):
            if options["keys_are_lost"]:
                raise CommandError("The file of keys is there. Nothing was changed.")
            return
        try:
            if options["if_none"] or options["keys_are_lost"]:
                rotation.make_first_key(keys_are_lost=options["keys_are_lost"])
                return
            self.report(rotation.rotate())
        except rotation.KeysLost:
            raise CommandError(LOST) from None
        except rotation.AlreadyUnderWay:
            raise CommandError("Another run of this command is under way.") from None
        except KeysMissing as error:
            raise CommandError(str(error)) from None

    def report(self, done: rotation.Rotation) -> None:
        key = f"Key {done.key_id} was added." if done.is_new else f"Went on with key {done.key_id}."
        self.stdout.write(f"{key} {done.encrypted} texts were encrypted with it.")
        if done.closed:
            lines = "\n".join(["No key of the file opens these; they stay as they are:", *done.closed])
            raise CommandError(lines)
