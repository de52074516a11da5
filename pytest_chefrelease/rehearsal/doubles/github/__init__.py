"""GitHub's REST API (version 2022-11-28), as far as a release gate reads it."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.doubles.github.site import build

__all__ = ["build"]
