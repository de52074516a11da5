"""Migrations as squawk's parser and linter read them: what each statement is, and what is found."""
