"""Where clocks are put back an hour comes twice, or half of one; a course stays in its order and a day stays a day."""

from datetime import date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation
from measures import actions as measures
from measures.models import Rating
from tests import factories

pytestmark = pytest.mark.django_db
# The night in which clocks were put back, and the moment in UTC. In Kathmandu none ever is.
PUT_BACK = [
    ("Europe/London", date(2024, 10, 27), "2024-10-27T01:00Z"),
    ("America/New_York", date(2024, 11, 3), "2024-11-03T06:00Z"),
    ("Australia/Lord_Howe", date(2024, 4, 7), "2024-04-06T15:00Z"),
    ("Asia/Kathmandu", date(2024, 2, 29), "2024-02-28T20:00Z"),
]


@pytest.mark.parametrize(("zone", "night", "moment"), PUT_BACK)
def test_sessions_keep_their_order_although_a_rating_has_an_earlier_hour_on_the_wall(
    service, browser_of, zone, night, moment
):
    """The second session is rated twenty minutes after the first: in the repeated hour that is an earlier hour.

    wall    01:50 |01:10| 01:40     bond 9 7 5
    """
    Organisation.objects.update(time_zone=zone)
    episode = factories.make_episode(service.ada, weeks_ago=(timezone.localdate() - night).days // 7 + 2)
    put_back = datetime.fromisoformat(moment)
    for number, (bond, minutes) in enumerate([(9, -10), (7, 10), (5, 40)], start=1):
        session = factories.make_session(episode, held_on=night + timedelta(days=number - 2))
        factories.rate_as_therapist(session)
        rating = factories.rate_as_client(session, bond=bond)
        Rating.objects.filter(pk=rating.pk).update(submitted_at=put_back + timedelta(minutes=minutes))
    measures.compute_trends(episode_id=episode.pk)
    browser = browser_of(service.ada)
    state = browser.get(reverse("dashboards:episode", args=[episode.pk])).context["state"]
    assert [(row.session.number, row.client[2]) for row in state.rows] == [(3, 5), (2, 7), (1, 9)]  # the latest first
    figure = browser.get(reverse("dashboards:episode-figure", args=[episode.pk])).json()
    (bond,) = [trace for trace in figure["data"] if trace["name"] == "Bond, client"]
    assert (bond["x"], bond["y"]) == ([1, 2, 3], [9, 7, 5])
    timeline = browser.get(reverse("dashboards:timeline", args=[episode.pk])).context["parts"]
    assert [(part.session.number, part.day) for part in timeline] == [
        (number, night + timedelta(days=number - 2)) for number in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("Europe/London", date(2024, 10, 27), "2024-10-26T23:00Z", 25),
        ("Europe/London", date(2024, 3, 31), "2024-03-31T00:00Z", 23),
        ("America/New_York", date(2024, 11, 3), "2024-11-03T04:00Z", 25),
        ("Australia/Lord_Howe", date(2024, 4, 7), "2024-04-06T13:00Z", 24.5),
        ("Asia/Kathmandu", date(2024, 2, 29), "2024-02-28T18:15Z", 24),
    ],
)
def test_a_day_of_the_service_is_as_long_as_it_is_there(service, monkeypatch, zone, day, begins, hours):
    service.organisation.time_zone = zone
    first = datetime.fromisoformat(begins)
    last = first + timedelta(hours=hours)
    a_second = timedelta(seconds=1)
    for moment, expected in (
        (first - a_second, day - timedelta(days=1)),
        (first, day),
        (last - a_second, day),
        (last, day + timedelta(days=1)),
    ):
        monkeypatch.setattr("django.utils.timezone.now", lambda moment=moment: moment)
        assert service.organisation.today == expected
