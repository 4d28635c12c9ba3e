"""An episode goes over to a colleague: by its therapist, or by an administrator who knows codes alone."""

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts import actions as accounts
from accounts.models import AuditEvent, User
from clients import actions
from clients.models import Episode
from jobs.organisation import acting_in
from measures import actions as measures
from measures.models import EpisodeSeries
from tests import factories
from tests.parallel import at_once

TODAY = timezone.localdate


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


# --- What it does ---------------------------------------------------------------------------------------


def test_the_old_episode_ends_and_the_new_one_continues_it(service, episode):
    new = factories.hand_over(episode, to=service.tom)
    old = Episode.objects.get(pk=episode.pk)
    assert (old.ended_on, old.ending, old.is_handed_over, old.responsible_id) == (TODAY(), "transferred", True, None)
    assert (new.continues, new.therapist, new.started_on, new.is_open) == (old, service.tom, TODAY(), True)
    assert (new.client, new.modality, new.practitioner_title) == (old.client, old.modality, "Counsellor")
    assert new.responsible_id == service.tom.pk
    happened = AuditEvent.objects.filter(client_id=old.client_id, person=service.ada).values_list("action", "object_id")
    assert {("episode.handed-over", old.pk), ("episode.started", new.pk)} <= set(happened)


def test_each_earlier_episode_knows_all_who_came_after_the_latest_first(service, episode):
    second = factories.hand_over(episode, to=service.tom)
    third = factories.hand_over(second, to=service.ada)
    later = dict(Episode.objects.values_list("pk", "later_therapists"))
    assert later == {episode.pk: [service.ada.pk, service.tom.pk], second.pk: [service.ada.pk], third.pk: []}


def test_open_links_stop_working_and_say_nothing_of_why(service, episode):
    request, token = factories.make_request(factories.make_session(episode))
    opened = factories.Browser()
    assert opened.get(reverse("measures:link", args=[token])).status_code == 302
    factories.hand_over(episode, to=service.tom, by=service.sam)
    assert factories.Browser().get(reverse("measures:link", args=[token])).status_code == 404
    sent = opened.post(reverse("measures:rate", args=[request.pk]), {"submission": uuid.uuid4(), "item-1": 5})
    assert sent.status_code == 404 and "Nothing is wrong on your side." in sent.content.decode()
    request.refresh_from_db()
    assert request.revoked_by == service.sam
    assert AuditEvent.objects.filter(action="link.revoked", object_id=request.pk, person=service.sam).exists()


def test_a_rating_that_waited_for_the_therapists_own_waits_no_longer(service, episode, browser_of):
    """Nobody rates there any more: else the client's words would stay unseen for ever."""
    session = factories.make_session(episode)
    factories.rate_as_client(session, comment="unseen until now")
    page = reverse("sessions_app:session", args=[session.pk])
    assert "unseen until now" not in browser_of(service.ada).get(page).content.decode()
    version = EpisodeSeries.objects.get(episode=episode).input_version
    factories.hand_over(episode, to=service.tom)
    for reader in (service.ada, service.tom):
        assert "unseen until now" in browser_of(reader).get(page).content.decode()
    assert EpisodeSeries.objects.get(episode=episode).input_version == version + 1
    assert "you have not yet" not in browser_of(service.ada).get(reverse("sessions_app:today")).content.decode()


def test_the_new_therapist_is_told_on_the_first_page(service, episode, browser_of):
    new = factories.hand_over(episode, to=service.tom)
    today = reverse("sessions_app:today")
    page = browser_of(service.tom).get(today).content.decode()
    assert "Handed over to you, not seen yet" in page and "from Ada Okafor" in page
    assert reverse("dashboards:episode", args=[episode.pk]) in page
    factories.make_session(new, held_on=TODAY())
    assert "Handed over to you" not in browser_of(service.tom).get(today).content.decode()


# --- What it refuses ------------------------------------------------------------------------------------


def attempt(episode, **values):
    terms = {"to": None, "on": TODAY(), "practitioner_title": "Counsellor", "by": episode.therapist}
    return measures.hand_over_episode_with_links(episode=episode, **{**terms, **values})


@pytest.mark.parametrize("who", ["tom", "ruth", "nils"])
def test_nobody_but_the_therapist_and_an_administrator_hands_over(service, episode, who):
    with pytest.raises(PermissionDenied):
        attempt(episode, to=service.tom, by=getattr(service, who))
    assert Episode.objects.get().is_open


def test_who_covers_hands_nobody_over(service, episode):
    factories.make_cover(service.ada, by=service.tom)
    with pytest.raises(PermissionDenied):
        attempt(episode, to=service.tom, by=service.tom)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("to", lambda service: {"to": service.ada}),
        ("to", lambda service: {"to": service.ruth}),
        ("on", lambda service: {"to": service.tom, "on": TODAY() - timedelta(weeks=61)}),
        ("practitioner_title", lambda service: {"to": service.tom, "practitioner_title": " "}),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(service, episode, field, wrong):
    with pytest.raises(ValidationError) as refused:
        attempt(episode, **wrong(service))
    assert list(refused.value.message_dict) == [field]


def test_nobody_is_handed_over_to_somebody_who_may_not_sign_in(service, episode):
    User.objects.filter(pk=service.tom.pk).update(is_active=False)
    with pytest.raises(ValidationError, match="no therapist who may sign in"):
        attempt(episode, to=User.objects.get(pk=service.tom.pk))


def test_the_day_is_not_before_a_session_and_that_day_is_not_told(service, episode):
    """An administrator may be the one who asks."""
    factories.make_session(episode, held_on=TODAY() - timedelta(days=2))
    with pytest.raises(ValidationError) as refused:
        attempt(episode, to=service.tom, on=TODAY() - timedelta(days=3), by=service.sam)
    assert refused.value.message_dict == {"on": ["A session of R-0417 was logged after this day. Choose a later one."]}
    assert attempt(episode, to=service.tom, on=TODAY() - timedelta(days=2), by=service.sam).is_open


def test_an_episode_is_handed_over_once(service, episode):
    in_another_tab = Episode.objects.get()
    factories.hand_over(episode, to=service.tom)
    with pytest.raises(actions.EpisodeEnded):
        attempt(in_another_tab, to=service.tom)
    assert Episode.objects.count() == 2


def test_handed_over_twice_at_the_same_moment_it_goes_to_one(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        factories.make_session(factories.make_episode(service.ada))
        accounts.update_person(person=service.ruth, version=1, is_therapist=True, by=service.sam)

    def to(colleague: User):
        def work() -> Episode:
            with acting_in(service.organisation.pk):
                return attempt(Episode.objects.get(therapist=service.ada), to=colleague)

        return work

    results = at_once(to(service.tom), to(service.ruth))
    assert sorted(type(result).__name__ for result in results) == ["Episode", "EpisodeEnded"]
    with acting_in(service.organisation.pk):
        (new,) = Episode.objects.open()
        assert Episode.objects.get(pk=new.continues_id).later_therapists == [new.therapist_id]


def test_a_session_logged_while_the_episode_is_handed_over_is_in_it_before_or_not_at_all(committed):
    service = factories.make_service()
    with acting_in(service.organisation.pk):
        episode = factories.make_episode(service.ada)

    def log():
        with acting_in(service.organisation.pk):
            return factories.make_session(Episode.objects.get(pk=episode.pk), held_on=TODAY())

    def give():
        with acting_in(service.organisation.pk):
            return attempt(Episode.objects.get(pk=episode.pk), to=service.tom)

    logged, given = at_once(log, give)
    assert isinstance(given, Episode)
    with acting_in(service.organisation.pk):
        assert Episode.objects.get(pk=episode.pk).sessions.count() == (0 if isinstance(logged, ValidationError) else 1)


# --- Pages ----------------------------------------------------------------------------------------------


def first_step(to: User, **values):
    return {"submission": uuid.uuid4(), "to": to.pk, "on": TODAY().isoformat(), **values}


def second_step(page, **values):
    """What the page of the second step sends: hidden what was said before, and the title."""
    form = page.context["form"]
    shown = {"submission", "to", "on", "practitioner_title", *(["episodes"] if "episodes" in form.fields else [])}
    return {**{name: form[name].value() for name in shown}, "confirmed": "on", **values}


def test_a_therapist_is_told_who_will_see_what_before_anything_happens(service, episode, browser_of):
    factories.make_episode(service.tom, code="T-1")  # with his title
    factories.make_request(factories.make_session(episode))
    factories.rate_as_client(factories.make_session(episode))
    ada, url = browser_of(service.ada), reverse("clients:episode-hand-over", args=[episode.pk])
    assert ada.get(url).status_code == 200
    page = ada.post(url, first_step(service.tom))
    assert page.status_code == 200 and Episode.objects.filter(client=episode.client).count() == 1
    words = " ".join(page.content.decode().split())
    for told in (
        "Hand over to Tom Abara?",
        "starts a new episode and writes in it. Reads everything recorded until now",
        "Otto Brandt</strong></dt> <dd>may read all that Tom Abara reads",
        "keep reading what you recorded, change nothing in it any more, and see nothing recorded afterwards.",
        "Ruth Lindqvist</strong></dt> <dd>may go on reading what was recorded until now",
        "can’t use 1 link that waits for an answer any more.",
        "1 rating by Rowan waits for the therapist’s own.",
        'value="Clinical psychologist"',
    ):
        assert told in words, told
    done = second_step(page)
    for _sent_twice in range(2):
        answer = ada.post(url, done)
        assert (answer.status_code, answer["Location"]) == (302, reverse("dashboards:episode", args=[episode.pk]))
    new = Episode.objects.get(continues=episode)
    assert (new.therapist, new.practitioner_title) == (service.tom, "Clinical psychologist")
    assert ada.post(url, {**done, "submission": uuid.uuid4()}).status_code == 404


@pytest.mark.parametrize("step", ["first", "second"])
def test_whoever_cannot_take_over_is_refused_beside_the_field(service, episode, browser_of, step):
    url = reverse("clients:episode-hand-over", args=[episode.pk])
    confirmed = {} if step == "first" else {"confirmed": "on", "practitioner_title": "Counsellor"}
    for somebody in (service.ada, service.ruth):
        answer = browser_of(service.ada).post(url, first_step(somebody, **confirmed))
        assert answer.status_code == 422
        assert answer.context["form"].errors == {
            "to": ["Only a therapist who may sign in can take over. Choose somebody else."]
        }
    tomorrow = (TODAY() + timedelta(days=1)).isoformat()
    answer = browser_of(service.ada).post(url, first_step(service.tom, on=tomorrow, **confirmed))
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["on"]
    assert f'value="{tomorrow}"' in answer.content.decode()
    assert Episode.objects.get().is_open


def test_without_a_title_the_second_step_stays_and_says_so(service, episode, browser_of):
    url = reverse("clients:episode-hand-over", args=[episode.pk])
    page = browser_of(service.ada).post(url, first_step(service.tom))
    assert 'name="practitioner_title" value' not in page.content.decode(), "Tom has had no episode yet"
    answer = browser_of(service.ada).post(url, second_step(page, practitioner_title=""))
    assert answer.status_code == 422
    assert "Hand over to Tom Abara?" in answer.content.decode()
    assert answer.context["form"].errors == {"practitioner_title": ["Enter the title of the new therapist."]}
    assert Episode.objects.get().is_open


def test_an_administrator_hands_over_all_of_somebody_who_left(service, browser_of):
    names = {code: f"{code}-name-canary" for code in ("R-1", "R-2", "R-3")}
    episodes = {code: factories.make_episode(service.ada, code=code, name=name) for code, name in names.items()}
    factories.make_session(episodes["R-1"], note="note-canary")
    sam = browser_of(service.sam)
    accounts.update_person(person=service.ada, version=service.ada.version, is_active=False, by=service.sam)
    assert (
        "1 who may not sign in any more has open episodes." in sam.get(reverse("accounts:person-list")).content.decode()
    )
    people = sam.get(reverse("accounts:person-list"), {"show": "left"}).content.decode()
    url = reverse("clients:person-episodes", args=[service.ada.pk])
    assert f'href="{url}"' in people and "hand over" in people
    assert (
        "Ada Okafor has 3 open episodes."
        in sam.get(reverse("accounts:person-edit", args=[service.ada.pk])).content.decode()
    )
    choose = sam.get(url)
    assert "R-1, 1 session" in choose.content.decode() and "R-2, 0 sessions" in choose.content.decode()
    chosen = [episodes["R-1"].pk, episodes["R-2"].pk]
    page = sam.post(url, first_step(service.tom, episodes=chosen))
    done = second_step(page, practitioner_title="Counsellor")
    assert "R-1, R-2" in page.content.decode()
    assert "may not sign in, and sees nothing." in page.content.decode()
    for shown in (people, choose.content.decode(), page.content.decode()):
        assert "canary" not in shown
    for _sent_twice in range(2):
        assert sam.post(url, done)["Location"] == reverse("accounts:person-list")
    assert set(Episode.objects.open().values_list("client__code", "therapist__name")) == {
        ("R-1", "Tom Abara"),
        ("R-2", "Tom Abara"),
        ("R-3", "Ada Okafor"),
    }
    assert AuditEvent.objects.filter(action="episode.handed-over", person=service.sam).count() == 2


def test_of_several_either_all_are_handed_over_or_none(service, browser_of):
    first, second = (factories.make_episode(service.ada, code=code) for code in ("R-1", "R-2"))
    factories.make_session(second, held_on=TODAY())
    yesterday = (TODAY() - timedelta(days=1)).isoformat()
    form = first_step(service.tom, on=yesterday, episodes=[first.pk, second.pk], confirmed="on", practitioner_title="x")
    url = reverse("clients:person-episodes", args=[service.ada.pk])
    answer = browser_of(service.sam).post(url, form)
    assert answer.status_code == 422 and "R-2" in answer.context["form"].errors["on"][0]
    assert Episode.objects.open().filter(therapist=service.ada).count() == 2


def test_an_episode_that_ended_meanwhile_is_not_handed_over_with_the_rest(service, browser_of):
    first, second = (factories.make_episode(service.ada, code=code) for code in ("R-1", "R-2"))
    url = reverse("clients:person-episodes", args=[service.ada.pk])
    page = browser_of(service.sam).post(url, first_step(service.tom, episodes=[first.pk, second.pk]))
    actions.end_episode(episode=first, ended_on=TODAY(), ending="planned", by=service.ada)
    answer = browser_of(service.sam).post(url, second_step(page, practitioner_title="x"))
    assert answer.status_code == 422
    assert answer.context["form"].errors == {
        "episodes": ["One of these episodes has ended meanwhile. Look at the list and choose again."]
    }


def test_of_somebody_without_open_episodes_there_is_nothing_to_hand_over(service, browser_of):
    page = browser_of(service.sam).get(reverse("clients:person-episodes", args=[service.tom.pk]))
    assert "No open episodes" in page.content.decode()
