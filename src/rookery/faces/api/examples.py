"""Examples of what is sent and answered: written where meaning matters, else made from the schema.

Examples(components).of({"$ref": "#/components/schemas/DeviceInfo"})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ID: Final = "019e1c2a-7b00-7000-8000-5f3759df0001"
MOMENT: Final = "2026-11-27T03:12:00Z"

WRITTEN: Final[Mapping[str, Any]] = {
    "Assignment": {"filter": "tag:dmz", "owner": "ada"},
    "ChannelPartsChanges": {"is_enabled": False},
    "Decision": {
        "filter": "host:10.0.*", "state": "risk_accepted", "reason": "only in the lab", "until": "90d",
    },
    "DeviceList": {"format": "csv", "text": "name,address,platform\nr1,10.0.0.1,ios\n", "dry_run": True},
    "DeviceSpec": {"name": "r1", "address": "10.0.0.1", "platform": "ios", "tags": ["core"]},
    "DeviceSpecChanges": {"site": "berlin", "tags": ["core", "dmz"]},
    "FirstAccount": {"token": "from the link", "username": "ada", "password": "four words of your own"},
    "Labels": {"filter": "tag:dmz", "add": ["audit-2026"]},
    "Login": {"username": "ada", "password": "four words of your own"},
    "NewAllowed": {"entry": "10.0.0.0/24"},
    "NewBackup": {"filter": "tag:core"},
    "NewChannel": {
        "name": "ops", "kind": "webhook", "url": "https://hooks.example.net/rookery",
        "secret": "32 characters of your own, or so",
    },
    "NewCredential": {"name": "lab", "username": "backup", "password": "as the device knows it"},
    "NewCredentialChanges": {"priority": 10},
    "NewEndpoints": {"endpoints": ["https://www.example.net", "10.0.0.7:8443", "device:r1"]},
    "NewProject": {"id": "dmz", "description": "What faces the Internet."},
    "NewRule": {"name": "broken", "kinds": ["backup.failed"], "channels": ["ops"]},
    "NewRun": {"endpoints": ["https://www.example.net"], "selection": {"severities": ["high", "critical"]}},
    "NewSchedule": {
        "name": "nightly", "timing": {"type": "cron", "line": "0 3 * * *", "zone": "Europe/Berlin"},
        "task_type": "backups.run", "payload": {"filter": "tag:core"},
    },
    "NewScheduleChanges": {"timing": {"type": "every", "seconds": 3600}},
    "NewTask": {"type": "backups.run", "payload": {"filter": "tag:core"}},
    "NewUser": {"username": "ada", "email": "ada@example.org", "role": "operator"},
    "NewValue": {"value": 30},
    "Note": {"filter": "host:10.0.0.7", "text": "asked its owner"},
    "OwnPassword": {"current": "the one until now", "password": "four words of your own"},
    "ProblemDetails": {
        "title": "Not Found", "status": 404, "detail": "There is no device r9.", "code": "device-not-found",
        "type": "about:blank", "instance": "/api/v1/devices/r9", "request_id": ID,
    },
    "Reason": {"reason": "the login fails from the console, too"},
    "RulePartsChanges": {"severity": "high"},
    "TokenRequest": {"name": "ci", "scopes": ["devices:read", "backups:run"], "days": 90},
    "UserPartsChanges": {"role": "operator"},
    "Wanted": {"reason": "compare with the device"},
}  # fmt: skip
"""By the name of the schema."""

CALLED: Final[Mapping[str, Any]] = {
    "actor": "ada", "added_by": "ada", "address": "10.0.0.1", "created_by": "ada", "device": "r1",
    "email": "ada@example.org", "event_type": "device.created", "filter": "tag:core",
    "host": "www.example.net",
    "id": ID, "name": "r1", "object": "r1", "owner": "ada", "pid": 4711, "platform": "ios", "port": 22,
    "prefix": "rk_3fK9aZ2Q", "priority": 5, "progress": 0.25, "project_id": "default", "revision": 3,
    "role": "core", "run_id": ID, "severity": "high", "site": "berlin", "status": "completed",
    "tag": "core", "tags": ["core"], "target": "https://www.example.net", "task_id": ID, "user_id": ID,
    "task_type": "backups.run", "template_id": "exposed-git", "username": "ada", "version": "17.9.4a",
}  # fmt: skip
"""By the name of a property, wherever it may have that value."""

BY_FORMAT: Final[Mapping[str, str]] = {"date-time": MOMENT, "date": MOMENT[:10], "uuid": ID}
KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str, "integer": int, "number": (int, float), "array": list,
}  # fmt: skip


class Examples:
    """Examples for schemas that refer to these components."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components

    def of(self, schema: Mapping[str, Any], name: str = "") -> Any:
        """What fits a schema; `name` is that of the property it is for."""
        if "$ref" in schema:
            return self._of_component(schema["$ref"].rpartition("/")[2], name)
        if "enum" in schema:
            return CALLED[name] if CALLED.get(name) in schema["enum"] else schema["enum"][0]
        if "anyOf" in schema:
            return self.of(_of_choices(schema["anyOf"]), name)
        if _fits(CALLED.get(name), schema):
            return CALLED[name]
        return schema["default"] if "default" in schema else self._made(schema)

    def _of_component(self, title: str, name: str) -> Any:
        return WRITTEN[title] if title in WRITTEN else self.of(self._components[title], name)

    def _made(self, schema: Mapping[str, Any]) -> Any:
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            items = [self.of(each) for each in schema.get("prefixItems", ())]
            return items or ([self.of(schema["items"])] if schema.get("items") else [])
        if kind == "string":
            return BY_FORMAT.get(schema.get("format", ""), "x" * schema.get("minLength", 0) or "…")
        if kind in {"integer", "number"}:
            return schema.get("minimum", 1)
        return True if kind == "boolean" else None

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """With every part that a document always has; those that may be missing, are."""
        required = schema.get("required", ())
        return {
            name: self.of(part, name)
            for name, part in schema.get("properties", {}).items()
            if name in required or "default" in part
        }


def _of_choices(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return next((each for each in choices if each.get("type") != "null"), choices[0])


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    kind = KINDS.get(schema.get("type", ""))
    return value is not None and kind is not None and isinstance(value, kind) and "format" not in schema
