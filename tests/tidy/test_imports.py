"""Which file may import what. Each rule keeps a change in one place."""

import ast

import pytest

from libs.services import NAMES
from tests.tidy.sources import Source, role, shipped, subject

IO_PACKAGES = {
    "aiohttp",
    "asyncio",
    "asyncpg",
    "grpc",
    "incasso",
    "libs.bus",
    "libs.consumer",
    "libs.db",
    "libs.due",
    "libs.outbox",
    "libs.relay",
    "libs.schema",
    "nats",
    "os",
    "random",
    "socket",
    "sqlite3",
    "stripe",
    "subprocess",
    "time",
}
OWNERS_OF_ASYNCPG = {
    "consumer",
    "db",
    "due",
    "idempotency",
    "inbox",
    "outbox",
    "relay",
    "retention",
    "schema",
}
OWNERS_OF_PB = {"service", "worker", "events", "__main__"}
# The direction: within its service a file imports only from its own step or below.
STEPS = {
    "__main__": 7,
    "service": 6,
    "worker": 6,
    "flows": 5,
    "deps": 4,
    "store": 3,
    "connectors": 3,
    "providers": 3,
    "events": 3,
    "documents": 2,
    "rules": 1,
    "errors": 0,
}


# Further files of one kind, by the ending of their names: webhook_worker, shop_events.
STEPS_BY_ENDING = {"_client": 3, "_events": 4, "_worker": 6}


def ending(role: str) -> str:
    return next((text for text in STEPS_BY_ENDING if role.endswith(text)), "")


def step(role: str) -> int | None:
    return STEPS_BY_ENDING.get(ending(role), STEPS.get(role))


def side_by_side(role: str, other: str) -> bool:
    """Files of one folder may import each other, and events the messages of other events."""
    return role == other or ending(role) == ending(other) == "_events"


def offenders(rule) -> list[str]:
    return [str(source.path) for source in shipped() if rule(source)]


def test_no_service_imports_another_service():
    def rule(source: Source) -> bool:
        return source.service is not None and any(
            name.startswith("services.") and name.split(".")[1] != source.service
            for name in source.imports()
        )

    assert offenders(rule) == []


def test_nothing_else_imports_services_cli_or_tests_and_only_cli_imports_stack():
    def rule(source: Source) -> bool:
        above = {"services", "stack", "cli", "tests", "bench"} - {source.parts[0]}
        if source.parts[0] == "cli":
            above -= {"stack"}  # only the operators' command may import the stack
        return any(source.uses(package) for package in above)

    assert offenders(rule) == []


# The only contracts of services that libs may know: those for calling payments (two copies of that code had drifted
# apart), for the saved card that it is to charge, for the merchant of a call, and for the clocks of test merchants,
# which every process follows.
CONTRACTS_OF_LIBS = {
    "libs/payments": {"incasso.payments"},
    "libs/payments/saved_cards.py": {"incasso.oneclick"},
    "libs/merchants.py": {"incasso.merchants"},
    "libs/process.py": {"incasso.merchants"},
}


def test_libs_import_only_the_allowed_service_contracts():
    def rule(source: Source) -> bool:
        known = {"incasso.common", "incasso.rest"}
        for place, contracts in CONTRACTS_OF_LIBS.items():
            known |= contracts if source.path.is_relative_to(place) else set()
        return source.parts[0] == "libs" and any(
            name.startswith("incasso.") and not name.startswith(tuple(known))
            for name in source.imports()
        )

    assert offenders(rule) == []


def test_other_libs_do_not_import_libs_payments():
    def rule(source: Source) -> bool:
        return (
            source.parts[0] == "libs"
            and source.parts[1] != "payments"
            and source.uses("libs.payments")
        )

    assert offenders(rule) == []


def test_the_sandbox_shares_no_code_with_what_it_tests():
    def rule(source: Source) -> bool:
        return source.service == "sandbox" and (source.uses("libs") or source.uses("incasso"))

    assert offenders(rule) == []


def test_only_stores_and_its_own_libs_import_the_sql_driver():
    def rule(source: Source) -> bool:
        if source.parts[0] == "libs":
            return source.uses("asyncpg") and source.role not in OWNERS_OF_ASYNCPG
        return source.uses("asyncpg") and not source.role.startswith("store")

    assert offenders(rule) == []


def test_only_the_stripe_connector_imports_stripe():
    def rule(source: Source) -> bool:
        home = ("services", "payments", "connectors", "stripe")
        return source.uses("stripe") and source.parts[:4] != home

    assert offenders(rule) == []


def test_services_import_generated_messages_only_at_their_boundaries():
    def rule(source: Source) -> bool:
        if source.service is None or source.service in {"gateway", "console"}:
            return False
        allowed = source.role in OWNERS_OF_PB or source.path.stem.endswith(
            ("_client", "_events", "_worker")
        )
        return source.uses("incasso") and not allowed

    assert offenders(rule) == []


def test_payments_has_no_service_clients():
    def rule(source: Source) -> bool:
        return source.service == "payments" and source.path.stem.endswith("_client")

    assert offenders(rule) == []


def is_pure(source: Source) -> bool:
    """Whether it is in `rules/`, or defines the refusals that rules raise."""
    return source.service is not None and source.role in {"rules", "errors"}


def test_pure_files_import_no_io_packages():
    def rule(source: Source) -> bool:
        return is_pure(source) and any(source.uses(package) for package in IO_PACKAGES)

    assert offenders(rule) == []


def test_pure_files_neither_await_nor_read_the_clock():
    def rule(source: Source) -> bool:
        return is_pure(source) and any(
            isinstance(node, (ast.AsyncFunctionDef, ast.Await))
            or (isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"})
            for node in ast.walk(source.tree)
            if not is_clock_call(node)
        )

    assert offenders(rule) == []


def is_clock_call(node: ast.AST) -> bool:
    """Whether it is a value passed in, such as `cmd.now`, rather than `datetime.now` or `date.today`."""
    return isinstance(node, ast.Attribute) and not (
        isinstance(node.value, ast.Name) and node.value.id in {"datetime", "date"}
    )


@pytest.mark.parametrize("service", NAMES)
def test_imports_within_a_service_point_to_lower_layers(service: str):
    wrong = []
    for source in shipped():
        own = step(source.role)
        if source.service != service or own is None:
            continue
        for name in source.imports():
            parts = tuple(name.split("."))
            if parts[:2] != ("services", service) or len(parts) < 3:
                continue
            other = step(role(parts))
            above = not source.subject and subject(parts)  # files of the whole process
            if source.subject == subject(parts) and side_by_side(source.role, role(parts)):
                continue
            if other is not None and (other > own or (other == own and not above)):
                wrong.append(f"{source.path} imports {name}")
    assert wrong == []


def test_the_subjects_of_a_service_do_not_import_each_other():
    def rule(source: Source) -> bool:
        found = {subject(tuple(name.split("."))) for name in source.imports()}
        return bool(source.subject and found - {"", source.subject})

    assert {source.subject for source in shipped()} >= {"messages", "webhooks"}
    assert offenders(rule) == []
