"""What a series of scores supports, one method a module: values in, a frozen dataclass out.

Every method returns None, or a field that is None, where the series is too short; the lengths are in `minimum_n`.
"""

import math
from collections.abc import Sequence


def finite(values: Sequence[float]) -> tuple[float, ...]:
    """The values as floats; raises ValueError when one is not a finite number."""
    checked = tuple(float(value) for value in values)
    if not all(math.isfinite(value) for value in checked):
        raise ValueError("every value must be a finite number")
    return checked
