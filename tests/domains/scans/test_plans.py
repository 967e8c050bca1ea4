"""A plan is looked at before it runs, in both worlds and on both databases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rookery.demo import WeakServer
from rookery.domains.scans import service
from rookery.domains.scans.errors import BadPlan
from rookery.domains.scans.plan import ScanPlan, generate_task_key
from rookery.domains.templates.places import SHIPPED
from rookery.domains.templates.rules import Selector
from tests.conftest import Call


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"concurrency": 0}, ">= 1 - at `concurrency`"),
        ({"timeout": -1.0}, ">= 0.1 - at `timeout`"),
        ({"rate_limit": -5.0}, ">= 0.0 - at `rate_limit`"),
        ({"priority": 99}, "<= 9 - at `priority`"),
        ({"severity_levels": ("hgh",)}, "info|low|medium|high"),
        ({"selection": Selector(exclude_severities=("worst",))}, "at `selection.exclude_severities"),
        ({"endpoints": "http://127.0.0.1"}, "Expected `array`, got `str` - at `endpoints`"),
    ],
)
def test_a_plan_with_a_value_that_makes_no_sense_is_refused_and_names_it(
    call: Call, wrong: dict[str, Any], said: str
) -> None:
    """Python takes them all: a scan of none at a time would never end."""
    with pytest.raises(BadPlan, match=re.escape(said)):
        call(service.submit_scan, ScanPlan(**{"endpoints": ("http://127.0.0.1",), **wrong}))


def test_a_plan_may_hold_lists_and_texts(call: Call, weak_server: WeakServer) -> None:
    given: Any = {"endpoints": [weak_server.url], "templates": [str(SHIPPED / "http")]}
    assert call(service.submit_scan, ScanPlan(**given, severity_levels=("Critical",))).finding_count == 2


# --- what makes two plans the same work

WHOLE = ScanPlan(
    endpoints=("http://127.0.0.1:1", "http://127.0.0.1:2"),
    project_id="lab",
    templates=(Path("/t/a"), Path("/t/b")),
    severity_levels=("high", "low"),
    selection=Selector(tags=("cve", "panel")),
    engine="nuclei",
)


def test_the_key_of_a_plan_is_a_whole_sha_256() -> None:
    assert re.fullmatch("[0-9a-f]{64}", generate_task_key(WHOLE))


@pytest.mark.parametrize(
    "said",
    [
        {"endpoints": ("http://127.0.0.1:2", "http://127.0.0.1:1", "http://127.0.0.1:2")},
        {"templates": (Path("/t/b"), Path("/t/a"))},
        {"severity_levels": ("low", "high")},
        {"severity_levels": ("LOW",), "selection": Selector(tags=("panel", "cve"), severities=("high",))},
        {"endpoints": list(WHOLE.endpoints), "templates": ["/t/a", "/t/b"]},
        {"priority": 1},
        {"run_id": "nightly"},
    ],
)
def test_the_same_work_has_the_same_key_however_it_is_said(said: dict[str, Any]) -> None:
    assert generate_task_key(replace(WHOLE, **said)) == generate_task_key(WHOLE)


@pytest.mark.parametrize(
    "different",
    [
        {"endpoints": ("http://127.0.0.1:1",)},
        {"endpoints": ("http://127.0.0.1:1,http://127.0.0.1:2",)},
        {"project_id": "default"},
        {"templates": ()},
        {"severity_levels": ("high",)},
        {"selection": Selector(exclude_tags=("cve", "panel"))},
        {"engine": "embedded"},
        {"rate_limit": 1.0},
        {"concurrency": 1},
        {"timeout": 1.0},
    ],
)
def test_other_work_has_another_key(different: dict[str, Any]) -> None:
    assert generate_task_key(replace(WHOLE, **different)) != generate_task_key(WHOLE)


def test_every_field_of_a_plan_has_its_say_but_those_that_are_not_of_the_work() -> None:
    """A field that is added must be thought of."""
    assert set(ScanPlan.__struct_fields__) - {"priority", "run_id"} == {
        "endpoints", "project_id", "templates", "severity_levels", "selection", "rate_limit", "concurrency",
        "timeout", "engine",
    }  # fmt: skip
