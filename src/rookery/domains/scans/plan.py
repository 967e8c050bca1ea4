"""What to scan and with what, and what came of it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from rookery.base.structs import ready
from rookery.domains.scans.errors import BadPlan
from rookery.domains.templates.rules import Selector, SeverityWord

EMBEDDED = "embedded"


class ScanPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to scan, and with what.

    `endpoints` are URLs, hosts, host:port pairs, or paths of files (none: those of the project), `templates`
    files or folders of nuclei-format templates (none: all that are installed), `severity_levels` nuclei's
    words (none: all), `selection` which of these templates are wanted. `rate_limit` is in requests per second
    over all endpoints (0: no limit), `concurrency` in requests under way, `timeout` in seconds per answer;
    None takes what is configured. `engine` names the tool that runs it, `priority` goes from 1 (first) to 9.
    `run_id` is the id of the one run of this plan; without it, the plan can be run as often as you like, and
    each run gets its own id. What a field may not be is said when the plan is run.
    """

    endpoints: tuple[str, ...] = ()
    project_id: str = "default"
    templates: tuple[Path, ...] = ()
    severity_levels: tuple[SeverityWord, ...] = ()
    selection: Selector = Selector()
    priority: Annotated[int, Meta(ge=1, le=9)] = 5
    rate_limit: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    timeout: Annotated[float, Meta(ge=0.1, le=600)] | None = None
    engine: str = EMBEDDED
    run_id: str = ""

    @property
    def wanted(self) -> Selector:
        """The selection with the severities."""
        return replace(self.selection, severities=(*self.selection.severities, *self.severity_levels))


class ResumePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Which run is to go on; its endpoints are those of its own plan."""

    run_id: str
    endpoints: tuple[str, ...] = ()


class ScanResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a scan.

    `success` is false when it was interrupted, broke off or reached no target; `error` then says why. Errors
    at some targets (`errors`, one line each) do not make it unsuccessful. `severities` counts findings by
    word, `skipped` templates by reason, `coverage` pairs of target and template by outcome (ok, error,
    skipped), `unreached_count` endpoints that gave no answer at all.
    """

    run_id: str
    success: bool
    endpoint_count: int
    unreached_count: int
    template_count: int
    request_count: int
    finding_count: int
    severities: dict[str, int]
    skipped: dict[str, int]
    errors: tuple[str, ...]
    error_count: int
    duration_ms: int
    error: str = ""
    project_id: str = "default"
    engine: str = EMBEDDED
    engine_version: str = ""
    coverage: dict[str, int] = msgspec.field(default_factory=dict)


def checked(plan: ScanPlan) -> ScanPlan:
    """The plan, every field of which is what it may be: Python does not look at that. Raises BadPlan."""
    try:
        return decode_plan(encode_plan(plan))
    except msgspec.ValidationError as error:
        raise BadPlan(f"The scan plan is not valid: {str(error).replace('`$.', '`')}.") from None


def generate_task_key(plan: ScanPlan) -> str:
    """What two plans share that ask for the same work: a SHA-256, in hex, of all that says what is scanned.

    Neither the order of targets, templates and words matters, nor how urgent it is, nor the run's id.
    """
    plan = checked(plan)
    severities = tuple(word.lower() for word in plan.wanted.severities)
    selection = replace(plan.selection, severities=severities)
    work = replace(plan, selection=selection, severity_levels=(), priority=5, run_id="")
    canonical = msgspec.json.encode(_unordered(msgspec.to_builtins(work, enc_hook=str)), order="sorted")
    return sha256(canonical).hexdigest()


def _unordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unordered(each) for name, each in value.items()}
    return sorted(set(value)) if isinstance(value, list | tuple) else value


def encode_plan(plan: ScanPlan) -> str:
    """A plan as JSON, as a run keeps it."""
    return msgspec.json.encode(plan, enc_hook=str).decode()


def decode_plan(text: str) -> ScanPlan:
    """The plan in what `encode_plan` returned. Raises msgspec.ValidationError for anything else."""
    return msgspec.json.decode(text, type=ready(ScanPlan), dec_hook=_read)


def _read(kind: type, value: Any) -> Any:
    if issubclass(kind, Path):
        return kind(value)
    raise NotImplementedError(f"a plan has no {kind.__name__}")
