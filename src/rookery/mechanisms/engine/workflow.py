"""Workflows: templates that run because others matched. As YAML says it (specs), and with their templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.names import names
from rookery.mechanisms.engine.reader import Reader

if TYPE_CHECKING:
    from rookery.mechanisms.engine.template import Template

STEP_KEYS = names("template tags matchers subtemplates")
GATE_KEYS = names("name condition subtemplates")
DEEPEST = 10
MOST_TEMPLATES = 20_000  # of one workflow, each counted as often as it is named


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One entry of `workflows` or `subtemplates`: a template's path or tags, and what runs if it matches."""

    template: str = ""
    tags: tuple[str, ...] = ()
    gates: tuple[GateSpec, ...] = ()
    steps: tuple[StepSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class GateSpec:
    """One entry of `matchers`: what runs when a matcher or extractor of one of these names found something;
    with `is_and`, when all did."""

    names: tuple[str, ...]
    is_and: bool = False
    steps: tuple[StepSpec, ...] = ()

    def opens(self, found: frozenset[str]) -> bool:
        """Whether it opens for these names."""
        return found.issuperset(self.names) if self.is_and else not found.isdisjoint(self.names)


def read_steps(reader: Reader, key: str, depth: int = 1) -> tuple[StepSpec, ...]:
    """The steps in a list of a workflow."""
    if depth > DEEPEST:
        raise reader.error(f"a workflow may be {DEEPEST} levels deep", key)
    return tuple(_read_step(step, depth) for step in reader.children(key, "the workflow's step"))


def _read_step(reader: Reader, depth: int) -> StepSpec:
    reader.refuse_unknown_keys(STEP_KEYS)
    step = StepSpec(
        template=reader.text("template").strip(),
        tags=tuple(tag.lower() for tag in reader.words("tags")),
        gates=tuple(
            _read_gate(gate, depth) for gate in reader.children("matchers", "the workflow's matcher")
        ),
        steps=read_steps(reader, "subtemplates", depth + 1),
    )
    if not step.template and not step.tags:
        raise reader.error("a workflow's step needs 'template' or 'tags'")
    return step


def _read_gate(reader: Reader, depth: int) -> GateSpec:
    reader.refuse_unknown_keys(GATE_KEYS)
    return GateSpec(
        names=reader.words("name"),
        is_and=reader.choice("condition", ("or", "and"), "or") == "and",
        steps=read_steps(reader, "subtemplates", depth + 1),
    )


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """A step with its templates; after `gates` and `steps` its own matches are not reported."""

    templates: tuple[Template, ...]
    gates: tuple[tuple[GateSpec, tuple[WorkflowStep, ...]], ...] = ()
    steps: tuple[WorkflowStep, ...] = ()

    @property
    def all_templates(self) -> Iterator[Template]:
        """Every template at or below it, as often as it is named."""
        yield from self.templates
        for step in (*self.steps, *(step for _, steps in self.gates for step in steps)):
            yield from step.all_templates


Find = Callable[[StepSpec], tuple[tuple["Template", ...], tuple[str, ...]]]


@dataclass(slots=True)
class _Linking:
    find: Find
    missing: list[str] = field(default_factory=list)
    count: int = 0

    def steps(self, specs: tuple[StepSpec, ...]) -> tuple[WorkflowStep, ...]:
        return tuple(self.step(spec) for spec in specs)

    def step(self, spec: StepSpec) -> WorkflowStep:
        templates, missing = self.find(spec)
        self.missing += [reason for reason in missing if reason not in self.missing]
        self.count += len(templates)
        if self.count > MOST_TEMPLATES:
            raise UnsupportedTemplate(f"the workflow names more than {MOST_TEMPLATES:,} templates")
        gates = tuple((gate, self.steps(gate.steps)) for gate in spec.gates)
        return WorkflowStep(templates, gates, self.steps(spec.steps))


def link_workflow(workflow: Template, find: Find) -> Template:
    """A workflow with its templates, as `find` gives them for a step beside the reasons for those it cannot
    give. Those reasons become warnings; UnsupportedTemplate when nothing is left that could run first."""
    linking = _Linking(find)
    steps = linking.steps(workflow.workflow)
    if not any(step.templates for step in steps):
        reason = linking.missing[0] if linking.missing else "it names none"
        raise UnsupportedTemplate(
            f"none of the workflow's first templates can be run: {reason}", path=workflow.path
        )
    every = [template for step in steps for template in step.all_templates]
    return replace(
        workflow,
        steps=steps,
        missing=tuple(linking.missing),
        protocols=frozenset().union(*(template.protocols for template in every)),
        request_count=sum(template.request_count for template in every),
        warnings=(*workflow.warnings, *(f"{workflow.path}: {reason}" for reason in linking.missing)),
    )
