"""Findings to SQLite through secator's own runner and SQLite driver; runs in an environment that has secator.

`python findings_secator.py COUNT FOLDER run|add` prints a Measured as JSON. `run` iterates over a runner, as
its users do; `add` only hands each finding to add_result, the shortest way to the driver. The environment
variable SECATOR_DIRS_DATA must point to an empty folder.
"""
# mypy: ignore-errors
# Its imports are not in our environment, so there is nothing to check it against.

import json
import sqlite3
import sys
from pathlib import Path

from measure import content, measured
from secator.output_types import Url
from secator.runners import PythonRunner


class Finds(PythonRunner):
    """Yields synthetic findings as fast as it can."""

    input_types = []  # noqa: RUF012 - how secator declares them
    output_types = [Url]  # noqa: RUF012

    def yielder(self):
        for number in range(COUNT):
            yield finding(number)


def finding(number):
    fields = content(number)
    return Url(
        url=fields["url"], tags=[fields["severity"]], extra_data={"evidence": fields["evidence"][:150]}
    )


def run():
    for _ in Finds(["127.0.0.1"], context={"drivers": ["sqlite"]}, sync=True):
        pass
    return stored()


def add():
    runner = Finds(["127.0.0.1"], context={"drivers": ["sqlite"]}, sync=True)
    for number in range(COUNT):
        runner.add_result(finding(number), print=False, output=False)
    return stored()


def stored():
    (path,) = FOLDER.rglob("*.db")
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT count(*) FROM findings WHERE type = 'url'").fetchone()[0]


COUNT, FOLDER = int(sys.argv[1]), Path(sys.argv[2])
print(json.dumps(measured({"run": run, "add": add}[sys.argv[3]])))
