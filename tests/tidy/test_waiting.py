"""No test just sleeps: it waits for a lasting condition (tests/waiting.py), or moves a clock."""

import ast
from collections.abc import Iterator

from tests.tidy.sources import sources

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS = (ast.While, ast.For, ast.AsyncFor)


def pauses(node: ast.AST) -> Iterator[int]:
    """Lines that sleep once. Loops poll, and a test double may take its time."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, *LOOPS)):
            continue
        if isinstance(child, ast.Call) and ast.unparse(child.func) in (
            "asyncio.sleep",
            "time.sleep",
        ):
            (length,) = child.args
            if ast.unparse(length) != "0":
                yield child.lineno
        yield from pauses(child)


def test_no_test_just_sleeps():
    found = [
        f"{source.path}:{line}"
        for source in sources()
        if source.parts[0] == "tests"
        for node in source.tree.body
        if isinstance(node, FUNCTIONS) and node.name.startswith("test_")
        for line in pauses(node)
    ]
    assert found == []


CLOCKS = ("time.thread_time", "time.process_time", "time.perf_counter")
MAY_READ = {"tests/kit/cost.py", "tests/libs/test_lag_and_threads.py"}  # the latter burns CPU time


def test_cpu_and_wall_clocks_are_read_in_one_place():
    """A single clock reading is late now and then, because of the garbage collector or a busy machine."""
    found = {
        source.path.as_posix()
        for source in sources()
        if source.parts[0] == "tests" and any(clock in source.text for clock in CLOCKS)
    }
    assert found - {"tests/tidy/test_waiting.py"} == MAY_READ


MAY_METER = {
    "tests/libs/test_lag_and_threads.py": "tests the meter",
    "tests/services/gateway/test_worst_inputs.py": "takes the best of three",
}


def test_only_listed_tests_use_the_lag_meter():
    """The loop's time includes garbage collection."""
    found = {
        source.path.as_posix()
        for source in sources()
        if source.parts[0] == "tests" and "lag.Meter(" in source.text
    }
    assert found - {"tests/tidy/test_waiting.py"} == set(MAY_METER)


WITH_CONNECTIONS = {
    "tests/conftest.py": "makes databases",
    "tests/kit/connections.py": "serves all other tests",
    "tests/e2e/test_strangers.py": "is refused",
    "tests/stack/test_roles.py": "is refused",
}
WITH_ACTIVITY = {
    "tests/kit/connections.py": "serves all other tests",
    "tests/services/reporting/striking.py": "looks for one server process",
    "tests/services/reporting/test_rebuilding.py": "looks for one program, on a connection of its own",
}


def test_only_listed_files_open_or_watch_database_connections():
    """A connection left open by a failed test fails the next one; and within a transaction `pg_stat_activity`
    does not show connections made after the first query.
    """

    def found(text: str) -> set[str]:
        return {
            source.path.as_posix()
            for source in sources()
            if source.parts[0] == "tests" and text in source.text
        } - {"tests/tidy/test_waiting.py"}

    assert found("asyncpg.connect(") == set(WITH_CONNECTIONS)
    assert found("FROM pg_stat_activity") == set(WITH_ACTIVITY)


def test_browser_pages_are_opened_in_one_place():
    """A browser's default timeouts are too short for a busy machine."""
    found = {
        source.path.as_posix()
        for source in sources()
        if source.parts[0] == "tests"
        and (".new_context(" in source.text or "browser.new_page(" in source.text)
    }
    assert found - {"tests/tidy/test_waiting.py"} == {"tests/browser.py"}
