"""What the CI that is there says: the names that a release must have green."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.yaml_nodes import Mapping, Scalar, YamlNode, read_yaml
from pytest_chefrelease.scaffold.suggestion import Suggestion
from pytest_chefrelease.scaffold.work_tree import WorkTree

_WORKFLOWS = (".github/workflows/*.yml", ".github/workflows/*.yaml")


class Job(Struct, frozen=True):
    """A job of a workflow: ``name`` is what GitHub shows of it."""

    path: str
    id: str
    name: str

    @property
    def deploys(self) -> bool:
        """Whether its name says so."""
        return any("deploy" in text.lower() for text in (self.id, self.name))


def jobs(tree: WorkTree) -> list[Job]:
    """The jobs of GitHub's workflows, which stand at the repository's root.

    A file that does not parse has none.
    """
    root = WorkTree(tree.root or tree.directory)
    return [job for path in root.matching(*_WORKFLOWS) for job in _jobs(path, root.text(path))]


def suggestions(tree: WorkTree) -> Iterator[Suggestion]:
    """Required checks are read from the branch's rules; where there are none, name the jobs."""
    found = [job for job in jobs(tree) if not job.deploys]
    if found:
        paths = ", ".join(dict.fromkeys(job.path for job in found))
        names = list(dict.fromkeys(job.name for job in found))
        source = f"jobs of {paths}; unless the branch's own rules are to count"
        yield Suggestion(("ci",), "required", list(names), source, is_example=True)


def _jobs(path: str, text: str) -> Iterator[Job]:
    try:
        root = read_yaml(path, text)
    except Malformed:
        return
    listed = root.get("jobs") if isinstance(root, Mapping) else None
    for key, job in listed.pairs if isinstance(listed, Mapping) else ():
        if isinstance(key, Scalar) and isinstance(job, Mapping):
            name = _plain(job.get("name"))
            # A name with an expression differs from run to run.
            yield Job(path, key.text, name if name and "${{" not in name else key.text)


def _plain(node: YamlNode | None) -> str:
    return node.text if isinstance(node, Scalar) else ""
