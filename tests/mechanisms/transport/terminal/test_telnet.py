"""Telnet: data apart from commands, in whichever pieces they come; and a login over it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.demo.fleet import Behaviour, Script, SimulatedDevice
from rookery.demo.fleet.telnet import TelnetDevice
from rookery.mechanisms.transport.terminal.conversation import Login
from rookery.mechanisms.transport.terminal.dialect import Dialect
from rookery.mechanisms.transport.terminal.errors import DeviceHungUp, DeviceRefused, LoginFailed
from rookery.mechanisms.transport.terminal.session import Patience, Session
from rookery.mechanisms.transport.terminal.telnet import Telnet, open_telnet

T = TypeVar("T")


def run(scenario: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner() as runner:
        return runner.run(scenario)


DIALECT = Dialect(prompt=r"[\w.-]+[>#]")
DEVICE = Script(
    "Welcome\nr1#",
    (("show run\n", "show run\nhostname r1\nend\nr1#"), ("exit\n", "exit\n")),
    is_ordered=False,
)
STREAM = b"a\xff\xfb\x01b\xff\xfd\x1f\xff\xfd\x06\xff\xffc\r\x00d\xff\xfa\x18\x01\xff\xf0e\xff\xf1f"


@given(st.lists(st.integers(1, 8), max_size=30))
def test_commands_are_answered_in_whichever_pieces_they_come(sizes: list[int]) -> None:
    protocol, stream, said, answered = Telnet(), STREAM, b"", b""
    for size in [*sizes, len(STREAM)]:
        more, answer = protocol.receive(stream[:size])
        said, answered, stream = said + more, answered + answer, stream[size:]
    assert said.replace(b"\r\x00", b"\r") == b"ab\xffc\rdef"
    assert answered == (
        b"\xff\xfd\x01\xff\xfb\x1f\xff\xfa\x1f\x01\xff\x00\x00\xff\xf0\xff\xfc\x06\xff\xfa\x18\x00vt100\xff\xf0"
    )


def test_nothing_is_answered_twice() -> None:
    protocol = Telnet()
    assert protocol.receive(b"\xff\xfb\x01")[1] == b"\xff\xfd\x01"
    assert protocol.receive(b"\xff\xfb\x01")[1] == b""


@given(st.binary())
def test_any_bytes_are_taken(data: bytes) -> None:
    Telnet().receive(data)


async def answer_of(device: SimulatedDevice, login: Login) -> str:
    async with TelnetDevice(device):
        session = Session(await open_telnet("127.0.0.1", device.port, 5), DIALECT, login, Patience())
        try:
            await session.open()
            return await session.ask("show run")
        finally:
            await session.close()


def test_a_device_is_logged_in_to_and_answers() -> None:
    device = SimulatedDevice(DEVICE, Behaviour(username="ann", password="word"))
    assert run(answer_of(device, Login("ann", "word"))) == "hostname r1\nend"
    assert device.logins == 1


def test_a_wrong_password_is_given_once() -> None:
    device = SimulatedDevice(DEVICE, Behaviour(username="ann", password="word"))
    with pytest.raises(LoginFailed):
        run(answer_of(device, Login("ann", "wrong")))
    assert (device.logins, device.refused) == (0, 1)


def test_a_port_where_nothing_listens_is_said(free_port: int) -> None:
    with pytest.raises(DeviceRefused, match=f"127.0.0.1:{free_port}: Nothing listens"):
        run(open_telnet("127.0.0.1", free_port, 5))


def test_there_are_no_channels_for_commands() -> None:
    async def scenario() -> None:
        async with TelnetDevice(SimulatedDevice(DEVICE)) as server:
            channel = await open_telnet("127.0.0.1", server.device.port, 5)
            try:
                await channel.run("show run")
            finally:
                await channel.close()

    with pytest.raises(DeviceHungUp, match="use SSH"):
        run(scenario())
