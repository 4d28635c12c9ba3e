"""`manage.py analyse_series`: JSON lines in, JSON lines out; no database, no queue, no configuration."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ruptures.analysis import answer


class Command(BaseCommand):
    help = "Analyse series of scores: one JSON object per line of the input, one per line of the output."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        errors = 0
        for line in sys.stdin.buffer:
            found = answer(line)
            errors += found.is_error
            self.stdout.write(found.line)
        if errors:
            raise CommandError(f"{errors} {'line' if errors == 1 else 'lines'} could not be analysed.")
