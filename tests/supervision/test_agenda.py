"""The order of an agenda, in values: risk, what was brought, then as on the caseload."""

import pytest

from dashboards.need import Reason
from supervision.agenda import Entry, in_order, waiting_in_words

RISK, SIGNAL = Reason("risk", "A risk answer waits to be acknowledged."), Reason("signal", "Possible rupture.")
ENGAGEMENT, MISSING = Reason("engagement", "Safe space: not yet."), Reason("missing", "2 without a rating.")


def rupture(days):
    return Reason("rupture", f"Open {days} days.", days)


def entry(code, *reasons, **more):
    return Entry(code=code, subject=None, reasons=reasons, **more)


def test_need_comes_before_code_and_what_is_brought_before_everything_but_risk():
    entries = [
        entry("A", ENGAGEMENT),
        entry("B", rupture(3)),
        entry("C", rupture(30)),
        entry("D", SIGNAL),
        entry("E", is_brought=True),
        entry("F", SIGNAL, is_brought=True),
        entry("G", RISK),
        entry("H", RISK, is_brought=True),
    ]
    assert [one.code for one in in_order(entries)] == ["G", "H", "E", "F", "D", "C", "B", "A"]


def test_the_order_in_which_entries_come_changes_nothing():
    entries = [entry("A", SIGNAL), entry("B", SIGNAL), entry("C", is_brought=True)]
    assert in_order(entries) == in_order(reversed(entries))


@pytest.mark.parametrize(
    ("reasons", "is_brought", "belongs"),
    [((), False, False), ((), True, True), ((MISSING,), False, False), ((MISSING, SIGNAL), False, True)],
)
def test_missing_ratings_alone_put_nobody_on_the_agenda(reasons, is_brought, belongs):
    one = entry("A", *reasons, is_brought=is_brought)
    assert one.belongs is belongs and (in_order([one]) == [one]) is belongs


@pytest.mark.parametrize(
    ("ago", "words"),
    [(None, ""), (0, "Talked about earlier today."), (1, "Last talked about 1 day ago."),
     (14, "Last talked about 14 days ago.")],
)  # fmt: skip
def test_when_it_was_talked_about_is_said_in_words(ago, words):
    assert entry("A", talked_days_ago=ago).last_talked == words


@pytest.mark.parametrize(
    ("count", "brought", "words"),
    [
        (0, 0, "Nothing on the agenda yet"),
        (1, 0, "1 client to talk about"),
        (5, 2, "5 clients to talk about, 2 of them brought"),
        (1, 1, "1 client to talk about, brought"),
    ],
)
def test_how_much_waits_is_said_in_words(count, brought, words):
    assert waiting_in_words(count, brought) == words
