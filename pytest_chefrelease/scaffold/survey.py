"""All that a repository suggests."""

from __future__ import annotations

from pytest_chefrelease.scaffold.looks import (
    env_example,
    existing_ci,
    git_remote,
    node,
    product,
    provider_files,
)
from pytest_chefrelease.scaffold.suggestion import Suggestion, first_of_each
from pytest_chefrelease.scaffold.work_tree import WorkTree

_LOOKS = (git_remote, provider_files, node, env_example, existing_ci)


def survey(tree: WorkTree) -> tuple[Suggestion, ...]:
    """One suggestion per key; what is known comes before what is only an example."""
    found = [each for look in _LOOKS for each in look.suggestions(tree)]
    found += list(product.suggestions(tree, found))
    return first_of_each(sorted(found, key=lambda each: each.is_example))
