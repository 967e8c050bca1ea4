"""What a verb returns from afar is what it returns at hand."""

from __future__ import annotations

from typing import Any

import msgspec

from rookery import app
from rookery.domains.findings.rules import Severity
from rookery.domains.templates.rules import Selector
from rookery.mechanisms.store.orders import Place
from tests.faces.client.conftest import Afar
from tests.faces.client.houses import BOTH_DATABASES, Lab, plain

READ: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("devices.list", (), {}), ("devices.list", ("tag:core",), {}), ("devices.list", (), {"limit": 1}),
    ("devices.list", (), {"limit": 1, "after": Place("r1", "r1")}), ("devices.list", (), {"limit": 0}),
    ("devices.count", (), {}), ("devices.count", ("site:none",), {}), ("devices.get", ("r1",), {}),
    ("devices.tags", (), {}), ("devices.tags_of", ("r1",), {}), ("devices.devices_for", ("core",), {}),
    ("devices.export", ("csv",), {}), ("devices.host_keys", ("127.0.0.1", 22), {}),
    ("devices.preview_import", ("name,address,platform\nr9,192.0.2.9,eos\n", "csv"), {"site": "north"}),
    ("devices.platforms", (), {}), ("devices.platform", ("ios",), {}),
    ("credentials.list", (), {}), ("credentials.get", ("lab",), {}), ("credentials.fitting", ("r1",), {}),
    ("backups.versions", ("r1",), {}), ("backups.versions", ("r1",), {"limit": 1, "before": 2}),
    ("backups.get", ("r1",), {}), ("backups.get", ("r1", 1), {}), ("backups.text", ("r1",), {}),
    ("backups.text", ("r1", 1), {}), ("backups.compare", ("r1",), {}),
    ("backups.compare", ("r1", 1, 2), {"context": 0}), ("backups.grep", ("ntp",), {}),
    ("backups.grep", ("interface", "tag:core"), {"most": 2}),
    ("findings.list", (), {}), ("findings.list", ("sev>=medium",), {"limit": 2}),
    ("findings.list", (), {"severities": [Severity.HIGH]}), ("findings.count", (), {}),
    ("findings.count", ("sev>=medium",), {}), ("findings.groups", (), {}), ("findings.feeds", (), {}),
    ("findings.export", ("jsonl",), {}),
    ("scans.runs", (), {}), ("scans.runs", (), {"project_id": "web"}), ("scans.run", ("first",), {}),
    ("scans.get_scan_result", ("first",), {}), ("scans.coverage_counts", ("first",), {}),
    ("scans.template_ids", ("first",), {}), ("scans.artifacts", ("first",), {}),
    ("scans.read_artifact", ("first", "metadata.json"), {}), ("scans.scope_entries", (), {}),
    ("projects.list", (), {}), ("projects.get", ("web",), {}), ("projects.endpoints", ("web",), {}),
    ("templates.list", (), {}), ("templates.list", (Selector(tags=("git",)),), {}),
    ("templates.stats", (), {}), ("templates.show", ("git-config-exposed",), {}),
    ("schedules.list", (), {}), ("schedules.get", ("nightly",), {}), ("schedules.history", ("nightly",), {}),
    ("tasks.list", (), {}), ("tasks.list", (), {"status": ["pending"], "type": "backups.reach_all"}),
    ("tasks.health", (), {}),
    ("settings.list", (), {}), ("settings.by_category", ("queue",), {}), ("settings.by_key", (), {}),
    ("settings.get", ("queue.keep_days",), {}), ("settings.value", ("queue.keep_days",), {}),
    ("settings.history", ("queue.keep_days",), {}),
    ("notifications.list_channels", (), {}), ("notifications.get_channel", ("ops",), {}),
    ("notifications.list_rules", (), {}), ("notifications.get_rule", ("broken",), {}),
    ("notifications.history", (), {}),
    ("users.list", (), {}), ("users.count", (), {}), ("users.by_username", ("viewer",), {}),
    ("users.tokens", (), {}),
    ("audit.list", (), {"limit": 5, "event_type": "device.created"}), ("audit.newest", (), {}),
    ("audit.count", (), {"event_type": "device.created", "fresh": True}), ("audit.verify", (), {}),
]  # fmt: skip


def at_hand(rook: app.Rook, verb: str, *args: Any, **kwargs: Any) -> Any:
    face, _, name = verb.partition(".")
    result = getattr(getattr(rook, face), name)(*args, **kwargs)
    return list(result) if hasattr(result, "__next__") else result


@BOTH_DATABASES
def test_what_is_read_from_afar_is_what_is_read_at_hand(lab: Lab, afar: Afar) -> None:
    """In the world of plain code and of coroutines alike: the fixture comes in both."""
    for verb, args, kwargs in READ:
        here = plain(at_hand(lab.rook, verb, *args, **kwargs))
        there = plain(afar(verb, *args, **kwargs))
        assert _lasting(there) == _lasting(here), (verb, args, kwargs)


def _lasting(value: Any) -> Any:
    """Without what has changed by being asked for: when a token was used, how long something has waited."""
    built = msgspec.to_builtins(value, enc_hook=str)
    return _without(built, {"last_used", "last_used_at", "oldest_s", "seen_us", "signed_at_us"})


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list | tuple) else value
