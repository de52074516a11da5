"""The tests of the ledger's own items; what they do is in release_checks.py."""

from pytest_chefrelease.plugin import verification

test_ledger_balanced = verification("ledger.balanced")
test_ledger_schema = verification("ledger.schema")
