"""The routes of credentials. No secret leaves by them but by `reveal`, with a reason, audited."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from rookery.domains.credentials.rules import CredentialInfo, Secret
from rookery.faces.api.routing import Changes, Page, Reason, Revision, Router

if TYPE_CHECKING:
    from rookery.app import AsyncRook

api = Router("credentials")


class NewCredential(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A login on devices. Without tags it fits every device; the lowest `priority` is tried first."""

    name: str
    username: str
    password: str = ""
    private_key: str = ""
    enable: str | None = None
    tags: tuple[str, ...] = ()
    priority: int = 100
    description: str = ""

    def __repr__(self) -> str:
        return f"NewCredential({self.name!r}, ***)"


@api.get("/credentials", "credentials:read")
async def list_credentials(rook: AsyncRook, /) -> Page[CredentialInfo]:
    """List logins, in the order in which they are tried."""
    return Page(await rook.credentials.list())


@api.post("/credentials", "credentials:write")
async def create_credential(rook: AsyncRook, /, credential: NewCredential) -> CredentialInfo:
    """Keep a login, sealed."""
    return await rook.credentials.create(**msgspec.structs.asdict(credential))


@api.get("/credentials/{credential}", "credentials:read")
async def get_credential(rook: AsyncRook, /, credential: str) -> CredentialInfo:
    """One login, by its name or id."""
    return await rook.credentials.get(credential)


@api.patch("/credentials/{credential}", "credentials:write")
async def update_credential(
    rook: AsyncRook, /, credential: str, changes: Annotated[dict[str, Any], Changes(NewCredential)],
    revision: Revision,
) -> CredentialInfo:  # fmt: skip
    """Change parts of a login."""
    return await rook.credentials.update(credential, revision=revision, **changes)


@api.delete("/credentials/{credential}", "credentials:write")
async def delete_credential(rook: AsyncRook, /, credential: str) -> None:
    """Forget a login."""
    await rook.credentials.delete(credential)


@api.post("/credentials/{credential}/reveal", "credentials:reveal", HTTPStatus.OK)
async def reveal_credential(rook: AsyncRook, /, credential: str, sent: Reason) -> Secret:
    """Tell what opens, to whoever says why."""
    return await rook.credentials.reveal(credential, sent.reason)


@api.get("/devices/{device}/credentials", "credentials:read")
async def list_fitting_credentials(rook: AsyncRook, /, device: str) -> Page[CredentialInfo]:
    """List the logins that would be tried on a device, in this order."""
    return Page(await rook.credentials.fitting(device))
