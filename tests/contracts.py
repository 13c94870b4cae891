"""What tests need of the generated stubs, found by descriptor."""

import importlib
from collections.abc import Callable

import grpc
from google.protobuf.descriptor import ServiceDescriptor


def adder(owner: ServiceDescriptor) -> Callable[[object, grpc.aio.Server], None]:
    """grpcio's add_…Servicer_to_server."""
    module = owner.file.name.removesuffix(".proto").replace("/", ".")
    stubs = importlib.import_module(f"{module}_pb2_grpc")
    return getattr(stubs, f"add_{owner.name}Servicer_to_server")
