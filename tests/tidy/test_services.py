"""libs/services.py is the only table of services, and it is correct."""

import ast
import importlib
from collections.abc import Iterator

import pytest

from libs import descriptors
from libs.services import NAMES, SERVICES, Service
from stack.ports import OFFSETS
from tests.tidy.sources import ROOT, Source, sources

every_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
# This many names of services in one literal are a list that the next service would be missing from.
# A service and its tests may name those that it calls.
LIST, NEIGHBOURS = 3, 6
EXCEPTIONS = {
    "bench/floor/walk.py": "runs only the services of one walk",
    "libs/services.py": "is the table",
    "tests/e2e/test_rollout.py": "restarts only as many as it has time for",
}


def text_of(service: Service, file: str) -> str:
    return (ROOT / "services" / service.name / file).read_text()


def test_the_services_are_exactly_the_folders_with_migrations():
    folders = {path.parent.name for path in (ROOT / "services").glob("*/migrations")}
    assert folders == set(NAMES)


@every_service
def test_a_services_contracts_match_its_protos(service: Service):
    package = f"incasso.{service.name}.v1"
    found = {owner.full_name for owner in descriptors.all_services()}
    assert {name for name in found if name.startswith(f"{package}.")} == set(service.full_names)


@every_service
def test_a_service_is_marked_as_offering_exactly_if_it_has_get_offer(service: Service):
    owners = map(descriptors.service, service.full_names)
    assert any("GetOffer" in owner.methods_by_name for owner in owners) is bool(service.offers)


@every_service
def test_a_service_is_marked_as_sealing_exactly_if_its_config_has_seal_keys(service: Service):
    config = importlib.import_module(f"services.{service.name}.config").Config
    assert ("seal_keys" in config.model_fields) is service.seals


@every_service
def test_a_service_declares_subscriptions_exactly_if_it_has_listeners(service: Service):
    assert ("listeners=" in text_of(service, "__main__.py")) is bool(service.listens_to)


def test_ports_of_the_embedded_stack_are_unique():
    taken = [*OFFSETS.values()]
    taken += [port for service in SERVICES for port in (service.port, service.port + 1)]
    assert len(taken) == len(set(taken))


def lists_of_services(source: Source) -> Iterator[str]:
    many = LIST if source.service is None and source.parts[1] != "services" else NEIGHBOURS + 1
    yield from (f"{source.path}:{found}" for found in lists_in(source.tree, many))


def lists_in(tree: ast.AST, many: int) -> Iterator[str]:
    """Literals, classes and calls that name many services, as strings or as <service>_target."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Call)):
            named = {name for child in ast.iter_child_nodes(node) for name in names(child)}
        elif isinstance(node, ast.ClassDef):
            named = {name for child in node.body for name in names(child)}
        else:
            continue
        if len(named) >= many:
            yield f"{node.lineno} {sorted(named)}"


def names(node: ast.AST) -> Iterator[str]:
    """Names of services: a string, a keyword, a field, or strings directly inside a tuple or call."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from known(node.value)
    elif isinstance(node, ast.keyword) and node.arg:
        yield from known(node.arg)
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield from known(node.target.id)
    elif isinstance(node, (ast.Tuple, ast.Call)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Constant) and isinstance(child.value, str):
                yield from known(child.value)


def known(text: str) -> Iterator[str]:
    name = text.removesuffix("_target").removesuffix("-migrate")
    name = name.removeprefix("INCASSO_").removesuffix("_TARGET").lower()
    if name in NAMES:
        yield name


def test_no_other_file_has_a_list_of_services():
    lists = (source for source in sources() if str(source.path) not in EXCEPTIONS)
    assert [line for source in lists for line in lists_of_services(source)] == []


def test_the_check_detects_a_list_of_services():
    for text in (
        'X = ("payments", "oneclick", "paylink")',
        'X = [S("payments"), S("oneclick"), S("notify")]',
        "class C:\n    payments_target: str\n    oneclick_target: str\n    notify_target: str",
    ):
        assert list(lists_in(ast.parse(text), LIST)) != []
