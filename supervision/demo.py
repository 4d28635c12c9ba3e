"""Supervision of the demo service: a meeting that is over, with what came of it, one to come, two learning targets."""

from datetime import date, timedelta
from typing import Any

from django.db import transaction

from accounts.models import Organisation, User
from accounts.selectors import supervisors_of, therapist_for_import
from clients.models import Episode
from jobs.organisation import acting_in
from ruptures.models import RepairAttempt

from . import actions, states
from .selectors.targets import repairs_of

THERAPIST = "therapist@demo.example"
NOTES = (
    "We stayed with the moment after the silence. Ada hears herself explaining when it gets quiet, and would rather "
    "ask. We rehearsed the first sentence three times; the shortest was the best."
)
OUTCOME = "I asked, and waited. There was more anger than I had thought, and we could laugh about it in the end."


@transaction.atomic
def load(organisation: Organisation) -> None:
    """Of one therapist and their supervisor, about clients of now whose ruptures are on record."""
    with acting_in(organisation.pk):
        therapist = therapist_for_import(THERAPIST)
        (supervisor,) = supervisors_of(therapist)
        tried = [attempt for attempt in repairs_of(therapist) if attempt.rupture.session.episode.is_open]
        episodes = {attempt.rupture.session.episode_id: attempt for attempt in tried}
        first, *others = list(episodes.values())
        hold_a_meeting(first, supervisor, therapist)
        plan_a_meeting([one.rupture.session.episode for one in [*others, first]], supervisor, therapist)
        set_targets(organisation, supervisor, therapist)


def working_day(day: date) -> date:
    """The day itself, or the Monday after it."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def hold_a_meeting(attempt: RepairAttempt, supervisor: User, therapist: User) -> None:
    """On the day after the session in which something had fallen; a repair was tried in the next."""
    session, episode = attempt.rupture.session, attempt.rupture.session.episode
    day = working_day(session.held_on + timedelta(days=1))
    meeting = actions.plan_meeting(therapist=therapist, held_on=day, by=supervisor)
    actions.put_on_agenda(
        episode=episode, supervisor=supervisor, why="I hurry as soon as it gets quiet between us.", by=therapist
    )
    actions.write_notes(meeting=meeting, notes=NOTES, notes_shared=True, version=1, by=supervisor)
    actions.move_meeting(meeting=meeting, to=states.UNDER_WAY, by=supervisor)
    told = f"{attempt.rupture.name} in {session}: something had fallen, and nothing was tried yet."
    actions.discuss(meeting=meeting, episode=episode, told=told, by=supervisor)
    terms: dict[str, Any] = {"meeting": meeting, "component": attempt.rupture.component, "by": supervisor}
    due_on = day + timedelta(weeks=2)
    done = actions.agree_step(
        text="Say that I hurried, and ask what it was like.", owner=therapist, due_on=due_on, episode=episode, **terms
    )
    actions.agree_step(
        text="Send the page on own contributions.", owner=supervisor, due_on=due_on, episode=None, **terms
    )
    actions.change_step(step=done, version=1, status=states.DONE, outcome=OUTCOME, by=therapist)
    actions.move_meeting(meeting=meeting, to=states.FINISHED, by=supervisor)


def plan_a_meeting(episodes: list[Episode], supervisor: User, therapist: User) -> None:
    """In three days; the therapist brings a client, and the rest of the agenda follows from the record."""
    held_on = working_day(therapist.organisation.today + timedelta(days=3))
    actions.plan_meeting(therapist=therapist, held_on=held_on, by=supervisor)
    actions.put_on_agenda(
        episode=episodes[0], supervisor=supervisor, why="I look forward to these hours less than I did.", by=therapist
    )


def set_targets(organisation: Organisation, supervisor: User, therapist: User) -> None:
    set_on = organisation.today - timedelta(days=200)
    for kind, codes, words in (
        (states.RECOGNISING, ["minimal-response", "appeasing"], "Hear the “yes” that means “please stop”."),
        (states.REPAIRING, ["own-part", "disclose"], "Say my part first, in one sentence."),
    ):
        actions.set_target(therapist=therapist, kind=kind, codes=codes, words=words, set_on=set_on, by=supervisor)
