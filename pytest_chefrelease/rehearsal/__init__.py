"""The embedded ChefCloud: a whole product on loopback, with faults it can be told to have.

What enters here starts, serves, breaks or walks that product. Nothing here verifies: the
walk runs the gate as any user does, by ``python -m pytest -m STAGE``.
"""
