from .episodes import (
    CodeTaken,
    EpisodeEnded,
    EpisodeOpen,
    StaleVersion,
    check_own_client,
    create_client,
    end_episode,
    start_episode,
    update_client,
)

__all__ = [
    "CodeTaken",
    "EpisodeEnded",
    "EpisodeOpen",
    "StaleVersion",
    "check_own_client",
    "create_client",
    "end_episode",
    "start_episode",
    "update_client",
]
