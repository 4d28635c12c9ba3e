import uuid
from dataclasses import dataclass

from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.urls import reverse

from jobs import actions as jobs
from jobs.models import Route
from jobs.organisation import set_organisation

from .mail import what_is_missing
from .models import EMERGENCY_TEXT, ApiToken, ApiTokenQuerySet, Cover, CoverQuerySet, Organisation, Supervision, User


def people(user: User) -> QuerySet[User]:
    """Everybody of the organisation, with the number of clients each sees now."""
    return (
        User.objects.filter(organisation_id=user.organisation_id)
        .annotate(open_episodes=Count("episodes", filter=Q(episodes__ended_on=None)))
        .order_by("-is_active", "name")
    )


# How a list of people can be narrowed, in words.
ROLES = {"therapist": "Therapists", "supervisor": "Supervisors", "administrator": "Administrators", "none": "No role"}


def people_found(user: User, *, search: str, role: str, is_active: bool) -> QuerySet[User]:
    """Those who may sign in or those who may not, by a part of name or address, and by a role of ROLES."""
    found = people(user).filter(is_active=is_active)
    if search:
        found = found.filter(Q(name__icontains=search) | Q(email__icontains=search))
    if role == "none":
        return found.filter(is_therapist=False, is_supervisor=False, is_administrator=False)
    return found.filter(**{f"is_{role}": True}) if role else found


def count_people(user: User) -> dict[str, int]:
    """Of those who may not sign in any more, `to_hand_over` still have open episodes."""
    counts = {
        "active": Q(is_active=True),
        "left": Q(is_active=False),
        "to_hand_over": Q(is_active=False, episodes__isnull=False, episodes__ended_on=None),
    }
    everybody = User.objects.filter(organisation_id=user.organisation_id)
    return everybody.aggregate(**{name: Count("pk", filter=of, distinct=True) for name, of in counts.items()})


def without_supervisor(user: User) -> QuerySet[User]:
    """Therapists whose caseload no supervisor who may sign in reads."""
    supervised = Supervision.objects.current().filter(supervisor__is_active=True, supervisor__is_supervisor=True)
    return therapists(user).exclude(pk__in=supervised.values("therapist"))


def active_people(user: User) -> QuerySet[User]:
    return User.objects.filter(organisation_id=user.organisation_id, is_active=True)


def therapists(user: User) -> QuerySet[User]:
    return active_people(user).filter(is_therapist=True).order_by("name")


def supervisions(user: User) -> QuerySet[Supervision]:
    return (
        Supervision.objects.current()
        .filter(organisation_id=user.organisation_id)
        .select_related("supervisor", "therapist")
        .order_by("supervisor__name", "therapist__name")
    )


def supervisors_of(therapist: User) -> list[User]:
    return list(
        User.objects.filter(
            is_active=True, supervisions_given__therapist=therapist, supervisions_given__ended_at=None
        ).order_by("name")
    )


def covers(user: User) -> CoverQuerySet:
    """Every cover of the organisation that is in force or to come, the first to begin first."""
    return (
        Cover.objects.current(user.organisation.today)
        .filter(organisation_id=user.organisation_id)
        .select_related("therapist", "cover", "organisation")
        .order_by("starts_on", "therapist__name", "cover__name")
    )


def covers_for(therapist: User) -> CoverQuerySet:
    """Who stands in for this therapist, now or later."""
    return covers(therapist).filter(therapist=therapist)


def covers_by(user: User) -> CoverQuerySet:
    """For whom this person stands in, now or later."""
    return covers(user).filter(cover=user)


def covers_around(user: User) -> list[Cover]:
    """Covers in force today by this person or for them."""
    in_force = covers(user).in_force(user.organisation.today)
    return list(in_force.filter(Q(cover=user) | Q(therapist=user)))


def standing_in_for(therapist: User) -> list[User]:
    """Who reads and writes in this therapist's stead today."""
    today = therapist.organisation.today
    in_force = Cover.objects.in_force(today).filter(therapist=therapist)
    return list(
        User.objects.filter(pk__in=in_force.values("cover"), is_active=True, is_therapist=True).order_by("name")
    )


def has_reader(therapist: User) -> bool:
    """Whether anybody reads what clients send this therapist: themself, or who stands in for one who left."""
    return therapist.is_active or bool(standing_in_for(therapist))


def person_with_link(person_id: uuid.UUID, token: str) -> User | None:
    """The person who may choose a password with this link; None when it was used or has expired."""
    set_organisation(jobs.organisation_of(kind=Route.Kind.PERSON, value=str(person_id)))
    person = User.objects.filter(pk=person_id, is_active=True).select_related("organisation").first()
    return person if person and default_token_generator.check_token(person, token) else None


def token_with(text: str) -> ApiToken | None:
    """The token of a program, entering its organisation, with its person; None where it does not work, or not any
    more."""
    set_organisation(jobs.organisation_of(kind=Route.Kind.TOKEN, value=text))
    return (
        ApiToken.objects.usable().filter(digest=ApiToken.digest_of(text)).select_related("person__organisation").first()
    )


def tokens_of(user: User) -> ApiTokenQuerySet:
    """A person's own tokens, the latest first."""
    return ApiToken.objects.filter(person=user)


def organisation_with_slug(slug: str) -> uuid.UUID | None:
    return jobs.organisation_of(kind=Route.Kind.ORGANISATION, value=slug)


def organisation_by_id(organisation_id: uuid.UUID) -> Organisation:
    return Organisation.objects.get(pk=organisation_id)


def person_with_email(email: str) -> User:
    """Of the organisation that is acted in. Raises User.DoesNotExist."""
    return User.objects.get(email=email.strip().lower())


def therapist_for_import(email: str | None) -> User:
    """The therapist named, or the only one there is. Raises ValidationError when it stays open who."""
    therapists = User.objects.filter(is_therapist=True, is_active=True)
    if email:
        found = therapists.filter(email=email.strip().lower()).first()
        if found is None:
            raise ValidationError(f"There is no active therapist with the address {email}.")
        return found
    candidates = list(therapists[:2])
    if len(candidates) != 1:
        raise ValidationError("Name the therapist whose clients these are: --therapist EMAIL.")
    return candidates[0]


@dataclass(frozen=True)
class FirstStep:
    """Something an administrator does once before a service can be worked with, and what it is for."""

    label: str
    why: str
    is_done: bool
    url: str = ""


def first_steps(organisation: Organisation, *, has_therapists: bool, has_supervision: bool) -> list[FirstStep]:
    """What these are is told by whoever asks; nothing is asked of the database."""
    texts = reverse("administration:texts")
    return [
        FirstStep(
            "Add the therapists",
            "They add their own clients; you see none of a client’s record.",
            has_therapists,
            reverse("accounts:person-create"),
        ),
        FirstStep(
            "Say who supervises whom",
            "A supervisor reads along, and answers about harm that wait too long are passed on to them.",
            has_supervision,
            reverse("accounts:supervision-list"),
        ),
        FirstStep(
            "Say what a client does in an emergency",
            "It stands on every page that clients see. Until you write your own it names no number.",
            organisation.emergency_text.strip() != EMERGENCY_TEXT,
            texts,
        ),
        FirstStep(
            "Say what to do about a risk answer",
            "Therapists read it beside every answer about harm.",
            bool(organisation.risk_text.strip()),
            texts,
        ),
        FirstStep("Let links go by e-mail", what_is_missing() or "To clients who agreed.", not what_is_missing()),
    ]
