"""What an attestation says: an in-toto statement v1 with the test-result predicate v0.1.

Sources: in-toto/attestation, spec/v1/statement.md, spec/predicates/test-result.md,
spec/v1/resource_descriptor.md and spec/v1/digest_set.md. Names of extension fields are URIs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Literal

import msgspec
from msgspec import Struct, field

from pytest_chefrelease import __version__
from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.runbook.outcome import Outcome, Result, count
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.verdict import Decision

STATEMENT: Literal["https://in-toto.io/Statement/v1"] = "https://in-toto.io/Statement/v1"
PREDICATE: Literal["https://in-toto.io/attestation/test-result/v0.1"] = (
    "https://in-toto.io/attestation/test-result/v0.1"
)
_IMAGE_DIGEST = re.compile(r"(?:(?P<name>.+)@)?sha256:(?P<digest>[0-9a-f]{64})")

Verdict = Literal["PASSED", "WARNED", "FAILED"]


class Descriptor(Struct, frozen=True, omit_defaults=True):
    """A resource: the subject, or the configuration of the run."""

    name: str = ""
    uri: str = ""
    digest: dict[str, str] = {}


class Previous(Struct, frozen=True):
    """The attestation of the stage before: the SHA-256 of its statement's bytes."""

    stage: str
    sha256: str


class Evidence(Struct, frozen=True):
    """The stage's evidence file, whole, by name and the SHA-256 of its bytes."""

    name: str
    sha256: str


class StageEntry(Struct, frozen=True):
    """What test-result has no field for."""

    stage: str
    environment: str
    version: str | None
    verdict: str
    sentence: str
    started_at: str
    finished_at: str
    counts: dict[str, int]
    evidence: Evidence
    previous: Previous | None


class Predicate(Struct, frozen=True):
    """The test-result predicate, with our extension."""

    result: Verdict
    configuration: list[Descriptor]
    passed: list[str] = field(name="passedTests")
    warned: list[str] = field(name="warnedTests")
    failed: list[str] = field(name="failedTests")
    stage: StageEntry = field(name="urn:chefrelease:stage:1")


class Statement(Struct, frozen=True):
    """The statement: of what is spoken (``subject``), and what is said (``predicate``)."""

    type: Literal["https://in-toto.io/Statement/v1"] = field(name="_type")
    subject: list[Descriptor]
    predicate_type: Literal["https://in-toto.io/attestation/test-result/v0.1"] = field(
        name="predicateType"
    )
    predicate: Predicate

    @property
    def stage(self) -> StageEntry:
        """What the statement says beyond test-result."""
        return self.predicate.stage

    def digests(self, algorithm: str) -> set[str]:
        """The subject's digests of one kind: ``gitCommit``, ``sha256``."""
        return {s.digest[algorithm] for s in self.subject if algorithm in s.digest}


def make(record: StageRecord, evidence: bytes, previous: Previous | None, image: str) -> bytes:
    """The statement of a stage as its bytes; ``evidence`` are those of its evidence file.

    ``image`` is the digest of what is released, empty where none is known.
    """
    release, verdict = record.release, record.verdict
    lists = _lists(record)
    statement = Statement(
        STATEMENT,
        [
            Descriptor(release.version or "commit", digest={"gitCommit": release.commit or ""}),
            *_image(image),
        ],
        PREDICATE,
        Predicate(
            result=_result(record, lists[1]),
            configuration=_configuration(record),
            passed=lists[0],
            warned=lists[1],
            failed=lists[2],
            stage=StageEntry(
                stage=record.stage.value,
                environment=release.environment,
                version=release.version,
                verdict=verdict.decision.value,
                sentence=verdict.sentence,
                started_at=record.started_at.isoformat(),
                finished_at=record.finished_at.isoformat(),
                counts=count(record.results),
                evidence=Evidence(f"{record.stage.value}.json", sha256(evidence).hexdigest()),
                previous=previous,
            ),
        ),
    )
    return msgspec.json.encode(statement)


def read(payload: bytes) -> Statement:
    """The statement behind its bytes. Raises Malformed."""
    try:
        return msgspec.json.decode(payload, type=Statement)
    except msgspec.MsgspecError as error:
        raise Malformed(
            f"no statement of a stage: {error}", expected=f"{STATEMENT} with {PREDICATE}"
        ) from error


def image_digest(image: str) -> str | None:
    """The SHA-256 in ``registry/app@sha256:…`` or ``sha256:…``; None where there is none."""
    found = _IMAGE_DIGEST.fullmatch(image)
    return found["digest"] if found else None


def _image(image: str) -> list[Descriptor]:
    found = _IMAGE_DIGEST.fullmatch(image)
    if found is None:
        return []
    return [Descriptor(name=found["name"] or "image", digest={"sha256": found["digest"]})]


def _configuration(record: StageRecord) -> list[Descriptor]:
    """The settings file of the run, and the tool with its defaults."""
    tool = Descriptor(name="pytest-chefrelease", uri=f"pkg:pypi/pytest-chefrelease@{__version__}")
    if record.course.configuration is None:
        return [tool]
    name, digest = record.course.configuration
    return [Descriptor(name=name, digest={"sha256": digest}), tool]


def _result(record: StageRecord, warned: list[str]) -> Verdict:
    if record.verdict.decision is not Decision.GO:
        return "FAILED"
    return "WARNED" if warned else "PASSED"


def _lists(record: StageRecord) -> tuple[list[str], list[str], list[str]]:
    """The labels of what passed, warned and failed; what did not apply is in none."""
    allows_unverified = record.course.allow_unverified

    def kind(result: Result) -> int | None:
        if result.outcome is Outcome.PASSED:
            return 0
        if result.outcome is Outcome.UNVERIFIED:
            return 1 if allows_unverified or not result.blocking else 2
        if result.outcome is Outcome.FAILED:
            return 2 if result.blocking else 1
        return 1 if result.outcome is Outcome.WAIVED else None

    def labels(of: Iterable[Result], wanted: int) -> list[str]:
        return sorted(result.label for result in of if kind(result) == wanted)

    results = record.results
    return labels(results, 0), labels(results, 1), labels(results, 2)
