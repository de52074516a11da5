"""Reads the services that render.yaml and fly.toml of a commit describe."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.blueprints import blueprint_contents
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, read_yaml
from pytest_chefrelease.runbook.provider_config import FLY_KEYS, RENDER_KEYS, Service

__all__ = ["Service", "read_services"]

_MAX_BYTES = 1_000_000
_RENDER_ROOT = ("services", "projects", "databases", "envVarGroups")
_OFF = ("no", "off", "false", "0")


def read_services(git: GitProbe, commit: str, *, limit_s: float) -> tuple[Service, ...]:
    """Every service of every render.yaml and fly.toml of a commit.

    Blocks. Raises Malformed where one does not parse, and other ProbeErrors.
    """
    contents = blueprint_contents(git, commit, limit_s=limit_s)
    return tuple(s for path, data in contents.items() for s in services_of(path, data))


def services_of(path: str, data: bytes) -> tuple[Service, ...]:
    """The services of one file. Raises Malformed."""
    if len(data) > _MAX_BYTES:
        raise Malformed(f"{path} is larger than 1 MB", where=path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not UTF-8", where=path) from None
    if path.endswith(".toml"):
        return (_fly_app(path, text),)
    return tuple(_render_services(path, text))


# --- render.yaml


def _render_services(path: str, text: str) -> Iterator[Service]:
    """The services at the root and in the environments of projects; none of previews."""
    root = read_yaml(path, text)
    if not isinstance(root, Mapping) or not any(root.get(key) for key in _RENDER_ROOT):
        raise Malformed(f"{path} has no services", where=path)
    for node in _services_below(root):
        if isinstance(node, Mapping):
            yield _render_service(path, node)


def _services_below(root: Mapping) -> Iterator[YamlNode]:
    yield from _items(root.get("services"))
    for project in _items(root.get("projects")):
        if isinstance(project, Mapping):
            for environment in _items(project.get("environments")):
                if isinstance(environment, Mapping):
                    yield from _items(environment.get("services"))


def _render_service(path: str, node: Mapping) -> Service:
    kind = _text(node, "type") or "web"
    runtime = _text(node, "runtime") or _text(node, "env")
    is_static = kind == "static" or runtime == "static"
    plan = _text(node, "plan")
    return Service(
        path=path,
        provider="render",
        name=_text(node, "name") or "a service",
        kind=kind,
        line=node.line,
        is_static=is_static or kind in ("redis", "keyvalue"),
        health_path=_text(node, "healthCheckPath"),
        region=_text(node, "region"),
        instances=_render_instances(node),
        sleeps=plan == "free",
        release_command=_text(node, "preDeployCommand"),
        auto_deploys_from=_render_branch(node),
        variables=_render_variables(node),
        unknown_keys=tuple(
            (key.text, key.line)
            for key, _ in node.pairs
            if isinstance(key, Scalar) and key.text not in RENDER_KEYS
        ),
    )


def _render_instances(node: Mapping) -> int | None:
    scaling = node.get("scaling")
    least = _text(scaling, "minInstances") if isinstance(scaling, Mapping) else None
    return _number(least) or _number(_text(node, "numInstances"))


def _render_branch(node: Mapping) -> str | None:
    """The branch whose pushes are deployed; None where none is named, or nothing deploys so."""
    trigger = _text(node, "autoDeployTrigger")
    automatic = trigger != "off" if trigger else (_text(node, "autoDeploy") or "").lower()
    if automatic in (False, *_OFF):
        return None
    return _text(node, "branch")


def _render_variables(node: Mapping) -> dict[str, str]:
    found = {}
    for each in _items(node.get("envVars")):
        if isinstance(each, Mapping):
            key, value = _text(each, "key"), each.get("value")
            if key and isinstance(value, Scalar):
                found[key] = value.text
    return found


def _items(node: YamlNode | None) -> list[YamlNode]:
    return node.items if isinstance(node, Sequence) else []


def _text(node: Mapping, key: str) -> str | None:
    value = node.get(key)
    return value.text if isinstance(value, Scalar) and value.text else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


# --- fly.toml


def _fly_app(path: str, text: str) -> Service:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the latter from thousands of brackets
        place = str(error).rpartition("(at ")[2].rstrip(")")
        raise Malformed(f"{path} is not TOML ({place})", where=path) from None
    fronts = _fly_fronts(document)
    deploy = _table(document, "deploy")
    least = [front["min_machines_running"] for front in fronts if "min_machines_running" in front]
    numbers = [number for number in least if isinstance(number, int)]
    variables = _table(document, "env")
    return Service(
        path=path,
        provider="fly",
        name=_string(document.get("app")) or "the app",
        kind="web" if fronts else "worker",
        health_path=_fly_health(document, fronts),
        region=_string(document.get("primary_region")),
        instances=min(numbers, default=None),
        sleeps=any(_fly_sleeps(front) for front in fronts),
        release_command=_string(deploy.get("release_command")),
        variables={key: _plain(value) for key, value in variables.items()},
        unknown_keys=tuple((key, _line_of(text, key)) for key in document if key not in FLY_KEYS),
    )


def _fly_fronts(document: dict[str, object]) -> list[dict[str, object]]:
    """What the proxy sends requests to: http_service, or services."""
    front = document.get("http_service")
    found = [front] if isinstance(front, dict) else []
    return [*found, *_tables(document.get("services"))]


def _fly_sleeps(front: dict[str, object]) -> bool:
    """Whether all of its machines may be stopped (auto_stop_machines: off, stop, suspend)."""
    stops = front.get("auto_stop_machines", "off")
    return stops not in (False, "off") and front.get("min_machines_running", 0) == 0


def _fly_health(document: dict[str, object], fronts: list[dict[str, object]]) -> str | None:
    """The path of the first HTTP check; ``/`` where one names none."""
    checks = [check for front in fronts for check in _tables(front.get("checks"))]
    checks += [check for front in fronts for check in _tables(front.get("http_checks"))]
    named = document.get("checks")
    if isinstance(named, dict):
        own = [check for check in named.values() if isinstance(check, dict)]
        checks += [check for check in own if check.get("type") == "http"]
    return (_string(checks[0].get("path")) or "/") if checks else None


def _table(document: dict[str, object], key: str) -> dict[str, object]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[dict[str, object]]:
    listed = value if isinstance(value, list) else []
    return [each for each in listed if isinstance(each, dict)]


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _plain(value: object) -> str:
    """A value as the application's environment has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _line_of(text: str, key: str) -> int:
    match = re.search(rf"^[ \t]*\[*[ \t]*[\"']?{re.escape(key)}\b", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 0
