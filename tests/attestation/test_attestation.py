"""Attestations hold when everything fits, and each thing that does not is refused by name."""

from __future__ import annotations

import base64
import json
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec.structs import replace

from pytest_chefrelease.attestation import desk, keys
from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.errors import Malformed, Refused, SettingsError
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.record import Course, StageRecord
from pytest_chefrelease.runbook.shard import Shard
from pytest_chefrelease.runbook.verdict import Run, decide
from tests.report import samples

NOW = samples.NOW
IMAGE = str(samples.RELEASE.image)


def well(stage: Stage = Stage.PRERELEASE) -> StageRecord:
    return samples.all_well(stage)


def with_outcome(record: StageRecord, outcome: Outcome) -> StageRecord:
    results = (replace(record.results[0], outcome=outcome), *record.results[1:])
    return replace(record, results=results, verdict=decide(Run(record.stage), results))


class Desk:
    """A folder of reports with a key pair, and a policy that trusts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports = folder / "reports"
        self.reports.mkdir()
        self.key = folder / "release.key"
        keys.new_key(self.key)
        self.policy = folder / "policy.toml"
        self.policy.write_text(
            f'keys = ["release.key.pub"]\nstage = "prerelease"\ncommit = "{samples.COMMIT}"\n'
        )

    def attest(self, record: StageRecord, key: Path | None = None, **more: str) -> Path:
        path = self.reports / f"{record.stage}.json"
        path.write_text(evidence_json.to_text(record), encoding="utf-8")
        return desk.attest(path, key or self.key, **more).path

    def verify(self, path: Path, **options: object) -> desk.Verified:
        return desk.verify(path, self.policy, options, NOW)

    def refusal(self, path: Path, **options: object) -> str:
        with pytest.raises(Refused) as refused:
            self.verify(path, **options)
        return "\n".join(refused.value.reasons)


@pytest.fixture
def office(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def statement_in(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))
    return found


def test_what_holds_is_verified(office: Desk) -> None:
    held = office.verify(office.attest(well()), image=IMAGE)
    assert (held.result, held.stage.stage, held.stage.verdict) == ("PASSED", "prerelease", "GO")


def test_the_statement_is_in_toto_about_commit_and_image(office: Desk) -> None:
    path = office.attest(well())

    said = statement_in(path)

    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    digests = [subject["digest"] for subject in said["subject"]]
    assert digests == [{"gitCommit": samples.COMMIT}, {"sha256": IMAGE.removeprefix("sha256:")}]
    assert "secrets.strength[JWT_SECRET]" in said["predicate"]["passedTests"]
    assert all("uri" in c or "digest" in c for c in said["predicate"]["configuration"])


def test_the_signature_is_dsse_for_any_other_verifier(office: Desk) -> None:
    envelope = json.loads(office.attest(well()).read_text())
    public = load_pem_public_key(Path(f"{office.key}.pub").read_bytes())
    assert isinstance(public, Ed25519PublicKey)
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()

    # The encoding that DSSE's protocol.md prescribes, put together by hand.
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)

    public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    assert kind == b"application/vnd.in-toto+json"


@pytest.mark.parametrize(
    ("outcome", "blocking", "result"),
    [
        (Outcome.PASSED, True, "PASSED"),
        (Outcome.WAIVED, True, "WARNED"),
        (Outcome.FAILED, False, "WARNED"),
        (Outcome.FAILED, True, "FAILED"),
        (Outcome.UNVERIFIED, True, "FAILED"),
        (Outcome.NOT_APPLICABLE, True, "PASSED"),
    ],
)
def test_the_result_follows_from_the_verdict(
    office: Desk, outcome: Outcome, *, blocking: bool, result: str
) -> None:
    record = well()
    record = replace(
        record, results=(replace(record.results[0], blocking=blocking), *record.results[1:])
    )
    said = statement_in(office.attest(with_outcome(record, outcome)))["predicate"]
    assert said["result"] == result
    named = said["passedTests"] + said["warnedTests"] + said["failedTests"]
    assert ("ci.required-checks[lint]" in named) == (outcome is not Outcome.NOT_APPLICABLE)


def altered(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    envelope = json.loads(path.read_text())
    said = json.loads(base64.b64decode(envelope["payload"]))
    change(said)
    envelope["payload"] = base64.b64encode(json.dumps(said).encode()).decode()
    path.write_text(json.dumps(envelope))
    return path


def test_a_changed_verdict_is_tampered(office: Desk) -> None:
    path = office.attest(with_outcome(well(), Outcome.FAILED))
    altered(path, lambda said: said["predicate"].update(result="PASSED"))
    assert office.refusal(path).startswith("tampered:")


def test_a_signature_of_another_attestation_is_tampered(office: Desk) -> None:
    bad = json.loads(office.attest(with_outcome(well(), Outcome.FAILED)).read_text())
    good = office.attest(well())
    envelope = json.loads(good.read_text())
    good.write_text(json.dumps({**envelope, "signatures": bad["signatures"]}))
    assert office.refusal(good).startswith("tampered:")


def test_a_key_that_nobody_trusts_is_foreign(office: Desk) -> None:
    foreign = office.folder / "foreign.key"
    keys.new_key(foreign)
    path = office.attest(well(), foreign)
    assert office.refusal(path).startswith("foreign key: signed by ")


def test_a_foreign_signature_under_a_trusted_name_is_tampered(office: Desk) -> None:
    foreign = office.folder / "foreign.key"
    keys.new_key(foreign)
    trusted = json.loads(office.attest(well()).read_text())["signatures"][0]["keyid"]
    path = office.attest(well(), foreign)
    envelope = json.loads(path.read_text())
    envelope["signatures"][0]["keyid"] = trusted
    path.write_text(json.dumps(envelope))
    assert office.refusal(path).startswith("tampered:")


def test_an_old_one_is_expired(office: Desk) -> None:
    path = office.attest(replace(well(), finished_at=NOW - timedelta(hours=25)))
    assert office.refusal(path) == "expired: the stage ended 25 h ago, at most 24 h are allowed"


def test_one_from_the_future_is_refused(office: Desk) -> None:
    path = office.attest(replace(well(), finished_at=NOW + timedelta(hours=1)))
    assert "dated in the future" in office.refusal(path)


def test_another_commit_is_refused(office: Desk) -> None:
    path = office.attest(well())
    other = "f" * 40
    assert office.refusal(path, commit=other).startswith(
        f"other commit: it attests {samples.COMMIT}, not {other}"
    )


def test_another_image_and_none_are_refused(office: Desk) -> None:
    path = office.attest(well())
    other = "sha256:" + "0" * 64
    assert office.refusal(path, image=other).startswith("other image: it attests sha256:9d3e")
    record = well()
    path = office.attest(replace(record, release=replace(record.release, image=None)))
    assert office.refusal(path, image=other).startswith("other image: it attests none")


def test_a_re_use_for_another_stage_or_environment_is_refused(office: Desk) -> None:
    path = office.attest(well())
    said = office.refusal(path, stage="postrelease", environment="canary")
    assert "re-used: it attests the stage prerelease, not postrelease" in said
    assert "re-used: it attests the environment production, not canary" in said


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.UNVERIFIED])
def test_what_is_not_go_is_refused_with_its_sentence(office: Desk, outcome: Outcome) -> None:
    record = with_outcome(well(), outcome)
    said = office.refusal(office.attest(record))
    assert said.startswith("verdict: prerelease ended with ")
    assert record.verdict.sentence in said


def test_warnings_are_accepted_unless_the_policy_says_otherwise(office: Desk) -> None:
    path = office.attest(with_outcome(well(), Outcome.WAIVED))
    assert office.verify(path).result == "WARNED"
    office.policy.write_text(office.policy.read_text() + "accept_warned = false\n")
    assert "GO with warnings (ci.required-checks[lint])" in office.refusal(path)


def chained(office: Desk) -> Path:
    for stage in (Stage.PRERELEASE, Stage.POSTRELEASE):
        office.attest(well(stage))
    return office.attest(well(Stage.MONITORING))


def test_each_stage_carries_the_digest_of_the_one_before(office: Desk) -> None:
    last = chained(office)
    previous = statement_in(last)["predicate"]["urn:chefrelease:stage:1"]["previous"]
    envelope = json.loads((office.reports / "postrelease.intoto.json").read_text())
    digest = sha256(base64.b64decode(envelope["payload"])).hexdigest()
    assert previous == {"stage": "postrelease", "sha256": digest}
    office.policy.write_text(
        office.policy.read_text() + 'requires = ["prerelease", "postrelease"]\n'
    )
    assert office.verify(last, stage="monitoring").stage.stage == "monitoring"


def test_one_taken_out_of_the_chain_is_seen(office: Desk) -> None:
    last = chained(office)
    (office.reports / "prerelease.intoto.json").unlink()
    said = office.refusal(last, stage="monitoring")
    assert said.startswith("chain: prerelease: taken out: prerelease.intoto.json is not here")


def test_one_exchanged_in_the_chain_is_seen(office: Desk) -> None:
    last = chained(office)
    again = replace(well(), finished_at=NOW - timedelta(hours=1))
    office.attest(again)
    said = office.refusal(last, stage="monitoring")
    assert "chain: prerelease: exchanged: prerelease.intoto.json" in said


def test_a_chain_over_a_no_go_is_refused(office: Desk) -> None:
    office.attest(with_outcome(well(), Outcome.FAILED))
    last = office.attest(well(Stage.POSTRELEASE))
    assert "chain: prerelease: verdict: prerelease ended with NO-GO" in office.refusal(
        last, stage="postrelease"
    )


def test_a_stage_that_the_policy_requires_and_nobody_attested_is_seen(office: Desk) -> None:
    last = office.attest(well(Stage.POSTRELEASE))
    office.policy.write_text(office.policy.read_text() + 'requires = ["prerelease"]\n')
    assert "chain: prerelease is not in it" in office.refusal(last, stage="postrelease")


def test_a_chain_begins_anew_with_another_release(office: Desk) -> None:
    record = well()
    office.attest(replace(record, release=replace(record.release, commit="f" * 40)))
    last = office.attest(well(Stage.POSTRELEASE))
    assert statement_in(last)["predicate"]["urn:chefrelease:stage:1"]["previous"] is None


def test_evidence_changed_after_it_was_attested_is_seen(office: Desk) -> None:
    path = office.attest(well())
    evidence = office.reports / "prerelease.json"
    evidence.write_text(evidence.read_text().replace("as it should be", "as it could be"))
    assert office.refusal(path).startswith("exchanged: prerelease.json beside it")


def test_an_attestation_holds_alone_without_its_evidence(office: Desk) -> None:
    path = office.attest(well())
    elsewhere = office.folder / "elsewhere.json"
    shutil.move(path, elsewhere)
    assert office.verify(elsewhere).result == "PASSED"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"payload": "", "payloadType": "x", "signatures": []}', "[" * 100_000],
)
def test_what_is_no_attestation_is_refused(office: Desk, text: str) -> None:
    path = office.reports / "prerelease.intoto.json"
    path.write_text(text)
    with pytest.raises((Refused, Malformed)):
        office.verify(path)


def test_a_private_key_is_readable_by_its_owner_alone_and_never_replaced(office: Desk) -> None:
    assert stat.S_IMODE(office.key.stat().st_mode) == 0o600
    before = office.key.read_bytes()
    with pytest.raises(SettingsError, match="never replaced"):
        keys.new_key(office.key)
    assert office.key.read_bytes() == before


def test_every_gap_in_the_question_is_named_at_once(office: Desk, tmp_path: Path) -> None:
    office.policy.write_text('max_age = "soon"\nstages = []\n')
    path = office.attest(well())
    with pytest.raises(SettingsError) as error:
        office.verify(path)
    assert "policy.toml:1: max_age: wrong value; a duration" in str(error.value)
    assert "policy.toml:2: stages: unknown key; known here: keys, stage" in str(error.value)
    office.policy.write_text('commit = "3f2a91c"\n')
    with pytest.raises(SettingsError) as error:
        office.verify(path)
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "keys",
        "stage",
        "commit",
    ]


def test_a_shard_is_not_attested_alone(office: Desk) -> None:
    with pytest.raises(SettingsError, match="shard 2 of 5; chefrelease merge comes first"):
        office.attest(replace(well(), course=Course(shard=Shard(2, 5))))


def test_the_commands_exit_by_what_holds(office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    office.attest(replace(well(), finished_at=datetime.now(UTC) - timedelta(hours=25)))
    evidence, policy = str(office.reports / "prerelease.json"), str(office.policy)
    monkeypatch.setenv("CHEFRELEASE_ATTEST_KEY", str(office.key))
    run = CliRunner().invoke

    made = run(chefrelease, ["attest", evidence])
    path = str(office.reports / "prerelease.intoto.json")
    old = run(chefrelease, ["verify", path, "--policy", policy])
    office.policy.write_text(office.policy.read_text() + 'max_age = "2d"\n')
    held = run(chefrelease, ["verify", path, "--policy", policy])
    unasked = run(chefrelease, ["verify", path, "--key", f"{office.key}.pub"])

    assert (made.exit_code, old.exit_code, held.exit_code) == (0, 1, 0), old.output + held.output
    assert "PASSED, signed by" in made.output
    assert old.output.startswith("refused: expired: ")
    assert "PASSED: prerelease of v1.5.0 in production is GO" in held.output
    assert isinstance(unasked.exception, SettingsError)
