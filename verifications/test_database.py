"""The database: connections to spare, nobody stuck, and no leak."""

from pytest_chefrelease.plugin import verification

test_database_connections = verification("database.connections")
