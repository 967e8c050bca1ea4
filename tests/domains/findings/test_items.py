"""A sighting: identified, placed, its evidence bounded and without secrets, from birth."""

from __future__ import annotations

from typing import Any

import pytest

from rookery.domains.findings.evidence import LONGEST_RESPONSE
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.leaks import MOST
from rookery.mechanisms.hooks.items import decode, encode

REQUEST = "GET / HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\nCookie: s=secret\r\n\r\nAuthorization: body"


def sighting(**different: Any) -> Vulnerability:
    facts: dict[str, Any] = {
        "template_id": "t",
        "name": "T",
        "severity": "high",
        "target": "http://a",
        "matched_at": "http://A/x?y",
    }
    return Vulnerability(**(facts | different))


def test_a_sighting_knows_where_it_is_and_what_it_is_a_sighting_of() -> None:
    item = sighting()
    assert (item.scheme, item.host, item.port, item.path) == ("http", "a", 80, "/x")
    assert item.fingerprint == sighting(matched_at="http://a:80/x", severity="low", ip="::1").fingerprint


def test_project_and_type_make_another_weakness() -> None:
    prints = {item.fingerprint for item in (sighting(), sighting(project_id="p"), sighting(type="ssl"))}
    assert len(prints) == 3


def test_secrets_in_the_headers_of_a_request_are_masked_and_its_body_is_what_the_template_sent() -> None:
    item = sighting(
        request=REQUEST, curl="curl -H 'Authorization: Basic c2VjcmV0' -H 'Accept: */*' http://u:pw@a/"
    )
    assert "c2VjcmV0" not in item.request + item.curl
    assert "s=secret" not in item.request
    assert item.request.endswith("\r\n\r\nAuthorization: body")
    assert "Accept: */*" in item.curl
    assert "pw@" not in item.curl


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("DB_PASSWORD=hunter2\nAPP_ENV=production", "DB_PASSWORD=***\nAPP_ENV=production"),
        ("aws_secret_access_key = a/b+c", "aws_secret_access_key = ***"),
        ("define('DB_PASSWORD', 'two words');", "define('DB_PASSWORD', '***');"),
        ('{"api_key":"k","token":null,"a":1}', '{"api_key":"***","token":null,"a":1}'),
        ("<password>hunter2</password><a>b</a>", "<password>***</password><a>b</a>"),
        ("password: hunter2", "password: ***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("?access_token=abc&page=2", "?access_token=***&page=2"),
        ("bob:$apr1$Vw1g0hQ8$5QvqsPcP9nUO1D:x", "bob:***:x"),
        ("enable secret 5 $1$abcd$efghijkl", "enable secret 5 ***"),
        ("snmp-server community public RO", "snmp-server community *** RO"),
        (f"x {'.'.join(['eyJhbGciOiJIUzI1'] * 2)}.sig y", "x *** y"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nnext",
            "-----BEGIN RSA PRIVATE KEY-----\n***\n-----END RSA PRIVATE KEY-----\nnext",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE that is cut", "-----BEGIN PRIVATE KEY-----\n***\n"),
        ('<input type="password" name="password">', '<input type="password" name="password">'),
        ("Forgot your password? tokenizer: words", "Forgot your password? tokenizer: words"),
        ("not a text: \udcff password=\udcffx", "not a text: \udcff password=***"),
    ],
)
def test_secrets_in_what_came_back_are_masked_and_their_names_stay(said: str, kept: str) -> None:
    head = "HTTP/1.1 200 OK\r\nSet-Cookie: s=secret\r\n\r\n"
    item = sighting(response=head + said)
    assert item.response == head.replace("s=secret", "***") + kept
    assert sighting(response=item.response).response == item.response
    assert sighting(response=said).response == kept


def test_of_a_page_full_of_secrets_the_beginning_is_kept() -> None:
    item = sighting(response="password=hunter2 " * 1_000)
    assert (item.response.count("***"), "hunter2" in item.response) == (MOST, False)
    assert item.response.endswith("cut]")


def test_evidence_is_bounded_and_travelling_changes_nothing() -> None:
    item = sighting(request=REQUEST, response="x" * 1_000_000)
    assert len(item.response) == LONGEST_RESPONSE
    assert decode(encode(item)) == item
