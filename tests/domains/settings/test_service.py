"""Setting things while Rookery runs, in both worlds and on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from rookery import app
from rookery.base.clock import now, to_us
from rookery.base.config import (
    Backups,
    Config,
    Database,
    Queue,
    decode_config,
    encode_config,
    load_config,
    settings,
)
from rookery.base.errors import ConfigError
from rookery.domains.backups.preparing import Preparation
from rookery.domains.settings import service
from rookery.domains.settings.errors import (
    SettingChanged,
    SettingExists,
    SettingFixed,
    SettingNotFound,
    SettingNotValid,
)
from rookery.domains.settings.rules import Declared
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks import looking
from rookery.mechanisms.tasks.pruning import prune
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.service import cancel_task, submit_task
from tests.conftest import Call

KEY = "queue.keep_days"


@pytest.fixture
def own_types() -> list[TaskType]:
    return [TaskType(name="rest", function=lambda *_: None)]


def audited(call: Call) -> list[tuple[str, str, dict[str, Any]]]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(each.event_type, each.object, each.details) for each in reversed(call.rook.audit.list())]


def test_every_setting_is_there_with_its_default_and_whether_it_can_be_changed(call: Call) -> None:
    found = call(service.by_key)
    assert list(found) == list(settings())
    assert list(found.values()) == call(service.list_)
    keep, backend = found[KEY], found["queue.backend"]
    assert (keep.value, keep.default, keep.origin, keep.revision) == (30, 30, "default", 0)
    assert (keep.is_runtime, keep.is_fixed, keep.category) == (True, False, "queue")
    assert (backend.is_runtime, backend.is_fixed) == (False, True)
    assert found["data_dir"].category == "general"
    assert {each.category for each in call(service.by_category, "queue")} == {"queue"}
    with pytest.raises(SettingNotFound, match=r"did you mean queue\?"):
        call(service.by_category, "queues")
    with pytest.raises(SettingNotFound, match=r"did you mean queue\.keep_days"):
        call(service.get, "queue.keep_day")


def test_what_is_set_holds_until_it_is_unset_and_is_remembered(call: Call) -> None:
    made = call(service.update_value, KEY, 7)
    assert (made.value, made.origin, made.revision, made.updated_by) == (7, "database", 1, "tester")
    assert call(service.value, KEY) == 7
    assert call(service.update_value, KEY, "8").value == 8
    assert call(service.update_value, KEY, 8).revision == 2
    assert call(service.unset, KEY).value == 30
    assert [(each.revision, each.old, each.new) for each in call(service.history, KEY)] == [
        (3, 8, None), (2, 7, 8), (1, None, 7),
    ]  # fmt: skip
    assert [each.revision for each in call(service.history, KEY, limit=1)] == [3]
    assert audited(call)[0] == ("setting.updated", KEY, {"revision": 1, "old": None, "new": 7})
    assert call(service.history, "queue.artifact_days") == []
    with pytest.raises(SettingNotFound):
        call(service.history, "queue.nothing")


@pytest.mark.parametrize("value", [-1, "many", 1.5, True, None, [3], 36_501])
def test_a_value_that_is_not_allowed_is_refused_and_changes_nothing(call: Call, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{KEY} must be a whole number from 0 to 36500"):
        call(service.update_value, KEY, value)
    assert call(service.get, KEY).revision == 0
    assert audited(call) == []


def test_who_has_seen_an_older_version_is_refused(call: Call) -> None:
    call(service.update_value, KEY, 7, revision=0)
    with pytest.raises(SettingChanged, match="at revision 1, not 0"):
        call(service.update_value, KEY, 8, revision=0)
    with pytest.raises(SettingChanged):
        call(service.unset, KEY, revision=0)
    call(service.unset, KEY, revision=1)
    with pytest.raises(SettingChanged):  # it is as it was at first, but others have been there
        call(service.update_value, KEY, 8, revision=0)


def test_of_two_who_set_at_once_one_is_told_to_look_again(call: Call) -> None:
    outcomes: list[str] = []

    def attempt(days: int) -> None:
        try:
            call.rook.settings.update_value(KEY, days, revision=0)
            outcomes.append("set")
        except SettingChanged:
            outcomes.append("told")

    threads = [threading.Thread(target=attempt, args=(days,)) for days in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["set", "told", "told", "told"]
    assert [each.revision for each in call(service.history, KEY)] == [1]


def test_what_a_file_variable_or_program_decides_is_fixed(call: Call) -> None:
    with pytest.raises(SettingFixed, match=r"read when Rookery starts: .* ROOKERY_QUEUE__BACKEND"):
        call(service.update_value, "queue.backend", "inline")
    call(service.update_value, KEY, 7)
    decided = replace(call.config, queue=Queue(keep_days=3))
    with app.open(config=decided) as rook:
        assert (rook.settings.get(KEY).value, rook.settings.get(KEY).origin) == (3, "argument")
        assert rook.current_config().queue.keep_days == 3
        with pytest.raises(SettingFixed, match="fixed by argument"):
            rook.settings.update_value(KEY, 4)
        with pytest.raises(SettingFixed):
            rook.settings.unset(KEY)


def test_a_variable_fixes_a_setting_even_at_its_default(call: Call) -> None:
    url = {"ROOKERY_DATABASE__URL": call.config.database_url, "ROOKERY_QUEUE__KEEP_DAYS": "30"}
    loaded = load_config(environ=url | {"HOME": str(call.config.data_dir)}, data_dir=call.config.data_dir)
    call(service.update_value, KEY, 7)
    for config in (loaded.config, decode_config(encode_config(loaded.config))):
        with app.open(config=config) as rook:
            assert rook.current_config().queue.keep_days == 30
            with pytest.raises(SettingFixed, match="fixed by ROOKERY_QUEUE__KEEP_DAYS"):
                rook.settings.update_value(KEY, 4)


def test_what_is_not_valid_any_more_is_left_out(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    call(service.update_value, KEY, 7)
    call(service.update_value, "queue.artifact_days", 5)
    with call.rook.transaction() as session:
        session.execute(text("UPDATE setting SET value = '-7' WHERE key = 'queue.keep_days'"))
    queue = call.rook.current_config().queue
    assert (queue.keep_days, queue.artifact_days) == (30, 5)
    assert "is not used: settings: queue.keep_days must be" in caplog.text


def test_tasks_are_kept_as_long_as_is_set(call: Call) -> None:
    task_id = call(submit_task, "rest")
    call(cancel_task, task_id)
    long_ago = to_us(now() - timedelta(days=10))
    with call.rook.transaction() as session:
        session.execute(text("UPDATE task SET finished_us = :then"), {"then": long_ago})
    prune(call.rook)
    assert [each.id for each in call(looking.list_)] == [task_id]
    call(service.update_value, KEY, 9)
    prune(call.rook)
    assert call(looking.list_) == []


def test_backups_use_what_is_set(call: Call) -> None:
    call(service.update_value, "backups.concurrency", 2)
    call(service.update_value, "backups.redaction", "mask")
    config = call(_prepared_for_nobody)
    assert (config.concurrency, config.redaction) == (2, "mask")


@dual
def _prepared_for_nobody(rook: Rook, /) -> Backups:
    return Preparation(rook, []).config.backups


@pytest.mark.parametrize(
    ("kind", "default", "given", "typed"),
    [
        ("text", "ops", "noc", "noc"),
        ("integer", 3, "4", 4),
        ("number", 0.5, "1.5", 1.5),
        ("boolean", False, "true", True),
        ("list", [], "a, b", ["a", "b"]),
    ],
)
def test_people_declare_settings_of_their_own(
    call: Call, kind: Any, default: Any, given: str, typed: Any
) -> None:
    made = call(service.create, "site.thing", kind, default, description="What it is for.")
    assert (made.value, made.origin, made.is_declared, made.category) == (default, "default", True, "site")
    assert call(service.update_value, "site.thing", given).value == typed
    assert call(service.list_)[-1].key == "site.thing"
    with pytest.raises(SettingExists):
        call(service.create, "site.thing")
    call(service.delete, "site.thing")
    with pytest.raises(SettingNotFound):
        call(service.get, "site.thing")
    assert [each.new for each in call(service.history, "site.thing")] == [None, typed, None]
    assert [name for name, *_ in audited(call)] == ["setting.created", "setting.updated", "setting.deleted"]
    assert call(service.create, "site.thing").revision == 4


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"key": "thing"}, "category.name"),
        ({"key": "Site.thing"}, "category.name"),
        ({"key": "queue.mine"}, "Rookery's own"),
        ({"key": "site.api_key"}, "sounds like a secret"),
        ({"key": "site.n", "kind": "date"}, "a kind is one of"),
        ({"key": "site.n", "kind": "integer", "default": "x"}, "must be a whole number"),
        ({"key": "site.n", "kind": "number", "default": "inf"}, "must be a number"),
        ({"key": "site.n", "kind": "number", "default": "nan"}, "must be a number"),
        ({"key": "site.n", "description": "a\nb"}, "one line"),
    ],
)
def test_a_declaration_that_is_not_valid_is_refused(call: Call, declared: Any, said: str) -> None:
    with pytest.raises(SettingNotValid, match=said):
        call(service.initialise, [Declared(key="site.fine"), Declared(**declared)])
    assert len(call(service.list_)) == len(settings())


def test_defaults_are_initialised_once(call: Call) -> None:
    brought = [
        Declared(key="chat.room", default="noc"),
        Declared(key="chat.hours", kind="integer", default=8),
    ]
    assert call(service.initialise, brought) == ["chat.room", "chat.hours"]
    call(service.update_value, "chat.room", "ops")
    assert call(service.initialise, [*brought, Declared(key="chat.more")]) == ["chat.more"]
    assert call(service.value, "chat.room") == "ops"


def test_a_declared_setting_can_be_given_another_default(call: Call) -> None:
    call(service.create, "chat.hours", "integer", 8)
    changed = call(service.update, "chat.hours", default=9, description="Of work.", revision=1)
    assert (changed.value, changed.description, changed.revision) == (9, "Of work.", 2)
    assert call(service.update, "chat.hours", default=9) == changed
    with pytest.raises(SettingChanged):
        call(service.update, "chat.hours", default=10, revision=1)
    with pytest.raises(SettingNotValid):
        call(service.update, "chat.hours", default="x")
    with pytest.raises(SettingNotFound):
        call(service.update, KEY, default=9)
    with pytest.raises(SettingFixed, match=r"unset queue\.keep_days"):
        call(service.delete, KEY)


def test_no_password_is_shown_or_remembered_for_all_to_see(call: Call) -> None:
    call(service.create, "chat.server", default="https://bot:hunter22@chat.example/")
    call(service.update_value, "chat.server", "https://bot:hunter23@chat.example/")
    shown = repr((call(service.get, "chat.server"), call(service.history, "chat.server"), audited(call)))
    assert "bot:***@chat.example" in shown
    assert "hunter2" not in shown


def test_values_are_there_for_everyone_who_shares_the_database(call: Call) -> None:
    call(service.update_value, KEY, 7)
    shared = Config(data_dir=call.config.data_dir, database=Database(url=call.config.database_url))
    with app.open(config=shared) as other:
        assert other.current_config().queue.keep_days == 7
