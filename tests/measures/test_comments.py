"""What clients wrote: delivered, talked about, answered, followed up; and the wish not to raise it yet."""

import ast
import re
import uuid
from datetime import timedelta
from html import escape

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients.models import Episode
from measures import actions as measures
from measures.actions.comments import deliver_comments, follow_up_comment
from measures.comments import comment_for, comments_of, comments_to_raise
from measures.models import CommentFollowUp, Rating
from tests import factories
from tests.architecture.test_imports import ROOT, modules, tree

TODAY = timezone.localdate
WORDS = "It felt rushed. <b>&amp;\nNext time slower?"
SHOWN = escape(WORDS).replace("\n", "<br>")


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


@pytest.fixture
def session(episode):
    return factories.make_session(episode)


@pytest.fixture
def rating(session):
    return factories.make_comment(session, WORDS)


@pytest.fixture
def held_back(session):
    return factories.make_comment(session, WORDS, do_not_raise=True)


@pytest.fixture
def ada(service, browser_of):
    return browser_of(service.ada)


@pytest.fixture
def ruth(service, browser_of):
    return browser_of(service.ruth)


def text_of(browser, route: str, *arguments) -> str:
    return browser.get(reverse(route, args=arguments)).content.decode()


def form_url(rating: Rating) -> str:
    return reverse("measures:comment", args=[rating.pk])


def form(**values) -> dict[str, object]:
    return {"submission": str(uuid.uuid4()), "raised_by": "therapist", "discussed_on": TODAY(), "version": 1, **values}


def talk_about(rating: Rating, raised_by: str = "therapist", **values) -> CommentFollowUp:
    by = rating.session.episode.therapist
    deliver_comments(ratings=[rating], by=by)
    told = {"discussed_on": None if raised_by == "nobody" else TODAY(), **values}
    follow_up_comment(rating=rating, version=rating.follow_up.version, raised_by=raised_by, by=by, **told)
    return CommentFollowUp.objects.get(rating=rating)


# --- Delivered ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["sessions_app:session", "dashboards:episode", "dashboards:episode-change"])
def test_comment_is_delivered_when_its_therapist_first_sees_it(service, ada, rating, page):
    about = rating.session_id if page == "sessions_app:session" else rating.session.episode_id
    for _ in range(2):
        shown = text_of(ada, page, about)
        assert SHOWN in shown and "You read it" in shown
    follow_up = CommentFollowUp.objects.get()
    assert (follow_up.rating, follow_up.delivered_by, follow_up.is_open) == (rating, service.ada, True)
    event = AuditEvent.objects.get(action="comment.delivered")
    assert (event.object_id, event.client_id) == (follow_up.pk, rating.session.episode.client_id)


def test_comment_that_only_a_supervisor_has_seen_is_not_delivered(ruth, rating):
    page = text_of(ruth, "sessions_app:session", rating.session_id)
    assert SHOWN in page and "Not read by Ada Okafor yet." in page
    assert not CommentFollowUp.objects.exists()


def test_comment_that_waits_for_the_own_rating_is_neither_shown_nor_delivered(service, ada, session):
    rating = factories.rate_as_client(session, comment=WORDS)
    for page, about in (("sessions_app:session", session.pk), ("dashboards:episode", session.episode_id)):
        assert SHOWN not in text_of(ada, page, about)
    assert ada.get(form_url(rating)).status_code == 404
    assert not CommentFollowUp.objects.exists()
    assert not comments_to_raise(service.ada, [session.episode])


# --- Talked about, answered, followed up --------------------------------------------------------------------


def test_today_lists_what_nobody_has_talked_about_with_one_action(ada, rating):
    page = text_of(ada, "sessions_app:today")
    assert "In clients’ words, not talked about yet" in page
    link = f"{form_url(rating)}?from=today"
    assert link in page
    answer = ada.post(link, form(answer="I asked what slower would look like."))
    assert (answer.status_code, answer["Location"]) == (302, reverse("sessions_app:today"))
    assert form_url(rating) not in text_of(ada, "sessions_app:today")


def test_therapist_says_who_brought_it_up_and_what_was_said_and_later_what_came_of_it(service, ada, rating):
    answer = ada.post(form_url(rating), form(answer="I asked what slower would look like."))
    assert answer["Location"] == reverse("sessions_app:session", args=[rating.session_id]) + f"#comment-{rating.pk}"
    page = text_of(ada, "sessions_app:session", rating.session_id)
    assert "you brought it up" in page and "I asked what slower would look like." in page and "Follow up" in page
    sent = form(answer="I asked.", followed_up_on=TODAY(), outcome="We start with a minute of silence.", version=2)
    assert ada.post(form_url(rating), sent).status_code == 302
    saved = CommentFollowUp.objects.get()
    assert (saved.answer, saved.outcome, saved.version) == ("I asked.", "We start with a minute of silence.", 3)
    assert (saved.discussed_on, saved.followed_up_on) == (TODAY(), TODAY())
    assert "We start with a minute of silence." in text_of(ada, "sessions_app:session", rating.session_id)
    fields = [event.fields for event in AuditEvent.objects.filter(action="comment.followed-up").order_by("happened_at")]
    assert fields == [["answer", "discussed_on", "raised_by"], ["answer", "followed_up_on", "outcome"]]


def test_supervisor_reads_what_became_of_it(ada, ruth, rating):
    talk_about(rating, "client", answer="I asked what slower would look like.")
    page = text_of(ruth, "sessions_app:session", rating.session_id)
    assert "Rowan brought it up" in page and "I asked what slower would look like." in page
    assert form_url(rating) not in page


def test_comment_with_nothing_to_talk_about_is_closed_without_a_day(ada, rating):
    assert ada.post(form_url(rating), form(raised_by="nobody")).status_code == 302
    saved = CommentFollowUp.objects.get()
    assert (saved.raised_by, saved.discussed_on, saved.is_open) == ("nobody", None, False)
    assert "Nothing in it to talk about." in text_of(ada, "sessions_app:session", rating.session_id)


LONG_AGO = timezone.localdate() - timedelta(days=4_000)
NOT_YET = timezone.localdate() + timedelta(days=2)  # tomorrow may be reached while the tests run


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"raised_by": ""}, "raised_by"),
        ({"raised_by": "the cat"}, "raised_by"),
        ({"discussed_on": ""}, "discussed_on"),
        ({"discussed_on": "soon"}, "discussed_on"),
        ({"discussed_on": NOT_YET}, "discussed_on"),
        ({"discussed_on": LONG_AGO}, "discussed_on"),
        ({"followed_up_on": LONG_AGO}, "followed_up_on"),
        ({"followed_up_on": NOT_YET}, "followed_up_on"),
        ({"outcome": "Better."}, "followed_up_on"),
        ({"raised_by": "nobody", "outcome": "Better."}, "raised_by"),
        ({"answer": "word " * 401}, "answer"),
    ],
)
def test_what_can_not_be_is_refused_beside_its_field_and_nothing_typed_is_lost(ada, rating, values, field):
    page = ada.post(form_url(rating), {**form(answer="kept"), **values})
    assert page.status_code == 422 and list(page.context["form"].errors) == [field]
    assert values.get("answer", "kept") in page.content.decode()
    assert not CommentFollowUp.objects.exclude(raised_by="").exists()


def test_form_sent_twice_is_no_conflict(ada, rating):
    sent = form()
    assert [ada.post(form_url(rating), sent).status_code for _ in range(2)] == [302, 302]
    assert CommentFollowUp.objects.get().version == 2


def test_two_tabs_show_both_and_saving_again_works(ada, rating):
    assert ada.post(form_url(rating), form(answer="from the first")).status_code == 302
    conflict = ada.post(form_url(rating), form(answer="from the second"))
    page = conflict.content.decode()
    assert conflict.status_code == 409 and "from the first" in page and "from the second" in page
    offered = conflict.context["form"]
    again = {name: offered[name].value() for name in offered.fields}
    again = {name: "" if value is None else value for name, value in again.items()}
    assert ada.post(form_url(rating), again).status_code == 302
    assert CommentFollowUp.objects.get().answer == "from the second"


def test_only_the_therapist_of_the_episode_says_what_became_of_a_comment(service, rating):
    for person in (service.tom, service.ruth, service.sam):
        with pytest.raises(PermissionDenied):
            deliver_comments(ratings=[rating], by=person)
        with pytest.raises(PermissionDenied):
            follow_up_comment(rating=rating, version=1, raised_by="client", discussed_on=TODAY(), by=person)


# --- "Please don't raise this yet" ------------------------------------------------------------------------------


def test_held_back_comment_is_read_by_the_therapist_on_the_sessions_page_and_prepared_nowhere(service, ada, held_back):
    about = held_back.session
    episode_page = text_of(ada, "dashboards:episode", about.episode_id)
    assert SHOWN not in episode_page and "asked you not to raise it yet" in episode_page
    today = text_of(ada, "sessions_app:today")
    assert SHOWN not in today and form_url(held_back) not in today
    page = text_of(ada, "sessions_app:session", about.pk)
    assert SHOWN in page and "asked not to raise this yet" in page
    printed = page.partition(f'id="comment-{held_back.pk}"')[0].rpartition("<")[2]
    assert "no-print" in printed
    assert comments_to_raise(service.ada, [about.episode]) == []
    assert "asked you not to raise it yet" not in text_of(ada, "dashboards:episode", about.episode_id), "read by now"


def test_supervisor_is_told_that_there_is_one(service, ruth, held_back):
    for page, about in (
        ("sessions_app:session", held_back.session_id),
        ("dashboards:episode", held_back.session.episode_id),
    ):
        assert SHOWN not in text_of(ruth, page, about)
    assert "asked Ada Okafor not to raise it yet" in text_of(ruth, "sessions_app:session", held_back.session_id)
    told = comment_for(service.ruth, held_back)
    assert (told.text, told.is_held_back, told.follow_up) == ("", True, None)
    assert comments_to_raise(service.ruth, [held_back.session.episode]) == []


@pytest.mark.parametrize(("raised_by", "is_lifted"), [("client", True), ("therapist", False), ("nobody", False)])
def test_the_wish_ends_when_the_client_has_brought_it_up_and_not_otherwise(
    service, ruth, held_back, raised_by, is_lifted
):
    follow_up = talk_about(held_back, raised_by)
    held_back = Rating.objects.get(pk=held_back.pk)
    assert follow_up.raised_by == raised_by
    raised = [comment.text for comment in comments_to_raise(service.ruth, [held_back.session.episode])]
    assert raised == ([WORDS] if is_lifted else [])
    assert (SHOWN in text_of(ruth, "sessions_app:session", held_back.session_id)) == is_lifted
    assert (SHOWN in text_of(ruth, "dashboards:episode", held_back.session.episode_id)) == is_lifted


def test_form_says_when_the_wish_ends(ada, held_back):
    page = ada.get(form_url(held_back)).content.decode()
    assert "Rowan asked you not to raise this yet. That ends once Rowan has brought it up." in page


@pytest.mark.parametrize(("answer", "is_held_back"), [(0, True), (1, False)])
def test_an_answer_that_tells_of_a_risk_overrides_the_wish(service, session, answer, is_held_back):
    answers = dict.fromkeys(range(1, 9), 1) | {9: answer}
    terms = {"instrument": "phq-9", "rater": "client", "comment": WORDS, "do_not_raise": True, "by": None}
    rating = measures.record_rating(session=session, answers=answers, **terms)
    for person in (service.ada, service.ruth):
        assert comment_for(person, rating).is_held_back == is_held_back
        assert bool(comments_to_raise(person, [session.episode])) != is_held_back


def test_client_is_told_who_reads_the_words_then(session):
    request, token = factories.make_request(session)
    browser = factories.Browser()
    browser.get(reverse("measures:link", args=[token]))
    page = browser.get(reverse("measures:rate", args=[request.pk])).content.decode()
    assert "Then only <bdi>Ada Okafor</bdi> reads your words, and waits until you bring it up." in page


# --- Which comments ---------------------------------------------------------------------------------------------


def test_comments_come_latest_first_and_only_of_those_one_may_see(service, episode):
    first, second = factories.make_session(episode), factories.make_session(episode)
    for session, words in ((first, "first"), (second, "second")):
        factories.make_comment(session, words)
    factories.make_comment(factories.make_session(episode), "")
    assert [comment.text for comment in comments_of(service.ada, [episode])] == ["second", "first"]
    assert comments_of(service.tom, [episode]) == []
    talk_about(Rating.objects.get(comment="second"))
    open_ones = comments_to_raise(service.ada, Episode.objects.all(), undiscussed=True)
    assert [comment.text for comment in open_ones] == ["first"]


def test_today_needs_the_same_few_queries_for_many_comments(ada, episode):
    for number in range(15):
        factories.make_comment(factories.make_session(episode), f"comment {number}", do_not_raise=number % 2 == 0)
    queries = factories.queries_of(ada, reverse("sessions_app:today"))
    assert len(queries) <= factories.MOST_QUERIES, queries


def test_nothing_else_looks_at_the_words_of_a_comment():
    """Whoever shows one is told by `measures.comments` what this reader may know."""
    looking = {
        name
        for name in modules()
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute) and node.attr in {"comment", "do_not_raise"} and "urls" not in name
    }
    assert looking == {"measures.comments", "measures.models"}
    templates = {
        path.name
        for path in (ROOT / "templates").rglob("*.html")
        if re.search(r"rating\.(comment|do_not_raise)\b", path.read_text())
    }
    assert templates == {"pack_summary.html"}, "what is handed out to the client holds the client's own words"


def test_days_that_can_not_be_are_refused_by_the_action_too(service, rating):
    deliver_comments(ratings=[rating], by=service.ada)
    with pytest.raises(ValidationError):
        follow_up_comment(rating=rating, version=1, raised_by="client", discussed_on=None, by=service.ada)
