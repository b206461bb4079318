"""Token buckets."""

from __future__ import annotations

from relay.limits import RateTable, TokenBucket


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=10, burst=3)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(at) for at in (0.1, 0.15, 0.2, 10.0)] == [True, False, True, True]


def test_the_table_forgets_the_oldest() -> None:
    table = RateTable(rate=1, burst=1, size=2)
    assert [table.take(key, 0.0) for key in ("a", "b", "a", "c", "b")] == [True, True, False, True, True]
    assert len(table) == 2
