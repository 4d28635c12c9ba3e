"""Removes the second step of somebody who lost theirs, where no other administrator can; it is on record."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import actions
from accounts.selectors import person_with_email
from jobs.actions import organisation_of
from jobs.models import Route
from jobs.organisation import acting_in


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address with which they sign in")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        organisation_id = organisation_of(kind=Route.Kind.EMAIL, value=email)
        if organisation_id is None:
            raise CommandError(f"Nobody signs in with {email}.")
        with acting_in(organisation_id):
            actions.remove_second_factor(person=person_with_email(email), by=None)
        self.stdout.write(f"{email} signs in with the password alone until a second step is set up again.")
