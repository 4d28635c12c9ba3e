"""The engagement phase, and the core conditions of sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clients import engagement
from clients.models import Episode

from ..models import CoreConditions, FirstChallenge, Phase, TherapySession


@dataclass(frozen=True)
class EngagementState:
    """Where the engagement phase of an episode stands, of `of` sessions."""

    levels: Mapping[str, int]
    challenge: FirstChallenge | None
    session: int
    of: int

    @property
    def sentence(self) -> str:
        return engagement.gate_in_words(
            self.levels,
            session=self.session,
            of=self.of,
            challenged_in=self.challenge.session.number if self.challenge else None,
        )

    @property
    def is_of_interest(self) -> bool:
        """It lasts, or somebody has written of it: an episode that came long before need not be told of it."""
        return self.session <= self.of or bool(self.levels) or self.challenge is not None


def engagement_state(sessions: Sequence[TherapySession], levels: Mapping[str, int], *, of: int) -> EngagementState:
    """From all sessions of an episode, with their first challenge, and the levels of its objectives by code."""
    counted = [session.number for session in sessions if session.phase == Phase.THERAPY]
    challenge = next((challenge for session in sessions if (challenge := challenge_in(session))), None)
    return EngagementState(levels, challenge, max(counted, default=0), of)


def challenge_in(session: TherapySession) -> FirstChallenge | None:
    return getattr(session, "first_challenge", None)


def first_challenge_of(episode: Episode) -> FirstChallenge | None:
    return FirstChallenge.objects.filter(episode=episode).select_related("session").first()


def conditions_of(session: TherapySession) -> list[CoreConditions]:
    """Who rated the core conditions of a session: its therapist first."""
    rows = CoreConditions.objects.filter(session=session).select_related("rated_by")
    return list(rows.order_by("-rater", "rated_by__name"))
