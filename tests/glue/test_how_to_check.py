"""The how-to guide's check of one's own, run as it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.glue.running import Application, Gate, only_health

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def guide(title: str) -> list[tuple[str, str]]:
    """The blocks of one how-to guide: language and text."""
    text = (ROOT / "docs" / "how-to.md").read_text(encoding="utf-8")
    return _BLOCK.findall(text[text.index(f"## {title}\n") :].partition("\n## ")[0])


@pytest.mark.parametrize(
    ("restaurants", "code", "said"),
    [
        ([{"name": "North", "menu": 1}], 0, "All 1 restaurants have a menu."),
        ([{"name": "North", "menu": 1}, {"name": "South", "menu": 0}], 1, "no menu at South"),
        ([], 1, "saw 0 of restaurants, needs at least 1"),
    ],
    ids=["well", "one is missing", "nothing seen"],
)
def test_the_check_of_ones_own_runs_as_it_is_written(
    gate: Gate,
    application: Application,
    pytester: pytest.Pytester,
    restaurants: list[dict[str, object]],
    code: int,
    said: str,
) -> None:
    found = guide("A check of your own")
    for name, block in found:
        if name == "python":
            file = block.partition("\n")[0].removeprefix("# ")
            pytester.path.joinpath(file).write_text(block, encoding="utf-8")
    only_health(pytester, "".join(block for name, block in found if name == "toml"))
    application.pages["/restaurants"] = json.dumps(restaurants)

    ran = gate("-m", "postrelease", f"--base-url={application.url}")

    assert ran.code == code, ran.text
    [item] = [item for item in ran.record()["items"] if item["id"] == "menu.published"]
    assert said in item["summary"]
