import pytest

pytestmark = pytest.mark.stack


def test_eight_writers_on_one_record_lose_nothing_and_are_shown_both_texts(carry_out):
    output, is_kept = carry_out("editors")
    assert is_kept, output
