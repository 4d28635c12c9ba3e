"""No cell of a file that people open with a spreadsheet is taken for a formula, whatever was typed."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.cells import harmless

PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")
STARTS = {"=", "+", "-", "@", "|"}


def is_blank(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "CZ"


def starts_a_formula(cell: str) -> bool:
    """After controls, spaces and NFKC, as a spreadsheet that is most willing would read it."""
    shown = unicodedata.normalize("NFKC", cell)
    for sign in shown:
        if sign in {"\t", "\r", "\n"}:
            return True
        if not is_blank(sign):
            return sign in STARTS
    return False


@given(
    st.one_of(
        st.text(max_size=20),
        st.text(alphabet=" \t\r\n\x00\x0b\u00a0\u200b\u2028\ufeff=＝+＋-－@＠|｜⩵'\"1,.aé²", max_size=8),
    )
)
@example("\u2028=1+1")
@example("+²")
@example("--1")
@example("\x00\t=cmd")
def test_no_cell_starts_a_formula_unless_it_is_a_plain_number(text):
    cell = harmless(text)
    assert PLAIN_NUMBER.fullmatch(cell) or not starts_a_formula(cell)
    assert cell in (text, f"'{text}"), "nothing else is changed"


@pytest.mark.parametrize("cell", ["-1.5", "+3", "1,277", "-2e-05", "R-0417", "Rowan", "", "a = b", "é"])
def test_what_no_spreadsheet_would_calculate_stays_as_it_is(cell):
    assert harmless(cell) == cell


@pytest.mark.parametrize("cell", ["=1", " =1", "＝1", "@SUM(A1)", "-2+3", "|calc", "\t1", "--1", "+²", "-"])
def test_what_one_would_calculate_begins_with_an_apostrophe(cell):
    assert harmless(cell) == f"'{cell}"
