"""Who runs the application: one Protocol, one provider per module; one client per vendor's API.

Each reads what is deployed and what was before. A new provider is a module with a class that
fulfils ``Provider``, and a line in ``choose``.
"""
