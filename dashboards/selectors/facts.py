"""The facts of some episodes, each table read once for all of them."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import Prefetch

from clients.models import Episode
from measures.catalogue import every
from measures.instruments import COMPONENTS, TOTAL, Instrument
from measures.models import Rater, Rating, Score
from measures.selectors import ENDING
from ruptures.lifecycle import CONFIRMED, IN_REPAIR, RESOLVED, UNRESOLVED
from ruptures.models import RepairAttempt, Rupture, Signal
from ruptures.selectors import followed_by_clients
from sessions_app.models import TOOK_PLACE, Phase, TherapySession

from ..service_facts import Facts, FollowedRupture, Rated, placed

# Ratings of one instrument in one episode: session number → scale → mean of the answers.
Means = dict[int, dict[str, float]]
CHUNK = 5_000


def facts_of(episode_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Facts]:
    """A dozen queries at most, however many they are. Sealed ratings count: in a group nobody's is seen."""
    known = every()
    held = sessions_held(episode_ids)
    rated = sessions_rated(episode_ids, known)
    means = means_of(episode_ids)
    ruptures = ruptures_of(episode_ids)
    endings = endings_of(episode_ids)
    found = {}
    for pk, client, therapist, modality, started_on, ending in Episode.objects.filter(pk__in=episode_ids).values_list(
        "pk", "client_id", "therapist_id", "modality", "started_on", "ending"
    ):
        by_client, by_therapist = (rated[pk, rater] & held[pk] for rater in (Rater.CLIENT, Rater.THERAPIST))
        content, view = endings.get(pk, (None, ""))
        found[pk] = Facts(
            client=str(client),
            therapist=str(therapist),
            modality=modality,
            started_on=started_on,
            ending=ending,
            held=len(held[pk]),
            by_client=len(by_client),
            by_therapist=len(by_therapist),
            by_both=len(by_client & by_therapist),
            alliance=alliance_of(means[pk], known),
            outcome=outcome_of(means[pk], known),
            ruptures=tuple(ruptures[pk]),
            content=content,
            view=view,
        )
    return found


def sessions_held(episode_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, set[int]]:
    """By episode the numbers of the sessions of the therapy itself that took place."""
    sessions = TherapySession.objects.filter(episode__in=episode_ids, phase=Phase.THERAPY, attendance__in=TOOK_PLACE)
    found: dict[uuid.UUID, set[int]] = defaultdict(set)
    for episode, number in sessions.order_by().values_list("episode_id", "number").iterator(chunk_size=CHUNK):
        found[episode].add(number)
    return found


def sessions_rated(
    episode_ids: Sequence[uuid.UUID], known: Mapping[str, Instrument]
) -> dict[tuple[uuid.UUID, str], set[int]]:
    """By episode and rater the numbers of the sessions of which the alliance was rated."""
    alliance = [code for code, instrument in known.items() if instrument.construct == "alliance"]
    ratings = Rating.objects.current().filter(
        session__episode__in=episode_ids, instrument__in=alliance, rater__in=(Rater.CLIENT, Rater.THERAPIST)
    )
    found: dict[tuple[uuid.UUID, str], set[int]] = defaultdict(set)
    for episode, rater, number in ratings.values_list("session__episode_id", "rater", "session__number").iterator(
        chunk_size=CHUNK
    ):
        found[episode, rater].add(number)
    return found


def means_of(episode_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Means]]:
    """By episode and instrument what the client's ratings of the therapy itself say."""
    scores = Score.objects.filter(
        rating__session__episode__in=episode_ids,
        rating__session__phase=Phase.THERAPY,
        rating__rater=Rater.CLIENT,
        rating__superseded_at=None,
        scale__in=(*COMPONENTS, TOTAL),
        mean__isnull=False,
    ).values_list("rating__session__episode_id", "rating__instrument", "rating__session__number", "scale", "mean")
    found: dict[uuid.UUID, dict[str, Means]] = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
    for episode, instrument, number, scale, mean in scores.iterator(chunk_size=CHUNK):
        if mean is not None:
            found[episode][instrument][number][scale] = mean
    return found


def most_rated(means: Mapping[str, Means], codes: Sequence[str]) -> str | None:
    """Of some instruments the one with which most sessions were rated; the first by its code where they are even."""
    return min((code for code in codes if means.get(code)), key=lambda code: (-len(means[code]), code), default=None)


def alliance_of(means: Mapping[str, Means], known: Mapping[str, Instrument]) -> tuple[Rated, ...]:
    code = most_rated(means, [code for code in means if code in known and known[code].has_components])
    if code is None:
        return ()
    edition = known[code].editions["client"]
    rows = []
    for number, scales in sorted(means[code].items()):
        if all(scale in scales for scale in COMPONENTS):
            goal, task, bond = (
                placed(scales[scale], lowest=edition.minimum, highest=edition.maximum) for scale in COMPONENTS
            )
            rows.append((number, goal, task, bond))
    return tuple(rows)


def outcome_of(means: Mapping[str, Means], known: Mapping[str, Instrument]) -> tuple[tuple[int, float], ...]:
    outcomes = [code for code in means if code in known and known[code].construct == "outcome"]
    code = most_rated(means, [code for code in outcomes if known[code].has_clients_total])
    if code is None:
        return ()
    edition = known[code].editions["client"]
    ends = {"lowest": edition.minimum, "highest": edition.maximum}
    return tuple(
        (number, placed(scales[TOTAL], **ends, is_higher_better=edition.higher_is_better))
        for number, scales in sorted(means[code].items())
        if TOTAL in scales
    )


def ruptures_of(episode_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[FollowedRupture]]:
    """Those that somebody has said to be one: neither suspected only nor dismissed."""
    rows = list(
        Rupture.objects.filter(
            session__episode__in=episode_ids,
            state__in=(CONFIRMED, IN_REPAIR, RESOLVED, UNRESOLVED),
            confirmed_at__isnull=False,
        )
        .select_related("session")
        .prefetch_related(Prefetch("signals", Signal.objects.order_by("raised_at")))
        .order_by("session__number", "created_at")
    )
    tried = set(RepairAttempt.objects.filter(rupture__in=rows).values_list("rupture_id", flat=True))
    followed = followed_by_clients(rows)
    found: dict[uuid.UUID, list[FollowedRupture]] = defaultdict(list)
    for rupture in rows:
        said = followed.get(rupture.pk)
        found[rupture.session.episode_id].append(
            FollowedRupture(
                was_tried=rupture.pk in tried,
                is_settled=rupture.state == RESOLVED,
                is_followed=said is not None and said.is_told,
                back_after=said.back.after if said is not None and said.back else None,
                rated_after=sum(session > rupture.session.number for session, _ in said.scored) if said else 0,
            )
        )
    return found


def endings_of(episode_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, tuple[float | None, str]]:
    """By episode how content the client is looking back, 0 to 10, and how they saw the ending."""
    ratings = Rating.objects.current().filter(session__episode__in=episode_ids, instrument=ENDING, rater=Rater.CLIENT)
    found: dict[uuid.UUID, tuple[float | None, str]] = {}
    for episode, view, mean in ratings.order_by("session__number").values_list(
        "session__episode_id", "ending_view", "scores__mean"
    ):
        found[episode] = (mean, view)
    return found
