"""The Git mirror, read with Git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text

import rookery
from rookery.app import Rook
from rookery.base.config import Config, Database
from rookery.base.config_fleet import Backups
from rookery.base.errors import ConfigError
from tests.domains.backups.conftest import PASSWORD, configuration, device, fleet, ios
from tests.domains.backups.git.conftest import commit


def git(repository: Path, *words: str) -> str:
    """What Git says of the repository."""
    done = subprocess.run(
        ["git", f"--git-dir={repository}", *words], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def mirrored(request: pytest.FixtureRequest, data_dir: Path) -> Config:
    """A house with a mirror."""
    database = Database(url=request.getfixturevalue(request.param))
    return Config(data_dir=data_dir, database=database, backups=Backups(mirror="mirror.git"))


@pytest.fixture
def repository(mirrored: Config) -> Path:
    """Where its mirror is."""
    return mirrored.data_dir / "mirror.git"


def changed_twice(rook: Rook, **parts: str) -> None:
    """Two versions of r1, and a backup that found no change."""
    one = device()
    with fleet([one]):
        rook.credentials.create("lab", "admin", password=PASSWORD)
        rook.devices.create("r1", "127.0.0.1", "ios", port=one.port, **parts)
        rook.backups.capture("r1")
        one.script = ios(text=configuration(more="ntp server 10.0.0.9\n"))
        rook.backups.capture("r1")
        rook.backups.capture("r1")


def test_every_version_is_a_commit_and_no_secret_is_in_it(mirrored: Config, repository: Path) -> None:
    with rookery.open(config=mirrored, actor="ann") as rook:
        changed_twice(rook, site="berlin")
        shown = rook.backups.text("r1")
    said = git(repository, "log", "--format=%an|%s", "--reverse", "main").splitlines()
    assert said == ["ann|r1: first version, lines 12", "ann|r1: lines +1 -0"]
    assert git(repository, "show", "main:berlin/r1.cfg") == shown
    assert "$9$abc" not in git(repository, "log", "-p", "main")
    git(repository, "fsck", "--strict")


def test_what_the_mirror_lacks_is_brought_over_and_never_twice(mirrored: Config, repository: Path) -> None:
    with rookery.open(config=replace(mirrored, backups=replace(mirrored.backups, mirror=""))) as rook:
        changed_twice(rook)
        with pytest.raises(ConfigError, match="names no repository"):
            rook.backups.mirror()
    with rookery.open(config=mirrored) as rook:
        assert (rook.backups.mirror(), rook.backups.mirror()) == (2, 0)
    assert git(repository, "rev-list", "--count", "main") == "2\n"


def test_a_clock_that_was_set_back_changes_no_order(mirrored: Config, repository: Path) -> None:
    with rookery.open(config=replace(mirrored, backups=Backups())) as rook:
        changed_twice(rook)
        with rook.engine.begin() as connection:
            connection.execute(text("UPDATE configuration_version SET taken_us = 0 WHERE number = 2"))
    with rookery.open(config=mirrored) as rook:
        assert (rook.backups.mirror(), rook.backups.mirror()) == (2, 0)
    said = git(repository, "log", "--format=%s", "--reverse", "main").splitlines()
    assert said == ["r1: first version, lines 12", "r1: lines +1 -0"]


def test_an_imported_history_is_in_the_mirror_too(mirrored: Config, repository: Path, tmp_path: Path) -> None:
    kept = tmp_path / "oxidized"
    kept.mkdir()
    commit(kept, 1, r1=configuration())
    commit(kept, 2, r1=configuration(more="ntp server 10.0.0.9\n"))
    with rookery.open(config=mirrored) as rook:
        rook.devices.create("r1", "192.0.2.1", "ios")
        rook.backups.import_history(kept)
    said = git(repository, "log", "--format=%an %as %s", "--reverse", "main").splitlines()
    assert said == [
        "Oxidized 2023-01-02 r1: first version, lines 12", "Oxidized 2023-01-03 r1: lines +1 -0",
    ]  # fmt: skip


def test_commits_the_database_does_not_know_of_are_recognised(mirrored: Config, repository: Path) -> None:
    """As a kill between the two leaves them."""
    with rookery.open(config=mirrored) as rook:
        changed_twice(rook)
        rook.backups.mirror()
        with rook.engine.begin() as connection:
            connection.execute(text("DELETE FROM mirrored_device"))
        assert rook.backups.mirror() == 0
    assert git(repository, "rev-list", "--count", "main") == "2\n"


def files(repository: Path) -> list[str]:
    """The paths that are there now."""
    return git(repository, "ls-tree", "-r", "--name-only", "main").split()


def subjects(repository: Path) -> list[str]:
    """Who has done what, the newest last."""
    return git(repository, "log", "--format=%an|%s", "--reverse", "main").splitlines()


def test_a_device_that_moves_or_is_renamed_does_so_in_the_mirror(mirrored: Config, repository: Path) -> None:
    with rookery.open(config=mirrored) as rook:
        changed_twice(rook)
        rook.backups.mirror()
    with rookery.open(config=mirrored, actor="bob") as rook:
        rook.devices.update("r1", site="bonn")
    with rookery.open(config=mirrored, actor="carol") as rook:
        rook.devices.update("r1", name="edge", notes="renamed")
        rook.devices.update("edge", notes="of no concern to the mirror")
        shown = rook.backups.text("edge")
    assert subjects(repository)[2:] == ["bob|r1: was r1.cfg", "carol|edge: was bonn/r1.cfg"]
    assert files(repository) == ["bonn/edge.cfg"]
    assert git(repository, "show", "main:bonn/edge.cfg") == shown
    assert git(repository, "log", "--follow", "--format=%h", "main", "--", "bonn/edge.cfg").count("\n") == 4


def test_the_file_of_a_deleted_device_is_removed_by_whoever_deleted_it(
    mirrored: Config, repository: Path
) -> None:
    with rookery.open(config=mirrored) as rook:
        changed_twice(rook)
    with rookery.open(config=mirrored, actor="bob") as rook:
        rook.devices.delete("r1")
    with rookery.open(config=mirrored) as rook:
        assert rook.backups.mirror() == 0
    assert subjects(repository)[2:] == ["bob|r1.cfg: the device is deleted"]
    assert files(repository) == []
    git(repository, "fsck", "--strict")


def test_the_next_device_of_a_name_keeps_its_file_when_the_one_before_is_removed(
    mirrored: Config, repository: Path
) -> None:
    with rookery.open(config=mirrored) as rook:
        changed_twice(rook)
        rook.backups.mirror()
        rook.devices.delete("r1")
        one = device(text=configuration(more="ntp server 10.0.0.99\n"))
        with fleet([one]):
            rook.devices.forget_host_keys("127.0.0.1")
            rook.devices.create("r1", "127.0.0.1", "ios", port=one.port)
            rook.backups.capture("r1")
    assert files(repository) == ["r1.cfg"]
    assert "10.0.0.99" in git(repository, "show", "main:r1.cfg")


def test_two_devices_may_change_names(mirrored: Config, repository: Path) -> None:
    two = [device("r1"), device("r2")]
    with rookery.open(config=mirrored) as rook, fleet(two):
        rook.credentials.create("lab", "admin", password=PASSWORD)
        for one, name in zip(two, ("r1", "r2"), strict=True):
            rook.devices.create(name, "127.0.0.1", "ios", port=one.port)
        rook.backups.run()
    with rookery.open(config=replace(mirrored, backups=Backups())) as rook:
        for name, other in (("r1", "x"), ("r2", "r1"), ("x", "r2")):
            rook.devices.update(name, name=other)
    with rookery.open(config=mirrored, actor="ann") as rook:
        assert (rook.backups.mirror(), rook.backups.mirror()) == (2, 0)
    assert files(repository) == ["r1.cfg", "r2.cfg"]
    assert "hostname r2\n" in git(repository, "show", "main:r1.cfg")
    assert "hostname r1\n" in git(repository, "show", "main:r2.cfg")
    assert subjects(repository)[2:] == ["ann|r2: was r1.cfg", "ann|r1: was r2.cfg"]


def test_removals_the_database_does_not_know_of_are_recognised(mirrored: Config, repository: Path) -> None:
    with rookery.open(config=mirrored) as rook:
        changed_twice(rook)
        rook.backups.mirror()
        rook.devices.delete("r1")
        rook.backups.mirror()
        with rook.engine.begin() as connection:
            connection.execute(text("UPDATE mirrored_device SET path = 'r1.cfg'"))
        assert rook.backups.mirror() == 0
        assert rook.backups.mirror() == 0
    assert git(repository, "rev-list", "--count", "main") == "3\n"


def test_a_mirror_that_is_made_anew_is_of_the_devices_there_are(mirrored: Config, repository: Path) -> None:
    with rookery.open(config=replace(mirrored, backups=Backups())) as rook:
        changed_twice(rook)
        rook.devices.delete("r1")
    with rookery.open(config=mirrored) as rook:
        assert rook.backups.mirror() == 0
    assert not git(repository, "for-each-ref")


def test_what_a_killed_process_has_left_is_in_nobodys_way(mirrored: Config, repository: Path) -> None:
    """Half a repository, and the lock files of Git."""
    (repository.with_name("mirror.git.new") / "objects").mkdir(parents=True)
    with rookery.open(config=mirrored) as rook:
        assert rook.backups.mirror() == 0
        (repository / "refs" / "heads" / "main.lock").touch()
        (repository / "objects" / "ab").mkdir()
        (repository / "objects" / "ab" / "cd.lock").touch()
        changed_twice(rook)
    assert git(repository, "rev-list", "--count", "main") == "2\n"
    assert not list(repository.rglob("*.lock"))


def test_a_mirror_that_was_removed_is_made_anew(mirrored: Config, repository: Path) -> None:
    with rookery.open(config=mirrored) as rook:
        changed_twice(rook)
        rook.backups.mirror()
        repository.rename(repository.with_name("elsewhere"))
        assert rook.backups.mirror() == 2


def test_somebody_elses_folder_is_left_alone(mirrored: Config, repository: Path) -> None:
    repository.mkdir()
    (repository / "thesis.txt").write_text("mine")
    with rookery.open(config=mirrored) as rook, pytest.raises(ConfigError, match="no Git repository"):
        rook.backups.mirror()
    assert [path.name for path in repository.iterdir() if path.suffix == ".txt"] == ["thesis.txt"]


def test_a_working_copy_is_no_mirror(mirrored: Config, repository: Path) -> None:
    subprocess.run(["git", "init", "--quiet", repository], check=True, timeout=60)
    with rookery.open(config=mirrored) as rook, pytest.raises(ConfigError, match="working copy"):
        rook.backups.mirror()


@pytest.mark.parametrize(
    ("site", "name", "path"),
    [
        ("", "r1", "r1.cfg"),
        ("berlin", "r1", "berlin/r1.cfg"),
        ("../etc", "a/../../b", "_etc/a%2f..%2f..%2fb.cfg"),
        (".git", "..", "git/...cfg"),
        ("x.cfg.cfg.", "r1", "x/r1.cfg"),
    ],
)
def test_no_name_leads_out_of_the_mirror_or_to_anothers_file(site: str, name: str, path: str) -> None:
    from rookery.domains.backups.git.placing import path_of

    assert path_of(site, name) == path
