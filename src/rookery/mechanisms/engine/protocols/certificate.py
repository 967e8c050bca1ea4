"""What a TLS handshake tells, by the names that tlsx gives it. This module loads the X.509 parser."""

from __future__ import annotations

import contextlib
import hashlib
import re
import warnings
from datetime import UTC, datetime
from typing import Any

import orjson
from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from rookery.mechanisms.engine.asks import TlsAnswer, TlsAsk
from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.protocols.block import TableParts
from rookery.mechanisms.engine.protocols.ciphers import iana_name
from rookery.mechanisms.engine.target import join_place

VERSIONS = {"SSLv3": "ssl30", "TLSv1": "tls10", "TLSv1.1": "tls11", "TLSv1.2": "tls12", "TLSv1.3": "tls13"}
SHORT_NAMES = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L",
    "2.5.4.8": "ST", "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title",
    "2.5.4.15": "businessCategory", "2.5.4.17": "postalCode", "2.5.4.42": "GN",
    "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}  # fmt: skip
PLAIN = frozenset(f"2.5.4.{number}" for number in (3, 5, 6, 7, 8, 9, 10, 11, 17))
MOST_NAMES = 1000  # alternative names of a certificate that are looked at


def handshake_parts(ask: TlsAsk, answer: TlsAnswer, stack: str) -> TableParts:
    """The parts of a handshake. What is false or empty is left out, so that asking for it is false."""
    told = {
        "timestamp": datetime.now(UTC),
        "host": ask.host,
        "ip": answer.address,
        "port": str(ask.port),
        "probe_status": True,
        "tls_version": VERSIONS.get(answer.version, answer.version),
        "cipher": iana_name(answer.cipher),
        **certificate_facts(answer.certificate, ask.host),
        "tls_connection": stack,
        "sni": ask.host,
    }
    told = {name: value for name, value in told.items() if value}
    response = _json(told)
    place = narrow(join_place(ask.host, ask.port))
    table: dict[str, Value] = {name: _value(value) for name, value in told.items()}
    table |= {"response": response, "body": response, "all": response, "raw": response, "data": response}
    table |= {"type": "ssl", "host": place, "matched": place, "Port": str(ask.port), "request": ""}
    return TableParts(table, matched_at=place, asked="")


def certificate_facts(der: bytes, host: str) -> dict[str, Any]:
    """What a certificate says, and what is to be said about it: expired, self-signed, for another host.

    Of one that cannot be parsed, only the fingerprints are known. Whether it was revoked is not looked up:
    that would ask a third party."""
    digests = {name: hashlib.new(name, der, usedforsecurity=False) for name in ("md5", "sha1", "sha256")}
    known: dict[str, Any] = {"fingerprint_hash": {name: one.hexdigest() for name, one in digests.items()}}
    with warnings.catch_warnings(), contextlib.suppress(ValueError, x509.InvalidVersion):
        warnings.simplefilter(
            "ignore", CryptographyDeprecationWarning
        )  # of odd certificates we read on purpose
        return _facts(x509.load_der_x509_certificate(der), host) | known
    return known


def _facts(certificate: x509.Certificate, host: str) -> dict[str, Any]:
    own, mails = _alternative_names(certificate)
    subject = _first(certificate.subject, x509.NameOID.COMMON_NAME)
    expires = certificate.not_valid_after_utc
    return {
        "expired": expires < datetime.now(UTC),
        "self_signed": _is_self_signed(certificate),
        "mismatched": not any(_covers(name, host) for name in [subject, *own]),
        "not_before": certificate.not_valid_before_utc,
        "not_after": expires,
        "subject_dn": name_text(certificate.subject),
        "subject_cn": subject,
        "subject_org": _all(certificate.subject, x509.NameOID.ORGANIZATION_NAME),
        "subject_an": own,
        "domains": list(dict.fromkeys(name.removeprefix("*.") for name in [*own, subject] if name)),
        "serial": _serial(certificate),
        "issuer_dn": name_text(certificate.issuer),
        "issuer_cn": _first(certificate.issuer, x509.NameOID.COMMON_NAME),
        "issuer_org": _all(certificate.issuer, x509.NameOID.ORGANIZATION_NAME),
        "emails": mails,
        "wildcard_certificate": any("*." in name for name in [subject, *own]),
    }


def name_text(name: x509.Name) -> str:
    """A distinguished name as tlsx writes it: from the end, and what is out of the ordinary once more after
    it."""
    written = [
        ("+".join(_attribute(attribute) for attribute in rdn), [one.oid.dotted_string for one in rdn])
        for rdn in name.rdns
    ]
    odd = [text for text, oids in written if not PLAIN.issuperset(oids)]
    return ", ".join([*(text for text, _ in reversed(written)), *reversed(odd)])


def _attribute(attribute: x509.NameAttribute[Any]) -> str:
    oid = attribute.oid.dotted_string
    value = attribute.value if isinstance(attribute.value, str) else f"#{attribute.value.hex()}"
    escaped = re.sub(r'([,+"\\<>;]|^[ #]| $)', r"\\\1", value)
    return f"{SHORT_NAMES.get(oid, oid)}={escaped}"


def _all(name: x509.Name, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(oid)]


def _first(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    return next(iter(_all(name, oid)), "")


def _extension(certificate: x509.Certificate, kind: type[Any]) -> Any:
    """The value of an extension; None when it is missing, or the extensions are malformed."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None


def _alternative_names(certificate: x509.Certificate) -> tuple[list[str], list[str]]:
    names = _extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return [], []
    hosts, mails = names.get_values_for_type(x509.DNSName), names.get_values_for_type(x509.RFC822Name)
    return hosts[:MOST_NAMES], mails[:MOST_NAMES]


def _is_self_signed(certificate: x509.Certificate) -> bool:
    """As tlsx has it: no key of an authority is named, or it is the certificate's own."""
    authority = _extension(certificate, x509.AuthorityKeyIdentifier)
    if authority is None or not authority.key_identifier:
        return True
    own = _extension(certificate, x509.SubjectKeyIdentifier)
    return own is not None and own.digest == authority.key_identifier


def _covers(name: str, host: str) -> bool:
    """Whether a name of a certificate is for the host; a wildcard stands for one label."""
    labels, wanted = host.lower().split("."), name.lower().split(".")
    if "*" not in name or len(labels) != len(wanted):
        return name.lower() == host.lower()
    head = re.escape(wanted[0]).replace(r"\*", ".*")
    return re.fullmatch(head, labels[0]) is not None and labels[1:] == wanted[1:]


def _serial(certificate: x509.Certificate) -> str:
    digits = f"{certificate.serial_number:x}"
    return bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2)).hex(":").upper()


def _json(told: dict[str, Any]) -> str:
    text = orjson.dumps(told, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS).decode()
    for char in "<>&":  # as Go's encoder does
        text = text.replace(char, f"\\u{ord(char):04x}")
    return narrow(text)


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return [narrow(item) for item in value]
    if isinstance(value, dict):
        return _json(value)
    if isinstance(value, datetime):  # as Go writes a moment
        return f"{value.replace(microsecond=0, tzinfo=None)} +0000 UTC"
    return narrow(value) if isinstance(value, str) else bool(value)
