"""What clients and therapists are asked in: words that ship, words a service recorded, and none."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from jobs.organisation import acting_in
from measures import actions, instruments, wordings
from measures.actions import service as chosen
from measures.models import InstrumentUse, Licence, Rating, RatingRequest, Wording
from tests import factories

pytestmark = pytest.mark.django_db
WAI = instruments.edition("wai-sr", "client")


def events(action: str) -> list[list[str]]:
    return list(AuditEvent.objects.filter(action=action).values_list("fields", flat=True))


# --- The two that a client's form asks


def test_words_that_ship_are_there_for_everybody(service):
    assert wordings.languages_of("session-check-in")[0] == "en"
    assert wordings.for_clients("session-check-in")["en"] == instruments.edition("session-check-in", "client")


def test_without_words_there_is_no_language_and_nothing_to_ask(service):
    assert wordings.languages_of("wai-sr") == ()
    assert wordings.for_clients("wai-sr") == {}


def test_recorded_words_stand_in_the_items_and_the_key_stays(service):
    wording = factories.make_wording(service, language="de", introduction="Zur letzten Sitzung.", notice="© A.")
    asked = wordings.for_clients("wai-sr")["de"]
    assert (asked.item(12).text, asked.item(12).low, asked.item(12).high) == ("Question 12 in de", "seldom", "always")
    assert (asked.language, asked.introduction, asked.notice) == ("de", "Zur letzten Sitzung.", "© A.")
    assert asked.wording == str(wording.pk)
    assert (asked.key, asked.scales, asked.item(5).scale) == (WAI.key, WAI.scales, "bond")


def test_recorded_languages_come_by_their_names(service):
    factories.make_wording(service, language="nl")
    factories.make_wording(service, language="de")
    assert wordings.languages_of("wai-sr") == ("nl", "de"), "by name: Dutch, German"


def test_recorded_languages_come_after_those_that_ship(service):
    factories.make_wording(service, "session-check-in", language="fi")
    assert wordings.languages_of("session-check-in")[0] == "en"
    assert wordings.languages_of("session-check-in")[-1] == "fi"


def test_what_is_off_is_asked_in_no_language(service):
    factories.make_wording(service)
    chosen.switch_instrument(instrument="wai-sr", is_on=False, by=service.sam)
    assert wordings.languages_of("wai-sr") == ()
    assert wordings.for_clients("wai-sr") == {}
    chosen.switch_instrument(instrument="wai-sr", is_on=True, by=service.sam)
    assert wordings.languages_of("wai-sr") == ("en",)


@pytest.mark.parametrize("code", ["nothing", "wai-srt", ""])
def test_what_clients_do_not_rate_with_has_no_language(service, code):
    assert wordings.languages_of(code) == ()


def test_the_words_of_another_service_are_not_ours(service, other_service):
    with acting_in(other_service.organisation.pk):
        factories.make_wording(other_service)
        assert wordings.languages_of("wai-sr") == ("en",)
    assert wordings.languages_of("wai-sr") == ()


def test_a_therapist_is_asked_in_words_where_there_are_some_and_by_number_elsewhere(service):
    assert not wordings.therapist_edition("wai-srt").has_wording
    factories.make_wording(service, "wai-srt", "therapist")
    assert wordings.therapist_edition("wai-srt").item(1).text == "Question 1 in en"


def test_the_words_of_one_rater_are_not_those_of_another(service):
    factories.make_wording(service, "wai-36", "therapist")
    assert wordings.languages_of("wai-36") == ()


def test_words_for_an_edition_that_is_no_longer_in_use_are_not_shown(service):
    factories.make_wording(service, edition=replace(WAI, version="0"))
    assert wordings.languages_of("wai-sr") == () and not wordings.codes_in_words({"wai-sr"})


# --- Recording


def test_other_words_are_another_version_and_the_earlier_ones_stay(service):
    first = factories.make_wording(service)
    second = factories.make_wording(service, items=[[f"Better {n}", "", ""] for n in range(1, 13)])
    first.refresh_from_db()
    assert (first.version, second.version) == (1, 2)
    assert (first.items[0][0], first.ended_by) == ("Question 1 in en", service.sam)
    assert wordings.for_clients("wai-sr")["en"].item(1).text == "Better 1"
    assert events("wording.recorded") == [["client", "en", "wai-sr"]] * 2


def test_a_rating_keeps_the_words_it_was_made_with(service):
    first = factories.make_wording(service)
    session = factories.make_session(factories.make_episode(service.ada))
    request, token = factories.make_request(session, "wai-sr")
    factories.make_wording(service, items=[[f"Better {n}", "", ""] for n in range(1, 13)])
    answers = dict.fromkeys(range(1, 13), 4.0)
    actions.redeem_request(request_id=request.pk, token=token, key=uuid.uuid4(), answers=answers, wording_id=first.pk)
    rating = Rating.objects.select_related("wording").get()
    assert rating.wording == first
    assert wordings.edition_of(rating, WAI).item(1).text == "Question 1 in en"


def test_a_form_that_names_words_of_something_else_keeps_none(service):
    other = factories.make_wording(service, "phq-9")
    request, token = factories.make_request(factories.make_session(factories.make_episode(service.ada)))
    actions.redeem_request(request_id=request.pk, token=token, key=uuid.uuid4(), answers={1: 5.0}, wording_id=other.pk)
    assert Rating.objects.get().wording is None


def test_withdrawn_words_are_shown_to_nobody_and_their_links_stop(service):
    wording = factories.make_wording(service)
    request, _token = factories.make_request(factories.make_session(factories.make_episode(service.ada)), "wai-sr")
    for _ in range(2):
        chosen.end_wording(wording=wording, by=service.sam)
    request.refresh_from_db()
    assert wordings.languages_of("wai-sr") == () and request.revoked_by == service.sam
    assert events("wording.ended") == [["client", "en", "wai-sr"]], "the second time nothing is left to end"


def test_while_words_in_another_language_are_there_links_go_on(service):
    german = factories.make_wording(service, language="de")
    factories.make_wording(service, language="en")
    request, _token = factories.make_request(factories.make_session(factories.make_episode(service.ada)), "wai-sr")
    chosen.end_wording(wording=german, by=service.sam)
    request.refresh_from_db()
    assert request.is_open


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"language": "xx"}, "language"),
        ({"language": ""}, "language"),
        ({"items": [["One", "", ""]]}, "text"),
        ({"items": [["", "", ""]] * 12}, "text"),
        ({"items": [["One", ""]] * 12}, "text"),
        ({"edition": instruments.edition("wai-36", "observer"), "items": [["One", "", ""]] * 36}, "language"),
        ({"notice": "n" * 201}, "notice"),
    ],
)
def test_words_that_do_not_fit_are_refused_by_field(service, more, field):
    if "edition" in more:
        more = {**more, "licence": factories.make_licence(service, "wai-36")}
    with pytest.raises(ValidationError) as refused:
        factories.make_wording(service, **more)
    assert list(refused.value.message_dict) == [field]
    assert not Wording.objects.exists()


def test_words_that_ship_are_not_replaced(service):
    with pytest.raises(ValidationError, match="ship with the program"):
        factories.make_wording(service, "session-check-in", language="en")


def test_words_need_a_licence_for_their_own_instrument(service):
    with pytest.raises(ValidationError, match="for another instrument"):
        factories.make_wording(service, licence=factories.make_licence(service, "phq-9"))


@pytest.mark.parametrize("who", ["ada", "ruth", "nils"])
def test_only_an_administrator_settles_what_the_service_rates_with(service, who):
    wording = factories.make_wording(service)
    by = getattr(service, who)
    today = timezone.localdate()
    for deed in (
        lambda: chosen.record_licence(instrument="wai-sr", statement="x", dated_on=today, name="x", by=by),
        lambda: chosen.switch_instrument(instrument="wai-sr", is_on=False, by=by),
        lambda: chosen.end_wording(wording=wording, by=by),
        lambda: chosen.add_entry(entry=factories.Entry("phq-9", "client", factories.Rhythm.EVERY), by=by),
    ):
        with pytest.raises(PermissionDenied):
            deed()


# --- Licences, on and off


@pytest.mark.parametrize("code", ["srs", "ors"])
def test_what_needs_a_licence_stays_off_until_one_is_recorded(service, code):
    assert not InstrumentUse.objects.exists()
    with pytest.raises(ValidationError, match="stays off until a licence is recorded"):
        chosen.switch_instrument(instrument=code, is_on=True, by=service.sam)
    factories.make_licence(service, code)
    chosen.switch_instrument(instrument=code, is_on=True, by=service.sam)
    assert InstrumentUse.objects.get().is_on
    assert events("instrument.switched-on") == [[code]]


def test_a_licence_alone_switches_nothing_on(service):
    factories.make_licence(service, "srs")
    factories.make_wording(service, "srs")
    assert wordings.languages_of("srs") == ()


def test_switching_twice_changes_one_row(service):
    for is_on in (False, False, True):
        chosen.switch_instrument(instrument="wai-sr", is_on=is_on, by=service.sam)
    assert [use.is_on for use in InstrumentUse.objects.all()] == [True]


def test_switched_off_its_open_links_stop_and_others_go_on(service):
    factories.make_wording(service)
    session = factories.make_session(factories.make_episode(service.ada))
    stops, _token = factories.make_request(session, "wai-sr")
    stays, _token = factories.make_request(session)
    chosen.switch_instrument(instrument="wai-sr", is_on=False, by=service.sam)
    open_now = {request.pk for request in RatingRequest.objects.all() if request.is_open}
    assert open_now == {stays.pk} and stops.pk not in open_now
    assert AuditEvent.objects.get(action="link.revoked").client_id == session.episode.client_id


def test_the_same_licence_again_is_the_one_that_is_there(service):
    first = factories.make_licence(service)
    assert factories.make_licence(service) == first
    assert Licence.objects.count() == 1


def test_a_licence_of_tomorrow_is_refused(service):
    tomorrow = timezone.localdate() + timedelta(days=1)
    with pytest.raises(ValidationError) as refused:
        chosen.record_licence(instrument="srs", statement="x", dated_on=tomorrow, name="x", by=service.sam)
    assert list(refused.value.message_dict) == ["dated_on"]


def test_a_client_is_not_asked_without_words(service):
    session = factories.make_session(factories.make_episode(service.ada))
    with pytest.raises(ValidationError, match="wording is not recorded"):
        actions.request_rating(session=session, instrument="phq-9", by=service.ada)


# --- On the client's page


def test_a_client_reads_the_recorded_words_with_nothing_in_them_run(service, browser_of):
    items = [[f"<b>Question</b> {n} <script>alert(1)</script>", "<i>low", "high&"] for n in range(1, 13)]
    more = {"introduction": "<u>Think</u> of it.", "notice": "© <b>A</b>", "language": "de"}
    wording = factories.make_wording(service, items=items, **more)
    request, token = factories.make_request(factories.make_session(factories.make_episode(service.ada)), "wai-sr")
    phone = browser_of()
    page = phone.get(reverse("measures:link", args=[token]), follow=True).content.decode()
    assert "&lt;b&gt;Question&lt;/b&gt; 12 &lt;script&gt;alert(1)" in page
    assert "<b>Question" not in page and "<script>alert" not in page and "<i>low" not in page
    assert "&lt;u&gt;Think&lt;/u&gt; of it." in page and "© &lt;b&gt;A" in page and 'lang="de"' in page
    assert f'value="{wording.pk}"' in page and "12 Fragen" in page and "etwa 2 Minuten" in page
    sent = {"submission": str(uuid.uuid4()), "wording": str(wording.pk), "item-1": "5"}
    assert phone.post(reverse("measures:rate", args=[request.pk]), sent).status_code == 302
    assert Rating.objects.get().wording == wording


def test_a_form_whose_words_were_withdrawn_meanwhile_is_explained_kindly(service, browser_of):
    wording = factories.make_wording(service)
    request, token = factories.make_request(factories.make_session(factories.make_episode(service.ada)), "wai-sr")
    phone = browser_of()
    phone.get(reverse("measures:link", args=[token]))
    chosen.end_wording(wording=wording, by=service.sam)
    sent = phone.post(reverse("measures:rate", args=[request.pk]), {"submission": str(uuid.uuid4()), "item-1": "5"})
    assert sent.status_code == 404 and "Nothing is wrong on your side." in sent.content.decode()
    assert not Rating.objects.exists()
