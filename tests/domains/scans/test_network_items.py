"""What tools find beside weaknesses: when two of these are one, and how they are shown and sent."""

from __future__ import annotations

import pytest

from rookery.domains.scans.items import (
    Certificate,
    Domain,
    Ip,
    Port,
    Record,
    Subdomain,
    Tag,
    Technology,
    Url,
    as_row,
    in_words,
)
from rookery.mechanisms.hooks import Item
from rookery.mechanisms.hooks.items import decode, encode
from rookery.mechanisms.runner.seen import Seen

ONE_AND_THE_SAME: list[tuple[Item, Item]] = [
    (Subdomain(host="a.x.org", domain="x.org"), Subdomain(host="a.x.org", domain="x.org", verified=True)),
    (Ip(ip="192.0.2.1", alive=True), Ip(ip="192.0.2.1", alive=True, host="a")),
    (Port(port=22, ip="192.0.2.1"), Port(port=22, ip="192.0.2.1", service_name="ssh", confidence="high")),
    (Record(name="192.0.2.1", type="A", host="a"), Record(name="192.0.2.1", type="A", host="a")),
    (Url(url="http://a/"), Url(url="http://a/", status_code=200, method="POST", title="A")),
    (Technology(product="nginx", match="a:80"), Technology(product="nginx", match="a:80")),
    (Certificate(host="a", fingerprint_sha256="f"), Certificate(host="a", fingerprint_sha256="f", keysize=1)),
    (Tag(name="n", value="v", match="a"), Tag(name="n", value="v", match="a")),
    (Domain(domain="x.org", alive=True), Domain(domain="x.org", alive=True, registrar="r")),
]  # fmt: skip
OTHERS: list[tuple[Item, Item]] = [
    (Subdomain(host="a.x.org", domain="x.org"), Subdomain(host="b.x.org", domain="x.org")),
    (Ip(ip="192.0.2.1", alive=True), Ip(ip="192.0.2.1", alive=False)),
    (Port(port=22, ip="192.0.2.1"), Port(port=22, ip="192.0.2.1", state="closed")),
    (Port(port=53, ip="192.0.2.1"), Port(port=53, ip="192.0.2.1", protocol="udp")),
    (Record(name="192.0.2.1", type="A", host="a"), Record(name="192.0.2.1", type="A", host="b")),
    (Url(url="http://a/"), Url(url="http://a/b")),
    (Technology(product="nginx", match="a:80"), Technology(product="nginx", match="a:80", version="1")),
    (Certificate(host="a", fingerprint_sha256="0f"), Certificate(host="b", fingerprint_sha256="0f")),
    (Tag(name="n", value="v", match="a"), Tag(name="n", value="v", match="a", category="c")),
    (Domain(domain="x.org", _source="whois"), Domain(domain="x.org", _source="rdap")),
]


@pytest.mark.parametrize(("one", "other"), ONE_AND_THE_SAME)
def test_what_makes_a_thing_what_it_is_makes_two_of_them_one(one: Item, other: Item) -> None:
    seen = Seen()
    assert (seen.add(one), seen.add(other)) == (False, True)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_things_that_differ_in_that_are_two(one: Item, other: Item) -> None:
    seen = Seen()
    assert (seen.add(one), seen.add(other)) == (False, False)


@pytest.mark.parametrize("item", [one for one, _ in ONE_AND_THE_SAME])
def test_each_travels_and_is_shown_to_people_and_programs(item: Item) -> None:
    assert decode(encode(item)) == item
    assert as_row(item)["_type"] == item._type
    words = in_words(item)
    assert "\n" not in words
    assert str(getattr(item, item._identity[0])) in words
