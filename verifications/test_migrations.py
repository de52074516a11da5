"""Migrations: the database's schema is the one that the release was written for."""

from pytest_chefrelease.plugin import verification

test_migrations_status = verification("migrations.status")
test_migrations_tested_on_staging = verification("migrations.tested-on-staging")
test_migrations_safe = verification("migrations.safe")
test_migrations_rehearsed = verification("migrations.rehearsed")
test_migrations_from_scratch = verification("migrations.from-scratch")
test_migrations_idempotent = verification("migrations.idempotent")
