"""Asks for the first administrator and their organisation; ADMIN_… variables answer without a terminal."""

import os
from getpass import getpass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify

from accounts import actions
from jobs.actions import organisation_ids
from jobs.organisation import acting_in


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-none", action="store_true", help="do nothing when there is an organisation already")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_none"] and organisation_ids():
            return
        try:
            name = self.answer("ADMIN_ORGANISATION", "Name of your service: ")
            person: dict[str, Any] = {
                "name": self.answer("ADMIN_NAME", "Your name: "),
                "email": self.answer("ADMIN_EMAIL", "Your e-mail address, to sign in with: "),
                "password": self.answer("ADMIN_PASSWORD", "Your password (15 characters or more): ", read=getpass),
            }
            organisation = actions.create_organisation(name=name, slug=slugify(name)[:60] or "service")
            with acting_in(organisation.pk):
                actions.create_person(organisation=organisation, is_administrator=True, **person, by=None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except EOFError:
            raise CommandError(
                "There is no terminal to ask on. Set ADMIN_ORGANISATION, ADMIN_NAME, ADMIN_EMAIL and ADMIN_PASSWORD."
            ) from None
        self.stdout.write(f"{person['name']} can sign in and add people.")

    def answer(self, variable: str, question: str, *, read: Any = input) -> str:
        return os.environ.get(variable) or read(question).strip()
