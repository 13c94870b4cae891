"""Workers of a whole run compile the tests together, before each of them collects them all.

pytest rewrites the assertions of a module that is imported for the first time, and keeps the outcome in a file. In a
fresh clone every worker would do so with every module, all at the same time: seven seconds of a processor each.
"""

from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def import_share(config: pytest.Config) -> None:
    """Of n workers each imports every n-th module. What cannot be imported, collection tells."""
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args != config.getini("testpaths"):
        return
    without = [ROOT / folder for folder in config.getoption("ignore") or []]
    files = [
        file.relative_to(ROOT).with_suffix("")
        for file in sorted(ROOT.glob("tests/**/test_*.py"))
        if not any(file.is_relative_to(folder) for folder in without)
    ]
    for file in files[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(file.parts))
