"""Reads render.yaml and fly.toml as they stand in a commit: the variables they give values to."""

from __future__ import annotations

import base64
import binascii
import re
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_stream import git_stream
from pytest_chefrelease.probes.secret_stores.env_file import read_env
from pytest_chefrelease.probes.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, read_yaml
from pytest_chefrelease.runbook.blueprint_secrets import Entry

_NAME = re.compile(r"(?:^|/)(?:render\.ya?ml|fly(?:\.[\w-]+)?\.toml)$")
_FILE_MODES = ("100644", "100755")
_MAX_PATHS = 500_000
_MAX_FILES = 50
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A provider's configuration file: its path, its bytes, and the values it sets."""

    path: str
    data: bytes = field(repr=False)
    entries: tuple[Entry, ...]


def read_blueprints(git: GitProbe, commit: str, *, limit_s: float) -> tuple[Blueprint, ...]:
    """Every render.yaml and fly.toml of a commit.

    Blocks. Raises Malformed where one does not parse, and other ProbeErrors.
    """
    contents = blueprint_contents(git, commit, limit_s=limit_s)
    return tuple(_blueprint(path, data) for path, data in contents.items())


def blueprint_contents(git: GitProbe, commit: str, *, limit_s: float) -> dict[str, bytes]:
    """The bytes of every render.yaml and fly.toml of a commit, by path. Blocks."""
    found = list(_blueprint_files(git, commit, time.monotonic() + limit_s))
    contents = git.blobs(blob for _, blob in found)
    return {path: contents[blob] for path, blob in found}


def _blueprint_files(git: GitProbe, commit: str, deadline: float) -> Iterator[tuple[str, str]]:
    number = 0
    arguments = ("ls-tree", "-r", "-z", "--full-tree", commit)
    with git_stream(git.repository, *arguments, deadline=deadline) as listed:
        for count, record in enumerate(listed.records(b"\0")):
            head, _, path = record.decode(errors="surrogateescape").partition("\t")
            mode, _, blob = head.split()
            if mode in _FILE_MODES and _NAME.search(path):
                number += 1
                yield path, blob
            if number >= _MAX_FILES or count >= _MAX_PATHS:
                return


def _blueprint(path: str, data: bytes) -> Blueprint:
    if len(data) > _MAX_BYTES:
        raise Malformed(f"{path} is larger than 1 MB", where=path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not UTF-8", where=path) from None
    read = _fly_entries if path.endswith(".toml") else _render_entries
    return Blueprint(path, data, tuple(read(path, text)))


def _render_entries(path: str, text: str) -> Iterator[Entry]:
    """Each ``envVars`` entry that has a value, wherever in the file."""
    for node in read_yaml(path, text).all_nodes():
        if not isinstance(node, Mapping):
            continue
        variables = node.get("envVars")
        if isinstance(variables, Sequence):
            for each in variables.items:
                yield from _render_variable(each)


def _render_variable(node: YamlNode) -> Iterator[Entry]:
    if not isinstance(node, Mapping):
        return
    key = node.get("key")
    for name in ("value", "previewValue"):
        value = node.get(name)
        if isinstance(key, Scalar) and isinstance(value, Scalar):
            yield Entry(key.text, value.text, value.line)


def _fly_entries(path: str, text: str) -> Iterator[Entry]:
    """Variables, build arguments, and files whose content stands in fly.toml."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the latter from thousands of brackets
        place = str(error).rpartition("(at ")[2].rstrip(")")
        raise Malformed(f"{path} is not TOML ({place})", where=path) from None
    build = document.get("build")
    tables = [document.get("env"), build.get("args") if isinstance(build, dict) else None]
    for table in tables:
        for key, value in table.items() if isinstance(table, dict) else ():
            yield Entry(str(key), str(value), _line_of(text, str(key)))
    files = document.get("files")
    for file in files if isinstance(files, list) else ():
        if isinstance(file, dict) and isinstance(file.get("raw_value"), str):
            content = _decoded(file["raw_value"])
            for key, value in read_env(content):
                yield Entry(key, value, _line_of(text, "raw_value"))


def _decoded(raw: str) -> str:
    try:
        return base64.b64decode(raw, validate=True).decode(errors="replace")
    except (ValueError, binascii.Error):
        return raw


def _line_of(text: str, key: str) -> int:
    """The first line that gives the key a value, 0 where it is not written plainly."""
    match = re.search(rf"^[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*=", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 0
