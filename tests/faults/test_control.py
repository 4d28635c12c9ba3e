import pytest

pytestmark = pytest.mark.stack


def test_without_the_outbox_and_with_early_acknowledgement_the_harness_sees_losses(carry_out):
    output, has_lost_both = carry_out("control")
    assert has_lost_both, output
    assert "is lost" in output or "half a write" in output
    assert "are older than its ratings" in output
