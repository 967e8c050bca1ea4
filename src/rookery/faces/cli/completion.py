"""`rookery completion`: the script that makes a shell complete commands and options."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL: bash, zsh or fish.

    For bash, in ~/.bashrc:  eval "$(rookery completion bash)"
    """
    from click.shell_completion import get_completion_class

    from rookery.faces.cli.main import cli
    from rookery.faces.cli.run import COMPLETION_VARIABLE, PROGRAM

    if kind := get_completion_class(shell):
        click.echo(kind(cli, {}, PROGRAM, COMPLETION_VARIABLE).source())
