"""What git knows: where the repository is hosted, its main branch, how its tags are named."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_program import run_git
from pytest_chefrelease.scaffold.suggestion import Suggestion
from pytest_chefrelease.scaffold.work_tree import WorkTree

_ADDRESS = re.compile(r"(?:[^@/\s]+@)?([^:/\s]{2,}):(?!//)(.+)")
_VERSION = re.compile(r"(.*?)v?\d+\.\d+\.\d+(?:[-+].*)?")


def suggestions(tree: WorkTree) -> Iterator[Suggestion]:
    """Nothing outside a repository."""
    if tree.root is None:
        return
    git = GitProbe(tree.directory)
    if tree.root != tree.directory.resolve():
        above = os.path.relpath(tree.root, tree.directory.resolve())
        yield Suggestion(("release",), "repository", above, "the repository's root")
    yield from _branch(tree)
    yield from _tags(git)
    try:
        url = git.remote_url("origin")
    except ProbeError:
        return
    yield from _host(url)


def _branch(tree: WorkTree) -> Iterator[Suggestion]:
    for ref, source in (("refs/remotes/origin/HEAD", "origin's HEAD"), ("HEAD", "the branch")):
        try:
            named = run_git(tree.directory, "symbolic-ref", "--short", ref).decode().strip()
        except ProbeError:
            continue
        branch = named.removeprefix("origin/")
        # A feature branch that happens to be checked out says nothing.
        if ref != "HEAD" or branch in ("main", "master", "trunk"):
            yield Suggestion(("release",), "main_branch", branch, source)
            return


def _tags(git: GitProbe) -> Iterator[Suggestion]:
    try:
        names = [tag.name for tag in git.tags()]
    except ProbeError:
        return
    prefixes = Counter(found[1] for name in names if (found := _VERSION.fullmatch(name)))
    for prefix, count in prefixes.most_common(1):
        if prefix:
            source = f"{count} of {len(names)} tags begin so"
            yield Suggestion(("release",), "tag_prefix", prefix, source)


def _host(url: str) -> Iterator[Suggestion]:
    scp = _ADDRESS.fullmatch(url)
    host, path = scp.groups() if scp else (urlsplit(url).hostname or "", urlsplit(url).path)
    slug = path.strip("/").removesuffix(".git")
    if not host or slug.count("/") != 1:
        return
    source = f"the remote origin ({host})"
    if host.removeprefix("ssh.") == "github.com":
        yield Suggestion(("ci",), "repository", slug, source)
    elif "github" in host:
        yield Suggestion(("ci",), "repository", slug, source)
        yield Suggestion(("ci",), "api_url", f"https://{host}/api/v3", source)
    else:
        reason = f"CI runs at {host}, whose results are not read; see its pipeline"
        key = "ci.required-checks"
        yield Suggestion(("not_applicable",), key, reason, source, is_example=True)
