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

from ..models import Client, Ending, Episode
from ..selectors import latest_episode


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
    """A new client is any therapist's to take on; one seen before is the therapist's who saw them last."""
    if Episode.objects.filter(client=client).exists() and latest_episode(client).therapist_id != user.pk:
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
def end_episode(*, episode: Episode, ended_on: date, ending: str, words: str = "", by: User) -> Episode:
    """Close an episode with the kind of its ending; everything recorded in it stays readable.

    Raises EpisodeEnded when somebody ended it meanwhile, or ValidationError naming the field.
    """
    check_own(by, episode.responsible_id)
    check_last_day(episode, ended_on, field="ended_on")
    close(episode, ended_on=ended_on, ending=ending, ending_words=words.strip())
    record_event("episode.ended", episode, organisation_id=episode.organisation_id, client_id=episode.client_id, by=by)
    return episode


def check_last_day(episode: Episode, day: date, *, field: str) -> None:
    if day < episode.started_on:
        raise ValidationError({field: f"The episode started on {episode.started_on:%-d %B %Y}; end it then or later."})
    last_day = episode.sessions.aggregate(last=Max("held_on"))["last"]
    if last_day and day < last_day:
        raise ValidationError({field: f"The last session was on {last_day:%-d %B %Y}; end it then or later."})


def close(episode: Episode, **ending: Any) -> None:
    for name, value in ending.items():
        setattr(episode, name, value)
    episode.check_values()
    if not Episode.objects.open().filter(pk=episode.pk).update(**ending):
        raise EpisodeEnded("This episode has been ended meanwhile. Nothing was overwritten.")


@transaction.atomic
def hand_over_episode(*, episode: Episode, to: User, on: date, practitioner_title: str, by: User) -> Episode:
    """End an episode and start the one with which another therapist continues it; returns that.

    Whoever takes over, with the ones after them, reads what was recorded until now; nobody writes in it any more. By
    the therapist, or an administrator. Raises EpisodeEnded, or ValidationError naming the field.
    """
    check_hand_over(episode, to=to, on=on, user=by)
    close(episode, ended_on=on, ending=Ending.TRANSFERRED)
    next_one = Episode(
        organisation_id=episode.organisation_id,
        client=episode.client,
        therapist=to,
        modality=episode.modality,
        practitioner_title=practitioner_title.strip(),
        started_on=on,
        continues=episode,
        created_by=by,
    )
    next_one.check_values()
    next_one.save(force_insert=True)
    earlier: Episode | None = episode
    while earlier is not None:
        earlier.later_therapists = [to.pk, *earlier.later_therapists]
        earlier.save(update_fields=["later_therapists"])
        earlier = earlier.continues
    about: dict[str, Any] = {"organisation_id": episode.organisation_id, "client_id": episode.client_id, "by": by}
    record_event("episode.handed-over", episode, **about)
    record_event("episode.started", next_one, **about)
    return next_one


def check_hand_over(episode: Episode, *, to: User, on: date, user: User) -> None:
    """Whether this person may hand the episode over, to this colleague, on this day."""
    if not (user.is_administrator or (user.is_therapist and user.pk == episode.therapist_id)):
        raise PermissionDenied("Only the therapist of this episode, or an administrator, can hand it over.")
    if to.pk == episode.therapist_id:
        raise ValidationError({"to": f"{to.name} is the therapist of this episode. Choose a colleague."})
    if not (to.is_active and to.is_therapist):
        raise ValidationError({"to": f"{to.name} is no therapist who may sign in. Choose somebody else."})
    if on < episode.started_on:
        raise ValidationError({"on": f"The episode of {episode.client.code} started later. Choose a later day."})
    if episode.sessions.filter(held_on__gt=on).exists():
        raise ValidationError(
            {"on": f"A session of {episode.client.code} was logged after this day. Choose a later one."}
        )
