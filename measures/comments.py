"""What clients wrote with their ratings, and who is told what of it.

| the client's wish                | the therapist               | supervisors           | wherever talk is prepared |
|----------------------------------|-----------------------------|-----------------------|---------------------------|
| none                             | reads it                    | read it               | it is there               |
| "Please don't raise this yet"    | reads it, marked, where the | are told there is one | nothing is known of it    |
|                                  | session's ratings are shown |                       |                           |
| the same, and the client has     | reads it                    | read it               | it is there               |
|   brought it up since            |                             |                       |                           |
| the same, with an answer beside  | reads it                    | read it               | it is there               |
|   it that tells of a risk        |                             |                       |                           |

Talk is prepared in agendas and supervision packs, on today, on the page before a session, in the episode's overview
and in print. That the therapist has raised it does not end the wish.

`comment_for` and `comments_of` answer for the first columns, `comments_to_raise` for the last. Whatever shows a comment
asks them; nothing else looks at its words, which is tested.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User
from clients.models import Episode

from . import catalogue
from .models import CommentFollowUp, RaisedBy, Rater, Rating


@dataclass(frozen=True)
class Comment:
    """A client's words, as far as the reader may know them; `text` is empty where that is only that there are some."""

    rating: Rating
    text: str
    is_held_back: bool
    follow_up: CommentFollowUp | None

    @property
    def is_open(self) -> bool:
        return self.follow_up is None or self.follow_up.is_open


def comment_for(user: User, rating: Rating) -> Comment | None:
    """What this reader, who may see the rating, is told of its comment. None where nothing was written."""
    if not rating.has_comment:
        return None
    follow_up = getattr(rating, "follow_up", None)
    is_held_back = rating.do_not_raise and not (is_raised_by_client(follow_up) or has_risk_answer(rating))
    may_read = not is_held_back or user.pk == rating.session.episode.therapist_id
    return Comment(rating, rating.comment if may_read else "", is_held_back, follow_up if may_read else None)


def is_raised_by_client(follow_up: CommentFollowUp | None) -> bool:
    return follow_up is not None and follow_up.raised_by == RaisedBy.CLIENT


def has_risk_answer(rating: Rating) -> bool:
    edition = catalogue.edition(rating.instrument, rating.rater)
    return bool(edition.risk_in({int(number): answer for number, answer in rating.answers.items()}))


def written_by_clients(user: User) -> QuerySet[Rating]:
    """Ratings with a comment that this person may see; none that waits for the therapist's own rating is among them."""
    ratings = Rating.objects.visible_to(user).current().filter(rater=Rater.CLIENT).exclude(comment="")
    return ratings.unsealed().select_related("follow_up", "session__episode__client")


def comment_to_follow_up(user: User, rating_id: uuid.UUID) -> Rating | None:
    return written_by_clients(user).filter(pk=rating_id).first()


def comments_of(user: User, episodes: Iterable[Episode], *, undiscussed: bool = False) -> list[Comment]:
    """The comments of some episodes, the latest session first; with `undiscussed` those nobody has talked about yet."""
    known = {episode.pk: episode for episode in episodes}
    ratings = written_by_clients(user).filter(session__episode__in=known)
    ratings = ratings.select_related(None).select_related("follow_up", "session")
    if undiscussed:
        ratings = ratings.filter(Q(follow_up=None) | Q(follow_up__raised_by=""))
    found = []
    for rating in ratings.order_by("-session__held_on", "-session__number"):
        rating.session.episode = known[rating.session.episode_id]
        found.append(comment_for(user, rating))
    return [comment for comment in found if comment]


def comments_to_raise(user: User, episodes: Iterable[Episode], **conditions: Any) -> list[Comment]:
    """Those that may be told of wherever talk is prepared: none that the client asked not to raise yet."""
    return [comment for comment in comments_of(user, episodes, **conditions) if not comment.is_held_back]
