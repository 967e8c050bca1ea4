"""Taking over histories from repositories that Git itself has made."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from rookery.base.clock import to_us
from rookery.domains.backups import store
from rookery.domains.backups.git import importing
from rookery.domains.backups.git.history import RepositoryNotFound
from rookery.domains.backups.git.importing import Step
from rookery.domains.devices import service as devices
from tests.conftest import Call
from tests.domains.backups.conftest import configuration
from tests.domains.backups.git.conftest import START, commit


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three versions of r1, one of which is noise, one of r2 in a folder, and of one that nobody knows."""
    path = tmp_path / "oxidized"
    path.mkdir()
    commit(path, 1, r1=configuration())
    commit(path, 2, r1=configuration().replace("09:37:40", "10:00:00"), configs__R2=configuration("r2"))
    commit(path, 3, r1=configuration(more="ntp server 10.0.0.9\n"), unknown="text\n")
    return path


def known(call: Call) -> None:
    for name in ("r1", "r2"):
        call(devices.create, name, "192.0.2.1", "ios")


def test_each_change_becomes_a_version_of_its_time(call: Call, repository: Path) -> None:
    known(call)
    found = {each.path: each for each in call(importing.import_history, repository)}
    assert {path: each.versions for path, each in found.items()} == {"configs/R2": 1, "r1": 2, "unknown": 0}
    assert found["unknown"].reason == "no device has this name"
    newest, oldest = call(store.versions, "r1")
    assert [oldest.taken, newest.taken] == [START + timedelta(days=day) for day in (1, 3)]
    assert (newest.number, newest.added, newest.removed, newest.actor) == (2, 1, 0, "Oxidized")
    assert "$9$abc" not in store_text(call, "r1")


def store_text(call: Call, name: str) -> str:
    """The newest version of a device."""
    return str(call(store.text, call(store.get, name).id))


def test_how_far_it_is_comes_from_what_there_is_to_do(call: Call, repository: Path) -> None:
    known(call)
    steps: list[Step] = []
    call(importing.import_history, repository, on_step=steps.append)
    assert [step for step in steps if step.doing == "commits"] == [Step("commits", n, 3) for n in (1, 2, 3)]
    made = [step for step in steps if step.doing == "versions"]
    assert {step.total for step in made} == {4}  # three of r1 and one of r2
    assert [step.done for step in made] == sorted(step.done for step in made)
    assert made[-1].done == 4
    steps.clear()
    call(importing.import_history, repository, on_step=steps.append)
    assert steps[-1] == Step("versions", 4, 4)  # all have versions already


def test_what_has_versions_is_left_as_it_is(call: Call, repository: Path) -> None:
    known(call)
    call(importing.import_history, repository)
    again = call(importing.import_history, repository)
    assert {each.reason for each in again} == {"has versions already", "no device has this name"}
    assert len(call(store.versions, "r1")) == 2


def test_a_dry_run_changes_nothing(call: Call, repository: Path) -> None:
    known(call)
    shown = call(importing.import_history, repository, dry_run=True)
    assert sum(each.versions for each in shown) == 3
    assert call(importing.import_history, repository, dry_run=True) == shown


def test_a_folder_without_a_repository_and_one_without_a_commit(call: Call, tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFound, match=str(tmp_path)):
        call(importing.import_history, tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True, timeout=60)
    assert call(importing.import_history, tmp_path) == []


class BrokenOff(Exception):
    """The process was stopped there, or the machine was."""


def break_off(step: Step) -> None:
    if step == Step("versions", 4, 4):
        raise BrokenOff


def test_an_import_that_is_broken_off_goes_on_where_it_was(
    call: Call, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(call)
    monkeypatch.setattr(importing, "PIECE", 1)  # each version is stored before the next one is made
    with pytest.raises(BrokenOff):
        call(importing.import_history, repository, on_step=break_off)
    assert [each.number for each in call(store.versions, "r1")] == [1]
    again = {each.path: each for each in call(importing.import_history, repository)}
    assert again["r1"].versions == 1
    newest, oldest = call(store.versions, "r1")
    assert (oldest.number, newest.number, newest.added, newest.removed) == (1, 2, 1, 0)


def test_what_a_repository_has_got_since_comes_with_the_next_import(call: Call, repository: Path) -> None:
    known(call)
    call(importing.import_history, repository)
    commit(repository, 4, r1=configuration(more="ntp server 10.0.0.10\n"))
    again = {each.path: each for each in call(importing.import_history, repository)}
    assert (again["r1"].versions, again["configs/R2"].reason) == (1, "has versions already")
    assert [each.number for each in call(store.versions, "r1")] == [3, 2, 1]


def test_nothing_is_put_after_what_a_backup_has_seen(call: Call, repository: Path) -> None:
    known(call)
    call(importing.import_history, repository)
    call(store.confirm, call(store.get, "r1").id, to_us(START + timedelta(days=9)))
    commit(repository, 4, r1=configuration(more="ntp server 10.0.0.10\n"))
    again = {each.path: each for each in call(importing.import_history, repository)}
    assert (again["r1"].versions, again["r1"].reason) == (0, "has versions already")
