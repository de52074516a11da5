"""The wheel, and an environment that holds nothing but it and what it brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.install.environment import Environment, build_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    return Environment.make(tmp_path_factory.mktemp("bare") / "venv", wheel)
