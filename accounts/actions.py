import uuid
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs import actions as jobs
from jobs.models import Route
from jobs.organisation import acting_in

from .audit import changed_fields, record_event
from .models import Organisation, Supervision, User


class AddressTaken(ValidationError):
    pass


@transaction.atomic
def create_organisation(*, name: str, slug: str, is_demo: bool = False, **texts: Any) -> Organisation:
    """Open an organisation. Raises ValidationError when the name or time zone is not usable."""
    organisation = Organisation(id=uuid.uuid4(), name=name, slug=slug, is_demo=is_demo, **texts)
    jobs.set_route(kind=Route.Kind.ORGANISATION, value=slug, organisation_id=organisation.pk)
    with acting_in(organisation.pk):
        organisation.full_clean()
        organisation.save(force_insert=True)
        record_event("organisation.created", organisation, organisation_id=organisation.pk, by=None)
    return organisation


@transaction.atomic
def update_organisation(*, organisation: Organisation, by: User, **values: Any) -> Organisation:
    changed = changed_fields(organisation, values)
    for name in changed:
        setattr(organisation, name, values[name])
    organisation.full_clean()
    organisation.save(update_fields=changed)
    record_event("organisation.changed", organisation, organisation_id=organisation.pk, by=by, fields=changed)
    return organisation


@transaction.atomic
def create_person(
    *,
    organisation: Organisation,
    email: str,
    name: str,
    is_therapist: bool = False,
    is_supervisor: bool = False,
    is_administrator: bool = False,
    password: str | None = None,
    by: User | None,
) -> User:
    """Add a person. Without a password nobody can sign in as them until they chose one through their link.

    Raises AddressTaken when the address is in use, in whichever organisation.
    """
    person = User(
        organisation=organisation,
        email=email.strip().lower(),
        name=name,
        is_therapist=is_therapist,
        is_supervisor=is_supervisor,
        is_administrator=is_administrator,
    )
    if password is None:
        person.set_unusable_password()
    else:
        validate_password(password, person)
        person.set_password(password)
    person.check_values()
    set_address(person.email, organisation_id=organisation.pk)
    jobs.set_route(kind=Route.Kind.PERSON, value=str(person.pk), organisation_id=organisation.pk)
    person.save(force_insert=True)
    record_event("person.created", person, organisation_id=organisation.pk, by=by, fields=person.roles)
    return person


def set_address(email: str, *, organisation_id: uuid.UUID) -> None:
    try:
        with transaction.atomic():
            jobs.set_route(kind=Route.Kind.EMAIL, value=email, organisation_id=organisation_id)
    except IntegrityError:
        raise AddressTaken({"email": "This address is already in use. Choose another."}) from None


@transaction.atomic
def update_person(*, person: User, by: User, **values: Any) -> User:
    """Change name, address, roles or whether the person may sign in.

    Raises ValidationError when the organisation would be left without an administrator.
    """
    if "email" in values:
        values["email"] = values["email"].strip().lower()
    changed = changed_fields(person, values)
    if "email" in changed:
        set_address(values["email"], organisation_id=person.organisation_id)
        jobs.remove_route(kind=Route.Kind.EMAIL, value=person.email)
    for name in changed:
        setattr(person, name, values[name])
    person.check_values()
    others = User.objects.filter(is_administrator=True, is_active=True).exclude(pk=person.pk)
    if not (person.is_administrator and person.is_active) and not others.exists():
        raise ValidationError("This is the last administrator. Make somebody else an administrator first.")
    person.save(update_fields=changed)
    record_event("person.changed", person, organisation_id=person.organisation_id, by=by, fields=changed)
    return person


@transaction.atomic
def choose_password(*, person: User, password: str) -> None:
    """Set the password that a person chose through their link. Raises ValidationError when it is too weak."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from None
    person.set_password(password)
    person.save(update_fields=["password"])
    record_event("person.password-chosen", person, organisation_id=person.organisation_id, by=person)


@transaction.atomic
def start_supervision(*, supervisor: User, therapist: User, by: User | None) -> Supervision:
    """Let a supervisor see a therapist's caseload from now on. Raises ValidationError for unfit roles."""
    if not supervisor.is_supervisor:
        raise ValidationError({"supervisor": f"{supervisor.name} does not have the role of supervisor."})
    if not therapist.is_therapist:
        raise ValidationError({"therapist": f"{therapist.name} does not have the role of therapist."})
    if supervisor == therapist:
        raise ValidationError({"supervisor": "Nobody supervises themselves. Choose two people."})
    supervision = Supervision(
        organisation_id=therapist.organisation_id, supervisor=supervisor, therapist=therapist, started_by=by
    )
    if Supervision.objects.current().filter(supervisor=supervisor, therapist=therapist).exists():
        raise ValidationError(f"{supervisor.name} already supervises {therapist.name}.")
    supervision.save()
    record_event("supervision.started", supervision, organisation_id=therapist.organisation_id, by=by)
    return supervision


@transaction.atomic
def end_supervision(*, supervision: Supervision, by: User) -> None:
    updated = Supervision.objects.current().filter(pk=supervision.pk).update(ended_at=timezone.now(), ended_by=by)
    if updated:
        record_event("supervision.ended", supervision, organisation_id=supervision.organisation_id, by=by)
