"""The sections of what answers others: the REST API."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from rookery.base.config_sections import Section


class Api(Section, frozen=True, kw_only=True):
    """What `rookery up` serves."""

    host: Annotated[
        str,
        Meta(
            description="The address it listens on; beyond this machine, put TLS before it.",
            extra={"allowed": "an address of this machine, such as 127.0.0.1 or ::"},
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="The port it listens on; 0: any free one.")] = 8640
    requests_per_minute: Annotated[
        int, Meta(ge=0, le=1_000_000, description="How many requests each caller may make; 0: any number.")
    ] = 600
    largest_body: Annotated[
        int, Meta(ge=1_024, le=1 << 30, description="The largest body of a request, in bytes.")
    ] = 16 << 20
    first_admin: Annotated[
        str, Meta(description="The name of the first admin, where first_admin_password is set.")
    ] = "admin"
    first_admin_password: Annotated[
        str | None,
        Meta(
            description="While there is no user, `rookery up` makes an admin with it; later it is not read. "
            "For containers, with ROOKERY_API__FIRST_ADMIN_PASSWORD_FILE.",
        ),
    ] = None
    origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Other sites whose pages may ask, with a token: https://HOST each.",
            extra={"allowed": "origins, such as https://tools.example.net"},
        ),
    ] = ()
