"""Erases again whoever was erased before and is back with a backup. Run it after every restore, before others come in.

Tombstones come from the file (TOMBSTONES_FILE, or --file for a copy of it) and from the database itself.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.encryption import KeysMissing
from reports.privacy import restored
from reports.privacy.tombstones import OtherKey


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, default=None, help="another file of tombstones")
        parser.add_argument("--no-file", action="store_true", help="go by the database alone: there never was a file")

    def handle(self, *args: Any, **options: Any) -> None:
        path = None if options["no_file"] else options["file"] or Path(settings.TOMBSTONES_FILE)
        if path is not None and not path.exists():
            raise CommandError(
                f"There is no file {path}. Put it back from where you keep it: the database does not know what was "
                "erased after the backup was made. If nothing was ever erased, say --no-file."
            )
        try:
            found = restored.erase_again(path=path)
        except (ValueError, OtherKey, KeysMissing) as error:
            raise CommandError(str(error)) from None
        back = "1 record was" if found.erased == 1 else f"{found.erased} records were"
        self.stdout.write(f"{found.tombstones} tombstones. {back} back and erased again, each with a proof.")
        if found.held:
            stay = "1 record stays" if found.held == 1 else f"{found.held} records stay"
            raise CommandError(f"{stay}, because a legal hold stands on it in the backup. Lift it, and run this again.")
