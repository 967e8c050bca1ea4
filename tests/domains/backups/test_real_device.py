"""A real router, FRR behind OpenSSH: what it shows is backed up, and what is changed on it is seen."""

from __future__ import annotations

import pytest

from rookery.app import Rook
from rookery.domains.backups import reading, service
from rookery.domains.credentials import service as credentials
from rookery.domains.devices import service as devices
from rookery.domains.devices import store as inventory
from rookery.mechanisms.transport.terminal.errors import DeviceHungUp, EnableFailed, LoginFailed
from tests.conftest import Call
from tests.domains.backups.conftest import PASSWORD
from tests.realrouter import NEIGHBOR_PASSWORD, Account, Router, real_router


def describe(rook: Rook, router: Router) -> None:
    """It is edge, and takes a key."""
    rook.credentials.create("lab", router.username, private_key=router.private_key)
    rook.devices.create("edge", "127.0.0.1", "frr", port=router.port)


def test_a_change_on_a_real_router_is_a_version_and_nothing_else_is(call: Call) -> None:
    with real_router() as router:
        call(credentials.create, "lab", router.username, private_key=router.private_key)
        call(devices.create, "edge", "127.0.0.1", "frr", port=router.port)
        assert call(service.capture, "edge").version == 1
        router.configure("router bgp 65000", "neighbor 192.0.2.1 description to the core")
        assert call(service.capture, "edge").version == 2
        again = call(service.capture, "edge")
        assert (again.status, again.version) == ("unchanged", 2)
        _, version, *_ = router.say("show version").split()
    [hunk] = call(reading.compare, "edge").difference.hunks()
    assert [(line.kind, line.text) for line in hunk.lines if line.kind != "same"] == [
        ("added", " neighbor 192.0.2.1 description to the core")
    ]
    assert hunk.section == "router bgp 65000"
    assert call(inventory.get, "edge").version == version


@pytest.mark.parametrize("account", ["vtysh", "bash"])
def test_all_of_a_real_router_is_kept_whichever_shell_an_account_has(
    sqlite_rook: Rook, account: Account
) -> None:
    with real_router(account) as router:
        describe(sqlite_rook, router)
        sqlite_rook.backups.capture("edge")
        _, _, configuration = router.say("show running-config").partition("Current configuration:\n")
    assert NEIGHBOR_PASSWORD in configuration
    assert NEIGHBOR_PASSWORD not in sqlite_rook.backups.text("edge")
    assert sqlite_rook.backups.reveal("edge", "to compare it") == configuration


def test_a_real_sshd_takes_a_password_and_the_next_one_when_it_refuses_the_first(sqlite_rook: Rook) -> None:
    with real_router(password=PASSWORD) as router:
        sqlite_rook.devices.create("edge", "127.0.0.1", "frr", port=router.port)
        sqlite_rook.credentials.create("old", router.username, password="harbour light 6", priority=1)
        with pytest.raises(LoginFailed, match="It takes none of old"):
            sqlite_rook.backups.capture("edge")
        sqlite_rook.credentials.create("new", router.username, password=PASSWORD, priority=2)
        assert sqlite_rook.backups.capture("edge").version == 1
    uses = {each.name: (each.success_count, each.failure_count) for each in sqlite_rook.credentials.list()}
    assert uses == {"old": (0, 2), "new": (1, 0)}


@pytest.mark.parametrize(("account", "error"), [("vtysh", DeviceHungUp), ("bash", EnableFailed)])
def test_a_real_router_whose_daemons_are_down_is_said_to_be_so(
    sqlite_rook: Rook, account: Account, error: type[Exception]
) -> None:
    with real_router(account) as router:
        describe(sqlite_rook, router)
        router.daemon.terminate()
        router.daemon.wait()
        with pytest.raises(error, match="failed to connect to any daemons"):
            sqlite_rook.backups.capture("edge")
