"""What was seen of a deploy at one look, and how the evidence shows it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.deploy.witnesses import Word, clues_of_marks, in_words, judge
from pytest_chefrelease.checks.identity import Match
from pytest_chefrelease.probes.providers.provider import Deployed, Instance
from pytest_chefrelease.runbook.evidence import Evidence, Table

_MOST_ROWS = 200
_IS_RELEASE = {Match.SAME: "yes", Match.OTHER: "no", Match.CONTRADICTORY: "contradicts itself"}


class Seen(Struct, frozen=True):
    """One look at one part (api or web); ``deployed`` is None without a provider.

    ``before`` is the provider's reference of what was deployed before, ``before_unknown`` why
    there is none.
    """

    part: str
    words: tuple[Word, ...]
    deployed: Deployed | None
    before: str | None = None
    before_unknown: str = ""

    @property
    def answers(self) -> tuple[Word, ...]:
        """What was told at all."""
        return tuple(word for word in self.words if not word.problem)

    @property
    def place(self) -> str:
        """Where it was seen."""
        return f"{self.deployed.place} and the {self.part}" if self.deployed else f"the {self.part}"

    @property
    def running(self) -> str:
        """Everything that the application says of itself, each once."""
        said = dict.fromkeys(word.said for word in self.answers if word.said)
        return ", ".join(said)

    def evidence(self, summary: str, look: Context) -> Evidence:
        """The evidence of this look."""
        deployed = self.deployed
        return Evidence(
            summary=summary,
            source=self.place,
            observed_at=look.now(),
            facts={
                "connections": len(self.answers),
                "unanswered": len(self.words) - len(self.answers),
                "running": (self.running or self.told_by_provider)[:400],
                "witnesses": witnesses_in_words(deployed),
                "instances": len(deployed.instances) if deployed else None,
                "deploy": deployed.deploy if deployed else None,
                "images": ", ".join(deployed.images)[:1_000] if deployed else None,
                "previous_reference": self.before,
                "previous_unknown": self.before_unknown or None,
            },
            attachments=tuple(self._tables(look)),
        )

    @property
    def told_by_provider(self) -> str:
        """Everything that the provider's marks say, each once."""
        told = [each.marks for each in self.deployed.instances] if self.deployed else []
        told += [self.deployed.marks] if self.deployed else []
        said = (in_words(clues_of_marks(marks)) for marks in told if marks)
        return ", ".join(dict.fromkeys(said))

    def _tables(self, look: Context) -> Iterator[Table]:
        rows = tuple(
            (word.who, word.said or word.problem or "nothing", _IS_RELEASE.get(word.match, "?"))
            for word in self.words[:_MOST_ROWS]
        )
        yield Table("What the application says", ("asked over", "says", "the release's"), rows)
        if self.deployed is not None and self.deployed.instances:
            columns = ("instance", "state", "region", "image", "says", "the release's")
            listed = tuple(_row(each, look) for each in self.deployed.instances[:_MOST_ROWS])
            yield Table(f"What {self.deployed.place} says", columns, listed)


def witnesses_in_words(deployed: Deployed | None) -> str:
    """Who was asked."""
    if deployed is None:
        return "the application alone: no provider is configured for it"
    return f"the application and {deployed.place}"


def _row(instance: Instance, look: Context) -> tuple[str, ...]:
    clues = clues_of_marks(instance.marks)
    is_release = _IS_RELEASE.get(judge(clues, look), "?")
    image = instance.image or ""
    said = in_words(clues)
    return (instance.name, instance.said, instance.region, image, said, is_release)
