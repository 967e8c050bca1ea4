"""A terminal for a command to write to."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

from tests.patience import PATIENCE


def on_a_terminal(arguments: list[str], env: dict[str, str], columns: int = 80) -> str:
    """What a process writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "rookery", *arguments]
    process = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    chunks = []
    try:
        while chunk := os.read(ours, 65536):
            chunks.append(chunk)
    except OSError:  # Linux says so when the other end has closed
        pass
    process.wait(timeout=PATIENCE)
    os.close(ours)
    return b"".join(chunks).decode()
