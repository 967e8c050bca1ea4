"""What has changed between two configurations: right for any texts, bounded for the worst."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.domains.backups.diffing import Diff, diff, unified
from rookery.domains.backups.diffing.lines import Change, changes

LINES = st.lists(
    st.sampled_from(["!", " no shutdown", "interface x", "interface y", " mtu 9000", "end"]), max_size=25
)
IOS = """\
hostname r1
interface Gi0/1
 description to r2
 ip address 10.0.0.1 255.255.255.0
!
router bgp 65000
 neighbor 10.0.0.2 remote-as 65001
 address-family ipv4
  network 10.0.0.0
  network 10.1.0.0
 exit-address-family
!
end
"""
JUNOS = "system {\n    host-name r1;\n    services {\n        ssh;\n        telnet;\n    }\n}\n"
FORTIOS = 'config system interface\n    edit "port1"\n        set ip 10.0.0.1\n    next\nend\n'


def applied(old: Sequence[str], new: Sequence[str], script: list[Change]) -> list[str]:
    result: list[str] = []
    at = 0
    for change in script:
        result += [*old[at : change.old_start], *new[change.new_start : change.new_end]]
        at = change.old_end
    return [*result, *old[at:]]


def sections(old: str, new: str) -> list[str]:
    return [hunk.section for hunk in diff(old.splitlines(), new.splitlines(), context=0).hunks()]


@given(LINES, LINES)
def test_what_is_to_be_replaced_makes_one_of_the_other(old: list[str], new: list[str]) -> None:
    script = changes(old, new)
    assert applied(old, new, script) == new
    for before, after in pairwise(script):
        assert before.old_end < after.old_start
        assert before.new_end < after.new_start


@given(LINES)
def test_nothing_has_changed_between_equal_texts(lines: list[str]) -> None:
    assert changes(lines, list(lines)) == []


@given(LINES, st.integers(0, 25))
def test_one_new_line_is_one_change(lines: list[str], at: int) -> None:
    new = [*lines[:at], "something new", *lines[at:]]
    assert [(each.old_start, each.new_end - each.new_start) for each in changes(lines, new)] == [
        (min(at, len(lines)), 1)
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["!"] * 20_000, ["!"] * 15_000),
        (["!"] * 10_000 + ["x"], ["y"] + ["!"] * 9_000),
        ([str(n) for n in range(20_000)], [str(-n - 1) for n in range(20_000)]),
        ([str(n % 7) for n in range(20_000)], [str(n % 5) for n in range(20_000)]),
        ([str(n) for n in range(20_000)], [str(n) for n in reversed(range(20_000))]),
    ],
)
def test_the_worst_texts_have_a_difference_too(old: list[str], new: list[str]) -> None:
    assert applied(old, new, changes(old, new)) == new


def test_a_change_is_told_with_its_section_in_every_style() -> None:
    assert sections(IOS, IOS.replace("10.1.0.0", "10.2.0.0")) == ["router bgp 65000 › address-family ipv4"]
    assert sections(IOS, IOS.replace(" description to r2\n", "")) == ["interface Gi0/1"]
    assert sections(IOS, IOS.replace("hostname r1", "hostname r9")) == [""]
    assert sections(JUNOS, JUNOS.replace("        telnet;\n", "")) == ["system › services"]
    assert sections(FORTIOS, FORTIOS.replace("10.0.0.1", "10.0.0.9")) == [
        'config system interface › edit "port1"'
    ]


def test_noise_alone_is_no_change_and_is_counted() -> None:
    old, new = ["! changed at 1", *"abcdefghij"], ["! changed at 2", *"abcdefghij"]

    def noisy(line: str) -> bool:
        return line.startswith("! changed")

    alone = diff(old, new, is_noise=noisy)
    assert (alone.is_empty, alone.hidden, alone.added, list(unified(alone, "a", "b"))) == (True, 2, 0, [])
    far = diff(old, [*new[:-1], "J"], is_noise=noisy)
    assert (far.is_empty, far.hidden, far.added, far.removed) == (False, 2, 1, 1)
    near = diff(old, [new[0], "A", *new[2:]], is_noise=noisy)
    assert (near.hidden, near.added) == (0, 2)


def test_what_differs_within_a_line_is_marked() -> None:
    old, new = ["interface x", " mtu 1500", "!"], ["interface x", " mtu 9000", "!"]
    marked = {line.kind: line for hunk in diff(old, new).hunks() for line in hunk.lines if line.spans}
    assert {kind: line.text[slice(*line.spans[0])] for kind, line in marked.items()} == {
        "removed": "1500", "added": "9000",
    }  # fmt: skip


def test_lines_that_have_nothing_in_common_are_not_marked() -> None:
    (hunk,) = diff(["ntp server 10.0.0.1"], ["banner motd x"]).hunks()
    assert [line.spans for line in hunk.lines] == [(), ()]


@given(LINES, LINES)
def test_hunks_say_how_many_lines_they_have(old: list[str], new: list[str]) -> None:
    for hunk in diff(old, new).hunks():
        numbers = [line.old_number for line in hunk.lines if line.old_number]
        assert hunk.old_length == len(numbers)
        assert numbers == list(range(hunk.old_start, hunk.old_start + hunk.old_length))
        numbers = [line.new_number for line in hunk.lines if line.new_number]
        assert numbers == list(range(hunk.new_start, hunk.new_start + hunk.new_length))


def patched(difference: Diff, folder: Path) -> str:
    """What git makes of the old text."""
    old = folder / "config"
    old.write_text("".join(f"{line}\n" for line in difference.old))
    script = "".join(f"{line}\n" for line in unified(difference, "config", "config"))
    command = ["git", "apply", "-p0", "--unidiff-zero", "-"]
    subprocess.run(command, input=script, text=True, check=True, capture_output=True, cwd=folder)
    return old.read_text()


def test_git_takes_what_is_written(tmp_path: Path) -> None:
    old = IOS.splitlines()
    for new in (
        IOS.replace("10.1.0.0", "10.2.0.0").replace("hostname r1\n", "").splitlines(),
        [*old, "after the end"],
        ["before", *old],
        old[3:-2],
        ["something else"],
    ):
        assert patched(diff(old, new), tmp_path).splitlines() == new
