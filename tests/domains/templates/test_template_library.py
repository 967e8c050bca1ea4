"""Reading templates from disk: nothing is left out without its reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rookery.base.config import Templates as Policy
from rookery.domains.templates import load, open_library
from rookery.domains.templates.errors import NoTemplates, SignatureRefused, TemplatesNotFound
from rookery.domains.templates.places import SHIPPED
from rookery.mechanisms.engine import TemplateError, UnsupportedTemplate
from tests.domains.templates.files import check, write
from tests.mechanisms.engine.support import source

UNREADABLE = Path("/proc/self/mem")  # even for root: nothing is mapped at its beginning
BLOCK = "- path: ['{{BaseURL}}/']\n  matchers: [{type: status, status: [200]}]\n"


def test_a_folder_gives_its_templates_and_a_reason_for_every_other_file(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", check())
    write(tmp_path, "deep/er/also.yml", check())
    write(tmp_path, "broken.yaml", "id: [")
    write(tmp_path, "fuzzing.yaml", source("- path: [x]\n  fuzzing: []"))
    write(tmp_path, "notes.txt", "no template")
    library = load([tmp_path])
    assert [Path(template.path).name for template in library.templates] == ["also.yml", "good.yaml"]
    reasons = {Path(skipped.path).name: skipped.reason for skipped in library.skipped}
    assert reasons.keys() == {"broken.yaml", "fuzzing.yaml"}
    assert reasons["broken.yaml"].startswith("invalid: line ")
    assert reasons["fuzzing.yaml"] == "not run: fuzzing is not run"


def test_a_file_that_was_named_must_be_right(tmp_path: Path) -> None:
    broken = write(tmp_path, "broken.yaml", "id: [")
    with pytest.raises(TemplateError, match=r"broken\.yaml:2: not YAML"):
        load([broken])
    fuzzing = write(tmp_path, "fuzzing.yaml", source("- path: [x]\n  fuzzing: []"))
    with pytest.raises(UnsupportedTemplate):
        load([fuzzing])


def test_for_another_program_a_named_file_may_be_wrong_and_is_skipped(tmp_path: Path) -> None:
    broken = write(tmp_path, "broken.yaml", "id: [")
    good = write(tmp_path, "good.yaml", check())
    library = open_library([broken, good], lenient=True)
    assert [template.id for template in library.templates] == ["a-check"]
    assert [(skipped.path, skipped.is_unread) for skipped in library.skipped] == [(str(broken), True)]
    assert open_library([broken], lenient=True).templates == ()


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


def test_an_installed_template_is_found_by_its_path_in_the_set(tmp_path: Path) -> None:
    write(tmp_path, "templates/http/mine.yaml", check())
    library = open_library([Path("http/mine.yaml"), Path("http/git-config-exposed.yaml")], tmp_path)
    assert [template.id for template in library.templates] == ["a-check", "git-config-exposed"]


def test_what_lies_here_comes_before_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "data/templates/one.yaml", check(template_id="installed"))
    write(tmp_path, "here/one.yaml", check(template_id="here"))
    monkeypatch.chdir(tmp_path / "here")
    assert [one.id for one in open_library([Path("one.yaml")], tmp_path / "data").templates] == ["here"]


@pytest.mark.parametrize("path", ["../secret.yaml", "http/../../secret.yaml", "no-such"])
def test_no_path_leads_out_of_the_installed_set(tmp_path: Path, path: str) -> None:
    write(tmp_path, "templates/http/mine.yaml", check())
    write(tmp_path, "secret.yaml", check())
    with pytest.raises(TemplatesNotFound, match="neither here nor among those installed"):
        open_library([Path(path)], tmp_path)


def test_a_path_through_the_shipped_folder_makes_no_template_a_shipped_one(tmp_path: Path) -> None:
    """It needed no signature then."""
    mine = write(tmp_path, "mine.yaml", check())
    around = SHIPPED / os.path.relpath(mine, SHIPPED)
    assert open_library([around]).templates[0].path == str(mine)
    with pytest.raises(SignatureRefused):
        open_library([around], policy=Policy(unsigned="refuse"))


def test_the_users_own_template_comes_before_a_shipped_one_of_the_same_id(tmp_path: Path) -> None:
    mine = write(tmp_path, "templates/mine.yaml", check(template_id="git-config-exposed"))
    library = open_library((), tmp_path)
    assert [one.path for one in library.templates if one.id == "git-config-exposed"] == [str(mine)]
    [hidden] = library.skipped
    assert hidden.reason == f"another template has its id: {mine}"


def test_an_installed_template_may_use_payloads_of_its_whole_set(tmp_path: Path) -> None:
    write(tmp_path, "templates/lists/names.txt", "admin\nroot\n")
    block = "- path: ['{{BaseURL}}/{{name}}']\n  payloads: {name: lists/names.txt}"
    write(tmp_path, "templates/http/deep/mine.yaml", source(block))
    for _ in ("read", "known"):
        [template] = open_library([Path("http/deep")], tmp_path).templates
        assert template.request_count == 2
    assert (tmp_path / "cache" / "templates" / "parsed").exists()
