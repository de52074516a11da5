"""What a command's help says after its options: how it is typed, and what its exit code means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def epilog(*examples: str, exits: Mapping[int, str]) -> str:
    """Examples as they are typed, and each exit code with its meaning; click keeps the lines."""
    lines = ["\b", "Examples:", *(f"  {each}" for each in examples), ""]
    lines += ["\b", "Exit codes:", *(f"  {code}  {meaning}" for code, meaning in exits.items())]
    return "\n".join(lines)


def among(names: Callable[[], Iterable[str]]) -> Complete:
    """A shell's completion of names; they are looked up only when a shell asks."""

    def complete(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in names() if name.startswith(begun)]

    return complete


class Chapters(click.Group):
    """A group whose help lists the commands by when they are needed."""

    def __init__(self, *args: object, **settings: object) -> None:
        super().__init__(*args, **settings)  # type: ignore[arg-type]  # click's own, untouched
        self._chapters: dict[str, list[str]] = {}

    def add_chapter(self, title: str, commands: Sequence[click.Command]) -> None:
        """Add commands, under a heading."""
        self._chapters[title] = [command.name or "" for command in commands]
        for command in commands:
            self.add_command(command)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click hands it on
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the chapters, each command with its one line."""
        width = max(map(len, self.commands))
        for title, names in self._chapters.items():
            lines = ((name, self.commands[name].get_short_help_str(80)) for name in names)
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", told) for name, told in lines])
