"""Writes a release.toml and a CI workflow that already fit the repository they are for.

``looks`` read the repository and suggest settings, each with where it came from; nothing that
exists is ever overwritten.
"""
