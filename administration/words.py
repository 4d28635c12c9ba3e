"""What background work is, and what went wrong in it, in words for an administrator. Data, and nothing else.

A new kind of job needs a row in KINDS: a test holds the table against the jobs that exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Kind:
    """One kind of background work.

    `page` is the route of the page on which one sees more of it. What `repeats` is asked for again by the clock, every
    so many seconds. `loses`, where it is set, says what it means to put away what was given up; without it that cannot
    be done, because something would stay half done, or be asked for again at once.
    """

    task: str
    name: str
    page: str = ""
    repeats: int = 0
    loses: str = ""

    @property
    def rhythm(self) -> str:
        """every 2 minutes / every hour / every day"""
        for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
            if self.repeats and self.repeats % size == 0:
                count = self.repeats // size
                return f"every {unit}" if count == 1 else f"every {count} {unit}s"
        return f"every {self.repeats} seconds" if self.repeats else ""


MINUTE, HOUR, DAY = 60, 3_600, 86_400
NEXT_TIME = "Nothing is lost: the clock asks for it again, and it then does all that is left."
NOT_TOLD = "No e-mail tells whoever asked. The file stands on their page of exports all the same."

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.task: kind
        for kind in (
            Kind("ruptures.judge_episode", "Trends and signals of an episode", "ruptures:trends"),
            Kind("ruptures.start_recompute", "Beginning to compute all trends again", "ruptures:trends"),
            Kind("ruptures.recompute_next", "Computing all trends again, a step", "ruptures:trends"),
            Kind("measures.estimate_priors", "What is usual in the service", "administration:priors", DAY, NEXT_TIME),
            Kind("measures.sweep_trends", "Looking for trends that were forgotten", "", MINUTE, NEXT_TIME),
            Kind("measures.pass_on_risk_answers", "Passing on risk answers that wait", "", 2 * MINUTE, NEXT_TIME),
            Kind("measures.send_invitation", "An e-mail with a client’s link"),
            Kind("measures.sweep_invitations", "Looking for e-mails that are due", "", 5 * MINUTE, NEXT_TIME),
            Kind("dashboards.keep_summary", "The summary of an episode in lists", "", 0, NEXT_TIME),
            Kind("dashboards.sweep_summaries", "Looking for summaries that are old", "", MINUTE, NEXT_TIME),
            Kind(
                "dashboards.start_service_run", "Service’s figures, a first step", "dashboards:service", DAY, NEXT_TIME
            ),
            Kind("dashboards.service_run_next", "Service’s figures, a step", "dashboards:service"),
            Kind("reports.check_import", "Checking a file that comes in", "reports:import-list"),
            Kind("reports.write_import", "Writing a file into the record", "reports:import-list"),
            Kind("reports.undo_import", "Taking an import back", "reports:import-list"),
            Kind("reports.make_export", "Making a file that was asked for"),
            Kind("reports.tell_export_ready", "Telling that a file is ready", loses=NOT_TOLD),
            Kind("reports.forget_old_files", "Removing files whose time is over", "", HOUR, NEXT_TIME),
            Kind("reports.erase_client", "Erasing a client", "reports:erasure-list"),
            Kind("reports.keep_retention", "Erasing what is kept long enough", "reports:retention", DAY, NEXT_TIME),
            Kind("accounts.seal_audit_trail", "Sealing the audit trail", "reports:audit", MINUTE, NEXT_TIME),
            Kind(
                "accounts.check_audit_trail",
                "Holding the audit trail against its seals",
                "reports:audit",
                DAY,
                NEXT_TIME,
            ),
            Kind("accounts.remove_old_submissions", "Housekeeping", "", HOUR, NEXT_TIME),
        )
    }
)


def kind_of(task: str) -> Kind:
    """The row of a kind of work; one that has none yet is called by the name in the program."""
    return KINDS.get(task) or Kind(task, f"Other work ({task})")


PROGRAM = "A fault in the program. If trying again does not help, send the name to whoever runs the service."
DATABASE = "The database was out of reach, or did not answer in time. Usually passing: try again."
NUMBERS = "A calculation met numbers that it cannot work with. Send the name to whoever runs the service."
RULE = "Something on record does not fit a rule that it should. Send the name to whoever runs the service."
GONE = "What it was about is no longer there."
MAIL = "The mail server was out of reach or said no."
FILES = "A file could not be read or written on the server: look for a full disk."

# By the kind of the error. Nothing of what the error itself said is kept: it might quote what a person wrote.
ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "lost": "Whatever worked on it stopped in the middle: a restart, a kill, or too little memory.",
        "OperationalError": DATABASE,
        "InterfaceError": DATABASE,
        "IntegrityError": RULE,
        "DataError": RULE,
        "ValidationError": RULE,
        "SoftTimeLimitExceeded": "It took longer than a job may take, which is 50 seconds.",
        "TimeLimitExceeded": "It took longer than a job may take, which is 60 seconds.",
        "MemoryError": "There was too little memory on the server.",
        "DoesNotExist": GONE,
        "ObjectDoesNotExist": GONE,
        "PermissionDenied": "Whoever asked for it may not do so any more.",
        "FloatingPointError": NUMBERS,
        "ZeroDivisionError": NUMBERS,
        "OverflowError": NUMBERS,
        "LinAlgError": NUMBERS,
        "ConnectionError": MAIL,
        "ConnectionRefusedError": MAIL,
        "TimeoutError": MAIL,
        "SMTPException": MAIL,
        "SMTPServerDisconnected": MAIL,
        "OSError": FILES,
        "FileNotFoundError": FILES,
        "EncryptionProblem": "A key that encrypts records is missing: docs/field-keys.md.",
    }
)


def error_in_words(error: str) -> str:
    return ERRORS.get(error, PROGRAM)
