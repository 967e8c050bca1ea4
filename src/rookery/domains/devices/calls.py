"""The verbs of devices over the API."""

from __future__ import annotations

from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.filters import tagged
from rookery.domains.devices.store import TagFigures
from rookery.faces.client.calls import (
    Arguments,
    Calls,
    Request,
    Steps,
    at_home,
    counted,
    decoded,
    delete,
    filled,
    get,
    pages,
    patch,
    post,
    put,
    tuples,
)

ONE = "/devices/{name}"


def _remove_tags(arguments: Arguments, answers: type[DeviceInfo]) -> Steps:
    device = filled(ONE, arguments)
    for tag in arguments["tags"]:
        yield Request("DELETE", filled(f"{device}/tags/{{tag}}", {"tag": tag}))
    return decoded((yield Request("GET", device)), answers)


def _import(arguments: Arguments, *, dry_run: bool) -> Arguments:
    text, format_ = arguments.pop("text"), arguments.pop("format_")
    return {"text": text, "format": format_, "dry_run": dry_run, "defaults": arguments}


def _host_keys(arguments: Arguments, _answers: object) -> Steps:
    return frozenset((yield from pages("/host-keys", reads=str)(arguments, None)))


def _parts(arguments: Arguments) -> Arguments:
    return {("enabled" if name == "is_enabled" else name): value for name, value in arguments.items()}


CALLS: Calls = {
    "list": pages("/devices"),
    "count": counted("/devices"),
    "get": get(ONE),
    "create": post("/devices", sent=_parts),
    "update": patch("/devices/{device}", sent=_parts),
    "update_backup_status": at_home,
    "delete": delete(ONE),
    "tags": tuples("/tags", TagFigures),
    "tags_of": get(ONE, reads=DeviceInfo, then=lambda device: device.tags),
    "add_tags": post(f"{ONE}/tags"),
    "remove_tags": _remove_tags,
    "devices_for": pages("/devices", sent=lambda given: {"filter": tagged(given["tag"])}),
    "preview_import": post("/devices/import", sent=lambda given: _import(given, dry_run=True)),
    "import_": post("/devices/import", sent=lambda given: _import(given, dry_run=False)),
    "export": get("/devices/export"),
    "host_keys": _host_keys,
    "forget_host_keys": post("/host-keys/forget", reads=dict[str, int], then=lambda told: told["forgotten"]),
    "platforms": pages("/platforms"),
    "platform": get("/platforms/{name}"),
    "add_platform": put("/platforms/{name}"),
}
