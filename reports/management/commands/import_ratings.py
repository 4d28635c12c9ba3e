"""Reads ratings from a file into an organisation: everything or nothing, and the same file twice adds nothing."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import selectors as accounts
from jobs.organisation import acting_in, days_of
from reports import actions
from reports.mapping import MappingError, Problem, shipped_mappings
from reports.models import ImportBatch
from reports.reading import Unreadable

SHOWN = 50
State = ImportBatch.State


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--mapping",
            required=True,
            help=f"a TOML file that says which column is what, or one that is shipped: {', '.join(shipped_mappings())}",
        )
        parser.add_argument("--organisation", required=True, metavar="SLUG")
        parser.add_argument("--therapist", metavar="EMAIL", help="whose clients they are, where the file does not say")
        parser.add_argument("--start-date", type=date.fromisoformat, help="weekly dates from this day on")
        parser.add_argument("--dry-run", action="store_true", help="check and count, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        organisation_id = accounts.organisation_with_slug(options["organisation"])
        if organisation_id is None:
            raise CommandError(f"There is no organisation {options['organisation']!r}.")
        try:
            mapping = tomllib.loads(text_of(options["mapping"]))
            content = options["file"].read_bytes()
            with days_of(organisation_id), acting_in(organisation_id):
                batch = self.import_file(options, content, mapping)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise CommandError(in_words(error)) from None
        except (Unreadable, MappingError) as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        self.print_report(batch, dry_run=options["dry_run"])

    def import_file(self, options: dict[str, Any], content: bytes, mapping: dict[str, Any]) -> ImportBatch:
        """Everything in the caller's transaction, which keeps nothing of a dry run and of a file without news."""
        therapist = accounts.therapist_for_import(options["therapist"])
        with transaction.atomic():
            batch = actions.start_import(file_name=options["file"].name, content=content, by=therapist)
            actions.map_columns(
                batch=batch, mapping=mapping, therapist=therapist, start_date=options["start_date"], by=therapist
            )
            if options["dry_run"]:
                batch = actions.check_import(batch_id=batch.pk)
            else:
                batch = actions.import_now(batch=batch, by=therapist)
            if batch.state != State.WRITTEN:
                transaction.set_rollback(True)
        return batch

    def print_report(self, batch: ImportBatch, *, dry_run: bool) -> None:
        report = batch.report
        if batch.state == State.REFUSED or report.get("failure"):
            raise CommandError("\n".join(["Nothing was written.", *problem_lines(report)]))
        for note in report["notes"]:
            self.stdout.write(note)
        would = " that would be" if dry_run else ""
        for words, count in (
            ("rows read", report["rows"]),
            (f"ratings{would} written", report["written"]),
            (f"ratings{would} superseded", report["superseded"]),
            ("ratings there already", report["unchanged"]),
            (f"clients{would} added", report["new_clients"]),
            (f"sessions{would} added", report["new_sessions"]),
            ("sessions without a rating", report["gaps"]),
            ("mismatches with the file's own scores", report["mismatches"]),
        ):
            self.stdout.write(f"{words}: {count}")
        for line in report["mismatch_lines"][:SHOWN]:
            self.stdout.write(f"  {line}")
        if not (report["written"] or report["superseded"]):
            self.stdout.write("This file adds nothing: every rating in it is there already.")


def text_of(mapping: str) -> str:
    shipped = shipped_mappings()
    return shipped[mapping] if mapping in shipped else Path(mapping).read_text(encoding="utf-8")


def in_words(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename} cannot be opened ({error.strerror}). Check its name and that you may read it."
    return f"The mapping is not a TOML text ({error})."


def problem_lines(report: dict[str, Any]) -> list[str]:
    problems = [str(Problem(*kept)) for kept in report.get("problems", [])]
    more = len(problems) - SHOWN + report.get("more_problems", 0)
    failure = [report["failure"]] if "failure" in report else []
    return [*failure, *problems[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
