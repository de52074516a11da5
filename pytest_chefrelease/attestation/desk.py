"""What ``chefrelease attest`` and ``chefrelease verify`` do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.attestation import chain, envelope, judge, keys, statement
from pytest_chefrelease.attestation.policy import read_policy
from pytest_chefrelease.errors import Malformed, ProbeError, Refused, SettingsError
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.report.atomic import write_atomically
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.record import StageRecord

KEY_VARIABLE = "CHEFRELEASE_ATTEST_KEY"
"""Names the file of the private key where no option does."""


class Attested(Struct, frozen=True):
    """What was attested: where, with which result, by which key, after which stage."""

    path: Path
    result: str
    keyid: str
    follows: str | None
    is_key_exposed: bool


def attest(evidence: Path, key: Path, image: str = "") -> Attested:
    """Sign a stage's evidence, as ``<stage>.intoto.json`` beside it.

    ``image`` is the digest of what is released, where the evidence does not name it. Raises
    SettingsError, Malformed and MissingExtra.
    """
    signer = keys.private_key(key)
    data = chain.bytes_of(evidence)
    record = evidence_json.from_text(data)
    _demand_attestable(record, evidence)
    previous = chain.previous_of(evidence.parent, record.stage, record.release)
    payload = statement.make(record, data, previous, _image(record, image))
    path = chain.file_of(evidence.parent, record.stage.value)
    write_atomically(path, envelope.seal(payload, signer))
    return Attested(
        path=path,
        result=statement.read(payload).predicate.result,
        keyid=signer.public_key.keyid,
        follows=previous.stage if previous else None,
        is_key_exposed=keys.is_exposed(key),
    )


def _demand_attestable(record: StageRecord, evidence: Path) -> None:
    if record.release.commit is None:
        raise SettingsError([f"{evidence}: names no commit; there is nothing to attest"])
    shard = record.course.shard
    if shard is not None:
        raise SettingsError(
            [f"{evidence}: is shard {shard.number} of {shard.total}; chefrelease merge comes first"]
        )
    if evidence.name != f"{record.stage.value}.json":
        raise SettingsError([f"{evidence}: is not named {record.stage.value}.json, as its stage"])


def _image(record: StageRecord, said: str) -> str:
    """The image of the release. Raises SettingsError where two are named, or no digest."""
    known = record.release.image or ""
    if said and statement.image_digest(said) is None:
        raise SettingsError(["--image: a digest, sha256: and 64 hexadecimal digits, is allowed"])
    if said and known and statement.image_digest(known) not in (None, statement.image_digest(said)):
        raise SettingsError([f"--image: the evidence names another image, {known}"])
    return said or known


class Verified(Struct, frozen=True):
    """What holds: the stage's entry and the result."""

    stage: statement.StageEntry
    result: str


def verify(
    path: Path, policy_file: Path | None, options: Mapping[str, object], now: datetime
) -> Verified:
    """Check an attestation offline: signature, subject, age, verdict, chain, evidence.

    Raises Refused with every reason, and SettingsError where the question is not complete.
    """
    keys.demand_library()
    policy = read_policy(policy_file, options, {"commit": _head()})
    trusted = [keys.public_key(Path(name)) for name in policy.keys]
    text = chain.bytes_of(path)
    try:
        said = statement.read(envelope.opened(text, trusted))
    except Malformed as error:
        raise Refused([f"no attestation: {error.summary}"]) from None
    reasons = [
        *judge.refusals(said, policy, now),
        *chain.chain_refusals(said, path.parent, policy, trusted),
        *_evidence_refusals(said, path.parent),
    ]
    if reasons:
        raise Refused(reasons)
    return Verified(said.stage, said.predicate.result)


def _head() -> str | None:
    """The commit of the work tree that we stand in, if any: what is released from here."""
    try:
        return GitProbe(Path.cwd()).head()
    except ProbeError:
        return None


def _evidence_refusals(said: statement.Statement, folder: Path) -> list[str]:
    """The evidence beside the attestation, where it is there, is the one that was attested."""
    stage = said.stage.stage
    path = folder / f"{stage}.json"
    if stage not in {one.value for one in Stage} or not path.is_file():
        return []
    if sha256(chain.bytes_of(path)).hexdigest() == said.stage.evidence.sha256:
        return []
    return [f"exchanged: {path.name} beside it is not the evidence that was attested"]
