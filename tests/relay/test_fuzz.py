"""Whatever bytes a peer sends: the kept corpus again, and new bytes around it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.relay.fuzzing import TARGETS, kept


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_read_or_refused(name: str) -> None:
    every = kept(name)
    assert len(every) >= 2
    for data in every:
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=25, deadline=None)
@given(choice=st.integers(0, 10_000), cut=st.integers(0, 1500), noise=st.binary(max_size=24))
def test_cut_and_altered_inputs_are_read_or_refused(name: str, choice: int, cut: int, noise: bytes) -> None:
    every = kept(name)
    data = every[choice % len(every)]
    TARGETS[name](data[:cut] + noise + data[cut + len(noise) :])


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=20, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    TARGETS[name](data)
