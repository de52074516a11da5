"""What must hold for an attestation to be accepted: a small TOML file, and options over it.

::

    keys = ["release.pub"]        # PEM files, relative to this file
    stage = "prerelease"
    environment = "production"
    max_age = "24h"
    accept_warned = true          # GO with waivers or warnings
    requires = []                 # stages that must stand before it in the chain
    # commit and image usually come by option: --commit, --image
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from pytest_chefrelease.attestation.statement import image_digest
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.settings.files import SettingsFile, read_toml
from pytest_chefrelease.settings.places import Origins, Places
from pytest_chefrelease.settings.values import Duration, SomeText, Table
from pytest_chefrelease.settings.wording import sentence

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


StageName = Literal["prerelease", "postrelease", "monitoring"]


class Policy(Table):
    """What is accepted; ``keys`` are files of public keys."""

    keys: tuple[SomeText, ...] = ()
    stage: StageName | None = None
    environment: SomeText = "production"
    commit: SomeText | None = None
    image: SomeText | None = None
    max_age: Duration = timedelta(hours=24)
    accept_warned: bool = True
    requires: tuple[StageName, ...] = ()


def read_policy(
    path: Path | None, options: Mapping[str, object], defaults: Mapping[str, object]
) -> Policy:
    """The policy in a file, options that are set over it, ``defaults`` under it; keys by path.

    Raises SettingsError with every mistake: of the file, and what nobody has said.
    """
    file = read_toml(path) if path else None
    raw = file.data if file else {}
    data = {key: tuple(v) if isinstance(v, list) else v for key, v in raw.items()}
    base = path.parent if path else Path()
    keys = data.get("keys")
    if isinstance(keys, tuple) and all(isinstance(name, str) for name in keys):
        data["keys"] = tuple(str(base / name) for name in keys)
    set_ones = {key: value for key, value in options.items() if value not in (None, ())}
    given = {key: value for key, value in defaults.items() if value is not None}
    policy = _validated(given | data | set_ones, file, {(key,): f"--{key}" for key in set_ones})
    if unsaid := list(_unsaid(policy)):
        raise SettingsError(unsaid)
    return policy


def _validated(data: Mapping[str, object], file: SettingsFile | None, origins: Origins) -> Policy:
    try:
        return Policy.model_validate(data, strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    places = Places(file, origins)
    lines = []
    for detail in details:
        key = detail["loc"]
        if detail["type"] == "extra_forbidden":
            text = f"unknown key; known here: {', '.join(Policy.model_fields)}"
        else:
            text = sentence([detail], data.get(str(key[0])), takes_table=False)
        lines.append(f"{places.name(key)}: {text}")
    raise SettingsError(lines)


def _unsaid(policy: Policy) -> list[str]:
    """What must be said for a verification to mean anything."""
    found = []
    if not policy.keys:
        found.append("keys: nobody is trusted; name a public key in the policy, or by --key")
    if policy.stage is None:
        found.append("stage: say which stage must be attested, in the policy or by --stage")
    if policy.commit is None or not _COMMIT.fullmatch(policy.commit):
        found.append("commit: the full hash of the commit that is released is needed, by --commit")
    if policy.image is not None and image_digest(policy.image) is None:
        found.append("image: a digest, sha256: and 64 hexadecimal digits, is allowed")
    order: list[str] = [stage.value for stage in Stage]
    earlier = order[: order.index(policy.stage)] if policy.stage else order
    if not set(policy.requires) <= set(earlier):
        found.append(f"requires: only stages before {policy.stage} can stand before it")
    return found
