"""A contract of the tests' own, with a call whose answer is a file."""

import grpc
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool

from incasso.common.v1 import file_pb2
from incasso.rest.v1 import options_pb2
from libs import descriptors
from libs.upstreams import message_class
from services.gateway.routes import _routes_of

_FIELD = descriptor_pb2.FieldDescriptorProto
NAME = "incasso.testing.v1.BooksService"


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="incasso/testing/v1/books.proto",
        package="incasso.testing.v1",
        syntax="proto3",
        dependency=[
            file_pb2.DESCRIPTOR.name,
            options_pb2.DESCRIPTOR.name,
            annotations_pb2.DESCRIPTOR.name,
        ],
    )
    request = file.message_type.add(name="DownloadBookRequest")
    for number, name in enumerate(("book_id", "edition"), start=1):
        request.field.add(name=name, number=number, type=_FIELD.TYPE_STRING, label=1)
    answer = file.message_type.add(name="DownloadBookResponse")
    for number, (name, kind) in enumerate((("heading", "FileHeading"), ("file", "FilePiece")), 1):
        of_type = f".incasso.common.v1.{kind}"
        answer.field.add(
            name=name, number=number, type=_FIELD.TYPE_MESSAGE, label=1, type_name=of_type
        )
    method = file.service.add(name="BooksService").method.add(
        name="DownloadBook",
        input_type=".incasso.testing.v1.DownloadBookRequest",
        output_type=".incasso.testing.v1.DownloadBookResponse",
        server_streaming=True,
    )
    method.options.Extensions[annotations_pb2.http].get = "/v1/books/{book_id}/file"
    rules = method.options.Extensions[options_pb2.method]
    rules.scope = "books:read"
    rules.callers.append("gateway")
    rules.download.CopyFrom(
        options_pb2.DownloadRules(
            heading="heading", field="file", media_types=["text/csv", "application/pdf"]
        )
    )
    return file


descriptor_pool.Default().AddSerializedFile(_file().SerializeToString())
RPC = descriptors.service(NAME).methods_by_name["DownloadBook"]
RULES = descriptors.rules_of(RPC).download
REQUEST = message_class(RPC.input_type)
ANSWER = message_class(RPC.output_type)
[ROUTE] = _routes_of(RPC, http_pb2.HttpRule(get="/v1/books/{book_id}/file"))


def add(servicer, server) -> None:
    """Adds the service, like the code that grpcio generates."""
    handler = grpc.unary_stream_rpc_method_handler(
        servicer.DownloadBook,
        request_deserializer=REQUEST.FromString,
        response_serializer=ANSWER.SerializeToString,
    )
    server.add_registered_method_handlers(NAME, {"DownloadBook": handler})
