"""Loads two demo organisations: invented people with a year of sessions, and published data. Once only."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dashboards import demo
from reports import demo as open_data
from supervision import demo as supervision


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        if not demo.is_allowed():
            raise CommandError("Demo data, with their known passwords, are loaded only where ALLIANCE_DEMO=1.")
        organisation = demo.load(has_past=True)
        if organisation is not None:
            supervision.load(organisation)
            open_data.ask_for_exports(organisation)
            open_data.ask_for_what_is_held(organisation)
        open_data.load()
