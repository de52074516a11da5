"""Backups of a database: where they are kept, what each says of itself, and what it holds.

A new place to keep them is one module and one line in ``choose``.
"""
