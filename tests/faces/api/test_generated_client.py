"""A client that openapi-python-client makes of the document does what the document says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faces.api.conftest import Client, Serving

NAME = "made_of_the_document"
IOS = {"name": "r1", "address": "10.0.0.1", "platform": "ios", "tags": ["core"]}


@pytest.fixture
def part(serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """A module of the client, which a generator has made of the document that the server gives."""
    document = tmp_path / "openapi.json"
    document.write_bytes(httpx.get(f"{serving.api}/openapi.json").content)
    how = tmp_path / "how.json"
    how.write_text('{"post_hooks": []}')  # nobody reads it: it need not be formatted
    made = subprocess.run(
        [
            sys.executable, "-m", "openapi_python_client", "generate", "--path", document,
            "--output-path", tmp_path / NAME, "--meta", "none", "--fail-on-warning", "--config", how,
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name: import_module(f"{NAME}.{name}")
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


@pytest.fixture
def devices(part: Callable[[str], Any]) -> Callable[..., Any]:
    """Calls an operation of devices with all that it answers: status, headers, document."""

    def call(operation: str, **given: Any) -> Any:
        return part(f"api.devices.{operation}").sync_detailed(**given)

    return call


def test_it_makes_lists_changes_and_is_told_what_is_wrong(
    part: Callable[[str], Any], devices: Callable[..., Any], serving: Serving, client: Client
) -> None:
    token = client("operator").headers["authorization"].removeprefix("Bearer ")
    models = part("models")
    with part("client").AuthenticatedClient(base_url=serving.url, token=token) as mine:
        made = devices("create_device", client=mine, body=models.DeviceSpec.from_dict(IOS))
        assert (made.status_code, made.parsed.name, made.parsed.tags) == (201, "r1", ["core", "default"])

        page = devices("list_devices", client=mine, filter_="tag:core", count="exact").parsed
        assert [each.address for each in page.items] == ["10.0.0.1"]
        assert (page.total, page.next_) == (1, None)

        changes, tag = models.DeviceSpecChanges(site="berlin"), made.headers["etag"]
        changed = devices(
            "update_device", client=mine, device="r1", body=changes, if_match=made.headers["etag"]
        )
        assert (changed.status_code, changed.parsed.site, changed.parsed.revision) == (200, "berlin", 2)

        late = devices("update_device", client=mine, device="r1", body=changes, if_match=tag)
        assert (late.status_code, late.parsed.code) == (412, "device-changed")
        missing = devices("get_device", client=mine, device="r9").parsed
        assert (missing.status, missing.code) == (404, "device-not-found")
        assert devices("delete_device", client=mine, device="r1").status_code == 204
