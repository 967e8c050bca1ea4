"""From the endpoints of a plan to the targets of templates: a URL is one, a folder has one for each file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rookery.base.redact import redact_text
from rookery.domains.scans.coverage import Outcome
from rookery.domains.scans.endpoints import is_path
from rookery.domains.scans.stored import is_stored, stored_files
from rookery.mechanisms.engine import Target
from rookery.mechanisms.hooks import Error, Item, Warning_
from rookery.mechanisms.texts import Texts
from rookery.mechanisms.transport import (
    Done,
    FileUnreadable,
    HostSkipped,
    HttpPort,
    OutOfScope,
    TooManyRedirects,
    TransportError,
    files_below,
    reach,
)


def targets_of(endpoint: str, texts: Texts | None = None) -> Iterator[Target]:
    """The targets of an endpoint; of a folder none that leads out of it. FileUnreadable for none."""
    if not is_path(endpoint):
        yield Target(endpoint)
        return
    if is_stored(endpoint):
        yield from (Target(file, is_file=True) for file in stored_files(endpoint, texts))
        return
    if not Path(endpoint).exists():
        raise FileUnreadable(f"{endpoint}: there is no such file or folder")
    for file in files_below(Path(endpoint)):
        yield Target(file, is_file=True)


def name_of(target: Target) -> str:
    """A target as findings and coverage name it: scheme, host, port as given, and the path it was given."""
    if target.is_file:
        return target.url
    return f"{target.scheme}://{target.netloc}{target.parts.path.rstrip('/')}"


async def trouble_of(port: HttpPort, target: Target) -> Item | None:
    """Why a target is no use over HTTP (Error), or what is odd about it (Warning), asked before all else."""
    try:
        page = await reach(port, target)
    except (TooManyRedirects, OutOfScope) as error:
        return Warning_(message=redact_text(f"{target.url}: {error}"))
    except TransportError as error:
        return Error(message=redact_text(f"{target.url} was not scanned: {error}"))
    if page.truncated:
        return Warning_(message=redact_text(f"{target.url}: its page is endless, or very long; it was cut"))
    return None


def outcome_of(done: Done) -> Outcome:
    """How a template ended on a target: one request without an answer, and it proves nothing."""
    failed = done.outcome.failed
    if not failed:
        return Outcome.OK
    return Outcome.SKIPPED if all(isinstance(error, HostSkipped) for error in failed) else Outcome.ERROR
