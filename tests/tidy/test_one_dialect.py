"""There is one way to do each thing: a second one is the beginning of a bug (docs/adr/0028)."""

import ast
from collections.abc import Iterator

from libs.logs import ALLOWED
from tests.tidy.sources import Source, shipped

# Exempt, since it shares no code with what it tests. The operators' command and the stack are not services, and
# run outside of any call.
OUTSIDE = {"sandbox"}
LEVELS = {"debug", "info", "warning", "error", "exception"}  # a logger's methods
SUBSCRIPTS_OF_A_MAPPER = 8  # subscripts of one row in one function


def services() -> list[Source]:
    return [s for s in shipped() if s.service is not None and s.service not in OUTSIDE]


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def called_of(name: str, function: ast.AST) -> set[str]:
    """The functions of module `name` that are called within."""
    return {
        node.func.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == name
    }


def test_no_function_reimplements_idempotency_once():
    """A function that both claims and finishes a key reimplements `idempotency.once`."""
    by_hand = [
        f"{source.path}: {function.name}"
        for source in services()
        for function in functions(source)
        if {"claim", "finish"} <= called_of("idempotency", function)
    ]
    assert by_hand == []


def test_services_do_not_catch_unique_violations_directly():
    """`on_unique_violation` names the constraint; catching the exception itself catches any violation."""
    offenders = [
        str(source.path)
        for source in services()
        if source.uses("libs.db.UniqueViolation") or "UniqueViolationError" in source.text
    ]
    assert offenders == []


def test_services_do_not_map_rows_by_hand():
    def by_hand(function: ast.AST) -> bool:
        found = {
            node.slice.value
            for node in ast.walk(function)
            if isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id == "row"
            and isinstance(node.slice, ast.Constant)
        }
        return len(found) >= SUBSCRIPTS_OF_A_MAPPER

    offenders = [
        f"{source.path}: {function.name}"
        for source in services()
        for function in functions(source)
        if by_hand(function)
    ]
    assert offenders == []


def test_services_do_not_paginate_by_hand():
    def pages_by_hand(source: Source) -> bool:
        return any(
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and "id < $" in node.value
            and "LIMIT" in source.text
            for node in ast.walk(source.tree)
        )

    assert [str(source.path) for source in services() if pages_by_hand(source)] == []


def test_services_do_not_read_the_system_clock():
    def asks(source: Source) -> bool:
        return any(
            isinstance(node, ast.Attribute)
            and node.attr in {"now", "utcnow", "today"}
            and isinstance(node.value, ast.Name)
            and node.value.id in {"datetime", "date"}
            for node in ast.walk(source.tree)
        )

    assert [str(source.path) for source in services() if asks(source)] == []


def advisory_locks(source: Source) -> Iterator[int]:
    """Numbers of advisory locks: constants named LOCK."""
    for node in source.tree.body:
        match node:
            case ast.AnnAssign(
                target=ast.Name(id="LOCK" | "_LOCK"), value=ast.Constant(value=int(number))
            ):
                yield number


def test_advisory_lock_numbers_are_unique():
    """Two locks with the same number wait for each other, although they protect different things."""
    found = [(number, str(s.path)) for s in shipped() for number in advisory_locks(s)]
    numbers = [number for number, _ in found]
    assert len(found) >= 7
    assert [each for each in found if numbers.count(each[0]) > 1] == []


def test_services_do_not_redefine_helpers_of_libs():
    """Services used to have copies of these helpers, and the copies drifted apart."""
    taken = {"opt", "opt_time", "once", "required", "unique", "world_now", "page_of", "timestamp"}
    again = [
        f"{source.path}: {function.name}"
        for source in services()
        for function in functions(source)
        if function.name.strip("_") in taken
    ]
    assert again == []


def test_services_do_not_map_contract_enums_by_hand():
    """A hand-written table of states and numbers should be `wire.numbers` or `wire.members`."""

    def is_member(node: ast.expr) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr.isupper()
            and "_UNSPECIFIED" not in node.attr
        )

    def by_name(table: ast.Dict) -> bool:
        pairs = list(zip(table.keys, table.values, strict=True))
        return len(pairs) > 1 and all(
            key is not None
            and is_member(key)
            and is_member(value)
            and isinstance(key, ast.Attribute)
            and isinstance(value, ast.Attribute)
            and (value.attr.endswith(f"_{key.attr}") or key.attr.endswith(f"_{value.attr}"))
            for key, value in pairs
        )

    offenders = [
        f"{source.path}:{node.lineno}"
        for source in services()
        if source.uses("incasso")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Dict) and by_name(node)
    ]
    assert offenders == []


def test_log_calls_use_only_allowed_fields():
    """Of any other field `libs.logs` keeps only the name, and its value is lost."""
    taken = ALLOWED | {"exc_info"}
    lost = [
        f"{source.path}: {keyword.arg}"
        for source in shipped()
        if source.service not in OUTSIDE
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "log"
        and node.func.attr in LEVELS
        for keyword in node.keywords
        if keyword.arg is not None and keyword.arg not in taken
    ]
    assert lost == []
