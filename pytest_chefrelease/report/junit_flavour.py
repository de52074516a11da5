"""What the readers of JUnit files want differently.

| flavour | adds | leaves out |
|---|---|---|
| plain | | nothing: valid by pytest's xunit2 |
| gitlab | ``file`` of each testcase, which it shows; screenshots | |
| github | ``file`` of each testcase, which its annotations need | |
| jenkins | properties as text in ``system-out``; screenshots | testcases' properties: its schema |
| azure | | names beyond 512 characters |
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Flavour(Struct, frozen=True):
    """How a file differs from pytest's own ``xunit2``."""

    name: str
    with_file: bool = False
    with_case_properties: bool = True
    longest_name: int | None = None
    with_attachments: bool = False


PLAIN = Flavour("plain")
FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        PLAIN,
        Flavour("gitlab", with_file=True, with_attachments=True),
        Flavour("github", with_file=True),
        Flavour("jenkins", with_case_properties=False, with_attachments=True),
        Flavour("azure", longest_name=512),
    )
}
_SIGNS = {
    "GITLAB_CI": "gitlab",
    "GITHUB_ACTIONS": "github",
    "JENKINS_URL": "jenkins",
    "TF_BUILD": "azure",
}


def flavour_of(environment: Mapping[str, str], chosen: str | None = None) -> Flavour:
    """The chosen flavour, or that of the CI system that the environment tells of, or ``plain``."""
    if chosen is not None:
        return FLAVOURS[chosen]
    names = [name for sign, name in _SIGNS.items() if environment.get(sign)]
    return FLAVOURS[names[0]] if names else PLAIN
