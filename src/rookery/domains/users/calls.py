"""The verbs of users over the API."""

from __future__ import annotations

from typing import Any

from rookery.domains.users.document import Token, User
from rookery.faces.client.calls import (
    Arguments,
    Calls,
    Steps,
    at_home,
    counted,
    delete,
    get,
    pages,
    patch,
    post,
    put,
)
from rookery.faces.client.errors import OnlyAtHome

ONE = "/users/{user_id}"


def _tokens(arguments: Arguments, answers: Any) -> Steps:
    """Somebody's, or everybody's."""
    if arguments.get("user_id") is not None:
        return (yield from pages(f"{ONE}/tokens")(arguments, answers))
    found: list[Token] = []
    for user in (yield from pages("/users")({}, list[User])):
        found += yield from pages(f"{ONE}/tokens")({"user_id": user.id}, answers)
    return found


def _end_sessions(arguments: Arguments, _answers: Any) -> Steps:
    if arguments.pop("keep", None) is not None:
        raise OnlyAtHome("From afar all sessions of somebody are ended.")
    told = yield from post(f"{ONE}/sessions/end", reads=dict[str, int])(arguments, None)
    return told["ended"]


def _password(arguments: Arguments) -> Arguments:
    if arguments.pop("keep_session", None) is not None:
        raise OnlyAtHome("From afar all sessions of somebody end with their password.")
    return arguments


CALLS: Calls = {
    "list": pages("/users"),
    "count": counted("/users"),
    "get": get(ONE),
    "by_username": get("/users/by-username/{name}"),
    "by_email": get("/users/by-email/{email}"),
    "create": post("/users"),
    "update": patch(ONE),
    "update_last_login": at_home,
    "set_password": put(f"{ONE}/password", sent=_password, reads=dict[str, Any], then=lambda _: None),
    "delete": delete(ONE),
    "authenticate": at_home,
    "totp_begin": at_home,
    "totp_confirm": at_home,
    "totp_disable": delete(f"{ONE}/totp"),
    "sessions": pages(f"{ONE}/sessions"),
    "open_session": at_home,
    "verify_session": at_home,
    "rotate_session": at_home,
    "end_session": at_home,
    "end_sessions": _end_sessions,
    "tokens": _tokens,
    "create_token": at_home,
    "revoke_token": at_home,
    "verify_token": at_home,
    "setup_link": at_home,
    "set_up": at_home,
    "first_admin": at_home,
}
