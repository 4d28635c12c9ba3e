import pytest

from tests.faults.faults import FAULTS

pytestmark = pytest.mark.stack


def test_what_was_acknowledged_is_there_once_whole_and_right_whatever_dies(carry_out):
    output, is_kept = carry_out("rounds")
    assert is_kept, output
    assert all(name in output for name in FAULTS), "a fault had no round"
