import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts.models import AuditEvent
from measures import actions, instruments, scoring
from measures.models import Rating, Score, Trend
from tests import factories

CANARY = "the tide was out all week"


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def stored_scores(rating: Rating) -> dict[str, tuple[object, ...]]:
    return {s.scale: (s.value, s.mean, s.is_prorated, s.reason) for s in Score.objects.filter(rating=rating)}


def computed_scores(rating: Rating) -> dict[str, tuple[object, ...]]:
    result = scoring.score(instruments.edition(rating.instrument, rating.rater), rating.answers)
    return {s.scale: (s.value, s.mean, s.prorated, s.reason or "") for s in result.scores.values()}


# --- Scores -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instrument", "rater", "answers"),
    [
        ("session-check-in", "client", {1: 8, 2: 7, 3: 6, 4: 5, 5: 9, 6: 10}),
        ("session-check-in", "client", {1: 8, 3: 6, 4: 5}),
        ("session-check-in", "therapist", {1: 0, 2: 10, 3: 5}),
        ("outcome-check-in", "client", {1: 1, 2: 2, 3: 3, 4: 4}),
        ("wai-sr", "client", dict.fromkeys(range(1, 13), 4)),
        ("wai-sr", "client", dict.fromkeys(range(1, 12), 4)),
        ("wai-36", "therapist", {number: 1 + number % 7 for number in range(1, 37)}),
    ],
)
def test_stored_scores_are_what_the_key_says(episode, instrument, rater, answers):
    by = None if rater == "client" else episode.therapist
    session = factories.make_session(episode)
    rating = actions.record_rating(session=session, instrument=instrument, rater=rater, answers=answers, by=by)
    assert stored_scores(rating) == computed_scores(rating)
    assert rating.edition_version == instruments.edition(instrument, rater).version


def test_scale_that_cannot_be_scored_is_missing_with_its_reason_and_never_zero(episode):
    rating = actions.record_rating(
        session=factories.make_session(episode), instrument="session-check-in", rater="client", answers={5: 3}, by=None
    )
    scores = stored_scores(rating)
    assert scores["goal"] == (None, None, False, "no item answered")
    assert scores["bond"][:2] == (None, None) and "1 of 2 items missing" in scores["bond"][3]


@pytest.mark.parametrize("answer", [-1, 11, 7.5, "seven", float("nan"), True])
def test_answer_off_the_scale_is_refused_and_nothing_is_written(episode, answer):
    session = factories.make_session(episode)
    with pytest.raises(scoring.AnswerProblem):
        actions.submit_rating(
            session=session, instrument="session-check-in", rater="therapist", answers={1: answer}, by=episode.therapist
        )
    assert not Rating.objects.exists() and not Score.objects.exists()


def test_meeting_that_did_not_take_place_has_no_rating(episode):
    missed = factories.make_session(episode, attendance="cancelled-early")
    with pytest.raises(ValidationError, match="did not take place"):
        factories.rate_as_therapist(missed)
    assert not Rating.objects.exists()


@pytest.mark.parametrize("who", ["tom", "ruth", "sam"])
def test_only_the_therapist_of_the_episode_rates_and_waives(service, episode, who):
    session = factories.make_session(episode)
    person = getattr(service, who)
    with pytest.raises(PermissionDenied):
        actions.submit_rating(
            session=session, instrument="session-check-in", rater="therapist", answers={1: 1}, by=person
        )
    with pytest.raises(PermissionDenied):
        actions.waive_own_rating(session=session, by=person)
    assert not Rating.objects.exists()


def test_comment_longer_than_its_field_is_refused(episode):
    with pytest.raises(ValidationError):
        factories.rate_as_client(factories.make_session(episode), comment="x" * 2001)


def test_event_of_a_rating_holds_no_answer_and_no_word_of_it(episode):
    factories.rate_as_client(factories.make_session(episode), bond=3, comment=CANARY)
    event = AuditEvent.objects.get(action="rating.submitted")
    assert sorted(event.fields) == ["client", "session-check-in"] and event.person is None


# --- Corrections ------------------------------------------------------------------------------------


def test_correction_supersedes_and_keeps_what_was_there(episode):
    session = factories.make_session(episode)
    first = factories.rate_as_therapist(session, bond=4)
    second = factories.rate_as_therapist(session, bond=6)
    first.refresh_from_db()
    assert first.answers["3"] == 4.0 and first.superseded_by == second and first.superseded_at
    assert stored_scores(first)["bond"][0] == 4.0, "the scores of the earlier one stay with it"
    assert Rating.objects.current().get() == second
    assert AuditEvent.objects.filter(action="rating.corrected", object_id=second.pk).exists()


def test_corrected_rating_counts_once_in_the_trend(episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session, bond=4)
    factories.rate_as_therapist(session, bond=6)
    actions.compute_trends(episode_id=episode.pk)
    assert Trend.objects.get(rater="therapist", scale="bond").points == [[1, 6.0]]


def test_rating_of_one_rater_leaves_the_other_ones(episode):
    session = factories.make_session(episode)
    factories.rate_as_therapist(session)
    factories.rate_as_client(session)
    assert sorted(Rating.objects.current().values_list("rater", flat=True)) == ["client", "therapist"]


# --- Sealed until the therapist has rated -----------------------------------------------------------

# A bond of 9.5 and a task of 8.5 occur nowhere else in these episodes.
SEALED = {1: 1, 2: 2, 3: 8, 4: 9, 5: 9, 6: 10}


@pytest.fixture
def sealed_session(episode):
    factories.make_course(episode, [7, 7])
    session = factories.make_session(episode)
    actions.record_rating(
        session=session, instrument="session-check-in", rater="client", answers=SEALED, comment=CANARY, by=None
    )
    actions.compute_trends(episode_id=episode.pk)
    return session


def pages_of(episode, session) -> dict[str, str]:
    return {
        "session": reverse("sessions_app:session", args=[session.pk]),
        "episode": reverse("dashboards:episode", args=[episode.pk]),
        "renewed part of it": reverse("dashboards:episode-change", args=[episode.pk]),
        "figure": reverse("dashboards:episode-figure", args=[episode.pk]),
        "outcome figure": reverse("dashboards:episode-figure", args=[episode.pk]) + "?total=outcome-check-in",
        "client list": reverse("clients:client-list"),
    }


PERSONAL = {
    "ada": {"today": "sessions_app:today", "edit": "sessions_app:session-edit"},
    "ruth": {"caseload": "dashboards:caseload", "caseload figure": "dashboards:caseload-figure"},
}


def shown_to(browser_of, service, who, episode, session) -> dict[str, str]:
    browser = browser_of(getattr(service, who))
    urls = pages_of(episode, session)
    for name, route in PERSONAL[who].items():
        urls[name] = reverse(route, args=[session.pk] if name == "edit" else [])
    shown = {}
    for name, url in urls.items():
        page = browser.get(url)
        assert page.status_code == 200, name
        shown[name] = page.content.decode()
    return shown


def holds_canary(page: str) -> bool:
    return any(canary in page for canary in (CANARY, "9.5", "8.5"))


@pytest.mark.parametrize("who", ["ada", "ruth"])
def test_sealed_rating_is_on_no_page(browser_of, service, episode, sealed_session, who):
    pages = shown_to(browser_of, service, who, episode, sealed_session)
    assert [name for name, page in pages.items() if holds_canary(page)] == []
    assert "has rated this session" in pages["session"], "that there is one is said"


def test_sealed_rating_is_in_no_trend(episode, sealed_session):
    trends = Trend.objects.filter(episode=episode, rater="client")
    assert {trend.scale: trend.points for trend in trends}["bond"] == [[1, 7.0], [2, 7.0], [3, None]]
    assert {trend.n for trend in trends} == {2}


@pytest.mark.parametrize("who", ["ada", "ruth"])
def test_clients_rating_is_shown_once_the_therapist_has_rated(browser_of, service, episode, sealed_session, who):
    factories.rate_as_therapist(sealed_session)
    actions.compute_trends(episode_id=episode.pk)
    pages = shown_to(browser_of, service, who, episode, sealed_session)
    shown = {name for name, page in pages.items() if holds_canary(page)}
    assert {"session", "episode", "renewed part of it", "figure", "client list"} <= shown


def test_clients_rating_is_shown_once_the_therapist_has_waived_the_own(browser_of, service, episode, sealed_session):
    browser = browser_of(service.ada)
    answer = browser.post(reverse("measures:rating-show", args=[sealed_session.pk]))
    assert answer.status_code == 302
    assert CANARY in browser.get(answer["Location"]).content.decode()
    actions.compute_trends(episode_id=episode.pk)
    assert Trend.objects.get(episode=episode, rater="client", scale="bond").latest == 9.5
    assert AuditEvent.objects.filter(action="rating.waived", person=service.ada).count() == 1


def test_supervisor_cannot_unseal_a_rating(browser_of, service, sealed_session):
    answer = browser_of(service.ruth).post(reverse("measures:rating-show", args=[sealed_session.pk]))
    assert answer.status_code in {403, 404}
    assert Rating.objects.sealed().count() == 1


def test_rating_of_another_session_unseals_nothing(episode, sealed_session):
    factories.rate_as_therapist(factories.make_session(episode))
    assert Rating.objects.sealed().get().session == sealed_session


def test_a_rating_is_sealed_or_it_is_not(service, episode, sealed_session):
    """`unsealed` is asked of each rating and `sealed` of all: of every kind there is, each says the opposite."""
    waived, rated = factories.make_session(episode), factories.make_session(episode)
    for session in (waived, rated):
        factories.rate_as_client(session)
    actions.waive_own_rating(session=waived, by=service.ada)
    factories.rate_as_therapist(rated)
    sealed = set(Rating.objects.sealed())
    assert {rating.session for rating in sealed} == {sealed_session}
    assert set(Rating.objects.unsealed()) == set(Rating.objects.all()) - sealed


def test_waiving_twice_is_waiving_once(service, sealed_session):
    actions.waive_own_rating(session=sealed_session, by=service.ada)
    actions.waive_own_rating(session=sealed_session, by=service.ada)
    assert AuditEvent.objects.filter(action="rating.waived").count() == 1


def test_outcome_rating_is_not_sealed(browser_of, service, episode):
    session = factories.make_session(episode)
    actions.record_rating(
        session=session,
        instrument="outcome-check-in",
        rater="client",
        answers={1: 3, 2: 3, 3: 3, 4: 4},
        comment=CANARY,
        by=None,
    )
    assert not Rating.objects.sealed().exists()
    page = browser_of(service.ada).get(reverse("sessions_app:session", args=[session.pk])).content.decode()
    assert CANARY in page
    figure = reverse("dashboards:episode-figure", args=[episode.pk]) + "?total=outcome-check-in"
    assert browser_of(service.ada).get(figure).json()["data"][0]["y"] == [3.25]
