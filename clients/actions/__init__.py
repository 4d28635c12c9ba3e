from .agreements import MoveRefused, add_agreement, locked
from .engagement import assess_objective, save_expectations, save_needs
from .episodes import (
    CodeTaken,
    EpisodeEnded,
    EpisodeOpen,
    StaleVersion,
    check_own_client,
    create_client,
    end_episode,
    start_episode,
    unsubscribe,
    update_client,
)
from .goals import agree_goal, change_goal, create_goal, settle_goal, write_levels
from .homework import agree_task, change_task, drop_task, move_task, propose_task, step_down, take_up_task

__all__ = [
    "CodeTaken",
    "EpisodeEnded",
    "EpisodeOpen",
    "MoveRefused",
    "StaleVersion",
    "add_agreement",
    "agree_goal",
    "agree_task",
    "assess_objective",
    "change_goal",
    "change_task",
    "check_own_client",
    "create_client",
    "create_goal",
    "drop_task",
    "end_episode",
    "locked",
    "move_task",
    "propose_task",
    "save_expectations",
    "save_needs",
    "settle_goal",
    "start_episode",
    "step_down",
    "take_up_task",
    "unsubscribe",
    "update_client",
    "write_levels",
]
