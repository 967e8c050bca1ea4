"""`rookery devices`, `credentials`, `backup`, `versions`, `diff`, `config`, `grep`, as people meet them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery.demo.fleet import SimulatedDevice
from tests.domains.backups.conftest import PASSWORD, configuration, device, fleet, ios
from tests.domains.backups.git.conftest import commit
from tests.journeys.conftest import Rookery
from tests.realrouter import real_router
from tests.servers import free_port


@pytest.fixture
def two() -> Iterator[tuple[SimulatedDevice, SimulatedDevice]]:
    """Two devices that run."""
    simulated = device("r1"), device("r2")
    with fleet(simulated):
        yield simulated


def known(rookery: Rookery, simulated: tuple[SimulatedDevice, ...]) -> None:
    assert (
        rookery(
            "credentials", "add", "lab", "-u", "admin", "--password-file", "-", stdin=f"{PASSWORD}\n"
        ).returncode
        == 0
    )
    for number, each in enumerate(simulated, 1):
        added = rookery(
            "devices", "add", f"r{number}", "127.0.0.1", "--platform", "ios", "--port", str(each.port)
        )
        assert added.returncode == 0


def test_a_beginner_is_told_what_to_do_next(rookery: Rookery) -> None:
    assert "rookery devices add r1" in rookery("devices", "list").stderr
    assert "rookery credentials add" in rookery("credentials", "list").stderr
    nobody = rookery("backup")
    assert (nobody.returncode, "Say which" in nobody.stderr) == (2, True)
    assert "Add one: rookery devices add" in rookery("backup", "--all").stderr
    unknown = rookery("backup", "r1")
    assert (unknown.returncode, "There is no device r1" in unknown.stderr) == (5, True)
    assert rookery("versions", "r1").returncode == 5
    assert "perhaps ios" in rookery("devices", "add", "r1", "--platform", "ioss").stderr


def test_a_change_on_a_device_is_found_the_next_time(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice]
) -> None:
    known(rookery, two)
    first = rookery("backup", "--all")
    assert first.returncode == 0
    assert first.stdout == "2 devices: 2 changed\n"
    assert "changed    r1  version 1, +12 -0" in first.stderr
    assert rookery("backup", "--all").stdout == "2 devices: 2 unchanged\n"
    two[0].script = ios(text=configuration(more="ntp server 10.0.0.9\n", secret="$9$new"))
    assert rookery("backup", "--all").stdout == "2 devices: 1 changed, 1 unchanged\n"
    changed = rookery("diff", "r1")
    assert changed.returncode == 1
    assert "+ntp server 10.0.0.9" in changed.stdout
    assert "-enable secret 9 <secret " in changed.stdout
    assert "$9$" not in changed.stdout
    assert rookery("diff", "r2").returncode == 0
    listed = rookery("versions", "r1").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["NO", "2", "1"]
    sides = rookery("diff", "r1", "-y").stdout
    assert max(map(len, sides.splitlines())) <= 80
    assert "^" in sides
    document = json.loads(rookery("diff", "r1", "--json").stdout)
    assert (document["added"], document["removed"], document["new"]["number"]) == (2, 1, 2)


def test_the_line_that_is_changed_on_a_real_router_is_what_the_diff_shows(
    rookery: Rookery, tmp_path: Path
) -> None:
    with real_router() as router:
        (tmp_path / "key").write_text(router.private_key)
        rookery("credentials", "add", "lab", "-u", router.username, "--key-file", "key")
        rookery("devices", "add", "edge", "127.0.0.1", "--platform", "frr", "--port", str(router.port))
        assert rookery("backup", "edge").stdout == "1 device: 1 changed\n"
        router.configure("router bgp 65000", "neighbor 192.0.2.1 description to the core")
        assert rookery("backup", "edge").stdout == "1 device: 1 changed\n"
    _, _, body = rookery("diff", "edge").stdout.partition("@@ router bgp 65000\n")
    changed = [line for line in body.splitlines() if line[0] in "+-"]
    assert changed == ["+ neighbor 192.0.2.1 description to the core"]


def test_configurations_are_printed_searched_and_revealed_on_record(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice]
) -> None:
    known(rookery, two)
    rookery("backup", "--all")
    assert "enable secret 9 <secret " in rookery("config", "r1").stdout
    assert "enable secret 9 $9$abc" in rookery("config", "r1", "--reveal", "to restore it").stdout
    assert "to restore it" in rookery("audit", "list", "--json").stdout
    found = rookery("grep", "^hostname")
    assert found.stdout == "r1:4: hostname r1\nr2:4: hostname r2\n"
    assert rookery("grep", "-l", "hostname r2").stdout == "r2\n"
    assert rookery("grep", "nowhere").returncode == 1
    wrong = rookery("grep", "(")
    assert (wrong.returncode, "no regular expression" in wrong.stderr) == (2, True)


def test_what_fails_is_said_by_cause_and_tried_again_alone(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice], free_port: int
) -> None:
    known(rookery, two)
    rookery("devices", "add", "dead", "127.0.0.1", "--platform", "ios", "--port", str(free_port))
    done = rookery("backup", "--all")
    assert (done.returncode, done.stdout) == (1, "3 devices: 2 changed, 1 failed\n")
    assert "Nothing listens on that port" in done.stderr
    assert "device-refused: 1 (dead)" in done.stderr
    assert "rookery backup --failed" in done.stderr
    assert rookery("backup", "--failed").stdout == "1 device: 1 failed\n"
    assert "failed 20" in rookery("devices", "list").stdout
    reached = rookery("reach", "--json")
    assert (reached.returncode, len(json.loads(reached.stdout)["items"])) == (1, 3)


def test_a_device_is_backed_up_without_an_inventory(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice], tmp_path: Path
) -> None:
    place = ("admin@127.0.0.1", "--platform", "ios", "--port", str(two[0].port), "--password-file", "-")
    shown = rookery("backup", *place, stdin=f"{PASSWORD}\n")
    assert (shown.returncode, "enable secret 9 $9$abc" in shown.stdout) == (0, True)
    kept = rookery("backup", *place, "-o", "r1.conf", stdin=f"{PASSWORD}\n")
    assert "secrets included" in kept.stderr
    assert (tmp_path / "r1.conf").stat().st_mode & 0o077 == 0
    mistyped = rookery("backup", "admin@127.0.0.1", "--platform", "ioss")  # nobody is asked for a password
    assert (mistyped.returncode, "perhaps ios" in mistyped.stderr) == (5, True)
    refused = rookery("backup", *place, stdin="wrong\n")
    assert (refused.returncode, "does not take this login" in refused.stderr) == (1, True)
    assert rookery("devices", "list", "--json").stdout.split() == [
        "{",
        '"items":',
        "[],",
        '"next":',
        "null",
        "}",
    ]


def test_a_backup_is_left_to_a_worker_as_a_task_for_each_device(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice]
) -> None:
    known(rookery, two)
    submitted = rookery("backup", "--all", "--detach")
    assert "rookery worker" in submitted.stderr
    assert rookery("worker", "--drain").returncode == 0
    tasks = json.loads(rookery("tasks", "list", "--json").stdout)["items"]
    assert sorted((task["type"], task["status"]) for task in tasks) == [
        ("backups.capture", "completed"), ("backups.capture", "completed"), ("backups.run", "completed"),
    ]  # fmt: skip
    assert rookery("grep", "-l", "hostname").stdout == "r1\nr2\n"


def test_logins_are_left_to_a_worker_and_those_that_fail_say_why(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice]
) -> None:
    known(rookery, two)
    rookery("devices", "add", "gone", "127.0.0.1", "--platform", "ios", "--port", str(free_port()))
    assert rookery("reach", "--detach", "--credential", "lab").returncode == 2
    assert rookery("reach", "nobody", "--detach").returncode == 5
    assert rookery("backup", "nobody", "--detach").returncode == 5
    assert rookery("reach", "--detach").returncode == 0
    assert rookery("worker", "--drain").returncode == 0
    tasks = json.loads(rookery("tasks", "list", "--type", "backups.reach", "--json").stdout)["items"]
    assert sorted(task["status"] for task in tasks) == ["completed", "completed", "retrying"]
    devices = json.loads(rookery("devices", "list", "--json").stdout)["items"]
    assert {each["name"] for each in devices if each["last_seen"]} == {"r1", "r2"}
    assert {each["last_backup"] for each in devices} == {None}


def test_checks_are_left_to_a_worker_as_a_task_for_each_device(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice]
) -> None:
    known(rookery, two)
    rookery("backup", "--all")
    assert rookery("scan", "device:*", "--severity", "high", "--detach").returncode == 0
    assert rookery("scan", "device:r1", "--severity", "medium", "--detach").returncode == 0
    assert rookery("worker", "--drain").returncode == 0
    tasks = json.loads(rookery("tasks", "list", "--json").stdout)["items"]
    assert sorted((task["type"], task["status"], task["parent_id"] is not None) for task in tasks) == [
        ("scans.check", "completed", False),
        *(("scans.run", "completed", has_parent) for has_parent in (False, True, True)),
    ]


def test_a_list_of_devices_is_looked_at_before_it_is_taken(rookery: Rookery, tmp_path: Path) -> None:
    (tmp_path / "router.db").write_text("r1:10.0.0.1:ios:core\nr2:10.0.0.2:nothing\n")
    looked = rookery("devices", "import", "router.db", "--dry-run")
    assert (looked.returncode, "1 to add, 1 refused" in looked.stderr) == (1, True)
    assert rookery("devices", "import", "router.db").returncode == 2
    assert "1 added" in rookery("devices", "import", "router.db", "--yes").stderr
    assert rookery("devices", "import", "missing.csv").returncode == 2
    assert rookery("devices", "list", "tag:core").stdout.splitlines()[1].split()[:4] == [
        "r1", "10.0.0.1", "ios", "core",
    ]  # fmt: skip
    rookery("devices", "export", "-o", "devices.csv")
    assert "r1,10.0.0.1,22,ios,ssh,core" in (tmp_path / "devices.csv").read_text()
    assert rookery("devices", "remove", "r1").returncode == 2
    assert rookery("devices", "remove", "r1", "--yes").returncode == 0


def test_secrets_of_credentials_are_shown_to_whoever_says_why(rookery: Rookery) -> None:
    rookery("credentials", "add", "lab", "-u", "admin", "--password-file", "-", stdin="hunter22\n")
    assert rookery("credentials", "reveal", "lab").returncode == 2
    assert "hunter22" in rookery("credentials", "reveal", "lab", "--reason", "a test").stdout
    assert "hunter22" not in rookery("credentials", "show", "lab").stdout
    assert rookery("credentials", "rotate-key", "--yes").returncode == 0
    assert "hunter22" in rookery("credentials", "reveal", "lab", "--reason", "a test").stdout
    assert rookery("credentials", "add", "x").returncode == 2
    assert rookery("credentials", "remove", "lab", "--yes").returncode == 0


def test_platforms_are_listed_shown_and_ones_own_are_checked(rookery: Rookery, tmp_path: Path) -> None:
    assert "Cisco IOS" in rookery("platforms", "list").stdout
    assert "show running-config" in rookery("platforms", "show", "cisco_ios").stdout
    folder = tmp_path / "data" / "platforms"
    folder.mkdir(parents=True)
    (folder / "lab.toml").write_text('title = "Lab"\nlike = "ios"\n')
    assert rookery("platforms", "test").stdout == "lab: right (Lab)\n"
    (folder / "lab.toml").write_text('title = "Lab"\n[dialect]\nprompt = "("\n')
    wrong = rookery("platforms", "test", "lab")
    assert (wrong.returncode, "no regular expression" in wrong.stderr) == (1, True)


def test_a_platform_is_tried_on_a_device_phase_by_phase(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice]
) -> None:
    known(rookery, two)
    right = rookery("platforms", "test", "ios", "--on", "r1")
    assert right.returncode == 0
    assert "facts          show version" in right.stdout
    where = f"admin@127.0.0.1:{two[1].port}"
    wrong = rookery(
        "platforms", "test", "fortios", "--on", where, "--password-file", "-", "--json", stdin="no-secret\n"
    )
    steps = json.loads(wrong.stdout)["steps"]
    assert (wrong.returncode, steps[-1]["phase"], steps[-1]["verdict"]) == (1, "login", "wrong")
    assert rookery("platforms", "test", "--on", "r1").returncode == 2


def test_a_platform_is_drafted_from_a_device_and_kept_as_ones_own(
    rookery: Rookery, two: tuple[SimulatedDevice, SimulatedDevice], tmp_path: Path
) -> None:
    known(rookery, two)
    printed = rookery("platforms", "learn", "r1")
    assert (printed.returncode, 'like = "ios"' in printed.stdout) == (0, True)
    assert "ios (Cisco IOS and IOS-XE)" in printed.stderr
    kept = rookery("platforms", "learn", "r1", "--save", "lab")
    assert (kept.stdout, "rookery platforms test lab --on r1" in kept.stderr) == ("", True)
    assert rookery("platforms", "test", "lab", "--on", "r1").returncode == 0
    assert rookery("platforms", "learn", "r1", "--save", "lab").returncode == 6
    assert rookery("platforms", "learn", "r1", "--save", "../lab").returncode == 2
    assert rookery("platforms", "learn", "r1", "-o", "draft.toml").stdout == ""
    assert 'like = "ios"' in (tmp_path / "draft.toml").read_text()
    assert "platform.added" in rookery("audit", "list").stdout


def test_the_services_of_devices_are_scanned_by_a_filter(rookery: Rookery) -> None:
    for name, tag in (("r1", "core"), ("r2", "core"), ("r3", "dmz")):
        rookery(
            "devices",
            "add",
            name,
            "127.0.0.1" if tag == "core" else "192.0.2.9",
            "--platform",
            "ios",
            "--tag",
            tag,
        )
    added = rookery("endpoints", "add", "--devices", "tag:core")
    assert "1 endpoint added" in added.stderr
    assert "127.0.0.1" in rookery("endpoints", "list").stdout
    refused = rookery("scan", "--devices", "tag:dmz")
    assert (refused.returncode, "rookery scope add 192.0.2.9" in refused.stderr) == (3, True)
    nobody = rookery("scan", "--devices", "tag:nothing")
    assert (nobody.returncode, "No enabled device fits" in nobody.stderr) == (2, True)


def test_a_history_is_taken_over_from_git_and_looked_at_as_of_then(rookery: Rookery, tmp_path: Path) -> None:
    kept = tmp_path / "oxidized"
    kept.mkdir()
    commit(kept, 1, r1=configuration(), r9="of nobody\n")
    commit(kept, 3, r1=configuration(more="ntp server 10.0.0.9\n"))
    rookery("devices", "add", "r1", "127.0.0.1", "--platform", "ios")
    looked = rookery("history", "import", "oxidized", "--dry-run")
    assert ("no device has this name" in looked.stdout, rookery("versions", "r1").returncode) == (True, 5)
    assert "Taken over: versions: 2, devices: 1." in rookery("history", "import", "oxidized").stderr
    assert "+ntp server 10.0.0.9" in rookery("diff", "r1").stdout
    assert "ntp" not in rookery("config", "r1", "--at", "2023-01-03").stdout
    assert "ntp" in rookery("config", "r1", "--at", "2023-01-05").stdout
    assert "has versions already" in rookery("history", "import", "oxidized").stdout
