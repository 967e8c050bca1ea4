"""Lists of devices: six formats in, four out, what an import would change, and doing it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rookery.domains.devices import exchange, formats, service, store
from rookery.domains.devices.errors import InventoryNotValid
from rookery.domains.devices.formats import guess
from tests.conftest import Call

CSV = """\
Hostname;IP Address;Device_Type;Tags;Site;Colour
r1;10.0.0.1;cisco_ios;core dmz;berlin;red
r2;10.0.0.2;eos;;;
"""
OXIDIZED = "# routers\nr1:10.0.0.1:ios:core\nsw1:eos\n"
RANCID = "r1.example.org;cisco;up\nr2.example.org;juniper;down;broken since May\n"
INI = """\
[core]
r1 ansible_host=10.0.0.1 ansible_network_os=cisco.ios.ios
r2 ansible_host=10.0.0.2 ansible_port=2222
[core:vars]
ansible_network_os=arista.eos.eos
[backbone:children]
core
"""
YAML = """\
all:
  vars: {ansible_network_os: ios}
  children:
    core:
      hosts:
        r1: {ansible_host: 10.0.0.1}
"""
LIST = json.dumps(
    {
        "_meta": {"hostvars": {"r1": {"ansible_host": "10.0.0.1", "ansible_network_os": "ios"}}},
        "all": {"children": ["core"]},
        "core": {"hosts": ["r1"]},
    }
)
NETBOX = json.dumps(
    {
        "count": 1,
        "results": [
            {
                "name": "r1",
                "device_type": {"model": "C9200L", "slug": "c9200l"},
                "role": {"slug": "access"},
                "platform": {"slug": "cisco-ios"},
                "site": {"slug": "berlin"},
                "status": {"value": "offline"},
                "serial": "JAE1",
                "primary_ip": {"address": "10.0.0.1/24"},
                "tags": [{"slug": "core"}],
            }
        ],
    }
)


def read(format_: str, text: str) -> list[dict[str, Any]]:
    return [record.parts for record in formats.read(format_, text)]


def test_csv_takes_other_titles_and_separators_and_says_what_it_leaves_out() -> None:
    first, second = formats.read("csv", CSV)
    assert (first.place, first.ignored) == ("line 2", ("colour",))
    assert first.parts["tags"] == ("core", "dmz")
    assert second.parts == {"name": "r2", "address": "10.0.0.2", "platform": "eos"}


@pytest.mark.parametrize(
    ("format_", "text", "expected"),
    [
        ("oxidized", OXIDIZED, [("r1", "10.0.0.1", "ios"), ("sw1", "sw1", "eos")]),
        (
            "rancid", RANCID,
            [("r1.example.org", "r1.example.org", "ios"), ("r2.example.org", "r2.example.org", "junos")],
        ),
        ("ansible", INI, [("r1", "10.0.0.1", "ios"), ("r2", "10.0.0.2", "eos")]),
        ("ansible", YAML, [("r1", "10.0.0.1", "ios")]),
        ("ansible", LIST, [("r1", "10.0.0.1", "ios")]),
        ("netbox", NETBOX, [("r1", "10.0.0.1", "cisco_ios")]),
    ],
)  # fmt: skip
def test_every_format_says_where_a_device_is_and_what(format_: str, text: str, expected: list[Any]) -> None:
    assert [(each["name"], each["address"], each["platform"]) for each in read(format_, text)] == expected


def test_what_else_a_format_says_is_kept() -> None:
    assert read("rancid", RANCID)[1]["enabled"] is False
    assert read("rancid", RANCID)[1]["notes"] == "broken since May"
    assert read("ansible", INI)[1] | {"tags": ("backbone", "core"), "port": 2222} == read("ansible", INI)[1]
    found = read("netbox", NETBOX)[0]
    assert (found["enabled"], found["model"], found["tags"]) == (False, "C9200L", ("core",))


@pytest.mark.parametrize(
    ("name", "text", "format_"),
    [
        ("devices.csv", CSV, "csv"),
        ("router.db", OXIDIZED, "oxidized"),
        ("router.db", RANCID, "rancid"),
        ("hosts.ini", INI, "ansible"),
        ("inventory.yml", YAML, "ansible"),
        ("x.json", LIST, "ansible"),
        ("x.json", NETBOX, "netbox"),
        ("x.json", '{"items": []}', "json"),
    ],
)
def test_a_format_is_seen_from_the_file(name: str, text: str, format_: str) -> None:
    assert guess(name, text) == format_


@pytest.mark.parametrize(
    ("format_", "text", "said"),
    [
        ("csv", "a,b\n1,2\n", "first line names the columns"),
        ("csv", 'name,platform\n"r1,ios\n', "Line"),
        ("json", "{", "no JSON"),
        ("json", '{"items": [1]}', "Device 1 is no object"),
        ("json", "5", "list of devices"),
        ("oxidized", "r1\n", "name:model"),
        ("rancid", "r1;cisco\n", "up or down"),
        ("ansible", "all: [", "no YAML"),
        ("ansible", '{"a"', "no JSON"),
        ("ansible", "[core]\nr1 a='x\n", "Line 2"),
        ("netbox", "{}", "list `results`"),
        ("word", "", "there are csv"),
    ],
)
def test_what_cannot_be_read_says_where(format_: str, text: str, said: str) -> None:
    if format_ == "ansible" and text == "all: [":
        text = "all:\n  x: ["
    with pytest.raises(InventoryNotValid, match=said):
        list(formats.read(format_, text))


def test_an_import_says_what_it_would_change_and_then_does_exactly_that(call: Call) -> None:
    call(service.create, "R1", "10.9.9.9", "ios", tags=("old",), notes="kept")
    call(service.create, "r2", "10.0.0.2", "eos")
    text = CSV + "r3;10.0.0.300;ios;;;\nr4;10.0.0.4;ioss;;;\nr1;10.0.0.5;ios;;;\n"
    preview = call(exchange.preview_import, text, "csv")
    assert [(each.name, each.what) for each in preview.changes] == [
        ("r1", "update"), ("r2", "unchanged"), ("r3", "refuse"), ("r4", "refuse"), ("r1", "refuse"),
    ]  # fmt: skip
    assert preview.changes[0].changed == ("address", "tags", "site")
    assert [each.reason[:20] for each in preview.changes[2:]] == [
        "address is an IPv4 o", "There is no platform", "this name stands in ",
    ]  # fmt: skip
    assert call(store.get, "r1").address == "10.9.9.9"
    assert call(exchange.import_, text, "csv") == preview
    device = call(store.get, "r1")
    assert (device.name, device.address, device.notes) == ("R1", "10.0.0.1", "kept")
    assert device.tags == ("core", "default", "dmz", "old")
    assert call(exchange.import_, text, "csv").count("unchanged") == 2


def test_new_devices_take_defaults_for_what_the_list_does_not_say(call: Call) -> None:
    outcome = call(exchange.import_, "name,address\nr1,10.0.0.1\n", "csv", platform="ios", site="lab")
    assert outcome.count("create") == 1
    assert (call(store.get, "r1").platform, call(store.get, "r1").site) == ("ios", "lab")


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_what_is_exported_changes_nothing_when_it_comes_back(call: Call, format_: str) -> None:
    call(service.create, "r1", "10.0.0.1", "ios", tags=("core",), notes='=cmd("x"), and\nmore', port=2222)
    call(service.create, "r2", "2001:db8::1", "eos", transport="telnet", enabled=False, trust="strict")
    text = call(exchange.export, format_)
    outcome = call(exchange.import_, text, format_)
    assert [each.what for each in outcome.changes] == ["unchanged", "unchanged"]


def test_no_cell_of_a_csv_is_a_formula(call: Call) -> None:
    call(service.create, "r1", "10.0.0.1", "ios", notes="=1+1", site="+x")
    assert ",'=1+1" in call(exchange.export, "csv")


def test_other_programs_read_what_is_exported_for_them(call: Call) -> None:
    call(service.create, "r1", "10.0.0.1", "ios", tags=("core",))
    assert call(exchange.export, "oxidized", "tag:core") == "r1;10.0.0.1;ios;core\n"
    assert call(exchange.export, "rancid") == "10.0.0.1;cisco;up\n"
    with pytest.raises(InventoryNotValid, match="only read"):
        call(exchange.export, "netbox")


def test_a_device_without_name_or_platform_is_refused_in_words(call: Call) -> None:
    outcome = call(exchange.preview_import, "name,address,platform\nr1,10.0.0.1,\n,10.0.0.2,ios\n", "csv")
    assert [each.reason for each in outcome.changes] == [
        "the list says no platform: --platform NAME is that of all such devices.", "it has no name.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("titles", "values", "expected"),
    [
        ("Name,IP Address,Type", "r1,10.0.0.1,Cisco IOS", {}),
        ("Device Name;Management IP;OS;Hardware", "r1;10.0.0.1;ios;C9200L", {"model": "C9200L"}),
        ("hostname,sysName,ip,os,hardware,version,serial,location,type",  # LibreNMS
         "r1,r1.example.org,10.0.0.1,ios,C9200L,17.9,JAE1,Berlin,network",
         {"model": "C9200L", "version": "17.9", "serial": "JAE1", "site": "Berlin"}),
        ("Name,Status,Site,Location,Role,Type,IP Address,Platform,Serial number",  # NetBox
         "r1,Active,Berlin,Room 1,Access,C9200L,10.0.0.1/24,Cisco IOS,JAE1",
         {"site": "Berlin", "role": "Access", "serial": "JAE1"}),
        ("name,device_type,platform,address", "r1,C9200L,cisco_ios,10.0.0.1", {}),
    ],
)  # fmt: skip
def test_the_titles_of_other_programs_are_understood(
    call: Call, titles: str, values: str, expected: dict[str, str]
) -> None:
    assert call(exchange.import_, f"{titles}\n{values}\n", "csv").count("create") == 1
    device = call(store.get, "r1")
    assert (device.address, device.platform) == ("10.0.0.1", "ios")
    found = {name: getattr(device, name) for name in ("site", "role", "model", "version", "serial")}
    assert {name: value for name, value in found.items() if value} == expected


def test_a_type_that_is_no_platform_is_left_out(call: Call) -> None:
    text = "name,address,type\nr1,10.0.0.1,router\nr2,10.0.0.2,eos\n"
    outcome = call(exchange.import_, text, "csv", platform="ios")
    assert outcome.ignored == ("type",)
    assert [call(store.get, name).platform for name in ("r1", "r2")] == ["ios", "eos"]
    assert "the list says no platform" in call(exchange.preview_import, text, "csv").changes[0].reason


def test_what_has_no_place_is_named(call: Call) -> None:
    assert call(exchange.preview_import, CSV, "csv").ignored == ("colour",)
    assert call(exchange.import_, CSV, "csv").ignored == ("colour",)
