"""Strictness of this project's own tests: a warning is an error."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Turn warnings into errors here, and not in the gate, which shares the ini options."""
    config.addinivalue_line("filterwarnings", "error")
