"""Every RPC names the services that may call it, and those are exactly the ones whose code does."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor

from libs import descriptors
from libs.services import CALLERS
from services.gateway.checkout import METHOD_SERVICES
from tests.tidy.sources import Source, shipped

RPCS = [rpc for owner in descriptors.all_services() for rpc in owner.methods]
STUB = re.compile(r"\b(\w+Service)Stub\b")
CALLED = re.compile(r"\b_?stub\.([A-Z]\w+)")
BY_NAME = re.compile(r'\bmethod\("(\w+)", "(\w+)"\)')
# Whoever uses these also calls what they call.
CLIENTS = {
    "libs.merchants": Source(Path("libs/merchants.py")),
    "libs.payments.client": Source(Path("libs/payments/client.py")),
    "libs.payments.repaying": Source(Path("libs/payments/repaying.py")),
    "libs.payments.saved_cards": Source(Path("libs/payments/saved_cards.py")),
}
# The gateway's clients for pages list the calls they make.
PAGES = {
    path.stem.removesuffix("_client"): importlib.import_module(f"services.gateway.pay.{path.stem}")
    for path in Path("services/gateway/pay").glob("*_client.py")
}
ASKED = re.compile(r'\bask\("([A-Z]\w+)"')
REQUEST = re.compile(r"\b([A-Z]\w+Request)\b")


def calls() -> Iterator[tuple[str, str]]:
    """(caller, full name of the RPC) for each call in the sources."""
    for source in shipped():
        if source.service == "gateway":
            yield from (("gateway", rpc) for rpc in gateway_calls(source))
        elif source.service == "console":
            yield from (("console", rpc) for rpc in console_calls(source))
        elif source.service is not None:
            used = [client for name, client in CLIENTS.items() if source.uses(name)]
            used += [source] if source.path.stem.endswith("_client") else []
            yield from ((source.service, rpc) for one in used for rpc in client_calls(one))
        elif source.parts[0] in {"cli", "stack"}:
            asked = set(REQUEST.findall(source.text))
            yield from (("operator", rpc.full_name) for rpc in RPCS if rpc.input_type.name in asked)


def client_calls(source: Source) -> Iterator[str]:
    services = set(STUB.findall(source.text))
    for name, client in CLIENTS.items():
        if source.uses(name):
            services |= set(STUB.findall(client.text))
    for name in CALLED.findall(source.text):
        yield from (
            rpc.full_name
            for rpc in RPCS
            if rpc.containing_service.name in services and rpc.name == name
        )


def gateway_calls(source: Source) -> Iterator[str]:
    named = BY_NAME.findall(source.text)
    if source.path.stem == "checkout":
        named += [(service, "GetOffer") for service in METHOD_SERVICES.values()]
    for service, client in PAGES.items():
        if source.path.parts[-2:] == ("pay", f"{service}_client.py"):
            named += [(service, name) for name in client.NAMES]
    for service, name in named:
        yield from (
            rpc.full_name
            for rpc in RPCS
            if rpc.name == name and rpc.full_name.startswith(f"incasso.{service}.")
        )


def console_calls(source: Source) -> Iterator[str]:
    """Calls that its pages name, and its calls to merchants on each page and for signing in."""
    named = [("merchants", name) for name in ASKED.findall(source.text)]
    named += BY_NAME.findall(source.text)
    if source.path.name == "routes.py":
        pages = importlib.import_module("services.console.routes").PAGES
        named += [tuple(name.split(".")) for page in pages for name in (*page.calls, *page.parts)]
    yield from (
        rpc.full_name
        for service, name in named
        for rpc in RPCS
        if rpc.name == name and rpc.full_name.startswith(f"incasso.{service}.")
    )


WITH_ADDRESS = {("gateway", rpc.full_name) for rpc in RPCS if descriptors.http_rule(rpc)}
CALLS = WITH_ADDRESS | set(calls())


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.full_name)
def test_every_rpc_declares_its_callers(rpc: MethodDescriptor):
    callers = list(descriptors.rules_of(rpc).callers)
    assert callers, f'{rpc.full_name}: say `callers: ["…"]` in its (incasso.rest.v1.method)'
    assert len(set(callers)) == len(callers)
    assert set(callers) <= set(CALLERS)


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.full_name)
def test_declared_callers_of_an_rpc_match_the_code(rpc: MethodDescriptor):
    used = {caller for caller, name in CALLS if name == rpc.full_name}
    assert set(descriptors.rules_of(rpc).callers) == used
