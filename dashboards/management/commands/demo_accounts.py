"""Prints the accounts of the demo organisation."""

from typing import Any

from django.core.management.base import BaseCommand

from dashboards import demo


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if demo.is_allowed():
            self.stdout.write(demo.accounts_in_words())
