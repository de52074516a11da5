"""The project's own conftest: the verifications need nothing from it, tests have theirs."""
