"""Strictness of this project's own tests: a warning is an error."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# A busy machine is no finding: properties are judged by what they hold, not by their pace.
settings.register_profile(
    "unhurried", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Turn warnings into errors here, and not in the gate, which shares the ini options."""
    config.addinivalue_line("filterwarnings", "error")
