"""The wording of a questionnaire as people paste it and keep it in files."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.instruments import edition
from measures.instruments.words import UnreadableFile, lines_of_file, read_wording
from measures.languages import LANGUAGES, choices, name_of

GAD = edition("gad-7", "client")
SEVEN = [f"Sentence {number}." for number in range(1, 8)]


def pasted(*lines: str, **ends: str):
    return read_wording("\n".join(lines), GAD, **ends)


def words(found):
    return [(line.text, line.low, line.high) for line in found.lines]


# --- What fits


def test_one_line_an_item_fits():
    found = pasted(*SEVEN)
    assert found.fits and words(found) == [(line, "", "") for line in SEVEN]


@pytest.mark.parametrize("between", [" | ", "\t"])
def test_a_line_may_say_the_words_at_both_ends(between):
    found = pasted(*(between.join([line, "not at all", "always"]) for line in SEVEN))
    assert found.fits and words(found)[6] == ("Sentence 7.", "not at all", "always")


def test_ends_given_once_hold_for_every_line_without_its_own():
    found = pasted("Sentence 1. | never | daily", *SEVEN[1:], low=" seldom ", high="often")
    assert found.fits
    assert words(found)[:2] == [("Sentence 1.", "never", "daily"), ("Sentence 2.", "seldom", "often")]


def test_empty_lines_and_spaces_around_lines_are_nothing():
    assert words(pasted("", "  Sentence 1.  ", "", *SEVEN[1:], "\r")) == words(pasted(*SEVEN))
    assert read_wording("\r\n".join(SEVEN), GAD).fits


@pytest.mark.parametrize("sign", [".", ")", ":", "", ".\t"])
def test_the_numbers_of_the_items_are_taken_off_where_every_line_has_its_own(sign):
    found = pasted(*(f"{number}{sign} {line}" for number, line in enumerate(SEVEN, start=1)))
    assert found.fits and words(found) == words(pasted(*SEVEN))
    assert found.notes == ("The numbers at the beginning of the lines were taken off.",)


def test_a_number_that_is_part_of_a_sentence_stays():
    lines = ["1 of my aims is clear.", *SEVEN[1:]]
    found = pasted(*lines)
    assert found.lines[0].text == "1 of my aims is clear." and not found.notes


def test_a_bar_without_spaces_around_it_is_part_of_the_sentence():
    assert pasted("Either|or.", *SEVEN[1:]).lines[0].text == "Either|or."


# --- What does not, each beside its line


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Sentence. | never", "one end only"),
        ("Sentence. |  | often", "one end only"),
        ("Sentence. | never | often | always", "more than a text and two ends"),
        ("| never | often", "no text"),
        ("Sentence\x07.", "cannot be shown"),
        ("S" * 401, "too long"),
        (f"Sentence. | {'n' * 81} | often", "too long"),
        ("Sentence 2.", "same as line 1"),
    ],
)
def test_a_line_that_cannot_be_taken_says_why(line, problem):
    found = pasted("Sentence 2." if "same" in problem else "Sentence 1.", line, *SEVEN[2:])
    assert not found.fits and not found.problems
    assert [line.number for line in found.lines if line.problems] == [2]
    assert problem in found.lines[1].problems[0]


def test_a_line_too_few_is_said_of_the_whole_and_shown_where_it_is_missing():
    found = pasted(*SEVEN[:5])
    assert found.problems == ("There are 5 lines; the questionnaire has 7 items, one line for each.",)
    assert [line.number for line in found.lines if line.problems] == [6, 7]
    assert len(found.lines) == 7


def test_a_line_too_many_is_named():
    found = pasted(*SEVEN, "One more.")
    assert found.problems == ("There are 8 lines; the questionnaire has 7 items, one line for each.",)
    assert found.lines[7].problems == ("is one too many.",)


def test_one_line_for_one_item_is_said_in_the_singular():
    one = edition("ending-satisfaction", "client")
    found = read_wording("A.\nB.", one)
    assert found.problems == ("There are 2 lines; the questionnaire has 1 item, one line for each.",)


sentences = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="|"), min_size=1, max_size=40
).filter(lambda text: not re.match(r"\d", text) and text.strip() == text)


@given(st.lists(sentences, min_size=7, max_size=7, unique=True), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_seven_different_sentences_are_read_as_they_stand(lines, end):
    found = read_wording(end.join(lines), GAD)
    assert found.fits and [line.text for line in found.lines] == lines


@given(st.text(max_size=300))
def test_any_text_is_answered_with_a_line_for_each_item_and_never_with_an_error(text):
    found = read_wording(text, GAD)
    assert len(found.lines) >= 7
    assert found.fits == (not found.problems and not any(line.problems for line in found.lines))


# --- Files


def read(content: bytes, name: str):
    text, _notes = lines_of_file(content, name)
    return read_wording(text, GAD)


CSV_ROWS = [f'"Sentence {number}, and so on",never,daily' for number in range(1, 8)]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(CSV_ROWS),
        "\n".join(["Text,Low,High", *CSV_ROWS]),
        "\n".join(["nr,item,lowest,highest", *(f"{number},{row}" for number, row in enumerate(CSV_ROWS, start=1))]),
        "\n".join(row.replace('",', '";').replace("never,", "never;") for row in CSV_ROWS),
        "\n".join(row.replace('",', '"\t').replace("never,", "never\t") for row in CSV_ROWS),
    ],
    ids=["comma", "headings", "numbers", "semicolon", "tab"],
)
def test_a_csv_is_read_whatever_stands_between_its_cells(content):
    found = read(content.encode(), "words.csv")
    assert found.fits, found
    assert words(found)[0] == ("Sentence 1, and so on", "never", "daily")


def test_a_text_file_is_read_as_it_would_be_pasted():
    found = read("\n".join(SEVEN).encode(), "words.txt")
    assert found.fits and words(found) == words(pasted(*SEVEN))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_keeps_its_accents_in_every_encoding_that_people_have(encoding):
    lines = "\n".join(["Ça va très bien.", *SEVEN[1:]])
    text, notes = lines_of_file(lines.encode(encoding), "words.txt")
    assert text.splitlines()[0] == "Ça va très bien."
    assert bool(notes) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "Copy its cells and paste them"),
        (b"%PDF-1.7 rest", "This is a PDF"),
        (b"a\x00b", "not a text file"),
        (b" \n", "empty"),
        (b"", "empty"),
        (b"a" * 200_001, "more than 200 kB"),
    ],
)
def test_a_file_that_holds_no_wording_says_what_to_do(content, words):
    with pytest.raises(UnreadableFile, match=words):
        lines_of_file(content, "words.txt")


def test_a_csv_with_an_endless_quotation_is_refused():
    with pytest.raises(UnreadableFile, match="quotation mark"):
        lines_of_file(b'"' + b"a" * 150_000, "words.csv")


# --- Languages


def test_languages_are_written_as_the_web_writes_them():
    assert all(re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", code) for code in LANGUAGES)
    assert len({name for name, _own in LANGUAGES.values()}) == len(LANGUAGES)


def test_languages_are_offered_by_name_with_english_first():
    assert choices()[0] == ("en", "English")
    names = [name for _code, name in choices()[1:]]
    assert names == sorted(names) and "German (Deutsch)" in names
    assert (name_of("de"), name_of("xx")) == ("German", "xx")
