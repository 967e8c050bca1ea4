"""RANCID as Debian packages it, on the simulated devices: the whole of `rancid-run`, all processes it starts.

It asks what it asks any Cisco device: some 80 commands, of which these devices know two. Measured is a run in
which it knows the devices, and nothing has changed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

PROGRAMS = Path("/usr/lib/rancid/bin")
GROUP = "bench"

CONFIGURATION = """\
BASEDIR={home}; export BASEDIR
CVSROOT=$BASEDIR/git; export CVSROOT
LOGDIR=$BASEDIR/logs; export LOGDIR
RCSSYS=git; export RCSSYS
PERL5LIB=/usr/share/perl5/rancid; export PERL5LIB
SENDMAIL=true; export SENDMAIL
LIST_OF_GROUPS={group}; export LIST_OF_GROUPS
PAR_COUNT={concurrency}; export PAR_COUNT
"""

CLOGINRC = """\
add user * admin
add password * admin admin
add autoenable * 1
add method * ssh
add sshcmd * {{{{ssh -F {home}/ssh_config}}}}
"""

SSH_CONFIG = """\
HostName 127.0.0.1
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
"""


def is_installed() -> bool:
    """Whether there is one to compare with."""
    return (PROGRAMS / "rancid-run").exists()


class Rancid:
    """A group of devices in a folder of its own, which it knows after the first run."""

    def __init__(self, home: Path, ports: list[str], concurrency: int) -> None:
        self._home = home
        self._names = [f"r{number}" for number in range(len(ports))]
        (self._home / "logs").mkdir()
        settings = {"home": home, "group": GROUP, "concurrency": concurrency}
        self._write("rancid.conf", CONFIGURATION.format(**settings))
        self._write(".cloginrc", CLOGINRC.format(home=home))
        hosts = [f"Host {name}\nPort {port}\n" for name, port in zip(self._names, ports, strict=True)]
        self._write("ssh_config", f"{''.join(hosts)}Host *\n{SSH_CONFIG}")
        self._start("rancid-cvs")
        self._write(f"{GROUP}/router.db", "".join(f"{name};cisco;up\n" for name in self._names))

    def run(self) -> dict[str, float]:
        """CPU milliseconds per device, and how many devices failed."""
        began, cpu = time.time(), _cpu_of_children()
        self._start("rancid-run")
        spent = _cpu_of_children() - cpu
        failed = sum(not self._has_come(name, began) for name in self._names)
        return {"cpu": spent / len(self._names) * 1000, "failed": failed}

    def _has_come(self, name: str, began: float) -> bool:
        kept = self._home / GROUP / "configs" / name
        return kept.stat().st_mtime > began and f"hostname {name}\n" in kept.read_text()

    def _write(self, name: str, text: str) -> None:
        path = self._home / name
        path.write_text(text)
        path.chmod(0o600)

    def _start(self, program: str) -> None:
        environment = {
            "HOME": str(self._home), "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TERM": "network",
            "GIT_AUTHOR_NAME": GROUP, "GIT_COMMITTER_NAME": GROUP, "EMAIL": "bench@localhost",
        }  # fmt: skip
        command: list[str | Path] = [PROGRAMS / program, "-f", self._home / "rancid.conf", GROUP]
        subprocess.run(command, env=environment, check=True, capture_output=True)


def _cpu_of_children() -> float:
    """Of all that have ended, and theirs."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
