from .episodes import keep_summaries, sweep_summaries
from .service import service_run_next, start_service_run, work_out_now, write_rows

__all__ = [
    "keep_summaries",
    "service_run_next",
    "start_service_run",
    "sweep_summaries",
    "work_out_now",
    "write_rows",
]
