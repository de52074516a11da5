"""Shards cover the whole, each check once, and a gap has a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.runbook.shard import Shard, gaps, twice


@given(st.integers(1, 12), st.integers(0, 200))
def test_every_position_is_taken_by_exactly_one_shard(total: int, position: int) -> None:
    takers = [n for n in range(1, total + 1) if Shard(n, total).takes(position)]
    assert len(takers) == 1


@pytest.mark.parametrize(
    ("text", "number", "total"), [("2/5", 2, 5), (" 1/1 ", 1, 1), ("5/5", 5, 5)]
)
def test_a_part_is_read_as_it_is_written(text: str, number: int, total: int) -> None:
    assert Shard.parse(text) == Shard(number, total)
    assert str(Shard.parse(text)) == text.strip()


@pytest.mark.parametrize("text", ["", "2", "0/5", "6/5", "1/0", "a/b", "1/2/3", "-1/5"])
def test_what_is_no_part_of_a_whole_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 2/5"):
        Shard.parse(text)


def test_gaps_and_doubles_are_named() -> None:
    here = [Shard(1, 4), Shard(3, 4), Shard(3, 4)]
    assert gaps(here) == ("shard 2 of 4", "shard 4 of 4")
    assert twice(here) == (Shard(3, 4),)
    assert gaps([Shard(1, 1)]) == ()
    assert gaps([Shard(2, 2)]) == ("shard 1 of 2",)
    assert "2 and 3" in gaps([Shard(1, 2), Shard(2, 3)])[0]
