"""Asks for the first administrator and their organisation; ADMIN_… variables answer without a terminal."""

import os
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import actions
from accounts.models import User
from jobs.actions import organisation_ids
from jobs.organisation import acting_in


class PasswordRefused(ValidationError):
    pass


@transaction.atomic
def create(*, organisation_name: str, name: str, email: str, password: str) -> None:
    """Both or neither: a service without anybody could never be entered. Raises PasswordRefused before it writes."""
    try:
        validate_password(password, User(name=name, email=email))
    except ValidationError as error:
        raise PasswordRefused(error.messages) from None
    slug = slugify(organisation_name)[:60] or "service"
    organisation = actions.create_organisation(name=organisation_name, slug=slug)
    with acting_in(organisation.pk):
        actions.create_person(
            organisation=organisation, name=name, email=email, password=password, is_administrator=True, by=None
        )


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-none", action="store_true", help="do nothing when there is an organisation already")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_none"] and organisation_ids():
            return
        try:
            values = {
                "organisation_name": self.answer("ADMIN_ORGANISATION", "Name of your service: "),
                "name": self.answer("ADMIN_NAME", "Your name: "),
                "email": self.answer("ADMIN_EMAIL", "Your e-mail address, to sign in with: "),
            }
            while True:
                password = self.answer("ADMIN_PASSWORD", "Your password (15 characters or more): ", read=getpass)
                try:
                    create(**values, password=password)
                    break
                except PasswordRefused as refused:
                    if os.environ.get("ADMIN_PASSWORD"):
                        raise
                    self.stderr.write(" ".join(refused.messages))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except IntegrityError:
            raise CommandError("There is a service of this name already. Choose another name.") from None
        except EOFError:
            raise CommandError(
                "There is no terminal to ask on. Set ADMIN_ORGANISATION, ADMIN_NAME, ADMIN_EMAIL and ADMIN_PASSWORD."
            ) from None
        self.stdout.write(f"{values['name']} can sign in and add people.")

    def answer(self, variable: str, question: str, *, read: Any = input) -> str:
        return os.environ.get(variable) or read(question).strip()
