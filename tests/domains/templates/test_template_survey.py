"""What can be said of template files: each has a verdict, and says what it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.domains.templates.describing import described
from rookery.domains.templates.errors import TemplateNotFound
from rookery.domains.templates.places import SHIPPED
from rookery.domains.templates.reading import file_of, look_at, show
from rookery.domains.templates.signatures import Trust
from rookery.domains.templates.survey import Surveyed, summed_up, survey
from tests.domains.templates.files import check, write

OFFICIAL = Path(__file__).parent / "signed" / "keycloak-json.yaml"
BROWSER = (
    "id: browser\ninfo: {name: b, author: 'x,y', severity: high, tags: 'a,b'}\n"
    "headless: [{steps: [{action: navigate}]}]\n"
)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Surveyed]:
    write(tmp_path, "good.yaml", check(tags="a,dos"))
    write(tmp_path, "browser.yaml", BROWSER)
    write(tmp_path, "broken.yaml", "id: broken\ninfo: {name: n, author: x}\nhttp:\n- path: [x]\n  pth: [y]\n")
    write(tmp_path, "odd.yaml", check().replace("name: 'n'", "name: 'n', nmae: x"))
    write(tmp_path, "signed.yaml", OFFICIAL.read_bytes())
    return {Path(one.path).name: one for one in survey([tmp_path], Trust())}


def test_every_file_runs_is_unsupported_or_is_invalid(files: dict[str, Surveyed]) -> None:
    assert {name: file.verdict for name, file in files.items()} == {
        "broken.yaml": "invalid",
        "browser.yaml": "unsupported",
        "good.yaml": "runs",
        "odd.yaml": "runs",
        "signed.yaml": "runs",
    }


def test_what_does_not_run_says_why_and_where(files: dict[str, Surveyed]) -> None:
    broken, browser = files["broken.yaml"], files["browser.yaml"]
    assert (broken.line, broken.reason) == (
        5,
        "unknown key 'pth' in the http block; did you mean 'path'?",
    )
    assert browser.reason.startswith("the headless protocol is not run")
    assert files["odd.yaml"].warnings == ("unknown key 'nmae' in info; did you mean 'name'?",)


def test_a_workflow_says_what_it_runs_and_which_of_it_there_is_not(tmp_path: Path) -> None:
    write(tmp_path, "one.yaml", check(template_id="one"))
    head = "id: flow\ninfo: {name: f, author: x, severity: info}\nworkflows:\n- template: one.yaml\n"
    gates = (
        "  matchers:\n  - {name: [a, b], subtemplates: [{tags: 'x,y'}]}\n"
        "  - {name: c, subtemplates: [{template: none.yaml}]}\n"
    )
    flow = write(tmp_path, "flow.yaml", head + gates)
    shown = show(str(flow), tmp_path / "data", [])
    assert (shown.file.verdict, shown.file.warnings) == (
        "runs",
        (f"{tmp_path} has no template with the tag x or y", "there is no template 'none.yaml'"),
    )
    assert [*described(shown)][-6:] == [
        "workflow:",
        "  one.yaml",
        "    where a or b matched:",
        "      all with the tag x,y",
        "    where c matched:",
        "      none.yaml",
    ]
    [first] = survey([flow], Trust())
    assert first.warnings == shown.file.warnings


def test_a_workflow_of_which_nothing_could_run_first_is_unsupported(tmp_path: Path) -> None:
    flow = write(
        tmp_path, "flow.yaml", "id: flow\ninfo: {name: f, author: x}\nworkflows:\n- template: none.yaml\n"
    )
    [one] = survey([flow], Trust())
    assert (one.verdict, "there is no template 'none.yaml'" in one.reason) == ("unsupported", True)


def test_what_is_unsupported_still_says_what_it_is_about(files: dict[str, Surveyed]) -> None:
    browser = files["browser.yaml"]
    assert (browser.id, browser.severity, browser.author) == ("browser", "high", ("x", "y"))
    assert (browser.tags, browser.protocols, browser.signature) == (("a", "b"), ("headless",), "not signed")
    assert files["signed.yaml"].signature == "signed by projectdiscovery/nuclei-templates"


def test_many_files_in_numbers(files: dict[str, Surveyed]) -> None:
    stats = summed_up(list(files.values()))
    assert (stats.files, stats.runs, stats.unsupported, stats.invalid) == (5, 3, 1, 1)
    assert (stats.runs_percent, stats.excluded_by_default) == (75.0, 1)
    assert stats.protocols == {"http": 3, "headless": 1}
    assert stats.severities == {"low": 2, "high": 1, "info": 1}
    assert stats.tags["a"] == 3
    assert sum(stats.reasons.values()) == 2
    assert stats.signatures["not signed"] == 3


def test_nothing_in_numbers() -> None:
    assert summed_up([]).runs_percent == 0


def test_the_shipped_templates_all_run(tmp_path: Path) -> None:
    files = look_at([], tmp_path, [])
    assert {file.verdict for file in files} == {"runs"}
    assert {file.signature for file in files} == {"ships with Rookery"}


def test_a_template_is_found_by_its_id_or_its_path(tmp_path: Path) -> None:
    mine = write(tmp_path, "templates/deep/mine.yaml", check(template_id="my-check"))
    assert file_of("my-check", tmp_path) == mine
    assert file_of("deep/mine.yaml", tmp_path) == mine
    assert file_of(str(mine), tmp_path) == mine
    assert file_of("git-config-exposed", tmp_path).is_relative_to(SHIPPED)


@pytest.mark.parametrize("name", ["no-such", "my", "my-check.*", "deep", ""])
def test_what_is_no_template_is_not_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, "templates/deep/mine.yaml", check(template_id="my-check"))
    write(tmp_path, "templates/deep/other.yaml", check(template_id="other"))
    with pytest.raises(TemplateNotFound, match="rookery templates list"):
        file_of(name, tmp_path)


def test_a_template_is_shown_with_what_it_sends_and_looks_for(tmp_path: Path) -> None:
    lines = list(described(show("git-config-exposed", tmp_path, [])))
    assert "verdict      runs" in lines
    assert "  GET {{BaseURL}}/.git/config" in lines
    assert "  match status '200'" in lines
    assert any(line.startswith("  and not regex ") for line in lines)
    assert all(len(line) < 2000 for line in lines)
