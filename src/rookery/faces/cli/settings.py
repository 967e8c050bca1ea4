"""`rookery settings`: every effective setting, where it comes from, and where files are looked for."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from rookery.faces.cli.output import current_shell, emit_json, json_option, printable, table

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def settings() -> None:
    """Show settings, and where each comes from."""


@settings.command()
@click.argument("key", required=False)
@click.option("--origin", is_flag=True, help="Also show where each value comes from.")
@json_option
def get(key: str | None, *, origin: bool, as_json: bool) -> None:
    """Show all settings, or the one called KEY. Passwords are masked."""
    loaded = current_shell().loaded
    values = _masked_values(loaded.config)
    chosen = values if key is None else {_known(key, values): values[key]}
    if as_json:
        emit_json({name: {"value": value, "origin": loaded.origins[name]} for name, value in chosen.items()})
    elif key and not origin:
        click.echo(printable(_as_text(chosen[key])))
    else:
        _show(chosen, loaded.origins if origin else None)


@settings.command()
@json_option
def path(*, as_json: bool) -> None:
    """Show the files settings are looked for in; of two, the lower one wins."""
    from rookery.base.config_sources import candidates

    given = current_shell().config_file
    places = [_place(file) for file in ([given] if given else candidates(os.environ))]
    if as_json:
        emit_json({"items": places, "next": None})
    else:
        table(["file", "found"], [(place["path"], "yes" if place["exists"] else "no") for place in places])


def _place(file: Path) -> dict[str, Any]:
    return {"path": str(file), "exists": file.exists()}


def _masked_values(config: Any) -> dict[str, Any]:
    from rookery.base.config import effective
    from rookery.base.redact import redact

    return {key: redact({key: value})[key] for key, value in effective(config).items()}


def _known(key: str, values: dict[str, Any]) -> str:
    from rookery.base.errors import NotFound

    if key in values:
        return key
    near = get_close_matches(key, values, n=1, cutoff=0)
    raise NotFound(f"there is no setting {key}; did you mean {near[0]}?")


def _show(values: dict[str, Any], origins: Any) -> None:
    rows = [(key, _as_text(value), *([origins[key]] if origins else [])) for key, value in values.items()]
    table(["setting", "value", *(["origin"] if origins else [])], rows)


def _as_text(value: Any) -> str:
    """As it would be written in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)
