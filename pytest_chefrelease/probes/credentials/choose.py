"""Chooses the best detector that is here."""

from __future__ import annotations

from pytest_chefrelease.probes.credentials.detect_secrets_library import DetectSecrets
from pytest_chefrelease.probes.credentials.detector import Detector
from pytest_chefrelease.probes.credentials.gitleaks import find_gitleaks


def choose_detector() -> Detector:
    """Gitleaks where it is on PATH, else the library. Raises MissingExtra without both."""
    return find_gitleaks() or DetectSecrets()
