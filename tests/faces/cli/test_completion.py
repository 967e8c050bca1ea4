"""Completion scripts that shells accept, and the answers they ask for."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from .conftest import Cli


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_for_this_program(cli: Cli, shell: str) -> None:
    result = cli("completion", shell)
    assert result.returncode == 0
    assert "_ROOKERY_COMPLETE" in result.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this system")
def test_bash_reads_the_script(cli: Cli) -> None:
    assert subprocess.run(["bash", "-n"], input=cli("completion", "bash").stdout, text=True).returncode == 0


def test_the_answer_to_a_shell_is_the_names_that_fit(cli: Cli) -> None:
    question = {"_ROOKERY_COMPLETE": "bash_complete", "COMP_WORDS": "rookery se", "COMP_CWORD": "1"}
    assert cli(env=question).stdout == "plain,settings\n"
