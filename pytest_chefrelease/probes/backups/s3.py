"""Backups in an S3-compatible store: objects that match a glob, or all of a folder.

Sources: Amazon S3's API reference (ListObjectsV2, GetObject, "Error responses"). Nothing is
downloaded but a backup's first bytes, until it is fetched.
"""

from __future__ import annotations

import asyncio
import glob
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Protocol, TypedDict, cast

from msgspec import Struct

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    NotConfigured,
    ProbeError,
    RateLimited,
    Unreachable,
)
from pytest_chefrelease.probes.aws import DENIED, LIMITED, T, asked, client
from pytest_chefrelease.probes.backups.contents import chunks
from pytest_chefrelease.probes.backups.files import CONTENTS
from pytest_chefrelease.probes.backups.form import HEAD_BYTES
from pytest_chefrelease.probes.backups.source import Backup
from pytest_chefrelease.probes.in_thread import IsWanted, in_thread

SCHEME = "s3://"
_WHO = "the S3 store"
_MAX_PAGES = 200
_ARCHIVED = "InvalidObjectState"


class _Object(TypedDict):
    Key: str
    Size: int
    LastModified: datetime


class _Page(TypedDict, total=False):
    Contents: list[_Object]
    NextContinuationToken: str


class _Got(TypedDict):
    Body: IO[bytes]


class _Client(Protocol):
    """The read operations that are used, as botocore's clients have them."""

    def list_objects_v2(self, **given: str) -> _Page: ...

    def get_object(self, **given: str) -> _Got: ...


class S3Backups(Struct, frozen=True):
    """``pattern`` is a glob of keys, or a folder of which every object is a backup."""

    bucket: str
    pattern: str

    @classmethod
    def at(cls, address: str) -> S3Backups:
        """``s3://BUCKET/PATTERN``."""
        bucket, _, pattern = address.removeprefix(SCHEME).partition("/")
        return cls(bucket, pattern.strip("/"))

    @property
    def place(self) -> str:
        """The address."""
        return self._address(self.pattern)

    @property
    def is_remote(self) -> bool:
        """Always."""
        return True

    async def newest_first(self) -> tuple[Backup, ...]:
        """Raises NotConfigured for a bucket that there is not, AccessDenied, Unreachable."""
        return await asyncio.to_thread(self._asked, self._list)

    async def head(self, backup: Backup) -> bytes:
        """Of a folder, that of its table of contents."""
        key = self._key(backup) + (f"/{CONTENTS}" if backup.is_directory else "")
        return await asyncio.to_thread(self._asked, lambda aws: self._head(aws, key))

    async def look_again(self, backup: Backup) -> Backup | None:
        """By its key."""
        key = self._key(backup)
        found = await asyncio.to_thread(self._asked, lambda aws: self._matching(aws, key, key))
        return next((each for each in found if each.place == backup.place), None)

    async def fetch(self, backup: Backup, folder: Path) -> Path:
        """A copy in ``folder``. Raises ProbeErrors, and leaves no half of one there."""
        target = folder / "backup-from-s3"

        def copy(is_wanted: IsWanted) -> None:
            self._asked(lambda aws: self._copy(aws, backup, target, is_wanted))

        await in_thread(copy)
        return target

    def _asked(self, work: Callable[[_Client], T]) -> T:
        found = asked(lambda: work(cast("_Client", client("s3"))), self._refusal, _WHO)
        # No refusal is taken for "there is none" here.
        return cast("T", found)

    def _list(self, aws: _Client) -> tuple[Backup, ...]:
        prefix = self.pattern
        if glob.has_magic(prefix):
            prefix = prefix[: min(prefix.find(mark) for mark in "*?[" if mark in prefix)]
        return self._matching(aws, prefix, self.pattern)

    def _matching(self, aws: _Client, prefix: str, pattern: str) -> tuple[Backup, ...]:
        """The backups below a prefix, newest first."""
        patterns = [pattern] if glob.has_magic(pattern) else [pattern, f"{pattern}/*".lstrip("/")]
        objects = {each["Key"]: each for each in self._objects(aws, prefix)}
        folders = {
            key.removesuffix(f"/{CONTENTS}")
            for key in objects
            if key.endswith(f"/{CONTENTS}") and _fits(key.removesuffix(f"/{CONTENTS}"), patterns)
        }
        found = [self._folder(folder, objects) for folder in folders]
        found += [
            Backup(self._address(key), each["Size"], each["LastModified"].astimezone(UTC))
            for key, each in objects.items()
            if _fits(key, patterns) and key.rpartition("/")[0] not in folders
        ]
        return tuple(sorted(found, key=lambda backup: (backup.changed_at, backup.place))[::-1])

    def _folder(self, folder: str, objects: Mapping[str, _Object]) -> Backup:
        """One of pg_dump's directory format."""
        parts = [each for key, each in objects.items() if key.rpartition("/")[0] == folder]
        changed = max(each["LastModified"] for each in parts).astimezone(UTC)
        size = sum(each["Size"] for each in parts)
        return Backup(self._address(folder), size, changed, is_directory=True)

    def _objects(self, aws: _Client, prefix: str) -> Iterator[_Object]:
        given = {"Bucket": self.bucket, "Prefix": prefix}
        for _ in range(_MAX_PAGES):
            page = aws.list_objects_v2(**given)
            # What a console shows as an empty folder is an object whose key ends with a slash.
            yield from (each for each in page.get("Contents", []) if each["Key"][-1:] != "/")
            token = page.get("NextContinuationToken")
            if not token:
                return
            given["ContinuationToken"] = token
        raise NotConfigured(
            f"more than {_MAX_PAGES},000 objects begin with {prefix!r}",
            where=self.place,
            remedy="Let backup.path begin with what only backups have.",
        )

    def _head(self, aws: _Client, key: str) -> bytes:
        got = aws.get_object(Bucket=self.bucket, Key=key, Range=f"bytes=0-{HEAD_BYTES - 1}")
        return got["Body"].read(HEAD_BYTES)

    def _copy(self, aws: _Client, backup: Backup, target: Path, is_wanted: IsWanted) -> None:
        key = self._key(backup)
        if not backup.is_directory:
            self._copy_one(aws, key, target, is_wanted)
            return
        target.mkdir()
        for part in list(self._objects(aws, f"{key}/")):
            folder, _, name = part["Key"].rpartition("/")
            if folder == key:
                self._copy_one(aws, part["Key"], target / name, is_wanted)

    def _copy_one(self, aws: _Client, key: str, target: Path, is_wanted: IsWanted) -> None:
        body = aws.get_object(Bucket=self.bucket, Key=key)["Body"]
        try:
            with target.open("wb") as file:
                for chunk in chunks(body, is_wanted):
                    file.write(chunk)
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise _not_written(target.parent, error) from None
            raise

    def _address(self, key: str) -> str:
        return f"{SCHEME}{self.bucket}/{key}"

    def _key(self, backup: Backup) -> str:
        return backup.place.removeprefix(self._address(""))

    def _refusal(self, code: str) -> ProbeError:
        if code == "NoSuchBucket":
            return NotConfigured(
                f"there is no bucket {self.bucket}",
                where=self.place,
                remedy="Correct backup.path in release.toml, or AWS_ENDPOINT_URL.",
            )
        if code in DENIED:
            return AccessDenied(
                f"{_WHO} refuses: {code}",
                expected="credentials that may list and read backups",
                where=self.place,
                remedy="Allow s3:ListBucket and s3:GetObject; check AWS_PROFILE, the session's "
                "age and this machine's clock.",
            )
        if code in LIMITED:
            remedy = "Run it again in a minute."
            return RateLimited(f"{_WHO} was asked too often", where=self.place, remedy=remedy)
        if code == _ARCHIVED:
            return NotConfigured(
                "the newest backup is archived in a storage class that is not read at once",
                where=self.place,
                remedy="Keep the newest backups in a class that is, or restore the object first.",
            )
        remedy = "Look at S3's message for that code."
        return Malformed(f"{_WHO} answers {code[:80]}", where=self.place, remedy=remedy)


def _fits(key: str, patterns: list[str]) -> bool:
    """Whether a key matches a glob as a path would: ``*`` ends at a slash, ``**`` does not."""
    return any(_match(key.split("/"), pattern.split("/")) for pattern in patterns)


def _match(parts: list[str], globs: list[str]) -> bool:
    if not globs:
        return not parts
    if globs[0] == "**":
        return any(_match(parts[n:], globs[1:]) for n in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], globs[0]) and _match(parts[1:], globs[1:])


def _not_written(folder: Path, error: OSError) -> Unreachable:
    return Unreachable(
        f"the backup cannot be kept here: {(error.strerror or type(error).__name__).lower()}",
        where=str(folder),
        remedy="Make room, or let TMPDIR name a larger disk.",
    )
