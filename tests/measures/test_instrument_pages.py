"""The pages on which a service settles what it rates with."""

import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from measures import schedule, wordings
from measures.battery import DEFAULT, Entry, Rhythm
from measures.models import BatteryOverride, InstrumentUse, Licence, Wording
from tests import factories

pytestmark = pytest.mark.django_db

TWELVE = [f"Sentence {number}." for number in range(1, 13)]


@pytest.fixture
def admin(service, browser_of):
    return browser_of(service.sam)


@pytest.fixture
def therapist(service, browser_of):
    return browser_of(service.ada)


def licence(**values: str) -> dict[str, str]:
    stated = {"statement": "By letter.", "dated_on": f"{timezone.localdate()}", "name": "Sam Pereira"}
    return {"submission": str(uuid.uuid4()), **stated, **values}


# --- The list and one instrument


def test_list_says_what_is_on_in_which_words_and_when(service, admin):
    factories.make_wording(service, language="de")
    page = admin.get(reverse("measures:instrument-list")).content.decode()
    rows = {row.split("</a>")[0].split(">")[-1]: row for row in page.split("<tr>")[2:]}
    assert "on" in rows["CORE-10"] and "by number" in rows["CORE-10"]
    assert "needs a licence" in rows["Session Rating Scale"]
    assert "German" in rows["Working Alliance Inventory, short revised"]
    assert "English" in rows["Session check-in"] and "every session" in rows["Session check-in"]


def test_list_and_page_ask_the_same_number_of_queries_whatever_was_recorded(service, admin):
    pages = [reverse("measures:instrument-list"), reverse("measures:instrument", args=["wai-sr"])]

    def count() -> list[int]:
        return [len(factories.queries_of(admin, page)) for page in pages]

    few = count()
    for language in ("de", "fr", "nl"):
        factories.make_wording(service, language=language)
    factories.make_import(service)
    assert count() == few and max(few) <= factories.MOST_QUERIES


def test_page_tells_the_key_in_words_with_sources_and_licence(admin):
    page = admin.get(reverse("measures:instrument", args=["wai-sr"])).content.decode()
    assert "The sum of items 4, 6, 8 and 11: 4 to 20, higher is better." in page
    assert "Starting value, not a norm" in page and "Copyright A. O. Horvath" in page
    assert "An answer above 0 to item 9 is one to act on." in " ".join(
        admin.get(reverse("measures:instrument", args=["phq-9"])).content.decode().split()
    )


def test_page_of_a_measure_of_the_services_own_has_no_words_to_add(service, admin):
    factories.make_import(service)
    page = admin.get(reverse("measures:instrument", args=["mood"])).content.decode()
    assert "known by its total alone" in page and "Add words" not in page
    assert admin.get(reverse("measures:wording-create", args=["mood"])).status_code == 404


@pytest.mark.parametrize("route", ["instrument", "wording-create"])
def test_an_instrument_there_is_none_of_is_not_there(admin, route):
    assert admin.get(reverse(f"measures:{route}", args=["nothing"])).status_code == 404


def test_what_needs_a_licence_is_switched_on_after_one_is_recorded(admin):
    page, switch = reverse("measures:instrument", args=["srs"]), reverse("measures:instrument-switch", args=["srs"])
    assert "Record a licence to switch it on" in admin.get(page).content.decode()
    refused = admin.post(switch, {"is_on": "1"}, follow=True).content.decode()
    assert "stays off until a licence is recorded" in refused and not InstrumentUse.objects.exists()
    recorded = admin.post(reverse("measures:licence-record", args=["srs"]), licence(), follow=True).content.decode()
    assert "By letter." in recorded and "Switch on" in recorded
    assert "Session Rating Scale is on." in admin.post(switch, {"is_on": "1"}, follow=True).content.decode()
    assert "Switch off" in admin.post(switch, {"is_on": "1"}, follow=True).content.decode()


def test_a_licence_sent_twice_is_one(admin):
    sent = licence()
    for _ in range(2):
        assert admin.post(reverse("measures:licence-record", args=["srs"]), sent).status_code == 302
    assert Licence.objects.count() == 1


@pytest.mark.parametrize("field", ["statement", "dated_on", "name"])
def test_a_licence_without_one_of_its_three_is_refused_beside_it(admin, field):
    page = admin.post(reverse("measures:licence-record", args=["srs"]), licence(**{field: ""}))
    assert page.status_code == 422 and list(page.context["form"].errors) == [field]
    assert not Licence.objects.exists()


def test_the_licence_is_escaped(admin):
    admin.post(reverse("measures:licence-record", args=["srs"]), licence(statement="<script>alert(1)</script>"))
    page = admin.get(reverse("measures:instrument", args=["srs"])).content.decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page


# --- Words


def wording(**values) -> dict[str, object]:
    words = {"rater": "client", "language": "de", "text": "\n".join(TWELVE), "do": "preview"}
    return {**licence(), **words, **values}


def address(code: str = "wai-sr") -> str:
    return reverse("measures:wording-create", args=[code])


def save(admin, sent: dict[str, object]):
    """Look at it, then save what was looked at, as the page does."""
    looked = admin.post(address(), sent)
    return admin.post(address(), {**sent, "looked_at": looked.context["form"].stamp, "do": "save"})


def test_words_are_looked_at_before_they_are_saved(admin):
    looked = admin.post(address(), wording(low="seldom", high="always"))
    page = looked.content.decode()
    assert looked.status_code == 200 and "This is how it will be read" in page and "Save these words" in page
    assert page.count("seldom") >= 12 and not Wording.objects.exists()
    assert save(admin, wording(low="seldom", high="always")).status_code == 302
    saved = Wording.objects.get()
    assert saved.items[11] == ["Sentence 12.", "seldom", "always"]
    assert (saved.language, saved.licence.statement, saved.licence.name) == ("de", "By letter.", "Sam Pereira")
    assert wordings.for_clients("wai-sr")["de"].item(1).text == "Sentence 1."


def test_what_was_changed_after_looking_is_looked_at_again(admin):
    sent = wording()
    stamp = admin.post(address(), sent).context["form"].stamp
    changed = {**sent, "text": "\n".join(["Other.", *TWELVE[1:]]), "looked_at": stamp, "do": "save"}
    page = admin.post(address(), changed)
    assert "You changed it after looking." in page.content.decode() and "Other." in page.content.decode()
    assert not Wording.objects.exists()
    again = {**changed, "looked_at": page.context["form"].stamp}
    assert admin.post(address(), again).status_code == 302


def test_saved_twice_it_is_one_version(admin):
    sent = wording()
    stamp = admin.post(address(), sent).context["form"].stamp
    for _ in range(2):
        assert admin.post(address(), {**sent, "looked_at": stamp, "do": "save"}).status_code == 302
    assert Wording.objects.get().version == 1


def test_every_problem_stands_beside_its_line_and_nothing_typed_is_lost(admin):
    lines = ["Sentence 1. | never", *TWELVE[1:3], "Sentence 2.", *TWELVE[4:10]]
    page = admin.post(
        address(), wording(text="\n".join(lines), introduction="Think of it.", notice="© A", low="seldom")
    )
    assert page.status_code == 422 and not Wording.objects.exists()
    shown = page.content.decode()
    assert "There are 10 lines; the questionnaire has 12 items, one line for each." in shown
    assert "has the words of one end only." in shown and "says the same as line 2." in shown
    assert shown.count("has no line yet.") == 2
    assert list(page.context["form"].errors) == ["high", "text"]
    for typed in ("Sentence 1. | never", "Think of it.", "© A", 'value="seldom"', "By letter."):
        assert typed in shown
    assert "Save these words" not in shown


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n "}, "text"),
        ({"language": ""}, "language"),
        ({"language": "xx"}, "language"),
        ({"rater": "observer"}, "rater"),
        ({"rater": ""}, "rater"),
        ({"high": "h" * 81}, "high"),
        ({"statement": ""}, "statement"),
    ],
)
def test_a_mistake_is_refused_beside_its_field(admin, change, field):
    page = admin.post(address(), wording(**change))
    assert page.status_code == 422 and field in page.context["form"].errors
    assert not Wording.objects.exists()


def test_words_that_ship_cannot_be_pasted_over(admin):
    page = admin.post(address("session-check-in"), wording(language="en", text="\n".join(TWELVE[:6])))
    assert "These words ship with the program and stay as they are." in page.content.decode()


def test_words_with_markup_are_shown_as_they_are_written(admin):
    text = "\n".join(["<script>alert(1)</script>", "<b>bold</b> & more", *TWELVE[2:]])
    looked = admin.post(address(), wording(text=text)).content.decode()
    save(admin, wording(text=text))
    page = admin.get(reverse("measures:instrument", args=["wai-sr"])).content.decode()
    for shown in (looked, page):
        assert "&lt;script&gt;alert(1)" in shown and "&lt;b&gt;bold&lt;/b&gt; &amp; more" in shown
        assert "<script>alert" not in shown and "<b>bold" not in shown


def upload(content: str | bytes, name: str = "words.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def test_a_file_takes_the_place_of_what_was_pasted_and_can_be_mended_there(admin):
    csv = "text,low,high\n" + "\n".join(f'"{line}",seldom,always' for line in TWELVE[:11])
    page = admin.post(address(), wording(text="Typed before.", file=upload(csv, "words.csv")))
    assert page.status_code == 422 and "There are 11 lines" in page.content.decode()
    text = page.context["form"]["text"].value()
    assert text.splitlines()[0] == "Sentence 1.\tseldom\talways"
    assert save(admin, wording(text=text + "\nSentence 12.\tseldom\talways")).status_code == 302
    assert Wording.objects.get().items[10] == ["Sentence 11.", "seldom", "always"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04", "Copy its cells and paste them"), (b"%PDF-1.4", "This is a PDF"), (b"", "The file is empty")],
)
def test_a_file_that_holds_no_words_is_refused_and_what_was_pasted_stays(admin, content, words):
    page = admin.post(address(), wording(file=upload(content)))
    assert page.status_code == 422 and list(page.context["form"].errors) == ["file"]
    assert words in page.content.decode() and "Sentence 12." in page.content.decode()


def test_to_change_words_begins_with_those_that_are_there(service, admin):
    factories.make_wording(service, language="de", introduction="Think.", notice="© A")
    shown = admin.get(address() + "?rater=client&language=de").context["form"]
    assert shown["text"].value().splitlines()[0] == "Question 1 in de | seldom | always"
    assert [shown[name].value() for name in ("language", "introduction", "notice")] == ["de", "Think.", "© A"]
    assert shown["statement"].value() == "Permission for our service, by letter."


def test_earlier_words_can_be_read_and_those_in_force_withdrawn(service, admin):
    factories.make_wording(service, language="de")
    second = factories.make_wording(service, language="de", items=[[f"Besser {n}", "", ""] for n in range(1, 13)])
    page = reverse("measures:instrument", args=["wai-sr"])
    assert "Question 1 in de" in admin.get(page).content.decode()
    after = admin.post(reverse("measures:wording-end", args=[second.pk]), follow=True).content.decode()
    assert "The words in German are shown to nobody any more." in after and "Earlier words (2)" in after


# --- The battery


def battery_form(**values: str) -> dict[str, str]:
    return {"submission": str(uuid.uuid4()), "measure": "phq-9:client", "rhythm": "nth", "every": "4", **values}


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_battery_shows_its_lines_and_what_a_course_asks_for(service, admin):
    page = admin.post(reverse("measures:battery"), battery_form(), follow=True)
    assert "Added: Patient Health Questionnaire, 9 items, every 4th session." in text_of(page)
    said = text_of(page).partition("So this is asked")[2]
    phq = "Session check-in, Outcome check-in, Patient Health Questionnaire, 9 items"
    assert f"Session 1 Client: {phq} Therapist: Session check-in Sessions 2 to 4" in said
    between = "Sessions 2 to 4 Client: Session check-in, Outcome check-in Therapist: Session check-in"
    assert f"{between} Session 5 Client: {phq}" in said


def test_battery_says_what_the_last_session_asks_for_and_what_is_off(service, admin):
    admin.post(reverse("measures:battery"), battery_form(measure="ending-satisfaction:client", rhythm="ending"))
    admin.post(reverse("measures:battery"), battery_form(measure="arm-5:client", rhythm="every"))
    admin.post(reverse("measures:instrument-switch", args=["arm-5"]), {"is_on": "0"})
    page = text_of(admin.get(reverse("measures:battery")))
    assert "The last session, besides Client: Looking back" in page
    assert "Agnew Relationship Measure, 5 items off, so not asked" in page
    assert "Agnew" not in page.partition("So this is asked")[2]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"measure": ""}, "measure"),
        ({"measure": "srs:client"}, "measure"),
        ({"measure": "wai-36:observer"}, "measure"),
        ({"measure": "session-check-in:client", "rhythm": "every"}, "measure"),
        ({"rhythm": "never"}, "rhythm"),
        ({"every": ""}, "every"),
        ({"every": "1"}, "every"),
        ({"every": "27"}, "every"),
        ({"every": "four"}, "every"),
    ],
)
def test_a_line_that_cannot_be_added_is_refused_beside_its_field(admin, values, field):
    page = admin.post(reverse("measures:battery"), battery_form(**values))
    assert page.status_code == 422 and list(page.context["form"].errors) == [field]
    assert schedule.battery() == list(DEFAULT)


def test_n_is_left_aside_where_it_means_nothing(admin):
    admin.post(reverse("measures:battery"), battery_form(rhythm="ending", every="4"))
    assert schedule.battery()[-1] == Entry("phq-9", "client", Rhythm.ENDING)


def test_lines_are_moved_and_removed_by_their_buttons(admin):
    outcome = {"instrument": "outcome-check-in", "rater": "client", "rhythm": "every", "every": ""}
    admin.post(reverse("measures:battery-move"), outcome)
    assert schedule.battery()[0].instrument == "outcome-check-in"
    admin.post(reverse("measures:battery-remove"), outcome)
    assert [entry.instrument for entry in schedule.battery()] == ["session-check-in"] * 2
    lines = (
        text_of(admin.get(reverse("measures:battery"))).partition("The battery")[2].partition("Add to the battery")[0]
    )
    assert "Session check-in" in lines and "Outcome check-in" not in lines


@pytest.mark.parametrize("route", ["battery-move", "battery-remove"])
@pytest.mark.parametrize("sent", [{}, {"instrument": "x", "rater": "client", "rhythm": "weekly"}])
def test_a_button_that_names_no_line_finds_nothing(admin, route, sent):
    assert admin.post(reverse(f"measures:{route}"), sent).status_code == 404


# --- For one client


@pytest.fixture
def episode(service):
    return factories.make_episode(service.ada)


def test_a_therapist_adds_leaves_out_and_goes_back(therapist, episode):
    page = reverse("measures:episode-battery", args=[episode.pk])
    left_out = therapist.post(page, battery_form(measure="outcome-check-in:client", rhythm="never"), follow=True)
    assert "For Rowan: Outcome check-in, not at all." in text_of(left_out)
    assert "Outcome check-in for this client by Rowan, not at all" in text_of(left_out)
    added = therapist.post(page, battery_form(measure="gad-7:client", every="2"), follow=True)
    assert "Generalised Anxiety Disorder, 7 items for this client by Rowan, every 2nd session" in text_of(added)
    assert "Sessions 2" not in text_of(added) and "Session 2 Client: Session check-in Therapist" in text_of(added)
    override = BatteryOverride.objects.get(instrument="outcome-check-in")
    reset = therapist.post(reverse("measures:episode-battery-reset", args=[override.pk]), follow=True)
    assert "As in the service’s battery again." in text_of(reset)
    assert [entry.rhythm for entry in schedule.battery_of(episode)] == ["every", "every", "every", "nth"]


def test_a_line_is_left_out_by_one_button(therapist, episode):
    page = reverse("measures:episode-battery", args=[episode.pk])
    therapist.post(page, {"measure": "session-check-in:therapist", "rhythm": "never"})
    assert [entry.rater for entry in schedule.owed_next(episode, 1)] == ["client", "client"]


def test_episode_page_leads_to_what_is_rated(therapist, episode):
    page = therapist.get(reverse("dashboards:episode", args=[episode.pk])).content.decode()
    assert reverse("measures:episode-battery", args=[episode.pk]) in page


def test_a_mistake_in_a_clients_rhythm_is_refused_beside_its_field(therapist, episode):
    page = therapist.post(reverse("measures:episode-battery", args=[episode.pk]), battery_form(every="0"))
    assert page.status_code == 422 and list(page.context["form"].errors) == ["every"]
    assert not BatteryOverride.objects.exists()
