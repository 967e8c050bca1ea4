"""The ssl protocol: one TLS handshake per block, and what it and the certificate say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rookery.mechanisms.engine.asks import Answer, Ask, TlsAnswer, TlsAsk
from rookery.mechanisms.engine.blockschema import read_block
from rookery.mechanisms.engine.errors import UnsupportedTemplate
from rookery.mechanisms.engine.keywords import BLOCK_KEYS
from rookery.mechanisms.engine.latin import narrow, widen
from rookery.mechanisms.engine.model import BlockSpec
from rookery.mechanisms.engine.names import names
from rookery.mechanisms.engine.protocols.block import TableParts
from rookery.mechanisms.engine.protocols.ciphers import openssl_names
from rookery.mechanisms.engine.reader import Reader
from rookery.mechanisms.engine.render import Text, compile_text
from rookery.mechanisms.engine.target import BadUrl, Target, split_place
from rookery.mechanisms.engine.values import Values

KEYS = BLOCK_KEYS | names(
    "address min_version max_version cipher_suites scan_mode tls_version_enum tls_cipher_enum"
    " tls_cipher_types"
)
VERSIONS = {
    "": "", "sslv3": "SSLv3", "ssl30": "SSLv3", "tls10": "TLSv1", "tls11": "TLSv1_1", "tls12": "TLSv1_2",
    "tls13": "TLSv1_3",
}  # fmt: skip
HTTPS = 443
REFUSED = {
    "tls_version_enum": "the TLS versions of a server are not enumerated",
    "tls_cipher_enum": "the ciphers of a server are not enumerated",
}


@dataclass(frozen=True, slots=True)
class TlsSpec(BlockSpec):
    """One `ssl` block. Versions are ssl.TLSVersion's names, ciphers OpenSSL's."""

    protocol = "ssl"
    address: str = "{{Host}}:{{Port}}"
    min_version: str = ""
    max_version: str = ""
    ciphers: tuple[str, ...] = ()
    stack: str = "ctls"


def read_tls(block: Reader) -> TlsSpec:
    """An `ssl` block as it was written."""
    block.refuse_unknown_keys(KEYS)
    for key, reason in REFUSED.items():
        if block.flag(key):
            raise UnsupportedTemplate(reason, path=block.path)
    mode = block.choice("scan_mode", ("", "auto", "ctls", "ztls", "openssl"))
    return TlsSpec(
        **read_block(block),
        address=block.text("address", "{{Host}}:{{Port}}"),
        min_version=VERSIONS[block.choice("min_version", tuple(VERSIONS))],
        max_version=VERSIONS[block.choice("max_version", tuple(VERSIONS))],
        ciphers=openssl_names(block.texts("cipher_suites"), block.path),
        stack=mode if mode in ("ztls", "openssl") else "ctls",
    )


@dataclass(frozen=True, slots=True)
class TlsPlan:
    """A compiled `ssl` block."""

    spec: TlsSpec
    address: Text

    most_asks = 1
    any_will_do = False

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text it renders."""
        return (self.address,)

    def asks(self, values: Values) -> Iterator[Ask]:
        """One handshake."""
        if self.spec.max_version == "SSLv3":
            raise BadUrl("SSL 3.0 is not spoken")
        values.aim_at(values.target.host, _port(values.target))
        host, port = split_place(widen(self.address.render(values.given)))
        lowest = "" if self.spec.min_version == "SSLv3" else self.spec.min_version
        yield TlsAsk(host, port, lowest, self.spec.max_version, self.spec.ciphers)

    def parts(self, ask: Ask, answer: Answer) -> Iterator[TableParts]:
        """What was agreed on and what the certificate says, by tlsx's names, and all of it as JSON."""
        from rookery.mechanisms.engine.protocols.certificate import handshake_parts

        assert isinstance(ask, TlsAsk)  # noqa: S101 -- its own ask
        assert isinstance(answer, TlsAnswer)  # noqa: S101 -- the answer to a TlsAsk
        if answer.version:
            yield handshake_parts(ask, answer, self.spec.stack)


def _port(target: Target) -> int:
    return target.given_port or HTTPS


def compile_tls(spec: TlsSpec) -> TlsPlan:
    """The plan of a block."""
    return TlsPlan(spec, compile_text(narrow(spec.address)))
