"""The options that choose templates, in nuclei's words, for every command that runs or lists some."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import Any

import click

SEVERITIES = ("unknown", "info", "low", "medium", "high", "critical")
PROTOCOLS = (
    *("http", "tcp", "dns", "ssl", "file", "workflow"),
    *("code", "headless", "javascript", "websocket", "whois"),
)


class Words(click.ParamType[tuple[str, ...]]):
    """Words separated by commas; with `allowed`, only those."""

    name = "words"

    def __init__(self, allowed: Iterable[str] = (), aliases: dict[str, str] | None = None) -> None:
        self.allowed, self.aliases = tuple(allowed), aliases or {}

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The words, checked."""
        if isinstance(value, tuple):
            return value  # the default
        words = [word.strip() for word in str(value).split(",")]
        if not all(words):
            self.fail("there is an empty word.", param, ctx)
        return tuple(self._known(word, param, ctx) for word in words)

    def _known(self, word: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self.allowed:
            return word
        lower = self.aliases.get(word.lower(), word.lower())
        if lower not in self.allowed:
            self.fail(f"{word!r} is not one of {', '.join(self.allowed)}.", param, ctx)
        return lower


class Paths(click.ParamType[tuple[Path, ...]]):
    """Paths separated by commas, unless there is a file with that very name."""

    name = "paths"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,  # noqa: ARG002 -- click's signature
        ctx: click.Context | None,  # noqa: ARG002
    ) -> tuple[Path, ...]:
        """The paths, as they stand."""
        if isinstance(value, tuple):
            return value
        whole = str(value)
        parts = [whole] if os.path.lexists(whole) else [part.strip() for part in whole.split(",")]
        return tuple(Path(part) for part in parts if part)


class NucleiOption(click.Option):
    """An option that may be written with one dash as well, as nuclei's are: `-tags cve`, `-severity high`.

    `also` are nuclei's own short words for it.
    """

    def __init__(self, names: Sequence[str], *, also: Sequence[str] = (), **settings: Any) -> None:
        self.shown = [name for name in names if name.startswith("-")]
        one_dash = (name[1:] for name in names if name.startswith("--"))
        super().__init__([*names, *one_dash, *also], **settings)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Without those spellings, which would fill the page."""
        every, self.opts = self.opts, self.shown
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = every


def _words(
    *names: str,
    help: str,  # noqa: A002 -- click's word
    kind: click.ParamType[Any] | None = None,
    metavar: str = "WORD,…",
    also: Sequence[str] = (),
) -> Any:
    kind = kind or Words()
    return click.option(
        *names, cls=NucleiOption, type=kind, multiple=True, metavar=metavar, help=help, also=also
    )


OPTIONS = (
    _words(
        "-t", "--templates", kind=Paths(), metavar="PATH,…",
        help="These templates only: files, folders, or their paths inside the installed set.",
    ),
    _words("--id", "ids", metavar="ID,…", help="Only these ids; * and ? stand for anything."),
    _words("--tags", metavar="TAG,…", help="Only with one of these tags."),
    _words("--author", "authors", metavar="NAME,…", help="Only by one of these authors."),
    _words(
        "-s", "--severity", "severities", kind=Words(SEVERITIES),
        help="Only of these severities, e.g. high,critical.",
    ),
    _words(
        "--protocol", "--type", "protocols", kind=Words(PROTOCOLS, {"network": "tcp"}),
        help="Only of these protocols, e.g. http,dns.", also=("-pt",),
    ),
    _words("--exclude-templates", "--et", kind=Paths(), metavar="PATH,…", help="Not these files or folders."),
    _words("--exclude-id", "--eid", "exclude_ids", metavar="ID,…", help="Not these ids."),
    _words("--exclude-tags", "--etags", metavar="TAG,…", help="Not with any of these tags."),
    _words(
        "--include-tags", "--itags", metavar="TAG,…",
        help="Let in what these tags exclude, by default as well: bruteforce, dos, fuzz, intrusive.",
    ),
    _words(
        "--exclude-severity", "--es", "exclude_severities", kind=Words(SEVERITIES),
        help="Not of these severities.",
    ),
    _words(
        "--exclude-protocol", "--exclude-type", "exclude_protocols",
        kind=Words(PROTOCOLS, {"network": "tcp"}), help="Not of these protocols.",
        also=("-ept",),
    ),
)  # fmt: skip


NAMES = (
    *("templates", "ids", "tags", "authors", "severities", "protocols"),
    *("exclude_templates", "exclude_ids", "exclude_tags", "include_tags"),
    *("exclude_severities", "exclude_protocols"),
)
"""The parameters of these options, for a help text in sections."""


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose templates; the command gets `templates` (paths) and `selector`."""

    def with_selector(*args: Any, **kwargs: Any) -> Any:
        from rookery.domains.templates.rules import Selector  # the engine takes 0.1 s to import

        wanted = {name: _flat(kwargs.pop(name)) for name in Selector.__struct_fields__}
        paths = _flat(kwargs.pop("templates"))
        return command(*args, templates=paths, selector=Selector(**wanted), **kwargs)

    update_wrapper(with_selector, command)
    for option in reversed(OPTIONS):
        with_selector = option(with_selector)
    return with_selector


def _flat(given: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(word for words in given for word in words))
