"""One cell at a time: text into a number or a day, or a sentence about what it must be."""

import re
from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from datetime import date, timedelta

from measures.instruments import TOTAL
from measures.scoring import AnswerProblem, check_answers
from reports.mapping.definition import Mapping, edition_of

_MOST_REMEMBERED = 50_000
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?", re.ASCII)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ].*)?", re.ASCII)
_DATE = re.compile(
    r"([0-9]{1,4})([-/.])([0-9]{1,2})\2([0-9]{1,4})(?:[T ]+[0-9]{1,2}:[0-9:.]+(?:Z| ?[AP]M)?)?", re.ASCII
)
_YEARS = range(1900, 2101)

Cell = str | None
# The number, None where it is missing, and what is wrong with the cell.
Checked = tuple[float | None, str | None]
Read = Callable[[Cell], Checked]


class Refused(ValueError):
    """A cell that cannot be taken; the message says what it must be."""


@dataclass(frozen=True)
class Readings:
    """How a mapping reads numbers. What a cell comes to is remembered by its text: answers repeat all the time."""

    mapping: Mapping
    is_workbook: bool

    def items(self, instrument: str, rater: str, values: ReadOnly[str, float]) -> Read:
        """An answer of this edition."""
        edition = edition_of(instrument, rater)

        def checked(value: float) -> float:
            if edition is None:
                return value
            try:
                answer = check_answers(edition, {1: value})[1]
            except AnswerProblem as error:
                raise Refused(f"{next(iter(error.problems.values()))}. Correct the cell.") from None
            assert answer is not None
            return answer

        return self._remembering(values, checked)

    def total(self, instrument: str, rater: str, scale: str, values: ReadOnly[str, float]) -> Read:
        """A score of this scale, within its range."""
        edition = edition_of(instrument, rater)
        if edition is not None:
            low, high = edition.score_range(scale)
        else:
            own = next(measure for measure in self.mapping.own_measures if measure.code == instrument)
            low, high = own.low, own.high

        def checked(value: float) -> float:
            if not low <= value <= high:
                name = instrument if scale == TOTAL else f"{scale} of {instrument}"
                raise Refused(f"must be between {low:g} and {high:g}, the range of {name}. Correct the cell.")
            return value

        return self._remembering(values, checked)

    def plain(self) -> Read:
        """Any number."""
        return self._remembering({}, lambda value: value)

    def _remembering(self, values: ReadOnly[str, float], check: Callable[[float], float]) -> Read:
        known: dict[Cell, Checked] = {None: (None, None)}
        words = {word.casefold(): number for word, number in values.items()}
        codes = {code.casefold() for code in self.mapping.missing}
        numbers = {float(code) for code in codes if _NUMBER.fullmatch(code)}

        def read(cell: Cell) -> Checked:
            if cell in known:
                return known[cell]
            text = (cell or "").strip()
            answer: Checked
            try:
                if not text or text.casefold() in codes:
                    answer = None, None
                else:
                    value = words.get(text.casefold())
                    value = self._number(text, bool(words)) if value is None else value
                    answer = (None, None) if value in numbers else (check(value), None)
            except Refused as error:
                answer = None, str(error)
            if len(known) > _MOST_REMEMBERED:
                known.clear()
            known[cell] = answer
            return answer

        return read

    def _number(self, text: str, has_words: bool) -> float:
        plain = text
        if self.mapping.decimal_comma and not self.is_workbook:
            if "." in text:
                raise Refused("has a point, and the mapping says that decimals have a comma. Correct one of them.")
            plain = text.replace(",", ".", 1)
        if _NUMBER.fullmatch(plain):
            return float(plain)
        if _NUMBER.fullmatch(text.replace(",", ".", 1)):
            raise Refused("has a decimal comma. If all numbers have, say so (decimal_comma = true in a mapping).")
        if text.startswith("#"):
            raise Refused("is an error of the spreadsheet. Correct its formula, or clear the cell.")
        also = " or one of the words that stand for numbers" if has_words else ""
        raise Refused(f"must be a number{also}. Correct it, or say what it stands for: a missing value, or a number.")


def day(text: str, order: str, is_workbook: bool) -> date:
    """The date in a cell, by the stated order only. Workbooks bring their own dates as ISO text."""
    iso = _ISO.fullmatch(text)
    if iso and (is_workbook or order == "ymd"):
        return _checked_day(int(iso[1]), int(iso[2]), int(iso[3]), text)
    if order == "excel-serial":
        if not _NUMBER.fullmatch(text) or not 61 <= float(text) < 100_000:
            raise Refused("must be a date as Excel's number of days, such as 45292. State another order if it is not.")
        return date(1899, 12, 30) + timedelta(days=int(float(text)))
    shape = {"ymd": "year, month, day, as in 2024-03-05", "dmy": "day, month, year, as in 5.3.2024"}
    wanted = shape.get(order, "month, day, year, as in 3/5/2024")
    parts = _DATE.fullmatch(text)
    if parts is None:
        if order == "ymd" and re.fullmatch(r"[0-9]{8}", text, re.ASCII):
            return _checked_day(int(text[:4]), int(text[4:6]), int(text[6:]), text)
        if re.fullmatch(r"[0-9]{5}(\.[0-9]+)?", text, re.ASCII):
            raise Refused("looks like Excel's number of days. State that order (excel-serial), or format it as a date.")
        raise Refused(f"must be a date: {wanted}.")
    numbers = {letter: parts[place] for letter, place in zip(order, (1, 3, 4), strict=True)}
    if len(numbers["y"]) != 4 or len(numbers["d"]) > 2:
        raise Refused(f"must be {wanted}, with four digits for the year. State another order if it is not.")
    return _checked_day(int(numbers["y"]), int(numbers["m"]), int(numbers["d"]), text)


def _checked_day(year: int, month: int, day: int, text: str) -> date:
    if year not in _YEARS:
        raise Refused(f"must be in a year from {_YEARS[0]} to {_YEARS[-1]}. Correct the cell.")
    try:
        return date(year, month, day)
    except ValueError:
        raise Refused(f"there is no day {day} in month {month} of {year}. Is the order of the date right?") from None
