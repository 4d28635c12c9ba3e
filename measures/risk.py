"""Risk answers as pages show them, sealed ratings or not. What is not yours to see is not among them."""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, F, OuterRef, Q, Subquery
from django.db.models.functions import Now

from accounts.access import supervised_ids, therapists_of, writes_for
from accounts.models import Supervision, User
from clients.models import Episode

from . import catalogue
from .instruments import Item
from .models import Rating, RiskAnswer
from .models.risk import EPISODE, RESPONSIBLE, RiskAnswerQuerySet, is_of, is_to_act_on


def risk_answers(user: User) -> RiskAnswerQuerySet:
    """Those a person may see, the longest waiting first.

    `may_acknowledge` says whether it is theirs to act on, `may_read_done` whether they read what was done: that is not
    for those who see nothing recorded after a hand-over.
    """
    after = f"{EPISODE}__continued_by"
    known = Q(**{after: None}) | Q(acknowledged_at__lt=F(f"{after}__created_at")) | is_of(therapists_of(user))
    return (
        RiskAnswer.objects.visible_to(user)  # type: ignore[no-redef]
        .annotate(
            may_acknowledge=ExpressionWrapper(is_to_act_on(user), BooleanField()),
            may_read_done=ExpressionWrapper(known, BooleanField()),
        )
        .select_related("rating__session__episode__client", "rating__session__episode__therapist", "acknowledged_by")
        .order_by("raised_at", "pk")
    )


def to_act_on(user: User) -> list[RiskAnswer]:
    return list(risk_answers(user).open().to_act_on(user))


def of_caseload(user: User) -> list[RiskAnswer]:
    """Open ones of the therapists that somebody supervises: first those that were passed on."""
    supervised, own = supervised_ids(user), writes_for(user)
    may_acknowledge = ExpressionWrapper(Q(passed_on_at__isnull=False) | is_of(own), BooleanField())
    found = RiskAnswer.objects.open().filter(is_of(supervised)).annotate(may_acknowledge=may_acknowledge)  # type: ignore[no-redef]
    found = found.select_related(f"{EPISODE}__client", f"{EPISODE}__therapist").order_by("raised_at", "pk")
    return sorted(found, key=lambda answer: not answer.may_acknowledge)


def of_episode(user: User, episode_id: uuid.UUID) -> list[RiskAnswer]:
    """Open and settled."""
    return list(risk_answers(user).filter(rating__session__episode=episode_id))


def clients_with_risk(client_ids: Iterable[uuid.UUID]) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Of these clients those with an open risk answer, each with the therapist whom it concerns now."""
    found = RiskAnswer.objects.open().filter(**{f"{EPISODE}__client__in": client_ids})
    return set(found.annotate(responsible=RESPONSIBLE).values_list(f"{EPISODE}__client_id", "responsible"))


def concerned(therapist_ids: Collection[uuid.UUID | str]) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Whose open risk answers concern which of these therapists now: the ids of client and therapist."""
    found = RiskAnswer.objects.open().filter(is_of(therapist_ids))
    return set(found.annotate(responsible=RESPONSIBLE).values_list(f"{EPISODE}__client_id", "responsible"))


def open_in(episodes: Iterable[Episode]) -> int:
    return RiskAnswer.objects.open().filter(**{f"{EPISODE}__in": episodes}).count()


def answer_of(user: User, answer_id: uuid.UUID) -> RiskAnswer | None:
    return risk_answers(user).filter(pk=answer_id).first()


def stamp(answers: Iterable[RiskAnswer]) -> str:
    """Changes when an open page has something else to show."""
    shown = [(str(answer.pk), answer.passed_on_at, answer.may_acknowledge) for answer in answers]
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


# --- In words -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """What one questionnaire says of harm: the items, in words where there are any, and what was answered."""

    instrument: str
    items: list[tuple[Item, float]]
    low: float
    high: float


def answered(ratings: Sequence[tuple[Rating, Iterable[int]]]) -> list[Answered]:
    """Some items of each of these ratings, and nothing else of them."""
    known = catalogue.known(rating.instrument for rating, _numbers in ratings)
    found = []
    for rating, numbers in ratings:
        edition = known[rating.instrument].editions[rating.rater]
        items = [(edition.item(number), rating.answers[str(number)]) for number in sorted(numbers)]
        found.append(Answered(known[rating.instrument].name, items, edition.minimum, edition.maximum))
    return found


def in_words(answers: Sequence[RiskAnswer]) -> list[Answered]:
    return answered([(answer.rating, map(int, answer.answers)) for answer in answers])


def of_the_past(ratings: Sequence[Rating]) -> list[Answered]:
    """Answers about harm in ratings that raised none when they came: from files, or from before there were any."""
    known = catalogue.known(rating.instrument for rating in ratings)
    with_risk = []
    for rating in ratings:
        given = {int(number): answer for number, answer in rating.answers.items()}
        numbers = known[rating.instrument].editions[rating.rater].risk_in(given)
        if numbers:
            with_risk.append((rating, numbers))
    sessions = {rating.session_id for rating, _numbers in with_risk}
    standing = RiskAnswer.objects.filter(rating__session__in=sessions, withdrawn_at=None)
    raised = set(standing.values_list("rating__session", "rating__instrument", "rating__rater"))
    return answered(
        [
            (rating, numbers)
            for rating, numbers in with_risk
            if (rating.session_id, rating.instrument, rating.rater) not in raised
        ]
    )


# --- For administrators: how many, and whose colleague can read them ---------------------------------------


@dataclass(frozen=True)
class Unread:
    """How many risk answers of one therapist wait although they were passed on."""

    therapist: str
    count: int
    has_supervisor: bool


def unread(user: User) -> list[Unread]:
    """By therapist, without whose and which: those that no supervisor can read, or has read in the service's hours."""
    supervisors = Supervision.objects.current().filter(
        therapist=OuterRef("responsible"), supervisor__is_active=True, supervisor__is_supervisor=True
    )
    waited = Q(passed_on_at__lte=Now() - timedelta(hours=user.organisation.risk_hours))
    found = (
        RiskAnswer.objects.open()
        .filter(organisation_id=user.organisation_id, passed_on_at__isnull=False)
        .annotate(responsible=RESPONSIBLE)
        .annotate(
            name=Subquery(User.objects.filter(pk=OuterRef("responsible")).values("name")),
            has_supervisor=Exists(supervisors),
        )
        .filter(waited | Q(has_supervisor=False))
        .values_list("name", "has_supervisor")
        .annotate(count=Count("pk"))
        .order_by("name", "responsible")
    )
    return [Unread(name, count, has_supervisor) for name, has_supervisor, count in found]
