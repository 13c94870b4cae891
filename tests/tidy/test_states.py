"""Every state machine: a table `(State, Event) -> State` named `…TRANSITIONS` in a pure file.

The same file defines `…INITIAL` (a state, or several) and `…FINAL` (the states without an exit). The
service's migrations list the same states in a CHECK constraint.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from types import ModuleType

import pytest

from tests.tidy.sources import ROOT, shipped

TABLE = re.compile(r"^(\w*?)_?TRANSITIONS\b", re.MULTILINE)
CHECK_LIST = re.compile(r"\bIN\s*\(\s*('[a-z_]+'(?:\s*,\s*'[a-z_]+')*)\s*\)", re.IGNORECASE)


def state_machines() -> list[tuple[str, str]]:
    """(module, prefix of the table's name) of each table."""
    return [
        (".".join(source.path.with_suffix("").parts), prefix)
        for source in shipped()
        if source.service is not None
        for prefix in dict.fromkeys(TABLE.findall(source.text))
    ]


def beside(module: ModuleType, prefix: str, name: str) -> frozenset[Enum]:
    value = getattr(module, f"{prefix}_{name}" if prefix else name, None)
    if value is None:
        pytest.fail(
            f"{module.__name__} has no {prefix}_{name} beside its transitions".replace(" _", " ")
        )
    return frozenset([value] if isinstance(value, Enum) else value)


def table(module: ModuleType, prefix: str) -> Mapping[tuple[Enum, Enum], Enum]:
    transitions: Mapping[tuple[Enum, Enum], Enum] = getattr(
        module, f"{prefix}_TRANSITIONS" if prefix else "TRANSITIONS"
    )
    return transitions


def states_of(transitions: Mapping[tuple[Enum, Enum], Enum]) -> frozenset[Enum]:
    return frozenset(type(next(iter(transitions.values()))))


def checked_lists(service: str) -> Iterator[frozenset[str]]:
    for path in sorted((ROOT / "services" / service / "migrations").glob("*.sql")):
        for values in CHECK_LIST.findall(path.read_text()):
            yield frozenset(re.findall(r"'([a-z_]+)'", values))


@pytest.mark.parametrize(("name", "prefix"), state_machines())
def test_every_state_can_be_reached(name: str, prefix: str):
    module = importlib.import_module(name)
    transitions = table(module, prefix)
    reached = set(beside(module, prefix, "INITIAL"))
    while more := {to for (state, _), to in transitions.items() if state in reached} - reached:
        reached |= more
    assert reached == states_of(transitions)


@pytest.mark.parametrize(("name", "prefix"), state_machines())
def test_exactly_the_final_states_have_no_exit(name: str, prefix: str):
    module = importlib.import_module(name)
    transitions = table(module, prefix)
    leaving = {state for (state, _), to in transitions.items() if to is not state}
    assert states_of(transitions) - leaving == beside(module, prefix, "FINAL")


@pytest.mark.parametrize(("name", "prefix"), state_machines())
def test_the_database_allows_the_same_states(name: str, prefix: str):
    states = {state.value for state in states_of(table(importlib.import_module(name), prefix))}
    assert states in list(checked_lists(name.split(".")[1]))


def test_the_state_machines_of_payments_are_found():
    services = {name.split(".")[1] for name, _ in state_machines()}
    assert "payments" in services
