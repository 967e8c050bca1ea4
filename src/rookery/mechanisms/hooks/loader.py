"""From a module, a file or a table of functions to `Hooks`; whatever is wrong is said in one line."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from rookery.mechanisms.hooks.errors import HookError
from rookery.mechanisms.hooks.events import EVENTS, event_named, nearest
from rookery.mechanisms.hooks.files import module_from_file, said
from rookery.mechanisms.hooks.marks import MARK, Batching, Mark
from rookery.mechanisms.hooks.registry import HookFunction, Hooks, HookTable

SETTINGS = Batching._fields


def load_hooks(spec: str | Path | ModuleType) -> Hooks:
    """The hooks of a module name (`acme.hooks`), a file (`./hooks.py`) or a module.

    In it count: functions named by an event, `HOOKS`, functions decorated with `@hook`. `ASYNC_HOOKS` and
    `BATCH_CONFIG` name those that want batches. Raises HookError for whatever would not work.
    """
    module = spec if isinstance(spec, ModuleType) else _module(spec)
    where = f"hook module {_shown(module)}"
    found = list(dict.fromkeys(_found(module, where)))
    batching = _batching(module, {_called(each) for each in found}, where)
    return Hooks(_with(each, batching).checked(where) for each in found)


def hooks_from(
    table: HookTable,
    *,
    async_hooks: Collection[str] = (),
    batch_config: Mapping[str, Mapping[str, Any]] | None = None,
) -> Hooks:
    """The hooks of a table, in the form of a module's `HOOKS`, `ASYNC_HOOKS` and `BATCH_CONFIG`."""
    module = ModuleType("table")
    vars(module).update(HOOKS=table, ASYNC_HOOKS=async_hooks, BATCH_CONFIG=batch_config or {})
    return load_hooks(module)


def _module(spec: str | Path) -> ModuleType:
    if isinstance(spec, Path) or spec.endswith(".py") or "/" in spec:
        return module_from_file(Path(spec))
    try:
        return importlib.import_module(spec)
    except (Exception, SystemExit) as error:
        raise HookError(f"hook module {spec}: {said(error)}") from error


def _shown(module: ModuleType) -> str:
    return str(getattr(module, "__file__", None) or module.__name__)


def _found(module: ModuleType, where: str) -> Iterator[HookFunction]:
    listed = list(_of_table(getattr(module, "HOOKS", {}), where, None))
    in_table = [each.call for each in listed]  # there it says more, for instance for which runners
    for name, value in vars(module).items():
        mark = getattr(value, MARK, None)
        if isinstance(mark, Mark):
            yield HookFunction(EVENTS[mark.event], value, mark.batching)
        elif callable(value) and value not in in_table and _says_event(name, value, module):
            yield HookFunction(event_named(name, where), value)
    yield from listed


def _says_event(name: str, value: Any, module: ModuleType) -> bool:
    """Whether a function is named by an event, or was meant to be: `on_itme` must not be silently dead."""
    own = getattr(value, "__module__", None) == module.__name__
    return name in EVENTS or (own and name.startswith(("on_", "before_")))


def _of_table(table: Any, where: str, runner_type: type | None) -> Iterator[HookFunction]:
    if not isinstance(table, Mapping):
        raise HookError(f"{where}: HOOKS is a dict of event to functions, not {type(table).__name__}")
    for key, value in table.items():
        if isinstance(key, type) and runner_type is None:
            yield from _of_table(value, where, key)
        else:
            event = event_named(str(key), f"{where}: HOOKS")
            yield from (
                HookFunction(event, each, None, runner_type) for each in _functions(value, key, where)
            )


def _functions(value: Any, event: object, where: str) -> list[Any]:
    functions = list(value) if isinstance(value, list | tuple) else [value]
    for function in functions:
        if not callable(function):
            raise HookError(f"{where}: HOOKS[{event!r}] holds {function!r}, which is not a function")
    return functions


def _called(function: HookFunction) -> str:
    return str(getattr(function.call, "__name__", function.name))


def _batching(module: ModuleType, names: set[str], where: str) -> dict[str, Batching]:
    """What the module's ASYNC_HOOKS and BATCH_CONFIG say, by function name."""
    wanted = dict.fromkeys(_names(getattr(module, "ASYNC_HOOKS", ()), "ASYNC_HOOKS", where), Batching())
    config = getattr(module, "BATCH_CONFIG", {})
    if not isinstance(config, Mapping):
        raise HookError(f"{where}: BATCH_CONFIG is a dict of function name to settings")
    for name, settings in config.items():
        wanted[name] = _settings(settings, f"{where}: BATCH_CONFIG[{name!r}]")
    for name in wanted:
        if name not in names:
            setting = "BATCH_CONFIG" if name in config else "ASYNC_HOOKS"
            raise HookError(f"{where}: {setting} names {name}, which is no hook here{nearest(name, names)}")
    return wanted


def _names(value: Any, setting: str, where: str) -> list[str]:
    is_several = isinstance(value, Collection) and not isinstance(value, str)
    if not is_several or not all(isinstance(name, str) for name in value):
        raise HookError(f"{where}: {setting} is a set of function names")
    return sorted(value)


def _settings(value: Any, where: str) -> Batching:
    if not isinstance(value, Mapping):
        raise HookError(f"{where} is a dict with {' or '.join(SETTINGS)}")
    for key in value:
        if key not in SETTINGS:
            raise HookError(f"{where}: unknown key {key}{nearest(str(key), SETTINGS)}")
    return Batching(**value).checked(where)


def _with(function: HookFunction, batching: dict[str, Batching]) -> HookFunction:
    wanted = batching.get(_called(function))
    if wanted is None:
        return function
    return HookFunction(function.event, function.call, wanted, function.runner_type)
