from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from accounts.access import check_own
from accounts.audit import changed_fields, record_event
from accounts.idempotency import StaleVersion as StaleVersion
from accounts.idempotency import taken_means
from accounts.models import User

from ..models import Client, Episode


class CodeTaken(ValidationError):
    pass


class EpisodeOpen(ValidationError):
    pass


class EpisodeEnded(ValidationError):
    pass


@transaction.atomic
def create_client(*, code: str, name: str = "", by: User) -> Client:
    """Add a client under a code of the service's own. Raises CodeTaken."""
    client = Client(organisation_id=by.organisation_id, code=code.strip(), name=name.strip(), created_by=by)
    check_code(client)
    client.check_values()
    with taken_means(code_taken(client)):
        client.save(force_insert=True)
    record_event("client.created", client, organisation_id=client.organisation_id, client_id=client.pk, by=by)
    return client


def check_code(client: Client) -> None:
    if Client.objects.filter(code__iexact=client.code).exclude(pk=client.pk).exists():
        raise code_taken(client)


def code_taken(client: Client) -> CodeTaken:
    return CodeTaken({"code": f"The code {client.code} is already in use. Choose another."})


@transaction.atomic
def update_client(*, client: Client, version: int, by: User, **values: Any) -> Client:
    """Change code, name, or the address and the day of the agreement to be mailed there.

    A new agreement takes the place of an end that the client had asked for. Raises CodeTaken, and StaleVersion when
    `version` is not the saved one.
    """
    if "email" in values:
        values["email"] = values["email"].strip()
    if values.get("mail_agreed_on"):
        values["unsubscribed_at"] = None
    changed = changed_fields(client, values)
    for name in changed:
        setattr(client, name, values[name])
    check_code(client)
    client.check_values()
    if client.mail_agreed_on and not client.email:
        raise ValidationError({"email": "Enter the address, or take the tick below away."})
    with taken_means(code_taken(client)):
        saved = Client.objects.filter(pk=client.pk, version=version).update(
            version=F("version") + 1, **{name: values[name] for name in changed}
        )
    if not saved:
        raise StaleVersion(Client.objects.get(pk=client.pk))
    record_event(
        "client.changed", client, organisation_id=client.organisation_id, client_id=client.pk, by=by, fields=changed
    )
    return client


@transaction.atomic
def unsubscribe(*, client: Client) -> None:
    """Send a client no more e-mails, as they asked through the link in one."""
    ended = Client.objects.filter(pk=client.pk, unsubscribed_at=None).update(
        mail_agreed_on=None, unsubscribed_at=Now(), version=F("version") + 1
    )
    if ended:
        record_event(
            "client.unsubscribed", client, organisation_id=client.organisation_id, client_id=client.pk, by=None
        )


def check_own_client(client: Client, user: User) -> None:
    """A new client is any therapist's to take on; one seen before is their own therapist's, not a reader's."""
    seen = Episode.objects.filter(client=client)
    if seen.exists() and not seen.filter(therapist=user).exists():
        raise PermissionDenied("Only the therapist of this client can start an episode.")


@transaction.atomic
def start_episode(*, client: Client, modality: str, practitioner_title: str, started_on: date, by: User) -> Episode:
    """Start a course of therapy with `by` as its therapist. Raises EpisodeOpen while another one is open."""
    if not by.is_therapist:
        raise PermissionDenied("Only a therapist starts an episode.")
    check_own_client(client, by)
    open_already = EpisodeOpen("This client has an open episode. End it before starting another.")
    if Episode.objects.open().filter(client=client).exists():
        raise open_already
    episode = Episode(
        organisation_id=client.organisation_id,
        client=client,
        therapist=by,
        modality=modality,
        practitioner_title=practitioner_title.strip(),
        started_on=started_on,
        created_by=by,
    )
    episode.check_values()
    with taken_means(open_already):
        episode.save(force_insert=True)
    record_event("episode.started", episode, organisation_id=client.organisation_id, client_id=client.pk, by=by)
    return episode


@transaction.atomic
def end_episode(*, episode: Episode, ended_on: date, ending: str, by: User) -> Episode:
    """Close an episode with the kind of its ending; everything recorded in it stays readable.

    Raises EpisodeEnded when somebody ended it meanwhile, or ValidationError naming the field.
    """
    check_own(by, episode.therapist_id)
    if ended_on < episode.started_on:
        raise ValidationError(
            {"ended_on": f"The episode started on {episode.started_on:%-d %B %Y}; end it then or later."}
        )
    last_day = episode.sessions.aggregate(last=Max("held_on"))["last"]
    if last_day and ended_on < last_day:
        raise ValidationError({"ended_on": f"The last session was on {last_day:%-d %B %Y}; end it then or later."})
    episode.ended_on, episode.ending = ended_on, ending
    episode.check_values()
    if not Episode.objects.open().filter(pk=episode.pk).update(ended_on=ended_on, ending=ending):
        raise EpisodeEnded("This episode has been ended meanwhile. Nothing was overwritten.")
    record_event("episode.ended", episode, organisation_id=episode.organisation_id, client_id=episode.client_id, by=by)
    return episode
