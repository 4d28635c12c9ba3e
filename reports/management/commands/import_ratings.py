"""Reads ratings from a file into an organisation: everything or nothing, and the same file twice adds nothing."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import selectors as accounts
from jobs.organisation import acting_in
from reports import actions
from reports.mapping import MappingError, interpret, load_mapping
from reports.reading import Unreadable, read_table

SHOWN = 50


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--mapping", type=Path, required=True, help="a TOML file that says which column is what")
        parser.add_argument("--organisation", required=True, metavar="SLUG")
        parser.add_argument("--therapist", metavar="EMAIL", help="whose clients they are, where the file does not say")
        parser.add_argument("--start-date", type=date.fromisoformat, help="weekly dates from this day on")
        parser.add_argument("--dry-run", action="store_true", help="check and count, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation_id = accounts.organisation_with_slug(options["organisation"])
        if organisation_id is None:
            raise CommandError(f"There is no organisation {options['organisation']!r}.")
        try:
            mapping_text = options["mapping"].read_text(encoding="utf-8")
            interpretation = interpret(read_table(options["file"]), load_mapping(mapping_text))
            with acting_in(organisation_id):
                therapist = accounts.therapist_for_import(options["therapist"])
                report = actions.import_ratings(
                    interpretation=interpretation,
                    therapist=therapist,
                    start_date=options["start_date"],
                    file_name=options["file"].name,
                    file_hash=hashlib.sha256(options["file"].read_bytes()).hexdigest(),
                    mapping_text=mapping_text,
                    dry_run=options["dry_run"],
                    by=therapist,
                )
        except OSError as error:
            raise CommandError(f"{error.filename} could not be opened ({error.strerror}).") from None
        except (Unreadable, MappingError) as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except actions.ImportRefused as error:
            more = len(error.problems) - SHOWN
            lines = [*error.problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
            raise CommandError("Nothing was written.\n" + "\n".join(lines)) from None
        self.print_report(report, dry_run=options["dry_run"])

    def print_report(self, report: actions.ImportReport, *, dry_run: bool) -> None:
        would = "would be " if dry_run else ""
        self.stdout.write(f"rows read:            {report.rows}")
        self.stdout.write(f"clients {would}added:  {report.clients}")
        self.stdout.write(f"sessions {would}added: {report.sessions}")
        self.stdout.write(f"ratings {would}written: {report.written}")
        self.stdout.write(f"superseded:           {report.superseded}")
        self.stdout.write(f"there already:        {report.unchanged}")
        self.stdout.write(f"mismatches:           {len(report.mismatches)}")
        for mismatch in report.mismatches[:SHOWN]:
            self.stdout.write(f"  {mismatch}")
        if not (report.written or report.superseded):
            self.stdout.write("This file added nothing: every rating in it was there already.")
