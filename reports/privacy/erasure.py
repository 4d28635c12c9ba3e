"""One client erased: asked for by their therapist, carried out by an administrator, in steps, with a proof afterwards.

Each step empties one table in a transaction of its own, in an order in which no row ever points at one that is gone.
A step that is done again finds nothing left to do, so that whatever is killed half-way goes on. The last one counts
whatever was found at the beginning by its id: what is not 0 is no proof, and nothing is called done.
docs/adr/0022-erasure.md says why.
"""

import uuid

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.audit import record_event
from accounts.idempotency import taken_means
from accounts.models import User
from clients.models import Client
from clients.selectors import is_responsible
from jobs import actions as jobs
from jobs.organisation import acting_in

from ..models import Erasure, LegalHold
from . import about, tombstones, traces

ERASE = "reports.erase_client"
State, Reason = Erasure.State, Erasure.Reason
ASKED_FOR = (Reason.CLIENT, Reason.MISTAKE, Reason.OTHER)


class WrongState(ValidationError):
    """The erasure is not where this belongs: somebody else has taken it further, or back."""

    def __init__(self) -> None:
        super().__init__("This has gone on meanwhile. Look at where it is now.")


class Held(ValidationError):
    def __init__(self) -> None:
        super().__init__("A legal hold stands on this record. Nothing of it is erased until the hold is lifted.")


class OtherCode(ValidationError):
    pass


def is_held(client_id: uuid.UUID) -> bool:
    return LegalHold.objects.filter(client=client_id, lifted_at=None).exists()


def check_held(client_id: uuid.UUID) -> None:
    if is_held(client_id):
        raise Held


def check_responsible(client: Client, user: User) -> None:
    """Their therapist now, or who had them last; not who stands in. Raises PermissionDenied: 403."""
    if not is_responsible(client, user):
        raise PermissionDenied("Only the therapist of this client decides about all that is held about them.")


# --- Asking and deciding -------------------------------------------------------------------------------------


@transaction.atomic
def request_erasure(*, client: Client, reason: str, by: User) -> Erasure:
    """Ask an administrator to erase a client. Raises Held, and ValidationError where it is asked for already."""
    check_responsible(client, by)
    lock(client.pk)
    check_held(client.pk)
    if reason not in ASKED_FOR:
        raise ValidationError({"reason": "Choose a reason."})
    erasure = Erasure(organisation_id=client.organisation_id, client=client, reason=reason, requested_by=by)
    with taken_means(ValidationError("It is asked for already.")):
        erasure.save(force_insert=True)
    record_event("erasure.requested", erasure, organisation_id=client.organisation_id, client_id=client.pk, by=by)
    return erasure


@transaction.atomic
def close_request(*, erasure: Erasure, by: User) -> None:
    """Decline it as an administrator, or take it back as whoever asked. Raises WrongState once it is decided."""
    is_own = erasure.requested_by_id == by.pk
    if not (is_own or by.is_administrator):
        raise PermissionDenied("Only an administrator declines this.")
    state = State.WITHDRAWN if is_own else State.DECLINED
    move(erasure, State.REQUESTED, state, by)
    record_event(f"erasure.{state}", erasure, organisation_id=by.organisation_id, client_id=erasure.client_id, by=by)


@transaction.atomic
def carry_out(*, erasure: Erasure, code: str, by: User) -> None:
    """Erase, for good. `code` is the client's, typed. Raises OtherCode, Held, ImportUnderWay and WrongState."""
    if not by.is_administrator:
        raise PermissionDenied("An administrator carries this out.")
    if erasure.client is None or erasure.state != State.REQUESTED:
        raise WrongState
    lock(erasure.client.pk)
    check_held(erasure.client.pk)
    traces.check_imports(erasure.organisation_id)
    if code.strip().casefold() != erasure.client.code.casefold():
        raise OtherCode({"code": "This is not the code of this client. Nothing was erased."})
    move(erasure, State.REQUESTED, State.ERASING, by)
    begin(erasure, by=by)


def begin(erasure: Erasure, *, by: User | None) -> None:
    record_event("erasure.begun", erasure, organisation_id=erasure.organisation_id, client_id=erasure.client_id, by=by)
    jobs.request_job(task=ERASE, object_id=erasure.pk, organisation_id=erasure.organisation_id)


def begin_by_itself(client: Client, reason: str) -> Erasure:
    """Of a record that was kept long enough, or that a backup brought back: nobody is asked once more."""
    Erasure.objects.filter(client=client, state=State.REQUESTED).delete()
    erasure = Erasure(
        organisation_id=client.organisation_id,
        client=client,
        reason=reason,
        state=State.ERASING,
        decided_at=timezone.now(),
    )
    erasure.save(force_insert=True)
    begin(erasure, by=None)
    return erasure


def move(erasure: Erasure, source: str, target: str, by: User) -> None:
    """Of two who decide, one succeeds; raises WrongState for the other."""
    moved = Erasure.objects.filter(pk=erasure.pk, state=source).update(state=target, decided_at=Now(), decided_by=by)
    if not moved:
        raise WrongState
    erasure.state, erasure.decided_by = target, by


@transaction.atomic
def retry_erasure(*, erasure: Erasure, by: User) -> None:
    """Go on where it stopped. Raises WrongState when it is not under way."""
    if not by.is_administrator:
        raise PermissionDenied("An administrator carries this out.")
    if not erasure.is_under_way:
        raise WrongState
    record_event("erasure.retried", erasure, organisation_id=by.organisation_id, client_id=erasure.client_id, by=by)
    jobs.request_job(task=ERASE, object_id=erasure.pk, organisation_id=erasure.organisation_id)


# --- Legal hold ----------------------------------------------------------------------------------------------


@transaction.atomic
def set_hold(*, client: Client, reason: str, by: User) -> LegalHold:
    """Keep a record from being erased. Raises ValidationError where it is held, or being erased, already."""
    if not by.is_administrator:
        raise PermissionDenied("An administrator sets a legal hold.")
    lock(client.pk)
    if Erasure.objects.filter(client=client, state=State.ERASING).exists():
        raise ValidationError({"code": "This record is being erased already."})
    hold = LegalHold(organisation_id=client.organisation_id, client=client, reason=reason.strip(), set_by=by)
    hold.check_values()
    with taken_means(ValidationError({"code": "A legal hold stands on this record already."})):
        hold.save(force_insert=True)
    record_event("hold.set", hold, organisation_id=client.organisation_id, client_id=client.pk, by=by)
    return hold


@transaction.atomic
def lift_hold(*, hold: LegalHold, by: User) -> None:
    """Let the record be erased again. One that was lifted before stays as it is."""
    if not by.is_administrator:
        raise PermissionDenied("An administrator lifts a legal hold.")
    lifted = LegalHold.objects.filter(pk=hold.pk, lifted_at=None).update(lifted_at=Now(), lifted_by=by)
    if lifted:
        record_event("hold.lifted", hold, organisation_id=hold.organisation_id, client_id=hold.client_id, by=by)


def lock(client_id: uuid.UUID) -> Client:
    """Holds and erasures of one client wait for each other."""
    return Client.objects.select_for_update().get(pk=client_id)


# --- In steps ------------------------------------------------------------------------------------------------


def steps() -> int:
    """Looking, files and words, a table each, and the proof."""
    return 2 + len(about.order())


def take_step(*, erasure_id: uuid.UUID, organisation_id: uuid.UUID) -> bool:
    """One step, kept by itself. Whether there is another one to take.

    Where a row came back meanwhile, written by work that was under way, the steps begin anew.
    """
    try:
        with acting_in(organisation_id):
            return erase_next(erasure_id=erasure_id)
    except IntegrityError:
        with acting_in(organisation_id):
            Erasure.objects.filter(pk=erasure_id, state=State.ERASING, done__gt=1).update(done=1)
        raise


@transaction.atomic
def erase_next(*, erasure_id: uuid.UUID) -> bool:
    erasure = (
        Erasure.objects.select_related("client", "decided_by")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=erasure_id)
    )
    if not erasure.is_under_way or erasure.client is None:
        return False
    client = lock(erasure.client.pk)
    check_held(client.pk)
    tables = [label for label in about.order() if label != about.CLIENT]
    if erasure.done == 0:
        erasure.before = about.counts(client.pk)
        erasure.ids = {label: about.ids_of(label, client.pk) for label in erasure.before}
    elif erasure.done == 1:
        erasure.traces = {**traces.remove_files(client, by=erasure.decided_by), **traces.erase_words(client)}
        traces.remove_routes(client)
        traces.forget_origins(all_ids(erasure))
    elif erasure.done <= 1 + len(tables):
        empty(tables[erasure.done - 2], client)
    else:
        prove(erasure, client, tables)
        return False
    erasure.done += 1
    erasure.save(update_fields=["done", "before", "ids", "traces"])
    connection.check_constraints()
    return True


def all_ids(erasure: Erasure) -> set[str]:
    return {one for some in erasure.ids.values() for one in some}


def empty(label: str, client: Client) -> None:
    """Without a look at each row: nothing points at them any more, and the database holds us to that."""
    gone = about.ids_of(label, client.pk)
    if gone:
        rows = about.model_of(label)._base_manager.filter(pk__in=gone)
        rows._raw_delete(rows.db)


def prove(erasure: Erasure, client: Client, tables: list[str]) -> None:
    """The last step: what came in meanwhile goes, the client goes, and every table is counted."""
    traces.remove_files(client, by=erasure.decided_by)
    traces.remove_routes(client)
    for label in tables:
        empty(label, client)
    traces.remove_leads(client.organisation_id, all_ids(erasure))
    # It still points at the client: the database looks at that only when the step ends.
    gone = Client.objects.filter(pk=client.pk)
    gone._raw_delete(gone.db)
    after = dict.fromkeys(about.order(), 0) | about.existing(erasure.ids)
    if any(after.values()) or about.counts(client.pk):
        raise IntegrityError("Rows about the client are still there.")
    tombstone = tombstones.tombstone_of(client.pk, client.organisation_id)
    erasure.client, erasure.ids, erasure.after = None, {}, after
    erasure.tombstone, erasure.state, erasure.finished_at = tombstone.text, State.DONE, timezone.now()
    erasure.done += 1
    erasure.save(update_fields=["client", "ids", "after", "tombstone", "state", "finished_at", "done"])
    connection.check_constraints()
    # Of whom is no part of it: the events before say that, by an id which leads nowhere now.
    record_event("erasure.done", erasure, organisation_id=erasure.organisation_id, by=erasure.decided_by)
    tombstones.keep(tombstone)
