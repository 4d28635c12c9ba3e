"""Columns as statistics programs want them: a code is a number with a label, and of several choices each has a column.

A code keeps its number from export to export: it is its place in the vocabulary, to which new codes are added at the
end (a test holds the numbers that have gone out).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .tables import SEVERAL, WHOLE, YES_NO, Column

NO_YES = {"0": "no", "1": "yes"}
Read = Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Variable:
    """A column of the file, whose codes are numbers; where its value stands in a row, and how it is read from there."""

    column: Column
    position: int
    numbers: Mapping[str, str]
    option: str = ""

    @property
    def reads(self) -> Read:
        """From a row, as it stands in the CSV, to the cell of this column; empty where the value is missing."""
        position, numbers, option = self.position, self.numbers, self.option
        if option:
            return lambda row: "1" if option in row[position].split(SEVERAL) else "0"
        if numbers:
            return lambda row: numbers[row[position]]
        return lambda row: row[position]


def variables(columns: Iterable[Column]) -> list[Variable]:
    """In the order of the columns."""
    return [variable for position, column in enumerate(columns) for variable in variables_of(column, position)]


def variables_of(column: Column, position: int) -> list[Variable]:
    if column.is_several:
        return [
            Variable(
                replace(
                    column,
                    name=f"{column.name}_{code.replace('-', '_')}",
                    words=f"{column.several_words}: {words}",
                    kind=YES_NO,
                    codes=NO_YES,
                    empty="",
                    is_several=False,
                ),
                position,
                numbers={},
                option=code,
            )
            for code, words in column.codes.items()
        ]
    if column.codes:
        numbered = {code: str(number) for number, code in enumerate(column.codes, start=1)}
        labels = {numbered[code]: words for code, words in column.codes.items()}
        return [Variable(replace(column, kind=WHOLE, codes=labels), position, {**numbered, "": ""})]
    return [Variable(replace(column, codes=NO_YES) if column.kind == YES_NO else column, position, {})]
