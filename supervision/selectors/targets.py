"""Learning targets, and how often they were practised."""

import uuid
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from ruptures.lifecycle import DISMISSED
from ruptures.models import RepairAttempt, Rupture, Signal, State

from .. import states
from ..models import LearningTarget
from ..practice import COUNTED, Occasion, Practised, practised


@dataclass(frozen=True)
class TargetTold:
    target: LearningTarget
    practised: Practised

    @property
    def counted(self) -> str:
        return COUNTED[self.target.kind]


def target_of(user: User, target_id: uuid.UUID) -> LearningTarget | None:
    return LearningTarget.objects.visible_to(user).select_related("therapist").filter(pk=target_id).first()


def targets_told(user: User, therapist: User) -> list[TargetTold]:
    """The therapist's targets, those that are still set first, each with its practice; three queries."""
    targets = list(LearningTarget.objects.visible_to(user).filter(therapist=therapist).order_by("-set_on"))
    occasions = {
        states.RECOGNISING: recognised(user, therapist) if targets else [],
        states.REPAIRING: repaired(user, therapist) if targets else [],
    }
    told = [
        TargetTold(target, practised(target.kind, target.codes, occasions[target.kind], since=target.set_on))
        for target in targets
    ]
    return sorted(told, key=lambda one: not one.target.is_open)


AT = ("session__episode__client__code", "session__number", "session__held_on")


def recognised(user: User, therapist: User) -> list[Occasion]:
    """Ruptures that a therapist noticed in sessions of their own, or confirmed after a signal."""
    confirmed = Signal.objects.filter(rupture=OuterRef("pk"), state=State.CONFIRMED)
    found = Rupture.objects.visible_to(user).filter(
        Q(noticed_by="therapist") | Exists(confirmed), session__episode__therapist=therapist, confirmed_by=therapist
    )
    rows = found.exclude(state=DISMISSED).values_list(*AT, "markers")
    return [Occasion(code, session, day, tuple(codes)) for code, session, day, codes in rows]


def repaired(user: User, therapist: User) -> list[Occasion]:
    """What a therapist tried in sessions of their own about ruptures that stand."""
    found = RepairAttempt.objects.visible_to(user).filter(session__episode__therapist=therapist, created_by=therapist)
    rows = found.exclude(rupture__state=DISMISSED).values_list(*AT, "strategies")
    return [Occasion(code, session, day, tuple(codes)) for code, session, day, codes in rows]


def repairs_of(therapist: User) -> list[RepairAttempt]:
    """What a therapist has tried in sessions of their own, in the order of its day."""
    found = RepairAttempt.objects.visible_to(therapist).filter(rupture__session__episode__therapist=therapist)
    return list(
        found.select_related("rupture__session__episode__client", "session").order_by(
            "session__held_on", "session__episode__client__code"
        )
    )
