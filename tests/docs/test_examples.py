"""What the documents show is true: Python parses, settings load, commands and their options exist."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

from rookery.base.config import load_config
from rookery.domains.devices.library import Library
from rookery.faces.cli.main import cli
from rookery.faces.cli.run import hoisted

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(r"^\$ (?:\w+=\S+ )*(rookery\b.*)$", re.MULTILINE)


def _blocks(language: str) -> list[object]:
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, (kind, block) in enumerate(_BLOCK.findall(page.read_text(encoding="utf-8")), 1)
        if kind == language
    ]


def _links() -> list[object]:
    return [
        pytest.param(page, target, id=f"{page.relative_to(ROOT)}-{target}")
        for page in PAGES
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("block", _blocks("python"))
def test_python_is_python(block: str) -> None:
    compile(block, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("block", _blocks("toml"))
def test_settings_and_platforms_load(block: str, tmp_path: Path) -> None:
    if block.startswith("title = "):
        folder = tmp_path / "platforms"
        folder.mkdir()
        (folder / "own.toml").write_text(block, encoding="utf-8")
        assert Library(tmp_path).get("own").title
        return
    path = tmp_path / "rookery.toml"
    path.write_text(block, encoding="utf-8")
    assert load_config(path, {})


@pytest.mark.parametrize("block", _blocks("console"))
def test_commands_exist_with_their_options(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files a command reads are there, as for the reader who has come so far."""
    monkeypatch.chdir(tmp_path)
    for line in _COMMAND.findall(block):
        for file in re.findall(r"(?:--(?:file|key)|devices import) ([\w.]+)", line):
            (tmp_path / file).touch()
        _parse(_words(line))


def _words(line: str) -> list[str]:
    """The arguments of the first command of a pipe."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if set(word) <= set("|&;<>"):
            break
        words.append(word)
    return words[1:]


def _parse(arguments: list[str]) -> None:
    """Parse as the shell does, down to the last command, running none."""
    command: click.Command = cli
    context, rest = None, hoisted(arguments)
    while isinstance(command, click.Group):
        context = command.make_context(command.name or "rookery", rest, parent=context)
        if not (left := [*context._protected_args, *context.args]):
            return
        _, found, rest = command.resolve_command(context, left)
        assert found is not None
        command = found
    try:
        command.make_context(command.name, rest, parent=context)
    except click.exceptions.Exit:  # --help
        return


@pytest.mark.parametrize(("page", "target"), _links())
def test_links_within_the_repository_lead_somewhere(page: Path, target: str) -> None:
    assert (page.parent / target).exists()


def test_every_page_is_in_the_index() -> None:
    """Decisions have an index of their own kind: their file names."""
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")}
    unlisted = {page for page in pages if f"({page})" not in index and not page.startswith("decisions/")}
    assert unlisted == {"README.md"}
