"""A certificate that nmap brings along, read by the library that knows them. Pure."""

from __future__ import annotations

import hashlib
import ssl
import warnings
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from rookery.domains.scans.items import Certificate

LONGEST_WORD = 500
MOST_NAMES = 1_000


def certificate_of(pem: str, match: str, ip: str, name: str) -> Certificate | None:
    """The certificate; its fingerprint alone, when its inside breaks the rules; None when it is none."""
    try:
        der = ssl.PEM_cert_to_DER_cert(pem.strip())
    except ValueError:
        return None
    known: dict[str, Any] = {"fingerprint_sha256": hashlib.sha256(der).hexdigest(), "match": match, "ip": ip}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is deprecated in other people's certificates
            return Certificate(host=name or ip, **known, **_inside(der))
    except (ValueError, TypeError, AttributeError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return Certificate(host=name or ip, **known)


def _inside(der: bytes) -> dict[str, Any]:
    certificate = x509.load_der_x509_certificate(der)
    return {
        "subject_cn": _common_name(certificate.subject),
        "subject_an": _names(certificate),
        "issuer_cn": _common_name(certificate.issuer),
        "not_before": _said(certificate.not_valid_before_utc),
        "not_after": _said(certificate.not_valid_after_utc),
        "serial_number": f"{certificate.serial_number:x}",
        "keysize": getattr(certificate.public_key(), "key_size", 0),
        "self_signed": certificate.subject == certificate.issuer,
    }


def _common_name(name: x509.Name) -> str:
    names = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value)[:LONGEST_WORD] if names else ""


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    names = [*found.get_values_for_type(x509.DNSName), *found.get_values_for_type(x509.IPAddress)]
    return [str(name)[:LONGEST_WORD] for name in names[:MOST_NAMES]]


def _said(when: datetime) -> str:
    return when.isoformat()
