"""How an episode ended, as either of the two tells it."""

from dataclasses import dataclass

from accounts.models import User
from measures.comments import Comment, comment_for
from measures.instruments import Edition, instruments
from measures.models import Rating
from measures.selectors import ENDING, asks_for_ending
from sessions_app.models import TherapySession

from .episode import EpisodeState


@dataclass(frozen=True)
class EndingTold:
    """The client's account, or the link that waits for it, or the session for which one can be made.

    The therapist's account is the episode's own. `session` is None where nobody was ever seen. `can_ask` is false where
    the service does not rate with these questions.
    """

    told: Rating | None
    comment: Comment | None
    is_asked: bool
    session: TherapySession | None
    can_ask: bool

    @property
    def edition(self) -> Edition:
        return instruments()[ENDING].editions["client"]

    @property
    def question(self) -> str | None:
        return self.edition.item(1).text

    @property
    def content(self) -> float | None:
        """The answer to the one question."""
        return self.told.answers.get("1") if self.told else None


def ending_told(state: EpisodeState, reader: User) -> EndingTold | None:
    """None while the episode is open, and when it goes on with somebody else: then nothing has ended for the client."""
    if state.episode.is_open or state.episode.is_handed_over:
        return None
    ratings = Rating.objects.current().filter(session__episode=state.episode, instrument=ENDING)
    took_place = [session for session in state.sessions if session.took_place]
    told = ratings.select_related("session__episode", "follow_up").order_by("-session__number").first()
    return EndingTold(
        told=told,
        comment=comment_for(reader, told) if told else None,
        is_asked=any(link.instrument == ENDING for link in state.beside.links),
        session=max(took_place, key=lambda session: (session.held_on, session.number), default=None),
        can_ask=asks_for_ending(),
    )
