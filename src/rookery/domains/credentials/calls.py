"""The verbs of credentials over the API."""

from __future__ import annotations

from rookery.faces.client.calls import Calls, at_home, delete, get, pages, patch, post

ONE = "/credentials/{name}"

CALLS: Calls = {
    "list": pages("/credentials"),
    "get": get(ONE),
    "create": post("/credentials"),
    "update": patch("/credentials/{credential}"),
    "delete": delete(ONE),
    "reveal": post(f"{ONE}/reveal"),
    "fitting": pages("/devices/{device}/credentials"),
    "note_use": at_home,
    "rotate_key": at_home,
}
