"""Signatures of templates: nuclei's own and the user's, and what no longer is what was signed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rookery.domains.templates.errors import TrustedKeyUnusable
from rookery.domains.templates.signatures import NUCLEI_CERTIFICATE, Signature, Trust

OFFICIAL = Path(__file__).parent / "signed" / "keycloak-json.yaml"
NUCLEI = "projectdiscovery/nuclei-templates"
TEXT = b"id: mine\n\ninfo:\n  name: n\n"


def signed(text: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """A template as nuclei's `-sign` writes it."""
    value = key.sign(text.strip(), ec.ECDSA(SHA256()))
    body = bytes((0x0A, 0)) + gob_number(len(value)) + value
    x = key.public_key().public_numbers().x
    fragment = hashlib.md5(x.to_bytes((x.bit_length() + 7) // 8, "big"), usedforsecurity=False).hexdigest()
    digest = (gob_number(len(body)) + body).hex()
    return text + f"# digest: {digest}:{fragment}".encode()


def gob_number(number: int) -> bytes:
    return bytes((number,)) if number < 128 else bytes((255, number))


@pytest.fixture(params=[ec.SECP256R1(), ec.SECP521R1()], ids=["P-256", "P-521"])
def key(request: pytest.FixtureRequest) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(request.param)


@pytest.fixture
def trust(key: ec.EllipticCurvePrivateKey, tmp_path: Path) -> Trust:
    return Trust([public(key.public_key(), tmp_path / "ann.pem")])


def public(key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey, path: Path) -> Path:
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path


def test_an_official_template_is_signed_by_nuclei() -> None:
    assert Trust().judge(OFFICIAL.read_bytes()) == Signature("signed", NUCLEI)


def test_one_changed_byte_is_tampering() -> None:
    changed = OFFICIAL.read_bytes().replace(b"severity: ", b"severity:  ", 1)
    signature = Trust().judge(changed)
    assert signature == Signature("tampered", NUCLEI)
    assert str(signature) == f"changed after {NUCLEI} signed it"


def test_line_ends_do_not_count() -> None:
    assert Trust().judge(OFFICIAL.read_bytes().replace(b"\n", b"\r\n")).state == "signed"


def test_what_follows_the_digest_is_not_covered_by_it() -> None:
    assert Trust().judge(OFFICIAL.read_bytes() + b"\nhttp: []\n").state == "unsigned"


def test_a_key_of_ones_own_is_trusted_when_it_was_given(
    key: ec.EllipticCurvePrivateKey, trust: Trust
) -> None:
    template = signed(TEXT, key)
    assert Trust().judge(template) == Signature("unknown key")
    assert trust.judge(template) == Signature("signed", "ann")
    assert trust.judge(b"# more\n" + template) == Signature("tampered", "ann")
    assert trust.judge(OFFICIAL.read_bytes()).state == "signed"


def test_nucleis_certificate_itself_can_be_given() -> None:
    assert Trust([NUCLEI_CERTIFICATE]).judge(OFFICIAL.read_bytes()).signer == NUCLEI


@pytest.mark.parametrize("digest", ["", "00", "4a", "ff", "490a00464a", "80", "490a0046" + "00" * 70])
def test_a_digest_that_is_none_is_no_signature(digest: str) -> None:
    line = f"# digest: {digest}:922c64590222798bb761d5b6d8e72950".encode()
    assert Trust().judge(TEXT + line).state == ("unsigned" if not digest else "tampered")


def test_a_template_without_a_digest_is_unsigned() -> None:
    assert str(Trust().judge(TEXT)) == "not signed"


def test_a_file_that_is_no_ecdsa_key_is_named(tmp_path: Path) -> None:
    other = public(ed25519.Ed25519PrivateKey.generate().public_key(), tmp_path / "other.pem")
    (tmp_path / "text.pem").write_text("hello")
    (tmp_path / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----")
    for path in (other, tmp_path / "text.pem", tmp_path / "broken.pem", tmp_path / "no-such.pem"):
        with pytest.raises(TrustedKeyUnusable, match=path.name):
            Trust([path])
