"""The small things that stand beside an episode's course: one query for what would otherwise be six."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef
from django.db.models.functions import JSONObject

from clients.models import EngagementObjective, Episode, Goal, Task
from measures.models import BatteryEntry, Rating, RatingRequest, RiskAnswer
from measures.schedule import raters_among
from measures.selectors import still_open
from sessions_app.models import CoreConditions

CONDITIONS = ("congruence", "regard", "empathy")


@dataclass(frozen=True)
class OpenLink:
    session_id: uuid.UUID
    instrument: str


@dataclass(frozen=True)
class Beside:
    """`sealed` are the sessions with a client's rating that waits for the therapist's own, `raters_asked` who of client
    and therapist rates at all; `levels` are those of the engagement objectives, `conditions` the therapist’s own.
    """

    sealed: frozenset[uuid.UUID]
    raters_asked: set[str]
    links: list[OpenLink]
    levels: Mapping[str, int]
    conditions: Mapping[int, Mapping[str, int | None]]
    has_risk_answers: bool
    has_other_episodes: bool
    has_agreements: bool


def beside(episode: Episode) -> Beside:
    here = OuterRef("pk")
    rated = CoreConditions.objects.filter(session__episode=here, rater="therapist")
    others = Episode.objects.filter(client=OuterRef("client")).exclude(pk=here)
    row = Episode.objects.filter(pk=episode.pk).values(
        sealed=ArraySubquery(Rating.objects.current().sealed().filter(session__episode=here).values("session_id")),
        battery=ArraySubquery(
            BatteryEntry.objects.order_by().values(entry=JSONObject(rater="rater", removed_at="removed_at"))
        ),
        links=ArraySubquery(
            still_open(RatingRequest.objects.filter(session__episode=here)).values(
                link=JSONObject(session="session_id", instrument="instrument")
            )
        ),
        levels=ArraySubquery(
            EngagementObjective.objects.filter(episode=here).values(
                told=JSONObject(objective="objective", level="level")
            )
        ),
        conditions=ArraySubquery(
            rated.order_by("rated_at").values(
                told=JSONObject(number="session__number", by="rated_by_id", **{name: name for name in CONDITIONS})
            )
        ),
        has_risk_answers=Exists(RiskAnswer.objects.filter(rating__session__episode=here)),
        has_other_episodes=Exists(others),
        has_agreements=Exists(Goal.objects.filter(episode=here)) | Exists(Task.objects.filter(episode=here)),
    )
    found = row.get()
    # Where whoever covered has rated, too, the therapist's own stands.
    own_last = sorted(found["conditions"], key=lambda told: told["by"] == str(episode.therapist_id))
    return Beside(
        sealed=frozenset(found["sealed"]),
        raters_asked=raters_among([(entry["rater"], entry["removed_at"]) for entry in found["battery"]]),
        links=[OpenLink(uuid.UUID(link["session"]), link["instrument"]) for link in found["links"]],
        levels={told["objective"]: told["level"] for told in found["levels"]},
        conditions={told["number"]: {name: told[name] for name in CONDITIONS} for told in own_last},
        has_risk_answers=found["has_risk_answers"],
        has_other_episodes=found["has_other_episodes"],
        has_agreements=found["has_agreements"],
    )
