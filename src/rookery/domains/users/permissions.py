"""Who may do what: the one table. What is not in it nobody may. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from rookery.domains.users.errors import NotPermitted, TokenNotValid
from rookery.domains.users.rules import Role

_BY_ROLE: Final[Mapping[Role, str]] = {
    Role.VIEWER: """
        backups:read devices:read findings:read metrics:read platforms:read projects:read scans:read
        schedules:read self:read self:write tasks:read templates:read
        """,
    Role.OPERATOR: """
        audit:read backups:run credentials:read devices:write events:read findings:triage findings:write
        notifications:read projects:write scans:run scans:write schedules:write settings:read tasks:write
        users:read
        """,
    Role.ADMIN: """
        audit:write backups:reveal backups:write credentials:reveal credentials:write notifications:reveal
        notifications:write platforms:write scans:scope settings:write tasks:submit templates:write
        tokens:read tokens:write users:write
        """,
}
"""What each role may do beside what those before it may."""

PERMISSIONS: Final[Mapping[str, Role]] = MappingProxyType(
    {permission: role for role, listed in _BY_ROLE.items() for permission in listed.split()}
)
"""Every permission, and the least role that has it."""

SESSION_ONLY: Final = frozenset({"self:write"})
"""One's own tokens, password, second factor and sessions: no token has them, or a stolen one could outlive
its expiry by making another."""

_RANK: Final = {role: rank for rank, role in enumerate(Role)}
_DOMAINS: Final = frozenset(permission.partition(":")[0] for permission in PERMISSIONS)


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a person by a session, or a program by a token, which has scopes."""

    user_id: str
    username: str
    role: Role
    scopes: frozenset[str] | None = None
    token_id: str | None = None
    session_id: str | None = None

    def permits(self, permission: str) -> bool:
        """Whether the role has it and, with a token, its scopes do, too."""
        least = PERMISSIONS.get(permission)
        if least is None or _RANK[self.role] < _RANK[least]:
            return False
        return self.scopes is None or (permission not in SESSION_ONLY and _covers(self.scopes, permission))


def require(principal: Principal, permission: str) -> None:
    """Raise NotPermitted unless the principal has the permission."""
    if not principal.permits(permission):
        raise NotPermitted(f"{principal.username} may not do that: it takes {permission}.")


def valid_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes of a token, each once, in order. Raises TokenNotValid, which names what there is no such of."""
    found = tuple(sorted(set(scopes)))
    if not found:
        raise TokenNotValid("A token has scopes: permissions such as devices:read, or devices:*.")
    for scope in found:
        domain, _, action = scope.partition(":")
        is_known = domain in _DOMAINS if action == "*" else scope in PERMISSIONS.keys() - SESSION_ONLY
        if not is_known:
            allowed = ", ".join(sorted(PERMISSIONS.keys() - SESSION_ONLY))
            raise TokenNotValid(
                f"{scope[:80]!r} is no scope; there are {allowed}, and DOMAIN:* for all of one."
            )
    return found


def permissions_of(role: Role) -> frozenset[str]:
    """All that a role may do."""
    return frozenset(each for each, least in PERMISSIONS.items() if _RANK[least] <= _RANK[role])


def _covers(scopes: frozenset[str], permission: str) -> bool:
    return permission in scopes or f"{permission.partition(':')[0]}:*" in scopes
