"""The release's git repository, read through the git program."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from pytest_chefrelease.errors import Malformed, NotConfigured, ProbeError
from pytest_chefrelease.probes.git_program import GitFailed, remote_failure, run_git
from pytest_chefrelease.probes.http_failures import without_credentials
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import ReleaseTable, Settings

if TYPE_CHECKING:
    from semver import Version

_FILE_MODES = ("100644", "100755")
_TAG_FORMAT = "%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)%00%(refname)"
# Local configuration that lets git read a remote, and runs nothing: actions/checkout keeps its
# credentials so.
_HTTP_KEYS = r"^http\.(.*\.)?(extraheader|proxy|sslcainfo|sslverify)$"


class Tag(Struct, frozen=True):
    """A tag: ``object_id`` is what the ref points at, ``commit`` what it means in the end."""

    name: str
    object_id: str
    commit: str
    is_annotated: bool


class TreeEntry(Struct, frozen=True):
    """A file of a commit: mode (``100644``), blob id, size in bytes, path with slashes."""

    mode: str
    blob: str
    size_bytes: int
    path: str


class GitProbe(Struct, frozen=True):
    """Reads a repository; nothing in it is changed or run.

    Methods block for the time that git takes: a check calls them by ``asyncio.to_thread``.
    All raise ProbeErrors: git missing, no repository, no answer in time.
    """

    repository: Path

    def head(self) -> str:
        """The full hash of the work tree's commit."""
        try:
            return self._line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except GitFailed:
            raise NotConfigured(
                "the repository has no commit yet",
                where=str(self.repository),
                remedy="Run in the release's work tree.",
            ) from None

    def resolve(self, name: str) -> str | None:
        """The commit that a revision names, or None where there is none of that name."""
        try:
            return self._line(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
            )
        except GitFailed:
            return None

    def object_of(self, ref: str) -> str | None:
        """What a ref (``refs/notes/…``) points at itself, or None where there is no such ref."""
        try:
            return self._line("rev-parse", "--verify", "--quiet", "--end-of-options", ref)
        except GitFailed:
            return None

    def tags(self, *, at: str | None = None, merged_into: str | None = None) -> tuple[Tag, ...]:
        """Tags that lead to a commit: all, those ``at`` a commit, or of its history."""
        arguments = ["for-each-ref", f"--format={_TAG_FORMAT}%00"]
        if at is not None:
            arguments.append(f"--points-at={at}")
        if merged_into is not None:
            arguments.append(f"--merged={merged_into}")
        fields = self._run(*arguments, "refs/tags").decode(errors="surrogateescape").split("\0")
        rows = zip(*[iter(fields)] * 5, strict=False)
        found = (_tag([part.removeprefix("\n") for part in row]) for row in rows)
        return tuple(tag for tag in found if tag is not None)

    def notes(self) -> tuple[str, ...]:
        """The commits that all refs of notes point at."""
        return tuple(self._line("for-each-ref", "--format=%(objectname)", "refs/notes/").split())

    def top_level(self) -> Path:
        """The work tree's own directory. Raises NotConfigured in a bare repository."""
        try:
            shown = self._run("rev-parse", "--show-toplevel").removesuffix(b"\n")
        except GitFailed:
            raise NotConfigured(
                "the repository has no work tree",
                where=str(self.repository),
                remedy="Run in the release's work tree.",
            ) from None
        return Path(os.fsdecode(shown))

    def is_shallow(self) -> bool:
        """Whether history was cut off when cloning, as CI does."""
        return self._line("rev-parse", "--is-shallow-repository") == "true"

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether ``older`` is in the history of ``newer``.

        Raises NotConfigured where a shallow clone lacks the history that would tell.
        """
        try:
            self._run("merge-base", "--is-ancestor", older, newer)
        except GitFailed as failed:
            if failed.status == 1 and not self.is_shallow():
                return False
            raise self.needs_history() from None
        return True

    def ancestors(self, commit: str, count: int) -> tuple[str, ...]:
        """Up to ``count`` commits before this one, the newest first."""
        output = self._line("rev-list", f"--max-count={count}", "--skip=1", commit, "--")
        return tuple(output.split())

    def needs_history(self) -> NotConfigured:
        """What to say where this clone lacks history or commits that were asked for."""
        return NotConfigured(
            "the clone is shallow or lacks the commits in question",
            where=str(self.repository),
            remedy="Run git fetch --unshallow --tags (GitHub Actions: fetch-depth: 0).",
        )

    def remote_url(self, remote: str = "origin") -> str:
        """Where a remote is, without credentials. Raises NotConfigured."""
        return without_credentials(self._remote_url(remote))

    def remote_refs(self, remote: str, *patterns: str) -> Mapping[str, str]:
        """What the remote's refs point at now, by name; an annotated tag's commit as ``ref^{}``.

        The remote is asked from outside the repository, so that no program which its
        configuration names is run. Raises Unreachable or AccessDenied.
        """
        url = self._remote_url(remote)
        if "://" not in url and ":" not in url.partition("/")[0]:
            url = str((self.repository / url).resolve())
        try:
            output = run_git(
                Path("/"), "ls-remote", "--", url, *patterns, variables=self._http_configuration()
            )
        except GitFailed as failed:
            raise remote_failure(failed, without_credentials(url)) from None
        lines = output.decode(errors="surrogateescape").splitlines()
        pairs = (line.partition("\t") for line in lines)
        return {name: object_id for object_id, tab, name in pairs if tab}

    def files(self, commit: str, directory: str) -> tuple[TreeEntry, ...]:
        """The files of a commit under a directory of ``repository``, by their names' bytes.

        All of the commit for ``""``.
        """
        under = [commit, f"{directory}/"] if directory else ["--full-tree", commit]
        output = self._run("ls-tree", "-r", "-z", "-l", *under)
        entries = output.decode(errors="surrogateescape").split("\0")
        return tuple(_entry(text) for text in entries if text)

    def file(self, commit: str, path: str) -> TreeEntry | None:
        """One file of a commit, by its path relative to ``repository``; None without it."""
        output = self._run("ls-tree", "-z", "-l", commit, "--", path)
        entries = output.decode(errors="surrogateescape").split("\0")
        found = [_entry(text) for text in entries if text]
        return next((entry for entry in found if entry.mode in _FILE_MODES), None)

    def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs by id, read in one run of git."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        given = "".join(f"{name}\n" for name in wanted).encode()
        output = self._run("cat-file", "--batch", stdin=given)
        return dict(_batch(output))

    def _run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return run_git(self.repository, *arguments, stdin=stdin)

    def _line(self, *arguments: str) -> str:
        return self._run(*arguments).decode(errors="surrogateescape").strip()

    def _remote_url(self, remote: str) -> str:
        try:
            return self._line("remote", "get-url", "--", remote)
        except GitFailed:
            raise NotConfigured(
                f"the repository has no remote {remote!r}",
                where=str(self.repository),
                remedy=f"Add it with git remote add {remote} URL, or set release.remote.",
            ) from None

    def _http_configuration(self) -> dict[str, str]:
        """The repository's own settings for HTTP, as variables: arguments are seen by all."""
        try:
            output = self._run("config", "--local", "-z", "--get-regexp", _HTTP_KEYS)
        except GitFailed:  # git's answer when there is none
            return {}
        pairs = [
            entry.partition("\n")
            for entry in output.decode(errors="surrogateescape").split("\0")
            if entry
        ]
        variables = {"GIT_CONFIG_COUNT": str(len(pairs))}
        for index, (key, _, value) in enumerate(pairs):
            variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        return variables


def identify_release(settings: Settings, repository: Path) -> Release:
    """The identity of the release in this work tree; never raises, ``problem`` says what lacks.

    The commit is the work tree's; the version is the configured one, else the newest tag
    that the commit carries (annotated ones first, as ``git describe`` has it).
    """
    table = settings.release
    git, problem = GitProbe(repository), None
    commit, version, previous = None, table.version, table.previous_version
    try:
        commit = git.head()
        if version is None:
            version, problem = _version_at(git, commit, table)
        if previous is None and version is not None:
            previous = _previous(git, commit, version, table.tag_prefix)
    except ProbeError as error:
        problem = f"{error.summary}. {error.remedy}".strip()
    return Release(
        version=version,
        commit=commit,
        environment=table.environment,
        previous_version=previous,
        problem=problem,
    )


def semantic_version(tag: str, prefix: str = "") -> Version | None:
    """The version that a tag's name means (a leading v understood), or None."""
    from semver import Version

    if not tag.startswith(prefix):
        return None
    bare = tag[len(prefix) :].removeprefix("v")
    return Version.parse(bare) if Version.is_valid(bare) else None


def _version_at(git: GitProbe, commit: str, table: ReleaseTable) -> tuple[str | None, str | None]:
    tags = git.tags(at=commit)
    for is_annotated in (True, False):
        named = [tag.name for tag in tags if tag.is_annotated is is_annotated]
        newest = _newest(named, table.tag_prefix)
        if newest is not None:
            return newest, None
    carried = ", ".join(tag.name for tag in tags)
    seen = f"only {carried}" if carried else "no tag"
    hint = " The clone is shallow: git fetch --unshallow --tags." if git.is_shallow() else ""
    return None, f"{commit[:7]} carries {seen}, expected a version such as v1.5.0.{hint}"


def _previous(git: GitProbe, commit: str, version: str, prefix: str) -> str | None:
    """The newest version in the commit's history below this one; finished ones first."""
    this = semantic_version(version, prefix)
    if this is None:
        return None
    older = []
    for tag in git.tags(merged_into=commit):
        parsed = semantic_version(tag.name, prefix)
        if parsed is not None and parsed < this:
            older.append((tag.name, parsed))
    finished = [name for name, parsed in older if not parsed.prerelease]
    if this.prerelease or not finished:
        finished = [name for name, _ in older]
    return _newest(finished, prefix)


def _newest(names: Iterable[str], prefix: str) -> str | None:
    known = [(semantic_version(name, prefix), name) for name in names]
    versions = [(version, name) for version, name in known if version is not None]
    return max(versions, default=(None, None))[1]


def _tag(fields: list[str]) -> Tag | None:
    object_id, kind, peeled, peeled_kind, ref = fields
    name = ref.removeprefix("refs/tags/")
    if kind == "commit":
        return Tag(name, object_id, object_id, is_annotated=False)
    if kind == "tag" and peeled_kind == "commit":
        return Tag(name, object_id, peeled, is_annotated=True)
    return None  # a tag on a tree, a blob, or another tag leads to no release


def _entry(text: str) -> TreeEntry:
    head, _, path = text.partition("\t")
    mode, _kind, blob, size = head.split()
    return TreeEntry(mode, blob, int(size) if size.isdigit() else 0, path)


def _batch(output: bytes) -> Iterable[tuple[str, bytes]]:
    """Objects of ``git cat-file --batch``: a line with id, type and size, then the content."""
    position = 0
    while position < len(output):
        end = output.index(b"\n", position)
        head = output[position:end].split()
        if len(head) != 3:
            raise Malformed(f"git lacks the object {head[0].decode(errors='replace')}")
        size = int(head[2])
        yield head[0].decode(), output[end + 1 : end + 1 + size]
        position = end + size + 2
