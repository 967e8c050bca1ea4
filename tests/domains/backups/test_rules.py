"""From what a device sent to what is kept of it."""

from __future__ import annotations

import pytest

from rookery.domains.backups import rules
from rookery.domains.backups.errors import ConfigurationEmpty, ConfigurationShrunk, ConfigurationTruncated
from rookery.domains.devices.library import Library
from rookery.domains.devices.platform import Platform
from tests.domains.backups.conftest import configuration

IOS = Library().get("ios")


def name(secret: str) -> str:
    return f"n{len(secret)}"


def kept(text: str, platform: Platform = IOS) -> rules.Masked:
    return rules.masked(platform, rules.assembled(platform, [text]), name)


def test_lines_that_talk_about_the_configuration_are_no_part_of_it() -> None:
    text = rules.assembled(IOS, [configuration()]).decode()
    assert text.startswith("!\n! Last configuration change")
    assert text.endswith("end\n")
    assert "Current configuration" not in text


def test_answers_are_put_together_in_order() -> None:
    assert rules.assembled(IOS, ["a\n", "\nb\n\n"]) == b"a\nb\n"


def test_noise_makes_no_version_and_is_kept() -> None:
    before, after = configuration(), configuration().replace("09:37:40", "11:11:11")
    assert kept(before).digest == kept(after).digest
    assert b"11:11:11" in kept(after).text
    assert kept(before).digest != kept(configuration(more="ntp server 10.0.0.9\n")).digest


def test_a_secret_has_a_name_in_its_place_and_another_secret_is_a_change() -> None:
    assert b"enable secret 9 <secret n6>\n" in kept(configuration()).text
    assert kept(configuration()).digest != kept(configuration(secret="$9$longer")).digest


def test_secrets_may_be_masked_or_kept_instead() -> None:
    raw = rules.assembled(IOS, [configuration()])
    assert b"enable secret 9 ***\n" in rules.masked(IOS, raw, None).text
    assert b"$9$abc" in rules.masked(IOS, raw, name, keep=True).text


@pytest.mark.parametrize(
    "line",
    [
        "enable password 7 SECRET",
        "username ann privilege 15 secret 5 SECRET",
        "username ann password SECRET",
        "snmp-server community SECRET RO 10",
        "snmp-server host 10.0.0.1 version 2c SECRET",
        "snmp-server user ann group v3 auth sha SECRET priv aes 128 SECRET",
        "tacacs-server key 7 SECRET",
        " key 7 SECRET",
        " neighbor 10.0.0.2 password 7 SECRET",
        " ip ospf message-digest-key 1 md5 7 SECRET",
        "crypto isakmp key SECRET address 10.0.0.2",
        " pre-shared-key SECRET",
        "ntp authentication-key 1 md5 SECRET 7",
        " server-key 7 SECRET",
        " wpa-psk ascii 7 SECRET",
    ],
)
def test_secrets_of_ios_are_found(line: str) -> None:
    assert b"SECRET" not in kept(f"hostname r1\n{line}\nend\n").text


def test_what_is_no_secret_stays() -> None:
    text = configuration(more="ip ssh version 2\nservice password-encryption\nkey chain ospf\n")
    assert b"service password-encryption\nkey chain ospf\n" in kept(text).text


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_nothing_is_no_configuration(text: str) -> None:
    with pytest.raises(ConfigurationEmpty):
        rules.check(IOS, rules.assembled(IOS, [text]), None)


def test_a_configuration_without_its_end_is_none() -> None:
    with pytest.raises(ConfigurationTruncated, match="Its last line: 'no shutdown'"):
        rules.check(IOS, b"hostname r1\ninterface x\n no shutdown\n", None)
    rules.check(IOS, b"hostname r1\nend\n\n! a word after the end\n", None)


def test_a_configuration_that_has_lost_half_of_itself_is_none() -> None:
    short = b"hostname r1\n" + b"!\n" * 40 + b"end\n"
    rules.check(IOS, short, 80)
    with pytest.raises(ConfigurationShrunk, match="From 100 to 42 lines"):
        rules.check(IOS, short, 100)
    rules.check(IOS, b"hostname r1\nend\n", 10)


def test_facts_are_read_from_what_a_device_says() -> None:
    said = "Cisco IOS Software, Version 15.2(7)E3, RELEASE\nsw1 uptime is 1 week\nProcessor board ID FOC1\n"
    assert rules.facts_of(IOS.facts[0], said) == {"hostname": "sw1", "serial": "FOC1", "version": "15.2(7)E3"}
