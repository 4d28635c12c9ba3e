import secrets
import uuid
from datetime import date, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from jobs import actions as jobs
from jobs.models import Route
from jobs.organisation import acting_in

from .audit import changed_fields, record_event
from .idempotency import StaleVersion, taken_means
from .models import ApiToken, Cover, Organisation, Submission, Supervision, User
from .signed_in import end

# Every trend of the organisation: another rate is another threshold.
RECOMPUTE = "ruptures.start_recompute"


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
def update_organisation(*, organisation: Organisation, version: int, by: User, **values: Any) -> Organisation:
    """Change the name, texts or time zone. Raises StaleVersion when `version` is not the saved one."""
    changed = changed_fields(organisation, values)
    for name in changed:
        setattr(organisation, name, values[name])
    organisation.full_clean()
    save_version(organisation, changed, version=version)
    record_event("organisation.changed", organisation, organisation_id=organisation.pk, by=by, fields=changed)
    if {"signal_rate", "signal_preset"} & set(changed):
        jobs.request_job(task=RECOMPUTE, object_id=organisation.pk, organisation_id=organisation.pk)
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
def update_person(*, person: User, version: int, by: User, **values: Any) -> User:
    """Change name, address, roles or whether the person may sign in.

    Raises ValidationError when the organisation would be left without an administrator, and StaleVersion when
    `version` is not the saved one.
    """
    # Held until the end: of two administrators who take each other's role, the later one finds that it is the last.
    Organisation.objects.select_for_update(no_key=True).get(pk=person.organisation_id)
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
    save_version(person, changed, version=version)
    record_event("person.changed", person, organisation_id=person.organisation_id, by=by, fields=changed)
    return person


def save_version(record: Organisation | User, changed: list[str], *, version: int) -> None:
    """Save these fields of a record that nobody else has saved since `version` was read. Raises StaleVersion."""
    rows = type(record)._default_manager.filter(pk=record.pk)
    values = {name: getattr(record, name) for name in changed}
    if not rows.filter(version=version).update(version=F("version") + 1, **values):
        raise StaleVersion(rows.get())
    record.version = version + 1


@transaction.atomic
def make_password_link(*, person: User, by: User) -> str:
    """The token of a link with which the person chooses a password. Who has it can sign in as them: it is on record."""
    record_event("person.password-link-made", person, organisation_id=person.organisation_id, by=by)
    return default_token_generator.make_token(person)


@transaction.atomic
def choose_password(*, person: User, password: str) -> None:
    """Set the password that a person chose through their link; wherever they were signed in ends.

    Raises ValidationError when it is too weak.
    """
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise ValidationError({"password": error.messages}) from None
    person.set_password(password)
    person.save(update_fields=["password"])
    end(UserSession.objects.filter(user=person))
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
    already = ValidationError(f"{supervisor.name} already supervises {therapist.name}.")
    if Supervision.objects.current().filter(supervisor=supervisor, therapist=therapist).exists():
        raise already
    with taken_means(already):
        supervision.save(force_insert=True)
    record_event("supervision.started", supervision, organisation_id=therapist.organisation_id, by=by)
    return supervision


@transaction.atomic
def end_supervision(*, supervision: Supervision, by: User) -> None:
    updated = Supervision.objects.current().filter(pk=supervision.pk).update(ended_at=timezone.now(), ended_by=by)
    if updated:
        record_event("supervision.ended", supervision, organisation_id=supervision.organisation_id, by=by)


@transaction.atomic
def take_back_device(*, by: User) -> None:
    """That somebody unlocked with their password the device that a client had in hands."""
    record_event("person.took-device-back", by, organisation_id=by.organisation_id, by=by)


@transaction.atomic
def start_cover(*, therapist: User, cover: User, starts_on: date, ends_on: date, by: User) -> Cover:
    """Let a colleague stand in for a therapist from one day to another: by the therapist, or an administrator.

    Raises ValidationError naming the field.
    """
    check_absence(therapist, by)
    if not therapist.is_therapist:
        raise ValidationError({"therapist": f"{therapist.name} does not have the role of therapist."})
    if cover == therapist:
        raise ValidationError({"cover": "Nobody covers for themselves. Choose a colleague."})
    if not (cover.is_active and cover.is_therapist):
        raise ValidationError({"cover": f"{cover.name} is no therapist who may sign in. Choose somebody else."})
    if starts_on < therapist.organisation.today:
        raise ValidationError({"starts_on": "This day is over. Choose today or a later day."})
    if ends_on < starts_on:
        raise ValidationError({"ends_on": "The last day comes before the first. Choose the first day or a later one."})
    already = ValidationError({"cover": f"{cover.name} covers for {therapist.name} on some of these days already."})
    given = Cover.objects.filter(therapist=therapist, cover=cover, ended_at=None)
    if given.filter(starts_on__lte=ends_on, ends_on__gte=starts_on).exists():
        raise already
    row = Cover(
        organisation_id=therapist.organisation_id,
        therapist=therapist,
        cover=cover,
        starts_on=starts_on,
        ends_on=ends_on,
        created_by=by,
    )
    with taken_means(already):
        row.save(force_insert=True)
    record_event("cover.started", row, organisation_id=row.organisation_id, by=by)
    return row


@transaction.atomic
def end_cover(*, cover: Cover, by: User) -> None:
    """Take a cover back, before its last day or before it has begun. One that was ended stays as it is."""
    check_absence(cover.therapist, by)
    if Cover.objects.filter(pk=cover.pk, ended_at=None).update(ended_at=timezone.now(), ended_by=by):
        record_event("cover.ended", cover, organisation_id=cover.organisation_id, by=by)


def check_absence(therapist: User, user: User) -> None:
    if not (user.is_administrator or (user.is_therapist and user.pk == therapist.pk)):
        raise PermissionDenied("Therapists say themselves who covers for them, or an administrator does.")


# --- The second step of sign-in, and sessions ------------------------------------------------------------


@transaction.atomic
def note_factor_added(*, kind: str, session_key: str, by: User) -> None:
    """A factor was set up: an app or a passkey. Every other session, which began without it, ends."""
    record_event("person.second-factor-added", by, organisation_id=by.organisation_id, by=by, fields=[kind])
    end(UserSession.objects.filter(user=by).exclude(session_key=session_key))


@transaction.atomic
def note_factor_removed(*, kind: str, by: User) -> None:
    record_event("person.second-factor-removed", by, organisation_id=by.organisation_id, by=by, fields=[kind])


@transaction.atomic
def note_codes_made(*, by: User) -> None:
    """New recovery codes: those from before no longer work."""
    record_event("person.recovery-codes-made", by, organisation_id=by.organisation_id, by=by)


@transaction.atomic
def note_second_step_failed(*, by: User) -> None:
    """The password was right and what came after was not."""
    record_event("person.second-step-failed", by, organisation_id=by.organisation_id, by=by)


@transaction.atomic
def remove_second_factor(*, person: User, by: User | None) -> None:
    """For a colleague who lost theirs: what they have is removed with its codes, and wherever they are signed in ends.

    Nobody removes their own in this way: that is done with the factor at hand. `by` is None for whoever runs the
    service, when it is the only administrator who lost theirs.
    """
    if by and not (by.is_administrator and person.organisation_id == by.organisation_id):
        raise PermissionDenied("Administrators do this, for colleagues.")
    if by and person.pk == by.pk:
        raise PermissionDenied("Another administrator does this for you.")
    found = Authenticator.objects.filter(user=person)
    kinds = sorted(set(found.values_list("type", flat=True)))
    if not kinds:
        return
    found.delete()
    end(UserSession.objects.filter(user=person))
    record_event("person.second-factor-removed", person, organisation_id=person.organisation_id, by=by, fields=kinds)


@transaction.atomic
def end_sessions(*, sessions: QuerySet[UserSession], by: User) -> int:
    """End own sessions, on whichever device, at once. Returns how many there were."""
    count = end(sessions.filter(user=by))
    if count:
        record_event("person.sessions-ended", by, organisation_id=by.organisation_id, by=by)
    return count


# --- Tokens of the API ----------------------------------------------------------------------------------

LONGEST_TOKEN = timedelta(days=365)
TOKENS_AT_ONCE = 20
NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def make_token(*, name: str, scope: str, days: int, by: User) -> tuple[ApiToken, str]:
    """A token with which a program acts for `by`, and its text, which is kept nowhere.

    Raises ValidationError naming the field.
    """
    if not 1 <= days <= LONGEST_TOKEN.days:
        raise ValidationError({"days": f"Choose 1 to {LONGEST_TOKEN.days} days."})
    if ApiToken.objects.usable().filter(person=by).count() >= TOKENS_AT_ONCE:
        raise ValidationError(f"You have {TOKENS_AT_ONCE} tokens that work. Take one back first.")
    secret = secrets.token_hex(32)
    prefix = secrets.token_hex(4)
    text = f"alliance-{prefix}-{secret}"
    token = ApiToken(
        organisation_id=by.organisation_id,
        person=by,
        name=name.strip(),
        prefix=prefix,
        digest=ApiToken.digest_of(text),
        scope=scope,
        expires_at=timezone.now() + timedelta(days=days),
    )
    token.check_values()
    jobs.set_route(kind=Route.Kind.TOKEN, value=text, organisation_id=by.organisation_id)
    token.save(force_insert=True)
    record_event("token.made", token, organisation_id=by.organisation_id, by=by, fields=[scope])
    return token, text


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User) -> None:
    """Make a token stop working at once. One that was taken back before stays as it is."""
    if by.pk != token.person_id:
        raise PermissionDenied("People take back their own tokens.")
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now(), revoked_by=by):
        record_event("token.revoked", token, organisation_id=token.organisation_id, by=by)


@transaction.atomic
def note_token_used(*, token: ApiToken) -> None:
    """That a token was used, to the minute: requests at the same moment do not wait for each other."""
    if token.last_used_at is not None and token.last_used_at > timezone.now() - NOTED_EVERY:
        return
    if ApiToken.objects.filter(pk=token.pk).select_for_update(skip_locked=True, no_key=True).first() is not None:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())


@transaction.atomic
def remove_old_submissions(*, organisation_id: uuid.UUID, older_than: timedelta = timedelta(days=30)) -> None:
    """Nobody sends a form again after so long; what it said need not be told from its digest for ever."""
    Submission.objects.filter(organisation_id=organisation_id, created_at__lt=Now() - older_than).delete()
