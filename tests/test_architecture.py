"""The arrows of the architecture: who may import whom, read from the source with ast.

verifications → plugin → checks → (probes, runbook, settings). What a room may know is one line
of a table below; the modules are found on disk, so that a new one is held to its room's line.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "pytest_chefrelease"
SOURCES = (PACKAGE, "verifications", "tests", "benchmarks", "scripts")

# The rooms without pytest: each can be used from a script or a notebook.
PLAIN_ROOMS = ("checks", "probes", "runbook", "settings")

# Rooms of the package that a room never imports. A room that is not named here is free.
_ABOVE_CHECKS = {"plugin", "pytest_glue", "report", "rehearsal", "cli", "verifications"}
FORBIDDEN_ROOMS: dict[str, set[str]] = {
    "errors": _ABOVE_CHECKS | {"checks", "probes", "settings"},
    "runbook": _ABOVE_CHECKS | {"checks", "probes", "settings"},
    "settings": _ABOVE_CHECKS | {"checks", "probes"},
    "probes": _ABOVE_CHECKS | {"checks"},
    "checks": _ABOVE_CHECKS,
    "merge": {"plugin", "pytest_glue", "rehearsal", "cli", "verifications"},
    "attestation": {"plugin", "pytest_glue", "rehearsal", "cli", "verifications"},
    "report": {"plugin", "pytest_glue", "rehearsal", "cli", "verifications"},
    "plugin": {"rehearsal", "cli", "verifications"},
    "pytest_glue": {"rehearsal", "cli", "verifications"},
    "rehearsal": {"plugin", "pytest_glue", "verifications"},
    "cli": {"plugin", "pytest_glue", "verifications"},
    "verifications": {"probes", "report", "rehearsal", "cli"},
}

# What reaches outside the process, or asks the clock for something to do.
# fmt: off
IO_MODULES = {
    "aiohttp", "anyio", "asyncio", "concurrent", "fileinput", "filelock", "ftplib", "glob",
    "http", "httpx", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "playwright",
    "psycopg", "requests", "select", "selectors", "shutil", "signal", "smtplib", "socket",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "urllib.request", "webbrowser",
}
# fmt: on
PURE_PATHS = {"pathlib.PurePath", "pathlib.PurePosixPath", "pathlib.PureWindowsPath"}
IO_CALLS = {"open", "print", "input"}
CLOCK_CALLS = {"now", "utcnow", "today", "monotonic", "perf_counter", "sleep"}


@dataclass(frozen=True)
class Import:
    """One imported name, dotted and absolute, with the line that imports it."""

    name: str
    where: str

    def enters(self, module: str) -> bool:
        """Whether the name is the module or lies in it."""
        return self.name == module or self.name.startswith(f"{module}.")

    def enters_any(self, modules: set[str]) -> bool:
        """Whether the name is one of the modules or lies in one."""
        return any(self.enters(module) for module in modules)


@cache
def sources() -> tuple[Path, ...]:
    found = [path for folder in SOURCES for path in sorted((ROOT / folder).rglob("*.py"))]
    return (*found, *sorted(ROOT.glob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


def place(path: Path, node: ast.stmt | ast.expr) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def from_package(path: Path, node: ast.ImportFrom) -> str:
    """The absolute name of the module that ``from X import`` names, dots resolved."""
    if not node.level:
        return node.module or ""
    package = path.relative_to(ROOT).parent.parts
    return ".".join((*package[: len(package) - node.level + 1], *filter(None, [node.module])))


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    """All imports of a file, late ones and those for type checkers too."""
    found: list[Import] = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, place(path, node)) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = from_package(path, node)
            found += [Import(f"{module}.{alias.name}", place(path, node)) for alias in node.names]
    return tuple(found)


def room_of(path: Path) -> str:
    """The room of a file: ``checks``, ``plugin``, ``verifications``, or ``tests``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == PACKAGE and len(parts) > 1 else parts[0]


def files_in(room: str) -> list[Path]:
    return [path for path in sources() if room_of(path) == room]


def modules_of(rooms: set[str]) -> set[str]:
    """The rooms as they are imported; verifications stand at the root and in the wheel."""
    outside = {"verifications"} & rooms
    return {f"{PACKAGE}.{room}" for room in rooms} | outside


@pytest.mark.parametrize("room", sorted(FORBIDDEN_ROOMS))
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    forbidden = modules_of(FORBIDDEN_ROOMS[room])

    against = [
        f"{found.where} imports {found.name}"
        for path in files_in(room)
        for found in imports_of(path)
        if found.enters_any(forbidden)
    ]

    assert against == []


def test_the_package_imports_neither_its_tests_nor_its_benchmarks() -> None:
    against = [
        f"{found.where} imports {found.name}"
        for path in sources()
        if path.is_relative_to(ROOT / PACKAGE) or room_of(path) == "verifications"
        for found in imports_of(path)
        if found.enters_any({"tests", "benchmarks", "scripts"})
    ]

    assert against == []


def test_probes_know_no_items() -> None:
    against = [
        f"{found.where} imports {found.name}"
        for path in files_in("probes")
        for found in imports_of(path)
        if found.enters(f"{PACKAGE}.runbook.item") or found.name == f"{PACKAGE}.runbook.Item"
    ]

    assert against == []


def test_only_the_glue_imports_pytest() -> None:
    against = [
        found.where
        for path in sources()
        if path.is_relative_to(ROOT / PACKAGE) and room_of(path) not in {"plugin", "pytest_glue"}
        for found in imports_of(path)
        if found.enters_any({"pytest", "pluggy"})
    ]

    assert against == []


def test_nobody_imports_the_inside_of_pytest() -> None:
    against = [
        found.where
        for path in sources()
        for found in imports_of(path)
        if found.enters_any({"_pytest"})
    ]

    assert against == []


@pytest.mark.parametrize("room", PLAIN_ROOMS)
def test_a_room_below_the_glue_loads_without_pytest(room: str) -> None:
    names = [module_name(path) for path in files_in(room)]
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(*sorted({'pytest', '_pytest', 'pluggy'} & sys.modules.keys()))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == []


def test_a_pytest_without_a_stage_loads_nothing_that_takes_time() -> None:
    heavy = ("msgspec", "pydantic", "httpx", "psycopg", "playwright", "rich", "jinja2", "asyncio")
    script = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import pytest_chefrelease.plugin\n"
        f"print(*sorted((sys.modules.keys() - before) & set({heavy!r})))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert loaded.stdout.split() == []


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_the_runbook_imports_nothing_that_does_io() -> None:
    against = [
        f"{found.where} imports {found.name}"
        for path in files_in("runbook")
        for found in imports_of(path)
        if found.enters_any(IO_MODULES) and found.name not in PURE_PATHS
    ]

    assert against == []


def test_the_runbook_neither_opens_nor_prints_nor_asks_the_clock() -> None:
    against = [
        f"{place(path, node)} calls {called(node)}"
        for path in files_in("runbook")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        if called(node) in IO_CALLS or called(node).rpartition(".")[2] in CLOCK_CALLS
    ]

    assert against == []


def called(node: ast.Call) -> str:
    """What is called: ``open`` for a name, ``.now`` for any attribute of that name."""
    if isinstance(node.func, ast.Name):
        return node.func.id
    return f".{node.func.attr}" if isinstance(node.func, ast.Attribute) else ""


# Vendors' documents are quoted as they are published, with whatever hosts their examples name.
QUOTED = re.compile(r"(^|/)contracts/")
MACHINE_PATH = re.compile(r"(?<![\w.$})-])/(?:work|root|home|Users)/[\w.-]+")
INDEX = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|yarnpkg)[.](?:org|com)\b"
    r"|--(?:(?:extra-)?index-url|find-links)|\bhttps?://\S+/simple(?:/|\b)"
    r'|"resolved"\s*:|\bPIP_(?:INDEX|EXTRA_INDEX|FIND_LINKS|CERT)'
)


@cache
def tracked_lines() -> tuple[tuple[str, str], ...]:
    """Each line of each tracked text file, with its place."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name and not QUOTED.search(name)]
    texts = [(name, (ROOT / name).read_bytes()) for name in names if (ROOT / name).is_file()]
    return tuple(
        (f"{name}:{number}", line)
        for name, data in texts
        if b"\0" not in data
        for number, line in enumerate(data.decode(errors="replace").splitlines(), start=1)
    )


@pytest.mark.parametrize("pattern", [MACHINE_PATH, INDEX], ids=["machine path", "package index"])
def test_no_tracked_file_names_where_it_was_made(pattern: re.Pattern[str]) -> None:
    lines = tracked_lines()

    against = [f"{where}: {found[0]}" for where, line in lines if (found := pattern.search(line))]

    assert len(lines) > 0
    assert against == []


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        (MACHINE_PATH, ("", "home", "someone", "project")),
        (MACHINE_PATH, ("ROOT = '", "root", "project'")),
        (INDEX, ("https:", "", "mirror.example", "simple", "")),
        (INDEX, ("https:", "", "files.python" + "hosted.org", "packages")),
    ],
)
def test_the_search_for_places_sees_them(pattern: re.Pattern[str], parts: tuple[str, ...]) -> None:
    assert pattern.search("/".join(parts))
