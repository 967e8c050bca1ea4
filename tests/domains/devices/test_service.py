"""Describing, changing, tagging and forgetting devices, in both worlds and on both databases."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from rookery.base.clock import now
from rookery.domains.devices import service, store
from rookery.domains.devices.errors import (
    DeviceChanged,
    DeviceExists,
    DeviceNotFound,
    DeviceNotValid,
    PlatformNotFound,
    PlatformNotValid,
)
from rookery.domains.devices.filters import FIELDS
from rookery.mechanisms.filters.grammar import FilterNotValid
from tests.conftest import Call


def audited(call: Call) -> list[tuple[str, str]]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(each.event_type, each.object) for each in reversed(call.rook.audit.list())]


def names(call: Call, filter_: str) -> list[str]:
    return [device.name for device in call(store.list_, filter_)]


def test_a_device_is_described_and_found_by_name_in_any_case_and_by_id(call: Call) -> None:
    made = call(service.create, "LAB-r1", "10.0.0.1", "cisco_ios", tags=("Core",), site="lab", port=22)
    assert (made.name, made.platform, made.port, made.tags) == ("LAB-r1", "ios", 22, ("core", "default"))
    assert (made.is_enabled, made.revision, made.created_by, made.last_backup) == (True, 1, "tester", None)
    assert call(store.get, "lab-R1") == call(store.get, made.id) == call(store.get, made.id[:13]) == made


def test_a_name_is_taken_in_every_case(call: Call) -> None:
    call(service.create, "r1", "10.0.0.1", "ios")
    call(service.create, "r2", "10.0.0.2", "ios")
    with pytest.raises(DeviceExists, match="R1"):
        call(service.create, "R1", "10.0.0.3", "ios")
    with pytest.raises(DeviceExists):
        call(service.update, "r2", name="R1")
    assert call(service.update, "r1", name="R1").name == "R1"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"address": "10.0.0"}, "address is an IPv4"),
        ({"address": "http://x"}, "address is an IPv4"),
        ({"name": "../etc"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"port": 0}, "port is a number from 1 to 65535"),
        ({"transport": "http"}, "transport"),
        ({"tags": ("two words",)}, "no tag"),
        ({"jump": "bastion"}, "USER@HOST"),
        ({"site": "a\x1b[2J"}, "site is one line"),
        ({"notes": "n" * 10_001}, "notes have 10001 characters"),
        ({"colour": "red"}, "A device has no colour"),
        ({"enabled": "perhaps"}, "bool"),
    ],
)
def test_what_is_not_valid_is_named(call: Call, parts: dict[str, Any], said: str) -> None:
    whole = {"name": "r1", "address": "10.0.0.1", "platform": "ios", **parts}
    with pytest.raises(DeviceNotValid, match=said):
        call(service.create, whole.pop("name"), whole.pop("address"), whole.pop("platform"), **whole)
    assert call(store.count) == 0


def test_addresses_have_one_form(call: Call) -> None:
    assert call(service.create, "a", "[2001:DB8:0::1]", "ios").address == "2001:db8::1"
    assert call(service.create, "b", "R1.Example.ORG.", "ios").address == "r1.example.org"


def test_an_unknown_platform_has_a_nearest_one(call: Call) -> None:
    with pytest.raises(PlatformNotFound, match="ioss: perhaps ios"):
        call(service.create, "r1", "10.0.0.1", "ioss")


def test_what_is_given_is_changed_and_the_rest_stays(call: Call) -> None:
    before = call(service.create, "r1", "10.0.0.1", "ios", site="lab", notes="old")
    after = call(service.update, "r1", notes="new", enabled=False)
    assert (after.site, after.notes, after.is_enabled, after.revision) == ("lab", "new", False, 2)
    assert call(service.update, "r1", notes="new") == after
    assert call(store.get, "r1").created == before.created


def test_a_change_of_what_somebody_else_has_changed_is_refused(call: Call) -> None:
    seen = call(service.create, "r1", "10.0.0.1", "ios").revision
    call(service.update, "r1", notes="theirs", revision=seen)
    with pytest.raises(DeviceChanged):
        call(service.update, "r1", notes="ours", revision=seen)
    assert call(store.get, "r1").notes == "theirs"


def test_tags_are_given_taken_counted_and_asked_for(call: Call) -> None:
    call(service.create, "r1", "10.0.0.1", "ios")
    call(service.create, "r2", "10.0.0.2", "ios", tags=("core",))
    assert call(service.add_tags, "r1", ["Core", "dc1"]).tags == ("core", "dc1", "default")
    assert call(service.remove_tags, "r1", ["dc1", "default"]).tags == ("core", "default")
    assert call(store.tags) == [("core", 2), ("default", 2)]
    assert [device.name for device in call(service.devices_for, "core")] == ["r1", "r2"]
    assert call(service.devices_for, 'c"') == []
    assert call(service.tags_of, "r2") == ("core", "default")


def test_filters_choose_devices(call: Call) -> None:
    call(service.create, "edge1", "10.0.0.1", "ios", tags=("dmz",), site="berlin")
    call(service.create, "core1", "10.0.1.1", "eos", port=2222, notes="the old one")
    call(service.update_backup_status, "core1", "failed", error="timed out")
    assert names(call, "tag:dmz") == ["edge1"]
    assert names(call, "-tag:dmz") == ["core1"]
    assert names(call, "address:10.0.0.*") == ["edge1"]
    assert names(call, "port>2000 os:eos") == ["core1"]
    assert names(call, 'site:""') == ["core1"]
    assert names(call, "backup:failed") == names(call, "backed<1h") == ["core1"]
    assert names(call, "the old") == ["core1"]
    assert names(call, "created<1h enabled:yes") == ["core1", "edge1"]
    assert [each.name for each in call(store.list_, "", limit=1, after="core1")] == ["edge1"]
    with pytest.raises(FilterNotValid, match="did you mean tag"):
        call(store.list_, "tg:dmz")


def test_what_came_of_a_backup_is_noted_with_what_the_device_said(call: Call) -> None:
    call(service.create, "r1", "10.0.0.1", "ios")
    moment = now()
    call(service.update_backup_status, "r1", "changed", at=moment, facts={"model": "C9200", "serial": ""})
    device = call(store.get, "r1")
    assert (device.last_backup, device.last_backup_at, device.last_seen) == ("changed", moment, moment)
    assert (device.model, device.serial, device.revision) == ("C9200", "", 1)
    call(service.update_backup_status, "r1", "failed", error="It went silent.")
    device = call(store.get, "r1")
    assert (device.last_backup, device.last_backup_error, device.last_seen) == (
        "failed",
        "It went silent.",
        moment,
    )


def test_a_device_is_forgotten(call: Call) -> None:
    call(service.create, "r1", "10.0.0.1", "ios")
    call(service.delete, "R1")
    with pytest.raises(DeviceNotFound, match="devices list"):
        call(store.get, "r1")
    with pytest.raises(DeviceNotFound):
        call(service.delete, "r1")


def test_every_change_is_audited_and_what_changes_nothing_is_not(call: Call) -> None:
    call(service.create, "r1", "10.0.0.1", "ios")
    call(service.update, "r1", notes="n")
    call(service.update, "r1", notes="n")
    call(service.add_tags, "r1", ["core"])
    call(service.forget_host_keys, "10.0.0.1")
    call(service.delete, "r1")
    assert [kind for kind, _ in audited(call)] == [
        *("device.created", "device.updated", "device.updated", "device.deleted"),
    ]


def test_host_keys_are_known_per_port_and_forgotten_by_host(call: Call) -> None:
    call(store.add_host_key, "10.0.0.1", 22, "ssh-ed25519 AAAA")
    call(store.add_host_key, "10.0.0.1", 22, "ssh-ed25519 AAAA")
    call(store.add_host_key, "10.0.0.1", 2222, "ssh-rsa BBBB")
    assert call(store.host_keys, "10.0.0.1", 22) == {"ssh-ed25519 AAAA"}
    assert call(service.forget_host_keys, "10.0.0.1", 22) == 1
    assert call(store.host_keys, "10.0.0.1", 2222) == {"ssh-rsa BBBB"}
    assert call(service.forget_host_keys, "10.0.0.1") == 1
    assert [what for _, what in audited(call)] == ["10.0.0.1:22", "10.0.0.1"]


def test_a_platform_of_ones_own_wins_and_says_what_is_wrong_with_it(call: Call, data_dir: Path) -> None:
    folder = data_dir / "platforms"
    folder.mkdir()
    (folder / "ios.toml").write_text('title = "Ours"\nlike = "eos"\n[dialect]\nprompt = "x>"\n')
    ours = call(service.platform, "ios")
    assert (ours.title, ours.dialect.prompt, ours.origin) == ("Ours", "x>", str(folder / "ios.toml"))
    assert ours.configuration.commands == call(service.platform, "eos").configuration.commands
    for text, said in [
        ('title = "x"\ncolour = 1', "colour"),
        ('title = "x"\n[dialect]\nprompt = "(?=a)"', "no regular expression of RE2"),
        ("title = ", "Invalid value"),
        ('title = "x"\nlike = "nothing"', "no such platform"),
        ('title = "x"\nlike = "odd"', "no such platform"),
    ]:
        (folder / "odd.toml").write_text(text)
        with pytest.raises(PlatformNotValid, match=said) as refused:
            call(service.platform, "odd")
        assert "odd" in str(refused.value)


def test_every_field_is_documented_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/filters.md").read_text("utf-8")
    part = page.partition("## Fields of devices")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", part, re.MULTILINE)
    assert rows == [(field.name, field.help) for field in FIELDS]
