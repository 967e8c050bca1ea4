"""What nuclei prints becomes a sighting: of version 3, of version 2, and of whatever else a line may be."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.domains.findings.formats.nuclei import LONGEST_LINE, BadRecord, read, sighting
from rookery.domains.findings.items import Vulnerability

# As nuclei 3.4.10 printed it, shortened.
V3 = (
    b'{"template-id":"CVE-2021-41773","template-path":"/t/x.yaml","info":{"name":"Apache traversal",'
    b'"author":["someone"],"tags":["cve","kev","lfi"],"description":"A description.","impact":"An impact.",'
    b'"reference":["https://example.com/1"],"severity":"high","classification":{"cve-id":["cve-2021-41773"],'
    b'"cwe-id":["cwe-22"],"cvss-metrics":"CVSS:3.1/AV:N","cvss-score":7.5,"epss-score":0.94,'
    b'"epss-percentile":0.999},"remediation":"Upgrade."},"matcher-name":"LFI","type":"http","host":"127.0.0.1",'
    b'"port":"18080","scheme":"http","url":"http://127.0.0.1:18080",'
    b'"matched-at":"http://127.0.0.1:18080/icons/?x=1","extracted-results":["root:x:0:0"],'
    b'"request":"GET /icons/ HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n'
    b'Cookie: s=1\\r\\n\\r\\n",'
    b'"response":"HTTP/1.1 200 OK\\r\\n\\r\\n\\u003chtml\\u003e","meta":{"file":"passwd"},'
    b'"ip":"127.0.0.1","timestamp":"2024-11-25T22:57:45.435573312Z","curl-command":"curl -X \'GET\'",'
    b'"matcher-status":true}'
)
# As version 2 printed it.
V2 = (
    b'{"templateID":"tech-detect","info":{"name":"Wappalyzer","author":["a"],"severity":"info","tags":"tech,x",'
    b'"reference":null},"matcher_name":"nginx","type":"http","host":"http://127.0.0.1:18080",'
    b'"matched":"http://127.0.0.1:18080/","extracted_results":["1.2"],"ip":"127.0.0.1",'
    b'"timestamp":"2021-05-25T22:57:45+02:00"}'
)


def seen(**fields: Any) -> Vulnerability:
    record = {"template-id": "a-template", "matched-at": "http://127.0.0.1/x", **fields}
    return sighting(read(json.dumps(record)))


def test_a_result_of_version_3_becomes_a_sighting() -> None:
    item = sighting(read(V3), engine="nuclei 3.4.10", run_id="run")
    assert (item.template_id, item.matcher, item.severity) == ("CVE-2021-41773", "LFI", "high")
    assert (item.target, item.matched_at) == (
        "http://127.0.0.1:18080",
        "http://127.0.0.1:18080/icons/?x=1",
    )
    assert (item.scheme, item.host, item.port, item.path) == ("http", "127.0.0.1", 18080, "/icons/")
    assert (item.cve, item.cwe, item.kev) == (["CVE-2021-41773"], ["CWE-22"], True)
    assert (item.cvss_vector, item.cvss_score) == ("CVSS:3.1/AV:N", 7.5)
    assert (item.epss, item.epss_percentile) == (0.94, 0.999)
    assert (item.extracted, item.meta) == (["root:x:0:0"], {"file": "passwd"})
    assert (item.engine, item.run_id) == ("nuclei 3.4.10", "run")
    assert "Cookie: ***" in item.request
    assert item.response.endswith("<html>")
    assert item._timestamp == pytest.approx(1732575465.435573)


def test_a_result_of_version_2_becomes_a_sighting() -> None:
    item = sighting(read(V2))
    assert (item.template_id, item.matcher, item.target) == (
        "tech-detect",
        "nginx",
        "http://127.0.0.1:18080",
    )
    assert (item.tags, item.reference, item.extracted) == (["tech", "x"], [], ["1.2"])


def test_both_versions_make_one_finding_of_one_match() -> None:
    new = seen(**{"matcher-name": "m", "type": "http"})
    old = {"templateID": "a-template", "matcher_name": "m", "matched": "http://127.0.0.1:80/x?q"}
    assert sighting(read(json.dumps(old))).fingerprint == new.fingerprint


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ({"host": "127.0.0.1", "port": "22", "matched-at": "127.0.0.1:22", "type": "tcp"}, "127.0.0.1:22"),
        ({"host": "127.0.0.1:22", "matched-at": "127.0.0.1:22", "type": "network"}, "127.0.0.1:22"),
        ({"host": "Host.Example", "matched-at": "Host.Example", "type": "dns"}, "Host.Example"),
        ({"matched-at": "https://[::1]:443/a", "type": "http"}, "https://[::1]"),
        ({"host": "/etc/x.conf", "matched-at": "/etc/x.conf", "type": "file"}, "/etc/x.conf"),
    ],
)
def test_the_target_is_what_was_scanned_with_or_without_a_port_in_host(
    fields: dict[str, str], target: str
) -> None:
    assert seen(**fields).target == target


def test_the_network_of_version_2_is_tcp() -> None:
    old, new = (seen(type=word, **{"matched-at": "127.0.0.1:22"}) for word in ("network", "tcp"))
    assert (old.type, old.fingerprint) == ("tcp", new.fingerprint)


def test_a_random_word_of_the_run_does_not_make_another_finding() -> None:
    """The words are KSUIDs, made at 2021-01-01 and a minute later; a third is of another year."""
    prints = {
        word: seen(timestamp=when, **{"matched-at": f"http://127.0.0.1/{word}.txt"}).fingerprint
        for word, when in [
            ("1mJmhPR03T5bOBCzr4ZBZzLYPSb", "2021-01-01T00:02:00Z"),
            ("1mJmpPR03T5bOBCzr4ZBZzLYPSa", "2021-01-01T00:02:00Z"),
        ]
    }
    assert len(set(prints.values())) == 1
    settled = [
        seen(timestamp="2024-06-01T00:00:00Z", **{"matched-at": f"http://127.0.0.1/{word}.txt"}).fingerprint
        for word in prints
    ]
    assert len({*settled, *prints.values()}) == 3


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"template-id":"a"}',
        b'{"template-id":{"a":1},"matched-at":"x"}',
        b'{"template-id":"a","matched-at":"x","info":[]}',
        V3[:-40],
        b'{"meta":' * 100_000,
        b"[" * 1_000_000,
        b'{"a":"' + b"x" * LONGEST_LINE + b'"}',
        b'{"template-id":"\\ud800","matched-at":"x"}',
    ],
    ids=[
        "nothing",
        "null",
        "list",
        "empty",
        "nowhere",
        "types",
        "info",
        "torn",
        "deep",
        "deeper",
        "long",
        "half",
    ],
)
def test_what_is_no_result_is_refused_in_one_line(line: bytes) -> None:
    with pytest.raises(BadRecord) as refusal:
        read(line)
    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 300


def test_a_hostile_record_is_bounded() -> None:
    many = ["x" * 1_000] * 2_000
    item = seen(
        info={
            "name": "n" * 10_000,
            "description": "d" * 100_000,
            "severity": "apocalyptic",
            "reference": many,
        },
        meta={str(number): "v" * 10_000 for number in range(1_000)},
        request="r" * 1_000_000,
        timestamp="9999-12-31T23:59:59Z",
        **{"extracted-results": many, "matcher-name": "\0m\x1b[31m"},
    )
    assert item.severity == "unknown"
    assert len(item.name) <= 500
    assert len(item.reference) == len(item.extracted) == 1_000
    assert len(item.request) < 10_000
    assert sum(map(len, item.meta.values())) <= 100_000
    assert item._timestamp <= time.time()
    assert "\0" not in item.matcher


def test_invalid_utf_8_is_replaced() -> None:
    item = sighting(read(b'{"template-id":"a","matched-at":"http://127.0.0.1/\xff","info":{"name":"\xfe"}}'))
    assert item.matched_at == "http://127.0.0.1/�"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(sorted({*json.loads(V3), *json.loads(V2)})), JSON))
def test_no_value_of_any_field_does_more_than_be_refused(fields: dict[str, Any]) -> None:
    record = {"template-id": "a", "matched-at": "http://127.0.0.1/", **fields}
    try:
        item = sighting(read(json.dumps(record)))
    except BadRecord:
        return
    assert item.template_id
    assert item.fingerprint
