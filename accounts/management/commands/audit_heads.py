from typing import Any

from django.core.management import BaseCommand

from accounts import chain
from jobs.actions import organisation_ids
from jobs.organisation import acting_in


class Command(BaseCommand):
    help = "Print the head of each organisation's chain of audit events, to be kept where this database can't reach."

    def handle(self, *args: Any, **options: Any) -> None:
        for organisation_id in organisation_ids():
            with acting_in(organisation_id):
                position, digest = chain.head(organisation_id)
            self.stdout.write(f"{organisation_id} {position} {digest}")
