"""One embedded stack for all tests of a worker, put back as it was after each."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from pytest_chefrelease.rehearsal.stack import Stack


@pytest.fixture(scope="session")
def running_stack() -> Iterator[Stack]:
    with Stack() as stack:
        yield stack


@pytest.fixture
def stack(running_stack: Stack) -> Iterator[Stack]:
    """ChefCloud before its release."""
    yield running_stack
    running_stack.rewind()


@pytest.fixture
def released(stack: Stack) -> Stack:
    """ChefCloud after its release."""
    stack.release()
    return stack


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10, trust_env=False) as client:
        yield client
