"""The chain of a release's attestations: each stage's statement names the one before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.attestation.envelope import opened, unsealed
from pytest_chefrelease.attestation.judge import foreign, not_go
from pytest_chefrelease.attestation.policy import Policy
from pytest_chefrelease.attestation.statement import Previous, Statement, read
from pytest_chefrelease.errors import Malformed, Refused, SettingsError
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.release import Release

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

_LARGEST = 50_000_000
_ORDER = [stage.value for stage in Stage]


def file_of(folder: Path, stage: str) -> Path:
    """Where a stage's attestation stands, beside its reports."""
    return folder / f"{stage}.intoto.json"


def bytes_of(path: Path) -> bytes:
    """A file's bytes. Raises SettingsError where it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None
    if len(data) > _LARGEST:
        raise SettingsError([f"{path}: is too large; at most {_LARGEST} bytes are allowed"])
    return data


def previous_of(folder: Path, stage: Stage, release: Release) -> Previous | None:
    """The attestation that a new one of ``stage`` follows: of the same commit and environment.

    It is named by its digest whoever signed it: that is looked at when the chain is verified.
    Raises Malformed where what stands there is none.
    """
    for earlier in reversed(_ORDER[: _ORDER.index(stage.value)]):
        path = file_of(folder, earlier)
        if not path.is_file():
            continue
        payload = unsealed(bytes_of(path))
        statement = read(payload)
        is_ours = (
            statement.digests("gitCommit") == {release.commit}
            and statement.stage.environment == release.environment
            and statement.stage.stage == earlier
        )
        if is_ours:
            return Previous(earlier, sha256(payload).hexdigest())
    return None


def chain_refusals(
    statement: Statement, folder: Path, policy: Policy, keys: Sequence[SSlibKey]
) -> Iterator[str]:
    """What is wrong with the attestations before this one: taken out, exchanged, not GO.

    Each must be there, be the one that is named, be signed by a trusted key, be of the same
    release, and GO. Its age is not looked at: it is older by nature.
    """
    seen: list[str] = []
    while (previous := statement.stage.previous) is not None:
        if previous.stage not in _ORDER[: _ORDER.index(statement.stage.stage)]:
            yield f"chain: {statement.stage.stage} cannot follow {previous.stage}"
            return
        try:
            statement = _link(previous, folder, keys)
        except (Refused, Malformed, SettingsError) as error:
            yield f"chain: {previous.stage}: {error}"
            return
        seen.append(previous.stage)
        of_this_release = foreign(statement, _without_image(policy, statement))
        for reason in (*of_this_release, *not_go(statement, policy)):
            yield f"chain: {previous.stage}: {reason}"
    for stage in policy.requires:
        if stage not in seen:
            yield f"chain: {stage} is not in it: it was left out, or never attested"


def _link(previous: Previous, folder: Path, keys: Sequence[SSlibKey]) -> Statement:
    path = file_of(folder, previous.stage)
    if not path.is_file():
        raise Refused([f"taken out: {path.name} is not here, and is what this one follows"])
    payload = opened(bytes_of(path), keys)
    if sha256(payload).hexdigest() != previous.sha256:
        raise Refused([f"exchanged: {path.name} is not the one that was followed"])
    statement = read(payload)
    if statement.stage.stage != previous.stage:
        raise Refused([f"exchanged: {path.name} attests the stage {statement.stage.stage}"])
    return statement


def _without_image(policy: Policy, statement: Statement) -> Policy:
    """Before the deploy the image may not have been known; where it was, it must be the same."""
    if statement.digests("sha256"):
        return policy
    return policy.model_copy(update={"image": None})
