"""Files that work has left: listed and read, and nothing that is not among them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from rookery.mechanisms.artifacts import DEEPEST, ArtifactFolder, ArtifactNotFound


@pytest.fixture
def files(tmp_path: Path) -> ArtifactFolder:
    """A folder with two files, and a secret beside it."""
    folder = tmp_path / "work"
    (folder / "inner").mkdir(parents=True)
    (folder / "report.txt").write_text("report")
    (folder / "inner" / "page.html").write_text("page")
    (tmp_path / "secret").write_text("secret")
    return ArtifactFolder(folder, hidden=frozenset({"lock"}))


def names(files: ArtifactFolder) -> list[str]:
    return [each.name for each in files.list()]


def test_files_are_listed_by_name_with_their_size(files: ArtifactFolder) -> None:
    assert [(each.name, each.size) for each in files.list()] == [("inner/page.html", 4), ("report.txt", 6)]
    assert files.list()[0].changed_us > 1_600_000_000_000_000


def test_files_are_read(files: ArtifactFolder) -> None:
    for name, content in (("report.txt", b"report"), ("inner/page.html", b"page")):
        with files.open(name) as file:
            assert file.read() == content


def test_where_there_is_no_folder_there_are_no_files(tmp_path: Path) -> None:
    nowhere = ArtifactFolder(tmp_path / "nowhere")
    assert nowhere.list() == []
    with pytest.raises(ArtifactNotFound):
        nowhere.open("report.txt")
    nowhere.remove()


@pytest.mark.parametrize(
    "name",
    [
        "../secret", "inner/../../secret", "/etc/passwd", "..", ".", "", "inner", "inner/", "./report.txt",
        "inner//page.html", "report.txt/x", "none", "a\0b", "x" * 5000, "/".join("a" * (DEEPEST + 1)),
    ],
)  # fmt: skip
def test_a_name_that_is_none_of_the_files_is_not_found(files: ArtifactFolder, name: str) -> None:
    with pytest.raises(ArtifactNotFound):
        files.open(name)


def test_no_link_is_followed_at_whatever_step(files: ArtifactFolder, tmp_path: Path) -> None:
    (files.path / "link").symlink_to(tmp_path / "secret")
    (files.path / "up").symlink_to(tmp_path)
    (files.path / "same").symlink_to("report.txt")
    for name in ("link", "up/secret", "same"):
        with pytest.raises(ArtifactNotFound):
            files.open(name)
    assert names(files) == ["inner/page.html", "report.txt"]
    (tmp_path / "other").symlink_to(files.path)
    with pytest.raises(ArtifactNotFound):
        ArtifactFolder(tmp_path / "other").open("report.txt")


def test_what_is_no_regular_file_is_not_waited_for(files: ArtifactFolder) -> None:
    os.mkfifo(files.path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(files.path / "socket"))
    for name in ("pipe", "socket"):
        with pytest.raises(ArtifactNotFound):
            files.open(name)
    assert names(files) == ["inner/page.html", "report.txt"]


def test_what_is_hidden_or_unfinished_is_not_shown(files: ArtifactFolder) -> None:
    for name in ("lock", ".report.txt.part"):
        (files.path / name).touch()
        with pytest.raises(ArtifactNotFound):
            files.open(name)
    assert names(files) == ["inner/page.html", "report.txt"]


def test_a_folder_is_removed_and_not_what_its_links_lead_to(files: ArtifactFolder, tmp_path: Path) -> None:
    (files.path / "up").symlink_to(tmp_path)
    (tmp_path / ".work.removed" / "of an earlier attempt").mkdir(parents=True)
    files.remove()
    assert {path.name for path in tmp_path.iterdir()} == {"secret"}
