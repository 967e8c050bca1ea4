"""Reading templates from disk, and choosing among them: nothing is left out without its reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rookery.domains.templates import load, select
from rookery.domains.templates.errors import NoTemplates, TemplatesNotFound
from rookery.mechanisms.engine import Template, TemplateError, UnsupportedTemplate
from tests.mechanisms.engine.support import source

UNREADABLE = Path("/proc/self/mem")  # even for root: nothing is mapped at its beginning
BLOCK = "- path: ['{{BaseURL}}/']\n  matchers: [{type: status, status: [200]}]\n"


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def check(severity: str = "low", tags: str = "a", template_id: str = "a-check") -> str:
    return (
        f"id: {template_id}\ninfo: {{name: n, author: x, severity: {severity}, tags: '{tags}'}}\n"
        "http: [{path: ['{{BaseURL}}/']}]\n"
    )


def test_a_folder_gives_its_templates_and_a_reason_for_every_other_file(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", check())
    write(tmp_path, "deep/er/also.yml", check())
    write(tmp_path, "broken.yaml", "id: [")
    write(tmp_path, "payloads.yaml", source("- path: [x]\n  payloads: {a: [b]}"))
    write(tmp_path, "notes.txt", "no template")
    library = load([tmp_path])
    assert [Path(template.path).name for template in library.templates] == ["also.yml", "good.yaml"]
    reasons = {Path(skipped.path).name: skipped.reason for skipped in library.skipped}
    assert reasons.keys() == {"broken.yaml", "payloads.yaml"}
    assert reasons["broken.yaml"].startswith("invalid: line ")
    assert reasons["payloads.yaml"] == "not run: payloads are not run yet"
    assert sum(library.skipped_by_reason.values()) == 2


def test_a_file_that_was_named_must_be_right(tmp_path: Path) -> None:
    broken = write(tmp_path, "broken.yaml", "id: [")
    with pytest.raises(TemplateError, match=r"broken\.yaml:2: not YAML"):
        load([broken])
    payloads = write(tmp_path, "payloads.yaml", source("- path: [x]\n  payloads: {a: [b]}"))
    with pytest.raises(UnsupportedTemplate):
        load([payloads])


def test_a_file_given_twice_is_loaded_once(tmp_path: Path) -> None:
    path = write(tmp_path, "good.yaml", check())
    assert len(load([path, tmp_path, path]).templates) == 1


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplatesNotFound, match="no-such"):
        load([tmp_path / "no-such"])


def test_a_folder_without_templates_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoTemplates, match=r"no template \(\*\.yaml\)"):
        load([tmp_path])
    write(tmp_path, "broken.yaml", "")
    with pytest.raises(NoTemplates, match=r"the first, .*broken\.yaml: invalid: the file is empty"):
        load([tmp_path])


@pytest.mark.skipif(not UNREADABLE.exists(), reason="this system has no file that nobody can read")
def test_an_unreadable_file_is_a_reason(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", check())
    (tmp_path / "unreadable.yaml").symlink_to(UNREADABLE)
    assert "cannot be read: Input/output error" in load([tmp_path]).skipped[0].reason


def test_a_link_to_nowhere_and_a_pipe_are_no_templates(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", check())
    (tmp_path / "dangling.yaml").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    library = load([tmp_path])
    assert (len(library.templates), library.skipped) == (1, ())


def test_a_huge_file_is_refused_without_being_parsed(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", check())
    write(tmp_path, "huge.yaml", b"x" * (10 << 20))
    assert "larger than 8 MiB" in load([tmp_path]).skipped[0].reason


@pytest.fixture
def templates(tmp_path: Path) -> tuple[Template, ...]:
    write(tmp_path, "high.yaml", check("high", "a"))
    write(tmp_path, "low.yaml", check("low", "b"))
    write(tmp_path, "dos.yaml", check("high", "b,dos"))
    return load([tmp_path]).templates


def test_severities_choose_and_the_rest_says_why(templates: tuple[Template, ...]) -> None:
    selection = select(templates, severities={"low", "medium"})
    assert [Path(template.path).name for template in selection.templates] == ["low.yaml"]
    assert {skipped.reason for skipped in selection.skipped} == {"of another severity than asked for"}


def test_what_may_do_harm_is_left_out_by_default(templates: tuple[Template, ...]) -> None:
    selection = select(templates)
    assert [Path(template.path).name for template in selection.templates] == ["high.yaml", "low.yaml"]
    assert [skipped.reason for skipped in selection.skipped] == ["the tag dos is excluded by default"]
    assert len(select(templates, excluded_tags=()).templates) == 3
