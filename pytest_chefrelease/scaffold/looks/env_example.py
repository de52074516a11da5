"""What .env.example names: the secrets that production must have. Values are not looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_chefrelease.scaffold.suggestion import Suggestion, TomlValue
from pytest_chefrelease.scaffold.work_tree import WorkTree

_FILES = (".env.example", ".env.sample", ".env.template", ".env.dist", "example.env")
_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=", re.MULTILINE)
_PUBLIC = re.compile(r"(NEXT_PUBLIC|VITE|REACT_APP|PUBLIC)_|.*_PUBLIC_KEY|.*_KEY_ID")
_SIGNING = re.compile(r"(JWT|SESSION|COOKIE|SIGNING|AUTH|WEBHOOK|WH|NEXTAUTH|APP)_?(SECRET|KEY)\w*")
_CONNECTION = re.compile(r"\w*(DATABASE|POSTGRES|PG|MYSQL|MONGO|REDIS|AMQP|DB)\w*_UR[LI]")
_DSN = re.compile(r"\w*_DSN")
_TOKEN = re.compile(r"\w*(SECRET|TOKEN|PASSWORD|API_KEY|PRIVATE_KEY|ACCESS_KEY)\w*")


def suggestions(tree: WorkTree) -> Iterator[Suggestion]:
    """The file is the authority: it replaces ChefCloud's five secrets by its own."""
    for path in tree.matching(*_FILES):
        text = tree.text(path)
        rules = {found[1]: rule for found in _LINE.finditer(text) if (rule := rule_for(found[1]))}
        if not rules:
            continue
        yield Suggestion(("secrets",), "defaults", value=False, source=f"{path} names its own")
        for name, rule in rules.items():
            line = text.count("\n", 0, text.index(name)) + 1
            yield Suggestion(("secrets", "required"), name, rule, f"{path}:{line}")


def rule_for(name: str) -> dict[str, TomlValue] | None:
    """What a secret of that name must be; None for a variable that is none."""
    if _PUBLIC.fullmatch(name) or name.startswith("NEXT_PUBLIC_"):
        return None
    if _CONNECTION.fullmatch(name):
        return {"kind": "connection"}
    if _DSN.fullmatch(name):
        return {"kind": "dsn"}
    if _SIGNING.fullmatch(name):
        rule: dict[str, TomlValue] = {"kind": "signing", "min_length": 32}
        return {**rule, "rotate": "90d"} if name.startswith("JWT") else rule
    return {"kind": "token"} if _TOKEN.fullmatch(name) else None
