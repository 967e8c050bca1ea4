"""The cache of parsed templates: it changes nothing but the time, and trusts no file that is not its own."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.domains.templates.cache import NAME, TemplateCache, bounded
from rookery.domains.templates.payloadfiles import LibraryFiles
from rookery.mechanisms.engine import MissingFile, Target, TemplateError, UnsupportedTemplate, execute

GOOD = b"id: good\ninfo: {name: n, author: a, tags: 'x,y'}\nhttp: [{path: ['{{BaseURL}}/']}]"
BROKEN = b"id: bad\ninfo: {name: n, author: a}\nhttp: [{pth: ['{{BaseURL}}/']}]"
HEADLESS = b"id: other\ninfo: {name: n, author: a}\nheadless: [{steps: []}]"


def filled(folder: Path) -> None:
    """A cache that knows the three templates."""
    cache = TemplateCache(folder)
    assert cache.load(GOOD, path="good.yaml").id == "good"
    for data, kind in ((BROKEN, TemplateError), (HEADLESS, UnsupportedTemplate)):
        with pytest.raises(kind):
            cache.load(data, path="x.yaml")
    cache.save()


def test_what_is_known_is_as_if_it_were_read(tmp_path: Path) -> None:
    filled(tmp_path)
    cache = TemplateCache(tmp_path)
    assert cache.known == 3
    template = cache.load(GOOD, path="moved.yaml")
    assert (template.id, template.path, template.info.tags) == ("good", "moved.yaml", ("x", "y"))
    with pytest.raises(TemplateError, match=r"^bad\.yaml:3: unknown key 'pth' in the http block"):
        cache.load(BROKEN, path="bad.yaml")
    with pytest.raises(UnsupportedTemplate, match=r"^other\.yaml: "):
        cache.load(HEADLESS, path="other.yaml")


def test_nothing_is_written_when_nothing_is_new(tmp_path: Path) -> None:
    filled(tmp_path)
    before = (tmp_path / NAME).stat().st_mtime_ns
    cache = TemplateCache(tmp_path)
    cache.load(GOOD, path="good.yaml")
    cache.save()
    assert (tmp_path / NAME).stat().st_mtime_ns == before


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: flipped(data, 3),  # another format
        lambda data: flipped(data, 30),  # made by other code
        lambda data: flipped(data, 100),  # another checksum
        lambda data: flipped(data, len(data) // 2),
        lambda data: flipped(data, len(data) - 1),
        lambda data: data[:-10],
        lambda data: data + b"\x00",
        lambda _: b"",
        lambda _: pickle.dumps({"a": 1}),
    ],
)
def test_a_damaged_or_foreign_file_is_left_aside_and_made_anew(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    filled(tmp_path)
    file = tmp_path / NAME
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert TemplateCache(tmp_path).known == 0
    filled(tmp_path)
    assert TemplateCache(tmp_path).known == 3


def test_a_folder_that_cannot_be_used_costs_only_time(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    filled(in_the_way)
    assert TemplateCache(in_the_way).known == 0


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    cache = TemplateCache()
    assert cache.load(GOOD, path="x").id == "good"
    cache.save()
    assert not list(tmp_path.iterdir())


def test_a_save_leaves_one_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    filled(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


def test_what_was_used_last_stays_when_there_is_no_room_for_all() -> None:
    entries = {bytes([number]) * 32: b"x" * 1000 for number in range(10)}
    kept = bounded(entries, most=3500)
    assert list(kept) == list(entries)[:3]


PAYLOAD = b"id: words\ninfo: {name: n, author: a}\nhttp: [{path: ['{{a}}'], payloads: {a: words.txt}}]"


def test_a_payload_file_is_looked_for_each_time(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    words, files, path = library / "words.txt", LibraryFiles(library), str(library / "words.yaml")
    cache = TemplateCache(tmp_path)
    with pytest.raises(MissingFile):
        cache.load(PAYLOAD, path=path, files=files)
    words.write_text("one\ntwo\n")
    assert cache.load(PAYLOAD, path=path, files=files).request_count == 2
    cache.save()
    words.write_text("one\ntwo\nthree\n")
    template = TemplateCache(tmp_path).load(PAYLOAD, path=path, files=files)
    assert template.program.request_count == 3
    words.unlink()
    with pytest.raises(MissingFile):
        TemplateCache(tmp_path).load(PAYLOAD, path=path, files=files)


def test_a_payload_file_that_goes_between_choice_and_run_makes_its_check_a_failed_one(tmp_path: Path) -> None:
    words, path = tmp_path / "words.txt", str(tmp_path / "words.yaml")
    words.write_text("one")
    cache = TemplateCache(tmp_path)
    template = cache.load(PAYLOAD, path=path, files=LibraryFiles(tmp_path))
    words.unlink()
    with pytest.raises(StopIteration) as finished:
        next(execute(template, Target("http://127.0.0.1")))
    assert ["words.txt" in str(error) for error in finished.value.value.failed] == [True]
