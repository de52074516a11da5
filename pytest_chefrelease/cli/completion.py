"""``chefrelease completion``."""

from __future__ import annotations

import click

from pytest_chefrelease.cli.teaching import epilog

_PROGRAM = "chefrelease"
_VARIABLE = "_CHEFRELEASE_COMPLETE"
"""By this variable the script asks the program, while a line is typed; click's way."""


@click.command(
    short_help="Print what makes a shell complete these commands",
    epilog=epilog(
        'eval "$(chefrelease completion bash)"       in ~/.bashrc',
        'eval "$(chefrelease completion zsh)"        in ~/.zshrc',
        "chefrelease completion fish | source        in ~/.config/fish/config.fish",
        exits={0: "printed", 4: "no such shell"},
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, items and faults."""
    from click.shell_completion import get_completion_class

    writer = get_completion_class(shell)
    if writer is None:
        raise click.UsageError(f"No completion is known for {shell}.")
    program = context.find_root().command
    click.echo(writer(program, {}, _PROGRAM, _VARIABLE).source())
