"""Whether the product is laid out like ChefCloud, whose endpoints and variables are defaults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from pytest_chefrelease.scaffold.suggestion import Suggestion, TomlValue
from pytest_chefrelease.scaffold.work_tree import WorkTree
from pytest_chefrelease.settings.model import PreflightRule

_CHEFCLOUD = ("services/api/", "apps/web/", "packages/db/")
_OTHERWISE = "the defaults are ChefCloud's; add yours"


def is_chefcloud(tree: WorkTree) -> bool:
    """Whether all of its folders are there."""
    return all(any(path.startswith(folder) for path in tree.paths) for folder in _CHEFCLOUD)


def suggestions(tree: WorkTree, found: Sequence[Suggestion]) -> Iterator[Suggestion]:
    """For another product: no default that speaks of ChefCloud's endpoints or variables."""
    if is_chefcloud(tree):
        return
    health = next((str(each.value) for each in found if each.key == "health"), "/health")
    endpoint: TomlValue = {"get": health, "status": 200}
    yield _neutral("secrets", "defaults", value=False)
    yield _neutral("smoke", "endpoints", [endpoint])
    rules: list[TomlValue] = [rule for rule in get_args(PreflightRule) if rule != "auth-guard"]
    why = 'add "auth-guard" when protected_paths names guarded ones of yours'
    yield _neutral("preflight", "rules", rules, why)
    for key in ("header_paths", "cors_paths"):
        yield _neutral("preflight", key, [health], "the health endpoint")
    yield _neutral("environment_matrix", "defaults", value=False)
    if "package.json" in tree.paths:
        yield Suggestion(("env",), "NODE_ENV", "production", "package.json: it runs on Node")
    if not any(each.path == ("routes", "paths") for each in found):
        yield _neutral("routes", "paths", ["/"])
        yield _neutral("routes", "protected", [], "those that need a login")


def _neutral(table: str, key: str, value: TomlValue, source: str = _OTHERWISE) -> Suggestion:
    return Suggestion((table,), key, value, source, is_found=False)
