"""Loads the demo organisation: invented people, 40 clients, a year of sessions. Does nothing when it is there."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboards import demo


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if not demo.is_allowed():
            raise CommandError("Demo data, with their known passwords, are loaded only where ALLIANCE_DEMO=1.")
        demo.load()
