"""Which patterns of secrets match a line is told in one pass, and never fewer than there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.domains.devices.library import Library
from rookery.domains.devices.platform import Secretive
from rookery.mechanisms.transport.terminal.dialect import pattern_set

LINES = (
    b"enable secret 9 $9$abc",
    b"username ann privilege 15 secret 5 $1$x",
    b"snmp-server community public RO",
    b" neighbor 192.0.2.1 password 7 0822455D0A16",
    b'set system root-authentication encrypted-password "$6$x"; ## SECRET-DATA',
    b"        set password ENC abcdef==",
)


@pytest.mark.parametrize("platform", ["ios", "nxos", "eos", "junos", "routeros", "frr", "fortios"])
def test_it_is_those_that_match_one_by_one(platform: str, tmp_path: Path) -> None:
    secretive = Library(tmp_path).get(platform).secretive
    assert secretive is not None
    for line in LINES:
        matching = [each for each in secretive.each if each.search(line)]
        assert secretive.matching(line) == (matching or list(secretive.each))


def test_where_one_pass_is_too_much_all_are_tried() -> None:
    secretive = Secretive.of(["key (.*)", "word (.*)"])._replace(which=pattern_set([]))
    assert secretive.matching(b"key abc") == list(secretive.each)
