"""Hooks that make whole runs cheap: what pytest does around twelve thousand tests takes its time too."""

import gc
from collections.abc import Generator
from typing import Any, Final

import pytest
from _pytest.runner import runtestprotocol

from tests.compiling import import_share

# Of the collector: as it comes, it takes a twelfth of a worker's time to find what there is memory enough for. All
# that is left at the end is collected then, and warned of.
SELDOM: Final = (10_000, 20, 20)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    """What is collected lives as long as the process: the collector need not look at it again."""
    gc.disable()
    import_share(session.config)
    result = yield from without_garbage_collection()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return (yield from without_garbage_collection())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_exception_interact() -> Generator[None, Any, Any]:
    return (yield from without_garbage_collection())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish() -> Generator[None, Any, Any]:
    return (yield from without_garbage_collection())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A worker tells of a test that passed once: not that it begins, is set up and is torn down too."""
    if not hasattr(item.config, "workerinput") or item.config.getoption("durations") is not None:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_report_to_serializable(report: object) -> dict[str, Any] | None:
    """What passed is told in few words.

    All else that a report holds, the item's keywords and what was printed, is for failures.
    """
    if type(report) is pytest.TestReport and report.passed:
        return {"passed": [str(report.nodeid), report.location, report.when, report.duration]}
    return None


def pytest_report_from_serializable(data: dict[str, Any]) -> pytest.TestReport | None:
    if "passed" not in data:
        return None
    nodeid, location, when, duration = data["passed"]
    return pytest.TestReport(nodeid, location, {}, "passed", None, when, duration=duration)


def without_garbage_collection() -> Generator[None, Any, Any]:
    """Not while a failure is told: pytest parses sources then, for its report.

    In Python 3.11 a parser that is interrupted by a finalizer that parses too (asyncio logs an
    exception that nobody asked for, as playwright leaves them, and a traceback parses its lines)
    fails with "AST constructor recursion depth mismatch": https://github.com/python/cpython/issues/106905
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
