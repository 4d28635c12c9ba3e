from .agreements import (
    agreement_state,
    agreements,
    outcomes_of,
    possible_strains,
    progress_of,
    strains_among,
)
from .engagement import conditions_of, engagement_state, first_challenge_of, therapists_conditions
from .log import agreement_log
from .meetings import sessions, sessions_of, with_last_session

__all__ = [
    "agreement_log",
    "agreement_state",
    "agreements",
    "conditions_of",
    "engagement_state",
    "first_challenge_of",
    "outcomes_of",
    "possible_strains",
    "progress_of",
    "sessions",
    "sessions_of",
    "strains_among",
    "therapists_conditions",
    "with_last_session",
]
