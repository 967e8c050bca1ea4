"""Each check of configurations finds what it is for, and nothing in a sound one or in another system's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from rookery.domains.templates import load
from rookery.domains.templates.places import CHECKS
from rookery.mechanisms.engine import Match, Target, Template
from rookery.mechanisms.transport import MemoryFiles, Ports, run_templates

EXAMPLES: dict[str, dict[str, str]] = yaml.safe_load(
    (Path(__file__).parent / "configurations.yaml").read_text("utf-8")
)
LIBRARY = load([CHECKS])
FILE = "device:r1/running.conf"


def matches(template: Template, text: str) -> list[Match]:
    """What a check finds in a configuration."""
    ports = Ports(http=None, files=MemoryFiles({FILE: text.encode()}))  # type: ignore[arg-type]  # none is asked

    async def work() -> list[Any]:
        running = run_templates(ports, [template], [Target(FILE, is_file=True)], concurrency=1)
        return [match async for done in running for match in done.outcome.matches]

    with asyncio.Runner() as runner:
        return runner.run(work())


def test_every_check_runs_and_has_its_examples() -> None:
    assert LIBRARY.skipped == ()
    assert {template.id for template in LIBRARY.templates} == set(EXAMPLES)
    assert len(EXAMPLES) >= 40


@pytest.mark.parametrize("template", LIBRARY.templates, ids=lambda template: template.id)
def test_a_weak_configuration_is_found_and_a_sound_one_is_not(template: Template) -> None:
    example = EXAMPLES[template.id]
    assert [match.template_id for match in matches(template, example["weak"])] == [template.id]
    assert matches(template, example["sound"]) == []


@pytest.mark.parametrize("template", LIBRARY.templates, ids=lambda template: template.id)
def test_another_systems_configuration_is_not_looked_at(template: Template) -> None:
    system = template.id.partition("-")[0]
    for name, example in EXAMPLES.items():
        if name.partition("-")[0] != system:
            assert matches(template, example["weak"]) == [], name


@pytest.mark.parametrize("template", LIBRARY.templates, ids=lambda template: template.id)
def test_a_check_says_all_a_person_needs(template: Template) -> None:
    info = template.info
    assert template.path.endswith(f"/{template.id}.yaml")
    assert info.severity in {"info", "low", "medium", "high", "critical"}
    assert info.author == ("rookery",)
    assert info.description
    assert info.remediation
    assert info.classification.cwe_id
    assert "config" in info.tags
    assert not template.warnings
