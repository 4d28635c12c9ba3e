"""A pack for a client, made as an export is: in steps, with progress, for three days, for whoever asked alone."""

from django.db import transaction

from accounts.audit import record_event
from accounts.models import User
from clients.models import Client
from jobs import actions as jobs

from ..exports.actions import MAKE
from ..models import Export
from .erasure import check_responsible
from .held import tables

PURPOSE = "For the client, who may have everything that is held about them"


@transaction.atomic
def ask_pack(*, client: Client, with_process_notes: bool = False, by: User) -> Export:
    """Ask for everything that is held about a client; with the process notes that `by` wrote only where they say so."""
    check_responsible(client, by)
    export = Export(
        organisation_id=client.organisation_id,
        format=Export.Format.PACK,
        scope=Export.Scope.CLIENT,
        client=client,
        with_process_notes=with_process_notes,
        is_identifying=True,
        purpose=PURPOSE,
        total=len(tables()),
        created_by=by,
    )
    export.check_values()
    export.save(force_insert=True)
    fields = ["pack", *(["process-notes"] if with_process_notes else [])]
    record_event(
        "export.asked", export, organisation_id=client.organisation_id, client_id=client.pk, by=by, fields=fields
    )
    jobs.request_job(task=MAKE, object_id=export.pk, organisation_id=export.organisation_id)
    return export
