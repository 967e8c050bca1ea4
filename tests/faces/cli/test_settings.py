"""`rookery settings` tells what holds and why, and no password."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Cli

URL = {"ROOKERY_DATABASE__URL": "postgresql://u:s3cret-pw@h/db"}


def test_every_value_is_shown_with_its_origin(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "rookery.toml").write_text("[hooks]\npool_size = 7\n", encoding="utf-8")
    rows = cli("settings", "get", "--origin", env={"ROOKERY_AUDIT__ASYNC": "false"}).stdout.splitlines()
    found = {row.split()[0]: row.split(maxsplit=2)[1:] for row in rows}
    assert found["hooks.pool_size"] == ["7", f"{tmp_path}/rookery.toml line 2"]
    assert found["audit.async"] == ["false", "ROOKERY_AUDIT__ASYNC"]
    assert found["hooks.batch_size"] == ["100", "default"]


def test_one_value_alone_is_fit_for_a_script(cli: Cli) -> None:
    assert cli("settings", "get", "hooks.batch_interval").stdout == "5.0\n"


def test_json_has_value_and_origin(cli: Cli) -> None:
    document = json.loads(cli("settings", "get", "hooks.modules", "--json").stdout)
    assert document == {"hooks.modules": {"value": [], "origin": "default"}}


def test_the_database_that_is_used_is_shown_when_none_is_set(cli: Cli, tmp_path: Path) -> None:
    result = cli("settings", "get", "database.url", "--data-dir", "d")
    assert result.stdout == f"sqlite:///{tmp_path}/d/rookery.db\n"


def test_no_form_of_output_shows_a_password(cli: Cli) -> None:
    for arguments in (["get"], ["get", "database.url"], ["get", "--json", "--origin"]):
        result = cli("settings", *arguments, env=URL)
        assert "postgresql://u:***@h/db" in result.stdout
        assert "s3cret-pw" not in result.stdout + result.stderr


def test_an_unknown_key_is_not_found_and_the_nearest_is_named(cli: Cli) -> None:
    result = cli("settings", "get", "hooks.pool_siz")
    assert result.returncode == 5
    assert "did you mean hooks.pool_size?" in result.stderr


def test_the_places_of_files_are_shown_in_the_order_of_winning(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "rookery.toml").touch()
    items = json.loads(cli("settings", "path", "--json").stdout)["items"]
    assert items[-1] == {"path": str(tmp_path / "rookery.toml"), "exists": True}
    assert items[0]["path"] == "/etc/rookery/rookery.toml"
