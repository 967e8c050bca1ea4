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


def test_what_cannot_be_reached_is_no_reason_to_show_nothing(cli: Cli) -> None:
    result = cli(
        "settings", "get", "hooks.batch_size", env={"ROOKERY_DATABASE__URL": "postgresql://u@127.0.0.1:9/x"}
    )
    assert (result.returncode, result.stdout) == (0, "100\n")
    assert "Without what is set in the database" in result.stderr


def test_a_setting_is_changed_while_rookery_runs(cli: Cli) -> None:
    assert (
        "queue.keep_days is 7 (database, revision 1)" in cli("settings", "set", "queue.keep_days", "7").stderr
    )
    assert cli("settings", "get", "queue.keep_days").stdout == "7\n"
    stale = cli("settings", "set", "queue.keep_days", "8", "--if-revision", "0")
    assert (stale.returncode, "revision 1, not 0" in stale.stderr) == (6, True)
    assert json.loads(cli("settings", "unset", "queue.keep_days", "--json").stdout)["value"] == 30
    changes = json.loads(cli("settings", "history", "queue.keep_days", "--json").stdout)["items"]
    assert [(each["old"], each["new"]) for each in changes] == [(7, None), (None, 7)]
    assert "(default)" in cli("settings", "history", "queue.keep_days").stdout


def test_what_is_fixed_is_shown_as_such_and_not_set(cli: Cli) -> None:
    fixed = {"ROOKERY_QUEUE__KEEP_DAYS": "3"}
    rows = cli("settings", "list", "--category", "queue", env=fixed).stdout.splitlines()
    found = {row.split()[0]: " ".join(row.split()[1:]) for row in rows}
    assert found["queue.keep_days"] == "3 ROOKERY_QUEUE__KEEP_DAYS fixed"
    assert found["queue.artifact_days"] == "30 default any time"
    assert found["queue.grace"] == "30.0 default at start"
    refused = cli("settings", "set", "queue.keep_days", "4", env=fixed)
    assert (refused.returncode, "fixed by ROOKERY_QUEUE__KEEP_DAYS" in refused.stderr) == (3, True)


def test_a_setting_of_ones_own_comes_and_goes(cli: Cli) -> None:
    assert cli("settings", "create", "site.floors", "--kind", "integer").returncode == 0
    cli("settings", "set", "site.floors", "3")
    items = json.loads(cli("settings", "list", "--json").stdout)["items"]
    assert (items[-1]["key"], items[-1]["value"], items[-1]["is_declared"]) == ("site.floors", 3, True)
    assert "give --yes" in cli("settings", "delete", "site.floors").stderr
    assert cli("settings", "delete", "site.floors", "--yes").returncode == 0
    assert cli("settings", "get", "site.floors").returncode == 5


def test_the_places_of_files_are_shown_in_the_order_of_winning(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "rookery.toml").touch()
    items = json.loads(cli("settings", "path", "--json").stdout)["items"]
    assert items[-1] == {"path": str(tmp_path / "rookery.toml"), "exists": True}
    assert items[0]["path"] == "/etc/rookery/rookery.toml"
