"""The engagement phase, and the core conditions of sessions."""

from collections.abc import Sequence
from dataclasses import dataclass

from clients import engagement
from clients.models import EngagementObjective, Episode
from clients.selectors import objectives_of

from ..models import CoreConditions, FirstChallenge, Phase, TherapySession
from .meetings import sessions_of


@dataclass(frozen=True)
class EngagementState:
    """Where the engagement phase of an episode stands, of `of` sessions."""

    objectives: dict[str, EngagementObjective]
    challenge: FirstChallenge | None
    session: int
    of: int

    @property
    def sentence(self) -> str:
        return engagement.gate_in_words(
            {code: row.level for code, row in self.objectives.items()},
            session=self.session,
            of=self.of,
            challenged_in=self.challenge.session.number if self.challenge else None,
        )

    @property
    def is_of_interest(self) -> bool:
        """It lasts, or somebody has written of it: an episode that came long before need not be told of it."""
        return self.session <= self.of or bool(self.objectives) or self.challenge is not None


def engagement_state(episode: Episode, *, of: int, sessions: Sequence[TherapySession] | None = None) -> EngagementState:
    """`sessions` are the episode's, with their first challenge, where the caller has them."""
    found = sessions_of(episode) if sessions is None else sessions
    counted = [session.number for session in found if session.phase == Phase.THERAPY]
    challenge = next((challenge for session in found if (challenge := challenge_in(session))), None)
    return EngagementState(objectives_of(episode), challenge, max(counted, default=0), of)


def challenge_in(session: TherapySession) -> FirstChallenge | None:
    return getattr(session, "first_challenge", None)


def first_challenge_of(episode: Episode) -> FirstChallenge | None:
    return FirstChallenge.objects.filter(episode=episode).select_related("session").first()


def conditions_of(session: TherapySession) -> list[CoreConditions]:
    """Who rated the core conditions of a session: its therapist first."""
    rows = CoreConditions.objects.filter(session=session).select_related("rated_by")
    return list(rows.order_by("-rater", "rated_by__name"))


def therapists_conditions(episode: Episode) -> dict[int, CoreConditions]:
    """By session number the therapist's ratings; where whoever covered has rated, too, the therapist's own."""
    rows = CoreConditions.objects.filter(session__episode=episode, rater="therapist").select_related("session")
    own_last = sorted(rows, key=lambda row: (row.rated_by_id == episode.therapist_id, row.rated_at))
    return {row.session.number: row for row in own_last}
