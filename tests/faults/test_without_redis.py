import pytest

pytestmark = pytest.mark.stack


def test_every_page_and_save_works_without_a_broker_and_the_backlog_drains(carry_out):
    output, is_kept = carry_out("without-redis")
    assert is_kept, output
