"""The options of commands that read an OpenAPI document, and what is said of what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rookery.faces.cli.output import note, printable

if TYPE_CHECKING:
    from rookery.domains.scans.openapi import Filling
    from rookery.domains.scans.service.importing import ApiEndpoints

SHOWN = 8


class Api(NamedTuple):
    """What the options say."""

    form: Path | None
    parameters: tuple[tuple[str, str], ...]
    server: str

    def filling(self) -> Filling:
        """The values for parameters. Raises BadForm."""
        from rookery.domains.scans.openapi import Filling, read_form

        form = None
        if self.form is not None and self.form.exists():
            form = read_form(self.form.read_bytes(), str(self.form))
        return Filling(dict(self.parameters), form)


class NameAndValue(click.ParamType[tuple[str, str]]):
    """`name=value`."""

    name = "name=value"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The two."""
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{str(value)!r} is not name=value.", param, ctx)
        return name, text


OPTIONS = (
    click.option(
        "--form",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Values for OpenAPI parameters that have none; written if it is not there.",
    ),
    click.option(
        "--param",
        "parameters",
        type=NameAndValue(),
        multiple=True,
        metavar="NAME=VALUE",
        help="A value for every OpenAPI parameter of this name; may be repeated.",
    ),
    click.option(
        "--server", default="", metavar="URL", help="Take this server instead of the OpenAPI document's."
    ),
)


def api_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options about an OpenAPI document; the command gets them as `api`."""

    def with_api(*args: Any, **kwargs: Any) -> Any:
        api = Api(*(kwargs.pop(name) for name in Api._fields))
        return command(*args, api=api, **kwargs)

    update_wrapper(with_api, command)
    for option in reversed(OPTIONS):
        with_api = option(with_api)
    return with_api


def say_what_is_missing(found: ApiEndpoints, api: Api) -> dict[str, list[str]]:
    """Name the operations that lack something, write the form for them; by operation, the names they lack."""
    from rookery.domains.scans.openapi import form_text

    missing = {operation.key: [each.name for each in lacks] for operation, lacks in found.incomplete}
    reasons = {key: f"no value for {', '.join(names)}" for key, names in missing.items()} | found.unusable
    for key, reason in list(reasons.items())[:SHOWN]:
        note(f"Left out: {printable(key)}: {printable(reason)}")
    if len(reasons) > SHOWN:
        note(f"… and {len(reasons) - SHOWN} more operations")
    if missing and api.form is None:
        note("Give values with --param NAME=VALUE, or have a form of them written: --form FILE")
    elif missing and api.form is not None and not api.form.exists():
        api.form.write_text(form_text(found.incomplete), encoding="utf-8")
        note(f"Fill in {api.form}, and run the same command again.")
    return missing
