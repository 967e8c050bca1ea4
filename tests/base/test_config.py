"""Settings: where they come from, which source wins, and one line for whatever is wrong."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rookery.base import redact
from rookery.base.config import Config, Loaded, effective, load_config, settings
from rookery.base.errors import ConfigError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own, and no secrets left behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(redact, "_secrets", ())


def _load(text: str = "", **environ: str) -> Loaded:
    path = Path.cwd() / "given.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ)


def _refusal(text: str = "", **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _load(text, **environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_source_the_defaults_hold() -> None:
    config = load_config(environ={"XDG_DATA_HOME": "/data", "HOME": "/nowhere"}).config
    assert replace(config, origins={}) == Config(data_dir=Path("/data/rookery"))
    assert (config.hooks.pool_size, config.hooks.batch_size, config.hooks.batch_interval) == (4, 100, 5.0)
    assert (config.audit.is_async, config.audit.queue_maxsize) == (True, 10_000)
    assert config.database_url == "sqlite:////data/rookery/rookery.db"


def test_the_more_specific_source_wins(tmp_path: Path) -> None:
    """Below: the XDG file sets all four, each later source overrides one less."""
    _written(tmp_path / "xdg/rookery/rookery.toml", "[hooks]\npool_size=1\nbatch_size=1\nbatch_interval=1\n")
    _written(tmp_path / "rookery.toml", "[hooks]\nbatch_size=2\nbatch_interval=2\n")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "ROOKERY_HOOKS__BATCH_INTERVAL": "3"}
    loaded = load_config(environ=environ, data_dir=tmp_path / "d")
    hooks = loaded.config.hooks
    assert (hooks.pool_size, hooks.batch_size, hooks.batch_interval) == (1, 2, 3.0)
    assert loaded.config.data_dir == tmp_path / "d"
    assert loaded.origins["hooks.pool_size"] == f"{tmp_path}/xdg/rookery/rookery.toml line 2"
    assert loaded.origins["hooks.batch_size"] == f"{tmp_path}/rookery.toml line 2"
    assert loaded.origins["hooks.batch_interval"] == "ROOKERY_HOOKS__BATCH_INTERVAL"
    assert loaded.origins["data_dir"] == "argument"
    assert loaded.origins["audit.async"] == "default"


def test_a_file_that_is_given_replaces_the_search(tmp_path: Path) -> None:
    _written(tmp_path / "rookery.toml", "[hooks]\npool_size=1\n")
    loaded = _load("[hooks]\nbatch_size=7\n")
    assert (loaded.config.hooks.pool_size, loaded.config.hooks.batch_size) == (4, 7)
    assert loaded.files == (tmp_path / "given.toml",)


@pytest.mark.parametrize(
    ("key", "attribute", "value", "expected"),
    [
        ("HOOKS__BATCH_INTERVAL", "hooks.batch_interval", "0", 0.0),
        ("SCAN__RATE_LIMIT", "scan.rate_limit", "0", 0.0),
        ("MONGODB__MAX_POOL_SIZE", "mongodb.max_pool_size", "0", 0),
        ("AUDIT__ASYNC", "audit.async", "false", False),
        ("HOOKS__MODULES", "hooks.modules", "a.b, c", ("a.b", "c")),
        ("LOGGING__LEVEL", "logging.level", "debug", "debug"),
    ],
)
def test_a_variable_is_read_as_the_type_of_its_setting(
    key: str, attribute: str, value: str, expected: Any
) -> None:
    assert effective(_load(**{f"ROOKERY_{key}": value}).config)[attribute] == expected


def test_an_empty_variable_counts_as_not_set() -> None:
    assert _load("[hooks]\npool_size=2", ROOKERY_HOOKS__POOL_SIZE="").config.hooks.pool_size == 2


def test_a_value_may_come_from_a_file_named_by_a_variable(tmp_path: Path) -> None:
    secret = _written(tmp_path / "secret", "postgresql://u:s3cret-pw@h/db\n")
    loaded = _load(ROOKERY_DATABASE__URL_FILE=str(secret))
    assert loaded.config.database.url == "postgresql://u:s3cret-pw@h/db"
    assert loaded.origins["database.url"] == f"ROOKERY_DATABASE__URL_FILE ({secret})"


def test_a_variable_and_its_file_variant_together_are_refused() -> None:
    assert "unset one" in _refusal(ROOKERY_DATA_DIR="/a", ROOKERY_DATA_DIR_FILE="/b")


def test_relative_paths_start_from_the_file_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _written(
        tmp_path / "etc/rookery.toml", 'data_dir = "data"\nhooks.modules = ["plugged.in", "./h.py"]\n'
    )
    monkeypatch.chdir("/")
    config = load_config(path, {}).config
    assert config.data_dir == tmp_path / "etc/data"
    assert config.hooks.modules == ("plugged.in", str(tmp_path / "etc/h.py"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "[hooks]\n\npool_size = 0",
            ["given.toml line 3", "hooks.pool_size", "from 1 to 64", "not 0", "nearest: 1"],
        ),
        ("[hooks]\npool_size = 1.5", ["a whole number", "nearest: 1"]),
        ("[hooks]\nbatch_interval = nan", ["from 0 to 3600", "nearest: 5.0"]),
        ("[hooks]\nbatch_interval = 99999", ["nearest: 3600"]),
        ("audit.async = 'yes'", ["line 1", "audit.async", "true or false", "nearest: true"]),
        ("[logging]\nlevel = 'wran'", ["one of debug, info, warning", "nearest: warning"]),
        ("[hooks]\nmodules = 'a'", ["hooks.modules", "a list of strings"]),
        ("data_dir = ''", ["data_dir", "the path of a folder"]),
        ("data_dir = '~nobody-of-that-name/x'", ["data_dir", "the path of a folder"]),
        ("[hooks]\npool_siz = 1", ["line 2", "unknown key hooks.pool_siz", "did you mean hooks.pool_size?"]),
        ("[hook]\npool_size = 1", ["hook.pool_size", "did you mean hooks.pool_size?"]),
        ("hooks = { pool_size = 0 }", ["line 1", "hooks.pool_size"]),
        ("[[hooks]]\npool_size = 1", ["line 1", "hooks is a section"]),
        ("[hoks]", ["unknown key hoks", "did you mean hooks?"]),
        ("hooks = 3", ["hooks is a section", "[hooks]"]),
        ("zzz = 3", ["line 1", "unknown key zzz", "data_dir"]),
        ("x =", ["not valid TOML"]),
        ("a = " + "[" * 5000, ["nested too deeply"]),
        ("a = " + "9" * 5000, ["not valid TOML"]),
        ("#" * 300_000, ["larger than 256 KiB"]),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line(text: str, parts: list[str]) -> None:
    message = _refusal(text)
    assert [part for part in parts if part not in message] == []


@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("ROOKERY_HOOKS__POOL_SIZ", "1", ["did you mean ROOKERY_HOOKS__POOL_SIZE?"]),
        ("ROOKERY_HOOKS_POOL_SIZE", "1", ["did you mean ROOKERY_HOOKS__POOL_SIZE?"]),
        ("ROOKERY_ZZ__QQQQQQ", "1", ["is no setting", "ROOKERY_DATA_DIR"]),
        ("ROOKERY_HOOKS__POOL_SIZE", "four", ["ROOKERY_HOOKS__POOL_SIZE: hooks.pool_size", "from 1 to 64"]),
        ("ROOKERY_DATABASE__URL_FILE", "/nowhere", ["ROOKERY_DATABASE__URL_FILE", "No such file"]),
    ],
)
def test_what_is_wrong_in_the_environment_is_one_line(name: str, value: str, parts: list[str]) -> None:
    message = _refusal(**{name: value})
    assert [part for part in parts if part not in message] == []


def test_a_containers_user_without_a_home_is_told_to_set_data_dir(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999)
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="set ROOKERY_DATA_DIR"):
        load_config(environ={})
    assert load_config(environ={"ROOKERY_DATA_DIR": str(tmp_path)}).config.data_dir == tmp_path


def test_variables_of_others_are_left_alone() -> None:
    assert _load(ROOKERY_REQUIRE_ALL="1", ROOKERY_HOME="x").config


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nowhere/x.toml", "No such file"),
        ("/", "Is a directory"),
        ("/dev/zero", "larger"),
        ("/bin/sh", "UTF-8"),
    ],
)
def test_a_file_that_is_none_is_one_line(path: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_config(Path(path), {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_found_by_chance_that_belongs_to_another_user_is_refused_unless_it_is_given(
    tmp_path: Path,
) -> None:
    path = _written(tmp_path / "rookery.toml", "hooks.modules = ['evil']")
    os.chown(path, 12345, 12345)
    with pytest.raises(ConfigError, match="belongs to another user"):
        load_config(environ={"HOME": "/nowhere"})
    assert load_config(path, {}).config.hooks.modules == ("evil",)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter22@h/db",
        "mysql://u:hunter22@h/db",
        "postgres:/u:hunter22@h",
        "sqlite:/?password=hunter22",
    ],
)
def test_a_password_in_a_url_appears_in_no_error(url: str) -> None:
    assert "hunter22" not in _refusal(f"[database]\nurl = {url!r}\n[hooks]\npool_size = 0")


def test_a_loaded_password_is_masked_from_then_on_as_written_and_as_meant() -> None:
    _load(ROOKERY_DATABASE__URL="postgresql://u:p%40ss-word@h/db")
    assert redact.redact_text("p%40ss-word p@ss-word") == "*** ***"


@given(st.text(alphabet="[]{}=.,\"'#\nab1 \\\t-", max_size=60))
def test_whatever_the_text_it_loads_or_is_refused_in_one_line(text: str) -> None:
    with contextlib.suppress(ConfigError):
        _load(text)
        return
    _refusal(text)


def test_every_setting_says_what_it_is_for_and_what_it_takes() -> None:
    assert [s.key for s in settings().values() if not s.description.endswith(".") or not s.allowed] == []
