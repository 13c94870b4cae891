"""Every RPC names the services that may call it: the server refuses everybody else."""

import pytest
from google.protobuf.descriptor import MethodDescriptor

from libs import descriptors
from tests.tidy.sources import ROOT

SERVICES = {path.parent.name for path in (ROOT / "services").glob("*/__main__.py")}
KNOWN = SERVICES - {"sandbox"} | {"operator"}
RPCS = [rpc for owner in descriptors.all_services() for rpc in owner.methods]


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.full_name)
def test_an_rpc_names_its_callers(rpc: MethodDescriptor):
    callers = list(descriptors.rules_of(rpc).callers)
    assert callers, f'{rpc.full_name}: say `callers: ["…"]` in its (incasso.rest.v1.method)'
    assert len(set(callers)) == len(callers)
    assert set(callers) <= KNOWN


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.full_name)
def test_what_has_an_address_may_be_called_by_the_gateway(rpc: MethodDescriptor):
    if descriptors.http_rule(rpc) is not None:
        assert "gateway" in descriptors.rules_of(rpc).callers
