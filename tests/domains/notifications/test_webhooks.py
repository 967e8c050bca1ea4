"""Webhooks: where they may go, and what their answers mean."""

from __future__ import annotations

import email.utils
import hashlib
import hmac
import time
from typing import Any

import msgspec
import pytest

from rookery.domains.notifications import channels, delivering, webhooks
from rookery.domains.notifications.errors import ChannelFailed, ChannelNotValid, ChannelRefused
from tests.conftest import Call
from tests.domains.notifications.conftest import Receiver

SECRET = "a secret of sixteen"


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.1.1", "fe80::1%eth0", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254",
     "100.100.100.200", "168.63.129.16", "::", "224.0.0.1", "64:ff9b::a9fe:a9fe",
     "2002:a9fe:a9fe::1"],
)  # fmt: skip
def test_no_webhook_goes_to_what_a_machine_keeps_for_itself(address: str) -> None:
    assert not webhooks.may_be_dialled("any", address, 80)


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd12::1", "192.0.2.1"])
def test_private_networks_are_allowed(address: str) -> None:
    assert webhooks.may_be_dialled("any", address, 80)


def test_it_is_asked_when_it_is_dialled(call: Call) -> None:
    call(channels.create, "cloud", "webhook", "http://169.254.169.254/latest/meta-data/")
    with pytest.raises(ChannelRefused, match="No webhook goes there"):
        call(delivering.test, "cloud")


@pytest.mark.parametrize(
    "url", ["ftp://h/", "http://", "http://u:p@h/", "h/x", "http://h:99999/", "http://h/a b", "http://h/a\nb"]
)
def test_what_is_no_webhook_is_refused(call: Call, url: str) -> None:
    with pytest.raises(ChannelNotValid):
        call(
            channels.create, "ops", "webhook", f"{url} " if url.endswith("\n") else url + ("" if url else "x")
        )


def test_what_is_posted_is_signed_over_its_time_and_body(call: Call, receiver: Receiver) -> None:
    call(channels.create, "ops", "webhook", receiver.url, secret=SECRET)
    call(delivering.test, "ops")
    ((headers, body),) = receiver.requests
    signed = headers["x-rookery-timestamp"].encode() + b"." + body
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-rookery-signature"] == f"sha256={digest}"
    document = msgspec.json.decode(body)
    assert document["delivery"] == headers["x-rookery-delivery"] == document["items"][0]["id"]
    assert (document["subject"], document["items"][0]["kind"]) == ("A test of Rookery", "test")


@pytest.mark.parametrize(
    ("status", "headers", "error", "seconds"),
    [
        (500, {}, ChannelFailed, 0),
        (503, {"Retry-After": "7"}, ChannelFailed, 7),
        (429, {"Retry-After": "\u00b2"}, ChannelFailed, 0),
        (429, {"Retry-After": "soon"}, ChannelFailed, 0),
        (408, {}, ChannelFailed, 0),
        (404, {}, ChannelRefused, None),
        (302, {"Location": "http://169.254.169.254/"}, ChannelRefused, None),
    ],
)
def test_an_answer_says_whether_to_try_again(
    call: Call, receiver: Receiver, status: int, headers: dict[str, str], error: Any, seconds: int | None
) -> None:
    call(channels.create, "ops", "webhook", receiver.url)
    receiver.answers = [(status, headers)] * 9
    with pytest.raises(error, match=str(status)) as raised:
        call(delivering.test, "ops")
    assert seconds is None or raised.value.retry_after == seconds
    assert call(delivering.history)[0].status == "failed"


def test_the_pause_that_it_asks_for_may_be_a_date(call: Call, receiver: Receiver) -> None:
    call(channels.create, "ops", "webhook", receiver.url)
    date = email.utils.formatdate(time.time() + 3600, usegmt=True)
    receiver.answers = [(429, {"Retry-After": date})] * 9
    with pytest.raises(ChannelFailed) as raised:
        call(delivering.test, "ops")
    assert 3000 < raised.value.retry_after <= 3600
    assert len(receiver.requests) == 1  # it is not asked again before


def test_a_host_that_is_not_there_may_come_back(call: Call, free_port: int) -> None:
    call(channels.create, "ops", "webhook", f"http://127.0.0.1:{free_port}/t0ken-of-ours")
    with pytest.raises(ChannelFailed, match="refused") as raised:
        call(delivering.test, "ops")
    assert "t0ken" not in str(raised.value)
