"""Same key, same answer: data read by the first call may have changed by the time of its retry. So a use case
checks its idempotency key before it reads anything that can change, be it another service or a row.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.sources import Source, sources

# Awaited before the key, and why a retry finds the same as the first call.
STAYS = {
    "deps.merchants.get": "the caller's merchant always exists",
    "deps.merchants.get_current": "the same",
    "default_settings": "the same for its settings",
    "_contents": "the same for its currency and language",
    "plans_flow.found": "plans are never deleted",
    "_find": "nor are charges; a browser's secret is checked each time",
    "deps.routing_cache.of": "a repeat asks the PSP again, by its account",
}


def uses_of_keys() -> Iterator[tuple[Source, ast.AsyncFunctionDef]]:
    """Flows that a service's RPCs call with a key."""
    called = {(source.service, name) for source in sources() for name in _called_by_doors(source)}
    for source in sources():
        if "flows" in source.parts:
            for node in source.tree.body:
                is_called = isinstance(node, ast.AsyncFunctionDef) and _takes_key(node)
                if is_called and (source.service, node.name) in called:
                    yield source, node


def _called_by_doors(source: Source) -> Iterator[str]:
    if source.service is not None and source.role == "service":
        nodes = ast.walk(source.tree)
        yield from (node.attr for node in nodes if isinstance(node, ast.Attribute))


def _takes_key(function: ast.AsyncFunctionDef) -> bool:
    every = [*function.args.args, *function.args.kwonlyargs]
    return any(
        each.arg == "key" and "Key" in ast.unparse(each.annotation or each) for each in every
    )


def before_the_key(function: ast.AsyncFunctionDef) -> list[str]:
    """The calls awaited before the first one that receives the key, in source order."""
    found = []
    for call in sorted(_awaited(function), key=lambda call: (call.lineno, call.col_offset)):
        if any(isinstance(node, ast.Name) and node.id == "key" for node in ast.walk(call)):
            return found
        found.append(ast.unparse(call.func))
    raise LookupError(f"{function.name}: no awaited call receives the key")


def _awaited(node: ast.AST) -> Iterator[ast.Call]:
    """Awaited calls, except those in nested functions, which run later."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Await) and isinstance(child.value, ast.Call):
            yield child.value
        yield from _awaited(child)


@pytest.mark.parametrize(
    ("source", "function"),
    [pytest.param(*use, id=f"{use[0].path}::{use[1].name}") for use in uses_of_keys()],
)
def test_idempotency_keys_are_checked_before_any_lookup(source, function):
    lookups = [name for name in before_the_key(function) if name not in STAYS]
    assert lookups == [], "call idempotency.answered first, or add the reason to STAYS"
