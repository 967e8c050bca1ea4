"""Plans that are to be run by a worker, some time, from wherever that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.domains.scans import service as scans
from rookery.domains.scans.errors import BadTarget, ProjectNotFound, TargetOutOfScope
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.schedules import service
from rookery.domains.schedules.errors import BadSchedule
from rookery.domains.schedules.scanning import lasting_plan
from rookery.domains.schedules.timing import Every
from tests.conftest import Call


def test_targets_and_templates_are_named_in_full(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    plan = call(lasting_plan, ScanPlan(endpoints=("127.0.0.1:9",), templates=(Path("mine"),)))
    assert (plan.endpoints, plan.templates) == (("http://127.0.0.1:9",), (tmp_path / "mine",))
    made = call(service.create, "nightly", Every(60), "scans.run", plan)
    assert made.payload["templates"] == [str(tmp_path / "mine")]


def test_a_project_is_scanned_as_it_will_be(call: Call) -> None:
    with pytest.raises(BadTarget, match="nothing to scan"):
        call(lasting_plan, ScanPlan())
    call(scans.add_endpoints, "default", ["127.0.0.1:9"])
    assert call(lasting_plan, ScanPlan()).endpoints == ()


def test_what_no_run_could_do_is_refused_when_it_is_scheduled(call: Call) -> None:
    with pytest.raises(TargetOutOfScope):
        call(lasting_plan, ScanPlan(endpoints=("192.0.2.1",)))
    with pytest.raises(ProjectNotFound):
        call(lasting_plan, ScanPlan(endpoints=("127.0.0.1:9",), project_id="nowhere"))
    with pytest.raises(BadSchedule, match="can be run once"):
        call(lasting_plan, ScanPlan(endpoints=("127.0.0.1:9",), run_id="mine"))
