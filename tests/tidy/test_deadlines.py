"""Deadlines form one chain in one place: no caller gives up before those that it waits for."""

import ast

import pytest

from libs import deadlines
from libs.settings import Settings
from tests.tidy.sources import sources

# Each deadline, and those whose sum it must exceed.
CHAIN = [
    ("CALL", ("MONEY",)),
    ("CALL", ("SAVING",)),
    ("SAVING", ("MONEY",)),
    ("CALL", ("GIVING_UP",)),
    ("GIVING_UP", ("MONEY",)),
    ("MONEY", ("PSP", "PSP")),
    ("QUESTION", ("PSP",)),
    ("PAGE", ("READ", "READ")),
    ("STOP", ("MONEY",)),
]
CALLING = ("services", "libs", "cli", "stack")


@pytest.mark.parametrize(("waits", "for_these"), CHAIN)
def test_a_callers_deadline_exceeds_those_of_the_calls_it_waits_for(waits, for_these):
    needed = sum(getattr(deadlines, name) for name in for_these)
    assert getattr(deadlines, waits) > needed


def test_the_default_grace_period_is_the_stop_deadline():
    assert Settings.model_fields["grace_seconds"].default == deadlines.STOP


def test_every_service_call_takes_its_timeout_from_deadlines():
    """Each `client.call(…, timeout_seconds=deadlines.X)`, or a variable assigned from them."""
    found, calls = [], 0
    for source in sources():
        if source.parts[0] not in CALLING:
            continue
        for node in ast.walk(source.tree):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "client.call"):
                continue
            calls += 1
            (given,) = (each.value for each in node.keywords if each.arg == "timeout_seconds")
            if not ast.unparse(given).startswith("deadlines.") and not chosen(source.tree, given):
                found.append(f"{source.path}:{node.lineno}")
    assert calls > 10
    assert found == []


def chosen(tree: ast.Module, given: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == ast.unparse(given)
        and "deadlines." in ast.unparse(node.value)
        for node in ast.walk(tree)
    )
