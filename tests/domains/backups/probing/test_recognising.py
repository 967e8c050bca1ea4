"""Devices of all shipped platforms are recognised by what was recorded or simulated of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.demo.fleet import load_script
from rookery.domains.backups.probing.hearing import Transcript, answer, last_line, shown
from rookery.domains.backups.probing.learning import READS
from rookery.domains.backups.probing.recognising import Likeness, is_certain, likenesses
from rookery.domains.devices.library import Library

TESTS = Path(__file__).parents[3]
RECORDED = sorted((TESTS / "recorded-sessions").glob("*simulation.yaml"))
SIMULATED = sorted((TESTS / "domains/devices/sessions").glob("*.yaml"))
KNOWN = list(Library().all())
HARD = {"airos", "alcatel_aos6", "aruba_instant", "brocade_fos", "lancom_lcos", "linux", "pfsense"}
"""They have the same versions and words as others, or only answer to single words."""


def kind(path: Path) -> str:
    return Library().get(path.name.partition("#")[0].removesuffix(".yaml")).name


def heard(path: Path) -> Transcript:
    """What such a device answers to those of our questions that its session has."""
    script = load_script(path)
    raw: dict[str, bytes] = {}
    last = ""
    for sent, said in script.exchanges:
        last = sent.strip() or last  # a blank turns a page of the answer before
        if last in READS:
            raw[last] = raw.get(last, b"") + said.encode()
    prompts = [last_line(said) for said in raw.values()] if script.greeting is not None else []
    answers = {asked: answer(said, asked) for asked, said in raw.items()}
    if not prompts:
        answers = {asked: shown(said) for asked, said in raw.items()}
    return Transcript(script.greeting or "", prompts[-1] if prompts else "", answers)


@pytest.mark.parametrize("path", RECORDED, ids=kind)
def test_what_real_devices_said_is_recognised(path: Path) -> None:
    found = likenesses(heard(path), KNOWN)
    assert found[0].platform == kind(path)


@pytest.mark.parametrize("path", [path for path in SIMULATED if kind(path) not in HARD], ids=kind)
def test_what_simulated_ones_say_is_recognised(path: Path) -> None:
    found = likenesses(heard(path), KNOWN)
    assert found[0].platform == kind(path)


def test_nearly_all_platforms_are_recognised() -> None:
    assert len(HARD) <= len(KNOWN) / 10
    assert {kind(path) for path in SIMULATED} >= HARD


def test_it_is_said_why() -> None:
    path = next(path for path in RECORDED if kind(path) == "ios")
    first = likenesses(heard(path), KNOWN)[0]
    assert first.reasons == (
        "it says Cisco, IOS, IOS-XE",
        "'show version' tells hostname, model, serial, version",
        "its prompt fits",
    )


def test_nothing_known_is_like_a_device_that_says_nothing_known() -> None:
    said = Transcript("Welcome", "lab-1> ", {"show version": "Acme OS 7\nserial 12\n"})
    assert likenesses(said, KNOWN) == []


def test_what_is_refused_is_no_evidence() -> None:
    said = Transcript("", "lab-1> ", {"show version": "% Unknown: Cisco IOS IOS-XE NX-OS MikroTik RouterOS"})
    assert likenesses(said, KNOWN) == []


def test_one_that_another_comes_near_is_not_certain() -> None:
    near = [Likeness("a", "A", 9.0, ()), Likeness("b", "B", 8.0, ())]
    assert not is_certain(near)
    assert is_certain(near[:1])
    assert is_certain([near[0], Likeness("b", "B", 8.0, (), like="a")])
    assert not is_certain([Likeness("a", "A", 4.0, ())])
    assert not is_certain([])
