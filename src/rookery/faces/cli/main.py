"""The `rookery` command: its options, and the table of what it can do; a command is loaded when called."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import click

from rookery import __version__
from rookery.faces.cli.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """Where a command lives, and its line in `rookery --help`."""

    home: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "audit": Entry(
        "rookery.domains.audit.cli:audit", "Who did what, when; and proof that nobody has changed it."
    ),
    "backup": Entry(
        "rookery.domains.backups.cli.taking:backup", "Collect configurations, and keep what has changed."
    ),
    "completion": Entry(
        "rookery.faces.cli.completion:completion", "Print the completion script for SHELL: bash, zsh or fish."
    ),
    "config": Entry(
        "rookery.domains.backups.cli.reading:config",
        "Print the configuration of a device, of now or of then.",
    ),
    "credentials": Entry(
        "rookery.domains.credentials.cli:credentials", "Logins on devices: sealed, matched by tags."
    ),
    "db": Entry("rookery.faces.cli.db:db", "Migrate, check and back up the database."),
    "demo": Entry(
        "rookery.demo.cli:demo",
        "Scan a deliberately weak web server, which runs on this machine and only here.",
    ),
    "devices": Entry(
        "rookery.domains.devices.cli:devices",
        "The inventory: what has a configuration, where it is, and of what kind.",
    ),
    "diff": Entry("rookery.domains.backups.cli.reading:diff", "Show what has changed in a configuration."),
    "doctor": Entry(
        "rookery.faces.cli.doctor:doctor", "Check this installation, and say how to fix what is wrong."
    ),
    "endpoints": Entry(
        "rookery.domains.scans.cli.endpoints:endpoints", "What a project scans: URLs, hosts, ports, files."
    ),
    "findings": Entry(
        "rookery.domains.findings.cli:findings", "What is weak: one line for each weakness of each target."
    ),
    "grep": Entry(
        "rookery.domains.backups.cli.reading:grep", "Look for something in all current configurations."
    ),
    "history": Entry(
        "rookery.domains.backups.cli.history:history",
        "Versions of configurations in Git repositories.",
    ),
    "notifications": Entry(
        "rookery.domains.notifications.cli:notifications",
        "Which events are told, and to whom: webhooks, mail, chat.",
    ),
    "platforms": Entry(
        "rookery.domains.devices.cli.platforms:platforms",
        "The kinds of devices that are known, and how to talk to them.",
    ),
    "projects": Entry(
        "rookery.domains.scans.cli.projects:projects", "Groups of endpoints, and the runs upon them."
    ),
    "queue": Entry(
        "rookery.faces.cli.queue:queue",
        "The queue of tasks as a whole: how it is, and what is wrong with it.",
    ),
    "reach": Entry(
        "rookery.domains.backups.cli.taking:reach", "Log in on devices and hang up: which ones answer."
    ),
    "runs": Entry(
        "rookery.domains.scans.cli.runs:runs",
        "What was scanned, when, how far it came, and what it left behind.",
    ),
    "scan": Entry(
        "rookery.domains.scans.cli.scan:scan", "Check services for weaknesses, and keep what is found."
    ),
    "schedules": Entry(
        "rookery.domains.schedules.cli:schedules",
        "What is done again and again, or once, later.",
    ),
    "scope": Entry("rookery.domains.scans.cli.scope:scope", "What may be scanned beside this machine."),
    "settings": Entry(
        "rookery.domains.settings.cli:settings",
        "Show settings, and where each comes from; change those that may be.",
    ),
    "spool": Entry("rookery.faces.cli.spool:spool", "What waits on this disk to be stored."),
    "tasks": Entry("rookery.faces.cli.tasks:tasks", "Long work: what waits, runs, has ended or failed."),
    "templates": Entry(
        "rookery.domains.templates.cli:templates",
        "The checks: which there are, what they do, and whether they run.",
    ),
    "tokens": Entry(
        "rookery.domains.users.cli.tokens:tokens",
        "Ways in for programs: API tokens, with scopes and an expiry.",
    ),
    "tools": Entry(
        "rookery.domains.scans.tools.cli:tools",
        "What a scan can be run with: the engine within, and other programs.",
    ),
    "up": Entry("rookery.faces.cli.up:up", "Serve the REST API, do tasks and fire schedules."),
    "users": Entry(
        "rookery.domains.users.cli:users", "Who may come in: roles, passwords, second factors, sessions."
    ),
    "versions": Entry(
        "rookery.domains.backups.cli.reading:versions", "Show the versions of a device's configuration."
    ),
    "worker": Entry(
        "rookery.faces.cli.worker:worker", "Do tasks, and fire schedules, until Ctrl-C or SIGTERM."
    ),
}


ADDED: Mapping[str, tuple[str, ...]] = {
    "findings": ("rookery.domains.scans.cli.findings:import_", "rookery.domains.scans.cli.findings:retest"),
    "platforms": (
        "rookery.domains.backups.cli.platforms:test",
        "rookery.domains.backups.cli.platforms:learn",
    ),
}
"""What a later domain adds to the group of an earlier one, which does not know it."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and help without loading any of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """The names, in the order of the alphabet."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command."""
        if cmd_name not in COMMANDS:
            return None
        command = _loaded(COMMANDS[cmd_name].home)
        for address in ADDED.get(cmd_name, ()):
            cast("click.Group", command).add_command(_loaded(address))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but with suggestions from the table."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table, as it stands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in sorted(COMMANDS)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names from the table, options from click."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=entry.help)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


def _loaded(address: str) -> click.Command:
    module, _, attribute = address.partition(":")
    return cast("click.Command", getattr(import_module(module), attribute))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    epilog="These options may also follow the command. Data goes to standard output, all else to stderr.",
)
@click.option("--data-dir", type=click.Path(path_type=Path), metavar="DIR", help="Use this data directory.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read settings from this file instead of searching.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors and data.")
@click.option("-v", "--verbose", count=True, help="Say more; twice for everything.")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR and FORCE_COLOR are heard too.")
@click.version_option(__version__, message="rookery %(version)s")
@click.pass_context
def cli(
    context: click.Context,
    data_dir: Path | None,
    config: Path | None,
    *,
    debug: bool,
    quiet: bool,
    verbose: int,
    no_color: bool,
) -> None:
    """A watchtower for networks: scan for weaknesses, keep the findings, prove who did what."""
    shell = context.ensure_object(Shell)
    shell.data_dir, shell.config_file = data_dir, config
    shell.debug, shell.quiet, shell.verbosity = debug, quiet, verbose
    shell.choose_colour(refused=no_color)
    context.color = shell.colour
