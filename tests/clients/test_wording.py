import pytest

from clients.wording import VAGUE, question_about, strain_in_words, strain_question, vague_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Feel better", "better"),
        ("I want to be more confident at work", "more confident"),
        ("Improving my sleep", "Improving"),
        ("less  stressed in the evening", "less stressed"),
        ("Work on my anger", "Work on"),
        ("Coping with mornings", "Coping"),
    ],
)
def test_vague_goal_is_asked_how_both_would_notice(text, words):
    assert vague_words(text) == words
    question = question_about(text, is_measured=False)
    assert question.startswith(f"“{words}”") and "How would you both notice?" in question


@pytest.mark.parametrize(
    "text",
    [
        "Attend a small gathering without panic",
        "50 % fewer panic attacks, and feel better",
        "Call my sister on Sundays",
        "A letterbox at the door",
        "",
    ],
)
def test_goal_that_says_what_would_be_seen_is_not_questioned(text):
    assert question_about(text, is_measured=False) == ""


@pytest.mark.parametrize("text", [f"I want to {words}." for words in VAGUE])
def test_every_pattern_asks_until_there_is_a_measure(text):
    assert question_about(text, is_measured=False)
    assert not question_about(text, is_measured=True)


def test_task_that_was_not_done_is_a_possible_strain_with_a_question():
    words = strain_in_words("Ask a colleague", "session 6")
    assert words.startswith("“Ask a colleague” was not done by session 6. A possible strain in the task component")
    assert strain_question(is_reason_known=False) != strain_question(is_reason_known=True)
