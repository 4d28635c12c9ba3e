"""A second demo organisation, filled from two files that nobody here wrote, as a service would fill its own."""

import tomllib
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import Organisation, User
from accounts.selectors import organisation_with_slug, people, therapist_for_import
from clients.selectors import client_list, is_responsible
from dashboards.demo import PASSWORD
from jobs.organisation import acting_in

from . import actions
from .exports.actions import ask_export
from .mapping import shipped_mappings
from .privacy.erasure import request_erasure, set_hold
from .privacy.packs import ask_pack

SLUG = "open-data"
ACCOUNTS = {
    "therapist@open.example": ("Vera Lindt", {"is_therapist": True}),
    "supervisor@open.example": ("Ruben Katz", {"is_supervisor": True}),
    "admin@open.example": ("Lotte Brandt", {"is_administrator": True}),
}
FILES = {"wai36-simulated": "wai36_items_simulated.csv", "suddengains": "suddengains_sgdata.csv"}
FOLDER = settings.BASE_DIR / "tests" / "data"
# Long enough ago for fifteen weekly measurements to be over.
BEGAN = timedelta(weeks=20)
EXPORTING = "therapist@demo.example"


def load(*, today: date | None = None) -> Organisation | None:
    """Create the organisation and import its files; None when it is there already."""
    if organisation_with_slug(SLUG):
        return None
    start_date = (today or timezone.localdate()) - BEGAN
    with transaction.atomic():
        organisation = accounts.create_organisation(
            name="Open data, no real clients", slug=SLUG, is_demo=True, second_factor_for="nobody"
        )
        with acting_in(organisation.pk):
            therapist, supervisor, administrator = (
                accounts.create_person(
                    organisation=organisation, email=email, name=name, password=PASSWORD, by=None, **roles
                )
                for email, (name, roles) in ACCOUNTS.items()
            )
            accounts.start_supervision(supervisor=supervisor, therapist=therapist, by=None)
            for mapping, file in FILES.items():
                import_file(file, mapping, therapist=therapist, start_date=start_date, by=administrator)
    return organisation


def ask_for_exports(organisation: Organisation) -> None:
    """Of the service, and of a therapist's own clients; the worker makes them once there is one."""
    with acting_in(organisation.pk):
        therapist = therapist_for_import(EXPORTING)
        (administrator,) = people(therapist).filter(is_administrator=True)
        ask_export(format="csv", scope="service", by=administrator)
        ask_export(format="csv", scope="own", by=therapist)


def ask_for_what_is_held(organisation: Organisation) -> None:
    """A pack, an erasure that waits for an administrator, and a legal hold: of clients whose therapy is over."""
    with acting_in(organisation.pk):
        therapist = therapist_for_import(EXPORTING)
        (administrator,) = people(therapist).filter(is_administrator=True)
        over = [episode.client for episode in client_list(therapist, show_ended=True)]
        over = [client for client in over if is_responsible(client, therapist)]
        if len(over) > 1:
            ask_pack(client=over[0], by=therapist)
            request_erasure(client=over[0], reason="client", by=therapist)
            set_hold(client=over[1], reason="A complaint to the ombudsman, not settled.", by=administrator)


def import_file(file: str, mapping: str, *, therapist: User, start_date: date, by: User) -> None:
    batch = actions.start_import(file_name=file, content=(FOLDER / file).read_bytes(), by=by)
    actions.map_columns(
        batch=batch,
        mapping=tomllib.loads(shipped_mappings()[mapping]),
        therapist=therapist,
        start_date=start_date,
        by=by,
    )
    actions.import_now(batch=batch, by=by)


def accounts_in_words() -> str:
    lines = [f"  {email:<28}{name}" for email, (name, _roles) in ACCOUNTS.items()]
    return "\n".join(["A second organisation, with published data sets", *lines])
