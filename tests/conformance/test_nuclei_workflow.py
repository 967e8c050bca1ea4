"""nuclei's integration tests of workflows (cmd/integration-test/workflow.go)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rookery.domains.templates import load
from rookery.mechanisms.engine import Outcome, Template, UnsupportedTemplate, execution
from tests.conformance.running import NUCLEI, outcome_of
from tests.conformance.servers import Page, Served, dns_server, http_server

TEXT = "This is test matcher text"


def workflow(name: str) -> Template:
    """A workflow with its templates."""
    [template] = load([NUCLEI / "workflow" / f"{name}.yaml"]).templates
    return template


def run(name: str, pages: dict[str, Page], *, host: str = "127.0.0.1") -> tuple[Outcome, Served]:
    """What a workflow comes to on a server with these pages, and what that was asked."""

    async def work() -> tuple[Outcome, Served]:
        zone = {
            ("localhost.", "A"): ["127.0.0.1"],
            ("blog.projectdiscovery.io.", "PTR"): ["blog.projectdiscovery.io."],
        }
        cookies = {"/http1": "http1=http1", "/http2": "http2=http2"}
        async with dns_server(zone) as names, http_server(pages, cookies=cookies) as web:
            url = f"http://{host}:{web.port}"
            return await outcome_of(workflow(name), url, resolvers=[f"127.0.0.1:{names.port}"]), web

    with asyncio.Runner() as runner:
        return runner.run(work())


@pytest.mark.parametrize(
    ("name", "reported", "requests"),
    [
        ("basic", ["basic-get", "basic-get-another"], 2),
        ("condition-matched", ["basic-get-another"], 2),
        ("condition-unmatched", [], 1),
        ("matcher-name", ["basic-get"], 2),
        ("complex-conditions", ["basic-get-third", "basic-get-third"], 6),
    ],
)
def test_templates_run_when_those_above_them_matched(name: str, reported: list[str], requests: int) -> None:
    outcome, web = run(name, {"/": TEXT})
    assert [match.template_id for match in outcome.matches] == reported
    assert len(web.asked) == outcome.sent == requests


def echo(_target: str, _cookie: str, body: str) -> str:
    """The body of the request."""
    return body


def test_what_was_extracted_is_known_further_down() -> None:
    outcome, web = run("http-value-share-workflow", {"/path1": 'href="test-value"', "/path2": echo})
    assert [match.template_id for match in outcome.matches] == ["value-sharing-template2"]
    assert web.asked == ["/path1", "/path2"]


def test_what_dns_told_is_known_to_http() -> None:
    outcome, web = run(
        "dns-value-share-workflow",
        {"/": lambda *asked: "ok" if "127.0.0.1" in asked[2] else ""},
        host="localhost",
    )
    assert [match.template_id for match in outcome.matches] == ["value-sharing-template2"]
    assert web.asked == ["/"]


def test_a_template_of_several_protocols_knows_what_the_one_above_it_found() -> None:
    pages: dict[str, Page] = {
        "/path1": 'href="blog.projectdiscovery.io"',
        "/path2": lambda target, *_: target.partition("extracted=")[2],
    }
    outcome, _ = run("multiprotocol-value-share-workflow", pages)
    assert [match.kind for match in outcome.matches] == ["dns", "http"]


def test_each_match_goes_through_a_gate_with_the_values_it_was_found_with() -> None:
    bodies: list[str] = []

    def remember(_target: str, _cookie: str, body: str) -> str:
        bodies.append(body)
        return "test-value"

    pages: dict[str, Page] = {
        "/": TEXT,
        "/path1": lambda target, *_: f'href="test-value-{target[-1]}"',
        "/path2": remember,
    }
    outcome, _ = run("multimatch-value-share-workflow", pages)
    assert len(outcome.matches) == 3
    assert bodies == ["test-value-2", "test-value-1", "test-value-2"]


def test_a_workflow_that_multiplies_without_end_is_cut_short_and_has_proved_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execution, "MOST_EXECUTIONS", 4)
    pages: dict[str, Page] = {"/": TEXT, "/path1": 'href="test-value-1"', "/path2": "test-value"}
    outcome, _ = run("multimatch-value-share-workflow", pages)
    assert [str(error).partition(" on ")[0] for error in outcome.failed] == ["the workflow ran 4 templates"]


def test_cookies_are_shared_and_a_template_that_is_not_run_is_named() -> None:
    cookies: list[str] = []

    def remember(_target: str, cookie: str, _body: str) -> str:
        cookies.append(cookie)
        return ""

    run("shared-cookie", {"/http1": "", "/http2": "", "/http3": remember})
    assert cookies == ["http1=http1; http2=http2"]
    [warning] = [text for text in workflow("shared-cookie").warnings if "headless" in text]
    assert "headless-1.yaml is not run: the headless protocol is not run" in warning


def test_a_workflow_of_which_nothing_can_be_run_says_so() -> None:
    with pytest.raises(
        UnsupportedTemplate, match=r"none of the workflow's first templates can be run: .*the code protocol"
    ):
        workflow("code-value-share-workflow")


HEAD = "id: {id}\ninfo:\n  name: A check\n  author: someone\n  tags: {tags}\n"
GET = "http:\n- path: ['{{{{BaseURL}}}}/']\n  matchers: [{{type: status, status: [200]}}]\n"


def collection(folder: Path, steps: str, **tags: str) -> Path:
    """A workflow in a collection of templates with these tags; the workflow's file."""
    (folder / "http").mkdir()
    (folder / "workflows").mkdir()
    for name, words in tags.items():
        (folder / "http" / f"{name}.yaml").write_text((HEAD + GET).format(id=name, tags=words))
    file = folder / "workflows" / "check.yaml"
    file.write_text(HEAD.format(id="flow", tags="x") + f"workflows:\n{steps}")
    return file


def names_of(template: Template) -> list[str]:
    """The ids of all templates of a workflow."""
    return [one.id for step in template.steps for one in step.all_templates]


def test_tags_choose_among_the_collection_and_harmful_ones_never(tmp_path: Path) -> None:
    steps = "- template: http/first.yaml\n  subtemplates:\n  - tags: apache,nginx\n"
    file = collection(
        tmp_path, steps, first="tech", one="apache,rce", two="nginx", three="iis", four="apache,dos"
    )
    [template] = load([file]).templates
    assert names_of(template) == ["first", "one", "two"]
    assert any("four.yaml is not run: the tag dos is excluded" in text for text in template.warnings)


def test_what_is_harmful_runs_where_it_was_asked_for(tmp_path: Path) -> None:
    file = collection(tmp_path, "- template: http/first.yaml\n", first="tech,intrusive")
    with pytest.raises(UnsupportedTemplate, match="the tag intrusive is excluded"):
        load([file])
    [template] = load([file], include_tags=["Intrusive"]).templates
    assert names_of(template) == ["first"]


def test_a_workflow_of_tags_alone_chooses_in_the_collection_it_lies_in(tmp_path: Path) -> None:
    file = collection(tmp_path, "- tags: apache\n", one="apache", two="nginx")
    [template] = load([file]).templates
    assert names_of(template) == ["one"]


def test_a_folder_that_is_no_collection_is_not_searched_for_tags(tmp_path: Path) -> None:
    """Above `workflows` there may be anything, a whole home for instance."""
    file = collection(tmp_path, "- tags: apache\n", one="apache")
    (tmp_path / "http").rename(tmp_path / "elsewhere")
    with pytest.raises(UnsupportedTemplate, match="has no template with the tag apache"):
        load([file])


@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("http/a?.yaml", ["a1", "a2"]),
        ("http/*.yaml", ["a1", "a2", "b"]),
        ("http/**", ["a1", "a2", "b"]),
        ("a1.yaml", ["a1"]),
        ("a*.yaml", []),
        ("*/a1.yaml", []),
    ],
)
def test_paths_may_have_wildcards_and_be_of_the_time_before_protocols_had_folders(
    tmp_path: Path, name: str, reached: list[str]
) -> None:
    steps = f"- template: '{name}'\n- template: http/b.yaml\n"
    file = collection(tmp_path, steps, a1="x", a2="x", b="x")
    [template] = load([file]).templates
    assert names_of(template) == [*reached, "b"]


@pytest.mark.parametrize("name", ["../../secret.yaml", "/etc/secret.yaml", "http/none.yaml", "http/\0.yaml"])
def test_paths_that_lead_nowhere_or_out_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "secret.yaml").write_text((HEAD + GET).format(id="secret", tags="x"))
    file = collection(tmp_path, f"- template: {name!r}\n".replace("'", '"'), first="tech")
    with pytest.raises(UnsupportedTemplate, match="there is no template"):
        load([file])


def test_workflows_in_circles_and_without_bottom_are_refused(tmp_path: Path) -> None:
    file = collection(tmp_path, "- template: workflows/check.yaml\n", first="tech")
    with pytest.raises(UnsupportedTemplate, match="it is a workflow itself"):
        load([file])


def test_beside_templates_a_workflow_is_left_out_with_its_reason(tmp_path: Path) -> None:
    collection(tmp_path, "- template: http/first.yaml\n", first="tech")
    library = load([tmp_path])
    assert [template.id for template in library.templates] == ["first"]
    assert [one.reason for one in library.skipped] == [
        "not run: a workflow runs when its file, or a folder of workflows alone, is named"
    ]
    assert [template.id for template in load([tmp_path / "workflows"]).templates] == ["flow"]
