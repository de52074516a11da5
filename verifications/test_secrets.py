"""Secrets Checklist: present, strong, rotated, distinct, and exposed nowhere."""

from pytest_chefrelease.plugin import verification

test_secrets_present = verification("secrets.present")
test_secrets_strength = verification("secrets.strength")
test_secrets_distinct = verification("secrets.distinct")
test_secrets_not_in_repository = verification("secrets.not-in-repository")
test_secrets_no_credentials_in_release = verification("secrets.no-credentials-in-release")
test_secrets_not_in_blueprint = verification("secrets.not-in-blueprint")
test_secrets_not_served = verification("secrets.not-served")
test_secrets_rotation = verification("secrets.rotation")
test_secrets_jwt_rotation = verification("secrets.jwt-rotation")
test_secrets_old_is_dead = verification("secrets.old-is-dead")
