"""What Node's files say: commands of package.json, Prisma's folder, Next.js' pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from pytest_chefrelease.scaffold.suggestion import Suggestion
from pytest_chefrelease.scaffold.work_tree import WorkTree

_LOCKS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lockb": "bun", "bun.lock": "bun"}
_VERIFYING = re.compile(r"(verify|check):[\w:.-]+")
_USUAL = re.compile(r"(lint|build|typecheck|type-check|test)(:\w+)?")
_NAME = re.compile(r"[\w.-]+")
_DATASOURCE = re.compile(r"\burl\s*=\s*env\(\s*\"(\w+)\"\s*\)")
_PAGE = re.compile(r"(?:.*/)?(?:src/)?(?:app/(.*/)?page|pages/(.+))\.(?:tsx|jsx|ts|js)")
_NOT_PAGES = re.compile(r"(^|/)(_|api/|404|500)|\[|\(\.|@")
_MOST_ROUTES = 5
_BEHIND_LOGIN = ("/dashboard", "/orders", "/inventory", "/account", "/settings", "/admin")


def suggestions(tree: WorkTree) -> Iterator[Suggestion]:
    """Nothing where there is no package.json and no Prisma."""
    yield from _commands(tree)
    yield from _prisma(tree)
    yield from _routes(tree)
    yield from _sentry(tree)


def _commands(tree: WorkTree) -> Iterator[Suggestion]:
    """Scripts that only verify are set; the usual ones need installed packages: examples."""
    scripts = tree.json("package.json").get("scripts")
    runner = _runner(tree)
    for name in scripts if isinstance(scripts, dict) else ():
        key = name.partition(":")[2].replace(":", "-") if _VERIFYING.fullmatch(name) else name
        is_usual = bool(_USUAL.fullmatch(name))
        if (is_usual or _VERIFYING.fullmatch(name)) and _NAME.fullmatch(key.replace(":", "-")):
            source = f"package.json, scripts.{name}"
            key = key.replace(":", "-")
            yield Suggestion(("ci", "commands"), key, f"{runner} {name}", source, is_usual)


def _runner(tree: WorkTree) -> str:
    declared = str(tree.json("package.json").get("packageManager", "")).partition("@")[0]
    locked = next((program for lock, program in _LOCKS.items() if lock in tree.paths), "npm")
    program = declared if declared in ("npm", *_LOCKS.values()) else locked
    return program if program in ("pnpm", "yarn") else f"{program} run"


def _prisma(tree: WorkTree) -> Iterator[Suggestion]:
    locks = tree.matching("migration_lock.toml")
    schemas = tree.matching("schema.prisma")
    folders = [str(PurePosixPath(path).parent) for path in locks]
    folders += [f"{PurePosixPath(path).parent}/migrations" for path in schemas]
    for folder, path in zip(folders, [*locks, *schemas], strict=True):
        yield Suggestion(("migrations",), "directory", folder, path)
    for path in schemas:
        named = _DATASOURCE.search(tree.text(path))
        if named:
            table, source = ("environments", "production"), f"{path}, its datasource"
            yield Suggestion(table, "database_env", named[1], source)


def _routes(tree: WorkTree) -> Iterator[Suggestion]:
    found = {route: path for path in tree.paths if (route := _route(path)) is not None}
    if "/" not in found:
        return
    best = ["/", *(each for each in ("/login", *_BEHIND_LOGIN) if each in found)]
    best += [route for route in sorted(found, key=lambda r: (r.count("/"), r)) if route not in best]
    paths = best[:_MOST_ROUTES]
    folder = PurePosixPath(found["/"]).parent
    yield Suggestion(("routes",), "paths", list(paths), f"pages below {folder}/; the top five")
    guarded = [path for path in paths if path in _BEHIND_LOGIN]
    source = "those that need a login, by their names"
    yield Suggestion(("routes",), "protected", list(guarded), source)
    if "/login" not in paths:
        yield Suggestion(("routes",), "login_path", "/sign-in", "no page /login", is_example=True)


def _route(path: str) -> str | None:
    """The address of a page whose path has no parameters; None for anything else."""
    page = _PAGE.fullmatch(path)
    if page is None:
        return None
    inside = (page[1] or "").rstrip("/") if page[2] is None else page[2]
    parts = [part for part in inside.split("/") if part and not re.fullmatch(r"\(\w[\w-]*\)", part)]
    if page[2] is not None and parts and parts[-1] == "index":
        parts.pop()
    route = "/".join(parts)
    return None if _NOT_PAGES.search(route) else f"/{route}"


def _sentry(tree: WorkTree) -> Iterator[Suggestion]:
    for path in tree.matching("package.json"):
        if '"@sentry/' in tree.text(path):
            source = f"{path} uses @sentry"
            for key in ("organization", "project"):
                yield Suggestion(("sentry",), key, f"your-{key}", source, is_example=True)
            return
