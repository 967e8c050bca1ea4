"""What is said of a device that cannot be reached is said in the words of the system."""

from __future__ import annotations

import asyncio
import os

import pytest

from rookery.mechanisms.transport.terminal.dialling import dial
from rookery.mechanisms.transport.terminal.errors import DeviceUnreachable


def test_an_address_that_leads_nowhere_is_named_with_the_systems_reason() -> None:
    async def nowhere() -> None:
        await dial("127.255.255.255", 22, 5)

    with asyncio.Runner() as runner, pytest.raises(DeviceUnreachable) as failure:
        runner.run(nowhere())
    cause = failure.value.__cause__
    assert isinstance(cause, OSError)
    assert cause.errno
    assert str(failure.value).startswith(f"127.255.255.255:22: {os.strerror(cause.errno)}. ")
