"""The CI workflow: the gate on the tag, the user's deploy, the gate after it, and the watch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.doctor.plan import plan_of
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.scaffold.looks.existing_ci import jobs
from pytest_chefrelease.scaffold.work_tree import WorkTree
from pytest_chefrelease.settings.model import Settings

_TEMPLATES = Path(__file__).parent / "templates"
_ENV = re.compile(r"(?P<indent> *)@@env (?P<stage>\w+)@@")
_Value = Callable[[str], str]
"""The line by which a CI system hands on a variable that it keeps."""
_PLAIN = re.compile(r"[\w ./+-]+")
"""Names that need no quotes in YAML, and none but double ones in a shell."""
_LIST = re.compile(r"(?P<indent>[ #/]*)@@names@@")


class Workflow(Struct, frozen=True):
    """A file to write: its path, its text, and what has to be done for it to run."""

    path: str
    text: str
    note: str


def workflow(tree: WorkTree, ci: str, settings: Settings) -> Workflow:
    """The workflow for a CI system: github, gitlab, azure or jenkins."""
    make = {"github": _github, "gitlab": _gitlab, "azure": _azure, "jenkins": _jenkins}[ci]
    root = tree.root or tree.directory.resolve()
    # CI systems read their files at the repository's root, wherever in it the product is.
    found = make(WorkTree(root), settings)
    folder = tree.directory.resolve().relative_to(root).as_posix()
    return replace(found, text=_in_folder(found.text, folder))


def _in_folder(text: str, folder: str) -> str:
    """The workflow for a product in a folder of the repository; ``.`` is the root."""
    if folder == ".":
        return text.replace("@@cd@@", "").replace("@@at@@", "")
    if not _PLAIN.fullmatch(folder):
        raise SettingsError([f"{folder}: a workflow cannot name this folder; write it by hand"])
    return text.replace("@@cd@@", f'cd "{folder}" && ').replace("@@at@@", f"{folder}/")


def _github(tree: WorkTree, settings: Settings) -> Workflow:
    text = _filled("github.yml", settings, _deploy_hint(tree), _github_value)
    note = "Put your deploy between its gates, and the secrets it names into the repository's."
    return Workflow(".github/workflows/release-gate.yml", text, note)


def _github_value(name: str) -> str:
    """GitHub makes a token for each run; a repository cannot keep a secret of its name."""
    value = "github.token" if name == "GITHUB_TOKEN" else f"secrets.{name}"
    return f"{name}: ${{{{ {value} }}}}"


def _gitlab(tree: WorkTree, settings: Settings) -> Workflow:
    text = _filled("gitlab.yml", settings, _deploy_hint(tree))
    theirs = tree.text(".gitlab-ci.yml")
    is_free = not theirs or theirs.startswith(text.partition("\n")[0])
    path = ".gitlab-ci.yml" if is_free else ".gitlab/release-gate.yml"
    include = f"Add to .gitlab-ci.yml: include: [{{ local: {path} }}]. " if "/" in path else ""
    return Workflow(path, text, f"{include}Put your deploy between its gates.")


def _azure_value(name: str) -> str:
    """A comment: of a variable that is not defined, Azure hands on the macro itself."""
    return f"# {name}: $({name})"


def _azure(tree: WorkTree, settings: Settings) -> Workflow:
    text = _filled("azure.yml", settings, _deploy_hint(tree), _azure_value)
    note = "Make a pipeline of it, with the secret variables it names, and put your deploy in."
    return Workflow("azure-pipelines-release.yml", text, note)


def _jenkins(tree: WorkTree, settings: Settings) -> Workflow:
    text = _filled("jenkins.groovy", settings, _deploy_hint(tree))
    note = "Make a multibranch pipeline of it that builds tags, and put your deploy in."
    return Workflow("Jenkinsfile.release", text, note)


def _filled(template: str, settings: Settings, deploy: str, value: _Value | None = None) -> str:
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    prefix = settings.release.tag_prefix
    text = text.replace("@@prefix@@", prefix).replace("@@pattern@@", re.escape(prefix))
    text = text.replace("@@deploy@@", deploy)
    return "".join(f"{line}\n" for line in _lines(text.splitlines(), settings, value))


def _lines(lines: Sequence[str], settings: Settings, value: _Value | None) -> Iterator[str]:
    for line in lines:
        if (found := _ENV.fullmatch(line)) and value is not None:
            for name in variables(settings, Stage(found["stage"])):
                yield f"{found['indent']}{value(name)}"
        elif found := _LIST.fullmatch(line):
            names = dict.fromkeys(name for stage in Stage for name in variables(settings, stage))
            yield from (f"{found['indent']}{name}" for name in names)
        else:
            yield line


def variables(settings: Settings, stage: Stage) -> tuple[str, ...]:
    """The names of the variables that a stage reads."""
    return tuple(plan_of(settings, catalogue().values(), stage).credentials)


def _deploy_hint(tree: WorkTree) -> str:
    found = next((job for job in jobs(tree) if job.deploys), None)
    if found is None:
        return "Until it is there this does not run: gates without a deploy guard nothing."
    name = "".join(c for c in f"{found.id} in {found.path}" if c.isprintable())
    return f"There is a job that looks like it: {name}."
