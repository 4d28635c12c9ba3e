"""Prints the accounts of the demo organisations."""

from typing import Any

from django.core.management.base import BaseCommand

from dashboards import demo
from reports import demo as open_data


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if demo.is_allowed():
            self.stdout.write(demo.accounts_in_words())
            self.stdout.write(open_data.accounts_in_words())
