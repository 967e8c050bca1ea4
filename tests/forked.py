"""`rookery …` in a process of its own that has not to load everything anew: forked from one that has.

A command line takes a second to import what it needs, and tests run hundreds. The process is real in all that
a user sees: descriptors, environment, working directory, signals, exit status, how the interpreter ends.
"""

from __future__ import annotations

import array
import faulthandler
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO

from tests.patience import PATIENCE

STATUS = struct.Struct("i")
LONGEST = 1 << 20
INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")


class Forge:
    """Makes processes; closed, it makes no more."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.forked", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])

    def close(self) -> None:
        self._socket.close()
        self._process.wait()

    def run(
        self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """What `python -m rookery …` writes, and exits with."""
        if not can_run(env):
            command = [sys.executable, "-m", "rookery", *arguments]
            return subprocess.run(
                command, input=stdin, capture_output=True, text=True, env=env, cwd=cwd, timeout=PATIENCE
            )
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin.encode())
            given.seek(0)
            order = {"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}
            status = self._ended(order, (given, out, err))
            texts = [_text(stream) for stream in (out, err)]
        return subprocess.CompletedProcess(list(arguments), status, *texts)

    def _ended(self, order: object, streams: Sequence[IO[bytes]]) -> int:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                descriptors = array.array("i", [*(each.fileno() for each in streams), theirs.fileno()])
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
                self._socket.sendmsg([json.dumps(order).encode()], rights)
            ours.settimeout(PATIENCE)
            (child,) = STATUS.unpack(ours.recv(STATUS.size))
            try:
                (status,) = STATUS.unpack(ours.recv(STATUS.size))
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                raise
        return os.waitstatus_to_exitcode(status)


def can_run(env: Mapping[str, str]) -> bool:
    """Whether nothing that an interpreter reads when it starts is other than here."""
    names = {name for name in (*env, *os.environ) if name.startswith("PYTHON") or name in INHERITED}
    return all(env.get(name) == os.environ.get(name) for name in names)


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode().replace("\r\n", "\n")


# --- the other side


def serve(orders: socket.socket) -> None:
    """Fork a process for each order; returns in it, ready to run, and at the end of all orders exits."""
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, descriptors, _, _ = socket.recv_fds(orders, LONGEST, 4)
        if not data:
            sys.exit(0)
        if os.fork() == 0:
            orders.close()
            if _is_born(descriptors.pop()):
                _become(json.loads(data), descriptors)
                return
        for descriptor in descriptors:
            os.close(descriptor)


def _load() -> None:
    from rookery.faces.cli.main import COMMANDS

    for entry in COMMANDS.values():
        import_module(entry.home.partition(":")[0])
    import_module("rookery.app")


def _is_born(report: int) -> bool:
    """Fork once more: in the child true; the parent says how it ended, and is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(report)
        return True
    os.write(report, STATUS.pack(child))
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        os.write(report, STATUS.pack(status))
    os._exit(0)


def _become(order: Mapping[str, object], descriptors: Sequence[int]) -> None:
    """Take on what a new process is given."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(str(order["cwd"]))
    os.environ.clear()
    os.environ.update(order["env"])  # type: ignore[call-overload]
    sys.argv = [import_module("rookery").__path__[0] + "/__main__.py", *order["arguments"]]  # type: ignore[misc]
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", closefd=False, encoding="utf-8", errors="backslashreplace", buffering=1
    )
    faulthandler.enable()  # whoever dies of a signal says where, in what it has written
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
    from rookery.__main__ import main

    sys.exit(main())
