"""Ansible's inventories: hosts in groups, which become tags; `ansible_*` variables say where they are."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from rookery.domains.devices.errors import InventoryNotValid
from rookery.domains.devices.formats.record import Record, is_yes, port_of

NO_TAGS = {"all", "ungrouped"}
DEEPEST = 20
PLATFORM = ("ansible_network_os", "network_os", "platform")


def read(text: str) -> Iterator[Record]:
    """The hosts of an inventory, with what their groups say of them."""
    start = text.lstrip()[:1]
    if start == "{":
        inventory = _from_list(_json(text))
    elif start == "[" or not _looks_like_yaml(text):
        inventory = _from_ini(text)
    else:
        inventory = _from_yaml(text)
    return inventory.records()


class _Inventory:
    """Groups with their hosts, children and variables."""

    def __init__(self) -> None:
        self.hosts: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, set[str]] = {}
        self.children: dict[str, set[str]] = {}
        self.variables: dict[str, dict[str, Any]] = {}

    def add(self, group: str, host: str, variables: dict[str, Any] | None = None) -> None:
        self.hosts.setdefault(host, {}).update(variables or {})
        self.groups.setdefault(group, set()).add(host)

    def records(self) -> Iterator[Record]:
        above = self._parents()
        for host, own in sorted(self.hosts.items()):
            direct = [group for group, hosts in self.groups.items() if host in hosts]
            groups = sorted({"all", *direct, *(parent for group in direct for parent in above(group))})
            variables: dict[str, Any] = {}
            for group in sorted(groups, key=lambda group: (group != "all", group in direct)):
                variables |= self.variables.get(group, {})
            yield _record(host, {**variables, **own}, [group for group in groups if group not in NO_TAGS])

    def _parents(self) -> Any:
        def above(group: str, depth: int = DEEPEST) -> set[str]:
            parents = {parent for parent, children in self.children.items() if group in children}
            further = {each for parent in parents for each in above(parent, depth - 1)} if depth else set()
            return parents | further

        return above


def _record(host: str, variables: dict[str, Any], groups: list[str]) -> Record:
    system = next((str(variables[name]) for name in PLATFORM if variables.get(name)), "")
    parts: dict[str, Any] = {
        "name": host,
        "address": str(variables.get("ansible_host") or host),
        "platform": system.rpartition(".")[2].lower(),
        "tags": tuple(group.lower().replace(" ", "-") for group in groups),
    }
    if (port := port_of(variables.get("ansible_port"))) is not None:
        parts["port"] = port
    if "telnet" in str(variables.get("ansible_connection", "")):
        parts["transport"] = "telnet"
    if "enabled" in variables:
        parts["enabled"] = is_yes(variables["enabled"])
    parts |= {name: str(variables[name]) for name in ("site", "role") if variables.get(name)}
    return Record(f"host {host}", parts)


def _json(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InventoryNotValid(f"That is no JSON of an inventory: {error}.") from None


def _from_list(document: dict[str, Any]) -> _Inventory:
    """What `ansible-inventory --list` prints."""
    inventory = _Inventory()
    variables = (document.get("_meta") or {}).get("hostvars") or {}
    for group, said in document.items():
        if group == "_meta":
            continue
        told = said if isinstance(said, dict) else {"hosts": said}
        for host in told.get("hosts") or ():
            inventory.add(group, str(host), variables.get(host))
        inventory.children[group] = {str(child) for child in told.get("children") or ()}
        inventory.variables[group] = dict(told.get("vars") or {})
    for host, own in variables.items():
        inventory.add("ungrouped", str(host), own)
    return inventory


def _looks_like_yaml(text: str) -> bool:
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", ";")))
    first = next(lines, "")
    return first.startswith("---") or first.rstrip().endswith(":")


def _from_yaml(text: str) -> _Inventory:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InventoryNotValid(f"That is no YAML: {' '.join(str(error).split())}.") from None
    inventory = _Inventory()
    for group, said in (document or {}).items() if isinstance(document, dict) else ():
        _add_group(inventory, str(group), said, DEEPEST)
    return inventory


def _add_group(inventory: _Inventory, name: str, said: Any, depth: int) -> None:
    if not isinstance(said, dict):
        return
    if not depth:
        raise InventoryNotValid(f"Group {name}: groups in groups go at most {DEEPEST} deep.")
    inventory.variables.setdefault(name, {}).update(said.get("vars") or {})
    for host, own in (said.get("hosts") or {}).items():
        inventory.add(name, str(host), own)
    for child, told in (said.get("children") or {}).items():
        inventory.children.setdefault(name, set()).add(str(child))
        _add_group(inventory, str(child), told or {}, depth - 1)


def _from_ini(text: str) -> _Inventory:
    inventory = _Inventory()
    group, kind = "ungrouped", "hosts"
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith(("#", ";")):
            continue
        if bare.startswith("["):
            group, _, kind = bare.strip("[]").partition(":")
        else:
            _add_line(inventory, group, kind or "hosts", bare, number)
    return inventory


def _add_line(inventory: _Inventory, group: str, kind: str, line: str, number: int) -> None:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise InventoryNotValid(f"Line {number}: {error}.") from None
    if kind == "children":
        inventory.children.setdefault(group, set()).add(words[0])
    elif kind == "vars":
        name, _, value = line.partition("=")
        inventory.variables.setdefault(group, {})[name.strip()] = value.strip().strip("'\"")
    else:
        own = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        inventory.add(group, words[0], own)
