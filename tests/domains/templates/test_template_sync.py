"""Installing a set of templates: from a folder or archive, wholly or not at all, within bounds."""

from __future__ import annotations

import io
import multiprocessing
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.app import Rook
from rookery.domains.templates import service, unpacking
from rookery.domains.templates.errors import NothingToRollBack, SourceRefused, SyncFailed
from rookery.domains.templates.sync import roll_back, sync
from tests.conftest import Call
from tests.domains.templates.files import check, write

Pack = Callable[[Path, dict[str, bytes]], Path]


def as_folder(place: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        write(place, name, data)
    return place


def as_zip(place: Path, files: dict[str, bytes]) -> Path:
    path = place.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def as_tar(place: Path, files: dict[str, bytes]) -> Path:
    path = place.with_suffix(".tar.xz")
    with tarfile.open(path, "w:xz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def installed(data_dir: Path) -> list[str]:
    root = data_dir / "templates"
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


ONE = {"http/a.yaml": check().encode(), "helpers/words.txt": b"admin\n"}


@pytest.mark.parametrize("pack", [as_folder, as_zip, as_tar])
def test_a_set_is_installed_with_its_payloads_and_without_what_is_hidden(
    pack: Pack, tmp_path: Path, data_dir: Path
) -> None:
    synced = sync(data_dir, pack(tmp_path / "set", {**ONE, ".git/config": b"x", "http/.b.yaml": b"x"}))
    assert installed(data_dir) == ["helpers/words.txt", "http/a.yaml"]
    assert (synced.templates, synced.added) == (1, ("http/a.yaml",))


@pytest.mark.parametrize("pack", [as_zip, as_tar])
def test_the_outer_folder_of_an_archive_is_taken_off(pack: Pack, tmp_path: Path, data_dir: Path) -> None:
    sync(
        data_dir, pack(tmp_path / "set", {f"nuclei-templates-10/{name}": data for name, data in ONE.items()})
    )
    assert installed(data_dir) == ["helpers/words.txt", "http/a.yaml"]
    sync(data_dir, pack(tmp_path / "http", {"http/a.yaml": check().encode()}))
    assert installed(data_dir) == ["http/a.yaml"]


def test_a_second_sync_says_what_changed_and_a_third_changes_nothing(tmp_path: Path, data_dir: Path) -> None:
    sync(data_dir, as_folder(tmp_path / "1", {"a.yaml": b"1", "b.yaml": b"1", "c.yaml": b"1"}))
    second = as_folder(tmp_path / "2", {"a.yaml": b"1", "b.yaml": b"2", "d.yaml": b"1"})
    synced = sync(data_dir, second)
    assert (synced.added, synced.changed, synced.removed) == (("d.yaml",), ("b.yaml",), ("c.yaml",))
    again = sync(data_dir, second)
    assert (again.templates, again.added, again.changed, again.removed) == (3, (), (), ())


def test_the_set_before_can_be_taken_back_and_forth(tmp_path: Path, data_dir: Path) -> None:
    sync(data_dir, as_folder(tmp_path / "1", {"a.yaml": b"1"}))
    with pytest.raises(NothingToRollBack):
        roll_back(data_dir)
    sync(data_dir, as_folder(tmp_path / "2", {"b.yaml": b"1"}))
    assert roll_back(data_dir).added == ("a.yaml",)
    assert installed(data_dir) == ["a.yaml"]
    assert roll_back(data_dir).added == ("b.yaml",)


def test_no_more_than_two_sets_are_kept(tmp_path: Path, data_dir: Path) -> None:
    for number in range(4):
        sync(data_dir, as_folder(tmp_path / str(number), {"a.yaml": str(number).encode()}))
    sets = [
        path for path in (data_dir / "template-sets").iterdir() if path.is_dir() and not path.is_symlink()
    ]
    assert len(sets) == 2


def test_a_folder_that_a_person_made_is_kept_as_the_set_before(tmp_path: Path, data_dir: Path) -> None:
    write(data_dir, "templates/own.yaml", check())
    assert sync(data_dir, as_folder(tmp_path / "set", ONE)).removed == ("own.yaml",)
    roll_back(data_dir)
    assert installed(data_dir) == ["own.yaml"]


@pytest.mark.parametrize("pack", [as_zip, as_tar])
@pytest.mark.parametrize(
    "name", ["../evil.yaml", "/etc/evil.yaml", "a/../../evil.yaml", "..\\evil.yaml", "C:\\e.yaml"]
)
def test_no_path_leads_out_of_the_set(pack: Pack, name: str, tmp_path: Path, data_dir: Path) -> None:
    sync(data_dir, as_folder(tmp_path / "good", ONE))
    with pytest.raises(SourceRefused, match="leads out of the archive"):
        sync(data_dir, pack(tmp_path / "set", {**ONE, name: b"x"}))
    assert installed(data_dir) == ["helpers/words.txt", "http/a.yaml"]
    assert not list(tmp_path.rglob("evil*"))


def test_links_are_left_behind(tmp_path: Path, data_dir: Path) -> None:
    secret = write(tmp_path, "secret.yaml", "secret")
    folder = as_folder(tmp_path / "set", ONE)
    (folder / "link.yaml").symlink_to(secret)
    (folder / "folder").symlink_to(tmp_path)
    sync(data_dir, folder)
    assert installed(data_dir) == ["helpers/words.txt", "http/a.yaml"]
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        archive.add(folder, ".")
    sync(data_dir, tmp_path / "links.tar")
    assert installed(data_dir) == ["helpers/words.txt", "http/a.yaml"]


@pytest.mark.parametrize("pack", [as_zip, as_tar])
def test_what_grows_beyond_measure_is_refused(pack: Pack, tmp_path: Path, data_dir: Path) -> None:
    bomb = pack(tmp_path / "set", {**ONE, "zeros.txt": bytes(unpacking.LARGEST_FILE + 1)})
    with pytest.raises(SourceRefused, match=r"zeros\.txt' is larger than 64 MiB"):
        sync(data_dir, bomb)
    assert not (data_dir / "templates").exists()


def test_a_source_that_holds_no_templates_is_refused_and_what_was_there_stays(
    tmp_path: Path, data_dir: Path
) -> None:
    sync(data_dir, as_folder(tmp_path / "good", ONE))
    (tmp_path / "empty").mkdir()
    torn = as_tar(tmp_path / "torn", ONE)
    torn.write_bytes(torn.read_bytes()[:90])
    torn_zip = as_zip(tmp_path / "torn", ONE)
    data = bytearray(torn_zip.read_bytes())
    data[45] ^= 0xFF
    torn_zip.write_bytes(data)
    text = write(tmp_path, "notes.txt", "hello")
    for source in (tmp_path / "empty", torn, torn_zip, text, tmp_path / "no-such"):
        with pytest.raises(SourceRefused, match="Nothing was synced"):
            sync(data_dir, source)
    assert installed(data_dir) == ["helpers/words.txt", "http/a.yaml"]


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path, data_dir: Path) -> None:
    write(data_dir, "template-sets", "in the way")
    with pytest.raises(SyncFailed, match="template-sets"):
        sync(data_dir, as_folder(tmp_path / "set", ONE))


def test_two_syncs_at_once_come_one_after_the_other(tmp_path: Path, data_dir: Path) -> None:
    sources = [
        as_folder(tmp_path / str(n), {f"{i}.yaml": str(n).encode() for i in range(50)}) for n in (1, 2)
    ]
    spawning = multiprocessing.get_context("spawn")
    processes = [spawning.Process(target=sync, args=(data_dir, source)) for source in sources]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len({path.read_bytes() for path in (data_dir / "templates").iterdir()}) == 1
    assert (data_dir / "templates").resolve() != (data_dir / "template-sets" / "before").resolve()


def test_a_set_is_synced_and_listed_in_both_worlds(call: Call, tmp_path: Path) -> None:
    assert call(service.sync, as_folder(tmp_path / "set", ONE)).templates == 1
    assert "a-check" in {template.id for template in call(service.list_).templates}
    with pytest.raises(NothingToRollBack):
        call(service.roll_back)


def test_a_sync_is_audited(sqlite_rook: Rook, tmp_path: Path) -> None:
    source = as_folder(tmp_path / "set", ONE)
    sqlite_rook.templates.sync(source)
    sqlite_rook.audit.flush()
    [entry] = sqlite_rook.audit.list()
    assert (entry.event_type, entry.object) == ("templates.synced", str(source))
    assert entry.details == {"templates": 1, "added": 1, "changed": 0, "removed": 0}
