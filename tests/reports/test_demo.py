"""The second demo organisation: published files, imported as a service would import its own."""

from datetime import date

import pytest
from django.db import transaction

from accounts.models import User
from clients.models import Episode
from dashboards.demo import PASSWORD
from jobs.models import Job
from jobs.organisation import acting_in
from measures.models import OwnMeasure, Rating
from reports import demo
from reports.models import ImportBatch
from sessions_app.models import TherapySession

TODAY = date(2025, 3, 1)


@pytest.fixture
def loaded(db):
    with transaction.atomic():
        organisation = demo.load(today=TODAY)
    with acting_in(organisation.pk):
        yield organisation


def test_both_files_are_there_and_marked_as_no_real_clients(loaded):
    assert loaded.is_demo
    assert loaded.name == "Open data, no real clients"
    assert set(ImportBatch.objects.values_list("file_name", "state")) == {
        ("wai36_items_simulated.csv", "written"),
        ("suddengains_sgdata.csv", "written"),
    }
    assert Rating.objects.filter(instrument="wai-36").count() == 277
    assert Episode.objects.count() == 150 + 43
    assert set(OwnMeasure.objects.values_list("code", flat=True)) == {"bdi", "rq"}


def test_no_day_is_later_than_today_and_all_are_assumed(loaded):
    assert not TherapySession.objects.filter(held_on__gt=TODAY).exists()
    assert not TherapySession.objects.filter(is_date_assumed=False).exists()


def test_every_episode_asks_for_its_trends(loaded):
    asked = set(Job.objects.filter(task="ruptures.judge_episode").values_list("object_id", flat=True))
    assert asked == set(Episode.objects.values_list("pk", flat=True))


def test_it_is_loaded_once(loaded):
    assert demo.load(today=TODAY) is None


def test_printed_accounts_can_sign_in(loaded):
    for email in demo.ACCOUNTS:
        assert email in demo.accounts_in_words()
        assert User.objects.get(email=email).check_password(PASSWORD)
