"""Where production reads its secrets: one Protocol, one store per module, chosen by ``choose``.

A new store is a module with a class that fulfils ``SecretStore``, and a line in ``choose``.
"""
