"""What stands in the files of an export, column by column: the files and their codebook are made from these rows.

Each column names the stored field that it comes from, and with it its class in `accounts/classification.py`. What leads
to a person is in a file only when it was asked for; what somebody wrote in free words counts as that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from accounts.classification import FIELDS, IDENTIFYING
from clients.models import Ending, GoalStatus, Modality
from measures.models import Rater
from ruptures import lifecycle, vocabulary
from ruptures.models import CORRECTED, Reason
from ruptures.models import State as SignalState
from sessions_app.models import Attendance, Format, Phase

TEXT, WHOLE, NUMBER, DATE, YES_NO = "text", "whole number", "number", "date", "yes or no"
# In which exports a column stands: in every one; where identifying fields were asked for; and, of these, only in a
# therapist's of the own clients, whose names and words nobody else reads.
ALWAYS, CODES, NAMES = "always", "codes", "names"
SEVERAL = "; "
NOT_ANSWERED = "not answered"


@dataclass(frozen=True)
class Column:
    """One column: its name, what it holds, the field it comes from, and what stands in for a value that is missing."""

    name: str
    words: str
    source: str
    kind: str = TEXT
    codes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    empty: str = ""
    stands: str = ALWAYS
    # Whether a cell may hold several codes.
    is_several: bool = False

    @property
    def several_words(self) -> str:
        """What it holds where each code has a column of its own."""
        return self.words.partition(", with")[0]

    @property
    def field_class(self) -> str:
        model, _, name = self.source.rpartition(".")
        return FIELDS[model][name]

    @property
    def is_identifying(self) -> bool:
        return self.stands != ALWAYS or self.field_class == IDENTIFYING


@dataclass(frozen=True)
class Table:
    name: str
    words: str
    columns: tuple[Column, ...]

    def columns_of(self, *, is_identifying: bool, is_own: bool) -> list[int]:
        """The positions of the columns that stand in an export."""
        allowed = {ALWAYS} | ({CODES} if is_identifying else set()) | ({NAMES} if is_identifying and is_own else set())
        return [position for position, column in enumerate(self.columns) if column.stands in allowed]


def terms(of: tuple[vocabulary.Term, ...]) -> dict[str, str]:
    return {term.code: term.words for term in of}


CLIENT = Column("client_id", "Client, under a pseudonym", "clients.Client.id")
EPISODE = Column("episode_id", "Episode, under a pseudonym", "clients.Episode.id")
NUMBERED = Column("session_number", "Number of the session in its episode", "sessions_app.TherapySession.number", WHOLE)
HELD = Column("held_on", "Day of the session", "sessions_app.TherapySession.held_on", DATE)
OF_A_SESSION = (CLIENT, EPISODE, NUMBERED, HELD)
RATING = Column("rating_id", "Rating, under a pseudonym", "measures.Rating.id")
OF_A_RATING = (
    *OF_A_SESSION,
    RATING,
    Column("instrument", "Code of the instrument; its key is with the codebook", "measures.Rating.instrument"),
    Column("edition", "Version of the instrument’s edition", "measures.Rating.edition_version"),
    Column("rater", "Who rated", "measures.Rating.rater", codes=dict(Rater.choices)),
    Column("submitted_on", "Day on which it was filled in", "measures.Rating.submitted_at", DATE),
)
OPEN = "still open"

EPISODES = Table(
    "episodes",
    "One row per episode: one course of therapy of one client with one therapist.",
    (
        CLIENT,
        Column("client_code", "The service’s code for the client", "clients.Client.code", stands=CODES),
        Column("client_name", "Name of the client", "clients.Client.name", empty="not recorded", stands=NAMES),
        EPISODE,
        Column("therapist_id", "Therapist, under a pseudonym", "clients.Episode.therapist"),
        Column("modality", "Kind of therapy", "clients.Episode.modality", codes=dict(Modality.choices)),
        Column("started_on", "First day", "clients.Episode.started_on", DATE),
        Column("ended_on", "Last day", "clients.Episode.ended_on", DATE, empty=OPEN),
        Column("ending", "How it ended", "clients.Episode.ending", codes=dict(Ending.choices), empty=OPEN),
        Column(
            "continues_id", "Episode that this one continues after a hand-over", "clients.Episode.continues",
            empty="continues none",
        ),
    ),
)  # fmt: skip
SESSIONS = Table(
    "sessions",
    "One row per planned session, attended or not.",
    (
        *OF_A_SESSION,
        Column(
            "is_date_assumed", "Whether the day was worked out, as a file had none",
            "sessions_app.TherapySession.is_date_assumed", YES_NO,
        ),
        Column("phase", "Place in the episode", "sessions_app.TherapySession.phase", codes=dict(Phase.choices)),
        Column("attendance", "Attendance", "sessions_app.TherapySession.attendance", codes=dict(Attendance.choices)),
        Column("format", "How they met", "sessions_app.TherapySession.format", codes=dict(Format.choices)),
    ),
)  # fmt: skip
SCORES = Table(
    "scores",
    "One row per scale of each rating that is in force.",
    (
        *OF_A_RATING,
        Column("scale", "Scale; the total is “total”", "measures.Score.scale"),
        Column("value", "Published score of the scale", "measures.Score.value", NUMBER, empty="see reason"),
        Column("mean", "Item mean", "measures.Score.mean", NUMBER, empty="see reason"),
        Column("is_prorated", "Whether missing items were made up for", "measures.Score.is_prorated", YES_NO),
        Column("reason", "Why there is no score", "measures.Score.reason", empty="there is a score"),
    ),
)
ANSWERS = Table(
    "answers",
    "One row per item of each rating that is known by its items; a rating known by its totals alone has none.",
    (
        *OF_A_RATING,
        Column("item", "Number of the item", "measures.Rating.answers", WHOLE),
        Column("answer", "Answer as given, not reversed", "measures.Rating.answers", NUMBER, empty="see reason"),
        Column("reason", "Why there is no answer", "measures.Rating.answers", empty="there is an answer"),
    ),
)
RUPTURE = Column("rupture_id", "Rupture, under a pseudonym", "ruptures.Rupture.id")
RUPTURES = Table(
    "ruptures",
    "One row per rupture, or possible one, with the session in which it began.",
    (
        *OF_A_SESSION,
        RUPTURE,
        Column("type", "Type", "ruptures.Rupture.type", codes=terms(vocabulary.TYPES), empty="nobody has said"),
        Column(
            "markers", "Markers, with “; ” between them", "ruptures.Rupture.markers", codes=terms(vocabulary.MARKERS),
            empty="none noted", is_several=True,
        ),
        Column(
            "component", "Component of the alliance", "ruptures.Rupture.component",
            codes=terms(vocabulary.COMPONENTS), empty="nobody has said",
        ),
        Column("intensity", "How strong, 1 to 5", "ruptures.Rupture.intensity", WHOLE, empty="nobody has said"),
        Column("noticed_by", "Who noticed", "ruptures.Rupture.noticed_by", codes=terms(vocabulary.NOTICED_BY)),
        Column("state", "What became of it", "ruptures.Rupture.state", codes=dict(lifecycle.LABELS)),
        Column(
            "reason", "Why it was dismissed", "ruptures.Rupture.reason",
            codes=dict(Reason.choices) | {CORRECTED: "The client’s rating was corrected"}, empty="not dismissed",
        ),
        Column("confirmed_on", "Day of confirmation", "ruptures.Rupture.confirmed_at", DATE, empty="not confirmed"),
        Column("closed_on", "Day on which it was closed", "ruptures.Rupture.closed_at", DATE, empty=OPEN),
    ),
)  # fmt: skip
ATTEMPTS = Table(
    "repair_attempts",
    "One row per repair attempt, with the session in which it was made.",
    (
        *OF_A_SESSION,
        RUPTURE,
        Column(
            "strategies", "What was tried, with “; ” between them", "ruptures.RepairAttempt.strategies",
            codes=terms(vocabulary.STRATEGIES), is_several=True,
        ),
        Column(
            "acknowledged_own_contribution", "Whether the therapist acknowledged a part in it",
            "ruptures.RepairAttempt.acknowledged_own_contribution", YES_NO,
        ),
        Column(
            "talked_about_relationship", "Whether they talked about the relationship itself",
            "ruptures.RepairAttempt.talked_about_relationship", YES_NO,
        ),
        Column(
            "client_response", "How the client took it", "ruptures.RepairAttempt.client_response",
            codes=terms(vocabulary.RESPONSES), empty="nobody has said",
        ),
        Column(
            "resolved", "How far it is resolved, 1 to 5", "ruptures.RepairAttempt.resolved", WHOLE,
            empty="nobody has said",
        ),
    ),
)  # fmt: skip
SIGNALS = Table(
    "signals",
    "One row per session that the rules noticed: a possible rupture.",
    (
        *OF_A_SESSION,
        Column("instrument", "Code of the instrument", "ruptures.Signal.instrument"),
        Column("rule", "Name of the rule; see docs/signals.md", "ruptures.Signal.rule"),
        Column("rate", "How readily the rule tells", "ruptures.Signal.rate", empty="a preset, which has none"),
        Column("rater", "Whose rating fell most", "ruptures.Signal.rater", codes=dict(Rater.choices)),
        Column("scale", "Scale that fell most", "ruptures.Signal.scale"),
        Column("state", "What became of it", "ruptures.Signal.state", codes=dict(SignalState.choices)),
        Column(
            "reason", "Why it was dismissed", "ruptures.Signal.reason", codes=dict(Reason.choices),
            empty="not dismissed",
        ),
        Column("raised_on", "Day on which it was raised", "ruptures.Signal.raised_at", DATE),
        Column("answered_on", "Day of the answer", "ruptures.Signal.answered_at", DATE, empty="not answered"),
        Column("rupture_id", "Rupture that it became", "ruptures.Signal.rupture", empty="none"),
    ),
)  # fmt: skip
GOALS = Table(
    "goals",
    "One row per goal, as it stands now.",
    (
        CLIENT,
        EPISODE,
        Column("goal_id", "Goal, under a pseudonym", "clients.Goal.id"),
        Column("text", "The goal in words", "clients.Goal.text", stands=NAMES),
        Column("metric", "What is counted", "clients.Goal.metric", empty="nothing is counted", stands=NAMES),
        Column("baseline", "Where it began, on its own measure", "clients.Goal.baseline", NUMBER, empty="not measured"),
        Column("target", "What is aimed for", "clients.Goal.target", NUMBER, empty="not set"),
        Column(
            "is_target_relative", "Whether the target is in per cent of the baseline",
            "clients.Goal.is_target_relative", YES_NO,
        ),
        Column("importance", "Importance, 1 to 10", "clients.Goal.importance", WHOLE, empty="nobody has said"),
        Column("status", "What became of it", "clients.Goal.status", codes=dict(GoalStatus.choices)),
        Column("ended_on", "Day on which it was reached or dropped", "clients.Goal.ended_on", DATE, empty=OPEN),
        Column("client_agreed_on", "Day on which the client agreed", "clients.Goal.client_agreed_on", DATE,
               empty="has not agreed"),
        Column("therapist_agreed_on", "Day on which the therapist agreed", "clients.Goal.therapist_agreed_on", DATE,
               empty="has not agreed"),
    ),
)  # fmt: skip
TABLES = (EPISODES, SESSIONS, SCORES, ANSWERS, RUPTURES, ATTEMPTS, SIGNALS, GOALS)
