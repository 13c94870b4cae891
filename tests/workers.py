"""Hooks that make full runs cheap: pytest's own work around twelve thousand tests takes time, too."""

import gc
from collections.abc import Generator
from typing import Any, Final

import pytest
from _pytest.runner import runtestprotocol

from tests.compiling import import_share

# Thresholds of the garbage collector: its defaults cost a twelfth of a worker's time to free memory that is not needed.
# The rest is collected at the end, with its warnings.
SELDOM: Final = (10_000, 20, 20)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, Any, Any]:
    """Collected tests live as long as the process, so the garbage collector is kept from scanning them."""
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
    """Makes a worker send one report for a test that passed: none for its start, set-up and teardown."""
    if not hasattr(item.config, "workerinput") or item.config.getoption("durations") is not None:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_report_to_serializable(report: object) -> dict[str, Any] | None:
    """Shortens the report of a test that passed.

    The other fields of a report, such as keywords and captured output, matter only for failures.
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
    """Turns the garbage collector off while a failure is reported, when pytest parses source files.

    In Python 3.11 a parser that is interrupted by a finalizer that parses, too (asyncio logs an
    exception that was never retrieved, as playwright leaves them, and a traceback parses its lines)
    fails with "AST constructor recursion depth mismatch": https://github.com/python/cpython/issues/106905
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
