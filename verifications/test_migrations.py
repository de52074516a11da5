"""Migrations: the database's schema is the one that the release was written for."""

from pytest_chefrelease.plugin import verification

test_migrations_status = verification("migrations.status")
