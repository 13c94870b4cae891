"""In a full run, the workers share the compilation of the tests before each of them collects them all.

pytest rewrites the assertions of a module at its first import, and caches the result in a file. In a fresh clone every
worker would do so for every module, all at the same time: seven seconds of CPU time each.
"""

from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def import_share(config: pytest.Config) -> None:
    """Each of n workers imports every n-th module. Import errors are left for collection to report."""
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
