"""The verbs of scans and projects over the API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from rookery.domains.scans.document import FIGURES
from rookery.domains.scans.models import Endpoint, Project, Run, ScopeEntry
from rookery.domains.scans.openapi import Filling
from rookery.domains.scans.plan import ScanPlan, ScanResult
from rookery.domains.scans.remote import refuse_files
from rookery.domains.scans.service.importing import ApiEndpoints
from rookery.domains.scans.service.retesting import Retested
from rookery.domains.scans.store.projects import ProjectFigures
from rookery.faces.client.calls import (
    Arguments,
    Call,
    Calls,
    Contents,
    Steps,
    Streamed,
    at_home,
    delete,
    get,
    pages,
    post,
    tuples,
)
from rookery.faces.client.errors import OnlyAtHome
from rookery.faces.client.rows import row
from rookery.faces.client.waiting import awaits, submits
from rookery.mechanisms.artifacts import Artifact
from rookery.mechanisms.tasks.looking import TaskInfo

RUN, PROJECT = "/runs/{run_id}", "/projects/{project_id}"
DOCUMENT = dict[str, Any]
NOTHING = (None, (), "")
RESULT = get(f"{RUN}/result", reads=dict[str, ScanResult | None], then=lambda told: told["result"])


def _plan(arguments: Arguments) -> Arguments:
    """A plan as the API takes it: what is not said is left to the other machine."""
    _refuse_hooks(arguments)
    plan: ScanPlan = arguments["plan"]
    refuse_files(plan)
    chosen = _said(msgspec.structs.asdict(plan.wanted))
    parts = msgspec.structs.asdict(plan) | {"selection": chosen}
    return _said({name: parts[name] for name in parts if name not in {"templates", "severity_levels"}})


def _said(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value not in NOTHING}


def _refuse_hooks(arguments: Arguments) -> None:
    if arguments.pop("hooks", None) is not None:
        raise OnlyAtHome("Hooks run where the scan does: configure them there.")


def _result(task: TaskInfo) -> Steps:
    """Of the run of a task; what is in the task itself is shortened."""
    return (yield from RESULT({"run_id": task.id}, None))


def _retested(task: TaskInfo) -> Steps:
    runs: list[ScanResult] = []
    for run_id in task.result["runs"]:
        runs += [(yield from RESULT({"run_id": run_id}, None))]
    return Retested(**{**task.result, "unknown": tuple(task.result["unknown"]), "runs": tuple(runs)})


def _retest(arguments: Arguments) -> Arguments:
    _refuse_hooks(arguments)
    if arguments.pop("templates", ()):
        raise OnlyAtHome("A retest from afar takes the templates that are installed there.")
    return arguments


def _resumption(arguments: Arguments) -> Arguments:
    _refuse_hooks(arguments)
    return arguments


def _import(arguments: Arguments, answers: Any) -> Steps:
    """A file of this machine, sent."""
    _refuse_hooks(arguments)
    path = Path(arguments.pop("path"))
    text = (yield Contents(path)).content.decode(errors="replace")
    return (yield from post("/findings/import")(arguments | {"name": path.name, "text": text}, answers))


def _run(document: dict[str, Any]) -> Run:
    """A run, as it is stored there; its figures and errors are told in other places of its document."""
    counts = document["severities"] | {name: document[name] for name in FIGURES}
    errors = [{"message": message} for message in document["messages"]]
    return row(Run, document | {"counts": counts, "errors": errors})


def _runs(arguments: Arguments) -> Arguments:
    return {("project" if name == "project_id" else name): value for name, value in arguments.items()}


def _counts(arguments: Arguments, _answers: Any) -> Steps:
    found = yield from pages(f"{RUN}/coverage", reads=DOCUMENT)(arguments, None)
    return {each["target"]: (each["ok"], each["error"], each["skipped"]) for each in found}


def _template_ids(arguments: Arguments, _answers: Any) -> Steps:
    return tuple((yield from pages(f"{RUN}/templates", reads=str)(arguments, None)))


def _rows(model: type[Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda document: row(model, document)


def _figures(document: dict[str, Any]) -> ProjectFigures:
    return ProjectFigures(row(Project, document), document["endpoint_count"], document["run_count"])


def _project(arguments: Arguments) -> Arguments:
    return {("id" if name == "project_id" else name): value for name, value in arguments.items()}


def _texts(arguments: Arguments) -> Arguments:
    return {"endpoints": list(arguments["texts"])}


def _endpoints(told: dict[str, list[dict[str, Any]]]) -> list[Endpoint]:
    return [row(Endpoint, each) for each in told["items"]]


def _with_document(ask: Call) -> Call:
    """With an API's document: a URL is fetched there, a file is read here."""

    def steps(arguments: Arguments, answers: Any) -> Steps:
        source, filling = arguments["source"], arguments.pop("filling", None) or Filling()
        if "://" not in source and arguments.get("text") is None:
            arguments["text"] = (yield Contents(Path(source))).content.decode(errors="replace")
        filled = {"values": filling.by_name, "form": filling.form}
        return (yield from ask(arguments | filled, answers))

    return steps


class _ApiRead(msgspec.Struct):
    added: list[dict[str, Any]]
    found: ApiEndpoints


def _added(told: _ApiRead) -> tuple[list[Endpoint], ApiEndpoints]:
    return [row(Endpoint, each) for each in told.added], told.found


def _remove_endpoint(arguments: Arguments, answers: Any) -> Steps:
    """Those that are gone: what the other machine has before, and not after."""
    listed: Call = pages(f"{PROJECT}/endpoints", reads=DOCUMENT, then=_rows(Endpoint))
    project = {"project_id": arguments["project_id"]}
    before = yield from listed(dict(project), answers)
    yield from delete(f"{PROJECT}/endpoints")(arguments, None)
    left = {each.id for each in (yield from listed(dict(project), answers))}
    return [each for each in before if each.id not in left]


CALLS: Calls = {
    "submit_scan": awaits(submits(post, "/runs", sent=_plan), _result),
    "submit_scan_async": submits(post, "/runs", sent=_plan),
    "check_devices": submits(post, "/configurations/check", sent=_plan),
    "get_scan_result": RESULT,
    "resume_scan": awaits(submits(post, f"{RUN}/resume", sent=_resumption), _result),
    "resume_scan_async": submits(post, f"{RUN}/resume"),
    "try_template": at_home,
    "import_findings": _import,
    "retest": awaits(submits(post, "/findings/retest", sent=_retest), _retested),
    "runs": pages("/runs", sent=_runs, reads=DOCUMENT, then=_run),
    "run": get(RUN, reads=DOCUMENT, then=_run),
    "coverage": at_home,
    "coverage_counts": _counts,
    "template_ids": _template_ids,
    "artifacts": tuples(f"{RUN}/artifacts", Artifact),
    "read_artifact": Streamed(f"{RUN}/artifacts/{{name}}"),
    "prune_runs": post("/runs/prune", reads=dict[str, Any], then=lambda told: told["items"]),
    "add_to_scope": post("/scope", reads=DOCUMENT, then=_rows(ScopeEntry)),
    "remove_from_scope": delete("/scope"),
    "scope_entries": pages("/scope", reads=DOCUMENT, then=_rows(ScopeEntry)),
}
PROJECT_CALLS: Calls = {
    "list": pages("/projects", reads=DOCUMENT, then=_figures),
    "get": get(PROJECT, reads=DOCUMENT, then=_rows(Project)),
    "create": post("/projects", sent=_project, reads=DOCUMENT, then=_rows(Project)),
    "delete": delete(PROJECT),
    "endpoints": pages(f"{PROJECT}/endpoints", reads=DOCUMENT, then=_rows(Endpoint)),
    "add_endpoints": post(f"{PROJECT}/endpoints", sent=_texts, reads=DOCUMENT, then=_endpoints),
    "remove_endpoint": _remove_endpoint,
    "read_openapi": _with_document(post("/openapi/read")),
    "import_openapi": _with_document(post(f"{PROJECT}/openapi", reads=_ApiRead, then=_added)),
}
