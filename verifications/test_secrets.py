"""Secrets Checklist: present, strong, rotated, distinct, and exposed nowhere."""

from pytest_chefrelease.plugin import verification

test_secrets_present = verification("secrets.present")
test_secrets_strength = verification("secrets.strength")
