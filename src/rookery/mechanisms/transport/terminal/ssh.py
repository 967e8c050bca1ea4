"""SSH by asyncssh: logging in, through jump hosts, with known host keys and chosen algorithms."""

from __future__ import annotations

import asyncio
import socket
import warnings
from typing import Any

import asyncssh
import msgspec
from asyncssh.constants import MSG_IGNORE

from rookery.mechanisms.transport.terminal.conversation import Login
from rookery.mechanisms.transport.terminal.errors import (
    DeviceHungUp,
    DeviceRefused,
    DeviceUnreachable,
    HostKeyChanged,
    HostKeyUnknown,
    LoginFailed,
    NoCommonAlgorithm,
)
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts, Trust, judged
from rookery.mechanisms.transport.terminal.sshchannel import SshChannel

KEEPALIVE = 20.0  # seconds

# Quick ones first: the cost of a connection is mostly its key exchange.
KEX = ("curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
       "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512",
       "diffie-hellman-group-exchange-sha256")  # fmt: skip
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
           "aes128-ctr", "aes192-ctr", "aes256-ctr")  # fmt: skip
HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
             "rsa-sha2-256", "rsa-sha2-512")  # fmt: skip
OLD_KEX = ("diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-sha1")
OLD_CIPHERS = ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc")
OLD_HOST_KEYS = ("ssh-rsa", "ssh-dss")
OLD_MACS = ("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1", "hmac-md5")


class SshTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device is, and how it lets somebody in.

    `private_key` is the text of one, in OpenSSH's or PEM's form. `jump` is gone through first. With
    `allows_legacy` algorithms are used that are no longer thought safe, of devices that know no others.
    """

    host: str
    port: int = 22
    login: Login
    private_key: str | None = None
    allows_legacy: bool = False
    trust: Trust = "first-use"
    jump: SshTarget | None = None


async def open_ssh(
    target: SshTarget,
    keys: KnownHosts,
    seconds: float,
    *,
    with_shell: bool = True,
    line: socket.socket | None = None,
) -> SshChannel:
    """A channel to a device, logged in; over `line`, if that is connected already.

    Raises DeviceUnavailable's and DeviceRefusal's kinds.
    """
    jump = await _connect(target.jump, keys, seconds) if target.jump else None
    try:
        connection = await _connect(target, keys, seconds, jump, line)
        channel = SshChannel(connection, jump)
    except BaseException:
        if jump is not None:
            jump.abort()
        raise
    if with_shell:
        await channel.start_shell(seconds)
    return channel


async def _connect(
    target: SshTarget,
    keys: KnownHosts,
    seconds: float,
    jump: asyncssh.SSHClientConnection | None = None,
    line: socket.socket | None = None,
) -> asyncssh.SSHClientConnection:
    warnings.filterwarnings(
        "ignore", message="Diffie-Hellman over finite fields"
    )  # old devices know no other
    client = _Client(target, keys.of(target.host, target.port))
    where = f"{target.host}:{target.port}"
    try:
        async with asyncio.timeout(seconds):
            connection, _ = await asyncssh.create_connection(
                lambda: client, target.host, target.port, tunnel=jump or (), sock=line, **_options(target)
            )
    except TimeoutError:
        raise DeviceUnreachable(f"{where}: no answer in {seconds:g} s. {DeviceUnreachable.__doc__}") from None
    except (OSError, asyncssh.Error) as error:
        raise client.refusal or explained(where, target, error) from error
    if client.fresh:
        keys.trust(target.host, target.port, client.fresh)
    return connection


def explained(where: str, target: SshTarget, error: Exception) -> Exception:
    """What a device's refusal means, as far as the protocol says."""
    said = str(error).partition("\n")[0][:200]
    match error:
        case asyncssh.PermissionDenied():
            return LoginFailed(f"{where} does not let {target.login.username!r} in. {LoginFailed.__doc__}")
        case asyncssh.KeyExchangeFailed():
            hint = "It does not even know those." if target.allows_legacy else NoCommonAlgorithm.__doc__
            return NoCommonAlgorithm(f"{where}: {said}. {hint}")
        case asyncssh.ChannelOpenError():
            return DeviceUnreachable(f"{where}: the jump host cannot reach it: {said}")
        case ConnectionRefusedError():
            return DeviceRefused(f"{where}: {DeviceRefused.__doc__}")
        case socket.gaierror():
            return DeviceUnreachable(f"{where}: the name is not known. {DeviceUnreachable.__doc__}")
        case asyncssh.Error() | ConnectionResetError() | BrokenPipeError():
            return DeviceHungUp(f"{where}: {said}. {DeviceHungUp.__doc__}")
        case _:
            return DeviceUnreachable(f"{where}: {said}. {DeviceUnreachable.__doc__}")


def _options(target: SshTarget) -> dict[str, Any]:
    old = target.allows_legacy
    options: dict[str, Any] = {
        "username": target.login.username,
        "client_keys": [_key(target.private_key)] if target.private_key else None,
        "agent_path": None,
        "config": None,
        "known_hosts": ([], [], []),  # ours are asked: _Client; an empty text would mean those of the user
        "kex_algs": KEX + (OLD_KEX if old else ()),
        "encryption_algs": CIPHERS + (OLD_CIPHERS if old else ()),
        "server_host_key_algs": HOST_KEYS + (OLD_HOST_KEYS if old else ()),
        "compression_algs": ("none",),
        "keepalive_interval": KEEPALIVE,
        "login_timeout": 0,  # ours is the whole connection's
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
    }
    if old:
        options["mac_algs"] = OLD_MACS
    return options


def _key(text: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise LoginFailed(f"The private key cannot be used: {error}.") from None


class _Terse(asyncssh.SSHClientConnection):
    """Sends no packet that is to be ignored: before each other one, that protects CBC ciphers alone.

    asyncssh has no other place to say so.
    """

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        if pkttype != MSG_IGNORE:
            super().send_packet(pkttype, *args, handler=handler)


class _Client(asyncssh.SSHClient):
    """Judges the host key, and answers questions with the password."""

    def __init__(self, target: SshTarget, known: frozenset[str]) -> None:
        self._target, self._known = target, known
        self.fresh = ""
        self.refusal: Exception | None = None
        self._has_given_password = False

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Old algorithms are why asyncssh sends ignored packets: others need none, and they cost a tenth."""
        if not self._target.allows_legacy:
            conn.__class__ = _Terse

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        shown = " ".join(key.export_public_key().decode().split()[:2])
        where = f"{self._target.host}:{self._target.port}"
        try:
            self.fresh = judged(shown, self._known, self._target.trust, where)
        except (HostKeyChanged, HostKeyUnknown) as refusal:
            self.refusal = refusal
        return self.refusal is None

    def password_auth_requested(self) -> str | None:
        return self._once(self._target.login.password)

    def kbdint_auth_requested(self) -> str | None:
        return None if self._has_given_password else ""

    def kbdint_challenge_received(
        self,
        name: str,  # noqa: ARG002
        instructions: str,  # noqa: ARG002
        lang: str,  # noqa: ARG002
        prompts: Any,
    ) -> list[str] | None:
        if not prompts:
            return []
        answer = self._once(self._target.login.password)
        return None if answer is None else [answer for _ in prompts]

    def _once(self, password: str) -> str | None:
        """A password is given once, by whichever method: each refusal may bring a lock nearer."""
        if self._has_given_password or not password:
            return None
        self._has_given_password = True
        return password
