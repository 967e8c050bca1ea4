"""The sections about devices: how their secrets are kept, and how they are backed up."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from rookery.base.config_sections import RUNTIME, Section


class Vault(Section, frozen=True, kw_only=True):
    """The key that credentials and configurations are sealed with."""

    key: Annotated[
        str | None,
        Meta(description="32 bytes in base64. Not set, it is made and kept in `data_dir/keys/vault.key`."),
    ] = None
    old_key: Annotated[
        str | None, Meta(description="The key before: it still opens what it sealed, while that is resealed.")
    ] = None
    keyring: Annotated[
        bool, Meta(description="Whether the key is in the system's keyring, which `rookery[keyring]` reads.")
    ] = False


class Backups(Section, frozen=True, kw_only=True):
    """How devices are talked to, and what is kept of their configurations."""

    concurrency: Annotated[
        int,
        Meta(ge=1, le=1000, description="How many devices are talked to at the same time.", extra=RUNTIME),
    ] = 50
    per_site: Annotated[
        int,
        Meta(
            ge=0,
            le=1000,
            description="How many of one site at the same time; 0: no limit of its own.",
            extra=RUNTIME,
        ),
    ] = 0
    connect_timeout: Annotated[
        float, Meta(ge=0.1, le=600, description="Seconds until a device has to answer.", extra=RUNTIME)
    ] = 15.0
    login_timeout: Annotated[
        float, Meta(ge=0.1, le=600, description="Seconds until a device has to show a prompt.", extra=RUNTIME)
    ] = 30.0
    command_timeout: Annotated[
        float,
        Meta(
            ge=0.1, le=3600, description="Seconds that a device may be silent after a command.", extra=RUNTIME
        ),
    ] = 30.0
    total_timeout: Annotated[
        float,
        Meta(ge=0.1, le=86_400, description="Seconds that a device may take for one answer.", extra=RUNTIME),
    ] = 600.0
    login_attempts: Annotated[
        int,
        Meta(
            ge=1,
            le=10,
            description="How many credentials are tried on a device that refuses them.",
            extra=RUNTIME,
        ),
    ] = 3
    redaction: Annotated[
        Literal["name", "mask", "keep"],
        Meta(
            description="What stands in place of secrets in versions: a name that changes with the secret, "
            "always the same mask, or the secret itself. The raw text is kept sealed in any case.",
            extra=RUNTIME,
        ),
    ] = "name"
    mirror: Annotated[
        str,
        Meta(
            description="A bare Git repository that has a commit for each new version, without secrets: "
            "a path, seen from `data_dir`; it is made if need be. Empty: none. `rookery[git]` writes it.",
            extra={"allowed": "a path"},
        ),
    ] = ""
