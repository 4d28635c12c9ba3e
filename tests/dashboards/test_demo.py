"""The demo service, loaded once for the whole module, and once more to compare."""

import hashlib
from collections import Counter
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections, transaction
from django.utils import timezone

from accounts.models import Cover, Organisation, User
from accounts.selectors import organisation_with_slug
from clients.models import Agreement, Client, Episode, Goal, Task
from dashboards import demo
from jobs.models import Job
from jobs.organisation import acting_in, set_organisation
from measures.models import Rating, RatingRequest, Score
from sessions_app.models import FirstChallenge, TherapySession
from sessions_app.selectors import possible_strains
from supervision import demo as supervision
from supervision.models import AgendaItem, LearningTarget, Meeting

# A leap day's year behind it, and the clocks changed twice.
TODAY = date(2025, 3, 1)


class TakeItBack(Exception):
    pass


def summary() -> dict[str, object]:
    """What somebody would compare two loads by; identifiers and hashes of passwords differ, as they must."""
    rows = {
        "clients": list(Client.objects.order_by("code").values_list("code", "name")),
        "episodes": list(
            Episode.objects.order_by("client__code", "started_on").values_list(
                "client__code", "therapist__name", "modality", "started_on", "ended_on", "ending", "ending_words"
            )
        ),
        "sessions": list(
            TherapySession.objects.order_by("episode__client__code", "number").values_list(
                "episode__client__code", "number", "held_on", "attendance", "format", "note"
            )
        ),
        "agreements": list(
            Agreement.objects.order_by("episode__client__code", "happened_on", "kind", "text").values_list(
                "episode__client__code", "happened_on", "kind", "text", "difficulty", "by_client"
            )
        ),
        "ratings": sorted(
            (
                rating.session.episode.client.code,
                rating.session.number,
                rating.instrument,
                rating.rater,
                sorted(rating.answers.items()),
                rating.comment,
                rating.do_not_raise,
                rating.ending_view,
                rating.submitted_at,
                sorted((score.scale, score.value, score.mean) for score in rating.scores.all()),
            )
            for rating in Rating.objects.select_related("session__episode__client").prefetch_related("scores")
        ),
    }
    return {
        **{name: len(found) for name, found in rows.items()},
        "hash": hashlib.sha256(repr(rows).encode()).hexdigest(),
    }


@pytest.fixture(scope="module")
def two_loads(django_db_setup, django_db_blocker):
    """The summaries of two loads on a clean database, and the second one left in place for the module."""
    with django_db_blocker.unblock():
        first = {}
        try:
            with transaction.atomic():
                organisation = demo.load(today=TODAY)
                with acting_in(organisation.pk):
                    first = summary()
                raise TakeItBack
        except TakeItBack:
            assert organisation_with_slug(demo.SLUG) is None
        try:
            with transaction.atomic():
                organisation = demo.load(today=TODAY)
                set_organisation(organisation.pk)
                yield first, summary()
                raise TakeItBack
        except TakeItBack:
            pass
        for connection in connections.all():
            connection.close()


@pytest.fixture
def loaded(two_loads):
    return two_loads[1]


def test_two_loads_with_one_seed_and_day_are_the_same(two_loads):
    first, second = two_loads
    assert first == second


def test_second_load_does_nothing(loaded):
    assert demo.load(today=TODAY) is None
    assert demo.load(seed=1, today=TODAY) is None
    assert summary() == loaded
    assert Organisation.objects.filter(slug=demo.SLUG).count() == 1


def test_service_is_marked_as_invented(loaded):
    assert Organisation.objects.get(slug=demo.SLUG).is_demo


def test_service_is_large_enough_to_look_around_in(loaded):
    assert loaded["clients"] >= 40 and loaded["sessions"] >= 500
    kinds = Counter(Rating.objects.values_list("instrument", "rater"))
    assert {kind for kind, count in kinds.items() if count > 400} == {
        ("session-check-in", "client"),
        ("session-check-in", "therapist"),
        ("outcome-check-in", "client"),
    }


def test_every_kind_of_course_is_there(loaded):
    assert set(demo.COURSES) == {"rising", "steady", "ceiling", "repaired", "erosion", "drop", "gaps"}
    assert len(demo.COURSES) == loaded["clients"]
    assert Episode.objects.open().count() > 20 and set(Episode.objects.values_list("ending", flat=True)) >= {
        "",
        "planned",
        "client",
    }
    assert Score.objects.filter(scale="bond", value=10).count() > 20, "somebody rates at the top"
    assert Score.objects.filter(scale="bond", value__lt=4).exists(), "somebody falls"
    assert Rating.objects.filter(do_not_raise=True).exists()


def test_some_have_agreed_on_goals_and_tasks_and_one_was_not_done(loaded):
    agreed = Goal.objects.exclude(client_agreed_on=None)
    assert agreed.filter(is_target_relative=True).exists() and [goal for goal in agreed if goal.question]
    assert Task.objects.exclude(step_down_of=None).count() > 8
    assert any(possible_strains(episode) for episode in Episode.objects.open())
    assert 10 < FirstChallenge.objects.count() < loaded["clients"], "others have none, as in life"


def test_somebody_is_away_somebody_was_handed_over_and_endings_are_told_by_both(loaded):
    organisation = Organisation.objects.get(slug=demo.SLUG)
    cover = Cover.objects.in_force(organisation.today).get()
    assert (cover.therapist.name, cover.cover.name) == ("Ines Duarte", "Tom Abara")
    new = Episode.objects.get(continues__isnull=False)
    assert (new.continues.therapist.name, new.therapist.name) == ("Mina Halvorsen", "Ada Okafor")
    told = Rating.objects.filter(instrument="ending-satisfaction").select_related("session__episode")
    views = {(rating.session.episode.ending, rating.ending_view) for rating in told}
    assert views == {("planned", "planned"), ("client", "mutual")}, "where the two differ it shows"


def test_meetings_were_missed_in_every_way_and_never_rated(loaded):
    missed = TherapySession.objects.exclude(attendance__in=("attended", "late"))
    assert set(missed.values_list("attendance", flat=True)) == {
        "cancelled-early",
        "cancelled-late",
        "did-not-attend",
        "cancelled-by-service",
    }
    assert not Rating.objects.filter(session__in=missed).exists()


def test_days_lie_within_the_past_year_and_never_later_than_today(loaded):
    days = list(TherapySession.objects.values_list("held_on", flat=True))
    assert max(days) <= TODAY and max(days) > TODAY - timedelta(days=7)
    assert min(days) > TODAY - timedelta(days=550) and min(days) < TODAY - timedelta(days=180)
    assert all(episode.started_on <= TODAY for episode in Episode.objects.all())
    assert all(episode.ended_on <= TODAY for episode in Episode.objects.exclude(ended_on=None))
    assert not Rating.objects.filter(submitted_at__gt=timezone.now()).exists()


def test_sessions_of_an_episode_are_in_order_and_none_is_before_its_start(loaded):
    for episode in Episode.objects.filter(continues=None):
        sessions = list(episode.sessions.all())
        assert [session.number for session in sessions] == list(range(1, len(sessions) + 1))
        days = [session.held_on for session in sessions]
        assert days == sorted(days) and days[0] >= episode.started_on


def test_some_ratings_wait_for_the_therapists_own(loaded):
    assert Rating.objects.current().sealed().exists()


def test_one_link_waits_to_be_sent_by_e_mail_to_a_client_who_agreed(loaded):
    link = RatingRequest.objects.get()
    assert link.session.episode.client.wants_invitations and link.session.episode.is_open
    assert set(link.invitations.values_list("kind", "state")) == {("first", "waiting"), ("reminder", "waiting")}
    assert 10 < Client.objects.filter(mail_agreed_on__isnull=False).count() < loaded["clients"] / 2


def test_every_episode_asks_for_its_trends(loaded):
    asked = set(Job.objects.filter(task="ruptures.judge_episode").values_list("object_id", flat=True))
    assert asked == set(Episode.objects.filter(continues=None).values_list("pk", flat=True))


def test_printed_accounts_exist_and_their_password_is_the_printed_one(loaded):
    words = demo.accounts_in_words()
    assert demo.PASSWORD in words
    for email in demo.SHOWN_ACCOUNTS:
        assert email in words and User.objects.get(email=email).check_password(demo.PASSWORD)


def test_demo_is_refused_where_it_is_not_allowed(settings):
    settings.DEMO = False
    with pytest.raises(CommandError, match="ALLIANCE_DEMO=1"):
        call_command("load_demo")


def test_supervision_has_a_meeting_that_is_over_one_to_come_and_two_learning_targets(loaded):
    organisation = Organisation.objects.get(slug=demo.SLUG)
    with transaction.atomic():
        supervision.load(organisation)
        over, to_come = Meeting.objects.order_by("held_on")
        assert (over.state, to_come.state) == ("finished", "planned") and over.notes_shared
        assert set(over.steps.values_list("status", flat=True)) == {"open", "done"}
        assert all(step.component for step in over.steps.exclude(episode=None))
        assert [target.kind for target in LearningTarget.objects.order_by("kind")] == ["recognising", "repairing"]
        assert AgendaItem.objects.waiting().get().episode.is_open
        transaction.set_rollback(True)
