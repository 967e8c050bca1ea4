"""Real programs: their lines, their ends, their bad manners."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rookery.base.errors import Invalid
from rookery.mechanisms.hooks import Error, Warning_
from rookery.mechanisms.runner import CommandRunner
from rookery.mechanisms.runner.command import parsed
from tests.mechanisms.runner.tools import PrintsJson, Sighting, Trace
from tests.patience import PATIENCE


class PrintsLines(CommandRunner):
    """A program, and its lines."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lines: list[str] = []

    def on_line(self, line: str) -> str:
        self.lines.append(line)
        return line


def python(script: str) -> list[str]:
    return [sys.executable, "-c", script]


def test_json_lines_become_items_and_other_lines_are_left_alone() -> None:
    script = 'print("banner"); [print(f\'{{"url": "http://h/{n}"}}\') for n in range(5000)]; print("{broken")'
    runner = PrintsJson(python(script))
    urls = [item.url for item in runner if isinstance(item, Sighting)]
    assert urls == [f"http://h/{number}" for number in range(5000)]
    assert runner.exit_code == 0


def test_lines_with_a_type_become_that_item_by_themselves() -> None:
    script = 'print(\'{"_type": "sighting", "url": "a", "number": 3}\')'
    items = list(CommandRunner(python(script)))
    assert [(item.url, item.number) for item in items if isinstance(item, Sighting)] == [("a", 3)]


def test_an_object_that_is_nested_without_end_is_a_line_like_any_other() -> None:
    deep = '{"a":' * 100_000
    assert parsed(deep) == deep


def test_a_line_that_does_not_convert_makes_the_run_a_failure_that_says_why() -> None:
    summary = CommandRunner(python('print(\'{"_type": "sighting", "url": 5}\')')).run()
    assert summary.status == "failure"
    assert "Expected `str`, got `int`" in summary.messages[0]


def test_an_exit_code_is_an_error_with_the_end_of_stderr() -> None:
    script = "import sys; sys.stderr.write('x' * 200_000 + '\\nno such host\\n'); sys.exit(3)"
    runner = CommandRunner(python(script))
    (error,) = runner
    assert isinstance(error, Error)
    assert error.message.endswith("exited with 3: no such host")
    assert len(error.detail) <= 2_000
    assert runner.summary is not None
    assert (runner.summary.status, runner.summary.exit_code) == ("failure", 3)


def test_the_exit_code_is_known_in_on_cmd_done() -> None:
    codes: list[int | None] = []
    CommandRunner(
        python("raise SystemExit(4)"), hooks={"on_cmd_done": lambda runner: codes.append(runner.exit_code)}
    ).run()
    assert codes == [4]


def test_a_program_that_does_not_exist_is_one_clear_error() -> None:
    summary = CommandRunner(["/nonexistent/tool"]).run()
    assert summary.status == "failure"
    assert "No such file or directory: '/nonexistent/tool'" in summary.messages[0]


@pytest.mark.skipif(sys.platform != "linux", reason="no other kernel can be told so of another process")
def test_a_program_gets_no_more_memory_than_it_may_have() -> None:
    script = (
        "import resource, time\n"
        "while resource.getrlimit(resource.RLIMIT_DATA)[0] != 200 << 20: time.sleep(0.01)\n"
        "len(bytearray(50 << 20)); print('fifty', flush=True); bytearray(300 << 20)"
    )
    runner = PrintsLines(python(script), memory=200 << 20)
    assert runner.run().messages[0].endswith("exited with 1: MemoryError")
    assert runner.lines == ["fifty"]


@pytest.mark.parametrize("argv", ["ls -l", []])
def test_an_argument_list_is_a_list(argv: list[str]) -> None:
    with pytest.raises(Invalid, match="argv is a list"):
        CommandRunner(argv)


def test_arguments_never_meet_a_shell(tmp_path: Path) -> None:
    trace = Trace()
    hostile = f"$(touch {tmp_path}/made); `touch {tmp_path}/made`"
    CommandRunner([*python("import sys; print(sys.argv[1])"), hostile], hooks=trace.table()).run()
    assert trace.of("on_line") == [hostile]
    assert list(tmp_path.iterdir()) == []


def test_endless_lines_are_cut_and_a_warning_says_so() -> None:
    trace = Trace()
    script = "import sys; w = sys.stdout.write; [w('x' * 65_536) for _ in range(200)]; w('\\nnext\\n')"
    runner = CommandRunner(python(script), hooks=trace.table(), max_line=1_000)
    warnings = [item for item in runner if isinstance(item, Warning_)]
    assert [len(line) for line in trace.of("on_line")] == [1_000, 4]
    assert "1 line(s)" in warnings[0].message


def test_output_without_a_last_newline_and_with_bad_utf8_is_read() -> None:
    trace = Trace()
    script = r"import sys; sys.stdout.buffer.write(b'caf\xe9\r\nlast')"
    CommandRunner(python(script), hooks=trace.table()).run()
    assert trace.of("on_line") == ["caf\ufffd", "last"]


def test_a_slow_reader_holds_the_program_back_and_loses_nothing() -> None:
    """More lines than are kept waiting: the pipe fills, the program waits, memory does not grow."""
    script = 'for n in range(20_000): print(\'{"url": "%d"}\' % n)'
    runner = PrintsJson(python(script))
    count = 0
    for item in runner:
        count += isinstance(item, Sighting)
        if count == 1:
            time.sleep(0.2)
    assert count == 20_000


def test_a_timeout_ends_the_program_and_everything_it_started(tmp_path: Path) -> None:
    """Also a child of the child, and one that ignores what it is asked."""
    pids = tmp_path / "pids"
    ignore = "import signal, time; [signal.signal(s, signal.SIG_IGN) for s in (2, 15)]; time.sleep(3600)"
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {ignore!r}])\n"
        f"open({str(pids)!r}, 'w').write(str(child.pid)); print('ready', flush=True)\n"
        "time.sleep(3600)"
    )
    runner = CommandRunner(python(script), timeout=1.5)
    errors = [item for item in runner if isinstance(item, Error)]
    assert errors[0].message.endswith("was ended after 1.5 seconds (timeout)")
    assert ends(int(pids.read_text()))


def test_a_program_is_asked_by_sigint_and_sigterm_before_it_is_killed(tmp_path: Path) -> None:
    """By SIGINT first: on it nuclei writes down how far it has come."""
    heard = tmp_path / "heard"
    script = (
        "import signal, time\n"
        f"note = lambda number, _: open({str(heard)!r}, 'a').write(signal.Signals(number).name + ' ')\n"
        "signal.signal(signal.SIGINT, note); signal.signal(signal.SIGTERM, note)\n"
        'print(\'{"url": "ready"}\', flush=True)\n'
        "while True: time.sleep(0.1)"
    )
    runner = PrintsJson(python(script))
    runner.patience = 0.5
    for _ in runner:
        break
    assert heard.read_text().split() == ["SIGINT", "SIGTERM"]
    assert runner.exit_code == -signal.SIGKILL


def ends(pid: int) -> bool:
    """Whether a process is gone in good time; a zombie only waits to be collected."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
        if not state.strip() or state.startswith("Z"):
            return True
        time.sleep(0.05)
    return False


def test_leaving_early_ends_the_program() -> None:
    script = 'import os, time; print(\'{"url": "%d"}\' % os.getpid(), flush=True); time.sleep(3600)'
    for item in PrintsJson(python(script)):
        assert isinstance(item, Sighting)
        pid = int(item.url)
        break
    assert ends(pid)


def test_a_daemon_that_keeps_the_output_open_does_not_keep_the_run() -> None:
    """It escaped the process group; the run ends soon after the program itself has exited."""
    script = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid(); time.sleep(40); os._exit(0)\n"
        'print(\'{"url": "done"}\', flush=True); os._exit(0)'
    )
    began = time.monotonic()
    assert [item.url for item in PrintsJson(python(script)) if isinstance(item, Sighting)] == ["done"]
    assert time.monotonic() - began < 35, "the daemon still sleeps"


def test_the_program_gets_no_input_and_the_given_environment() -> None:
    trace = Trace()
    script = "import os, sys; print(repr(sys.stdin.read()), sorted(set(os.environ) - {'LC_CTYPE'}))"
    env = {"ONLY": "this"}
    CommandRunner(python(script), hooks=trace.table(), env=env).run()
    assert trace.of("on_line") == ["'' ['ONLY']"]
    assert "ONLY" not in os.environ
