"""scripts/template_coverage.py: of workflows, what they lack is told from what is not run."""

from __future__ import annotations

from pathlib import Path

from scripts.template_coverage import Workflows, workflows
from tests.domains.templates.files import check, write

STEPS = {
    "whole": ["http/here.yaml"],
    "lacking": ["http/here.yaml", "http/gone.yaml"],
    "nothing": ["http/gone.yaml"],
    "some": ["http/gone.yaml", "http/harmful.yaml"],
    "harmful": ["http/harmful.yaml"],
}


def test_workflows_that_miss_a_file_are_counted_apart(tmp_path: Path) -> None:
    write(tmp_path, "http/here.yaml", check(template_id="here"))
    write(tmp_path, "http/harmful.yaml", check(template_id="harmful", tags="dos"))
    files = {}
    for name, paths in STEPS.items():
        steps = "".join(f"  - template: {path}\n" for path in paths)
        text = f"id: {name}\ninfo: {{name: N, author: a}}\nworkflows:\n{steps}"
        files[name] = write(tmp_path, f"workflows/{name}.yaml", text)
    assert workflows(tmp_path) == Workflows(
        tried=5,
        lacking=1,
        reasons={
            "none of its first templates is in this folder": [files["nothing"]],
            "some of its first templates are not in this folder, and the others do not run": [files["some"]],
            "the tag dos is excluded": [files["harmful"]],
        },
    )
