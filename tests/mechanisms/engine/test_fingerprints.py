"""jarm(Hostname): ten greetings to a TLS server, and the text that its answers make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.engine import (
    RequestFailed,
    Target,
    TcpAnswer,
    Template,
    UnsupportedTemplate,
    execute,
    load_template,
)
from rookery.mechanisms.engine.asks import TcpAsk
from rookery.mechanisms.engine.protocols.jarm import GREETINGS, client_hello, fingerprint, read_hello
from tests.mechanisms.engine.support import HEAD, source

TCP = "tcp:\n- host: ['{{Hostname}}']\n"
EXTRACTS = "  extractors: [{type: dsl, dsl: ['jarm(Hostname)']}]"
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"


def hello(cipher: str, version: str = "0303", extensions: str = "") -> bytes:
    """A server's answer without a session id."""
    tail = bytes.fromhex(extensions)
    body = bytes.fromhex(version) + bytes(32) + b"\0" + bytes.fromhex(cipher) + b"\0"
    message = b"\2\0" + (len(body) + len(tail)).to_bytes(2) + body + tail
    return b"\x16\3\3" + len(message).to_bytes(2) + message


def test_each_greeting_is_a_handshake_of_its_own() -> None:
    hellos = [client_hello(greeting, "router.test") for greeting in GREETINGS]
    assert len({len(one) for one in hellos}) > 5
    for one in hellos:
        assert one[0] == 0x16
        assert int.from_bytes(one[3:5]) == len(one) - 5
        assert int.from_bytes(one[6:9]) == len(one) - 9
        assert b"router.test" in one


def test_what_a_server_chose_is_a_cipher_and_a_letter_for_each_greeting() -> None:
    chosen = fingerprint([hello("c02f"), ALERT, hello("1301", "0301"), b"", *[ALERT] * 6])[:30]
    assert chosen == "29d" + "000" + "41b" + "000" * 7


def test_who_answers_no_greeting_has_a_fingerprint_of_noughts() -> None:
    assert fingerprint([ALERT, b"", b"SSH-2.0-x\r\n", *[ALERT] * 7]) == "0" * 62


def test_extensions_are_told_in_the_order_of_the_server() -> None:
    assert read_hello(hello("c02f", extensions="0009 ff010001000023 0000")).extensions == "ff01-0023"
    (protocol, kinds) = read_hello(hello("c02f", extensions="0009 0010 0005 0003 02 6832"))[2:]
    assert (protocol, kinds) == ("h2", "0010")


@given(
    st.lists(st.binary(max_size=200).map(lambda tail: b"\x16\3\3\0\x7a\2" + tail), min_size=10, max_size=10)
)
def test_any_answers_make_a_fingerprint(answers: list[bytes]) -> None:
    assert len(fingerprint(answers)) == 62


def tcp(operators: str) -> Template:
    return load_template(f"{HEAD}{TCP}{operators}".encode(), path="check.yaml")


def test_the_connections_are_asked_for_like_any_other() -> None:
    check = tcp(EXTRACTS)
    assert check.request_count == 11
    running = execute(check, Target("https://127.0.0.1:8443"))
    asked = [next(running), *(running.send(TcpAnswer()) for _ in GREETINGS)]
    assert {(ask.host, ask.port, ask.tls) for ask in asked if isinstance(ask, TcpAsk)} == {
        ("127.0.0.1", 8443, False)
    }
    with pytest.raises(StopIteration) as finished:
        running.send(TcpAnswer())
    assert len(asked) == finished.value.value.sent == 11
    assert [match.extracted for match in finished.value.value.matches] == [("0" * 62,)]


def test_a_connection_that_fails_on_the_way_proves_nothing() -> None:
    running = execute(tcp(EXTRACTS), Target("https://127.0.0.1:8443"))
    next(running)
    running.send(TcpAnswer())
    with pytest.raises(StopIteration) as finished:
        running.send(RequestFailed(OSError("gone")))
    assert (finished.value.value.matches, len(finished.value.value.failed)) == ([], 1)


@pytest.mark.parametrize(
    "data",
    [
        source("- path: ['{{BaseURL}}']\n  matchers: [{type: dsl, dsl: [\"jarm(Hostname) == 'x'\"]}]"),
        source("- path: ['{{BaseURL}}/{{jarm(Hostname)}}']"),
        source("- path: ['{{BaseURL}}/{{v}}']", "variables: {v: '{{jarm(Hostname)}}'}"),
        f"{HEAD}{TCP}  matchers: [{{type: dsl, dsl: [\"jarm('192.0.2.1:443') == ''\"]}}]".encode(),
    ],
)
def test_elsewhere_and_of_others_no_fingerprint_is_taken(data: bytes) -> None:
    with pytest.raises(UnsupportedTemplate, match=r"jarm\(\) is not run: it opens connections; only"):
        load_template(data, path="check.yaml")
