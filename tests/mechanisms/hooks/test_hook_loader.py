"""Every form of a hook module, and one line for everything that is wrong with one."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rookery.mechanisms.hooks import Batching, Error, HookError, Hooks, hook, hooks_from, load_hooks
from rookery.mechanisms.runner import CommandRunner, Runner
from tests.mechanisms.runner.tools import Emits, Sighting


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str, name: str = "hooks.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def heard(hooks: Hooks, runner_type: type = Runner) -> dict[str, list[str]]:
    """The function names by event, of the events that somebody hears."""
    plan = hooks.plan_for(runner_type)
    return {
        event: [each.call.__name__ for each in functions] for event, functions in plan.items() if functions
    }


def batching(hooks: Hooks) -> dict[str, Batching | None]:
    return {each.call.__name__: each.batching for each in hooks.functions}


def test_functions_named_by_an_event(write: Any) -> None:
    hooks = load_hooks(
        write("def on_item(runner, item): ...\nasync def on_end(runner): ...\ndef helper(): ...\n")
    )
    assert heard(hooks) == {"on_item": ["on_item"], "on_end": ["on_end"]}


def test_a_table_of_hooks_flat_and_per_runner_class(write: Any) -> None:
    text = """
from rookery.mechanisms.runner import CommandRunner
def save(runner, item): ...
def mark(runner): ...
def only(runner, line): ...
HOOKS = {"on_item": [save], "on_start": mark, CommandRunner: {"on_line": (only,), "on_item": [save]}}
"""
    hooks = load_hooks(write(text))
    assert heard(hooks) == {"on_item": ["save"], "on_start": ["mark"]}
    assert heard(hooks, CommandRunner)["on_line"] == ["only"]


def test_a_function_in_the_table_is_not_heard_twice_for_its_name(write: Any) -> None:
    text = """
from rookery.mechanisms.runner import CommandRunner
def on_item(runner, item): ...
HOOKS = {CommandRunner: {"on_item": [on_item]}}
"""
    hooks = load_hooks(write(text))
    assert heard(hooks) == {}
    assert heard(hooks, CommandRunner) == {"on_item": ["on_item"]}


def test_async_hooks_and_batch_config_each_key_optional(write: Any) -> None:
    text = """
def on_item(runner, items): ...
async def on_end(runner, items): ...
def on_error(runner, items): ...
def on_start(runner): ...
ASYNC_HOOKS = {"on_item", "on_end"}
BATCH_CONFIG = {"on_item": {"batch_size": 500}, "on_error": {"batch_interval": 0}}
"""
    assert batching(load_hooks(write(text))) == {
        "on_item": Batching(500, None),
        "on_end": Batching(None, None),
        "on_error": Batching(None, 0),
        "on_start": None,
    }


def test_decorated_functions(write: Any) -> None:
    text = """
from rookery.mechanisms.hooks import hook
@hook("on_item", batch_size=10)
def save(runner, items): ...
@hook("on_end", batched=True)
async def tell(runner, items): ...
@hook("on_start")
def begin(runner): ...
"""
    hooks = load_hooks(write(text))
    assert heard(hooks) == {"on_start": ["begin"], "on_item": ["save"], "on_end": ["tell"]}
    assert batching(hooks) == {"save": Batching(10, None), "tell": Batching(None, None), "begin": None}


def test_a_decorated_batch_hook_takes_a_single_item_too() -> None:
    @hook("on_item", batched=True)
    def save(runner: object, items: list[str]) -> list[str]:
        return items

    assert save(None, "one") == ["one"]  # type: ignore[arg-type]  # the kindness is for callers without types
    assert save(None, ["one", "two"]) == ["one", "two"]


def test_a_module_by_name_by_path_and_by_itself(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path: Path = write("def on_item(runner, item): ...\n", "acme_hooks.py")
    monkeypatch.syspath_prepend(path.parent)
    by_name, by_path = load_hooks("acme_hooks"), load_hooks(path)
    by_module = load_hooks(sys.modules.pop("acme_hooks"))
    assert heard(by_name) == heard(by_path) == heard(by_module) == {"on_item": ["on_item"]}


def test_what_fails_in_a_file_is_called_by_the_names_of_file_and_function(write: Any) -> None:
    def items(hooks: Hooks) -> list[str]:
        return [item.message for item in Emits([Sighting(url="a")], hooks=hooks) if isinstance(item, Error)]

    text = "def on_item(runner, item):\n    if item._type != 'error': raise ValueError('no')"
    assert items(load_hooks(write(text, "my_hooks.py"))) == ["hook my_hooks.py: on_item: ValueError: no"]


def test_a_file_loaded_twice_is_one_module_until_it_changes(write: Any) -> None:
    path: Path = write("def on_item(runner, item): ...\n")
    first = load_hooks(path)
    assert len(first + load_hooks(str(path))) == 1
    path.write_text("def on_item(runner, item): ...\ndef on_end(runner): ...\n")
    assert heard(load_hooks(path)) == {"on_item": ["on_item"], "on_end": ["on_end"]}


WRONG_MODULES = {
    "def on_itme(runner, item): ...": "no event is called on_itme (did you mean on_item?)",
    "HOOKS = {'on_ned': print}": "HOOKS: no event is called on_ned (did you mean on_end?)",
    "def on_item(runner): ...": "on_item must take (runner, item)",
    "def on_start(runner, item): ...": "on_start must take (runner)",
    "def on_item(runner, item, third): ...\nASYNC_HOOKS = {'on_item'}": "on_item must take (runner, items)",
    "def on_item(runner, item): ...\nASYNC_HOOKS = {'on_itm'}": "names on_itm, which is no hook here"
    " (did you mean on_item?)",
    "def on_item(runner, item): ...\nASYNC_HOOKS = 'on_item'": "ASYNC_HOOKS is a set of function names",
    "BATCH_CONFIG = {'on_item': {}}": "BATCH_CONFIG names on_item, which is no hook here",
    "def on_item(r, i): ...\nBATCH_CONFIG = {'on_item': {'batchsize': 1}}": "unknown key batchsize"
    " (did you mean batch_size?)",
    "def on_item(r, i): ...\nBATCH_CONFIG = {'on_item': {'batch_size': 0}}": "a whole number from 1",
    "def on_item(r, i): ...\nBATCH_CONFIG = {'on_item': {'batch_interval': -1}}": "a number of seconds",
    "def on_item(r, i): ...\nBATCH_CONFIG = {'on_item': 5}": "is a dict with batch_size or batch_interval",
    "ASYNC_HOOKS = 5": "ASYNC_HOOKS is a set of function names",
    "HOOKS = {'on_item': {print}}": "which is not a function",
    "BATCH_CONFIG = 5": "BATCH_CONFIG is a dict",
    "HOOKS = []": "HOOKS is a dict",
    "HOOKS = {'on_item': ['save']}": "holds 'save', which is not a function",
    "def on_item(runner, item)\n": "line 1: expected ':'",
    "import nothing_of_this_name": "ModuleNotFoundError: No module named 'nothing_of_this_name'",
    "1 / 0": "ZeroDivisionError: division by zero",
    "x = '\\0'\n\x00": "null bytes",
}


@pytest.mark.parametrize(("text", "said"), WRONG_MODULES.items())
def test_a_wrong_module_is_one_line_that_names_the_file_and_the_fault(
    write: Any, text: str, said: str
) -> None:
    path = write(text)
    with pytest.raises(HookError) as error:
        load_hooks(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("missing.py", "missing.py: No such file"),
        ("no_such_module", "No module named"),
        ("", "Empty module name"),
    ],
)
def test_a_missing_module_is_one_line(spec: str, said: str) -> None:
    with pytest.raises(HookError, match=said):
        load_hooks(spec)


def test_a_folder_or_a_text_file_is_no_hook_file(write: Any, tmp_path: Path) -> None:
    for path in (tmp_path, write("def on_item(runner, item): ...", "hooks.txt")):
        with pytest.raises(HookError, match=r"should end in \.py"):
            load_hooks(path)


@pytest.mark.parametrize("settings", [{"batch_size": 0}, {"batch_size": True}, {"batch_interval": -0.1}])
def test_the_decorator_refuses_what_makes_no_sense(settings: dict[str, Any]) -> None:
    with pytest.raises(HookError, match="batch_"):
        hook("on_item", **settings)
    with pytest.raises(HookError, match="did you mean on_item"):
        hook("on_itm")


def test_methods_of_a_runner_class_are_checked_as_well() -> None:
    class Wrong(Runner):
        def on_item(self) -> None: ...

    with pytest.raises(HookError, match=r"Wrong: on_item must take \(runner, item\)"):
        Wrong().run()


def test_hooks_of_a_table_in_code() -> None:
    def save(runner: object, items: list[Any]) -> None: ...

    hooks = hooks_from({"on_item": save}, batch_config={"save": {"batch_size": 7}})
    assert batching(hooks) == {"save": Batching(7, None)}


def test_an_imported_helper_is_no_misspelt_event() -> None:
    """Only what the module defines itself is suspected of being meant as a hook."""
    module = ModuleType("with_import")
    vars(module)["on_exit"] = test_hooks_of_a_table_in_code
    assert len(load_hooks(module)) == 0
