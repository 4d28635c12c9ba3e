"""The supervision pack as a PDF: read back, and held against the pack's page and its points."""

import html
import re
from xml.etree import ElementTree

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import AuditEvent
from clients.models import Episode
from ruptures.models import Rupture
from supervision import printed, shape
from supervision.selectors.pack import pack_of
from tests import factories
from tests.dashboards.reading import check_form, check_is_vectors, report_at, squeezed, text_of
from tests.supervision.test_pages import SECRET, episode

pytestmark = pytest.mark.django_db
MOST_QUERIES = 15
SVG = "{http://www.w3.org/2000/svg}"
__all__ = ["episode"]
# What only a page has: what can be pressed, what is for print alone, what is read aloud, and its own words of itself.
NOT_ON_PAPER = r'<svg.*?</svg>|<(\w+)[^>]*class="[^"]*(?:no-print|print-only|visually-hidden|badge)[^"]*".*?</\1>'


def address(episode):
    return reverse("supervision:pack-report", args=[episode.pk])


def text(browser, episode):
    return text_of(report_at(browser, address(episode)))


@pytest.fixture
def ruth(service, browser_of):
    return browser_of(service.ruth)


def test_what_the_page_says_the_pack_says(ruth, episode):
    factories.make_comment(factories.make_session(episode), "It felt rushed.")
    told = text(ruth, episode)
    page = ruth.get(reverse("supervision:pack", args=[episode.pk])).content.decode()
    main = re.sub(NOT_ON_PAPER, "", page.partition('<div class="pack stack">')[2].partition("</main>")[0], flags=re.S)
    said = [
        squeezed(html.unescape(strip_tags(one)))
        for one in re.findall(r"<(?:p|h2|h3|li|tr)\b.*?</(?:p|h2|h3|li|tr)>", main, re.S)
    ]
    assert len(said) > 20
    for one in said:
        assert one.replace("onthispage", "inthisreport") in told or one.startswith("BySession"), one


def test_the_numbers_of_the_v_are_those_of_its_points(service, ruth, episode):
    pack, told = pack_of(service.ruth, Episode.objects.get(pk=episode.pk)), text(ruth, episode)
    assert len(pack.shape.points) == 7
    for point in pack.shape.points:
        low, high = point.expected or (0, 0)
        expected = f"{low:.1f} to {high:.1f}" if point.expected else "not yet"
        assert squeezed(f"{point.session}{point.value:.1f}{expected}{point.words}") in told


def test_the_v_is_drawn_from_the_points_of_the_page(service, episode):
    found = pack_of(service.ruth, Episode.objects.get(pk=episode.pk)).shape
    drawn = ElementTree.fromstring(printed.v_drawing(found, "bond"))
    (run,) = [one.get("points").split() for one in drawn.iter(f"{SVG}polyline")]
    for corner, point in zip(run, found.points, strict=True):
        x, y = map(float, corner.split(","))
        share = (point.value - found.low) / (found.high - found.low)
        foot = printed.down(shape.HEIGHT - shape.BOTTOM)
        assert (x, y) == pytest.approx((point.x, foot - share * (foot - printed.down(shape.TOP))), abs=0.1)
    labels = [one.text for one in drawn.iter(f"{SVG}text")]
    assert [f"{point.value:.1f}" for point in found.points] == [one for one in labels if "." in one]


def test_the_v_has_no_line_over_a_session_without_a_score():
    values = {1: 8.0, 2: 7.0, 3: None, 4: 2.0, 5: 8.0}
    found = shape.shape(values, {}, span=(0, 10), sessions=list(values), fell=4, tried={4, 5}, back=5)
    drawn = ElementTree.fromstring(printed.v_drawing(found, "task"))
    assert len(list(drawn.iter(f"{SVG}polyline"))) == 2
    assert len(list(drawn.iter(f"{SVG}polygon"))) == 4 + 3, "a square for each score, ▼ once and ◆ twice"
    assert len(list(drawn.iter(f"{SVG}circle"))) == 1


def test_of_many_sessions_only_where_it_begins_fell_came_back_and_ends_has_a_number():
    values = dict.fromkeys(range(1, 31), 5.0) | {1: 8.0, 5: 2.0, 20: 8.0, 30: 9.0}
    found = shape.shape(values, {}, span=(0, 10), sessions=list(values), fell=5, tried={6, 7}, back=20)
    drawn = ElementTree.fromstring(printed.v_drawing(found, "goal"))
    assert [one.text for one in drawn.iter(f"{SVG}text") if "." in one.text] == ["8.0", "2.0", "8.0", "9.0"]


def test_whatever_was_written_of_it_is_in_the_pack_to_its_last_word(ruth, episode, monkeypatch):
    monkeypatch.setattr(printed, "MOST_BESIDE", 3)
    factories.make_comment(factories.make_session(episode), "It felt rushed. " * 100)
    rupture = Rupture.objects.get(session__episode=episode)
    rupture.what_happened = "\n".join(f"I hurried, {number}." for number in range(90))
    rupture.save()
    reader = report_at(ruth, address(episode))
    words = text_of(reader)
    assert len(reader.pages) > 2
    assert all(squeezed(f"I hurried, {number}.") in words for number in range(90))
    assert words.count(squeezed("It felt rushed.")) == 100 and squeezed("Three questions") in words


def test_it_is_tagged_titled_dated_and_says_who_asked_on_every_page(service, ruth, episode):
    reader = report_at(ruth, address(episode))
    check_is_vectors(reader)
    today = service.organisation.today
    check_form(
        reader,
        title="Supervision pack, R-0417",
        on_each=(
            "Confidential, for supervision · Client R-0417",
            service.organisation.name,
            f"Made for {service.ruth.name} on {today:%-d %B %Y}",
        ),
    )


def test_it_knows_the_client_by_code_and_holds_no_process_note(ruth, browser_of, service, episode):
    for browser in (ruth, browser_of(service.ada)):
        told = text(browser, episode)
        assert "R-0417" in told and "Rowan" not in told and squeezed(SECRET) not in told


def test_it_holds_the_clients_words_that_may_be_shared_and_no_others(ruth, episode):
    factories.make_comment(factories.make_session(episode), "It felt rushed.")
    factories.make_comment(factories.make_session(episode), "Not yet, please.", do_not_raise=True)
    told = text(ruth, episode)
    assert squeezed("“It felt rushed.”session 10") in told and squeezed("Not yet, please.") not in told


def test_without_ratings_or_a_rupture_it_says_so(service, ruth):
    told = text(ruth, factories.make_episode(service.ada, code="N-1"))
    for said in ("No rupture is on record.", "No rating of it by the client yet.", "Nothing that may be shared."):
        assert squeezed(said) in told
    assert squeezed("What was tried") not in told


def test_of_a_possible_rupture_it_asks_what_nobody_has_said_yet(service, ruth):
    signal = factories.make_signal(factories.make_episode(service.ada, code="S-1"))
    told = text(ruth, signal.session.episode)
    for said in ("Possible rupture, session 7", "What points to it", "What did you do, miss or misjudge"):
        assert squeezed(said) in told


def test_it_says_that_a_risk_answer_waits(service, ruth, episode):
    factories.make_risk_answer(factories.make_session(episode))
    assert squeezed(printed.RISK_WAITS) in text(ruth, episode)


def test_that_it_was_made_is_on_record(service, ruth, episode):
    text(ruth, episode)
    event = AuditEvent.objects.get(action="supervision-pack.made")
    assert (event.person, event.client_id, event.object_id) == (service.ruth, episode.client_id, episode.pk)


@pytest.mark.parametrize(("who", "status"), [("tom", 404), ("otto", 404), ("sam", 403), ("nils", 403)])
def test_it_is_nobody_elses_business(service, browser_of, episode, who, status):
    assert browser_of(getattr(service, who)).get(address(episode)).status_code == status
    assert not AuditEvent.objects.filter(action="supervision-pack.made").exists()


def test_it_needs_few_queries_however_much_is_in_it(ruth, episode):
    sessions = list(episode.sessions.order_by("number"))
    few = len(factories.queries_of(ruth, address(episode)))
    for session in sessions[1:5]:
        factories.make_attempt(factories.make_rupture(session), session)
    assert len(factories.queries_of(ruth, address(episode))) == few <= MOST_QUERIES
