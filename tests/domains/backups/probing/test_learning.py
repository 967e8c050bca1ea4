"""Unknown devices are asked harmless questions until they are recognised, or drafted from what was heard."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery import app
from rookery.base.config import Backups, Config, Database
from rookery.demo.fleet import Behaviour, Script, SimulatedDevice, load_script
from rookery.demo.fleet.telnet import TelnetDevice
from rookery.domains.backups.preparing import Stranger
from rookery.domains.backups.probing import service
from rookery.domains.backups.probing.learning import PAGING, READS
from rookery.domains.credentials import service as credentials
from rookery.domains.devices import service as devices
from rookery.domains.devices.platform import platform_from
from rookery.mechanisms.transport.terminal.errors import LoginFailed
from tests.beside import beside
from tests.conftest import Call
from tests.domains.backups.conftest import PASSWORD, fleet, ios

RECORDED = Path(__file__).parents[3] / "recorded-sessions"
SIMULATED = Path(__file__).parents[3] / "domains/devices/sessions"
REFUSAL = "% Invalid input detected at '^' marker."
PROMPT = "\n(lab 1) lab-1> "
ACME = Script(
    f"Welcome to lab-1>{PROMPT}",
    (
        ("show version\n", "show version\nAcme OS\nVersion: 7.2\n<space> for page 2 of 2, q to quit"),
        (" ", f"\r                                  \rSerial Number: 12-34{PROMPT}"),
        ("terminal pager 0\n", f"terminal pager 0{PROMPT}"),
        ("exit\n", "exit\n"),
    ),
)
"""Of a kind that nobody knows."""


@pytest.fixture
def patient(sqlite_url: str, data_dir: Path) -> Iterator[app.Rook]:
    """A Rook that waits four seconds for a device to say something."""
    patience = Backups(command_timeout=4)
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url), backups=patience)
    with app.open(config=config, actor="tester") as rook:
        yield rook


def simulated(script: Script) -> SimulatedDevice:
    return SimulatedDevice(script, Behaviour(password=PASSWORD, refusal=REFUSAL))


def stranger(one: SimulatedDevice, password: str = PASSWORD) -> Stranger:
    return Stranger("127.0.0.1", "admin", password, one.port)


def test_a_device_of_a_known_kind_is_recognised_by_its_first_answer(call: Call) -> None:
    with fleet([one := simulated(ios())]):
        learnt = call(service.learn, stranger(one))
    assert (learnt.prompt, learnt.asked) == ("r1#", ["show version"])
    assert learnt.likenesses[0].platform == "ios"
    assert tomllib.loads(learnt.draft)["like"] == "ios"


def test_one_of_the_inventory_is_logged_in_on_as_for_a_backup(call: Call) -> None:
    with fleet([one := simulated(ios())]):
        call(credentials.create, "lab", "admin", password=PASSWORD)
        call(devices.create, "r1", "127.0.0.1", "linux", port=one.port)
        assert call(service.learn, "r1").likenesses[0].platform == "ios"


@pytest.mark.parametrize(
    ("path", "platform"),
    [
        (RECORDED / "h3c#5130-48G_7.1.070#simulation.yaml", "comware"),
        (RECORDED / "fortigate#FortiGate-91G_7.4.7#simulation.yaml", "fortios"),
        (RECORDED / "vyos#Supermicro_1.4.3#simulation.yaml", "vyos"),
        (SIMULATED / "screenos.yaml", "screenos"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_was_recorded_of_devices_is_recognised(patient: app.Rook, path: Path, platform: str) -> None:
    with fleet([one := simulated(load_script(path))]):
        learnt = service.learn(patient, stranger(one))
    assert learnt.likenesses[0].platform == platform


def test_of_one_of_an_unknown_kind_prompt_pager_and_refusal_are_found_out(patient: app.Rook) -> None:
    with fleet([one := simulated(ACME)]):
        learnt = service.learn(patient, stranger(one))
    platform = platform_from("lab", tomllib.loads(learnt.draft), "a draft")
    assert learnt.likenesses == []
    assert platform.dialect.prompts.fullmatch("(lab 1) lab-1> ")
    assert platform.dialect.setup == ("terminal pager 0",)
    assert [each.when for each in platform.dialect.pagers] == [r"<space> for page \d+ of \d+, q to quit"]
    assert platform.dialect.errors == ("^% Invalid input detected at",)
    assert [(facts.command, facts.serial is not None) for facts in platform.facts] == [("show version", True)]


def test_the_draft_of_an_unknown_kind_is_good_for_a_trial(patient: app.Rook, data_dir: Path) -> None:
    shown = ("show running-config\n", f"show running-config\nname lab-1\nport 1{PROMPT}")
    with fleet([one := simulated(Script(ACME.greeting, (shown, *ACME.exchanges)))]):
        devices.add_platform(patient, "lab", service.learn(patient, stranger(one)).draft)
        trial = service.try_platform(patient, "lab", stranger(one))
    assert trial.is_right
    assert [step.phase for step in trial.steps if step.verdict == "doubtful"] == ["end", "secrets"]


def test_nothing_is_sent_but_harmless_questions(patient: app.Rook) -> None:
    with fleet([one := simulated(ACME)]):
        service.learn(patient, stranger(one))
    assert set(one.heard) <= {"", "exit", *READS, *PAGING}
    harmless = ("show ", "display ", "get ", "cat ", "uname ", "software show", 'vtysh -c "show', "/info/")
    other = [command for command in READS if not command.startswith(harmless)]
    assert [command.split()[0] for command in other] == ["/system", "mca-cli-op", "opnsense-version"]
    assert not [command for command in PAGING if "config" in command]
    assert [command for command in (*READS, *PAGING) if " " not in command] == ["/info/sys/general"]


def test_a_device_without_a_shell_is_asked_on_channels_of_their_own(patient: app.Rook) -> None:
    path = RECORDED / "routeros#CHR_7.16#simulation.yaml"
    with fleet([one := simulated(load_script(path))]):
        learnt = service.learn(patient, stranger(one))
    assert (learnt.prompt, learnt.likenesses[0].platform) == ("", "routeros")


def test_names_and_passwords_are_given_to_who_asks_in_line(patient: app.Rook) -> None:
    credentials.create(patient, "lab", "admin", password=PASSWORD)
    one = simulated(ios())
    with beside(TelnetDevice(one)):
        devices.create(patient, "r1", "127.0.0.1", "ios", port=one.port, transport="telnet")
        assert service.learn(patient, "r1").likenesses[0].platform == "ios"


def test_a_refused_login_is_no_device_to_learn_from(call: Call) -> None:
    with fleet([one := simulated(ios())]), pytest.raises(LoginFailed):
        call(service.learn, stranger(one, "no such password"))


def test_one_that_says_nothing_is_not_asked_for_ever(sqlite_url: str, data_dir: Path) -> None:
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url), backups=Backups(command_timeout=2))
    one = SimulatedDevice(Script(PROMPT, ()), Behaviour(password=PASSWORD))
    with app.open(config=config) as rook, fleet([one]):
        learnt = service.learn(rook, stranger(one))
    assert (len(learnt.asked), learnt.likenesses) == (4, [])
    assert tomllib.loads(learnt.draft)["dialect"]["setup"] == []


def test_of_one_that_breaks_off_what_was_heard_until_then_is_told(patient: app.Rook) -> None:
    one = SimulatedDevice(ACME, Behaviour(password=PASSWORD, refusal=REFUSAL, closes_after="show version"))
    with fleet([one]):
        learnt = service.learn(patient, stranger(one))
    assert "closed the connection" in learnt.broken_off
    assert tomllib.loads(learnt.draft)["dialect"]["prompt"]
