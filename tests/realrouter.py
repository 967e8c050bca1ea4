"""A real router on loopback: FRR's bgpd and vtysh behind OpenSSH, as whoever runs the tests.

bgpd needs no privileges as long as it neither listens nor talks to the kernel. What FRR and sshd this machine
has running, and what the user's home keeps of them, is not touched.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import asyncssh

from tests import servers
from tests.patience import wait_for

Account = Literal["vtysh", "bash"]
"""What an account has for its shell."""

FOLDERS = ("/usr/lib/frr", "/usr/libexec/frr", "/usr/sbin", "/usr/local/sbin")
"""Where daemons are, which few have in their PATH."""

PRIVATE = ("--skip_runas", "--no_zebra", "--no_kernel", "--bgp_port", "0", "--vty_port", "0")
"""How a bgpd runs that neither has privileges nor disturbs anybody."""

SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {home}/host_key
AuthorizedKeysFile {home}/user_key.pub
ForceCommand {shell}
PidFile none
PasswordAuthentication {takes_password}
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
"""

SEEN = 'mount --bind "$1" /etc/shadow && shift && exec "$@"'
"""In a mount namespace of its own a process sees the file there, and nobody else does."""

NEIGHBOR_PASSWORD = "harbour-light-7"
CONFIGURATION = (
    "router bgp 65000",
    "neighbor 192.0.2.1 remote-as 65001",
    f"neighbor 192.0.2.1 password {NEIGHBOR_PASSWORD}",
)


class Router(NamedTuple):
    """A router that runs, and how to log in on it. `daemon` is what vtysh talks to."""

    port: int
    username: str
    private_key: str
    vtysh: Path
    daemon: subprocess.Popen[bytes]

    def configure(self, *lines: str) -> None:
        """Change its configuration, as somebody at its console does."""
        self.say("configure terminal", *lines)

    def say(self, *commands: str) -> str:
        """What vtysh answers."""
        words = [word for each in commands for word in ("-c", each)]
        return subprocess.run([self.vtysh, *words], check=True, capture_output=True, text=True).stdout


@contextmanager
def real_router(account: Account = "vtysh", *, password: str = "") -> Iterator[Router]:
    """A router of the test's own, configured, which takes a key, and a password if there is to be one.

    Skips where FRR or OpenSSH cannot be had.
    """
    try:
        username, programs = _username(), {name: _program(name) for name in ("bgpd", "vtysh", "sshd")}
    except servers.NoServer as error:
        servers.skip(f"frr: {error}")
    # Not pytest's folder: the path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="frr-") as folder, ExitStack() as running:
        home, port = Path(folder), servers.free_port()
        vtysh = _vtysh(home, programs["vtysh"])
        shell = vtysh if account == "vtysh" else _bash(home)
        settings = {"port": port, "home": home, "takes_password": "yes" if password else "no"}
        (home / "sshd_config").write_text(SSHD.format(shell=shell, **settings))
        private_key = _keys(home)
        daemon = running.enter_context(_bgpd(home, programs["bgpd"], vtysh))
        prefix = _with_password(home, username, password) if password else []
        running.enter_context(_sshd(home, [*prefix, programs["sshd"]], port))
        router = Router(port, username, private_key, vtysh, daemon)
        router.configure(*CONFIGURATION)
        yield router


def _username() -> str:
    """Of whoever runs the tests: nobody else can log in on a private sshd."""
    try:
        account = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise servers.NoServer("whoever runs the tests has no account to log in on") from None
    if Path(account.pw_shell).name in {"nologin", "false"}:
        raise servers.NoServer(f"{account.pw_name} may not log in")
    if account.pw_uid != 0 and not _terminals_are_ttys():
        raise servers.NoServer("only root's sshd can give a terminal to the group tty")
    return account.pw_name


def _terminals_are_ttys() -> bool:
    """Whether a new terminal belongs to the group tty from the start, as sshd will have it."""
    ours, theirs = os.openpty()
    try:
        return os.fstat(theirs).st_gid == grp.getgrnam("tty").gr_gid
    except KeyError:
        return True  # without such a group sshd does not mind
    finally:
        os.close(ours)
        os.close(theirs)


def _program(name: str) -> str:
    if found := shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), *FOLDERS))):
        return found
    raise servers.NoServer(f"there is no {name}: FRR and OpenSSH's server are not both installed")


def _vtysh(home: Path, program: str) -> Path:
    """A vtysh that knows this router alone."""
    (home / "vtysh.conf").touch()
    return _script(
        home / "vtysh", f'{program} --vty_socket {home} --config_dir {home} --histfile /dev/null "$@"'
    )


def _bash(home: Path) -> Path:
    """A shell in which `vtysh` is the one of this router, and whose prompt is Debian's."""
    settings = rf"PATH={home}:$PATH PS1='\u@\h:\w\$ ' HISTFILE="
    return _script(home / "shell", f"env {settings} bash --noprofile --norc -i")


def _script(path: Path, command: str) -> Path:
    path.write_text(f"#!/bin/sh\nexec {command}\n")
    path.chmod(0o755)
    return path


def _keys(home: Path) -> str:
    """The private key of the user, whose public one stands beside it, as that of the host does."""
    for name in ("host_key", "user_key"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(home / name)
        (home / name).chmod(0o600)
        key.write_public_key(home / f"{name}.pub")
    return (home / "user_key").read_text()


@contextmanager
def _bgpd(home: Path, program: str, vtysh: Path) -> Iterator[subprocess.Popen[bytes]]:
    (home / "bgpd.conf").touch()
    command: list[str | Path] = [
        program, *PRIVATE, "--vty_socket", home,
        "--pid_file", home / "bgpd.pid", "--config_file", home / "bgpd.conf",
    ]  # fmt: skip
    with _process(home, command) as daemon:
        _wait_until_up(home, daemon, lambda: _answers(vtysh))
        yield daemon


def _answers(vtysh: Path) -> bool:
    return subprocess.run([vtysh, "-c", "show version"], capture_output=True).returncode == 0


def _with_password(home: Path, username: str, password: str) -> list[str | Path]:
    """What to begin a command with, so that the account has this password for that command alone."""
    if os.geteuid() != 0:
        servers.skip("frr: only root can show an sshd other passwords than those of the system")
    said = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True
    )
    (home / "shadow").write_text(f"{username}:{said.stdout.strip()}:19000:0:99999:7:::\n")
    (home / "shadow").chmod(0o600)
    return ["unshare", "--mount", "sh", "-c", SEEN, "sh", home / "shadow"]


@contextmanager
def _sshd(home: Path, program: Sequence[str | Path], port: int) -> Iterator[None]:
    if os.geteuid() == 0:  # then it wants this folder, which only Debian's start script makes
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with _process(home, [*program, "-D", "-e", "-f", home / "sshd_config"]) as server:
        _wait_until_up(home, server, lambda: _listens(port))
        yield


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _process(home: Path, command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    with (home / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.terminate()


def _wait_until_up(home: Path, process: subprocess.Popen[bytes], is_up: Callable[[], bool]) -> None:
    """Skips where it cannot be."""
    wait_for(lambda: is_up() or process.poll() is not None)
    if process.poll() is not None:
        servers.skip(f"frr: it ended at once: {(home / 'log').read_text()[-300:]}")
