"""The verbs of notifications over the API."""

from __future__ import annotations

from rookery.faces.client.calls import Calls, at_home, delete, get, pages, patch, post

CHANNELS, RULES = "/notifications/channels", "/notifications/rules"

CALLS: Calls = {
    "list_channels": pages(CHANNELS),
    "get_channel": get(f"{CHANNELS}/{{name}}"),
    "create_channel": post(CHANNELS),
    "update_channel": patch(f"{CHANNELS}/{{channel}}"),
    "delete_channel": delete(f"{CHANNELS}/{{name}}"),
    "reveal_channel": post(f"{CHANNELS}/{{name}}/reveal"),
    "test": post(f"{CHANNELS}/{{channel}}/test"),
    "list_rules": pages(RULES),
    "get_rule": get(f"{RULES}/{{name}}"),
    "create_rule": post(RULES),
    "update_rule": patch(f"{RULES}/{{rule}}"),
    "delete_rule": delete(f"{RULES}/{{name}}"),
    "history": pages("/notifications"),
    "prune": at_home,
    "reseal": at_home,
}
