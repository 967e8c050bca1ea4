"""How many of a folder's http templates compile and run, and why the others do not.

    python -m scripts.template_coverage FOLDER

Of its workflows it is counted how many run, and how many miss a template that the folder does not have.

Templates that need out-of-band interaction, or talk to third parties, are left out of the count, as are those
for fuzzing. Each of the others is compiled and run, on answers made up here; nothing is sent anywhere."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from rookery.domains.templates import Skipped, load
from rookery.domains.templates.payloadfiles import LibraryFiles
from rookery.mechanisms.engine import (
    Answers,
    Ask,
    Burst,
    Request,
    RequestFailed,
    Response,
    Target,
    Template,
    TemplateError,
    UnsupportedTemplate,
    execute,
    load_template,
)

WORKFLOW = re.compile(rb"^workflows:", re.MULTILINE)
NOT_HERE = "there is no template"
HTTP = re.compile(rb"^(?:http|requests):", re.MULTILINE)
LEFT_OUT = {
    "out-of-band": re.compile(rb"interactsh"),
    "self-contained": re.compile(rb"^\s*self-contained:\s*true", re.MULTILINE),
    "fuzzing": re.compile(rb"^\s*fuzzing:", re.MULTILINE),
}
MOST_REQUESTS = 200  # of one template; what a longer one does further on, it has done before
PAGE = Response(
    200,
    "OK",
    (("Content-Type", "text/html"), ("Set-Cookie", "session=1")),
    b"<html><title>Hello</title><input name='token' value='t0k3n'>version: 1.2.3 {\"id\": 5}</html>",
)


class Coverage(NamedTuple):
    """How many http templates were tried, the files of those that do not run by reason, and how many of what
    was not counted."""

    tried: int
    reasons: dict[str, list[Path]]
    left_out: Counter[str]

    @property
    def share(self) -> float:
        """Of those counted, how many run: 0 to 1."""
        return 1 - sum(map(len, self.reasons.values())) / max(self.tried, 1)


def coverage(folder: Path) -> Coverage:
    """Try each http template of a folder."""
    left_out: Counter[str] = Counter()
    reasons: defaultdict[str, list[Path]] = defaultdict(list)
    count = 0
    for path in sorted(folder.rglob("*.yaml")):
        data = path.read_bytes()
        if not HTTP.search(data):
            continue
        why = next((name for name, pattern in LEFT_OUT.items() if pattern.search(data)), None)
        if why:
            left_out[why] += 1
            continue
        count += 1
        if reason := trouble(data, path, folder):
            reasons[reason].append(path)
    return Coverage(count, reasons, left_out)


class Workflows(NamedTuple):
    """How many workflows were tried, how many of those that run lack templates that are not in the folder,
    and the files of those that do not run, by reason."""

    tried: int
    lacking: int
    reasons: dict[str, list[Path]]


def workflows(folder: Path) -> Workflows:
    """Read each workflow of a folder, with its templates."""
    files = [path for path in sorted(folder.rglob("*.yaml")) if WORKFLOW.search(path.read_bytes())]
    library = load(files, lenient=True)
    reasons: defaultdict[str, list[Path]] = defaultdict(list)
    for one in library.skipped:
        reasons[_why(one, folder)].append(Path(one.path))
    lacking = sum(any(NOT_HERE in line for line in each.warnings) for each in library.templates)
    return Workflows(len(files), lacking, reasons)


def main(folder: Path) -> int:
    """Print the share and the reasons; the exit status is 0 when 97 % run."""
    started = time.process_time()
    found = coverage(folder)
    seconds = time.process_time() - started
    click.echo(f"{found.share:.2%} of {found.tried:,} http templates run ({seconds:.1f} s of CPU)")
    not_counted = ", ".join(f"{number} {why}" for why, number in found.left_out.most_common())
    click.echo(f"not counted: {not_counted or 'none'}")
    _list(found.reasons, folder)
    flows = workflows(folder)
    running = flows.tried - sum(map(len, flows.reasons.values()))
    lacking = f"{flows.lacking} of them without templates that are not in this folder"
    click.echo(f"{running} of {flows.tried} workflows run, {lacking}")
    _list(flows.reasons, folder)
    return 0 if found.share >= 0.97 else 1


def _list(reasons: Mapping[str, Sequence[Path]], folder: Path) -> None:
    for reason, paths in sorted(reasons.items(), key=lambda item: -len(item[1])):
        click.echo(f"{len(paths):5}  {reason}  ({paths[0].relative_to(folder)})")


def _why(skipped: Skipped, folder: Path) -> str:
    """Why a workflow does not run: what it names is not there, or the cause of what is said."""
    try:
        steps = load_template(Path(skipped.path).read_bytes(), path=skipped.path).workflow
    except (TemplateError, UnsupportedTemplate) as error:
        return error.reason
    absent = [bool(step.template) and not (folder / step.template).exists() for step in steps]
    if all(absent):
        return "none of its first templates is in this folder"
    if any(absent):
        return "some of its first templates are not in this folder, and the others do not run"
    return skipped.reason.rpartition(": ")[2]


def trouble(data: bytes, path: Path, folder: Path) -> str:
    """Why a template does not run; empty when it does."""
    try:
        run(load_template(data, path=str(path), files=LibraryFiles(folder)))
    except (TemplateError, UnsupportedTemplate) as error:
        return re.sub(r"'[^']*'", "'…'", error.reason)
    except Exception as error:  # noqa: BLE001 -- what it is that goes wrong is the result
        return f"FAILS: {type(error).__name__}: {error}"
    return ""


def run(template: Template) -> None:
    """Run a template on made-up answers."""
    running = execute(template, Target("http://127.0.0.1:8080/app"))
    try:
        ask = next(running)
        for _ in range(MOST_REQUESTS):
            ask = running.send(answer(ask))
    except StopIteration:
        return
    running.close()


def answer(ask: Ask) -> Answers:
    """The same page for every request, and nothing for what is asked over other protocols."""
    if isinstance(ask, Burst):
        return (PAGE,) * len(ask.requests)
    return PAGE if isinstance(ask, Request) else RequestFailed(LookupError("not asked here"))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m scripts.template_coverage FOLDER")
    sys.exit(main(Path(sys.argv[1])))
