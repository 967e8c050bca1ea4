"""An answer that is no success, as an error: ours by its code, whatever stands between."""

from __future__ import annotations

from rookery.domains.devices.errors import DeviceNotFound
from rookery.faces.client.errors import NotRookery, ServerFailed
from rookery.faces.client.refusals import refusal

URL = "http://127.0.0.1:8640"


def said(code: str) -> bytes:
    return b'{"detail": "There is no r9.", "code": "%s"}' % code.encode()


def test_a_refusal_is_the_error_that_was_raised_there_with_its_words() -> None:
    error = refusal(URL, 404, {}, said("device-not-found"))
    assert (type(error), str(error)) == (DeviceNotFound, "There is no r9.")


def test_one_that_this_version_does_not_know_keeps_its_code() -> None:
    error = refusal(URL, 409, {}, said("of-a-later-version"))
    assert (type(error), error.code) == (ServerFailed, "of-a-later-version")


def test_how_long_to_wait_is_told_in_seconds_alone() -> None:
    assert vars(refusal(URL, 429, {"retry-after": "7"}, said("too-many-requests")))["retry_after"] == 7
    dated = refusal(URL, 429, {"retry-after": "Sat, 28 Nov 2026 03:00:00 GMT"}, said("too-many-requests"))
    assert "retry_after" not in vars(dated)


def test_a_page_of_something_else_is_not_taken_for_rookery() -> None:
    for page in (b"<html>502 Bad Gateway", b"", b"[]", b'{"error": "no"}', b"\xff"):
        assert isinstance(refusal(URL, 502, {"content-type": "application/problem+json"}, page), NotRookery)
