from .agreements import (
    agreement_state,
    agreements,
    outcomes_of,
    possible_strains,
    progress_of,
    strains_among,
)
from .engagement import conditions_of, engagement_state, first_challenge_of
from .log import agreement_log
from .meetings import (
    Met,
    draft_of,
    drafts_of,
    last_that_took_place,
    line_for_next,
    meetings,
    sessions,
    sessions_of,
    with_last_session,
)
from .process_notes import count_notes_about, episode_with_notes, notes_about, opened, process_notes

__all__ = [
    "Met",
    "agreement_log",
    "agreement_state",
    "agreements",
    "conditions_of",
    "count_notes_about",
    "draft_of",
    "drafts_of",
    "engagement_state",
    "episode_with_notes",
    "first_challenge_of",
    "last_that_took_place",
    "line_for_next",
    "meetings",
    "notes_about",
    "opened",
    "outcomes_of",
    "possible_strains",
    "process_notes",
    "progress_of",
    "sessions",
    "sessions_of",
    "strains_among",
    "with_last_session",
]
