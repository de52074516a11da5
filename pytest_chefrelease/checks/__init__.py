"""The checks: one module per room of the catalogue, each item declared beside its function.

To add an item: write a function with ``@check(Item(...))`` in the module named by the first
part of its id, one line in ``verifications/``, and one fault in ``rehearsal/``.
"""
