"""Backups in an S3-compatible store, played by moto's server, with real backups in it."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.doctor.looks.around import Around
from pytest_chefrelease.doctor.looks.machine import backups
from pytest_chefrelease.doctor.plan import plan_of, tell_plan
from pytest_chefrelease.doctor.source import Kind
from pytest_chefrelease.doctor.sources import sources_of
from pytest_chefrelease.errors import NotConfigured, SettingsError
from pytest_chefrelease.probes.backups import s3
from pytest_chefrelease.probes.backups.s3 import S3Backups
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.load import validate
from tests.backup.given import dump, fill
from tests.checks.verified import settings_for, verify
from tests.probes.aws_server import (
    aws_server,
    judging_credentials,
    point_at,
    without_credentials,
)
from tests.probes.databases import Database, server

BUCKET = "chef-backups"
PATH = f"s3://{BUCKET}/production/*.dump"


@pytest.fixture(scope="module")
def filled() -> Iterator[Database]:
    with server() as running:
        yield fill(running.database())


@pytest.fixture(scope="module")
def backup(filled: Database, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("backup") / "production.dump"
    return dump(filled, path, "--format=custom").read_bytes()


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with aws_server() as address:
        yield address


@dataclass
class Store:
    """A bucket; ``look`` verifies an item of production's backups against it."""

    address: str
    database: Database
    bucket: Any

    def put(self, **objects: bytes) -> None:
        """Objects below production/, the newest last: the store dates by whole seconds."""
        for name, content in objects.items():
            self.bucket.put_object(Key=f"production/{name}.dump", Body=content)

    def look(self, item: str = "backup.complete", path: str = PATH, **backup: object) -> Result:
        settings = settings_for(
            environments={"production": {"database_env": "DB"}},
            backup={"path": path, "least_of_last": 0, **backup},
        )
        given = {"DB": self.database.url}
        return asyncio.run(verify(item, None, settings, stage=Stage.PRERELEASE, environment=given))


@pytest.fixture
def store(
    moto: str, filled: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Store]:
    point_at(moto, monkeypatch)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bucket = boto3.resource("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    yield Store(moto, filled, bucket)
    bucket.objects.all().delete()
    bucket.delete()


def assert_outcome(result: Result, outcome: Outcome, *said: str) -> None:
    text = f"{result.summary} {result.remedy} {result.where}"
    assert result.outcome is outcome, text
    assert [part for part in said if part not in text] == [], text


def left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


# --- well


@pytest.mark.parametrize("item", ["backup.fresh", "backup.complete", "backup.restores"])
def test_a_backup_in_a_bucket_is_fetched_read_restored_and_removed(
    store: Store, backup: bytes, item: str, tmp_path: Path
) -> None:
    store.put(nightly=backup)
    store.bucket.put_object(Key="production/notes.txt", Body=b"no backup")
    store.bucket.put_object(Key="production/old/older.dump", Body=b"below a folder")

    result = store.look(item)

    assert_outcome(result, Outcome.PASSED)
    assert result.evidence is not None
    assert f"s3://{BUCKET}/production/nightly.dump" in repr(result.evidence)
    assert left_in(tmp_path) == []


def test_the_directory_format_is_one_backup_of_many_objects(
    store: Store, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = dump(store.database, tmp_path_factory.mktemp("dump") / "nightly", "--format=directory")
    for part in folder.iterdir():
        store.bucket.upload_file(str(part), f"production/nightly/{part.name}")

    result = store.look(path=f"s3://{BUCKET}/production/")

    assert_outcome(result, Outcome.PASSED)
    assert result.evidence is not None
    assert result.evidence.facts["form"] == "directory"
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.dump", {"a.dump"}),
        ("production/*", {"production/b.dump", "production/c"}),
        ("production", {"production/b.dump", "production/c"}),
        ("production/b.dump", {"production/b.dump"}),
        ("**/*.dump", {"a.dump", "production/b.dump", "production/x/d.dump"}),
        ("prod*/?", {"production/c"}),
        ("", {"a.dump"}),
    ],
)
def test_a_glob_of_keys_matches_as_one_of_paths(
    store: Store, pattern: str, found: set[str]
) -> None:
    for key in ("a.dump", *(f"production/{name}" for name in ("b.dump", "c", "x/d.dump", ""))):
        store.bucket.put_object(Key=key, Body=b"x")

    listed = asyncio.run(S3Backups(BUCKET, pattern).newest_first())

    assert {each.place for each in listed} == {f"s3://{BUCKET}/{key}" for key in found}


class Paged:
    """A store that lists three objects, one on a page."""

    def list_objects_v2(self, **given: str) -> s3._Page:
        number = int(given.get("ContinuationToken", "0"))
        at = datetime(2026, 11, 24, 3, number, tzinfo=UTC)
        page = s3._Page(Contents=[{"Key": f"{number}.dump", "Size": 1, "LastModified": at}])
        if number < 2:
            page["NextContinuationToken"] = str(number + 1)
        return page

    def get_object(self, **_given: str) -> s3._Got:
        raise AssertionError("nothing is read")


def test_every_page_of_a_listing_is_read() -> None:
    found = S3Backups(BUCKET, "*.dump")._list(Paged())

    assert [each.place for each in found] == [f"s3://{BUCKET}/{n}.dump" for n in (2, 1, 0)]


def test_a_listing_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_MAX_PAGES", 2)

    with pytest.raises(NotConfigured, match="more than 2,000 objects"):
        S3Backups(BUCKET, "*.dump")._list(Paged())


# --- not well, each with a message of its own


@pytest.mark.parametrize(
    ("change", "outcome", "said"),
    [
        (lambda _data: b"", Outcome.FAILED, "the newest backup is empty"),
        (lambda data: data[: len(data) // 2], Outcome.FAILED, "the newest backup is not whole"),
        (lambda data: b"age-encryption.org/v1\n" + data, Outcome.UNVERIFIED, "encrypted by age"),
    ],
    ids=["empty", "truncated", "encrypted"],
)
def test_what_is_wrong_with_the_newest_object_is_told(
    store: Store, backup: bytes, change: Callable[[bytes], bytes], outcome: Outcome, said: str
) -> None:
    store.put(nightly=change(backup))

    assert_outcome(store.look(), outcome, said, f"s3://{BUCKET}/production/nightly.dump")


def test_a_bucket_without_a_backup_is_red(store: Store) -> None:
    assert_outcome(store.look("backup.fresh"), Outcome.FAILED, "there is no backup at all", PATH)


def test_a_bucket_that_there_is_not_is_told(store: Store) -> None:
    result = store.look("backup.fresh", path="s3://elsewhere/*.dump")

    assert_outcome(result, Outcome.UNVERIFIED, "no bucket elsewhere", "Correct backup.path")


def test_without_credentials_it_is_open(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as given:
        without_credentials(given)
        result = store.look("backup.fresh")

    assert_outcome(result, Outcome.UNVERIFIED, "no AWS credentials", "AWS_PROFILE")


def test_credentials_that_the_store_refuses_are_told_by_what_they_need(store: Store) -> None:
    with judging_credentials(store.address):
        result = store.look("backup.fresh")

    assert_outcome(result, Outcome.UNVERIFIED, "the S3 store refuses", "Allow s3:ListBucket")


def test_a_store_that_does_not_answer_is_no_evidence(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as given:
        given.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        result = store.look("backup.fresh")

    assert_outcome(result, Outcome.UNVERIFIED, "the S3 store does not answer")


def test_an_object_in_cold_storage_is_told(store: Store, backup: bytes) -> None:
    key = "production/nightly.dump"
    store.bucket.put_object(Key=key, Body=backup, StorageClass="DEEP_ARCHIVE")

    assert_outcome(store.look(), Outcome.UNVERIFIED, "is archived", "restore the object first")


def test_without_boto3_the_extra_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as given:
        for name in ("boto3", "botocore.exceptions"):
            given.setitem(sys.modules, name, None)
        result = store.look("backup.fresh")

    assert_outcome(result, Outcome.UNVERIFIED, "boto3", "pip install 'pytest-chefrelease[aws]'")


def test_what_the_disk_has_no_room_for_is_not_fetched(
    store: Store, backup: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store.put(nightly=backup)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1_000))

    result = store.look()

    assert_outcome(result, Outcome.UNVERIFIED, "fetching the backup needs", "1.0 kB are free")
    assert left_in(tmp_path) == []


def test_a_download_that_is_given_up_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.put(nightly=b"x" * 5_000_000)
    aws, source = boto3.client("s3"), S3Backups.at(PATH)
    wanted = iter([True, True, False])

    with pytest.raises(CancelledError):
        source._copy_one(aws, "production/nightly.dump", tmp_path / "b", lambda: next(wanted))

    assert left_in(tmp_path) == []


def test_doctor_counts_them_and_plan_names_store_and_credentials(store: Store) -> None:
    store.put(nightly=b"x")
    settings = validate({"backup": {"path": PATH}})
    source = next(each for each in sources_of(settings) if each.kind is Kind.BACKUPS)
    around = Around(settings, Path(), Path(), Probes(settings, Path()), {})

    said = asyncio.run(backups(source, around))
    planned = tell_plan(plan_of(settings, catalogue().values(), Stage.PRERELEASE))

    assert said.startswith("1 backup, the newest of ")
    for part in (
        f"{PATH} at the store in AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, else Amazon S3",
        "\n      list, GET, for backup.",
        "AWS_SECRET_ACCESS_KEY\n      for backup.",
        "a temporary folder\n      write",
    ):
        assert part in planned


@pytest.mark.parametrize("path", ["s3:///x", "s3://", "gs://bucket/*.dump"])
def test_an_address_that_is_none_is_a_mistake_in_settings(path: str) -> None:
    with pytest.raises(SettingsError, match="s3://BUCKET/PREFIX"):
        validate({"backup": {"path": path}})
