"""Retesting: the template of a finding, on its target, again; what follows is what follows from any run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from rookery.domains.findings import store as findings
from rookery.domains.findings.errors import FindingNotFound
from rookery.domains.findings.lapsing import end_acceptances
from rookery.domains.findings.models import Finding
from rookery.domains.scans.errors import BadTarget
from rookery.domains.scans.plan import EMBEDDED, ScanPlan, ScanResult
from rookery.domains.scans.service.submitting import submit_scan
from rookery.domains.templates.errors import TemplatesNotFound
from rookery.domains.templates.rules import Selector
from rookery.mechanisms.dual import dual
from rookery.mechanisms.hooks import Hooks
from rookery.mechanisms.rook import Rook

MOST = 1_000
"""Findings that one retest takes on; more are what a scan is for."""


class Retested(msgspec.Struct, frozen=True):
    """What a retest showed: of so many findings, how many were seen again, and how many are fixed by now.

    `unknown` are the ids of templates that are not there to be run; `runs` what came of each run it took.
    """

    chosen: int
    seen: int
    fixed: int
    unknown: tuple[str, ...]
    runs: tuple[ScanResult, ...]


@dual
def retest(
    rook: Rook,
    /,
    filter_: str,
    *,
    templates: tuple[Path, ...] = (),
    include_tags: tuple[str, ...] = (),
    engine: str = EMBEDDED,
    hooks: Hooks | None = None,
) -> Retested:
    """Run the templates of the findings that a filter chooses on their targets again, within the scope.

    `templates` are the files or folders to find them in (none: those that are installed), `include_tags` lets
    in what is left out by default, as for a scan; `hooks` hear every run. A finding whose check is completed
    and does not see it any more is fixed; one that cannot be checked stays as it is. Raises FilterNotValid,
    FindingNotFound, TemplatesNotFound, and what submit_scan raises.
    """
    from rookery.domains.templates import open_library  # which imports the engine

    chosen = _chosen(rook, filter_)
    library = rook.offload(open_library, templates, rook.data_dir, rook.config.templates)
    files: defaultdict[str, list[Path]] = defaultdict(list)
    for template in library.templates:
        files[template.id].append(Path(template.path))
    unknown = tuple(sorted({finding.template_id for finding in chosen} - files.keys()))
    plans = list(
        _plans(chosen, files, ScanPlan(engine=engine, selection=Selector(include_tags=include_tags)))
    )
    if not plans:
        raise TemplatesNotFound(f"No such template here: {', '.join(unknown[:3])}. Say where with -t.")
    runs = tuple(submit_scan(rook, plan, hooks=hooks) for plan in plans)
    ids = {run.run_id for run in runs}
    after = [findings.get(rook, finding.id) for finding in chosen]
    fixed = sum(new.state == "fixed" != old.state for old, new in zip(chosen, after, strict=True))
    return Retested(len(chosen), sum(new.last_run_id in ids for new in after), fixed, unknown, runs)


def _chosen(rook: Rook, filter_: str) -> list[Finding]:
    end_acceptances(rook)
    chosen = findings.list_(rook, filter_, limit=MOST + 1)
    if not chosen:
        raise FindingNotFound(f"No finding fits {filter_!r}. `rookery findings list` shows what there is.")
    if len(chosen) > MOST:
        raise BadTarget(f"The filter chooses more than {MOST} findings: scan their targets instead.")
    return chosen


def _plans(chosen: Iterable[Finding], files: Mapping[str, list[Path]], how: ScanPlan) -> Iterator[ScanPlan]:
    """One for each set of templates: its targets, in the project they belong to."""
    wanted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for finding in chosen:
        if finding.template_id in files:
            wanted[finding.project_id, finding.target].add(finding.template_id)
    targets: defaultdict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for (project, target), ids in wanted.items():
        targets[project, frozenset(ids)].append(target)
    for (project, template_ids), endpoints in targets.items():
        yield replace(
            how,
            endpoints=tuple(endpoints),
            project_id=project,
            templates=tuple(file for id_ in sorted(template_ids) for file in files[id_]),
        )
