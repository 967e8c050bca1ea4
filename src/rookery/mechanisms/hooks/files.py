"""Hook files: a Python file, loaded as a module under a name of its own."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery.mechanisms.hooks.errors import HookError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

PREFIX = "rookery_hook_file_"
VERSION = "__rookery_version__"

_OF_A_FILE = re.compile(rf"^{PREFIX}(.*)_[0-9a-f]{{8}}\.")


def module_from_file(path: Path) -> ModuleType:
    """The module a file defines; the same one as before while the file has not changed.

    Raises HookError, one line, when there is no such file or it does not run.
    """
    path = path.expanduser().absolute()
    try:
        status = path.stat()
    except OSError as error:
        raise HookError(f"hook file {path}: {error.strerror or error}") from error
    version = (status.st_mtime_ns, status.st_size)
    known = sys.modules.get(_name(path))
    if known is not None and getattr(known, VERSION, None) == version:
        return known
    return _loaded(path, version)


def _loaded(path: Path, version: tuple[int, int]) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_name(path), path)
    if spec is None or spec.loader is None:
        raise HookError(f"hook file {path}: not a Python file (its name should end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # its own classes look their module up while they are made
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise HookError(f"hook file {path}: {said(error)}") from error
    setattr(module, VERSION, version)
    return module


def said(error: BaseException) -> str:
    """One line that says what went wrong while a module was loaded, with the line for a syntax error."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _name(path: Path) -> str:
    # The digest keeps two files of one name apart; it is stable, because spools are named after it.
    digest = hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()
    return f"{PREFIX}{path.stem}_{digest}"


def named_for_people(hook: str) -> str:
    """The name of a hook, `module.function`; of one in a file, the file's name and the function's."""
    return _OF_A_FILE.sub(r"\1.py: ", hook)


def file_of(function: Callable[..., Any]) -> Path | None:
    """The hook file a function comes from, or None for one that can be imported by name."""
    name = getattr(function, "__module__", None) or ""
    module = sys.modules.get(name)
    if not name.startswith(PREFIX) or module is None or module.__file__ is None:
        return None
    return Path(module.__file__)


def function_in(path: Path, qualname: str) -> Any:
    """The function of that qualified name in a hook file."""
    return functools.reduce(getattr, qualname.split("."), module_from_file(path))
