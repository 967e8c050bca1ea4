"""Programs that are tools: where they are, and what they say of themselves."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PROBE_SECONDS = 30
PASSED_ON = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT")


def located(name: str, configured: str | None) -> tuple[str, str]:
    """The path of a program, and the reason why there is none: the one configured, else the one on PATH."""
    path = shutil.which(configured or name)
    if path:
        return str(Path(path).absolute()), ""
    if configured:
        return "", f"scan.{name}_path is {configured}, which is not a program that can be run"
    return "", f"there is no {name} on PATH; install it, or set scan.{name}_path"


def version_of(argv: Sequence[str], pattern: re.Pattern[str], env: Mapping[str, str]) -> tuple[str, str]:
    """What a program answers when asked for its version, and the reason why it does not answer."""
    try:
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(  # noqa: S603 -- the program that the configuration names, without a shell
                argv,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=dict(env),
                timeout=PROBE_SECONDS,
                check=False,
            )
            said.seek(0)
            text = said.read(64 << 10).decode("utf-8", "replace")
    except OSError as error:
        return "", f"{argv[0]} cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return "", f"{argv[0]} does not say its version within {PROBE_SECONDS} seconds"
    if found := pattern.search(text):
        return found[1], ""
    return "", f"{argv[0]} does not say its version (exit status {done.returncode})"
