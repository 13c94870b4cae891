"""The parts of the generated stubs that tests need, found by descriptor."""

import importlib
from collections.abc import Callable

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from libs import descriptors
from tests.kit.grouped_cases import grouped

RPCS = [rpc for owner in descriptors.all_services() for rpc in owner.methods]
every_rpc = grouped(
    "rpc",
    RPCS,
    by=lambda rpc: rpc.containing_service.full_name,
    ids=lambda rpc: rpc.full_name,
)


def adder(owner: ServiceDescriptor) -> Callable[[object, grpc.aio.Server], None]:
    """grpcio's add_…Servicer_to_server function."""
    module = owner.file.name.removesuffix(".proto").replace("/", ".")
    stubs = importlib.import_module(f"{module}_pb2_grpc")
    return getattr(stubs, f"add_{owner.name}Servicer_to_server")
