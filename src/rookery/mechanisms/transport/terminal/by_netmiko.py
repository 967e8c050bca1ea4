"""Sessions by netmiko, which knows many rare kinds of devices. It blocks, so it has threads, not too many.

What ends an answer, turns pages off and gives privileges is its affair; host keys are judged as by `ssh`.
"""

from __future__ import annotations

import asyncio
import io
import logging
import socket
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import Any, Final, TypeVar

import msgspec

from rookery.mechanisms.transport.terminal.conversation import Login
from rookery.mechanisms.transport.terminal.dialect import Dialect
from rookery.mechanisms.transport.terminal.errors import (
    DeviceHungUp,
    DeviceTimedOut,
    DriverMissing,
    DriverUnfit,
    EnableFailed,
    LoginFailed,
    NoCommonAlgorithm,
    PromptNotRecognised,
)
from rookery.mechanisms.transport.terminal.hostkeys import KnownHosts, Trust, judged
from rookery.mechanisms.transport.terminal.session import Patience, refuse_rejection

log = logging.getLogger(__name__)

T = TypeVar("T")
THREADS: Final = 50
"""From about a hundred on netmiko's threads were measured to lose devices, whatever time they got."""


class NetmikoTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where a device is, what netmiko calls its kind, and how it lets somebody in, as in SshTarget."""

    device_type: str
    host: str
    port: int
    login: Login
    private_key: str | None = None
    allows_legacy: bool = False
    trust: Trust = "first-use"


class NetmikoSession:
    """A login on a device; its verbs are those of Session. `line` is a connection to it, if there is one."""

    tail = ""

    def __init__(
        self,
        target: NetmikoTarget,
        dialect: Dialect,
        keys: KnownHosts,
        patience: Patience,
        line: socket.socket | None = None,
    ) -> None:
        self._target, self._dialect, self._keys, self._patience = target, dialect, keys, patience
        self._line = line
        self._connection: Any = None
        self.prompt = ""

    async def open(self) -> None:
        """Log in, get privileges, say what is to be said first. Raises what Session raises."""
        await self.log_in()
        await self.enable()
        for command in self._dialect.setup:
            await self.ask(command)

    async def log_in(self) -> None:
        """Log in, and wait for a prompt. Raises DriverMissing, DriverUnfit, and what Session raises."""
        await self._beside(self._log_in)

    async def enable(self) -> None:
        """Get privileges, where the dialect says that there are any."""
        if self._dialect.enable is not None:
            await self._beside(self._enable)

    async def ask(self, command: str) -> str:
        """What the device answers to a command. Raises CommandRejected, and what `open` raises."""
        said = await self._beside(partial(self._ask, command))
        refuse_rejection(self._dialect, command, said)
        return said

    async def close(self) -> None:
        """Say good-bye and close. Raises nothing that is about the device."""
        await self._beside(self._leave)

    async def _beside(self, act: Callable[[], T]) -> T:
        """In one of the threads; what nobody waits for any more finds the connection closed."""
        try:
            return await asyncio.get_running_loop().run_in_executor(_threads(), act)
        except asyncio.CancelledError:
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        """Without waiting for anybody, as netmiko would."""
        telnet = getattr(getattr(self._connection, "remote_conn", None), "sock", None)
        for line in (self._line, telnet):
            if line is not None:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    # --- in a thread

    def _log_in(self) -> None:
        target = self._target
        self._connection = _connection(target, self._patience, self._line)
        self._connection.key_policy = host_keys = _HostKeys(target, self._keys.of(target.host, target.port))
        with _explained(target, "login"):
            self._connection._open()  # as netmiko does by itself, when it is not to wait for a key policy
        if host_keys.fresh:
            self._keys.trust(target.host, target.port, host_keys.fresh)
        self.prompt = self._connection.base_prompt

    def _enable(self) -> None:
        with _explained(self._target, "enable"):
            if not self._connection.check_enable_mode():
                self._connection.enable()

    def _ask(self, command: str) -> str:
        with _explained(self._target, command):
            return str(self._connection.send_command(command, read_timeout=self._patience.total))

    def _leave(self) -> None:
        connection = self._connection
        with suppress(Exception):
            if self.prompt and self._dialect.leave:
                connection.write_channel(f"{self._dialect.leave}\n")
        with suppress(Exception):
            (getattr(connection, "remote_conn_pre", None) or connection.remote_conn).close()
        if self._line is not None:
            self._line.close()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="netmiko")


def _connection(target: NetmikoTarget, patience: Patience, line: socket.socket | None) -> Any:
    """Not connected yet."""
    try:
        import netmiko
    except ImportError:
        raise DriverMissing from None
    if target.device_type not in netmiko.platforms:
        raise DriverUnfit(f"netmiko knows no device type {target.device_type!r}. {DriverUnfit.__doc__}")
    login = target.login
    secret = login.password if login.enable is None else login.enable
    way = {} if target.device_type.endswith("_telnet") else _ssh_options(target, line)
    return netmiko.ConnectHandler(
        device_type=target.device_type, host=target.host, port=target.port, username=login.username,
        password=login.password, secret=secret, conn_timeout=patience.connect, auth_timeout=patience.login,
        banner_timeout=patience.login, blocking_timeout=patience.command, auto_connect=False, **way,
    )  # fmt: skip


def _ssh_options(target: NetmikoTarget, line: socket.socket | None) -> dict[str, Any]:
    from rookery.mechanisms.transport.terminal.ssh import OLD_CIPHERS, OLD_HOST_KEYS, OLD_KEX

    if line is not None:
        line.setblocking(True)
    old = {"kex": OLD_KEX, "ciphers": OLD_CIPHERS, "keys": OLD_HOST_KEYS}
    return {
        "sock": line,
        "pkey": _key(target.private_key) if target.private_key else None,
        "disabled_algorithms": None if target.allows_legacy else {key: list(old[key]) for key in old},
    }


def _key(text: str) -> Any:
    import paramiko

    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with suppress(paramiko.SSHException, ValueError):
            return kind.from_private_key(io.StringIO(text))
    raise LoginFailed("The private key cannot be used: netmiko takes Ed25519, ECDSA and RSA.")


class _HostKeys:
    """What paramiko asks about every host key, for it is told of none that are known."""

    def __init__(self, target: NetmikoTarget, known: Collection[str]) -> None:
        self._target, self._known = target, known
        self.fresh = ""

    def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:  # noqa: ARG002  paramiko's
        """Raise HostKeyChanged or HostKeyUnknown, which ends the connection before a password is sent."""
        shown = f"{key.get_name()} {key.get_base64()}"
        where = f"{self._target.host}:{self._target.port}"
        self.fresh = judged(shown, self._known, self._target.trust, where)


@contextmanager
def _explained(target: NetmikoTarget, phase: str) -> Iterator[None]:
    """What netmiko's errors mean. Their texts go over several lines, and quote what a device sent."""
    import netmiko.exceptions as theirs
    from paramiko.ssh_exception import IncompatiblePeer, SSHException

    where = f"{target.host}:{target.port}"
    try:
        yield
    except theirs.NetmikoAuthenticationException:
        message = f"{where} does not let {target.login.username!r} in. {LoginFailed.__doc__}"
        raise LoginFailed(message) from None
    except (theirs.ReadTimeout, ValueError) as error:
        raise _unanswered(phase, error) from None
    except (theirs.NetmikoBaseException, SSHException, EOFError, OSError) as error:
        if isinstance(error.__context__, IncompatiblePeer):
            raise NoCommonAlgorithm(f"{where}: {NoCommonAlgorithm.__doc__}") from None
        raise DeviceHungUp(f"{where}: {DeviceHungUp.__doc__} That was after {phase!r}.") from error


def _unanswered(phase: str, error: Exception) -> Exception:
    """netmiko says by a ValueError that privileges or a prompt are not to be had."""
    if phase == "enable":
        return EnableFailed()
    if phase == "login" or isinstance(error, ValueError):
        return PromptNotRecognised(f"netmiko sees no prompt after {phase!r}: check the device_type.")
    return DeviceTimedOut(f"netmiko saw no end of the answer to {phase!r}. {DeviceTimedOut.__doc__}")
