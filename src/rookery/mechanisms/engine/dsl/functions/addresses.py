"""IP addresses: other spellings of one, a random one of a network; and the port a template means."""

from __future__ import annotations

import ipaddress
import random

from rookery.mechanisms.engine.dsl.functions.signature import MANY, table
from rookery.mechanisms.engine.dsl.values import Value, to_integer, to_text
from rookery.mechanisms.engine.errors import DslError

WEB_PORTS = frozenset(("", "80", "443", "8080", "8081", "8443", "53"))


def _ip_format(address: Value, form: Value) -> str:
    """The address in one of eleven spellings, numbered as mapcidr numbers them."""
    text, number = to_text(address), to_integer(form)
    if not 1 <= number <= 11:
        raise DslError("ip_format() knows the formats 1 to 11")
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        raise DslError(f"{text[:40]!r} is not an IP address") from None
    if number in (1, 5, 6, 9):
        return {1: str(parsed), 5: str(int(parsed)), 6: f"{int(parsed):b}", 9: _escaped(text)}[number]
    if isinstance(parsed, ipaddress.IPv4Address):
        return _ipv4_format(parsed, number)
    if number == 8:
        return str(parsed)
    raise DslError(f"format {number} is for IPv4 only")


def _ipv4_format(address: ipaddress.IPv4Address, number: int) -> str:
    first, second, third, last = address.packed
    if number == 11:
        return _overflowing(first, second, third, last)
    return {
        2: _without_zeros(str(address)),
        3: ".".join([_octal(first).rjust(4, "0"), *map(_octal, (second, third, last))]),
        4: f"{first:#x}.{second:#x}.{third:#x}.{last:#x}",
        7: f"{first:#x}.{second}.{_octal(third)}.{last:#x}",
        8: f"::ffff:{first:02x}{second:02x}:{third:02x}{last:02x}",
        10: ".".join(part.zfill(3) for part in str(address).split(".")),
    }[number]


def _octal(number: int) -> str:
    return f"0{number:o}" if number else "0"


def _without_zeros(address: str) -> str:
    """127.0.0.1 is 127.1; a last zero goes as well."""
    *groups, last = address.split(".")
    kept = [group for group in groups if group != "0"]
    return ".".join([*kept, last] if last != "0" else kept)


def _overflowing(first: int, second: int, third: int, last: int) -> str:
    """127.0.1.0 is 127.0.256, as mapcidr counts it."""
    if last:
        raise DslError("format 11 is for addresses that end with .0")
    return f"{first}.{second}.{third + 255}"


def _escaped(text: str) -> str:
    return "".join(f"%{ord(char):02X}" for char in text)


def _rand_ip(*networks: Value) -> str:
    """A random address of one of the networks."""
    text = to_text(random.choice(networks))
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise DslError(f"{text[:40]!r} is not a network such as 192.0.2.0/24") from None
    return str(network[random.randrange(network.num_addresses)])


def _network_port(port: Value, default: Value) -> str:
    """The target's port, or the default when it is one that web servers use."""
    text = to_text(port)
    return to_text(default) if text in WEB_PORTS else text


FUNCTIONS = table(
    ("ip_format", _ip_format, 2, 2),
    ("rand_ip", _rand_ip, 1, MANY),
    ("getNetworkPort", _network_port, 2, 2),
)
