"""TLS handshakes, with the versions and ciphers a template asks for; nothing is said afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import warnings
from functools import lru_cache

from rookery.mechanisms.engine import TlsAnswer, TlsAsk
from rookery.mechanisms.transport.dial import Dialler, lenient_tls
from rookery.mechanisms.transport.errors import TimedOut, TlsFailed
from rookery.mechanisms.transport.ports import Allow
from rookery.mechanisms.transport.turns import Turns


class TlsClient:
    """Dials where `allow` lets it. Certificates are looked at, not verified."""

    def __init__(self, allow: Allow, turns: Turns, *, timeout: float = 10.0) -> None:
        self._allow, self._turns, self._timeout = allow, turns, timeout

    async def shake(self, ask: TlsAsk) -> TlsAnswer:
        """What was agreed on. TransportError or OutOfScope, in one line, when nothing was; but a server that
        refuses a restricted offer has given its answer."""
        dialler = Dialler(self._allow, offer(ask.min_version, ask.max_version, ask.ciphers))
        async with self._turns.turn(ask.host, ask.port):
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._shaken(dialler, ask)
            except TimeoutError:
                raise TimedOut(
                    f"{ask.host}:{ask.port}: no TLS handshake within {self._timeout:g} seconds"
                ) from None
            except TlsFailed:
                if ask.is_restricted:
                    return TlsAnswer()
                raise

    @staticmethod
    async def _shaken(dialler: Dialler, ask: TlsAsk) -> TlsAnswer:
        _, writer = await dialler.dial(ask.host, ask.port, tls=True)
        try:
            agreed = writer.get_extra_info("ssl_object")
            return TlsAnswer(
                version=agreed.version() or "",
                cipher=agreed.cipher()[0],
                certificate=agreed.getpeercert(binary_form=True) or b"",
                address=str(writer.get_extra_info("peername")[0]),
            )
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@lru_cache(maxsize=64)
def offer(min_version: str, max_version: str, ciphers: tuple[str, ...]) -> ssl.SSLContext:
    """A context that offers these versions and ciphers, however old; '' and () stand for all there are."""
    context = lenient_tls()
    if ciphers:
        context.set_ciphers(f"{':'.join(ciphers)}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for on purpose
        if min_version:
            context.minimum_version = ssl.TLSVersion[min_version]
        if max_version:
            context.maximum_version = ssl.TLSVersion[max_version]
    return context
