"""How hooks and runners are typed. Checked by mypy --strict and pyright; never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, assert_type

from rookery import hook
from rookery.mechanisms.hooks import DROP, Drop, Hooks, Item, load_hooks
from rookery.mechanisms.runner import CommandRunner, Runner, Summary


class Port(Item):
    _identity = ("host", "number")

    host: str
    number: int


@hook("on_item", batch_size=500, batch_interval=1.0)
def store(runner: Runner, items: list[Item]) -> None: ...


@hook("on_item", batched=True)
async def send(runner: Runner, items: list[Item]) -> None: ...


@hook("on_item")
def only_low_ports(runner: Runner, item: Port) -> Port | Drop:
    return DROP if item.number > 1_023 else item


class Scanner(Runner):
    async def produce(self) -> AsyncIterator[Item]:
        for target in self.targets:
            yield Port(host=target, number=80)


class Program(CommandRunner):
    def convert(self, raw: Any) -> Iterable[Item]:
        return [Port(host=raw["host"], number=raw["port"])]


async def examples() -> None:
    assert_type(load_hooks("hooks.py"), Hooks)
    store(Scanner(), [Port(host="h", number=1)])
    assert_type(await send(Scanner(), []), None)
    assert_type(only_low_ports(Scanner(), Port(host="h", number=1)), Port | Drop)
    assert_type(Scanner(["h"], hooks={"on_item": only_low_ports}).run(), Summary)
    assert_type(await Program(["nmap", "-oX", "-"], timeout=60.0).arun(), Summary)
    for item in Scanner():
        assert_type(item, Item)
    async for item in Scanner():
        assert_type(item, Item)
