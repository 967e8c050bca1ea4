"""A platform on trial: what works and what is wrong with it, seen on simulated devices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery import app
from rookery.base.config import Backups, Config, Database
from rookery.domains.backups import store
from rookery.domains.backups.errors import VersionNotFound
from rookery.domains.backups.preparing import Stranger
from rookery.domains.backups.probing import service
from rookery.domains.backups.probing.service import Trial
from rookery.domains.backups.probing.trial import Step
from rookery.domains.credentials import service as credentials
from rookery.domains.credentials.errors import NoCredential
from rookery.domains.devices import service as devices
from rookery.domains.devices import store as inventory
from rookery.domains.devices.errors import PlatformNotFound
from tests.conftest import Call
from tests.domains.backups.conftest import PASSWORD, configuration, device, fleet

REFUSAL = "% Invalid input detected at '^' marker."


def own(data_dir: Path, text: str) -> None:
    """A platform `lab` of the user's own, like ios but for this."""
    folder = data_dir / "platforms"
    folder.mkdir()
    (folder / "lab.toml").write_text(f'title = "Lab"\nlike = "ios"\n{text}')


@pytest.fixture
def patient(sqlite_url: str, data_dir: Path) -> Iterator[app.Rook]:
    """A Rook that waits four seconds for a device to say something."""
    patience = Backups(command_timeout=4)
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url), backups=patience)
    with app.open(config=config, actor="tester") as rook:
        yield rook


def stranger(port: int, password: str = PASSWORD) -> Stranger:
    return Stranger("127.0.0.1", "admin", password, port)


def wrong(trial: Trial) -> Step:
    """The only step that is wrong."""
    (step,) = [step for step in trial.steps if step.verdict == "wrong"]
    return step


def test_each_phase_is_told_with_what_came_of_it(call: Call) -> None:
    with fleet([one := device()]):
        trial = call(service.try_platform, "cisco_ios", stranger(one.port))
    assert (trial.is_right, trial.platform, trial.device) == (True, "ios", "127.0.0.1")
    assert [(step.phase, step.command, step.detail) for step in trial.steps] == [
        ("connect", "", ""),
        ("login", "", ""),
        ("prompt", "", "'r1#'"),
        ("privileges", "enable", "'r1#'"),
        ("setup", "terminal length 0", ""),
        ("setup", "terminal width 0", ""),
        ("facts", "show version", "hostname r1, model C9200L, serial JAE1, version 17.9.4a"),
        ("configuration", "show running-config", "15 lines"),
        ("end", "", "^end$ was seen"),
        ("noise", "", "1 line left out of comparisons"),
        ("secrets", "", "1 masked"),
    ]


def test_a_device_of_the_inventory_is_logged_in_on_as_for_a_backup_and_nothing_is_stored(call: Call) -> None:
    with fleet([one := device()]):
        call(credentials.create, "lab", "admin", password=PASSWORD)
        call(devices.create, "r1", "127.0.0.1", "linux", port=one.port)
        assert call(service.try_platform, "ios", "r1").is_right
    with pytest.raises(VersionNotFound):
        call(store.versions, "r1")
    assert call(inventory.get, "r1").last_backup is None
    assert call(inventory.host_keys, "127.0.0.1", one.port)


def test_without_a_login_there_is_no_trial(call: Call) -> None:
    call(devices.create, "r1", "127.0.0.1", "ios")
    with pytest.raises(NoCredential):
        call(service.try_platform, "ios", "r1")
    with pytest.raises(PlatformNotFound):
        call(service.try_platform, "nothing-like-it", "r1")


def test_a_login_that_is_refused_is_told_from_a_device_that_is_not_there(
    patient: app.Rook, free_port: int
) -> None:
    with fleet([one := device()]):
        refused = service.try_platform(patient, "ios", stranger(one.port, "no such password"))
    assert [step.phase for step in refused.steps] == ["connect", "login"]
    assert "takes none of admin" in wrong(refused).detail
    away = service.try_platform(patient, "ios", stranger(free_port))
    assert [step.phase for step in away.steps] == ["connect"]
    assert "Nothing listens" in wrong(away).detail


def test_a_prompt_that_is_not_known_is_told_as_it_stands_there(patient: app.Rook, data_dir: Path) -> None:
    own(data_dir, "[dialect]\nprompt = 'lab[0-9]+%'\n")
    with fleet([one := device()]):
        trial = service.try_platform(patient, "lab", stranger(one.port))
    assert [step.phase for step in trial.steps] == ["connect", "login", "prompt"]
    assert "'Welcome\\nr1#'" in wrong(trial).detail


def test_a_command_that_is_refused_keeps_nobody_from_the_others(patient: app.Rook, data_dir: Path) -> None:
    own(data_dir, '[dialect]\nsetup = ["terminal lenght 0"]\n')
    with fleet([one := device(refusal=REFUSAL)]):
        trial = service.try_platform(patient, "lab", stranger(one.port))
    assert (wrong(trial).phase, wrong(trial).command) == ("setup", "terminal lenght 0")
    assert "Invalid input detected" in wrong(trial).detail
    assert trial.steps[-1].detail == "1 masked"


def test_facts_that_are_not_found_are_doubtful(patient: app.Rook, data_dir: Path) -> None:
    own(
        data_dir, "[[facts]]\ncommand = 'show version'\nmodel = 'Model (.*) of'\nversion = 'Version (\\S+)'\n"
    )
    with fleet([one := device()]):
        trial = service.try_platform(patient, "lab", stranger(one.port))
    (facts,) = [step for step in trial.steps if step.phase == "facts"]
    assert (facts.verdict, facts.detail, trial.is_right) == ("doubtful", "version 17.9.4a, no model", True)


def test_a_configuration_without_its_end_is_wrong(patient: app.Rook) -> None:
    with fleet([one := device(text=configuration().removesuffix("end\n"))]):
        trial = service.try_platform(patient, "ios", stranger(one.port))
    assert wrong(trial).phase == "end"


def test_where_it_broke_off_is_told_without_secrets(patient: app.Rook) -> None:
    text = configuration(secret="topsecret77", more="!\n" * 30)
    broken = device(text=text, closes_after="show running-config")
    with fleet([broken]):
        trial = service.try_platform(patient, "ios", stranger(broken.port))
    step = wrong(trial)
    assert (step, step.command) == (trial.steps[-1], "show running-config")
    assert "enable secret 9 ***" in step.seen
    assert "topsecret77" not in repr(trial)
